"""Describe a block by what its translation must share, so that counterparts can be told without a dictionary."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from openbook.alignment.prose import Prose, read_prose
from openbook.reading.blocks import Block, Section

LATIN = re.compile(r"[A-Za-z]{2,}")
WORDY = frozenset({"heading", "callout", "tab", "caption", "figure", "item", "paragraph", "definition", "reference", "quote", "html"})
"""Kinds of blocks that are read as prose; the others are code, formulas, tables and marks."""


@dataclass(frozen=True)
class Features:
    """Parts that are the same in both languages, Latin words, and a length comparable between languages."""

    neutral: frozenset
    latin: frozenset[str]
    size: int


@lru_cache(maxsize=20_000)
def prose(text: str) -> Prose:
    """Return the parts of a piece of prose, read once."""
    return read_prose(text)


@lru_cache(maxsize=20_000)
def features(text: str) -> Features:
    """Return the features of a piece of prose."""
    read = prose(text)
    neutral = {*read.parts, *read.numbers.names, *(number.value for number in read.numbers.digits)}
    latin = frozenset(word.lower().removesuffix("s") for word in LATIN.findall(read.text))    # Chinese has no plural
    return Features(frozenset(neutral), latin, len(read.text.encode()))


@lru_cache(maxsize=20_000)
def of_block(block: Block) -> Features:
    """Return the features of a block; those of code are its lines."""
    if block.kind in WORDY or block.kind == "table":
        return features(block.text)
    lines = frozenset(line.strip() for line in block.lines if line.strip())
    return Features(lines, frozenset(), len(block.text))


@lru_cache(maxsize=2_000)
def of_section(section: Section) -> Features:
    """Return the features of a section: those of all its blocks."""
    parts = [of_block(block) for block in (*([section.heading] if section.heading else []), *section.blocks)]
    return Features(frozenset().union(*(part.neutral for part in parts)), frozenset().union(*(part.latin for part in parts)),
                    sum(part.size for part in parts))
