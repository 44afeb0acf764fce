"""Read numbers written as words: two thirds, twice, 一半, 三分之二, 六成."""

from __future__ import annotations

import re

_ENGLISH = {
    0: "zero none no", 1: "one first once single sole", 3: "three third thrice triple triples tripled threefold", 4: "four fourth quadruple fourfold",
    2: "two second twice double doubles doubled doubling both pair pairs couple halve halves halved halving twofold",
    5: "five fifth fivefold", 6: "six sixth", 7: "seven seventh", 8: "eight eighth", 9: "nine ninth", 10: "ten tenth tenfold",
    11: "eleven", 12: "twelve dozen", 13: "thirteen", 14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen",
    18: "eighteen", 19: "nineteen", 20: "twenty", 24: "twenty-four", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty",
    70: "seventy", 80: "eighty", 90: "ninety", 100: "hundred hundredfold", 1000: "thousand thousandfold",
    10**6: "million", 10**9: "billion", 1 / 2: "half halve halves halved halving", 1 / 3: "third thirds",
    2 / 3: "two-thirds", 1 / 4: "quarter quarters", 3 / 4: "three-quarters", 1 / 5: "fifth fifths", 1 / 6: "sixth sixths",
    1 / 7: "seventh sevenths", 1 / 8: "eighth eighths", 1 / 10: "tenth tenths", 1 / 100: "hundredth", 1 / 1000: "thousandth",
}
ENGLISH: dict[str, list[float]] = {}
for _value, _words in _ENGLISH.items():
    for _word in _words.split():
        ENGLISH.setdefault(_word, []).append(_value)
WORD = re.compile(r"[A-Za-z]+(?:-(?:four|thirds|quarters))?")
DENOMINATORS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}
PARTS = re.compile(rf"\b(\w+)[ -]({'|'.join(DENOMINATORS)})s\b")

COUNTS = {word: value for value, word in enumerate("three four five six seven eight nine ten eleven twelve".split(), 3)}
COUNT = re.compile(rf"\b({'|'.join(COUNTS)})\b(?!-?(?:{'|'.join(DENOMINATORS)})s\b)", re.IGNORECASE)

DIGITS = {char: value for value, chars in enumerate(("〇零", "一首单", "二两双", "三", "四", "五", "六", "七", "八", "九")) for char in chars}
POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
CHINESE = re.compile("[〇零一二两三四五六七八九十百千万亿首单双]+")
FRACTION = re.compile("([一二两三四五六七八九十百千]+)分之([一二两三四五六七八九十百]+)")
TENTHS = re.compile("([一二两三四五六七八九])成(?!为|了|本|功|员|对|倍|组|形|立)")
CHINESE_WORDS = {"半": (1 / 2,), "翻倍": (2,), "翻番": (2,), "翻一番": (2,), "翻了一倍": (2,), "加倍": (2,), "成倍": (2,),
                 "一倍": (2,), "倍": (2,), "对": (2,), "减半": (2, 1 / 2), "没有": (0,), "不": (0,), "无": (0,), "打": (12,)}


def words_in(text: str) -> set[float]:
    """Return every value that a number word of either language in `text` may stand for."""
    values: set[float] = set()
    for found in WORD.finditer(text):
        values.update(ENGLISH.get(found[0].lower(), ()))
    for found in PARTS.finditer(text.lower()):
        for value in ENGLISH.get(found[1], ()):
            values.add(value / DENOMINATORS[found[2]])
    for found in FRACTION.finditer(text):
        if bottom := chinese_number(found[1]):
            values.add(chinese_number(found[2]) / bottom)
    for found in TENTHS.finditer(text):
        values.add(DIGITS[found[1]] / 10)
    for found in CHINESE.finditer(text):
        values.add(chinese_number(found[0]))
        # 三四台 is three or four of them; 第一二行 names two rows.
        values.update(DIGITS[char] for char in found[0] if char in DIGITS)
    for word, meant in CHINESE_WORDS.items():
        if word in text:
            values.update(meant)
    return values


def chinese_number(word: str) -> float:
    """Return the value of a Chinese numeral such as 一百二十八 or 三万."""
    total = part = digit = 0
    for char in word:
        if char in DIGITS:
            digit = DIGITS[char]
        elif POWERS[char] >= 10**4:
            total, part, digit = (total + part + digit or 1) * POWERS[char], 0, 0
        else:
            part, digit = part + (digit or 1) * POWERS[char], 0
    return total + part + digit


def counts_in(text: str) -> list[tuple[str, int]]:
    """Return the counts that English writes as words, from three to twelve; one and two are often only grammar."""
    return [(found[0], COUNTS[found[0].lower()]) for found in COUNT.finditer(text)]
