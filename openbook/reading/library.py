"""Read every chapter in both languages, and number its figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openbook import LANGUAGES
from openbook.book import Book, Chapter
from openbook.reading.source import Source, scan
from openbook.safety.addresses import leads_out

KINDS = {"fig": {"en": "Figure", "zh": "图"}, "tab": {"en": "Table", "zh": "表"}, "eq": {"en": "Equation", "zh": "公式"}}


@dataclass
class Library:
    """The scanned chapters: `sources[path, lang]` where the file exists, and the numbers of captions."""

    book: Book
    docs: Path
    sources: Mapping[tuple[str, str], Source] = field(default_factory=dict)
    numbers: dict[tuple[str, str], str] = field(default_factory=dict)

    def source(self, chapter: Chapter, lang: str) -> Source | None:
        return self.sources.get((chapter.path, lang))

    def label(self, path: str, anchor: str, lang: str) -> str | None:
        """Return the label of a numbered figure, table or equation, such as "Figure 2.1" or 图 2.1; None if there is none."""
        number = self.numbers.get((path, anchor))
        return f"{KINDS[anchor.partition('-')[0]][lang]} {number}" if number else None


def scan_file(path: Path, name: str) -> Source:
    """Return the pieces of a file; `name` is its path under docs/."""
    return scan(name, path.read_text("utf-8"))


def read_library(docs: Path, book: Book, read: Callable[[Path, str], Source] = scan_file) -> Library:
    """Scan the files of all chapters under `docs`; a missing file, or one that is elsewhere, has no entry."""
    library = Library(book, docs, {key: read(docs / name, name) for key, name in _files(docs, book).items()})
    for chapter in book.chapters:
        _number(library, chapter)
    return library


class OnDemand(Mapping[tuple[str, str], Source]):
    """The chapters' files, each scanned when somebody first asks for it."""

    def __init__(self, docs: Path, book: Book):
        self._docs, self._files = docs, _files(docs, book)
        self._scanned: dict[tuple[str, str], Source] = {}

    def __getitem__(self, key: tuple[str, str]) -> Source:
        if key not in self._scanned:
            self._scanned[key] = scan_file(self._docs / self._files[key], self._files[key])
        return self._scanned[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def open_library(docs: Path, book: Book) -> Library:
    """Return the library of `docs` without reading it: a chapter is scanned when it is asked for, and nothing has numbers."""
    return Library(book, docs, OnDemand(docs, book))


def _files(docs: Path, book: Book) -> dict[tuple[str, str], str]:
    """Return the path under `docs` of each chapter's file that is there."""
    return {(chapter.path, lang): chapter.file(lang) for chapter in book.chapters for lang in LANGUAGES
            if (docs / chapter.file(lang)).is_file() and not leads_out(chapter.path)}


def _number(library: Library, chapter: Chapter) -> None:
    """Number figures, tables and equations apart, in the order of the English file."""
    source = library.source(chapter, "en")
    counts = dict.fromkeys(KINDS, 0)
    for caption in source.captions if source else ():
        counts[caption.kind] += 1
        number = str(counts[caption.kind])
        library.numbers[chapter.path, caption.id] = f"{chapter.number}.{number}" if chapter.number else number
