"""Prepare what is drawn: figures in the print palette, tables that fit, formulas with their TeX."""

from __future__ import annotations

import math
import re

from lxml import etree
from lxml.html import HtmlElement

from .flatten_markup import add_class
from .style import FIGURE_FONTS, FIGURE_MONO, PALETTE

_variable = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,\s*((?:[^()]|\([^()]*\))*))?\)")
#: Characters of a formula's brackets, up to which they are kept on one line.
LONGEST_BRACKETS = 24
_scope = re.compile(r"#[\w-]+-svg\s+")
#: Classes for tables that are too wide, by their narrowest width in characters at full size.
FITS = ((78, ""), (90, "fit-1"), (104, "fit-2"), (120, "fit-3"))
#: The widest a table may get, in characters, by cells kept on one line; and the widest that does not fill the measure.
MOST_TIED, SLIM = 78, 60
#: Rows and lines, the head's included, up to which a table is kept on one page: a longer one would leave a third of a page white.
BRIEF_ROWS, BRIEF_LINES = 9, 11
#: Characters of a table that fit on a line at full size.
MEASURE = 105
#: From this many notes on, those under a table stand in two columns; up to this many, they stand on one page.
MANY_NOTES, FEW_NOTES = 4, 10


def flatten_figures(root: HtmlElement, code: str) -> None:
    """Rewrite every inline SVG under `root` so that WeasyPrint draws it as the page shows it."""
    for box in root.xpath('.//div[@class="figure-wide"]'):
        box.drop_tag()    # a box to scroll in
    for svg in root.xpath('.//*[local-name()="svg"]'):
        if svg.xpath('ancestor::*[local-name()="svg"]|ancestor::span[contains(@class,"katex")]'):
            continue
        _name(svg)
        for element in svg.iter():
            if not isinstance(element.tag, str):
                continue
            for name in ("style", "fill", "stroke", "color", "font-family", "stop-color"):
                if value := element.get(name):
                    element.set(name, resolve(value, code))
            if element.tag == "style" and element.text:
                element.text = resolve(_scope.sub("", element.text), code)
        for name in ("width", "height", "role", "aria-labelledby", "aria-label", "aria-describedby", "class"):
            svg.attrib.pop(name, None)


def resolve(css: str, code: str) -> str:
    """Replace the variables of figures by the print palette, the book's sans serif, or their fallbacks."""

    def value(match: re.Match[str]) -> str:
        name, fallback = match.group(1), (match.group(2) or "").strip()
        if name == "--fig-font":
            return FIGURE_FONTS[code]
        if name == "--fig-mono":
            return FIGURE_MONO
        return PALETTE.get(name) or (resolve(fallback, code) if fallback else "#000000")

    css = _variable.sub(value, css)
    return re.sub(r"(?<=[,:\s])(?:ui-)?monospace\b", FIGURE_MONO, css)


def _name(svg: HtmlElement) -> None:
    """Put the accessible name and description into the title, which becomes the alternative text."""
    title, desc = svg.find("title"), svg.find("desc")
    words = [" ".join("".join(e.itertext()).split()) for e in (title, desc) if e is not None]
    label = svg.get("aria-label")
    text = " ".join(word for word in words if word) or label
    if text:
        if title is None:
            title = etree.Element("title")
            svg.insert(0, title)
        for child in list(title):
            title.remove(child)
        title.text = text
    if desc is not None:
        svg.remove(desc)


def flatten_tables(root: HtmlElement) -> None:
    """Give wide tables smaller type, narrow ones their own width, and keep short numbers and names of rows on one line."""
    for table in root.iter("table"):
        rows = [list(row.iterchildren("td", "th")) for row in table.iter("tr")]
        columns = max((len(row) for row in rows), default=0)
        if _narrowest(rows, columns, tied=True) <= MOST_TIED:
            for cell in (cell for row in rows for cell in row if _is_tied(cell)):
                add_class(cell, "short")
        narrowest = _narrowest(rows, columns)
        if math.fsum(max((_size(row[i]) for row in rows if i < len(row)), default=0) + 2 for i in range(columns)) <= SLIM:
            add_class(table, "slim")
        fit = next((name for limit, name in FITS if narrowest <= limit), "fit-4")
        if columns >= 8:
            fit = max(fit, "fit-1")
        names = [name for name in (table.get("class"), fit, f"cols-{columns}") if name]
        table.set("class", " ".join(names))
        table.attrib.pop("style", None)
        for cell in table.iter("td", "th"):
            align = re.search(r"text-align:\s*(right|center)", cell.get("style") or "")
            cell.attrib.pop("style", None)
            if align:
                add_class(cell, align.group(1))
            cell.attrib.pop("headers", None)
            text = "".join(cell.itertext()).strip()
            if any(ord(char) > 0x2E7F for char in text):
                # Left to itself, Chinese goes down to one character a line.
                add_class(cell, "short" if len(text) <= 5 else "han")
        count = len(table.xpath("./tbody/tr"))
        if 0 < count <= BRIEF_ROWS and _lines(rows, columns) <= BRIEF_LINES:
            add_class(table, "brief")


def flatten_notes(root: HtmlElement) -> None:
    """Set the notes under each table in two columns where they are many; the print style sets one a line."""
    for notes in root.xpath('.//p[@class="table-notes"]'):
        arrange_notes(notes, len(notes.xpath('./span[@class="table-note"]')))


def arrange_notes(notes: HtmlElement, number: int) -> None:
    """Mark a paragraph of so many notes if they are to stand in two columns, and if they are to stay together."""
    names = ["many"] * (number >= MANY_NOTES) + ["whole"] * (number <= FEW_NOTES)
    notes.set("class", " ".join([notes.get("class"), *names]))


def _narrowest(rows: list[list[HtmlElement]], columns: int, tied: bool = False) -> float:
    """Measure how narrow a table can be, in characters; `tied` counts the cells to be kept on one line as a whole."""
    return math.fsum(max((_size(row[i]) if tied and _is_tied(row[i]) else _longest_word(row[i]) for row in rows if i < len(row)),
                   default=0) + 2 for i in range(columns))


def _lines(rows: list[list[HtmlElement]], columns: int) -> int:
    """Count about how many lines a table takes, each column having its part of the measure by its longest cell."""
    longest = [max((_size(row[i]) for row in rows if i < len(row)), default=0) + 2 for i in range(columns)]
    narrower = max(1.0, math.fsum(longest) / MEASURE)
    return sum(max((math.ceil((_size(cell) + 2) * narrower / longest[i]) for i, cell in enumerate(row)), default=1) for row in rows)


def _is_tied(cell: HtmlElement) -> bool:
    """Say whether a cell reads best on one line: a short number, or a short name that heads a row."""
    if cell.tag != "td" and cell.get("scope") != "row" or cell.find(".//br") is not None:
        return False
    number = {"num", "right"} & set((cell.get("class") or "").split())
    return _size(cell) <= (14 if number else 18 if cell.getprevious() is None else 0)


def _size(cell: HtmlElement) -> float:
    """Measure the text of a cell, in characters of average width."""
    return _width(" ".join("".join(cell.itertext()).split()))


def _width(text: str) -> float:
    """Measure a text, in characters of average width: those of Chinese are nearly twice as wide."""
    return len(text) if text.isascii() else (10 * len(text) + 9 * sum(char > "\u2e7f" for char in text)) / 10


def _longest_word(cell: HtmlElement) -> float:
    """Measure a cell's longest unbreakable word, in characters of average width."""
    text = "".join(cell.xpath(".//text()[not(ancestor::sup)]"))
    words = re.split(r"[\s\u200b]+|(?<=[\u2e80-\u9fff\uff00-\uffef])", text)
    longest = max(map(_width, words), default=0)
    if cell.find(".//code") is not None:
        longest = max((len(piece) for piece in re.split(r"[\s\u200b]+|(?<=\w-)(?=\w)", text)), default=0) * 1.1
    return min(longest, 24)


def flatten_formulas(root: HtmlElement) -> None:
    """Keep what KaTeX drew, and give each formula its TeX as alternative text."""
    for katex in root.xpath('.//span[contains(concat(" ",@class," ")," katex ")]'):
        tex = katex.xpath('.//annotation[@encoding="application/x-tex"]')
        for hidden in katex.xpath('./span[@class="katex-mathml"]'):
            katex.remove(hidden)
        for drawn in katex.xpath('./span[@class="katex-html"]'):
            drawn.attrib.pop("aria-hidden", None)
            _keep_brackets(drawn)
        katex.set("data-tag", "Formula")
        if tex:
            katex.set("data-alt", (tex[0].text or "").strip())


def _keep_brackets(drawn: HtmlElement) -> None:
    """Keep what stands in brackets on one line, where it is short: KaTeX lets a line break at every operator."""
    group, depth = [], 0
    for base in drawn.xpath('./span[@class="base"]'):
        opened, closed = (len(base.xpath(f'.//span[@class="{name}"]')) for name in ("mopen", "mclose"))
        group.append(base)
        depth += opened - closed
        if depth > 0:
            continue
        if len(group) > 1 and sum(len("".join(base.itertext())) for base in group) <= LONGEST_BRACKETS:
            keep = etree.Element("span")
            keep.set("class", "keep")
            group[0].addprevious(keep)
            keep.extend(group)
        group, depth = [], 0
