"""One SVG speaks both languages."""

import pytest
from lxml import etree

from openbook.figures.svg import FigureError, resolve

RING = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40">
<title lang="en">Ring</title><title lang="zh">\xe7\x8e\xaf</title>
<style>.t, .u{fill:var(--fig-ink,#000)} .m{marker-end:url(#tip)}</style>
<defs><marker id="tip"/></defs>
<switch><text class="t" y="20" systemLanguage="zh">\xe4\xb8\x80\xe6\xad\xa5</text><text class="t" y="20">one step</text></switch>
<path marker-end="url(#tip)"/>
</svg>"""


@pytest.mark.parametrize("lang, title, text", [("en", "Ring", "one step"), ("zh", "环", "一步")])
def test_only_one_language_is_left(lang, title, text):
    root = etree.fromstring(resolve(RING, lang, "fig-ring-svg"))
    assert root.xpath("//*[local-name()='title']/text()") == [title]
    assert root.xpath("//*[local-name()='text']/text()") == [text]
    assert not root.xpath("//*[local-name()='switch']")
    assert root.get("aria-labelledby") == "fig-ring-svg-title"


def test_ids_and_rules_are_the_figures_own():
    shown = resolve(RING, "en", "f1")
    assert "#f1 .t,#f1 .u{" in shown and 'id="f1-tip"' in shown
    assert shown.count("url(#f1-tip)") == 2 and "url(#tip)" not in shown


@pytest.mark.parametrize("text, message", [
    (b"<svg", "not well-formed XML"), (b"<html/>", "not an <svg> with a viewBox"),
    (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><title lang="en">x</title></svg>', 'no <title lang="zh">')])
def test_a_bad_figure_says_why(text, message):
    with pytest.raises(FigureError, match=message):
        resolve(text, "zh", "f")
