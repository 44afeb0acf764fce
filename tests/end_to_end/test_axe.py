"""axe-core, its advice on good practice included, finds nothing on any kind of page. Needs Chromium.

Each kind is opened twice: in both languages, both schemes, on a phone and on a desk. Which goes with which alternates from
kind to kind, so that over the kinds every two of these values meet.
"""

import pytest

from tests.end_to_end.kinds import KINDS

pytestmark = pytest.mark.browser

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


def violations(page) -> list[dict]:
    """Return what axe finds on a page as it is now."""
    from axe_playwright_python.sync_playwright import Axe

    return Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]


def said(violations: list[dict]) -> str:
    """Return what axe found as lines for a person: the rule, then each place and what is wrong there."""
    lines = []
    for rule in violations:
        lines.append(f"{rule['id']}: {rule['help']} ({rule['helpUrl']})")
        for node in rule["nodes"]:
            reasons = [check["message"] for check in node["any"] + node["all"] + node["none"]]
            lines.append(f"    {' '.join(map(str, node['target']))}: {'; '.join(reasons)}")
            lines.append(f"        {node['html'][:200]}")
    return "\n".join(lines)


def cases():
    for place, (name, kind) in enumerate(KINDS.items()):
        schemes = ("light", "dark") if place % 2 else ("dark", "light")
        for path, scheme, window in zip(kind.paths, schemes, (PHONE, DESK) if place // 2 % 2 else (DESK, PHONE)):
            yield pytest.param(kind, path, scheme, window, id=f"{name}: {path or '/'} {scheme} {window['width']}")


@pytest.mark.parametrize("kind, path, scheme, window", list(cases()))
def test_axe_finds_nothing(browser, top, varied, kind, path, scheme, window):
    context = browser.new_context(color_scheme=scheme, viewport=window, reduced_motion="reduce")
    page = context.new_page()
    page.route("**/moved.js", lambda route: route.fulfill(body=""))    # else the page that moved is left at once
    page.goto((varied if kind.varied else top) + path)
    kind.opened(page)
    found = violations(page)
    assert not found, f"{path}, {scheme}, {window['width']} px wide:\n{said(found)}"
    context.close()


def test_axe_finds_grey_on_grey_and_says_where(page, address):
    page.goto(f"{address}about/citation/")
    page.add_style_tag(content="article h1 { color: #ccc !important; }")
    found = said(violations(page))
    assert found.startswith("color-contrast: ") and "    #citing-the-book: Element has insufficient color contrast" in found
