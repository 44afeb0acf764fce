"""Finish single pages: shared fonts and pictures, page numbers, links to other chapters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

import pikepdf
from pikepdf import Array, Dictionary, Name

from .bind_fonts import SharedFont
from .flatten_links import SCHEME

MM = 72 / 25.4
FOLIO_FONT = ("Book Sans", 600, "normal")
FOLIO_CHARACTERS = "0123456789ivxlc"


@dataclass(frozen=True)
class Paper:
    """Where page numbers stand, in points: beside the running head, or at the foot in the middle."""

    width: float
    height: float
    inner: float
    outer: float
    head: float
    foot: float
    size: float


PAPER = {
    "a4": Paper(210 * MM, 297 * MM, 29 * MM, 27 * MM, 788.5, 40.0, 9),
    "b5": Paper(176 * MM, 250 * MM, 22 * MM, 20 * MM, 669.5, 31.0, 8.5),
}


@dataclass(frozen=True)
class Folio:
    """Draws page numbers with one font."""

    font: SharedFont
    glyphs: dict[str, int]
    object: pikepdf.Object
    paper: Paper
    ink: str = "0.106 0.122 0.141"

    def stamp(self, out: pikepdf.Pdf, page: pikepdf.Page, label: str, place: str, quiet: pikepdf.Object) -> None:
        """Print a page number; `place` is left, right or foot. It is an artifact: not part of the text."""
        text = "".join(f"{self.glyphs[char]:04x}" for char in label)
        width = sum(self.font.widths[self.glyphs[char]] for char in label) * self.paper.size / 1000
        x, y = self._place(place, width)
        kind = "Footer" if place == "foot" else "Header"
        content = "\n".join((
            "Q", "/Artifact", f"<</Type /Pagination /Subtype /{kind}>>", "BDC", "q", "BT", f"{self.ink} rg",
            f"/FOLIO {self.paper.size} Tf", f"{x:.2f} {y:.2f} Td", f"<{text}> Tj", "ET", "Q", "EMC", ""))
        page.obj.Resources.Font["/FOLIO"] = self.object
        page.obj.Contents = Array([quiet, page.obj.Contents, out.make_stream(content.encode())])

    def _place(self, place: str, width: float) -> tuple[float, float]:
        """Find where a number of this width starts."""
        gap = 4 * MM
        if place == "left":
            return self.paper.outer - gap - width, self.paper.head
        if place == "right":
            return self.paper.width - self.paper.outer + gap, self.paper.head
        return (self.paper.width - width) / 2, self.paper.foot


def share_pictures(page: pikepdf.Page, seen: dict[tuple[bytes, bool], pikepdf.Object]) -> None:
    """Keep one copy of a picture that several chapters show."""
    pictures = page.obj.Resources.get("/XObject")
    for name in sorted(pictures.keys()) if pictures is not None else ():
        picture = pictures[name]
        if picture.get("/Subtype") == Name.Image:
            key = hashlib.sha256(picture.read_raw_bytes()).digest(), "/SMask" in picture
            if key in seen:
                pictures[name] = seen[key]
            else:
                seen[key] = picture


def bind_links(page: pikepdf.Page, titles: dict[str, str], web: Callable[[str], str]) -> None:
    """Turn links to other chapters into destinations by name; to what is not bound, into web addresses."""
    kept = Array()
    for note in page.obj.get("/Annots", []):
        target = _target(note)
        if target is not None and target in titles:
            if "/A" in note:
                del note["/A"]
            note.Dest = pikepdf.String(target)
            note.Contents = pikepdf.String(titles[target])
        elif target is not None:
            address = web(target)
            if not address:
                continue
            if "/Dest" in note:
                del note["/Dest"]
            note.A = Dictionary(Type=Name.Action, S=Name.URI, URI=pikepdf.String(address))
            note.Contents = pikepdf.String(address)
        kept.append(note)
    if "/Annots" in page.obj:
        page.obj.Annots = kept


def _target(note: pikepdf.Object) -> str | None:
    """Find the name in the book that a link asks for; None for other links."""
    if "/Dest" in note:
        return str(note.Dest)
    address = str(note.get("/A", {}).get("/URI", ""))
    return unquote(address[len(SCHEME):]) if address.startswith(SCHEME) else None
