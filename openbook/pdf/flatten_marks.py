"""Let Chinese marks squeeze where elements meet: `》</a>），` and a mark before a citation, and at the start of a cell.

cjk.py sets the first of two meeting marks half wide, as far as it sees both: in one text. A sign without width or ink, behind
the first or before the second, says that the other stands in the next text. No line may break there.
"""

from __future__ import annotations

from typing import Any

from lxml.html import HtmlElement

from .flatten_code import JOIN
from .flatten_markup import set_text
from .flatten_quotes import BLOCKS

CLOSING, OPENING = "，。、；：！？）」』》】〉〕”’．", "（「『《【〈〔“‘"
#: Blocks whose lines are set left, or begin with their first character.
LEFT = ("td", "th", "li", "dt", "dd", "figcaption", "h1", "h2", "h3", "h4")
_ends = f'contains("{CLOSING}{OPENING}",substring(.,string-length(.)))'
_apart = frozenset(("br", "img", "svg", "pre", "code", "kbd"))


def join_marks(root: HtmlElement) -> None:
    """Tell marks of their neighbours in other elements."""
    for text in root.xpath(f'.//text()[string-length(.)>0 and {_ends} and not(ancestor::pre or ancestor::svg)]'):
        found = _following(text)
        if found is None:
            continue
        host, name = found
        first = "" if name == "cite" else getattr(host, name)[0]
        if text[-1] in CLOSING and (not first or first in CLOSING + OPENING):
            set_text(text, text + JOIN)
        elif text[-1] in OPENING and first and first in OPENING:
            setattr(host, name, JOIN + getattr(host, name))
    for block in root.iter(*LEFT):
        if block.text and block.text.lstrip()[:1] in tuple(OPENING):
            block.text = JOIN + block.text.lstrip()


def _following(text: Any) -> tuple[HtmlElement, str] | None:
    """Find the text that follows in the same block: its element, and `text`, `tail`, or `cite` for the number of a source."""
    above = text.getparent()
    if text.is_tail:
        element, above = above.getnext(), above.getparent()
    else:
        element = above[0] if len(above) else None
    while True:
        if element is None:
            if above.tag in BLOCKS:
                return None
            if above.tail:
                return above, "tail"
            element, above = above.getnext(), above.getparent()
            continue
        names = (element.get("class") or "").split()
        if "cite" in names or "cites" in names:
            return element, "cite"
        if element.tag in _apart or element.tag in BLOCKS or element.tag == "sup" or "fn" in names:
            return None
        if element.text:
            return element, "text"
        if len(element):
            element, above = element[0], element
        elif element.tail:
            return element, "tail"
        else:
            element = element.getnext()
