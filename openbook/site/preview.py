"""Keep the live preview quick: files are read again, and pages built again, only where an edit touched them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from jinja2.bccache import Bucket, BytecodeCache

from openbook.book import Book
from openbook.checking.changed import chapters_resting_on
from openbook.facts.load import load_facts
from openbook.facts.model import Facts
from openbook.reading.library import Library, read_library, scan_file
from openbook.reading.source import Source
from openbook.site.markdown import tip_finders
from openbook.site.touched import chapters_touched, prints_of
from openbook.terms.find import Finder
from openbook.terms.load import FILE, Term, load_terms

T = TypeVar("T")
Stamp = tuple[tuple[str, int, int], ...]


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """Return what tells some files from what they are after an edit: names, times, sizes."""
    return tuple((str(path), found.st_mtime_ns, found.st_size) for path in paths
                 if path.is_file() and (found := path.stat()))


class Kept:
    """What was made of files, for as long as they stay as they are."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Stamp, object]] = {}

    def get(self, name: str, paths: Iterable[Path], make: Callable[[], T]) -> T:
        """Return what `make` made of `paths` the last time, or makes of them now."""
        stamp = stamp_of(paths)
        if name not in self._made or self._made[name][0] != stamp:
            self._made[name] = (stamp, make())
        return self._made[name][1]


class Templates(BytecodeCache):
    """Compiled templates, in memory: a file of compiled code could come with a stranger's pull request."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


class Workshop:
    """Reads the book for one build after another, and knows which chapters the last edit touched."""

    def __init__(self, root: Path):
        self.root, self.docs = root, root / "docs"
        self.kept, self.templates = Kept(), Templates()
        self._files: dict[str, tuple] = {}
        self._facts: Facts | None = None

    def facts(self) -> Facts:
        data = self.docs / "data"
        return self.kept.get("facts", sorted(data.glob("*.yml")), lambda: load_facts(data, self.root)[0])

    def terms(self) -> tuple[tuple[Term, ...], dict[str, Finder]]:
        """Return the terms, and what finds them in text."""
        def make() -> tuple[tuple[Term, ...], dict[str, Finder]]:
            terms, _ = load_terms(self.docs / "data", self.root)
            return terms, tip_finders(terms)

        return self.kept.get("terms", [self.docs / "data" / FILE], make)

    def library(self, book: Book) -> Library:
        def read(path: Path, name: str) -> Source:
            return self.kept.get(name, [path], lambda: scan_file(path, name))

        return read_library(self.docs, book, read)

    def touched(self, library: Library) -> tuple[list[str], set[str] | None]:
        """Return the files changed since the last finished build, and the chapters to build; None for all of them."""
        now = self._stamps()
        files = sorted(name for name in {**self._files, **now} if self._files.get(name) != now.get(name))
        if not self._files or any(name.startswith(("overrides/", "mkdocs.yml")) for name in files):
            return files, None
        chapters = chapters_resting_on(files, library)
        if chapters is None or self._facts is None:
            return files, None
        facts = self.facts()
        if facts is not self._facts:    # kept facts are the very same as long as no file of theirs changed
            chapters |= chapters_touched(prints_of(self._facts), facts, library)
        return files, chapters

    def finished(self) -> None:
        """Remember what was built; after a build that failed, its edit is still to be built."""
        self._files, self._facts = self._stamps(), self.facts()

    def _stamps(self) -> dict[str, tuple]:
        paths = [self.root / "mkdocs.yml", *self.docs.rglob("*"), *(self.root / "overrides").rglob("*")]
        return {Path(name).relative_to(self.root).as_posix(): rest for name, *rest in stamp_of(paths)}


def quiet_about_dirty_builds() -> None:
    """Keep MkDocs from warning, at each edit, of what this module mends."""
    logging.getLogger("mkdocs.commands.build").addFilter(lambda record: "'dirty' build" not in record.getMessage())
