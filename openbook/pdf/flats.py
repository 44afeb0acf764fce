"""Make the print HTML of all chapters, and keep it: what has not changed is not made again."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

from .announce import without_announcement
from .collect import Book, Chapter, read_manifest
from .flatten import Flat, flatten
from .flatten_links import Links
from .order import Order
from .pool import Aside
from .render import Segment

#: The part of all chapters, by size, that another process flattens.
MOST = 0.58

#: What of the manifest changes with every commit and is not in a chapter.
OUTSIDE = ("version", "commit", "date")


class Flats:
    """Print HTML by chapter, each with the digest of all it was made from.

    `environment` describes the code that makes it. A chapter with pictures is not kept: whether they are there is looked up.
    """

    def __init__(self, book: Book, order: Order, environment: str, cache: Path):
        self.book, self.order = book, order
        self.folder = cache / "flats" / f"{order.code}.{order.paper}{'.screen' if order.screen else ''}"
        manifest = {name: value for name, value in read_manifest(order.site).items() if name not in OUTSIDE}
        self.base = "\0".join((environment, json.dumps(manifest, sort_keys=True), self.folder.name))

    def all(self, prepare: Callable[[], None]) -> list[Flat]:
        """Give every chapter's print HTML; make that of most in another process while `prepare` and the rest are done here."""
        flats = {chapter.id: self.take(chapter) for chapter in self.book.chapters}
        waiting = [chapter for chapter in self.book.chapters if flats[chapter.id] is None]
        most = _most(waiting) if self.order.jobs > 1 else len(waiting)
        aside = Aside(self._make, waiting[:most])
        try:
            prepare()
            made = self._make(waiting[most:]) + aside.result()
        finally:
            aside.stop()
        flats |= {flat.chapter.id: flat for flat in made}
        return [flat for flat in flats.values() if flat is not None]

    def _make(self, chapters: list[Chapter]) -> list[Flat]:
        """Make the print HTML of some chapters, and keep it."""
        links = Links(self.book)
        made = []
        for chapter in chapters:
            made.append(flatten(self.book, chapter, links, self.order.paper, self.order.screen))
            self.keep(made[-1])
        return made

    def take(self, chapter: Chapter) -> Flat | None:
        """Give a chapter's print HTML as it was kept; None when there is none, or its page has changed."""
        try:
            kept = json.loads(self._path(chapter).read_text(encoding="utf-8"))
            if kept["key"] != self._key(chapter):
                return None
            pairs = {name: tuple(tuple(item) for item in kept[name]) for name in ("folded", "wanted", "headings")}
            segment = Segment(chapter.id, chapter.title, self.book.tag, kept["body"], (), self.order.paper, pairs["folded"])
            return Flat(chapter, segment, frozenset(kept["ids"]), pairs["wanted"], pairs["headings"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, flat: Flat) -> None:
        """Keep a chapter's print HTML, in place of what was kept of it before."""
        if flat.segment.files:
            return
        kept = {"key": self._key(flat.chapter), "body": flat.segment.body, "folded": flat.segment.folded, "ids": sorted(flat.ids),
                "wanted": flat.wanted, "headings": flat.headings}
        path = self._path(flat.chapter)
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}")
        try:
            scratch.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)

    def _path(self, chapter: Chapter) -> Path:
        return self.folder / f"{chapter.id}.json"

    def _key(self, chapter: Chapter) -> str:
        page = without_announcement(chapter.html.read_bytes())
        return hashlib.sha256(self.base.encode() + page).hexdigest()


def _most(chapters: list[Chapter]) -> int:
    """Count the first chapters that together have about as much work as making the style sheet ready and the rest."""
    sizes = [chapter.html.stat().st_size for chapter in chapters]
    return next((count for count, size in enumerate(itertools.accumulate(sizes), 1) if size >= MOST * sum(sizes)), 0)
