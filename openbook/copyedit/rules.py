"""The copy rules of Chinese: each finds its mistakes in a piece of prose and, where safe, the edits that mend them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from openbook.reading.prose import OPAQUE, REFERENCE, Piece

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
HAS_HAN = re.compile(f"[{HAN}]")
FULL = {",": "，", ";": "；", ":": "：", "?": "？", "!": "！", ".": "。"}
SPACE_MISSING = re.compile(f"(?<=[{HAN}])(?=[A-Za-z0-9{OPAQUE}])|(?<=[A-Za-z0-9%°{OPAQUE}{REFERENCE}])(?=[{HAN}])")
SPACE_BESIDE = re.compile("[ \u00a0]+(?=[，。、；：？！（）《》“”…])|(?<=[，。、；：？！（）《》“”])[ \u00a0]+")
WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ％\u3000]")
HALF_MARK = re.compile(f"(?<=[{HAN}”）》])[,;:?!] ?|(?<=[{HAN}”）》])\\.(?=[ {HAN}]|$) ?|(?<=[A-Za-z0-9%){OPAQUE}])[,;:?!] ?(?=[{HAN}])")
HALF_STOP = re.compile(f"(?<=[A-Za-z){OPAQUE}])\\. ?(?=[{HAN}])")
BRACKETS = re.compile(r" ?\(([^()]*)\) ?")
QUOTES = re.compile(r' ?"([^"]*)" ?')
CORNERS = re.compile("[「」『』]")
RANGE = re.compile(r"(?<![\w.,/–-])(\d[\d,.]*%?) ?(?:-{1,2}|~|～|—{1,2}) ?(?=\d[\d,.]*(?![\w-]|[.,/]\d))")
DOTS = re.compile(f"(?<=[{HAN}])\\.{{3,}}|\\.{{3,}}(?=[{HAN}])|(?<!…)…(?!…)|。{{2,}}")
#: In the national list of 2013, after GB 2312.
SIMPLIFIED_TOO = frozenset("昇镕堃喆祎")
TWICE = re.compile("([，；：？、])\\1+")


@dataclass(frozen=True)
class Problem:
    """A mistake in a piece: where, what, how to mend it, and the edits (start, end, text of the line) if it is safe."""

    at: int
    message: str
    mend: str
    edits: tuple[tuple[int, int, str], ...] = ()


def problems(piece: Piece, line: str) -> list[Problem]:
    """Return what breaks the rules in one piece of the source line `line`; a piece without Chinese is left alone."""
    if not HAS_HAN.search(piece.text):
        return []
    return sorted((problem for rule in RULES for problem in rule(piece, line)), key=lambda problem: problem.at)


def _around(piece: Piece, start: int, end: int) -> str:
    shown = piece.text[max(0, start - 4):end + 4]
    return shown.replace(OPAQUE, "`…`").replace(REFERENCE, "")


def _replace(piece: Piece, line: str, start: int, end: int, text: str) -> tuple[tuple[int, int, str], ...]:
    """Return the edit that puts `text` for the piece's characters from `start` to `end`; none if marks stand between."""
    whole = all(piece.ends[i] == piece.starts[i + 1] for i in range(start, end - 1))
    return ((piece.starts[start], piece.ends[end - 1], text),) if whole else ()


def _spaces_missing(piece: Piece, line: str) -> Iterator[Problem]:
    for found in SPACE_MISSING.finditer(piece.text):
        at = found.start()
        place = _between(piece, line, at)
        yield Problem(at, f"a space is missing in `{_around(piece, at, at)}`",
                      "Put a space between Chinese and Latin letters, digits, code or formulas.",
                      ((place, place, " "),) if place is not None else ())


def _between(piece: Piece, line: str, at: int) -> int | None:
    """Return where in the line a space goes before the piece's character `at`: outside of marks that open or close."""
    left, right = piece.ends[at - 1], piece.starts[at]
    gap = line[left:right]
    if not gap:
        return left
    if gap == "[" or (set(gap) == {"*"} and line[:left].count(gap) % 2 == 0):
        return left
    if re.fullmatch(r"\]\([^()]*\)", gap) or (set(gap) == {"*"} and line[:left].count(gap) % 2 == 1):
        return right
    return None


def _spaces_beside_marks(piece: Piece, line: str) -> Iterator[Problem]:
    for found in SPACE_BESIDE.finditer(piece.text):
        yield Problem(found.start(), f"a space stands beside full-width punctuation in `{_around(piece, *found.span())}`",
                      "Take it out: the mark brings its own.", _replace(piece, line, *found.span(), ""))


def _wide_letters(piece: Piece, line: str) -> Iterator[Problem]:
    for found in WIDE.finditer(piece.text):
        narrow = " " if found[0] == "\u3000" else chr(ord(found[0]) - 0xFEE0)
        yield Problem(found.start(), f"`{found[0]}` is full-width" if narrow != " " else "a full-width space",
                      f"Write `{narrow}`.", _replace(piece, line, *found.span(), narrow))


def _half_width_marks(piece: Piece, line: str) -> Iterator[Problem]:
    for found in HALF_MARK.finditer(piece.text):
        mark = FULL[found[0].strip()]
        yield Problem(found.start(), f"half-width `{found[0].strip()}` in Chinese: `{_around(piece, *found.span())}`",
                      f"Write `{mark}`.", _replace(piece, line, *found.span(), mark))
    for found in HALF_STOP.finditer(piece.text):
        yield Problem(found.start(), f"half-width `.` in Chinese: `{_around(piece, *found.span())}`",
                      "Write `。` where a sentence ends.")


def _brackets(piece: Piece, line: str) -> Iterator[Problem]:
    text = piece.text
    for found in BRACKETS.finditer(text):
        before, after = text[:found.start()][-1:], text[found.end():][:1]
        if after in tuple("/×+−=·^"):
            continue    # arithmetic: (4 − 1) / 7
        inside = HAS_HAN.search(found[1])
        call = found[0][0] == "(" and re.match(rf"[\w{OPAQUE}]", before) and not HAS_HAN.match(before)
        if inside or (not call and (HAS_HAN.match(before or " ") or HAS_HAN.match(after or " "))):
            yield Problem(found.start(), f"half-width brackets in Chinese: `{found[0].strip()}`".replace(OPAQUE, "`…`"),
                          "Write （ and ）, without spaces around them.", _pair(piece, line, found, "（", "）"))


def _quotes(piece: Piece, line: str) -> Iterator[Problem]:
    for found in QUOTES.finditer(piece.text):
        yield Problem(found.start(), f"straight quotes in Chinese: `{found[0].strip()}`".replace(OPAQUE, "`…`"),
                      "Write “ and ”, without spaces around them.", _pair(piece, line, found, "“", "”"))
    for found in CORNERS.finditer(piece.text):
        mark = {"「": "“", "」": "”", "『": "‘", "』": "’"}[found[0]]
        yield Problem(found.start(), f"`{found[0]}` is not a quotation mark of this book", f"Write {mark}.",
                      _replace(piece, line, *found.span(), mark))


def _pair(piece: Piece, line: str, found: re.Match, opening: str, closing: str) -> tuple[tuple[int, int, str], ...]:
    """Return the edits that replace both ends of a pair, with the spaces outside of them."""
    first = _replace(piece, line, found.start(), found.start(1), opening)
    last = _replace(piece, line, found.end(1), found.end(), closing)
    return first + last if first and last else ()


def _ranges(piece: Piece, line: str) -> Iterator[Problem]:
    for found in RANGE.finditer(piece.text):
        if re.fullmatch(r"(19|20)\d\d", found[1]) and re.match(r"\d\d(?!\d)", piece.text[found.end():]):
            continue    # a date: 2026-11
        yield Problem(found.start(), f"a range without `–`: `{_around(piece, *found.span())}`", "Write it with an en dash: 3–5.",
                      _replace(piece, line, found.end(1), found.end(), "–"))


def _dots(piece: Piece, line: str) -> Iterator[Problem]:
    for found in DOTS.finditer(piece.text):
        yield Problem(found.start(), f"`{found[0]}` is not a Chinese ellipsis", "Write `……`, or one `。`.",
                      () if "。" in found[0] else _replace(piece, line, *found.span(), "……"))
    for found in TWICE.finditer(piece.text):
        yield Problem(found.start(), f"`{found[0]}` is written twice", f"Write one `{found[1]}`.",
                      _replace(piece, line, *found.span(), found[1]))


def _traditional(piece: Piece, line: str) -> Iterator[Problem]:
    for at, character in enumerate(piece.text):
        if is_traditional(character):
            yield Problem(at, f"`{character}` is a Traditional character", "Write its simplified form.")


def is_traditional(character: str) -> bool:
    """Return whether a character belongs to Big5 and not to GB 2312: Traditional, or too rare to be meant."""
    if not "\u4e00" <= character <= "\u9fff" or character in SIMPLIFIED_TOO:
        return False
    return not _encodes(character, "gb2312") and _encodes(character, "big5")


def _encodes(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


RULES = (_spaces_missing, _spaces_beside_marks, _wide_letters, _half_width_marks, _brackets, _quotes, _ranges, _dots, _traditional)
