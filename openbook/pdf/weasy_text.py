"""Measure texts and set them as WeasyPrint does, once each; weasy_fast.py says why.

A text that was measured is drawn from the same layout of Pango, unless its line is justified: the glyphs need not be found
again. The layouts stay until the chapter is written, a few kilobytes each.
"""

from __future__ import annotations

import functools
from typing import Any

import weasyprint.css.computed_values as computed_values
import weasyprint.layout.inline as inline
import weasyprint.layout.preferred as preferred
from weasyprint.text import line_break
from weasyprint.text.ffi import FROM_UNITS, ffi, gobject, pango
from weasyprint.text.fonts import font_features, get_font_description

original = {
    "setup": line_break.Layout.setup, "create_layout": line_break.create_layout,
    "deactivate": line_break.Layout.deactivate,
    "split_first_line": line_break.split_first_line, "strut": line_break.strut, "can_break_text": line_break.can_break_text,
}


def places() -> list[tuple[Any, str, Any]]:
    """List where WeasyPrint's functions stand, by holder and name, with ours for each place."""
    return [(module, name, globals()[name]) for name, modules in {
        "split_first_line": (line_break, inline, preferred), "strut": (line_break, inline, computed_values),
        "can_break_text": (line_break, inline, preferred), "create_layout": (inline,)}.items() for module in modules] + [
        (line_break.Layout, "setup", _setup), (line_break.Layout, "deactivate", _deactivate)]


class _Type:
    """What Pango needs to know of a style: a context, a description of the font, and attributes."""

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
        if self.features:
            pango.pango_attr_list_insert(attributes, pango.pango_attr_font_features_new(self.features))
        return attributes


def type_of(style: Any) -> _Type:
    """Give what Pango needs to know of a style."""
    try:
        return style.kind
    except AttributeError:
        style.kind = _Type(style)
        return style.kind


def _set_metrics(layout: Any, kind: _Type) -> None:
    """Tell a layout where lines under, over and through its text lie."""
    if len(kind.metrics) == 5:
        (layout.ascent, layout.underline_position, layout.strikethrough_position, layout.underline_thickness,
         layout.strikethrough_thickness) = kind.metrics
    else:
        layout.ascent = layout.underline_position = layout.strikethrough_position = None


def _setup(self: Any, style: Any) -> None:
    """Make a Pango layout for a style."""
    kind = type_of(style)
    self.style = style
    self.first_line_direction = 0
    self.language = kind.language
    self.layout = ffi.gc(pango.pango_layout_new(kind.context), gobject.g_object_unref)
    pango.pango_layout_set_auto_dir(self.layout, False)
    pango.pango_layout_set_font_description(self.layout, kind.description)
    _set_metrics(self, kind)
    if kind.features:
        shared = kind.attributes if not self.justification_spacing else None
        pango.pango_layout_set_attributes(self.layout, kind.make_attributes() if shared is None else shared)


def create_layout(text: str, style: Any, context: Any, max_width: None, justification_spacing: float) -> Any:
    """Make the layout of a justified text; Pango is asked for it when it is drawn."""
    layout = line_break.Layout.__new__(line_break.Layout)
    layout.justification_spacing, layout.max_width, layout.first_line_direction = justification_spacing, max_width, 0
    end = text.find("\n")
    layout.text = text if end < 0 else text[:end + 2]
    _set_metrics(layout, type_of(style))
    return layout


def _deactivate(self: Any) -> None:
    """Keep what Pango set."""


def ready(layout: Any) -> bool:
    """Say whether a layout, kept since its text was measured, holds the one line that is to be drawn."""
    return ("layout" in layout.__dict__ and "gaps" not in layout.__dict__ and not layout.justification_spacing
            and pango.pango_layout_get_line_readonly(layout.layout, 1) == ffi.NULL)


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
