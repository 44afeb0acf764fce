"""The shape of facts: sources, tables, columns, rows and cells, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Words = dict[str, str]
"""One text in each language: {"en": ..., "zh": ...}."""

COLUMN_TYPES = ("text", "int", "number", "month", "choice", "link")
SOURCE_KINDS = ("datasheet", "doc", "paper", "repo", "issue", "package", "measured")


@dataclass(frozen=True)
class Source:
    """Something we have read: who published it, where, and when we read it."""

    id: str
    title: Words
    publisher: Words
    url: str
    kind: str
    accessed: str
    published: str | None = None
    snapshot: str | None = None
    line: int = 1


@dataclass(frozen=True)
class Column:
    """A column's schema; `unit` is printed in the head, `sourced` demands a source for every value, `low` and `high` bound it."""

    name: str
    type: str
    title: Words
    unit: str | None = None
    sourced: bool = False
    choices: dict[str, Words] = field(default_factory=dict)
    compute: str | None = None
    digits: int | None = None
    low: float | None = None
    high: float | None = None

    @property
    def numeric(self) -> bool:
        return self.type in ("int", "number")


@dataclass(frozen=True)
class Cell:
    """A value with its source, the day it was checked, a note, and what other sources say instead."""

    value: object
    src: str | None = None
    checked: str | None = None
    note: Words | None = None
    also: tuple["Cell", ...] = ()
    own_source: bool = False


@dataclass(frozen=True)
class Row:
    id: str
    src: str | None
    cells: dict[str, Cell]
    line: int


@dataclass(frozen=True)
class Table:
    name: str
    title: Words
    columns: dict[str, Column]
    rows: tuple[Row, ...]
    joined: frozenset[str] = frozenset()    # columns that come from the tables it joins
    joins: tuple[str, ...] = ()


@dataclass
class Facts:
    """Everything in docs/data."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
