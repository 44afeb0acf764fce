"""Open the finished PDF and prove what a reader relies on: fonts, links, bookmarks, page numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pikepdf

from .bind import Mark
from .errors import PdfError

REPORT = "this is a fault of the PDF step: keep the site folder and report it with this message"


def preflight(path: Path, marks: list[Mark], printed: dict[str, str]) -> int:
    """Check a bound PDF against its bookmarks and the page numbers printed in its contents; return its pages.

    Raises PdfError for the first thing that is wrong.
    """
    with pikepdf.open(path) as pdf:
        names = {str(name): place for name, place in pikepdf.NameTree(pdf.Root.Names.Dests).items()}
        check_fonts(pdf)
        check_links(pdf, names)
        check_bookmarks(pdf, marks)
        check_contents(pdf, names, printed)
        return len(pdf.pages)


def check_fonts(pdf: pikepdf.Pdf) -> None:
    """Raise PdfError for a font that is not embedded, or not one of the book's."""
    seen = set()
    for number, page in enumerate(pdf.pages, 1):
        fonts = page.obj.get("/Resources", {}).get("/Font", {})
        for font in fonts.values():
            if font.objgen in seen:
                continue
            seen.add(font.objgen)
            name = str(font.BaseFont)
            family = name.partition("+")[2]
            descriptor = font.DescendantFonts[0].FontDescriptor if "/DescendantFonts" in font else {}
            if not family.startswith("Book-") or not ("/FontFile2" in descriptor or "/FontFile3" in descriptor):
                raise PdfError(f"the font {name} is not an embedded font of the book", f"page {number}", REPORT)


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
    expected = list(_mark_titles(marks, 0))
    if found != expected:
        first = next((i for i, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]),
                     min(len(found), len(expected)))
        what = f"bookmark {first + 1} is {found[first:first + 1]}, the book has {expected[first:first + 1]}"
        raise PdfError(what, "bookmarks", REPORT)


def check_contents(pdf: pikepdf.Pdf, names: dict[str, pikepdf.Object], printed: dict[str, str]) -> None:
    """Raise PdfError when the contents print another page than the one a row leads to."""
    pages = {page.obj.objgen: number for number, page in enumerate(pdf.pages)}
    for target, label in printed.items():
        if target not in names:
            raise PdfError(f"the contents lead to {target}, which is not in the book", "contents", REPORT)
        actual = pdf.pages[pages[names[target][0].objgen]].label
        if actual != label:
            raise PdfError(f"the contents print page {label} for {target}, which is on page {actual}", "contents", REPORT)


def _titles(items: list[pikepdf.OutlineItem], depth: int) -> Iterator[tuple[int, str]]:
    """Walk bookmarks as (depth, title)."""
    for item in items:
        yield depth, item.title
        yield from _titles(item.children, depth + 1)


def _mark_titles(marks: list[Mark], depth: int) -> Iterator[tuple[int, str]]:
    """Walk the bookmarks that were asked for."""
    for mark in marks:
        yield depth, mark.title
        yield from _mark_titles(mark.children, depth + 1)
