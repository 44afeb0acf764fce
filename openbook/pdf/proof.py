"""Read the proof of a segment: what its pages print, and every fault that can be seen on them alone."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
from lxml import html as lxml_html

from .ink import Ink, Run, read_ink

#: The least resolution of a picture as it is printed, in pixels an inch.
LEAST_DPI = 150
#: How far text may stand beyond a clip or the edge of the page, in points.
SLACK = 1.0
#: Characters that are never drawn.
UNSEEN = dict.fromkeys([*map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"), *range(0xFE00, 0xFE10)])
#: Hyphens and dashes of one look, to compare texts across line ends.
HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-", "\u00ad": None})
#: The mark of the pieces of a cut line (book.css), which may stand inside a word of a listing.
HUNG = "→"
_spaces = re.compile(r"\s+")
_unprinted = ('.//*[local-name()="style" or local-name()="title" or local-name()="desc" or local-name()="script"'
              ' or local-name()="metadata"]')

Fault = tuple[str, int, str, str]


def plain(text: str) -> str:
    """Bring a text into the form in which source and print are compared: no spaces, no invisible characters."""
    return _spaces.sub("", unicodedata.normalize("NFKC", text.translate(HYPHENS).translate(UNSEEN)))


def texts(body: str) -> list[str]:
    """List the pieces of text that an HTML body says to print."""
    root = lxml_html.fragment_fromstring(body, create_parent="div")
    for element in root.xpath(_unprinted):
        element.text = None
        for child in list(element):
            element.remove(child)
    return [text for text in map(plain, root.itertext()) if text]


def proof(pdf: Path, fonts: dict[str, dict[str, Any]], body: str,
          folded: tuple[tuple[str, str, str], ...]) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Read a segment's PDF; return a sheet a page (digest, glyphs by font, runs of text), and the faults.

    A fault is what is wrong, the page from 0, the text there, and the remedy.
    """
    sheets, faults = [], []
    widths = {name: record["widths"] for name, record in fonts.items()}
    with pikepdf.open(pdf) as book:
        for number, page in enumerate(book.pages):
            content = page.obj.Contents.read_bytes()
            ink = read_ink(content, page.obj.Resources, widths)
            box = [float(edge) for edge in page.mediabox]
            faults += [(what, number, where, mend) for what, where, mend in page_faults(ink, page.obj.Resources, fonts, box)]
            sheets.append(_sheet(content, ink, fonts))
    printed = "".join(text for sheet in sheets for *_, text in sheet["runs"])
    faults += folded_faults(folded, plain(printed))
    faults += text_faults(texts(body), plain(printed))
    return sheets, faults


def _sheet(content: bytes, ink: Ink, fonts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Sum a page up for later checks."""
    used: dict[str, set[int]] = {}
    for run in ink.runs:
        used.setdefault(run.font, set()).update(run.glyphs)
    return {
        "digest": hashlib.sha256(content).hexdigest(),
        "glyphs": {name: sorted(glyphs) for name, glyphs in sorted(used.items())},
        "runs": [[round(run.box[0]), round(run.box[1]), text_of(run, fonts)] for run in ink.runs if not run.artifact],
    }


def text_of(run: Run, fonts: dict[str, dict[str, Any]]) -> str:
    """Spell a run as the text layer does."""
    glyphs = fonts.get(run.font, {}).get("glyphs", {})
    return "".join(glyphs.get(glyph, "") for glyph in run.glyphs)


def page_faults(ink: Ink, resources: Any, fonts: dict[str, dict[str, Any]], page: list[float]) -> Iterator[tuple[str, str, str]]:
    """Find text that is cut off, off the page or not drawn, and pictures that are too coarse."""
    for run in ink.runs:
        if run.artifact:
            continue
        text = text_of(run, fonts).strip()
        if not text:
            continue
        left, bottom, right, top = run.box
        if run.clip is not None and (left < run.clip[0] - SLACK or right > run.clip[2] + SLACK
                                     or (bottom + top) / 2 < run.clip[1] or (bottom + top) / 2 > run.clip[3]):
            yield "text is cut off", text, "let it wrap, or make the box that holds it larger"
        elif left < page[0] or right > page[2] or bottom < page[1] or top > page[3]:
            yield "text leaves the page", text, "shorten it, or let it wrap"
        elif run.mode == 3:
            yield "text is not drawn", text, "give it a colour, or take it out"
    for picture in ink.pictures:
        image = resources.XObject.get("/" + picture.name)
        if image is None or not picture.width or not picture.height:
            continue
        dpi = 72 * min(int(image.Width) / picture.width, int(image.Height) / picture.height)
        if dpi < LEAST_DPI - 1:
            size = f"{picture.width / 72 * 25.4:.0f} by {picture.height / 72 * 25.4:.0f} mm"
            yield (f"a picture of {int(image.Width)} by {int(image.Height)} pixels prints at {dpi:.0f} dpi", size,
                   f"use a picture of {LEAST_DPI} dpi or more at that size, or show it smaller")


def text_faults(source: list[str], printed: str) -> list[Fault]:
    """Find characters of the source that the pages do not have."""
    lost = Counter("".join(source)) - Counter(printed)
    if not lost:
        return []
    piece = next((text for text in source if set(text) & set(lost) and text not in printed), "".join(lost))
    characters = " ".join(f"{char} (U+{ord(char):04X})" for char in list(lost)[:6])
    return [(f"characters of the chapter are not printed: {characters}", -1, piece[:60],
             "take out the style or attribute that hides them, or write them with other characters")]


def folded_faults(folded: tuple[tuple[str, str, str], ...], printed: str) -> list[Fault]:
    """Find tab panes and folded blocks of the web page that did not print."""
    printed = printed.replace(HUNG, "")
    return [(f"{kind} did not print: {label}", -1, text[:60],
             "keep the markup that pymdownx writes, so that flatten.py opens it")
            for kind, label, text in folded if not found(plain(text).replace(HUNG, ""), printed)]


def found(text: str, printed: str, pieces: int = 4) -> bool:
    """Say whether a text was printed, in one piece or cut by page ends into a few."""
    for _ in range(pieces):
        if text in printed:
            return True
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if text[:middle] in printed else (low, middle - 1)
        if low < 4:
            return False
        text = text[low:]
    return False
