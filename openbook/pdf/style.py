"""Put the print style together: fonts, KaTeX, the book's sheets for language and paper, and the colours of figures."""

from __future__ import annotations

from pathlib import Path

from .errors import PdfError
from .fonts import Face, font_css, katex_css

FOLDER = Path(__file__).resolve().parents[2] / "overrides" / "pdf"
PAPERS = ("a4", "b5")

#: Colours of figures in print, by the variable the figures name.
PALETTE = {
    "--fig-ink": "#1b1f24", "--fig-muted": "#59636e", "--fig-line": "#8c959f", "--fig-grid": "#d8dee4",
    "--fig-bg": "#ffffff", "--fig-bg2": "#f6f8fa", "--fig-c1": "#0072b2", "--fig-c2": "#e69f00",
    "--fig-c3": "#009e73", "--fig-c4": "#d55e00", "--fig-c5": "#cc79a7", "--fig-c6": "#56b4e9",
}
FIGURE_FONTS = {
    "en": "Book Sans,Book KaTeX_Main,Book Han Sans,Book Mono",
    "zh": "Book Sans Zh,Book Han Sans,Book KaTeX_Main,Book Mono",
}
FIGURE_MONO = "Book Mono,Book Han Sans"


def style_sheet(faces: list[Face], paper: str, code: str) -> str:
    """Write the whole print style of one language and paper size as one style sheet."""
    language = read_sheet(f"{code}.css") if (FOLDER / f"{code}.css").is_file() else ""
    return font_css(faces) + katex_css() + read_sheet("book.css") + language + read_sheet(f"{paper}.css")


def read_sheet(name: str) -> str:
    """Read a file of the print style; raise PdfError when it is missing."""
    try:
        return (FOLDER / name).read_text(encoding="utf-8")
    except OSError as error:
        what = f"the print style lacks {name}: {error.strerror}"
        raise PdfError(what, str(FOLDER), "restore it from the repository") from None
