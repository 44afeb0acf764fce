"""Look over laid-out pages for text, tables and code that leave the box they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import weasy

#: How far a line may stand out, in CSS pixels; a Chinese mark at a line's end hangs by half its width besides.
SLACK = 1.5
MEND = {
    "code": "break the line in the source; a listing must wrap (overflow-wrap in overrides/pdf/book.css)",
    "table": "take out a column, shorten its longest words, or make it two tables",
    "text": "let it wrap: no white-space: nowrap and no fixed width around long text",
    "picture": "make it narrower",
}


def overflow_faults(laid: Any) -> Iterator[tuple[str, int, str, str]]:
    """Find what leaves its box: what it is, the page from 0, its text, and the remedy."""
    for number, page in enumerate(laid.pages):
        for child in page._page_box.children:
            if not isinstance(child, weasy.boxes.MarginBox):
                for kind, text in _walk(child, None):
                    names = {"code": "a line of code leaves its box", "table": "a table leaves its box",
                             "text": "text leaves its box", "picture": "a picture leaves its box"}
                    yield names[kind], number, " ".join(text.split())[:80], MEND[kind]


def _walk(box: Any, holder: Any) -> Iterator[tuple[str, str]]:
    """Walk down; `holder` is the nearest block around."""
    box = getattr(box, "_box", box)
    if isinstance(box, weasy.boxes.LineBox):
        yield from _line(box, holder)
        return
    if not isinstance(box, weasy.boxes.ParentBox):
        return
    if _formula(box):
        return
    if isinstance(box, weasy.boxes.TableBox) and holder is not None:
        if box.position_x + box.border_width() > _right(holder) + SLACK:
            yield "table", _text(box)
            return
    if isinstance(box, weasy.boxes.BlockContainerBox) and not box.is_table_wrapper:
        holder = box
    for child in box.children:
        yield from _walk(child, holder)


def _line(line: Any, holder: Any) -> Iterator[tuple[str, str]]:
    """Measure a line against the block that holds it."""
    if holder is None:
        return
    edge = _right(holder)
    for box in _pieces(line):
        wide = _ink_width(box) if isinstance(box, weasy.boxes.TextBox) else box.margin_width()
        hang = box.style["font_size"] / 2 if getattr(box, "text", "")[-1:] in weasy.HANGING else 0
        if box.position_x + wide > edge + SLACK + hang:
            yield _kind(holder, box), _text(line)
            break
    for box in _pieces(line):
        if not isinstance(box, weasy.boxes.TextBox):
            yield from _walk(box, None)


def _ink_width(text: Any) -> float:
    """Give a text's width without the spaces at its end: where a listing wraps between two spaces, the first hangs out unseen."""
    shown = text.text.rstrip(" ")
    return text.width * len(shown) / len(text.text) if shown else text.width


def _pieces(line: Any) -> Iterator[Any]:
    """Walk the texts and closed boxes of a line."""
    for child in line.children:
        child = getattr(child, "_box", child)
        if not child.is_in_normal_flow():
            continue
        if isinstance(child, weasy.boxes.TextBox):
            if child.text.strip():
                yield child
        elif isinstance(child, weasy.boxes.InlineBox):
            yield from _pieces(child)
        else:
            yield child


def _right(holder: Any) -> float:
    """Give the right edge of a block's content, its padding included."""
    return holder.padding_box_x() + holder.padding_width()


def _kind(holder: Any, box: Any) -> str:
    """Name what stands out."""
    if isinstance(box, weasy.boxes.ReplacedBox):
        return "picture"
    tags = {holder.element_tag, box.element_tag}
    if "pre" in tags or "code" in tags or "cl" in (holder.element.get("class") or "").split():
        return "code"
    return "table" if isinstance(holder, weasy.boxes.TableCellBox) or tags & {"td", "th"} else "text"


def _formula(box: Any) -> bool:
    """Say whether a box is the inside of a formula, whose parts stand where KaTeX put them."""
    element = box.element
    return element is not None and "base" in (element.get("class") or "").split()


def _text(box: Any) -> str:
    """Read the text of a box."""
    return " ".join(child.text for child in box.descendants() if isinstance(child, weasy.boxes.TextBox))
