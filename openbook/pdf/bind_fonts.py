"""Embed each font file once for the whole book: the union of the chapters' glyphs, subset by HarfBuzz."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pikepdf
import uharfbuzz as hb

from .errors import PdfError
from .fonts import Face
from .render import Rendered

RECIPE = "1"  # part of the key of kept subsets: raise it when the making of a subset changes
DROPPED = ("BASE", "DSIG", "EBDT", "EBLC", "EBSC", "GPOS", "GSUB", "JSTF", "LTSH", "PCLT", "SVG ", "GDEF",
           "vhea", "vmtx", "VORG", "meta", "STAT")


@dataclass
class SharedFont:
    """One font file and what the book draws with it."""

    face: Face
    flags: int
    ascent: int
    descent: int
    glyphs: dict[int, str] = field(default_factory=dict)
    widths: dict[int, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Give the PostScript-like name, with the subset's tag derived from the file."""
        style = {"italic": "-Italic"}.get(self.face.style, "")
        weight = {600: "-Semibold", 700: "-Bold"}.get(self.face.weight, "")
        tag = "".join(chr(65 + byte % 26) for byte in bytes.fromhex(self.face.sha256)[:6])
        return f"{tag}+{self.face.family.replace(' ', '-')}{weight}{style}"


Lookup = Callable[[str, int, str], Face | None]


class Fonts:
    """The fonts of a book while it is put together: pages name them before it is known which glyphs each must have."""

    def __init__(self, out: pikepdf.Pdf, lookup: Lookup):
        self.out, self.lookup = out, lookup
        self.shared: dict[str, SharedFont] = {}
        self.files: dict[str, str] = {}
        self.objects: dict[str, pikepdf.Object] = {}

    def object(self, sha: str) -> pikepdf.Object:
        """Give the dictionary of a font file, which `embed` fills."""
        if sha not in self.objects:
            self.objects[sha] = self.out.make_indirect(pikepdf.Dictionary())
        return self.objects[sha]

    def collect(self, rendered: Iterable[Rendered]) -> None:
        """Join the records of pieces by font file, and note which file each resource name stands for.

        Raises PdfError when a piece was drawn with a font that is not the book's.
        """
        for item in rendered:
            for name, record in sorted(item.fonts.items()):
                face = self.lookup(record["family"], record["weight"], record["style"])
                if face is None:
                    raise PdfError(f'text was drawn with a font of this machine, {record["family"]}', item.id,
                                   "name the book's own families in overrides/pdf")
                sha = face.sha256
                if self.files.setdefault(name, sha) != sha:
                    raise PdfError(f"two font files share the name {name}", item.id,
                                   "give each file its own family, weight and style in openbook/pdf/fonts.py")
                old = self.shared.get(sha)
                # Of two families for one file the one without a limit names the font.
                if old is None or len(face.family) < len(old.face.family):
                    self.shared[sha] = SharedFont(face, record["flags"], record["ascent"], record["descent"],
                                                  old.glyphs if old else {}, old.widths if old else {})
                font = self.shared[sha]
                for glyph, text in record["glyphs"].items():
                    font.glyphs.setdefault(glyph, text)
                for glyph, width in record["widths"].items():
                    font.widths.setdefault(glyph, width)

    def drawing(self, kind: tuple[str, int, str], characters: str) -> tuple[SharedFont, dict[str, int]]:
        """Make a font, by family, weight and style, draw these characters too; return it and their glyphs."""
        face = self.lookup(*kind)
        assert face is not None
        font = self.shared.setdefault(face.sha256, SharedFont(face, 4, 984, -273))
        return font, _add_characters(font, characters)

    def share(self, page: pikepdf.Page) -> None:
        """Point a piece's font names at the book's fonts; the pages of a piece share one dictionary."""
        fonts = page.obj.Resources.get("/Font")
        if fonts is None:
            page.obj.Resources.Font = pikepdf.Dictionary()
            return
        for name in sorted(fonts.keys()):  # or the numbers of new objects would differ from run to run
            if name[1:] in self.files:
                fonts[name] = self.object(self.files[name[1:]])

    def cut_largest(self, cache: Path) -> None:
        """Make the subset with most glyphs, of the text's own font, ahead: cover and contents are set in others."""
        _subset(max(self.shared.values(), key=lambda font: len(font.glyphs)), cache)

    def embed(self, cache: Path) -> None:
        """Write every font into the PDF."""
        for sha, font in sorted(self.shared.items()):
            written = self.object(sha)
            for key, value in _font(self.out, font, _subset(font, cache)).items():
                written[key] = value


def _add_characters(font: SharedFont, characters: str) -> dict[str, int]:
    """Make a font draw these characters too; return their glyphs."""
    face = hb.Face(hb.Blob.from_file_path(str(font.face.path)))
    measure = hb.Font(face)
    glyphs = {}
    for char in characters:
        glyph = measure.get_nominal_glyph(ord(char))
        glyphs[char] = glyph
        font.glyphs.setdefault(glyph, char)
        font.widths.setdefault(glyph, round(measure.get_glyph_h_advance(glyph) * 1000 / face.upem))
    return glyphs


def _subset(font: SharedFont, cache: Path) -> bytes:
    """Cut a font file down to the book's glyphs, glyph numbers kept; taken from the cache when made before."""
    glyphs = sorted(font.glyphs)
    key = hashlib.sha256(repr((RECIPE, hb.__version__, font.face.sha256, glyphs)).encode()).hexdigest()[:32]
    path = cache / "subsets" / key
    if path.is_file():
        path.touch()
        return path.read_bytes()
    blob = font.face.path.read_bytes()
    data = _cid_subset(blob, set(glyphs)) or _plain_subset(blob, glyphs)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_bytes(data)
    scratch.replace(path)
    return data


def _subset_input(glyphs: Iterable[int], flags: hb.SubsetFlags) -> hb.SubsetInput:
    """Ask HarfBuzz for these glyphs without the tables that only layout needs."""
    wanted = hb.SubsetInput()
    wanted.glyph_set.update(glyphs)
    wanted.flags = flags
    wanted.drop_table_tag_set.update(int.from_bytes(tag.encode(), "big") for tag in DROPPED)
    return wanted


def _cid_subset(blob: bytes, glyphs: set[int]) -> bytes | None:
    """Subset a CID-keyed font whose CIDs are its glyph numbers to a bare CFF table; None for other fonts.

    This is the smallest form for Chinese: no empty outlines between the glyphs that are used.
    """
    if blob[:4] != b"OTTO":
        return None
    from fontTools.ttLib import TTFont

    flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.DESUBROUTINIZE
    small = hb.subset(hb.Face(blob), _subset_input(glyphs, flags))
    font = TTFont(io.BytesIO(small.blob.data), lazy=True)
    if "CFF " not in font:
        return None
    charset = font["CFF "].cff.topDictIndex[0].charset
    kept = {0} | {int(name[3:]) for name in charset if name.startswith("cid")}
    return font.getTableData("CFF ") if glyphs <= kept else None


def _plain_subset(blob: bytes, glyphs: list[int]) -> bytes:
    """Subset any other font, keeping glyph numbers and dropping the empty ones after the last."""
    flags = hb.SubsetFlags.PASSTHROUGH_UNRECOGNIZED | hb.SubsetFlags.DESUBROUTINIZE | hb.SubsetFlags.NO_HINTING
    sparse = hb.subset(hb.Face(blob), _subset_input(glyphs, flags | hb.SubsetFlags.RETAIN_GIDS))
    return hb.subset(sparse, _subset_input(range(max(glyphs) + 1), flags)).blob.data


def _font(out: pikepdf.Pdf, font: SharedFont, data: bytes) -> pikepdf.Dictionary:
    """Write the parts of one composite font; return its dictionary."""
    name, dictionary, array = pikepdf.Name, pikepdf.Dictionary, pikepdf.Array
    bare = data[:1] == b"\x01" and data[:4] != b"\x00\x01\x00\x00"
    otf = bare or data[:4] == b"OTTO"
    program = out.make_stream(data)
    if otf:
        program.Subtype = name.CIDFontType0C if bare else name.OpenType
    else:
        program.Length1 = len(data)
    base = name(f"/{font.name}")
    fixed = len(font.widths) > 1 and len(set(font.widths.values())) == 1
    descriptor = dictionary(
        Type=name.FontDescriptor, FontName=base, FontFamily=pikepdf.String(font.face.family),
        Flags=font.flags | (1 if fixed else 0), ItalicAngle=-11 if font.face.style == "italic" else 0,
        FontBBox=array([0, font.descent, max(font.widths.values(), default=1000), font.ascent]),
        Ascent=font.ascent, Descent=font.descent, CapHeight=font.ascent, StemV=80)
    descriptor["/FontFile3" if otf else "/FontFile2"] = program
    cid = dictionary(
        Type=name.Font, Subtype=name.CIDFontType0 if otf else name.CIDFontType2, BaseFont=base,
        CIDSystemInfo=dictionary(Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0),
        W=_widths(font.widths), FontDescriptor=out.make_indirect(descriptor))
    if not otf:
        cid.CIDToGIDMap = name.Identity
    return dictionary(
        Type=name.Font, Subtype=name.Type0, BaseFont=base, Encoding=name("/Identity-H"),
        ToUnicode=out.make_stream(_to_unicode(font.glyphs)), DescendantFonts=array([out.make_indirect(cid)]))


def _widths(widths: dict[int, int]) -> pikepdf.Array:
    """Write glyph widths as runs of neighbouring glyphs."""
    flat: list[Any] = []
    previous = None
    for glyph in sorted(widths):
        if previous is None or glyph != previous + 1:
            flat += [glyph, []]
        flat[-1].append(widths[glyph])
        previous = glyph
    return pikepdf.Array([pikepdf.Array(item) if isinstance(item, list) else item for item in flat])


def _to_unicode(glyphs: dict[int, str]) -> bytes:
    """Write the table from glyphs to the text they stand for."""
    lines = ["/CIDInit /ProcSet findresource begin", "12 dict begin", "begincmap", "/CIDSystemInfo",
             "<< /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def", "/CMapName /Adobe-Identity-UCS def",
             "/CMapType 2 def", "1 begincodespacerange", "<0000> <ffff>", "endcodespacerange"]
    items = sorted(glyphs.items())
    for start in range(0, len(items), 100):
        block = items[start:start + 100]
        lines.append(f"{len(block)} beginbfchar")
        lines += [f'<{glyph:04x}> <{text.encode("utf-16-be").hex()}>' for glyph, text in block]
        lines.append("endbfchar")
    lines += ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end"]
    return "\n".join(lines).encode()
