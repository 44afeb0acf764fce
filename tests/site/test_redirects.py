"""Old addresses: a page where a page was, ids that stay where they were."""

import pytest
from lxml import html

from openbook.addresses.moved import Move, Place
from openbook.site.redirects import ids_elsewhere, keep_ids, redirects

MOVES = (Move(Place("old/index.md"), Place("a.md")), Move(Place("old/index.md", "x"), Place("b.md", "y")), Move(Place("a.md", "was"), Place("a.md", "is")),
         Move(Place("a.md", "left"), Place("b.md", "y")))
TITLES = {("a.md", "en"): "Alpha & Co", ("a.md", "zh"): "甲", ("b.md", "en"): "Beta", ("b.md", "zh"): "乙"}


@pytest.mark.parametrize("place, to, ids, text", [
    ("old/index.html", "../a/", '{"x": "../b/#y"}', "This page is now Alpha & Co."),
    ("zh/old/index.html", "../a/", '{"x": "../b/#y"}', "本页已移至甲。")])
def test_a_page_that_moved_leaves_one_in_each_language(place, to, ids, text):
    pages = redirects(MOVES, TITLES)
    assert sorted(pages) == ["old/index.html", "zh/old/index.html"]
    page = html.fromstring(pages[place])
    (script,) = page.xpath("//script")
    assert (script.get("data-to"), script.get("data-ids")) == (to, ids)
    assert page.xpath("//noscript/meta/@content") == [f"0; url={to}"] and page.xpath("//p/a/@href") == [to]
    assert page.xpath("string(//p)") == text


def test_an_id_with_a_new_name_is_kept_before_its_element():
    assert keep_ids('<h2 class="c" id="is">T</h2><h2 id="is-not">U</h2>', MOVES, "a.md") == (
        '<span id="was"></span><h2 class="c" id="is">T</h2><h2 id="is-not">U</h2>')
    assert keep_ids('<h2 id="is">T</h2>', MOVES, "b.md") == '<h2 id="is">T</h2>'


def test_ids_that_are_on_another_page_are_led_there():
    assert ids_elsewhere(MOVES, "a.md", lambda url: f"../{url}") == {"left": "../b/#y"}
    assert ids_elsewhere(MOVES, "b.md", lambda url: f"../{url}") == {}
