"""What a reader does in a browser: switch language, search, read in light and dark. Needs Chromium."""

from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser


def search(page, address: str, words: str) -> list[str]:
    """Return the addresses of the pages that a search finds."""
    page.goto(address)
    page.locator("body").press("/")
    page.locator("input.md-search__input").press_sequentially(words)
    page.keyboard.press("End")    # an input method ends with a key press; the theme searches on it
    page.wait_for_function("/[0-9]|no match|没有/i.test(document.querySelector('.md-search-result__meta').textContent)")
    return page.eval_on_selector_all(".md-search-result__link", "links => links.map(link => link.href)")


@pytest.mark.parametrize("words", ["显存", "张量并行", "all-reduce", "NCCL"])
def test_chinese_search_finds_chinese_pages_only(page, address, words):
    found = search(page, f"{address}zh/", words)
    assert len(found) > 0
    assert [link for link in found if not link.startswith(f"{address}zh/")] == []


@pytest.mark.parametrize("words", ["all-reduce", "NCCL", "goodput"])
def test_english_search_finds_english_pages_only(page, address, words):
    found = search(page, address, words)
    assert len(found) > 0
    assert [link for link in found if link.startswith(f"{address}zh/")] == []


def test_what_a_search_finds_holds_the_words(page, address):
    found = search(page, f"{address}zh/", "显存")
    page.goto(found[0].split("?")[0])
    assert "显存" in page.text_content("article")


def test_english_search_for_a_chinese_term_finds_english_pages(page, address):
    found = search(page, address, "全归约")
    assert len(found) > 0
    assert [link for link in found if link.startswith(f"{address}zh/")] == []


def test_the_language_switch_keeps_page_and_anchor(page, address):
    page.goto(f"{address}network/#inter-node-networking")
    page.click("a.book-language")
    page.wait_for_url(f"{address}zh/network/#inter-node-networking")
    assert page.locator("#inter-node-networking").count() == 1
    page.click("a.book-language")
    page.wait_for_url(f"{address}network/#inter-node-networking")


@pytest.mark.parametrize("path", ["", "zh/", "network/", "zh/compute/accelerator/", "insights/ai-battlefield/"])
@pytest.mark.parametrize("scheme, width", [("light", 1400), ("dark", 360)])
def test_pages_load_whole_from_their_own_host_and_do_not_scroll_sideways(browser, address, path, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    problems, hosts = [], set()
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.on("response", lambda response: response.status >= 400 and problems.append(response.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.goto(address + path)
    page.wait_for_timeout(300)
    assert problems == []
    assert hosts <= {"127.0.0.1", None}
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    context.close()


def test_figures_follow_the_dark_scheme(browser, address):
    def ink(scheme):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(f"{address}network/")
        value = page.evaluate("getComputedStyle(document.querySelector('.book-figure svg text')).fill")
        context.close()
        return value

    assert ink("light") != ink("dark")
