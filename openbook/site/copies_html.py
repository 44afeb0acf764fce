"""Write as Markdown the little HTML that facts are shown in: tables, lists, and what stands in their cells."""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

#: Makes of an address in the facts (`book:docs/tables.md`) one that leads somewhere from the page.
Led = Callable[[str], str]
#: How the page marks a formula for KaTeX.
OPEN, CLOSE = r"\(", r"\)"
MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*"}


def table_markdown(markup: str, led: Led, anchor: str = "") -> str:
    """Return a figure with a table, or a table, as a bold caption, a pipe table and its notes."""
    figure = _tree(markup)
    rows = [[_cell(cell, led) for cell in row.iter("th", "td")] for row in figure.iter("tr")]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    caption = "".join(_inline(found, led) for found in figure.xpath(".//figcaption"))
    notes = " ".join(" ".join(_inline(found, led).split()) for found in figure.xpath(".//p[@class='table-notes']"))
    return "\n\n".join(filter(None, (caption and labelled(caption) + anchor, "\n".join(lines), notes)))


def labelled(caption: str) -> str:
    """Return a caption with its number in bold: `**Table 1.2.** Peaks.`"""
    found = re.match(r"((?:Table|Figure|表|图) [\d.]*\d) (.*)", caption, re.DOTALL)
    return f"**{found[1]}.** {found[2]}" if found else caption


def list_markdown(markup: str, led: Led) -> str:
    """Return lists of words and of definitions as bullets."""
    lines = []
    for item in _tree(markup).xpath(".//li|.//dt"):
        if item.tag == "dt":
            shown = f"**{_inline(item, led)}** {{#{item.get('id')}}}: {_inline(item.getnext(), led)}"
        else:
            shown = _inline(item, led)
        lines.append(f"- {shown}")
    return "\n".join(lines)


def _tree(markup: str) -> etree._Element:
    """Return HTML as elements; those of lxml.html take twice the time."""
    return etree.fromstring(markup, etree.HTMLParser())


def _cell(cell: etree._Element, led: Led) -> str:
    return " ".join(_inline(cell, led).split()).replace("|", "\\|")


def _inline(element: etree._Element, led: Led) -> str:
    """Return what is in an element as one line of Markdown."""
    parts = [element.text or ""]
    for child in element:
        parts += [_element(child, led), child.tail or ""]
    return "".join(parts).strip() if element.tag in ("th", "td", "figcaption", "p", "li", "dt", "dd") else "".join(parts)


def _element(element: etree._Element, led: Led) -> str:
    if element.tag == "sup" and element.get("data-cite"):
        return f"[^{element.get('data-cite')}]"
    inner = _inline(element, led)
    if element.tag == "sup":
        return f" ({inner})"    # with a space: behind a citation the brackets would make a link of it
    if element.tag == "code":
        return f"`{inner}`"
    if element.get("class") == "arithmatex":
        return f"${inner.removeprefix(OPEN).removesuffix(CLOSE)}$"
    if element.tag == "a" and element.get("href"):
        return f"[{inner}]({led(element.get('href'))})"
    return MARKS.get(element.tag, "") + inner + MARKS.get(element.tag, "")
