"""With the keyboard alone: every stop is seen and marked, none is missed, nothing holds the reader. Needs Chromium."""

import pytest

pytestmark = pytest.mark.browser

#: Notes of each stop whether it is seen and whether it looks otherwise than without the focus.
WATCH = """() => {
  const look = (node) => [node, node.nextElementSibling, node.matches("input") && node.closest(".tabbed-set")?.querySelector(".tabbed-labels")]
    .filter(Boolean).map((each) => { const style = getComputedStyle(each), before = getComputedStyle(each, "::before");
      const ring = parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== "none" ? style.outline : "";
      return [ring, style.boxShadow, before.backgroundColor].join(); }).join("|");
  const name = (node) => `${node.tagName.toLowerCase()}${node.id && "#" + node.id}${[...node.classList].map((part) => "." + part).join("")} ${node.textContent.trim().slice(0, 30)}`;
  const seen = (node) => {
    const target = node.matches(".md-option") ? node.nextElementSibling : node.matches(".tabbed-set > input") ? document.querySelector(`label[for="${node.id}"]`) : node;
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

#: What the keyboard should reach and did not.
MISSED = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter((node) =>
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


@pytest.mark.parametrize("path", ["", "training/frameworks/fine-tuning/", "zh/tables/"])
@pytest.mark.parametrize("width, scheme", [(1440, "light"), (390, "dark")])
def test_every_stop_is_seen_and_marked_and_none_is_missed(browser, address, path, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(address + path, wait_until="load")
    stops = walk(page)
    assert [stop["name"] for stop in stops if not stop["seen"]] == []
    assert [stop["name"] for stop in stops if stop["marked"] is False] == []
    assert page.evaluate(MISSED) == []
    context.close()
