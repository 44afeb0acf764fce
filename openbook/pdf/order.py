"""What is ordered, what is made of it, and the steps a person is told of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Order:
    """What to make: a language of a site, some or all chapters, on a paper, into a folder."""

    site: Path
    code: str
    output: Path
    chapters: tuple[str, ...] = ()
    paper: str = "a4"
    jobs: int = 2
    force: bool = False
    screen: bool = False


@dataclass(frozen=True)
class Made:
    """What was made: the file, its pages and bytes; `fresh` is false when it was up to date."""

    path: Path
    pages: int
    size: int
    fresh: bool
    seconds: float


@dataclass(frozen=True)
class Step:
    """A finished chapter, for the progress shown to a person."""

    code: str
    number: int
    total: int
    title: str
    pages: int
    seconds: float
    cached: bool
