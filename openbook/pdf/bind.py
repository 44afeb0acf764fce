"""Bind laid-out segments into one PDF: pages in order, shared fonts, names, bookmarks, tags, labels, metadata."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name

from .bind_fonts import Fonts, Lookup
from .bind_pages import FOLIO_CHARACTERS, FOLIO_FONT, PAPER, Folio, bind_links, share_pictures
from .bind_tags import TagTree
from .collect import Book
from .front_notes import attached
from .render import Rendered
from .words import roman


@dataclass
class Mark:
    """A bookmark: its text, the name it leads to, and the bookmarks under it."""

    title: str
    target: str
    children: list[Mark] = field(default_factory=list)


@dataclass
class Piece:
    """A segment in the order of the book, with its place in the page count.

    `kind` is cover (no page numbers), front (roman, at the foot), body (arabic), part (no number shown).
    `titles` names the places in it for links and tags.
    """

    rendered: Rendered
    kind: str
    title: str
    titles: dict[str, str]
    start: int = 0

    @property
    def pages(self) -> int:
        """Count the pages with the blank one that lets the next piece open on a right-hand page."""
        return self.rendered.pages + self.rendered.pages % 2


def place(pieces: list[Piece]) -> int:
    """Give each piece its first page, from 0; return the number of pages before the body."""
    at, front = 0, 0
    for piece in pieces:
        piece.start = at
        at += piece.pages
        if piece.kind in ("cover", "front"):
            front = at
    return front


def page_label(index: int, front: int) -> str:
    """Write the number printed on a page: roman in the front matter, arabic in the body."""
    return roman(index + 1).lower() if index < front else str(index - front + 1)


class Sources:
    """The pieces' files, each opened as soon as it is laid out: reading them takes longer than copying their pages."""

    def __init__(self) -> None:
        self._opened: dict[Path, pikepdf.Pdf] = {}

    def __enter__(self) -> Sources:
        return self

    def __exit__(self, *_: object) -> None:
        for source in self._opened.values():
            source.close()

    def open(self, rendered: Rendered) -> pikepdf.Pdf:
        """Give a piece's file."""
        if rendered.pdf not in self._opened:
            self._opened[rendered.pdf] = pikepdf.open(rendered.pdf)
        return self._opened[rendered.pdf]


class Binding:
    """A PDF while it is put together; what opens it may come last, as the contents are laid out while the body is bound."""

    def __init__(self, book: Book, lookup: Lookup, paper: str, web: Callable[[str], str], sources: Sources):
        self.book, self.paper, self.web, self.sources = book, paper, web, sources
        self.out = pikepdf.new()
        self.fonts = Fonts(self.out, lookup)
        self.tree = TagTree(self.out)
        self.names: dict[str, Array] = {}
        self.pictures: dict[tuple[bytes, bool], pikepdf.Object] = {}
        self.quiet = self.out.make_stream(b"q\n")

    def add(self, pieces: list[Piece], titles: dict[str, str], front: int) -> None:
        """Take pieces over, behind those that are here, or before them if the first piece opens the book.

        `titles` names every place that a link may lead to; `front` counts the pages before the body. What is printed on a page
        of the body does not depend on that count.
        """
        self.fonts.collect([piece.rendered for piece in pieces])
        folio = self._folio()
        ahead = not pieces[0].start
        for order, piece in enumerate(pieces):
            source = self.sources.open(piece.rendered)
            pages = self._insert(source, piece.start if ahead else len(self.out.pages))
            self.fonts.share(pages[0])
            share_pictures(pages[0], self.pictures)
            for number, page in enumerate(pages):
                bind_links(page, titles, self.web)
                if spot := _spot(piece, number):
                    folio.stamp(self.out, page, page_label(piece.start + number, front), spot, self.quiet)
            for name, (number, x, y) in piece.rendered.anchors.items():
                self.names.setdefault(name, Array([pages[number].obj, Name.XYZ, x, y, 0]))
            self.tree.add(source, pages, piece.title, piece.rendered.id, order if ahead else None)

    def write(self, marks: list[Mark], front: int, cache: Path, target: Path) -> None:
        """Write the whole book to `target`."""
        out = self.out
        self.fonts.embed(cache)
        _write_names(out, self.names)
        _attach(out, self.book)
        _write_bookmarks(out, marks, self.names)
        self.tree.finish()
        _write_catalog(out, self.book, front)
        _write_metadata(out, self.book)
        out.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate, compress_streams=True,
                 deterministic_id=True, min_version="1.7")

    def _folio(self) -> Folio:
        """Give what draws page numbers."""
        font, glyphs = self.fonts.drawing(FOLIO_FONT, FOLIO_CHARACTERS)
        return Folio(font, glyphs, self.fonts.object(font.face.sha256), PAPER[self.paper])

    def _insert(self, source: pikepdf.Pdf, first: int) -> list[pikepdf.Page]:
        """Put a file's pages at a place, and a blank one behind if it ends on a right-hand page; return the former."""
        held, last = self.out.pages, first + len(source.pages)
        for number, page in enumerate(source.pages, first):
            held.insert(number, page)
        if len(source.pages) % 2:
            held.insert(last, pikepdf.Page(Dictionary(
                Type=Name.Page, MediaBox=held[first].obj.MediaBox, Resources=Dictionary(), Tabs=Name.S)))
        return [held[number] for number in range(first, last)]


def _spot(piece: Piece, number: int) -> str:
    """Say where a page's number stands; nowhere on covers and part pages."""
    if piece.kind == "part" or (piece.kind == "cover" and number < 2):
        return ""
    if piece.kind == "cover" or number == 0:
        return "foot"
    return "left" if number % 2 else "right"


def _write_names(out: pikepdf.Pdf, names: dict[str, Array]) -> None:
    """Write the table of named places, to which links inside the book lead."""
    tree = pikepdf.NameTree.new(out)
    for name in sorted(names):
        tree[name] = names[name]
    out.Root.Names = Dictionary(Dests=tree.obj)


def _attach(out: pikepdf.Pdf, book: Book) -> None:
    """Attach the programs that chapters show, as files."""
    stamp = pikepdf.String(book_date(book).strftime("D:%Y%m%d%H%M%SZ"))
    tree = pikepdf.NameTree.new(out)
    specs = Array()
    for name, (path, chapter) in sorted(attached(book).items()):
        data = (book.site / path).read_bytes()
        stream = out.make_stream(data, Type=Name.EmbeddedFile, Subtype=Name("/text/plain"),
                                 Params=Dictionary(Size=len(data), ModDate=stamp))
        spec = out.make_indirect(Dictionary(
            Type=Name.Filespec, F=pikepdf.String(name), UF=pikepdf.String(name), Desc=pikepdf.String(chapter.title),
            AFRelationship=Name.Supplement, EF=Dictionary(F=stream, UF=stream)))
        tree[name] = spec
        specs.append(spec)
    if len(specs):
        out.Root.Names.EmbeddedFiles = tree.obj
        out.Root.AF = specs


def _write_bookmarks(out: pikepdf.Pdf, marks: list[Mark], names: dict[str, Array]) -> None:
    """Write the bookmarks: parts and chapters open, sections folded."""

    def item(mark: Mark, depth: int) -> pikepdf.OutlineItem:
        written = pikepdf.OutlineItem(mark.title, names[mark.target])
        written.is_closed = depth >= 1
        written.children.extend(item(child, depth + 1) for child in mark.children)
        return written

    with out.open_outline() as outline:
        outline.root.extend(item(mark, 0) for mark in marks)


def _write_catalog(out: pikepdf.Pdf, book: Book, front: int) -> None:
    """Write language, page labels and how the book opens."""
    labels = [front, Dictionary(S=Name.D, St=1)]
    if front:
        labels = [0, Dictionary(S=Name.r), *labels]
    if front >= len(out.pages):
        labels = labels[:2]
    out.Root.PageLabels = Dictionary(Nums=Array(labels))
    out.Root.Lang = pikepdf.String(book.tag)
    out.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
    out.Root.PageMode = Name.UseOutlines


def book_date(book: Book) -> datetime:
    """Give the date the PDF states: SOURCE_DATE_EPOCH if set, else the manifest's date."""
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(epoch), UTC)
    return datetime.fromisoformat(book.date).replace(tzinfo=UTC)


def _write_metadata(out: pikepdf.Pdf, book: Book) -> None:
    """Write title, author, language, keywords and dates, in both places where readers look."""
    date = book_date(book)
    stamp = date.strftime("%Y-%m-%dT%H:%M:%SZ")
    with out.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        metadata["dc:title"] = book.title
        metadata["dc:creator"] = [book.author]
        metadata["dc:description"] = book.description
        metadata["dc:language"] = {book.tag}
        metadata["dc:subject"] = set(book.keywords)
        metadata["dc:rights"] = f"{book.license_name}, {book.license_url}"
        metadata["pdf:Keywords"] = ", ".join(book.keywords)
        metadata["pdf:Producer"] = "openbook"
        metadata["pdfuaid:part"] = "1"
        metadata["xmp:CreateDate"] = metadata["xmp:ModifyDate"] = stamp
    info = {
        "Title": book.title, "Author": book.author, "Subject": book.description,
        "Keywords": ", ".join(book.keywords), "Creator": "openbook", "Producer": "openbook",
        "CreationDate": date.strftime("D:%Y%m%d%H%M%SZ"), "ModDate": date.strftime("D:%Y%m%d%H%M%SZ"),
    }
    for name, value in info.items():
        if value:
            out.docinfo[f"/{name}"] = pikepdf.String(value)
