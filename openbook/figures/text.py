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
    widths = _widths(bold)
    return size * sum(widths.get(ord(letter), 1.0 if ord(letter) >= WIDE else OTHER) for letter in text)


@functools.cache
def _widths(bold: bool) -> dict[int, float]:
    """Return the advance of each character of the Latin font in ems."""
    package = importlib.util.find_spec("font_source_sans_pro")
    path = Path(next(iter(package.submodule_search_locations))) / "files" / FILES[bold]
    with TTFont(path, lazy=True) as font:
        em, advances = font["head"].unitsPerEm, font["hmtx"]
        return {code: advances[name][0] / em for code, name in font.getBestCmap().items()}
