"""Open the finished PDF and prove what a reader relies on: what is printed, links, bookmarks, page numbers, size."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf

from .bind import Mark, Piece
from .bind_fonts import Lookup
from .errors import PdfError
from .preflight_glyphs import check_fonts
from .proof import plain

REPORT = "this is a fault of the PDF step: keep the site folder and report it with this message"
#: The largest edition, in bytes: more does not travel by mail or load on a phone.
LARGEST = 40_000_000
#: How far below its place the lines of a heading reach, in points; the title of a part stands lower.
NEAR = 200


@dataclass(frozen=True)
class Expected:
    """What a bound PDF must hold: its pieces, its bookmarks, the page numbers its contents print, its fonts."""

    pieces: list[Piece]
    marks: list[Mark]
    printed: dict[str, str]
    lookup: Lookup


def preflight(path: Path, expected: Expected, cache: Path) -> int:
    """Check a bound PDF; return its pages. Raises PdfError for the first thing that is wrong.

    Verdicts on fonts are kept in `cache` under the digests of all they rest on.
    """
    check_size(path)
    with pikepdf.open(path) as pdf:
        names = {str(name): place for name, place in pikepdf.NameTree(pdf.Root.Names.Dests).items()}
        check_pages(pdf, expected.pieces)
        check_fonts(pdf, expected.pieces, expected.lookup, cache)
        check_links(pdf, names)
        check_bookmarks(pdf, expected.marks)
        check_headings(pdf, names, expected)
        check_contents(pdf, names, expected.printed)
        return len(pdf.pages)


def check_size(path: Path) -> None:
    """Raise PdfError for a file that is too large."""
    if (size := path.stat().st_size) > LARGEST:
        raise PdfError(f"the edition has {size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f} MB", path.name.strip("."),
                       "make its largest pictures smaller: 256 colours, or fewer pixels")


def check_pages(pdf: pikepdf.Pdf, pieces: list[Piece]) -> None:
    """Raise PdfError unless every page draws what was proofed, and nothing else but its page number."""
    for piece in pieces:
        for number, sheet in enumerate(piece.rendered.sheets):
            contents = pdf.pages[piece.start + number].obj.Contents
            streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
            drawn = streams[1] if len(streams) == 3 else streams[0]
            if len(streams) not in (1, 3) or hashlib.sha256(drawn.read_bytes()).hexdigest() != sheet["digest"]:
                raise PdfError("a page does not draw what was proofed", f"{piece.title}, page {number + 1}", REPORT)


def check_links(pdf: pikepdf.Pdf, names: dict[str, pikepdf.Object]) -> None:
    """Raise PdfError for a link inside the book that leads nowhere, or with a private address."""
    for number, page in enumerate(pdf.pages, 1):
        for note in page.obj.get("/Annots", []):
            if "/Dest" in note and str(note.Dest) not in names:
                raise PdfError(f"a link leads to {note.Dest}, which is not in the book", f"page {number}", REPORT)
            action = note.get("/A")
            if action is not None and str(action.get("/URI", "")).startswith(("x-book:", "file:", "about:")):
                raise PdfError(f"a link has the private address {action.URI}", f"page {number}", REPORT)


def check_bookmarks(pdf: pikepdf.Pdf, marks: list[Mark]) -> None:
    """Raise PdfError unless the bookmarks are the manifest's parts, chapters and headings."""
    with pdf.open_outline() as outline:
        found = list(_titles(outline.root, 0))
    expected = [(depth, mark.title) for depth, mark in walk(marks)]
    if found != expected:
        first = next((i for i, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]),
                     min(len(found), len(expected)))
        what = f"bookmark {first + 1} is {found[first:first + 1]}, the book has {expected[first:first + 1]}"
        raise PdfError(what, "bookmarks", REPORT)


def check_headings(pdf: pikepdf.Pdf, names: dict[str, pikepdf.Object], expected: Expected) -> None:
    """Raise PdfError unless each bookmark leads to the spot where its heading is printed."""
    sheets = {piece.start + number: sheet for piece in expected.pieces
              for number, sheet in enumerate(piece.rendered.sheets)}
    titles = {name: title for piece in expected.pieces for name, title in piece.titles.items()}
    pages = {page.obj.objgen: number for number, page in enumerate(pdf.pages)}
    for _, mark in walk(expected.marks):
        place = names.get(mark.target)
        if place is None:
            raise PdfError(f"the bookmark {mark.title} leads to {mark.target}, which is not in the book", "bookmarks", REPORT)
        page = pages[place[0].objgen]
        title, top = plain(titles[mark.target]), float(place[3]) + 2
        if not any(title in plain("".join(text for _, y, text in sheets[page]["runs"] if top - reach < y < top))
                   for reach in (NEAR, math.inf)):
            raise PdfError(f"the bookmark {mark.title} leads to page {pdf.pages[page].label}, where no such heading is printed",
                           mark.target, REPORT)


def check_contents(pdf: pikepdf.Pdf, names: dict[str, pikepdf.Object], printed: dict[str, str]) -> None:
    """Raise PdfError when the contents print another page than the one a row leads to."""
    pages = {page.obj.objgen: number for number, page in enumerate(pdf.pages)}
    for target, label in printed.items():
        if target not in names:
            raise PdfError(f"the contents lead to {target}, which is not in the book", "contents", REPORT)
        actual = pdf.pages[pages[names[target][0].objgen]].label
        if actual != label:
            raise PdfError(f"the contents print page {label} for {target}, which is on page {actual}", "contents", REPORT)


def walk(marks: list[Mark], depth: int = 0) -> Iterator[tuple[int, Mark]]:
    """Walk bookmarks with their depth."""
    for mark in marks:
        yield depth, mark
        yield from walk(mark.children, depth + 1)


def _titles(items: list[Any], depth: int) -> Iterator[tuple[int, str]]:
    """Walk the bookmarks of a file as (depth, title)."""
    for item in items:
        yield depth, item.title
        yield from _titles(item.children, depth + 1)
