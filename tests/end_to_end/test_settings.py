"""What readers set for themselves is kept to: less motion, larger text, wider spacing, their own colours. Needs Chromium."""

import pytest

from tests.end_to_end.kinds import KINDS, enlarge, search

pytestmark = pytest.mark.browser

#: What moves: elements, and what stands before and after them, that would not change at once.
MOVING = """() => [...document.querySelectorAll("*")].flatMap((node) => [null, "::before", "::after", "::backdrop"].flatMap((part) => {
    const style = getComputedStyle(node, part);
    const lasting = (value) => value.split(",").some((time) => parseFloat(time) > 0);
    const moves = [style.transitionProperty !== "none" && lasting(style.transitionDuration) && "transition",
                   style.animationName !== "none" && lasting(style.animationDuration) && "animation",
                   style.scrollBehavior === "smooth" && "smooth scrolling"].filter(Boolean);
    return moves.map((move) => `${move}: ${node.tagName} .${node.className.baseVal ?? node.className}${part ?? ""}`);
}))"""


@pytest.fixture
def still(browser, address):
    """A page of a reader who asked for less motion."""
    context = browser.new_context(reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path, opened", [("debug/distributed/", enlarge), ("zh/debug/distributed/", search), ("zh/", search)])
def test_nothing_moves_for_readers_who_ask_for_less_motion(still, address, path, opened):
    still.goto(address + path)
    opened(still)
    assert still.evaluate(MOVING) == []


def test_otherwise_something_does_move(page, address):
    page.goto(f"{address}debug/distributed/")
    assert page.evaluate(MOVING) != [], "the test above would find nothing whatever the style sheets say"

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

#: The distances of WCAG 1.4.12, which readers may set.
SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
    p { margin-bottom: 2em !important; }"""

#: Text that is cut off: in a box that hides what does not fit. The bar at the head repeats
#: the titles of page and book; the box round the home page cuts its drawing to the window.
CUT_OFF = """() => [...document.querySelectorAll("body *")].filter((node) => {
    if (node.closest("svg, .katex-mathml, .chart-values, .md-header__title, .md-search, dialog") || node.matches(".md-container") || !node.textContent.trim()) return false;
    const style = getComputedStyle(node), box = node.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || style.visibility !== "visible") return false;
    const hides = (overflow) => overflow === "hidden" || overflow === "clip";
    return (hides(style.overflowX) && node.scrollWidth > node.clientWidth + 1) || (hides(style.overflowY) && node.scrollHeight > node.clientHeight + 2);
}).map((node) => `${node.tagName} .${node.className}: ${node.textContent.trim().slice(0, 60)}`)"""


@pytest.mark.parametrize("place, kind", list(enumerate(KINDS.values())), ids=KINDS)
def test_a_page_fits_a_window_of_320_pixels_and_wider_spacing_cuts_nothing_off(browser, top, varied, place, kind):
    """WCAG 1.4.10, as on a desk with a zoom of 400 per cent, and 1.4.12; in English and Chinese by turns."""
    path = kind.paths[place % 2]
    context = browser.new_context(viewport={"width": 320, "height": 640})
    page = context.new_page()
    page.route("**/moved.js", lambda route: route.fulfill(body=""))
    page.goto((varied if kind.varied else top) + path)
    assert page.evaluate(SIDEWAYS) <= 0
    kind.opened(page)
    assert page.evaluate(SIDEWAYS) <= 0
    page.add_style_tag(content=SPACED)
    assert not (cut := page.evaluate(CUT_OFF)), "\n".join(cut)
    page.set_viewport_size({"width": 1440, "height": 900})
    assert not (cut := page.evaluate(CUT_OFF)), "\n".join(cut)
    context.close()
