"""The book's own site in a browser: served as a plain file server does, opened in an installed Chromium."""

import shutil
from urllib.parse import urlsplit

import pytest

from openbook.bench.browser import FLAGS, chromium, served
from tests.end_to_end.varied import build_varied


@pytest.fixture(scope="session")
def address(real_site):
    """Serve the book's own site as a plain file server does, under a path prefix."""
    folder = real_site / "served"
    folder.mkdir()
    shutil.copytree(real_site / "site", folder / "book")
    with served(folder) as root:
        yield root + "book/"


@pytest.fixture(scope="session")
def top(real_site):
    """Serve the book's own site at the top of its host, where its page for what is not found has its styles; give its address."""
    with served(real_site / "site") as root:
        yield root


@pytest.fixture(scope="session")
def varied_site(tmp_path_factory):
    """Build a small book with what the real one may lack; return its folder `site`."""
    return build_varied(tmp_path_factory.mktemp("varied"))


@pytest.fixture(scope="session")
def varied(varied_site):
    """Serve the small book with what the real one may lack; give its address."""
    with served(varied_site) as root:
        yield root


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    program = chromium()
    assert program, "Chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def page(browser):
    opened = browser.new_page()
    opened.problems = []
    opened.on("requestfailed", lambda request: opened.problems.append(f"failed: {request.url}"))
    opened.on("response", lambda response: response.status >= 400 and opened.problems.append(f"{response.status}: {response.url}"))
    opened.on("pageerror", lambda error: opened.problems.append(f"script: {error}"))
    opened.hosts = set()
    opened.on("request", lambda request: opened.hosts.add(urlsplit(request.url).hostname))
    yield opened
    opened.close()
