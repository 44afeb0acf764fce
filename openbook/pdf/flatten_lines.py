"""Fit the lines of a listing to the measure: a comment moves, a line is cut at its spaces, an output takes smaller type.

The type is monospaced, so that columns can be counted here; left to itself, WeasyPrint breaks a line behind any dash
and inside its indent.
"""

from __future__ import annotations

Run = tuple[str, str]
Line = list[Run]

#: Columns by which the pieces of a cut line hang behind its indent: the padding of `.cl` in overrides/pdf/book.css.
HANG = 4
#: A line's indent counts up to this much, so that something is left of the measure.
DEEPEST = 24
#: Classes for outputs that are too wide, with their size of type as a part of a listing's (book.css).
SMALLER = (("", 1.0), ("wide-1", 0.9), ("wide-2", 0.8), ("wide-3", 0.72))
#: Signs behind which a word that fills the measure is cut.
SIGNS = "/,;|&=)"


def width(text: str) -> int:
    """Count the columns of a text in the monospaced font; Chinese characters take two."""
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)


def text_of(line: Line) -> str:
    """Read a line without its colours."""
    return "".join(text for _, text in line)


def size_for(lines: list[Line], columns: int) -> tuple[str, int]:
    """Choose the size of an output: the class, and the columns that then fit; the full size where none is small enough."""
    widest = max((width(text_of(line)) for line in lines), default=0)
    return next(((name, int(columns / size)) for name, size in SMALLER if widest <= int(columns / size)), ("", columns))


def fit(lines: list[Line], columns: int) -> list[list[Line]]:
    """Fit lines to a measure; return for each line its pieces, the second and later ones to be hung."""
    found: list[list[Line]] = []
    for number, line in enumerate(lines):
        # Behind a backslash a comment of its own would end the command.
        goes_on = number > 0 and text_of(lines[number - 1]).endswith("\\")
        found += [cut(part, columns) for part in _lift_comment(line, columns, not goes_on)]
    return found


def _lift_comment(line: Line, columns: int, may_lift: bool) -> list[Line]:
    """Move the comment at the end of a line that is too long closer to the code, or to a line of its own above."""
    if width(text_of(line)) <= columns:
        return [line]
    at = next((i for i, (colour, _) in enumerate(line) if colour == "c"), 0)
    if not at or any(colour != "c" for colour, _ in line[at:]) or not text_of(line[:at]).strip():
        return [line]
    code, comment = [*line[:at - 1], (line[at - 1][0], line[at - 1][1].rstrip())], line[at:]
    closer = [*code, ("", "  "), *comment]
    if width(text_of(closer)) <= columns:
        return [closer]
    return [[("", " " * indent(text_of(line))), *comment], code] if may_lift else [line]


def indent(text: str) -> int:
    """Count the spaces at a line's start."""
    return len(text) - len(text.lstrip(" "))


def cut(line: Line, columns: int) -> list[Line]:
    """Cut a line into pieces that fit, at spaces where it has any; the spaces there are dropped."""
    text = text_of(line)
    hang = min(indent(text), DEEPEST) + HANG
    pieces, start, room = [], 0, columns
    while width(text[start:].rstrip()) > room:
        end = _place(text, start, room)
        pieces.append(_part(line, start, len(text[:end].rstrip())))
        start = end + indent(text[end:])
        room = columns - hang
    return [*pieces, _part(line, start, len(text))]


def _place(text: str, start: int, room: int) -> int:
    """Find where to cut a text so that what stands before fits: at the last space, beside Chinese, behind a sign, anywhere."""
    far = start
    while width(text[start:far + 1]) <= room:
        far += 1
    first = start + indent(text[start:]) + 1
    for fits in (_between_words, _behind_sign):
        if place := next((i for i in range(far, first, -1) if fits(text, i)), 0):
            return place
    return far


def _between_words(text: str, at: int) -> bool:
    """Say whether a text may be cut at a space, but for a last backslash, or after a Chinese character but for a mark."""
    if text[at] == " ":
        return text[at:].strip() != "\\"
    return text[at - 1] > "\u2e7f" and "\u4dff" < text[at] < "\uff00"


def _behind_sign(text: str, at: int) -> bool:
    """Say whether a text may be cut behind one of the signs."""
    return text[at - 1] in SIGNS and text[at] not in SIGNS


def _part(line: Line, start: int, end: int) -> Line:
    """Take the characters of a line from `start` to `end` with their colours."""
    found, at = [], 0
    for colour, text in line:
        piece = text[max(start - at, 0):max(end - at, 0)]
        if piece:
            found.append((colour, piece))
        at += len(text)
    return found
