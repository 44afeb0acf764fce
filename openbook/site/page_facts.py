"""Tell of a page how long it takes to read, when it last changed, and when its sources were read."""

from __future__ import annotations

import re
from math import ceil

from openbook.facts.model import Facts
from openbook.site.dates import Change

#: English words and Chinese characters that a reader of technical prose takes in a minute.
WORDS_A_MINUTE, CHARACTERS_A_MINUTE = 220, 330
# Looked up rather than read: code, tables, figures, formulas.
UNREAD = re.compile(r'<(pre|table|svg)\b.*?</\1>|<(span|div) class="arithmatex">.*?</\2>', re.DOTALL)
TAG = re.compile(r"<[^>]+>")
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
WORD = re.compile(r"[A-Za-z0-9][\w'’.-]*")
CITED = re.compile(r'<li id="src-([^"]+)">')


def reading_minutes(content: str) -> int:
    """Return how many minutes the prose of a page takes, at least one; Chinese is counted by characters.

    `content` is the page's HTML before formulas are set and sources listed.
    """
    text = TAG.sub(" ", UNREAD.sub(" ", content))
    characters = sum(map(len, HAN.findall(text)))
    words = len(WORD.findall(HAN.sub(" ", text)))
    return max(1, ceil(characters / CHARACTERS_A_MINUTE + words / WORDS_A_MINUTE))


def sources_read(content: str, facts: Facts) -> tuple[str, str] | None:
    """Return the first and the last day on which the sources that a page lists were read; None if it lists none."""
    days = sorted(str(facts.sources[name].accessed) for name in CITED.findall(content) if name in facts.sources)
    return (days[0], days[-1]) if days else None


def days_of_change(changes: dict[str, tuple[Change, ...]]) -> dict[str, str]:
    """Return the day of the last change of each file."""
    return {file: max(change.day for change in found) for file, found in changes.items()}


def last_change(file: str, tables: set[str], days: dict[str, str]) -> str | None:
    """Return the day on which a reader last saw something new on a page: in its text, or in a table of facts it shows."""
    return max((days[path] for path in (file, *(f"data/{name}.yml" for name in tables)) if path in days), default=None)


def headings_of(toc) -> list[dict]:
    """Return the headings of a page's table of contents in reading order, as the manifest lists them."""
    found = []
    for item in toc:
        found.append({"level": item.level, "id": item.id, "title": item.title})
        found += headings_of(item.children)
    return found
