"""Chinese as the browser sets it: its own gap beside Latin letters, punctuation flush at line starts, code as it is. Needs Chromium."""

import pytest

pytestmark = pytest.mark.browser

#: The width of a text in an element, in thousandths of the type size: as the page sets it, and with the gaps of the browser off.
WIDTHS = """(place, text) => ["", "no-autospace"].map((spacing) => {
  const span = document.createElement("span");
  span.style.cssText = `position: absolute; white-space: pre; font-size: 100px; ${spacing && `text-autospace: ${spacing}`}`;
  span.textContent = text;
  place.append(span);
  const { width } = span.getBoundingClientRect();
  span.remove();
  return Math.round(width * 10);
})"""


@pytest.fixture
def widths(page, address):
    """Measure a text in an element of a Chinese page: with its own spacing, and without."""
    page.goto(f"{address}zh/network/")
    return lambda place, text: page.locator(place).first.evaluate(f"(place, text) => ({WIDTHS})(place, text)", text)


def test_a_gap_of_an_eighth_stands_where_none_is_typed(widths):
    spaced, bare = widths("article > p:lang(zh)", "中A中1")
    assert spaced - bare == 3 * 125


def test_no_gap_is_added_to_a_space_that_is_typed(widths):
    spaced, bare = widths("article > p:lang(zh)", "中 A 中 1")
    assert spaced == bare


@pytest.mark.parametrize("place", ["article code", "article pre > code", "input.md-search__input"])
def test_in_code_and_in_fields_nothing_is_added(page, address, place):
    page.goto(f"{address}zh/network/")
    style = page.locator(place).first.evaluate("(place) => { const style = getComputedStyle(place); return [style.textAutospace, style.textSpacingTrim]; }")
    assert style == ["no-autospace", "space-all"]


def test_an_opening_bracket_is_flush_at_the_start_of_a_line_and_between_brackets_there_is_no_double_space(widths):
    assert widths("article > p:lang(zh)", "（中")[0] == 1500
    assert widths("article > p:lang(zh)", "中）（中")[0] == 3500
