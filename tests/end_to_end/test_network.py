"""What a page asks of the network, what it may run, and what is left when there is no network. Needs Chromium."""

import gzip
import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from openbook.addresses.moved import Move, Place
from openbook.bench.browser import Quiet, served
from openbook.site.offline import pack
from openbook.site.redirects import ids_elsewhere, write_redirects

pytestmark = pytest.mark.browser

PAGES = ["", "zh/", "network/", "zh/compute/accelerator/", "tables/", "zh/about/status/", "404.html"]


@pytest.fixture(scope="module")
def guarded(address, real_site):
    """Serve the book's own site with the headers of its file `_headers`."""
    lines = (real_site / "site/_headers").read_text("utf-8").split("\n")[1:]
    headers = [line.strip().split(": ", 1) for line in lines if line]

    class Guarded(Quiet):
        def end_headers(self):
            for name, value in headers:
                self.send_header(name, value)
            super().end_headers()

    with served(real_site / "site", Guarded) as root:
        yield root


def found(page, words: str) -> str:
    """Search for words; return what the search says it found."""
    page.locator("body").press("/")
    page.locator("input.md-search__input").press_sequentially(words)
    page.keyboard.press("End")
    page.locator(".md-search-result__link").first.wait_for()
    return page.locator(".md-search-result__meta").text_content()


@pytest.mark.parametrize("path", PAGES)
def test_nothing_that_the_policy_forbids_is_tried(browser, guarded, path):
    page = browser.new_page()
    page.add_init_script("window.forbidden = []; addEventListener('securitypolicyviolation', (event) => forbidden.push(event.blockedURI + ' ' + event.violatedDirective))")
    errors = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(guarded + path)
    assert any(character.isdigit() for character in found(page, "NCCL"))
    assert page.evaluate("forbidden") == [] and errors == []
    page.close()


def test_the_policy_does_forbid(browser, guarded):
    page = browser.new_page()
    page.goto(guarded)
    ran = page.evaluate("""() => { const script = document.createElement("script"); script.textContent = "window.ran = true";
        document.head.append(script); return Boolean(window.ran); }""")
    assert ran is False
    page.close()


def asked(page) -> list[str]:
    """Collect the addresses that a page asks for from now on."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    return requests


@pytest.mark.parametrize("path, index", [("network/", "book/search/search_index.json"), ("zh/network/", "book/zh/search/search_index.json")])
def test_the_search_is_loaded_when_it_is_opened(page, address, path, index):
    requests = asked(page)
    page.goto(address + path, wait_until="networkidle")
    assert [url for url in requests if "search_index" in url or "/workers/" in url or "sitemap" in url] == []
    found(page, "NCCL")
    assert [url.partition("/book/")[2] for url in requests if "search_index" in url] == [index.removeprefix("book/")]
    assert page.problems == [] and page.hosts == {"127.0.0.1"}


def test_the_text_is_painted_before_any_script_arrives(browser, address):
    page = browser.new_page()
    page.route("**/*.js", lambda route: None)    # never answered
    page.goto(f"{address}zh/network/", wait_until="commit")
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    assert page.locator("article h1").is_visible() and page.locator("article p:visible").count() > 3
    page.close()


class Packed(Quiet):
    """A file server that compresses text, as those do that publish books."""

    def send_head(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if path.suffix not in (".html", ".css", ".js", ".svg", ".json") or not path.is_file():
            return super().send_head()
        body = gzip.compress(path.read_bytes(), 6)
        self.send_response(200)
        for name, value in (("Content-Type", self.guess_type(str(path))), ("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        return io.BytesIO(body)


#: As Lighthouse's "slow 4G": 1.6 Mbit/s down, 750 kbit/s up, 150 ms there and back.
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}

WATCH_PAINTS = """window.painted = []; window.shifted = 0;
  new PerformanceObserver((list) => { for (const { element } of list.getEntries()) if (element?.closest("article")) painted.push(element.textContent); })
    .observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => { for (const { value } of list.getEntries()) shifted += value; }).observe({ type: "layout-shift", buffered: true });"""


@pytest.mark.parametrize("path, width", [("network/", 390), ("zh/training/optimizers/", 1440)])
def test_on_slow_4g_the_text_is_painted_before_anything_else_and_then_stays(browser, real_site, path, width):
    """What is neither page nor style sheet is held back until a piece of the text is painted, then let through."""
    held, open_now = [], False
    with served(real_site / "site", Packed) as root:
        context = browser.new_context(viewport={"width": width, "height": 844})
        page = context.new_page()
        context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_4G)
        page.add_init_script(WATCH_PAINTS)
        page.route(re.compile(r"\.(js|woff2|svg|png)$"), lambda route: route.continue_() if open_now else held.append(route))
        page.goto(root + path, wait_until="commit")
        page.wait_for_function("painted.length")
        assert {"script", "font", "image"} <= {route.request.resource_type for route in held}
        open_now = True
        for route in held:
            route.continue_()
        page.wait_for_function("document.querySelector('.md-code__nav, .headerlink.only-web')")    # the scripts have run
        page.wait_for_load_state("networkidle")
        shifted = page.evaluate("shifted")
        context.close()
    assert shifted < 0.1


@pytest.mark.parametrize("asked_for, lands", [
    ("old/#how", "a/#how"), ("zh/old/#how", "zh/a/#how"), ("old/?h=x#gone-id", "b/#here"), ("a/#left", "b/#here"), ("a/#how", "a/#how")])
def test_an_old_address_leads_to_where_it_is_now(page, address, real_site, asked_for, lands):
    moves = (Move(Place("old.md"), Place("a.md")), Move(Place("old.md", "gone-id"), Place("b.md", "here")), Move(Place("a.md", "left"), Place("b.md", "here")))
    site = real_site / "served/moved"
    write_redirects(site, moves, {(path, lang): path for path in ("a.md", "b.md") for lang in ("en", "zh")})
    (site / "assets/js").mkdir(parents=True, exist_ok=True)
    shutil.copy(real_site / "site/assets/js/moved.js", site / "assets/js")
    ids = json.dumps(ids_elsewhere(moves, "a.md", lambda url: f"../{url}"))
    for name in ("a", "b", "zh/a"):
        (site / name).mkdir(parents=True, exist_ok=True)
        (site / name / "index.html").write_text(f"<!doctype html><title>{name}</title><script src='{'../' * (name.count('/') + 1)}assets/js/moved.js' data-ids='{ids}'></script>")
    there = address.replace("/book/", "/moved/")
    page.goto(there + asked_for)
    page.wait_for_url(there + lands)


@pytest.fixture(scope="module")
def disk(real_site, tmp_path_factory):
    """Unpack the copy to read offline; return the address of its folder on the disk."""
    folder = tmp_path_factory.mktemp("disk")
    site = folder / "site"
    shutil.copytree(real_site / "site", site)
    (site / "pdf").mkdir(exist_ok=True)
    for lang in ("en", "zh"):
        (site / f"pdf/ml-engineering.{lang}.pdf").write_bytes(b"%PDF")
    list(pack(folder))
    with zipfile.ZipFile(site / "ml-engineering.zip") as packed:
        packed.extractall(folder / "unpacked")
    return (folder / "unpacked/ml-engineering").as_uri()


@pytest.mark.parametrize("root, words, other", [("", "goodput", "/zh"), ("/zh", "显存", "")])
def test_from_a_disk_the_book_is_read_searched_and_switched(page, disk, root, words, other):
    requests = asked(page)
    page.goto(f"{disk}{root}/index.html")
    found(page, words)
    page.locator(".md-search-result__link").first.click()
    page.wait_for_url("**?h=*")
    assert words in page.locator("article").text_content() and page.url.startswith(f"{disk}{root}/")
    page.locator("a.book-language").click()
    page.wait_for_url(f"{disk}{other}/**")
    assert page.locator("article h1").is_visible()
    page.locator(".md-footer__link--next, .md-footer__link--prev").first.click()
    page.wait_for_url(f"{disk}{other}/**/index.html")
    assert {url.partition(":")[0] for url in requests} <= {"file", "blob", "data"}
    assert page.problems == []
