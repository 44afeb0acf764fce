"""Prove that every glyph that is drawn is the one of its character: outlines in the PDF against those of the font files.

The text layer cannot tell: it is written apart from the glyphs, and stays right where another font's glyph is drawn.
"""

from __future__ import annotations

import hashlib
import re
import struct
from pathlib import Path
from typing import Any

import pikepdf
import uharfbuzz as hb

from .bind import Piece
from .bind_fonts import Lookup, SharedFont
from .errors import PdfError
from .fonts import Face

KEYS = "give each font file its own family, weight and style in openbook/pdf/fonts.py"
RECIPE = "1"  # part of the key of kept verdicts: raise it when a check changes
#: Font features of the print style beyond those that HarfBuzz takes for granted.
FORMS = ("lnum", "tnum", "pnum", "zero", "halt", "hwid")
_pair = re.compile(rb"<([0-9a-f]+)> <([0-9a-f]*)>")


def check_fonts(pdf: pikepdf.Pdf, pieces: list[Piece], lookup: Lookup, cache: Path) -> None:
    """Raise PdfError for a font that is not ours, and for a glyph that is missing or another character's."""
    faces = _faces(pieces, lookup)
    fonts: dict[Any, pikepdf.Object] = {}
    drawn: dict[Any, dict[int, str]] = {}
    for piece in pieces:
        for number, sheet in enumerate(piece.rendered.sheets):
            resources = pdf.pages[piece.start + number].obj.Resources.get("/Font", {})
            for name, glyphs in sheet["glyphs"].items():
                place = f"{piece.title}, page {number + 1}"
                font = resources.get("/" + name)
                if font is None:
                    raise PdfError(f"the font {name} is not in the file", place, KEYS)
                fonts[font.objgen] = font
                first = drawn.setdefault(font.objgen, {})
                for glyph in glyphs:
                    first.setdefault(glyph, place)
    for key, font in fonts.items():
        check_font(font, drawn[key], faces, cache)


def _faces(pieces: list[Piece], lookup: Lookup) -> dict[str, Face]:
    """Find the font files by the names that binding gives them."""
    faces = {}
    for piece in pieces:
        for record in piece.rendered.fonts.values():
            if face := lookup(record["family"], record["weight"], record["style"]):
                faces[SharedFont(face, 0, 0, 0).name] = face
    return faces


def check_font(font: pikepdf.Object, drawn: dict[int, str], faces: dict[str, Face], cache: Path) -> None:
    """Check one embedded font; `drawn` gives each glyph that is drawn with the first place that does."""
    name, anywhere = str(font.BaseFont)[1:], next(iter(drawn.values()), "")
    descriptor = font.DescendantFonts[0].FontDescriptor if "/DescendantFonts" in font else {}
    stream = descriptor.get("/FontFile3") or descriptor.get("/FontFile2")
    face = faces.get(name)
    if face is None or stream is None:
        raise PdfError(f"the font {name} is not an embedded font of the book", anywhere,
                       "name the book's own families in overrides/pdf")
    program, spelling = stream.read_bytes(), font.ToUnicode.read_bytes()
    verdict = hashlib.sha256(repr((RECIPE, hb.__version__, face.sha256, sorted(drawn))).encode() + program + spelling)
    kept = cache / "verdicts" / verdict.hexdigest()[:32]
    if not kept.is_file():
        texts = {int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in _pair.findall(spelling)}
        check_outlines(_Source(face.path), _Embedded(program), drawn, texts, name)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.touch()


def check_outlines(source: _Source, embedded: _Embedded, drawn: dict[int, str], texts: dict[int, str], name: str) -> None:
    """Raise PdfError for the first glyph whose drawing is not one of its character's."""
    for glyph, place in drawn.items():
        text = texts.get(glyph)
        ink = embedded.outline(glyph)
        if glyph == 0 or text is None or ink is None:
            raise PdfError(f"a glyph that {name} does not have is drawn (.notdef)", place,
                           "write it with other characters, or add a font that has it to openbook/pdf/fonts.py")
        if not text.strip():
            if text and ink:
                raise PdfError(f"{name} draws a sign where the text has a space", place, KEYS)
            continue
        if ink != source.outline(glyph) or not source.is_form_of(glyph, text, ink):
            codes = " ".join(f"U+{ord(char):04X}" for char in text)
            raise PdfError(f"{text} ({codes}) prints as another character in {name}", place, KEYS)


class _Pen:
    """Writes an outline down as a list."""

    def __init__(self) -> None:
        self.drawn: list[Any] = []

    def moveTo(self, point: Any) -> None:  # noqa: N802
        self.drawn.append(point)

    lineTo = moveTo

    def curveTo(self, *points: Any) -> None:  # noqa: N802
        self.drawn.append(points)

    qCurveTo = curveTo

    def closePath(self) -> None:  # noqa: N802
        self.drawn.append(None)


def _outline(font: hb.Font, glyph: int) -> list[Any]:
    """Trace a glyph."""
    pen = _Pen()
    font.draw_glyph_with_pen(glyph, pen)
    return pen.drawn


class _Source:
    """A font file of the book."""

    def __init__(self, path: Path):
        self.face = hb.Face(hb.Blob.from_file_path(str(path)))
        self.font = hb.Font(self.face)

    def outline(self, glyph: int) -> list[Any]:
        return _outline(self.font, glyph)

    def is_form_of(self, glyph: int, text: str, ink: list[Any]) -> bool:
        """Say whether a glyph is the character's own, one that the font's rules make of it, or one of its look."""
        own = self.font.get_nominal_glyph(ord(text)) if len(text) == 1 else None
        if own == glyph or own and self.outline(own) == ink:
            return True
        wanted = hb.SubsetInput()
        wanted.unicode_set.update(map(ord, text))
        wanted.layout_feature_tag_set.update(int.from_bytes(tag.encode(), "big") for tag in FORMS)
        return glyph in hb.SubsetPlan(self.face, wanted).old_to_new_glyph_mapping


class _Embedded:
    """A font program as it stands in the PDF, whose characters are named by the numbers of the whole font's glyphs."""

    def __init__(self, program: bytes):
        self.places: dict[int, int] | None = None
        if program[:4] not in (b"OTTO", b"\0\1\0\0", b"true"):
            from fontTools.cffLib import CFFFontSet
            import io

            tables = CFFFontSet()
            tables.decompile(io.BytesIO(program), None)
            top = tables[0]
            self.places = {int(name[3:]): at for at, name in enumerate(top.charset) if name.startswith("cid")}
            program = _wrap(program, len(top.charset))
        self.face = hb.Face(hb.Blob(program))
        self.font = hb.Font(self.face)

    def outline(self, glyph: int) -> list[Any] | None:
        """Trace a glyph; None when the program has none of that number."""
        place = glyph if self.places is None else self.places.get(glyph)
        return None if place is None or place >= self.face.glyph_count else _outline(self.font, place)


def _wrap(table: bytes, glyphs: int) -> bytes:
    """Put a bare CFF table into a font file of three tables, which HarfBuzz can open."""
    head = struct.pack(">IIIIHHQQhhhhHHhhh", 0x10000, 0, 0, 0x5F0F3CF5, 0, 1000, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0)
    parts = {b"CFF ": table, b"head": head, b"maxp": struct.pack(">IH", 0x5000, glyphs)}
    out, at = struct.pack(">4sHHHH", b"OTTO", len(parts), 32, 1, 16), 12 + 16 * len(parts)
    body = b""
    for tag, data in parts.items():
        out += struct.pack(">4sIII", tag, 0, at + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    return out + body
