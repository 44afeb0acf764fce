"""Measure text in the sans serif that the PDF prints: the Latin font's own widths, one em for a Chinese character."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from fontTools.ttLib import TTFont

FILES = {False: "SourceSansPro-Regular.ttf", True: "SourceSansPro-Semibold.ttf"}
#: Signs that the Latin font lacks come from a font for formulas; most are this wide.
OTHER = 0.6
WIDE = 0x2E80


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of a line of text set in `size`."""
    em, advances = _advances(bold)
    # In whole units of the font: Python 3.12 and later round a sum of fractions otherwise than 3.11.
    return size * sum(advances.get(ord(letter), em if ord(letter) >= WIDE else round(OTHER * em)) for letter in text) / em


@functools.cache
def _advances(bold: bool) -> tuple[int, dict[int, int]]:
    """Return the units of an em of the Latin font, and the advance of each character in them."""
    package = importlib.util.find_spec("font_source_sans_pro")
    path = Path(next(iter(package.submodule_search_locations))) / "files" / FILES[bold]
    with TTFont(path, lazy=True) as font:
        em, advances = font["head"].unitsPerEm, font["hmtx"]
        return em, {code: advances[name][0] for code, name in font.getBestCmap().items()}
