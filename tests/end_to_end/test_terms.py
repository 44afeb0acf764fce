"""What a reader does with terms: point at one, reach it with the keyboard, tap it, follow it, search for it. Needs Chromium."""

import pytest

from tests.end_to_end.test_browser import search
from tests.site.search_engine import SearchEngine

pytestmark = pytest.mark.browser


def visible(page):
    return page.locator(".term-tip:visible").all_text_contents()


@pytest.mark.parametrize("path, word, name, meaning", [
    ("network/", "all-reduce", "全归约", "A collective after which every rank holds the sum"),
    ("zh/network/", "全归约", "all-reduce", "一种集合通信操作")])
def test_pointing_at_a_term_says_what_it_is(page, address, path, word, name, meaning):
    page.goto(address + path)
    assert visible(page) == []
    page.locator("a.term", has_text=word).first.hover()
    (shown,) = visible(page)
    assert shown.startswith(f"{name} {meaning}")
    page.keyboard.press("Escape")
    assert visible(page) == []
    assert page.problems == [] and page.hosts <= {"127.0.0.1", None}


def test_the_keyboard_reaches_a_term_and_follows_it(page, address):
    page.goto(f"{address}network/")
    first, second = page.locator("a.term").nth(0), page.locator("a.term").nth(1)
    first.focus()
    while not second.evaluate("(term) => term === document.activeElement"):
        page.keyboard.press("Tab")
    assert len(visible(page)) == 1
    target = second.get_attribute("href").split("#")[1]
    assert page.locator(f"#{second.get_attribute('aria-describedby')}").get_attribute("role") == "tooltip"
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}glossary/#{target}")
    assert page.locator(f"dt#{target}").count() == 1


@pytest.mark.parametrize("path", ["network/", "zh/compute/accelerator/", "zh/insights/ai-battlefield/"])
def test_every_tip_stays_inside_a_small_window(browser, address, path):
    context = browser.new_context(viewport={"width": 360, "height": 700})
    small = context.new_page()
    small.goto(address + path)
    for term in small.locator("a.term").all():
        term.focus()
        small.keyboard.press("Shift")    # as after Tab, so that the focus shows
        tip = small.locator(f"#{term.get_attribute('aria-describedby')}")
        small.wait_for_function("(tip) => tip.style.getPropertyValue('--tip-left')", arg=tip.element_handle())
        box = tip.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360, term.text_content()
    context.close()


def test_the_first_tap_shows_a_term_and_the_second_follows_it(browser, address):
    context = browser.new_context(viewport={"width": 360, "height": 700}, has_touch=True)
    small = context.new_page()
    small.goto(f"{address}zh/network/")
    term = small.locator("a.term").nth(2)
    term.tap()
    assert len(visible(small)) == 1 and "/zh/network/" in small.url
    term.tap()
    small.wait_for_url("**/zh/glossary/#*")
    context.close()


@pytest.mark.parametrize("words", ["谁负责哪种故障", "全规约", "all-reduce 时间公式", "脊点 算术强度"])
def test_the_browser_finds_what_the_search_tests_find(page, address, real_site, words):
    """The tests of search quality run its scripts without a browser: this holds them to what a browser shows."""
    expected = SearchEngine(real_site / "site", "zh/").pages(words)
    found = search(page, f"{address}zh/", words)
    for _ in range(50):    # the theme answers while the words are still being typed; its last answer counts
        pages = list(dict.fromkeys(link.split("?")[0].split("#")[0].removeprefix(f"{address}zh/") for link in found))
        if len(pages) >= min(10, len(expected)) and pages == expected[:len(pages)]:
            break
        page.wait_for_timeout(100)
        found = page.eval_on_selector_all(".md-search-result__link", "links => links.map(link => link.href)")
    assert pages == expected[:len(pages)] and len(pages) >= min(10, len(expected)), "the theme shows more as the reader scrolls"
