"""Reading in a browser: figures enlarge, links copy, code copies, everything by keyboard, print is clean. Needs Chromium."""

import pytest

pytestmark = pytest.mark.browser

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def allowed(browser, address):
    """A page that may use the clipboard."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def test_a_figure_enlarges_with_the_keyboard_and_focus_returns(page, address):
    page.goto(f"{address}zh/network/")
    figure = page.locator("figure.book-figure").first
    width, height = figure.locator("svg").evaluate("svg => [svg.clientWidth, document.body.scrollHeight]")
    opener = figure.get_by_role("button", name="放大")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=figure.locator("figcaption").text_content().strip()[:4])
    assert dialog.locator("svg").evaluate("svg => svg.clientWidth") > width
    assert page.evaluate("document.body.scrollHeight") == height
    assert page.evaluate("(() => { const ids = [...document.querySelectorAll('[id]')].map((node) => node.id); return ids.length - new Set(ids).size; })()") == 0
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    figure.locator("svg").wait_for()    # the event that puts it back comes a moment later
    assert opener.evaluate("button => button === document.activeElement")
    assert page.problems == []


def test_on_a_phone_a_chart_enlarges_to_its_wide_drawing(browser, address):
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    page.goto(f"{address}compute/accelerator/")
    page.locator("#fig-tflops .figure-open").click()
    assert page.eval_on_selector_all(".figure-frame svg", "all => all.filter(svg => svg.clientWidth).map(svg => svg.classList[0])") == ["chart-wide"]
    page.get_by_role("button", name="Close").click()
    assert page.locator("#fig-tflops svg.chart-narrow").is_visible()
    context.close()


def test_on_a_phone_a_drawn_figure_keeps_its_letters_and_scrolls_in_its_box(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(f"{address}network/")
    box = page.locator("figure.book-figure .figure-wide").first
    letters = box.evaluate("""box => Math.min(...[...box.querySelectorAll("text")].map(text => parseFloat(getComputedStyle(text).fontSize)))
        * box.firstElementChild.clientWidth / box.firstElementChild.viewBox.baseVal.width""")
    assert letters >= 9
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    page.wait_for_function("document.querySelector('.figure-wide').tabIndex === 0")    # the keyboard reaches it
    assert page.evaluate(SIDEWAYS) == 0
    context.close()


@pytest.mark.parametrize("place, anchor", [("h2#inter-node-networking .headerlink", "inter-node-networking"), ("#fig-node figcaption .headerlink", "fig-node")])
def test_the_link_of_a_heading_and_of_a_figure_is_copied(allowed, address, place, anchor):
    allowed.goto(f"{address}network/")
    figure = allowed.locator("figure.book-figure").first.get_attribute("id")
    place, anchor = place.replace("fig-node", figure), anchor.replace("fig-node", figure)
    allowed.evaluate("window.went = []; addEventListener('hashchange', () => went.push(location.hash))")
    allowed.locator(place).focus()
    allowed.keyboard.press("Enter")
    allowed.wait_for_function("document.querySelector('.book-said').textContent === 'Link copied'")
    assert allowed.evaluate("navigator.clipboard.readText()") == f"{address}network/#{anchor}"
    allowed.wait_for_function("went.length")
    assert allowed.evaluate("went[0]") == f"#{anchor}"    # the theme then writes the heading above it into the address


def test_a_session_is_copied_without_prompts_and_output(allowed, address):
    allowed.goto(f"{address}orchestration/slurm/")
    block = allowed.locator(".highlight[data-copy*='squeue']").first
    assert "$ squeue" in block.text_content()
    block.hover()
    block.locator(".md-code__button[data-md-type=copy]").click()
    allowed.wait_for_timeout(200)
    copied = allowed.evaluate("navigator.clipboard.readText()")
    assert copied.split("\n")[0] == "squeue" and "$" not in copied


def test_the_contents_follow_the_text_and_the_switch_keeps_place_and_scheme(page, address):
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}network/#inter-node-networking")
    page.wait_for_function("document.querySelector('.md-sidebar--secondary .md-nav__link--active')?.hash === '#inter-node-networking'")
    page.locator("[for^='__palette']:visible").click()
    chosen = page.locator("body").get_attribute("data-md-color-scheme")
    page.click("a.book-language")
    page.wait_for_url(f"{address}zh/network/#inter-node-networking")
    assert page.locator("body").get_attribute("data-md-color-scheme") == chosen
    assert abs(page.locator("#inter-node-networking").bounding_box()["y"]) < 200


@pytest.mark.parametrize("path", ["", "zh/", "parts/training/", "zh/parts/hardware/"])
@pytest.mark.parametrize("width", [360, 1920])
def test_home_and_parts_fit_the_window(browser, address, path, width):
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(address + path)
    assert page.evaluate(SIDEWAYS) <= 0
    outside = page.evaluate("""() => [...document.querySelectorAll("article a, article p")].filter(node => {
        const box = node.getBoundingClientRect();
        return box.width && (box.left < 0 || box.right > innerWidth);
    }).map(node => node.textContent)""")
    assert outside == []
    context.close()


def test_the_home_page_shows_all_parts_and_both_pdfs_without_scripts(browser, address):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(address)
    assert page.locator(".part-map > li").count() == 8
    assert page.locator(".part-map > li").last.bounding_box()["y"] < 900
    assert page.locator(".home-editions a[type='application/pdf']").count() == 2
    page.locator(".part-map a").first.click()
    assert page.locator("h1").text_content().startswith("Insights")
    context.close()


@pytest.mark.parametrize("table", ["table[data-columns='7']", "table:has(tbody > tr > td:first-child)[data-columns='4']"])
def test_the_first_column_of_a_wide_table_stays_and_leaves_room(browser, address, table):
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    page.goto(f"{address}compute/accelerator/")
    wrap = page.locator(".table-wrap").filter(has=page.locator(table)).first
    page.wait_for_selector(".md-typeset__scrollwrap", state="attached")    # the theme puts a box of its own round tables
    wrap.evaluate("wrap => { wrap.scrollLeft = 30; }")
    assert wrap.evaluate("wrap => wrap.scrollLeft") == 30
    left, width = wrap.evaluate("""wrap => { const cell = wrap.querySelector("tbody tr").firstElementChild.getBoundingClientRect();
        return [cell.left - wrap.getBoundingClientRect().left, cell.width]; }""")
    assert abs(left) < 1
    assert 60 < width < 180
    context.close()


def test_what_scrolls_sideways_is_reached_with_the_keyboard(browser, address):
    context = browser.new_context(viewport={"width": 360, "height": 780})
    page = context.new_page()
    page.goto(f"{address}network/", wait_until="load")
    page.wait_for_function("document.querySelectorAll('article pre > code[tabindex]').length > 0")
    missed = page.evaluate("""() => [...document.querySelectorAll("article pre > code, article div.math, article .table-wrap, article .md-typeset__scrollwrap")]
        .filter(box => getComputedStyle(box).overflowX === "auto" && box.scrollWidth > box.clientWidth && box.tabIndex !== 0).map(box => box.className)""")
    assert missed == []
    context.close()


def test_on_paper_there_is_the_text_and_nothing_to_click(page, address):
    page.goto(f"{address}zh/compute/accelerator/")
    page.emulate_media(media="print")
    shown = page.evaluate("""() => [...document.querySelectorAll("header, footer, nav, button:not(.table-sort), input, .headerlink, .only-web")]
        .filter(node => node.getBoundingClientRect().width > 1 && getComputedStyle(node).opacity > 0).map(node => node.className || node.tagName)""")
    assert shown == []
    assert page.locator("article h1").is_visible() and page.locator("#fig-tflops svg").first.is_visible()


def test_a_dark_page_is_printed_dark_on_white(browser, address):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"{address}network/")
    background = "getComputedStyle(document.querySelector('article pre > code')).backgroundColor.match(/\\d+/g).map(Number).reduce((sum, part) => sum + part)"
    dark = page.evaluate(background)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert dark < 200
    page.wait_for_function(f"{background} > 690")    # colours of code fade over
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(f"{background} === {dark}")
    context.close()
