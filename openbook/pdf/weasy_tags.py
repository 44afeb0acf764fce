"""The tags that a screen reader follows: WeasyPrint's, with what PDF/UA asks for beyond them.

Running heads and mere signs are artifacts; formulas, code, notes and contents have tags of their own; runs in another
language say so. weasy.py puts these functions in place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pydyf
import weasyprint.anchors as anchors
import weasyprint.document as document
import weasyprint.pdf as pdf
import weasyprint.pdf.tags as tags
from weasyprint.formatting_structure import boxes
from weasyprint.pdf.stream import Stream

from . import weasy_spans

POINTS = 0.75  # of a CSS pixel
#: Tags of elements for which WeasyPrint has none.
KINDS = {"code": "Code", "figure": "Div", "strong": "Span", "em": "Span", "b": "Span", "i": "Span", "sup": "Span",
         "sub": "Span", "kbd": "Span", "mark": "Span"}
#: Elements whose anonymous inner boxes WeasyPrint would tag once more.
ONCE = {*(f"/H{level}" for level in range(1, 7)), "/P", "/Caption", "/Div", "/Sect", "/Span", "/BlockQuote"}

original = {"draw_page": document.draw_page, "marked": Stream.marked, "add_tags": pdf.add_tags,
            "build_box_tree": tags._build_box_tree, "gather_anchors": anchors.gather_anchors}
_heights: list[float] = []
_language = ""
_formulas = 0
_around: list[Any] = []
_free: list[int] = []


def install() -> None:
    """Change WeasyPrint for this process."""
    document.draw_page = _draw_page
    Stream.marked = _marked
    pdf.add_tags = _add_tags
    tags._build_box_tree = _build_box_tree
    anchors.gather_anchors = document.gather_anchors = _gather_anchors


def _gather_anchors(box: Any, found: Any, links: Any, bookmarks: Any, forms: Any, matrix: Any = None, form: Any = None,
                    link: Any = None) -> None:
    """Gather places and links; the inline parts of a link are one link, not one each."""
    if isinstance(box, (boxes.InlineBox, boxes.InlineBlockBox)) and box.link is None:
        link = None
    original["gather_anchors"](box, found, links, bookmarks, forms, matrix, form, link)


def _draw_page(page: Any, stream: Any) -> None:
    """Draw a page, knowing which boxes belong to its margins."""
    stream._margin = {box for child in page.children if isinstance(child, boxes.MarginBox)
                      for box in child.descendants()}
    original["draw_page"](page, stream)


@contextlib.contextmanager
def _marked(stream: Any, box: Any, tag: str) -> Iterator[None]:
    """Mark content of the margins and mere signs as artifacts, any other as its tag."""
    if box in getattr(stream, "_margin", ()) or _decorative(box):
        with stream.artifact():
            yield
        return
    start = len(stream.stream)
    with original["marked"](stream, box, tag):
        yield
    if stream._tags is not None:
        stream.__dict__.setdefault("marks", []).append((stream._tags[box]["mcid"], start, len(stream.stream)))


def _decorative(box: Any) -> bool:
    """Say whether a box is a sign without meaning for the ear: the arrow of a line of code that wraps."""
    return box.element_tag == "span::after" and "cl" in (box.element.get("class") or "").split()


def _add_tags(out: Any, rendered: Any, version: Any, streams: list[Any]) -> None:
    """Build the tree of tags without the margins."""
    global _free, _language
    _heights[:] = [page.height for page in rendered.pages]
    _language = rendered.metadata.lang or ""
    for page in rendered.pages:
        box = page._page_box
        box.children = [child for child in box.children if not isinstance(child, boxes.MarginBox)]
    numbers = weasy_spans.Numbers(out)
    _free = numbers.free
    original["add_tags"](out, rendered, version, streams)
    numbers.close()
    root = weasy_spans.object_of(out, out.catalog["StructTreeRoot"])
    pages = weasy_spans.object_of(out, root["ParentTree"])["Nums"][1::2]
    for owners, stream in zip(pages, streams, strict=False):  # links follow the pages
        weasy_spans.join(out, owners, stream)


def _build_box_tree(box: Any, parent: Any, out: Any, page: int, owners: dict[int, bytes], *args: Any) -> Iterator[Any]:
    """Build the tags of a box."""
    global _formulas
    inner = getattr(box, "_box", box)
    if _decorative(inner):
        return
    element = getattr(inner, "element", None)
    own = element is not None and inner.element_tag == element.tag
    again = own and bool(_around) and _around[-1] is element
    formula = own and not again and element.get("data-tag") == "Formula"
    _formulas += formula
    _around.append(element)
    for node in original["build_box_tree"](box, parent, out, page, owners, *args):
        if again and node["S"] in ONCE:
            node["S"] = "/NonStruct"
        else:
            _mend(node, parent, inner, element if own else None, page)
        weasy_spans.dissolve(node, out, owners, _free)
        yield node
    _around.pop()
    _formulas -= formula


def _mend(node: Any, parent: Any, box: Any, element: Any, page: int) -> None:
    """Give a node its tag, alternative text, language and attributes; `element` is None for generated boxes."""
    kind = node["S"]
    if element is not None:
        if kind in ("/NonStruct", "/Span", "/Div", "/P", "/Sect"):
            kind = "/" + (element.get("data-tag") or KINDS.get(element.tag) or kind[1:])
        if alt := element.get("data-alt"):
            node["Alt"] = pydyf.String(alt)
        language = element.get("lang")
        if language and language != _language:
            node["Lang"] = pydyf.String(language)
        if kind == "/Span" and "fn" in (element.get("class") or "").split():
            kind = "/Note"
            node["ID"] = pydyf.String(f"note-{node.number}")
    if kind == "/Link" and box.link_annotation is None:
        kind = "/Span"
    if kind == "/Figure":
        if _formulas:
            kind = "/NonStruct"  # a root or a brace: the formula has the alternative text
            node.pop("A", None)
        else:
            x1, y1 = box.content_box_x(), box.content_box_y()
            x2, y2, height = x1 + box.width, y1 + box.height, _heights[page]
            node["A"]["BBox"] = pydyf.Array([round(value * POINTS, 2) for value in (x1, height - y2, x2, height - y1)])
    if kind == "/TH" and element is not None:
        node["A"]["Scope"] = "/Row" if element.get("scope") == "row" else "/Column"
    node["S"] = kind
