"""Read the numbers of a sentence with their units, in English and in Chinese, and tell which have no counterpart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from openbook.alignment.number_words import counts_in, words_in
from openbook.alignment.units import CANONICAL, MEASURES, SOFT, UNIT

MONTHS = {name: index for index, names in enumerate(
    ("January Jan", "February Feb", "March Mar", "April Apr", "May", "June Jun", "July Jul", "August Aug",
     "September Sep Sept", "October Oct", "November Nov", "December Dec"), 1) for name in names.split()}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DATES = (
    re.compile(r"(?<![\d.-])(?P<y>(?:19|20)\d\d)-(?P<m>[01]\d)(?:-(?P<d>[0-3]\d))?(?![\d-])"),
    re.compile(r"(?P<y>(?:19|20)\d\d) ?年 ?(?P<m>\d{1,2}) ?月(?: ?(?P<d>\d{1,2}) ?[日号])?"),
    re.compile(r"(?<!\d)(?P<m>\d{1,2}) ?月 ?(?P<d>\d{1,2}) ?[日号]"),
    re.compile(r"(?<!\d)(?P<m>\d{1,2}) ?月(?!\d)"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)? (?P<n>{_MONTH})\.?(?:,? (?P<y>(?:19|20)\d\d))?\b"),
    re.compile(rf"\b(?P<n>{_MONTH})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<y>(?:19|20)\d\d))?\b(?! ?%)"),
    re.compile(rf"\b(?P<n>{_MONTH})\.?,? (?:of )?(?P<y>(?:19|20)\d\d)\b"),
)
ANY_DIGIT = re.compile(r"\d")
LONE_MONTH = re.compile(rf"\b({_MONTH})\b")
NAME = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]+(?:[-_.+/][A-Za-z]+)*[-_.]?\d\w*(?:\.\d+)*(?:-[A-Z0-9]\w*)*", re.ASCII)
NUMBER = re.compile(r"(?P<sign>(?<![\w)）.])[-−])?(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*)")
MULTIPLIERS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
               "万亿": 1e12, "千亿": 1e11, "百亿": 1e10, "十亿": 1e9, "亿": 1e8, "千万": 1e7, "百万": 1e6, "十万": 1e5,
               "万": 1e4, "千": 1e3}
MULTIPLIER = re.compile(r"(?P<word>[KkMBT](?![A-Za-z0-9/])|[ -]?(?:thousand|million|billion|trillion)\b"
                        r"| ?(?:万亿|千亿|百亿|十亿|亿|千万|百万|十万|万|千)(?![瓦克米]))")
FULL_WIDTH = str.maketrans("０１２３４５６７８９．，％", "0123456789.,%")


@dataclass(frozen=True)
class Number:
    """A number written in digits: its value (a date is a text), its unit if it has one, as it was written."""

    value: float | str
    unit: str
    shown: str


@dataclass(frozen=True)
class Numbers:
    """What a piece of prose says in numbers: in digits, in words, and in names such as H100."""

    digits: tuple[Number, ...]
    names: frozenset[str]
    rest: str

    @property
    def words(self) -> frozenset[float | str]:
        """Return the values of the number words, which are only read when digits alone do not agree."""
        return _words(self.rest)


def numbers_in(text: str) -> Numbers:
    """Return the numbers of a piece of prose without code, formulas and link targets."""
    if not ANY_DIGIT.search(text):
        return Numbers((), frozenset(), text)
    found: list[tuple[int, Number]] = []
    for pattern in DATES:
        text = pattern.sub(lambda date: _take(date, found), text)
    names = frozenset(_plain_name(name[0]) for name in NAME.finditer(text))
    text = NAME.sub(lambda name: " " * len(name[0]), text)
    in_digits: list[tuple[int, int]] = []
    for number in NUMBER.finditer(text):
        read, end = _number(text, number)
        found.append((number.start(), read))
        in_digits.append((number.start(), end))
    for start, end in in_digits:    # the 万 of "1 万" is no number of its own
        text = text[:start] + " " * (end - start) + text[end:]
    return Numbers(tuple(number for _, number in sorted(found, key=lambda pair: pair[0])), names, text)


@lru_cache(maxsize=2_000)
def _words(text: str) -> frozenset[float | str]:
    return frozenset(words_in(text)) | {_date(None, MONTHS[month[1]], None) for month in LONE_MONTH.finditer(text)}


def _plain_name(name: str) -> str:
    """Return a name without the s of its plural."""
    return name[:-1] if name.endswith("s") and name[-2:-1].isdigit() else name


def _date(year: str | None, month: int, day: str | None) -> str:
    return f"{year or ''}-{month:02}" + (f"-{int(day):02}" if day else "")


def _take(found: re.Match, into: list[tuple[int, Number]]) -> str:
    groups = found.groupdict()
    month = int(groups["m"]) if groups.get("m") else MONTHS[groups["n"]]
    if not 1 <= month <= 12:
        return found[0]
    into.append((found.start(), Number(_date(groups.get("y"), month, groups.get("d")), "", found[0].strip())))
    return " " * len(found[0])


def _number(text: str, found: re.Match) -> tuple[Number, int]:
    """Return a number with its multiplier and unit, and where it ends."""
    digits, end = found["digits"].replace(",", ""), found.end()
    if digits.count(".") > 1:
        return Number(digits, "", digits), end    # a version such as 2.13.0
    value = float(digits) * (-1 if found["sign"] else 1)
    unit = UNIT.match(text, end)
    # "80 B" are bytes, "80B" are billions.
    if not unit or (unit["unit"] in ("B", "T", "M", "K", "k") and not text[end].isspace()):
        if multiplier := MULTIPLIER.match(text, end):
            value *= MULTIPLIERS[multiplier["word"].strip(" -").lower()]
            end = multiplier.end()
            unit = UNIT.match(text, end)
        else:
            unit = None
    if unit and CANONICAL[unit["unit"]] == "year" and 1900 <= value < 2100:
        unit = None    # 2025 年 is a date, not a duration
    if unit:
        end = unit.end()
    name = CANONICAL[unit["unit"]] if unit else ""
    if text[max(0, found.start() - 1):found.start()] == "$":
        name = "USD"
    return Number(float(f"{value:.12g}"), name, text[found.start():end].strip()), end


def unmatched(here: Numbers, there: Numbers) -> tuple[list[Number], list[Number]]:
    """Return the numbers in digits of each side that the other side has neither in digits nor in words.

    `there` is English: what it counts in words is wanted here too. Chinese may count what English only lists.
    The same number wants the same unit. One side may leave the unit out where the unit is a plain word, or
    where it stands with another number of the same paragraph: "256 GB/s inside a server, 320 within the rack".
    """
    ours, theirs = list(here.digits), list(there.digits)
    for units_of in (None, ({number.unit for number in here.digits}, {number.unit for number in there.digits})):
        for number in list(ours):
            partner = next((other for other in theirs if _same(number, other, units_of)), None)
            if partner:
                ours.remove(number)
                theirs.remove(partner)
    uncounted = [Number(value, "", word) for word, value in counts_in(there.rest)
                 if value not in here.words and all(number.value != value for number in here.digits)]
    return ([number for number in ours if _has_other_unit(number, theirs) or not _in_words(number, there)],
            [number for number in theirs if _has_other_unit(number, ours) or not _in_words(number, here)] + uncounted)


def _same(a: Number, b: Number, units: tuple[set[str], set[str]] | None) -> bool:
    if a.value != b.value or a.unit == b.unit or units is None:
        return a.value == b.value and a.unit == b.unit
    left_out_there = not b.unit and (a.unit in SOFT or a.unit in units[1])
    return left_out_there or (not a.unit and (b.unit in SOFT or b.unit in units[0]))


def _has_other_unit(number: Number, others: list[Number]) -> bool:
    """Say whether a number stands on the other side with another unit: 1 GiB is not the "one" of a sentence that says 1 GB, too."""
    return bool(number.unit) and any(other.value == number.value and other.unit for other in others)


def _in_words(number: Number, other: Numbers) -> bool:
    meanings = {number.value, number.value / 100} if number.unit == "%" else {number.value}
    if number.unit in MEASURES and not MEASURES[number.unit].search(other.rest):
        return False    # 1 GB is not any "one": there has to be a gigabyte
    return any(_near(meaning, word) for meaning in meanings for word in other.words)


def _near(a: float | str, b: float | str) -> bool:
    return a == b or (isinstance(a, float) and isinstance(b, (int, float)) and abs(a - b) < 1e-9)
