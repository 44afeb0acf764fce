"""Do what WeasyPrint does, with less work: the same pages to the byte, from functions that remember.

Each function here stands for one of WeasyPrint's and gives exactly what it gives; weasy.py puts them in place, and
tests/pdf/test_fast.py compares them with the originals. A style is never changed after a layout or a box was made with it,
so what depends on a style alone is kept beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from math import inf
from typing import Any

import pydyf
import tinycss2
import weasyprint.css as css
import weasyprint.css.computed_values as computed_values
import weasyprint.draw.text as draw
import weasyprint.layout.absolute as absolute
import weasyprint.layout.background as background
import weasyprint.layout.block as block
import weasyprint.layout.column as column
import weasyprint.layout.float as float_layout
import weasyprint.layout.grid as grid
import weasyprint.layout.inline as inline
import weasyprint.layout.page as page
import weasyprint.layout.percent as percent
import weasyprint.layout.preferred as preferred
import weasyprint.layout.table as table
from weasyprint.css.functions import check_math
from weasyprint.draw.color import get_color
from weasyprint.formatting_structure import boxes
from weasyprint.text import line_break
from weasyprint.text.ffi import FROM_UNITS, ffi, gobject, pango
from weasyprint.text.fonts import font_features, get_font_description

from . import weasy_draw

original = {
    "setup": line_break.Layout.setup, "split_first_line": line_break.split_first_line, "strut": line_break.strut,
    "can_break_text": line_break.can_break_text, "resolve_percentages": percent.resolve_percentages,
    "layout_box_backgrounds": background.layout_box_backgrounds, "style_for": css.StyleFor.__init__,
    "set_computed_styles": css.StyleFor.set_computed_styles, "missing": css.ComputedStyle.__missing__,
    "to_bytes": pydyf._to_bytes, "page_references": pydyf.PDF.page_references.fget,
}


def install() -> None:
    """Put these functions in the place of WeasyPrint's."""
    for holder, name, ours in places():
        setattr(holder, name, ours)


def restore() -> None:
    """Put WeasyPrint's own functions back, to compare."""
    for holder, name, theirs in _theirs:
        setattr(holder, name, theirs)


def places() -> list[tuple[Any, str, Any]]:
    """List where WeasyPrint's functions stand, by holder and name, with ours for each place."""
    lines = [(module, name, globals()[name]) for name, modules in {
        "split_first_line": (line_break, inline, preferred), "strut": (line_break, inline, computed_values),
        "can_break_text": (line_break, inline, preferred),
        "resolve_percentages": (percent, inline, page, float_layout, grid, absolute, block, column, table),
        "layout_box_backgrounds": (background,)}.items() for module in modules]
    return [*lines, (line_break.Layout, "setup", _setup), (css.StyleFor, "__init__", _style_for),
            (css.StyleFor, "set_computed_styles", _set_computed_styles), (css.ComputedStyle, "__missing__", _missing),
            (pydyf, "_to_bytes", _to_bytes), (pydyf.PDF, "page_references", page_references),
            (draw, "draw_first_line", weasy_draw.draw_first_line)]


# Text: a layout of Pango needs a context, a description of its font and attributes, which its style determines.

class _Type:
    """What Pango needs to know of a style."""

    __slots__ = ("context", "description", "language", "metrics", "features", "attributes")

    def __init__(self, style: Any):
        self.context = ffi.gc(pango.pango_font_map_create_context(style.font_config.font_map), gobject.g_object_unref)
        pango.pango_context_set_round_glyph_positions(self.context, False)
        pango.pango_context_set_base_dir(self.context, line_break.PANGO_DIRECTION[style["direction"]])
        name = style["lang"]
        if style["font_language_override"] != "normal":
            override = style["font_language_override"]
            name = line_break.LST_TO_ISO.get(override.lower(), override)
        if name:
            pointer, _name = line_break.unicode_to_char_p(name)
            self.language = pango.pango_language_from_string(pointer)
            pango.pango_context_set_language(self.context, self.language)
        else:
            self.language = pango.pango_language_get_default()
        self.description = get_font_description(style)
        self.metrics = (None, None, None) if style["text_decoration_line"] == "none" else self._metrics()
        found = font_features(
            style["font_kerning"], style["font_variant_ligatures"], style["font_variant_position"],
            style["font_variant_caps"], style["font_variant_numeric"], style["font_variant_alternates"],
            style["font_variant_east_asian"], style["font_feature_settings"])
        self.features = ",".join(f"{key} {value}" for key, value in found.items()).encode()
        # Spacing and hyphens are written into a layout's attributes: only layouts without them can share a list.
        apart = (style["word_spacing"] or style["letter_spacing"] not in ("normal", 0)
                 or style["overflow_wrap"] in ("anywhere", "break-word"))
        self.attributes = None if apart or not self.features else self.make_attributes()

    def _metrics(self) -> tuple[float, ...]:
        """Measure where lines under, over and through text lie."""
        metrics = ffi.gc(pango.pango_context_get_metrics(self.context, self.description, self.language),
                         pango.pango_font_metrics_unref)
        return (FROM_UNITS * pango.pango_font_metrics_get_ascent(metrics),
                FROM_UNITS * pango.pango_font_metrics_get_underline_position(metrics),
                FROM_UNITS * pango.pango_font_metrics_get_strikethrough_position(metrics),
                FROM_UNITS * pango.pango_font_metrics_get_underline_thickness(metrics),
                FROM_UNITS * pango.pango_font_metrics_get_strikethrough_thickness(metrics))

    def make_attributes(self) -> Any:
        """Make a list of attributes with the style's font features."""
        attributes = ffi.gc(pango.pango_attr_list_new(), pango.pango_attr_list_unref)
        pango.pango_attr_list_insert(attributes, pango.pango_attr_font_features_new(self.features))
        return attributes


def _setup(self: Any, style: Any) -> None:
    """Make a Pango layout for a style."""
    try:
        kind = style.kind
    except AttributeError:
        kind = style.kind = _Type(style)
    self.style = style
    self.first_line_direction = 0
    self.language = kind.language
    self.layout = ffi.gc(pango.pango_layout_new(kind.context), gobject.g_object_unref)
    pango.pango_layout_set_auto_dir(self.layout, False)
    pango.pango_layout_set_font_description(self.layout, kind.description)
    if len(kind.metrics) == 5:
        (self.ascent, self.underline_position, self.strikethrough_position, self.underline_thickness,
         self.strikethrough_thickness) = kind.metrics
    else:
        self.ascent = self.underline_position = self.strikethrough_position = None
    if kind.features:
        shared = kind.attributes if not self.justification_spacing else None
        pango.pango_layout_set_attributes(self.layout, kind.make_attributes() if shared is None else shared)


#: Everything of a style that decides where its text breaks and how large it is.
_READ = ("direction", "font_language_override", "lang", "font_family", "font_style", "font_stretch", "font_weight", "font_size",
         "font_variant_caps", "font_variation_settings", "text_decoration_line", "font_kerning", "font_variant_ligatures",
         "font_variant_position", "font_variant_numeric", "font_variant_alternates", "font_variant_east_asian",
         "font_feature_settings", "word_spacing", "letter_spacing", "overflow_wrap", "tab_size", "white_space", "hyphens",
         "hyphenate_limit_chars", "hyphenate_limit_zone", "hyphenate_character", "word_break")


def _remembered(style: Any) -> dict[tuple[Any, ...], Any]:
    """Give the lines that were split off with a style of the same text, kept with the fonts that set them."""
    try:
        return style.lines
    except AttributeError:
        shelf = style.font_config.__dict__.setdefault("lines", {})
        style.lines = shelf.setdefault(repr([style[name] for name in _READ]), {})
        return style.lines


def split_first_line(text: str, style: Any, context: Any, max_width: Any, justification_spacing: float,
                     is_line_start: bool = True, minimum: bool = False) -> tuple[Any, ...]:
    """Split a line off a text, or give the line that was split off the same text before.

    Tables and notes are measured and laid out several times over the same texts.
    """
    lines = _remembered(style)
    key = text, max_width, justification_spacing, is_line_start, minimum
    found = lines.get(key)
    if found is None:
        found = original["split_first_line"](text, style, context, max_width, justification_spacing, is_line_start, minimum)
        lines[key] = found
    layout = found[0]
    # Each box gets a layout of its own: justification is written into it.
    own = layout.__class__.__new__(layout.__class__)
    own.__dict__.update(layout.__dict__)
    return own, *found[1:]


def strut(style: Any) -> tuple[float, float]:
    """Give the height of a line without text, and its baseline."""
    try:
        return style.strut
    except AttributeError:
        style.strut = original["strut"](style)
        return style.strut


can_break_text = functools.lru_cache(maxsize=4096)(original["can_break_text"])


# Boxes: sizes that are no percentages are the same whatever the box stands in.

_SIZES = ("margin_left", "margin_right", "margin_top", "margin_bottom", "padding_left", "padding_right", "padding_top",
          "padding_bottom", "width", "min_width", "max_width", "height", "min_height", "max_height")

_BORDERS = tuple(f"border_{side}_width" for side in ("top", "right", "bottom", "left"))
_NO_RADII = {f"border_{corner}_radius": (0, 0) for corner in ("top_left", "top_right", "bottom_right", "bottom_left")}


class _Sized:
    """Takes the sizes that a style gives its boxes."""

    def __init__(self, style: Any):
        self.style = style


def _sizes(style: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Work out the sizes of a style's boxes, and apart from them its borders; None when they depend on what is around."""
    if style["border_collapse"] == "collapse" and style["box_sizing"] != "content-box":
        return None
    for name in _SIZES:
        value = style[name]
        if value != "auto" and (check_math(value) or value.unit != "px"):
            return None
    trial = _Sized(style)
    original["resolve_percentages"](trial, (inf, inf))
    del trial.style
    sizes = trial.__dict__
    borders = {name: sizes.pop(name) for name in _BORDERS} if style["border_collapse"] == "collapse" else {}
    return sizes, borders


def resolve_percentages(box: Any, containing_block: Any) -> None:
    """Set a box's sizes."""
    style = box.style
    try:
        found = style.sizes
    except AttributeError:
        found = style.sizes = _sizes(style)
    if found is None or not isinstance(box, boxes.Box):
        original["resolve_percentages"](box, containing_block)
        return
    sizes, borders = found
    own = box.__dict__
    own.update(sizes)
    for name in borders:
        if name not in own:  # or a table has settled which of two borders wins
            own[name] = borders[name]


def layout_box_backgrounds(page: Any, box: Any, get_image: Any, layout_children: bool = True, style: Any = None) -> None:
    """Prepare what is painted behind a box; nothing, for most."""
    kind = style or box.style
    try:
        plain = kind.plain
    except AttributeError:
        plain = kind.plain = _is_plain(kind)
    if not plain or style is not None or box is page or not isinstance(box, boxes.Box):
        original["layout_box_backgrounds"](page, box, get_image, layout_children, style)
        return
    box.__dict__.update(_NO_RADII)
    if layout_children:
        for child in box.all_children():
            layout_box_backgrounds(page, child, get_image)
    box.background = None


def _is_plain(style: Any) -> bool:
    """Say whether a style paints nothing behind its boxes and cuts no corners off."""
    return (style["border_image_source"][0] == "none" and style["mask_border_source"][0] == "none"
            and all((0, "px") in style[name] for name in _NO_RADII)
            and not style["box_shadow"] and all(kind == "none" for kind, _ in style["background_image"])
            and (style["visibility"] == "hidden" or get_color(style, "background_color").alpha == 0))


# Styles: elements with the same parent's style and the same rules share theirs, and their pseudo-elements' as well.

def _style_for(self: Any, html: Any, sheets: Any, presentational_hints: Any, font_config: Any, target_collector: Any) -> None:
    """Compute the styles of a document's elements."""
    self._cascaded_styles, self._computed_styles = cascaded, computed = {}, {}
    self.initial_page_sizes = {"box": None, "area": None}
    self._sheets, self.font_config = sheets, font_config
    declared: dict[Any, tuple[Any, ...]] = {}

    def cascade(key: Any, declarations: Any, origin: str, layer: float, specificity: Any) -> None:
        style = cascaded.setdefault(key, {})
        for name, values, importance in declarations:
            weight = css.declaration_precedence(origin, importance), layer, specificity
            old = style.get(name)
            if old is None or old[1] is None or old[1] <= weight:
                style[name] = values, weight

    for specificity, element, declarations, base_url in _style_attributes(html, presentational_hints):
        declared[element] = tuple(declarations)
        cascade((element, None), css.preprocess_declarations(base_url, declarations), "author", inf, specificity)
    first: dict[Any, Any] = {}
    same: list[tuple[Any, Any]] = []
    for wrapper in html.wrapper_element.iter_subtree():
        element = wrapper.etree_element
        parent = wrapper.parent.etree_element if wrapper.parent else None
        matches = [(sheet, origin, own or specificity, pseudo, payload)
                   for sheet, origin, own in sheets for specificity, _, pseudo, payload in sheet.matcher.match(wrapper)]
        rules = tuple((id(sheet), specificity, id(payload[0]), payload[1]) for sheet, _, specificity, _, payload in matches)
        key = id(computed[parent, None]) if wrapper.parent else None, declared.get(element), rules
        if key in first:
            computed[element, None] = computed[first[key], None]
            same.append((element, first[key]))
            continue
        for sheet, origin, specificity, pseudo, (declarations, layer) in matches:
            cascade((element, pseudo), declarations, origin, inf if layer is None else sheet.layers.index(layer), specificity)
        self.set_computed_styles(element, root=html.etree_element, parent=parent, base_url=html.base_url,
                                 target_collector=target_collector)
        first[key] = element
    pseudos: dict[Any, list[str]] = {}
    for element, pseudo in list(cascaded):
        if pseudo:
            self.set_computed_styles(element, pseudo_type=pseudo, root=html.etree_element, parent=element,
                                     base_url=html.base_url, target_collector=target_collector)
            pseudos.setdefault(element, []).append(pseudo)
    for element, twin in same:
        for pseudo in pseudos.get(twin, ()):
            computed[element, pseudo] = computed[twin, pseudo]
    cascaded.clear()


def _style_attributes(html: Any, hints: bool) -> Iterator[tuple[Any, ...]]:
    """Read the style attributes of a document, those of one wording once."""
    parse, known = tinycss2.parse_blocks_contents, {}

    def remember(text: str) -> Any:
        if text not in known:
            known[text] = parse(text)
        return known[text]

    css.tinycss2.parse_blocks_contents = remember
    try:
        yield from css.find_style_attributes(html.etree_element, hints, html.base_url)
    finally:
        css.tinycss2.parse_blocks_contents = parse


def _set_computed_styles(self: Any, element: Any, parent: Any, root: Any = None, pseudo_type: Any = None,
                         base_url: Any = None, target_collector: Any = None) -> None:
    """Make the style of an element or pseudo-element; only one that names an anchor is asked for it."""
    rules = self._cascaded_styles.get((element, pseudo_type), {})
    if (element == root and pseudo_type is None) or "anchor" in rules:
        original["set_computed_styles"](self, element, parent, root, pseudo_type, base_url, target_collector)
        return
    styles = self._computed_styles
    styles[element, pseudo_type] = css.ComputedStyle(
        styles[parent, None], rules, pseudo_type, styles[root, None], base_url, self.font_config, self.initial_page_sizes)


_SPECIAL = {"float", "display", "position", "page", "lang"}
_ordinary = {key for key in css.INITIAL_VALUES if key not in _SPECIAL and not key.startswith("text_decoration_")}
_INITIAL = {key for key in _ordinary if key not in css.INHERITED and key not in css.INITIAL_NOT_COMPUTED}
_INHERITED = {key for key in _ordinary if key in css.INHERITED}


def _missing(self: Any, key: str) -> Any:
    """Compute a property; at once where no rule sets it, as for most."""
    rules = self.cascaded
    if key not in rules:
        logical = css.PHYSICAL_FUNCTIONS.get(key)
        if logical is None or logical(block="ttb", inline=self["direction"]) not in rules:
            if key in _INITIAL:
                value = self[key] = css.INITIAL_VALUES[key]
                return value
            if key in _INHERITED and self.parent_style is not None:
                value = self.parent_style[key]
                if not check_math(value):
                    self[key] = value
                    return value
    return original["missing"](self, key)


# Writing: numbers and names of a PDF, by their kind.

def _to_bytes(item: Any) -> bytes:
    """Write a value as PDF does."""
    kind = item.__class__
    if kind is bytes:
        return item
    if kind is str:
        return item.encode("ascii")
    if kind is int:
        return b"%d" % item
    return original["to_bytes"](item)


@property
def page_references(self: Any) -> tuple[bytes, ...]:
    """List the references of a PDF's pages; every tag asks for one of them."""
    pages = self.pages["Count"]
    if getattr(self, "referred", ())[:1] != (pages,):
        self.referred = pages, original["page_references"](self)
    return self.referred[1]


_theirs = [(holder, name, getattr(holder, name)) for holder, name, _ in places()]
