"""What flattening writes is read the same as XML and as HTML."""

import tinyhtml5
from lxml import html as lxml_html

from openbook.pdf import markup


def tree(element):
    """List a tree's elements with names, attributes, texts and children; where SVG's own name stands is no matter."""
    attributes = {name: value for name, value in element.attrib.items() if not name.endswith("xmlns")}
    return [element.tag, attributes, element.text or "", element.tail or "", *map(tree, element)]


def read_twice(body):
    """Write a body as flattening does; give its tree as read, and as WeasyPrint's own reader reads it."""
    page = f"<html><head><title>T</title></head><body>{markup.write(lxml_html.fragment_fromstring(body, 'div'))}</body></html>"
    return tree(markup.read(page)), tree(tinyhtml5.parse(page, namespace_html_elements=False))


def test_a_page_is_read_as_html_is():
    ours, theirs = read_twice(
        '<p>a &amp; b &lt; c<br>e\u00a0f <img src="x.png" alt="&quot;"> <span></span> tail</p><pre><code> x\n  y</code></pre>'
        '<ol reversed start="3"><li>中文 &gt;</li></ol><hr><table><tbody><tr><td rowspan="2"></td></tr></tbody></table>')
    assert ours == theirs


def test_a_drawing_keeps_the_tall_letters_of_its_names():
    ours, theirs = read_twice(
        '<svg viewBox="0 0 9 9" preserveAspectRatio="none"><defs><linearGradient id="g" gradientUnits="userSpaceOnUse"/>'
        '<clipPath id="c"><path d="M0 0"/></clipPath></defs><text>t<tspan>u</tspan></text></svg>')
    assert ours == theirs
    assert "{http://www.w3.org/2000/svg}linearGradient" in str(ours) and "'viewBox': '0 0 9 9'" in str(ours)


def test_a_place_to_break_holds_nothing():
    body = lxml_html.fragment_fromstring("<p>a<wbr>b <b>c</b></p>", "div")
    assert markup.write(body) == "<div><p>a\u200bb <b>c</b></p></div>"


def test_what_only_html_allows_is_read_as_html():
    page = "<html><head></head><body><p>one<br>two</body></html>"
    assert tree(markup.read(page)) == tree(tinyhtml5.parse(page, namespace_html_elements=False))
