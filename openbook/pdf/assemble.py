"""Put an edition together: flattened chapters laid out, in order, with contents that know their pages."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

from .bind import Binding, Mark, Piece, Sources, page_label, place
from .bind_fonts import Lookup
from .collect import Book, Chapter, Part
from .errors import PdfError
from .flats import Flats
from .flatten import Flat, check_links
from .front import FRONT, Row, contents_rows, front_segment, guess_pages, part_segment
from .front_notes import FILES, files_segment
from .order import Order, Step
from .preflight import Expected, preflight
from .render import Rendered, Renderer, check_rendered
from .words import part_label, word


class Assembly:
    """The steps from flattened chapters to a bound file."""

    def __init__(self, book: Book, chosen: Book, order: Order, flats: Flats, renderer: Renderer, lookup: Lookup,
                 progress: Callable[[Step], None]):
        self.book, self.chosen, self.order, self.flats, self.renderer = book, chosen, order, flats, renderer
        self.lookup, self.progress = lookup, progress
        self.preview = bool(order.chapters)

    def write(self, target: Path) -> int:
        """Lay out, bind and check the book beside its place, then put it there; return its pages."""
        with Sources() as sources:
            return self._write(target, sources)

    def _write(self, target: Path, sources: Sources) -> int:
        """Do it with the files of the pieces."""
        flats = self.flats.all(self.renderer.prepare)
        check_links(flats, frozenset(part.id for part in self.book.parts))
        wanted = {chapter.id for chapter in self.chosen.chapters}
        flats = [flat for flat in flats if flat.chapter.id in wanted]
        rendered = self._render(flats, sources)
        pieces, marks, rows = self._assemble(flats, rendered)
        self._check_targets(flats, pieces)
        binding, printed = self._bind(pieces, rows, sources)
        _clear(target)
        scratch = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            binding.write(marks, place(pieces), self.renderer.cache.parent, scratch)
            pages = preflight(scratch, Expected(pieces, marks, printed, self.lookup), self.renderer.cache.parent)
            scratch.replace(target)
        except OSError as error:
            raise PdfError(f"the PDF cannot be written: {error.strerror or error}", str(target),
                           "free space on the disk, or name another folder with --output") from None
        finally:
            scratch.unlink(missing_ok=True)
        return pages

    def _render(self, flats: list[Flat], sources: Sources) -> dict[str, Rendered]:
        """Lay out the chapters and the part pages, telling of each chapter as it is done."""
        titles = {flat.chapter.id: flat.chapter for flat in flats}
        parts = [] if self.preview else [part_segment(self.book, part, self.order.paper) for part in self._parts(flats)]
        count = 0

        def done(item: Rendered) -> None:
            nonlocal count
            sources.open(item)
            if chapter := titles.get(item.id):
                count += 1
                self.progress(Step(self.order.code, count, len(flats), chapter.title, item.pages, item.seconds, item.cached))

        files = [files_segment(self.book, self.order.paper)] if self._attached() else []
        results = self.renderer.render([flat.segment for flat in flats] + parts + files, done)
        for item in results:
            chapter = titles.get(item.id)
            check_rendered(item, chapter.source if chapter else item.id)
        return {item.id: item for item in results}

    def _attached(self) -> bool:
        """Say whether files go into this PDF."""
        return not self.preview and any(chapter.attachments for chapter in self.book.chapters)

    def _parts(self, flats: list[Flat]) -> list[Part]:
        """List the parts that have a chapter here."""
        numbers = {flat.chapter.part for flat in flats}
        return [part for part in self.book.parts if part.number in numbers]

    def _assemble(self, flats: list[Flat], rendered: dict[str, Rendered]) -> tuple[list[Piece], list[Mark], list[Row]]:
        """Put chapters and part pages in order, and write the bookmarks and rows of the contents."""
        pieces: list[Piece] = []
        marks: list[Mark] = []
        front = {chapter.id for chapter in self.book.front()}
        part, under = None, marks
        for flat in flats:
            chapter, item = flat.chapter, rendered[flat.chapter.id]
            of = self.book.part_of(chapter)
            if of is None:
                under = marks
            elif of != part and not self.preview:
                part = of
                gap = "　" if self.book.code == "zh" else "  "
                mark = Mark(f"{part_label(self.book.code, of.number)}{gap}{of.title}", of.id)
                marks.append(mark)
                under = mark.children
                pieces.append(Piece(rendered[of.id], "part", of.title, {of.id: of.title}))
            kind = "front" if chapter.id in front and not self.preview else "body"
            pieces.append(Piece(item, kind, chapter.title, _titles(flat, item)))
            under.append(_chapter_mark(flat))
        rows = contents_rows(self.book, flats)
        if self._attached():
            title = word(self.book.code, "files")
            pieces.append(Piece(rendered[FILES], "body", title, {FILES: title}))
            marks.append(Mark(title, FILES))
            rows.append(Row("chapter", "", title, FILES))
        return pieces, marks, rows

    def _bind(self, pieces: list[Piece], rows: list[Row], sources: Sources) -> tuple[Binding, dict[str, str]]:
        """Put the pieces into one PDF, and cover and contents before them; return it and the page numbers that the contents print.

        The body is bound while the contents are laid out: what is printed on its pages does not depend on their length.
        """
        titles = {name: title for piece in pieces for name, title in piece.titles.items()}
        binding = self._binding(sources)
        if self.preview:
            binding.add(pieces, titles, place(pieces))
            return binding, {}
        guess = guess_pages(self.book, rows, self.order.paper)
        cover = Piece(Rendered(FRONT, Path(), guess, {}, {}), "cover", self.book.title, {})
        whole, opening = [cover, *pieces], list(itertools.takewhile(lambda piece: piece.kind == "front", pieces))

        def bind_body() -> None:
            binding.add(pieces[len(opening):], titles, place(whole))
            binding.fonts.collect([piece.rendered for piece in opening])
            binding.fonts.cut_largest(self.renderer.cache.parent)

        printed = self._settle(whole, rows, bind_body)
        cover.titles = {name: self.book.title for name in cover.rendered.anchors}
        pieces.insert(0, cover)
        binding.add([cover, *opening], titles | cover.titles, place(pieces))
        return binding, printed

    def _settle(self, whole: list[Piece], rows: list[Row], meanwhile: Callable[[], None]) -> dict[str, str]:
        """Lay cover and contents out until their length is the one they were made for; return the page numbers that they print.

        The first of the pieces is the cover, of a guessed length. `meanwhile` is called once.
        """
        cover = whole[0]
        for _ in range(4):
            length = cover.pages
            pages = _page_labels(whole, place(whole))
            printed = {row.target: pages[row.target] for row in rows if row.kind != "part"}
            front = front_segment(self.book, rows, printed, self.order.paper)
            cover.rendered = self.renderer.render([front], meanwhile=meanwhile)[0]
            check_rendered(cover.rendered, "cover and contents")
            if cover.pages == length:
                return printed
            meanwhile = _nothing
        raise PdfError("the contents do not settle on a length", "contents", "report this with the site folder")

    def _binding(self, sources: Sources) -> Binding:
        """Begin a PDF."""
        return Binding(self.chosen if self.preview else self.book, self.lookup, self.order.paper, self._web, sources)

    def _check_targets(self, flats: list[Flat], pieces: list[Piece]) -> None:
        """Raise PdfError for a link to something that is in the page but not on paper."""
        on_paper = {name for piece in pieces for name in piece.rendered.anchors}
        bound = {flat.chapter.id for flat in flats}
        for flat in flats:
            for target, href in flat.wanted:
                if target.partition("--")[0] in bound and target not in on_paper:
                    raise PdfError(f"a link leads to {href}, which is not printed", flat.chapter.source,
                                   "link to a heading, figure or table")

    def _web(self, target: str) -> str:
        """Give the web address of a name of the book; nothing when the site's address is not known."""
        chapter_id, _, fragment = target.partition("--")
        chapter = next((c for c in self.book.chapters if c.id == chapter_id), None)
        if chapter is None or not self.book.site_url:
            return ""
        return self.book.site_url.rstrip("/") + "/" + chapter.url + (f"#{fragment}" if fragment else "")


def _nothing() -> None:
    """Do nothing: what was to be done meanwhile is done."""


def _titles(flat: Flat, item: Rendered) -> dict[str, str]:
    """Name every place of a chapter: headings by their text, the rest by the chapter's title."""
    headings = {name: title for _, name, title in flat.headings}
    return {name: headings.get(name, flat.chapter.title) for name in item.anchors}


def _chapter_mark(flat: Flat) -> Mark:
    """Write a chapter's bookmark with those of its sections and their subsections."""
    chapter: Chapter = flat.chapter
    title = f"{chapter.number}  {chapter.title}" if chapter.number else chapter.title
    mark = Mark(title, chapter.id)
    for level, name, text in flat.headings:
        under = mark.children[-1].children if level == 3 and mark.children else mark.children
        under.append(Mark(text, name))
    return mark


def _page_labels(pieces: list[Piece], front: int) -> dict[str, str]:
    """Give the printed page of every name in the pieces."""
    return {name: page_label(piece.start + number, front)
            for piece in pieces for name, (number, _, _) in piece.rendered.anchors.items()}


def _clear(target: Path) -> None:
    """Remove what builds that were killed left beside the file they were to make."""
    for left in target.parent.glob(f".{target.name}.*"):
        try:
            os.kill(int(left.suffix[1:]), 0)
        except (ValueError, ProcessLookupError):
            left.unlink(missing_ok=True)
        except PermissionError:
            continue
