"""Do what WeasyPrint does, with less work: the same pages to the byte, from functions that remember.

Each function here stands for one of WeasyPrint's and gives exactly what it gives; weasy.py puts them in place, and
tests/pdf/test_fast.py compares them with the originals. A style is never changed after a layout or a box was made with it,
so what depends on a style alone is kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

import pydyf
import tinycss2
import weasyprint.css as css
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
import weasyprint.layout.table as table
from weasyprint.css.functions import check_math
from weasyprint.draw.color import get_color
from weasyprint.formatting_structure import boxes

from . import weasy_draw, weasy_text

original = {
    **weasy_text.original, "resolve_percentages": percent.resolve_percentages,
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
    sizes = [(module, "resolve_percentages", resolve_percentages)
             for module in (percent, inline, page, float_layout, grid, absolute, block, column, table)]
    return [*weasy_text.places(), *sizes, (background, "layout_box_backgrounds", layout_box_backgrounds),
            (css.StyleFor, "__init__", _style_for),
            (css.StyleFor, "set_computed_styles", _set_computed_styles), (css.ComputedStyle, "__missing__", _missing),
            (pydyf, "_to_bytes", _to_bytes), (pydyf.PDF, "page_references", page_references),
            (draw, "draw_first_line", weasy_draw.draw_first_line)]


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
