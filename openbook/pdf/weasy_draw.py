"""Write the glyphs of a text box as WeasyPrint does, reading Pango's arrays at once; weasy_fast.py says why.

Only numbers differ: moves by nothing are left out, and so are digits that no printer could show. What is rare (an emoji, a
raised glyph, a character that no font has, an ellipsis) is left to WeasyPrint's own function.
"""

from __future__ import annotations

import struct
from typing import Any

import weasyprint.draw.text as draw
from weasyprint.text.ffi import FROM_UNITS, ffi, pango

original = {"draw_first_line": draw.draw_first_line}
_SIZE = ffi.sizeof("PangoGlyphInfo")
_glyph = struct.Struct(f"=Iiii{_SIZE - 16}x")
_EMPTY, _UNKNOWN = pango.PANGO_GLYPH_EMPTY, pango.PANGO_GLYPH_UNKNOWN_FLAG
#: Decimal places of what is written: the unit is a pixel, or a thousandth of the type's size.
PLACES = 3
_hex = [f"{glyph:04x}" for glyph in range(1 << 16)]


def draw_first_line(stream: Any, box: Any, text_overflow: str, block_ellipsis: Any, matrix: Any) -> list[Any]:
    """Draw the line of a text box."""
    if not box.text.strip() or box.style["font_size"] < 1e-6:
        return []
    layout = box.pango_layout
    if "\n" in layout.text:  # for others it changes nothing but makes Pango set the text again
        pango.pango_layout_set_single_paragraph_mode(layout.layout, True)
    runs = None
    if text_overflow != "ellipsis" and block_ellipsis == "none":
        line, _ = layout.get_first_line()
        runs = _runs(stream, line)
    if runs is None:
        return original["draw_first_line"](stream, box, text_overflow, block_ellipsis, matrix)
    *turn, x, y = matrix.values
    stream.set_text_matrix(*turn, round(x, PLACES), round(y, PLACES))
    shown, last, text = "", None, None
    for item, glyphs, pointer, font, size in runs:
        if pointer != last:
            if shown:
                stream.show_text(_tidy(shown))
            shown, last = "", pointer
            stream.set_font_size(font.hash, size)
        known, widths, parts = font.to_unicode, font.widths, ["<"]
        for at, (glyph, width, offset, _) in enumerate(glyphs):
            if glyph == _EMPTY:
                if move := round(-width / size, PLACES):
                    parts.append(f">{move}<")
                continue
            if glyph not in known:
                text = text or layout.text.encode()
                known[glyph] = _spelling(item, at, text)
            shift = offset / size
            if move := round(-shift, PLACES):
                parts.append(f">{move}<")
            parts.append(_hex[glyph])
            logical = widths.get(glyph)
            if logical is None:
                pango.pango_font_get_glyph_extents(pointer, glyph, stream.ink_rect, stream.logical_rect)
                logical = widths[glyph] = round(stream.logical_rect.width * 1000 * FROM_UNITS / size)
            if kerning := int(logical + shift - width * 1000 * FROM_UNITS / size):
                parts.append(f">{kerning}<")
        run = "".join(parts)
        shown += run[:-1] if run[-1] == "<" else run + ">"
    stream.show_text(_tidy(shown))
    return []


def _tidy(shown: str) -> str:
    """Join glyphs without a move between them, and moves without a glyph."""
    return shown.replace("><", "").replace("<>", " ")


def _runs(stream: Any, line: Any) -> list[tuple[Any, ...]] | None:
    """List a line's runs with their glyphs; None when one needs more than glyphs beside each other."""
    found, run = [], line.runs[0]
    pointer = font = size = None
    while run != ffi.NULL:
        item, run = run.data, run.next
        if item.item.analysis.font != pointer:
            pointer = item.item.analysis.font
            font, size = stream.add_font(pointer)
            if font.bitmap or font.svg or font.png or font.colr:
                return None
        if item.item.analysis.level % 2:
            return None
        glyphs = list(_glyph.iter_unpack(ffi.buffer(item.glyphs.glyphs, item.glyphs.num_glyphs * _SIZE)))
        if any(rise or glyph & _UNKNOWN for glyph, _, _, rise in glyphs):
            return None
        found.append((item, glyphs, pointer, font, size))
    return found


def _spelling(item: Any, at: int, text: bytes) -> str:
    """Give the characters that a glyph stands for."""
    clusters, offset = item.glyphs.log_clusters, item.item.offset
    end = item.item.length if at == item.glyphs.num_glyphs - 1 else clusters[at + 1]
    return text[offset + clusters[at]:offset + end].decode()
