"""With the keyboard alone: every stop is seen and marked, none is missed, nothing holds the reader. Needs Chromium."""

import pytest

pytestmark = pytest.mark.browser

#: Notes of each stop whether it is seen and whether it looks otherwise than without the focus.
WATCH = """() => {
  const look = (node) => [node, node.matches(".tabbed-set > input") && node.parentNode.querySelector(".tabbed-labels")].filter(Boolean).map((each) => {
    const { outline, outlineStyle, boxShadow } = getComputedStyle(each);
    return [outlineStyle !== "none" && outline, boxShadow].join();
  }).join("|");
  const name = (node) => `${node.tagName.toLowerCase()}${node.id && "#" + node.id}${[...node.classList].map((part) => "." + part).join("")} ${node.textContent.trim().slice(0, 30)}`;
  const seen = (node) => {
    const target = node.matches(".tabbed-set > input") ? document.querySelector(`label[for="${node.id}"]`) : node;
    return [...target.getClientRects()].some((box) => {
      const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1), y = Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1);
      const top = document.elementFromPoint(x, y);
      return box.width > 1 && box.height > 1 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight
        && top && (target.contains(top) || top.contains(target)) && target.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    });
  };
  window.stops = [];
  document.addEventListener("focusin", ({ target }) => stops.push({ node: target, name: name(target), seen: seen(target), look: look(target) }));
  document.addEventListener("focusout", ({ target }) => requestAnimationFrame(() => {
    for (const stop of stops) if (stop.node === target) stop.marked = look(target) !== stop.look;
  }));
}"""

WALKED = """() => {
  const first = stops[0]?.node;
  return stops.length > 1 && (document.activeElement === document.body || stops.slice(1).some((stop) => stop.node === first));
}"""

#: What the keyboard should reach and did not; the way to the top comes only with a scroll upwards, as when the walk ends.
MISSED = """() => [...document.querySelectorAll("a[href], button:not(.md-top), input, select, textarea, summary, [tabindex]")].filter((node) =>
  node.tabIndex >= 0 && !node.disabled && node.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && node.getClientRects().length
  && !(node.type === "radio" && !node.checked) && !stops.some((stop) => stop.node === node)).map((node) => node.outerHTML.slice(0, 120))"""


def walk(page) -> list[dict]:
    """Press Tab from the page's head until it is left or its first stop comes again; return the stops."""
    page.evaluate(WATCH)
    focusable = page.locator("a[href], button, input, select, textarea, summary, [tabindex]").count()
    for press in range(2 * focusable + 20):
        page.keyboard.press("Tab")
        if press % 10 == 9 and page.evaluate(WALKED):
            break
    else:
        pytest.fail(f"Tab does not leave the page; the last stops: {page.evaluate('stops.slice(-6).map((stop) => stop.name)')}")
    return page.evaluate("stops.map(({ name, seen, marked }) => ({ name, seen, marked }))")


@pytest.mark.parametrize("path, width, scheme", [
    ("", 1440, "light"), ("zh/", 390, "dark"), ("training/frameworks/fine-tuning/", 1440, "dark"), ("zh/compute/accelerator/", 390, "light")])
def test_every_stop_is_seen_and_marked_and_none_is_missed(browser, address, path, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(address + path, wait_until="load")
    stops = walk(page)
    assert len(stops) > 50
    assert not (unseen := [stop["name"] for stop in stops if not stop["seen"]]), "not seen:\n" + "\n".join(unseen)
    assert not (bare := [stop["name"] for stop in stops if stop["marked"] is False]), "looks the same with the focus and without:\n" + "\n".join(bare)
    assert not (missed := page.evaluate(MISSED)), "never reached:\n" + "\n".join(missed)
    context.close()


@pytest.mark.parametrize("fault, finding", [
    ("a.headerlink:focus-visible { outline: none !important; }", "marked"), (".md-path { opacity: 0; }", "seen")])
def test_the_walk_finds_what_is_not_seen_and_what_is_not_marked(page, address, fault, finding):
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{address}about/citation/", wait_until="load")
    page.add_style_tag(content=fault)
    assert [stop["name"] for stop in walk(page) if stop[finding] is False] != []


FOCUSED = "document.activeElement.className"


@pytest.mark.parametrize("path", ["network/", "zh/"])
def test_the_first_stop_skips_to_the_text(page, address, path):
    page.goto(address + path)
    page.keyboard.press("Tab")
    assert "md-skip" in page.evaluate(FOCUSED)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('article').contains(document.activeElement)")


def test_escape_closes_the_search_and_the_reader_goes_on_where_he_was(page, address):
    page.goto(f"{address}network/")
    link = page.locator("article a.xref").first
    link.focus()
    page.keyboard.press("/")
    page.locator("input.md-search__input").press_sequentially("NCCL")
    page.locator(".md-search-result__link").first.wait_for()
    page.keyboard.press("Escape")
    assert not page.locator("#__search").is_checked()
    page.wait_for_function("(link) => link === document.activeElement", arg=link.element_handle())


def test_in_a_narrow_window_the_keyboard_opens_the_navigation_and_goes_through_its_folders(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{address}zh/", wait_until="load")
    opener = page.get_by_role("button", name="打开导航")
    opener.focus()
    page.keyboard.press("Shift")    # as after Tab, so that the focus shows
    page.keyboard.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.querySelector('.md-sidebar--primary').contains(document.activeElement)")
    page.get_by_role("button", name="训练", exact=True).focus()
    page.keyboard.press("Space")
    page.locator(".md-sidebar--primary a:visible", has_text="训练总览").wait_for()
    page.get_by_role("button", name="返回: 训练").focus()
    page.keyboard.press("Enter")
    page.locator(".md-sidebar--primary a:visible", has_text="硬件").first.wait_for()
    page.keyboard.press("Escape")
    assert opener.get_attribute("aria-expanded") == "false"
    assert opener.evaluate("button => button === document.activeElement") and problems == []
    context.close()
