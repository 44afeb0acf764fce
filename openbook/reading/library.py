"""Read every chapter in both languages, and number its figures and tables."""

from __future__ import annotations

from collections.abc import Callable
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
    sources: dict[tuple[str, str], Source] = field(default_factory=dict)
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
    library = Library(book, docs)
    for chapter in book.chapters:
        for lang in LANGUAGES:
            path = docs / chapter.file(lang)
            if path.is_file() and not leads_out(chapter.path):
                library.sources[chapter.path, lang] = read(path, chapter.file(lang))
        _number(library, chapter)
    return library


def _number(library: Library, chapter: Chapter) -> None:
    """Number figures, tables and equations apart, in the order of the English file."""
    source = library.source(chapter, "en")
    counts = dict.fromkeys(KINDS, 0)
    for caption in source.captions if source else ():
        counts[caption.kind] += 1
        number = str(counts[caption.kind])
        library.numbers[chapter.path, caption.id] = f"{chapter.number}.{number}" if chapter.number else number
