"""Write print HTML that is XML as well, and read it as such: WeasyPrint's own reader of HTML takes a tenth of a layout."""

from __future__ import annotations

from xml.etree import ElementTree

import tinyhtml5
from lxml import etree
from lxml.html import HtmlElement
from lxml.html.defs import empty_tags
from tinyhtml5.constants import adjust_svg_attributes

from openbook.figures.allowed import ELEMENTS, SVG

from .flatten_code import BREAK

#: Names that lxml's reader of HTML writes small.
_tall = {name.lower(): name for name in ELEMENTS if not name.islower()}


def write(root: HtmlElement) -> str:
    """Write an element so that a reader of HTML and one of XML make the same tree of it."""
    for element in list(root.iter("wbr")):  # which lxml takes to hold all that follows it
        element.text = BREAK + (element.text or "")
        element.drop_tag()
    for element in root.iter(etree.Element):
        if element.text is None and not len(element) and element.tag not in empty_tags:
            element.text = ""  # or XML would write <span/>, which HTML takes for an open tag
    for drawing in root.iter("svg"):
        drawing.set("xmlns", SVG.strip("{}"))
        for element in drawing.iter(etree.Element):
            element.tag = _tall.get(element.tag, element.tag)
            for name in [name for name in element.attrib if name in adjust_svg_attributes]:
                element.set(adjust_svg_attributes[name], element.attrib.pop(name))
    return etree.tostring(root, encoding="unicode", method="xml", with_tail=False)


def read(page: str) -> ElementTree.Element:
    """Read a page: as XML where it is, and as HTML what only that allows."""
    try:
        return ElementTree.fromstring(page)
    except ElementTree.ParseError:
        return tinyhtml5.parse(page, namespace_html_elements=False)
