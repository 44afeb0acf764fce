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


@pytest.mark.parametrize("path", ["", "zh/", "network/", "zh/compute/accelerator/", "insights/ai-battlefield/", "zh/tables/"])
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


def column(page, table: str, index: int) -> list[str]:
    """Return the first words of a column's visible cells, as the page shows them."""
    return page.eval_on_selector_all(f"#{table} tbody tr:not([hidden])", "(rows, index) => rows.map(row => row.cells[index].firstChild.textContent)", index)


def test_a_table_is_sorted_with_the_keyboard_and_the_unknown_stay_last(page, address):
    page.goto(f"{address}zh/tables/")
    before = column(page, "tab-key-accelerators", 6)
    page.locator("#tab-key-accelerators thead th:nth-child(7) button").focus()
    for order, reverse in (("ascending", False), ("descending", True)):
        page.keyboard.press("Enter")
        assert page.locator("#tab-key-accelerators thead th:nth-child(7)").get_attribute("aria-sort") == order
        shown = column(page, "tab-key-accelerators", 6)
        numbers = [float(value.replace(",", "")) for value in shown if value != "–"]
        assert len(numbers) > 20 and numbers == sorted(numbers, reverse=reverse)
        assert shown[len(numbers):] == ["–"] * before.count("–")
    page.keyboard.press("Enter")
    assert column(page, "tab-key-accelerators", 6) == before
    assert page.problems == []


def test_a_table_is_filtered_by_words(page, address):
    page.goto(f"{address}tables/")
    page.locator("#tab-key-accelerators").get_by_label("Filter").press_sequentially("amd oam")
    assert column(page, "tab-key-accelerators", 0) == []
    page.locator("#tab-key-accelerators").get_by_label("Filter").fill("amd 2025")
    assert column(page, "tab-key-accelerators", 0) == ["MI350X", "MI355X"]
    assert "2 of " in page.locator("#tab-key-accelerators [role=status]").text_content()


def test_without_scripts_a_table_is_whole_and_has_no_dead_buttons(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}tables/")
    assert page.locator("#tab-key-accelerators tbody tr").count() > 30
    assert page.locator("#tab-key-accelerators button, #tab-key-accelerators input").count() == 0
    assert page.locator("#tab-key-accelerators a[download]").count() == 1
    context.close()


@pytest.mark.parametrize("width, shown", [(360, "chart-narrow"), (1300, "chart-wide")])
def test_a_chart_has_one_drawing_for_phones_and_one_for_wide_screens(browser, address, width, shown):
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(f"{address}zh/compute/accelerator/")
    classes = page.eval_on_selector_all("#fig-tflops svg", "all => all.filter(svg => svg.getBoundingClientRect().width > 0).map(svg => svg.classList[0])")
    assert classes == [shown]
    outside = page.evaluate("""() => [...document.querySelectorAll(".book-chart svg")].flatMap(svg => {
        const frame = svg.getBoundingClientRect();
        return [...svg.querySelectorAll("text")].filter(text => {
            const box = text.getBoundingClientRect();
            return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
        }).map(text => text.textContent);
    })""")
    assert outside == []
    context.close()
