"""The copy rules of Chinese: each finds its mistakes in a piece of prose and, where safe, the edits that mend them.

Spaces between Chinese and Latin, half-width marks and full-width letters are autocorrect-py's. It knows nothing of Markdown and
of this book's brackets, quotes, ranges and dots: those rules are here, and so is the place of each edit outside of marks.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

import autocorrect_py

from openbook.reading.prose import OPAQUE, REFERENCE, Piece

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
HAS_HAN = re.compile(f"[{HAN}]")
WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ％\u3000]")
WIDE_MARK = re.compile("[，；：？！。、（）]")
FULL = {",": "，", ";": "；", ":": "：", "?": "？", "!": "！", ".": "。"}
SPACE_BESIDE = re.compile("[ \u00a0]+(?=[，。、；：？！（）《》“”…])|(?<=[，。、；：？！（）《》“”])[ \u00a0]+")
HALF_AFTER_LATIN = re.compile(f"(?<=[A-Za-z0-9%){OPAQUE}])[,;:?!] ?(?=[{HAN}])|(?<=[A-Za-z){OPAQUE}])\\. ?(?=[{HAN}])")
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


def _autocorrected(piece: Piece, line: str) -> Iterator[Problem]:
    """Yield what autocorrect-py would change, each with its edit."""
    text = piece.text.replace(OPAQUE, "x").replace(REFERENCE, "x")    # code, formulas and numbers are Latin words to it
    mended = autocorrect_py.format(text)
    if mended == text:
        return
    for change, start, end, first, last in SequenceMatcher(None, text, mended, autojunk=False).get_opcodes():
        old, new = text[start:end], mended[first:last]
        if change == "equal" or WIDE_MARK.search(old):
            continue    # it takes `：` between two Latin words for a mistake: `ZeRO-2：26 GB`
        if not old and piece.text[start:start + 1] == REFERENCE:
            continue    # the number of `[图](#fig-a)`, for which the build makes room
        yield _problem(piece, line, start, end, old, new)


def _problem(piece: Piece, line: str, start: int, end: int, old: str, new: str) -> Problem:
    """Say what is wrong with the piece's characters from `start` to `end`, `old`, for which `new` is right."""
    around = _around(piece, start, end)
    if not old:
        place = _between(piece, line, start) if new == " " else None
        return Problem(start, f"a space is missing in `{around}`",
                       "Put a space between Chinese and Latin letters, digits, code or formulas.",
                       ((place, place, " "),) if place is not None else ())
    edits = _replace(piece, line, start, end, new)
    if not new.strip():
        return Problem(start, f"a space too many in `{around}`", "Take it out.", edits)
    kind = "full-width" if WIDE.search(old) else "half-width"
    return Problem(start, f"{kind} `{old.strip()}` in Chinese: `{around}`", f"Write `{new.strip()}`.", edits)


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


def _half_width_after_latin(piece: Piece, line: str) -> Iterator[Problem]:
    for found in HALF_AFTER_LATIN.finditer(piece.text):
        mark = found[0].strip()
        ends = mark == "."    # it may end an abbreviation
        yield Problem(found.start(), f"half-width `{mark}` in Chinese: `{_around(piece, *found.span())}`",
                      f"Write `{FULL[mark]}`" + (" where a sentence ends." if ends else "."),
                      () if ends else _replace(piece, line, *found.span(), FULL[mark]))


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


@functools.cache
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


RULES = (_autocorrected, _spaces_beside_marks, _half_width_after_latin, _brackets, _quotes, _ranges, _dots, _traditional)
