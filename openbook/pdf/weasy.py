"""Every private function of WeasyPrint that the book rests on or changes, for one version (tags: weasy_tags.py).

Each change has a test in tests/pdf/test_weasy.py that fails when a new version moves the ground under it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from math import inf
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .errors import APT_LINE, PdfError

VERSION = "70.0"
#: Digest of the functions below that are replaced or wrapped, as they were when this file was written.
SOURCE_DIGEST = "67c844e60cfc38348c2b7e2344f1717229442d590d524e5ea2c554eee413a44d"

try:
    import cssselect2
    import pydyf
    import pyphen
    import weasyprint
    import weasyprint.layout as layout
    import weasyprint.pdf as pdf
    import weasyprint.pdf.fonts as pdf_fonts
    from weasyprint.formatting_structure import boxes
    from weasyprint.layout import block, inline
    from weasyprint.text import line_break
    from weasyprint.text.ffi import TO_UNITS, ffi, pango
    from weasyprint.text.fonts import FontConfiguration

    from . import weasy_draw, weasy_fast, weasy_float, weasy_lines, weasy_listing, weasy_spans, weasy_svg, weasy_tags, weasy_text
except OSError as error:
    first = str(error).splitlines()[0]
    raise PdfError(f"Pango, which sets the type, is missing: {first}", "libraries of this machine",
                   f"as root on Debian or Ubuntu: {APT_LINE}; with Homebrew: brew install pango") from None

__all__ = ["FontConfiguration", "boxes", "check_version", "expandable", "font_records", "inline", "install", "line_break",
           "open_fonts", "set_line_hooks", "weasyprint"]


def check_version() -> None:
    """Raise PdfError unless the installed WeasyPrint is the one these functions were read from."""
    found = importlib.metadata.version("weasyprint")
    if found != VERSION:
        raise PdfError(f"WeasyPrint is {found}; the PDF step is written for {VERSION}", "this Python environment",
                       "install what requirements.lock lists, or go through openbook/pdf/weasy.py and its tests")


#: Full-width marks that may hang half beyond a line's end: cjk.py lets them.
HANGING = tuple("，。、；：！？）」』》】〉〕”’．")

_original = {
    **weasy_tags.original, **weasy_spans.original, **weasy_fast.original, **weasy_draw.original, **weasy_float.original,
    **weasy_lines.original, **weasy_listing.original, **weasy_svg.original, "justify_line": inline.justify_line,
    "expandable": inline.count_expandable_spaces, "add_word_spacing": inline.add_word_spacing,
    "set_text": line_break.Layout.set_text, "reactivate": line_break.Layout.reactivate,
    "html": weasyprint.HTML.__init__, "footnotes": layout.LayoutContext._update_footnote_area, "lines": block._linebox_layout,
    "build_fonts": pdf.build_fonts_dictionary,
    "file_content": pdf_fonts.get_hb_object_data, "font": pdf_fonts.Font.__init__,
}
_fonts: dict[str, dict[str, Any]] = {}
_justify: Callable[[Any, Any, float], bool] | None = None
_squeeze: Callable[[str, str], list[tuple[int, int]]] | None = None


def install() -> None:
    """Change WeasyPrint for this process; calling it again changes nothing more."""
    check_version()
    if sys.version_info >= (3, 12):
        for name in [name for name in sys.modules if name.startswith("weasyprint.")]:
            vars(sys.modules[name])["sum"] = _sum
    pdf.build_fonts_dictionary = _leave_fonts_out
    pdf_fonts.get_hb_object_data = lambda *_: b""
    weasy_tags.install()
    weasy_fast.install()
    weasy_float.install()
    weasy_lines.install()
    weasy_listing.install()
    weasy_svg.install()
    inline.justify_line = _justify_line
    inline.count_expandable_spaces = expandable
    line_break.Layout.set_text = _set_text
    line_break.Layout.reactivate = _reactivate
    layout.LayoutContext._update_footnote_area = _update_footnote_area
    block._linebox_layout = _linebox_layout


def _sum(values: Iterable[Any], start: Any = 0) -> Any:
    """Add values up one by one, as Python 3.11 does: newer ones keep the rounding errors of floats, and widths get other last digits."""
    for value in values:
        start = start + value
    return start


def open_fonts() -> FontConfiguration:
    """Make a configuration of fonts whose copies of the files (100 MB) go when the process ends.

    WeasyPrint leaves them in the folder for temporary files: it counts on the configuration being collected,
    which does not happen at the end of a process.
    """
    fonts = FontConfiguration()
    fonts._folder = Path(tempfile.mkdtemp(prefix="openbook-fonts-"))
    # Unlike atexit, this is also called at the end of a worker process.
    Finalize(None, _drop_copies, (fonts,), exitpriority=10)
    return fonts


def _drop_copies(fonts: FontConfiguration) -> None:
    """Remove the copies, and leave nothing for a clean-up that runs when the interpreter is half gone."""
    shutil.rmtree(fonts._folder, ignore_errors=True)
    fonts._folder = None


def load_hyphens() -> None:
    """Read the English hyphens, so that processes forked from this one have them."""
    pyphen.Pyphen(lang="en")


class Page(weasyprint.HTML):
    """A document that was read already."""

    def __init__(self, root: ElementTree.Element, fetcher: Any):
        self.base_url, self.url_fetcher, self.media_type = None, fetcher, "print"
        self.wrapper_element = cssselect2.ElementWrapper.from_html_root(root, content_language=None)
        self.etree_element = root


# Fonts: a chapter embeds none. What it used is remembered, and binding embeds the union once.

def _leave_fonts_out(out: Any, fonts: dict[Any, Any], *_: Any) -> Any:
    """Write font dictionaries without font files, and remember the glyphs that were drawn."""
    _fonts.clear()
    dictionary = pydyf.Dictionary()
    for font in fonts.values():
        dictionary[font.hash] = pydyf.Dictionary({"Type": "/Font", "Subtype": "/Type0", "BaseFont": font.name})
        record = _fonts.setdefault(font.hash, {
            "family": font.family, "weight": int(font.weight), "style": ("normal", "oblique", "italic")[font.style],
            "flags": font.flags, "ascent": font.ascent, "descent": font.descent,
            "glyphs": {}, "widths": {}, "missing": []})
        for glyph, text in font.to_unicode.items():
            if glyph in font.missing.values():
                continue
            record["glyphs"].setdefault(glyph, text)
        record["widths"].update(font.widths)
        record["missing"] += [chr(codepoint) for codepoint in font.missing]
    return dictionary


def font_records() -> dict[str, dict[str, Any]]:
    """Give the fonts of the PDF written last: by resource name, with glyphs, widths and missing characters."""
    return {name: dict(record) for name, record in _fonts.items()}


# Lines: the hooks of cjk.py.

def set_line_hooks(justify: Callable[[Any, Any, float], bool],
                   squeeze: Callable[[str, str], list[tuple[int, int]]]) -> None:
    """Hand over lines to be justified and texts to be squeezed.

    `justify(context, line, extra)` says whether it has set the line. `squeeze(text, lang)` gives the byte
    ranges whose full-width punctuation is set half wide.
    """
    global _justify, _squeeze
    _justify, _squeeze = justify, squeeze


def _justify_line(context: Any, line: Any, extra: float) -> None:
    """Justify a line by the hook, or at its spaces."""
    if _justify is None or not _justify(context, line, extra):
        _original["justify_line"](context, line, extra)


def expandable(box: Any) -> int:
    """Count the spaces of a line or a part of it that may be stretched: none of code, whose type is of one width."""
    if isinstance(box, boxes.TextBox) and box.element_tag == "code":
        return 0
    return _original["expandable"](box)


def _set_text(self: Any, text: str, justify: bool = False) -> None:
    """Set a layout's text, asking the font for half-width punctuation where the hook says so."""
    ranges = _squeeze(text, self.style["lang"] or "") if _squeeze is not None else []
    if ranges or getattr(self, "squeezed", False):
        self.squeezed = bool(ranges)
        # A text that is set again keeps its old attributes: start from those of the style alone.
        attributes = weasy_text.type_of(self.style).make_attributes()
        for start, end in ranges:
            half = pango.pango_attr_font_features_new(b"halt 1")
            half.start_index, half.end_index = start, end
            pango.pango_attr_list_insert(attributes, half)
        pango.pango_layout_set_attributes(self.layout, attributes)
    _original["set_text"](self, text, justify)


def stretch(context: Any, box: Any, gaps: dict[int, float]) -> None:
    """Give a text box a layout with extra space, in CSS pixels, after the characters at these byte offsets."""
    box.pango_layout = inline.create_layout(box.text, box.style, context, None, 0)
    box.pango_layout.gaps = gaps


def _reactivate(self: Any, style: Any) -> None:
    """Prepare a layout for drawing, widening glyphs where `stretch` asked for it."""
    if weasy_text.ready(self):
        return
    _original["reactivate"](self, style)
    gaps = getattr(self, "gaps", None)
    if not gaps:
        return
    pango.pango_layout_set_single_paragraph_mode(self.layout, True)
    line, _ = self.get_first_line()
    run = line.runs[0]
    while run != ffi.NULL:
        item, glyphs = run.data.item, run.data.glyphs
        for i in range(glyphs.num_glyphs):
            start = glyphs.log_clusters[i]
            last = i + 1 == glyphs.num_glyphs
            end = item.length if last else glyphs.log_clusters[i + 1]
            if end == start:
                continue
            # A cluster may hold several characters, a ligature for one: count every offset it covers.
            extra = math.fsum(width for at, width in gaps.items() if item.offset + start <= at < item.offset + end)
            if extra:
                glyphs.glyphs[i].geometry.width += int(extra * TO_UNITS)
        run = run.next


# Footnotes: WeasyPrint compares two sums of floats exactly and, for some margins of the footnote area,
# sends a note that fits to the next page. This is its function with a tolerance.

def _update_footnote_area(self: Any) -> bool:
    """Lay the page's notes out and say whether they overflow their area."""
    area = self.current_footnote_area
    if area.height != "auto" and not self.in_column:
        self.page_bottom += area.margin_height()
    area.children = self.current_page_footnotes
    if not area.children:
        area.height = 0
        if not self.in_column:
            self.page_bottom -= area.margin_height()
        return False
    new = layout.build.create_anonymous_boxes(area.deepcopy())
    new = layout.block_level_layout(self, new, -inf, None, area.page)[0]
    area.height = new.height
    if not self.in_column:
        self.page_bottom -= new.margin_height()
    last = new.children[-1]
    bottom = last.position_y + last.margin_height() - last.margin_bottom
    return bottom > new.position_y + new.margin_height() - new.margin_bottom + 1e-6


def _linebox_layout(context: Any, box: Any, index: int, child: Any, lines: list[Any], *rest: Any) -> Any:
    """Lay lines out, and keep the notes of the last one.

    Where a page has room for one more line only because its notes go to the next page, WeasyPrint sets the line and
    forgets the notes that are called in it. They go to the next page too.
    """
    result = _original["lines"](context, box, index, child, lines, *rest)
    abort, stop, _, _, notes, _ = result
    if stop and not abort and lines:
        for part in lines[-1].descendants():
            if part.footnote is not None and part.footnote in context.footnotes:
                context.footnotes.remove(part.footnote)
                context.reported_footnotes.append(part.footnote)
                notes.append(part.footnote)
    return result


def source_digest() -> str:
    """Give a digest of the WeasyPrint functions that are replaced or wrapped."""
    import inspect

    return hashlib.sha256("".join(inspect.getsource(f) for f in _original.values()).encode()).hexdigest()
