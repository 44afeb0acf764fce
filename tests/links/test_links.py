"""External links are asked politely: a server on this machine plays the hosts, and nothing leaves it."""

import datetime
import json
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from openbook.book import read_book
from openbook.cli import main
from openbook.facts.load import load_facts
from openbook.findings import BookError
from openbook.links.ask import Manners, ask, connected
from openbook.links.gather import external_links
from openbook.links.run import check_external
from openbook.reading.library import read_library

QUICK = Manners(timeout=0.3, retries=2, pause=0, wait=0)
TODAY = datetime.date(2026, 11, 22)


class Host(BaseHTTPRequestHandler):
    """What a path answers: a status to every method, or one to HEAD and one to GET, or one a question."""

    answers = {"/ok": [200], "/gone": [404], "/no-head": {"HEAD": 405, "GET": 200}, "/mistrusts-head": {"HEAD": 403, "GET": 200},
               "/tired": [503, 200], "/busy": [429, 429, 200], "/broken": [500], "/moved": [301]}

    def do_HEAD(self):
        asked = self.server.asked
        asked[self.command, self.path] += 1
        if self.path == "/silent":
            self.server.over.wait(5)
            return
        found = self.answers.get(self.path, [200])
        count = sum(number for (_, path), number in asked.items() if path == self.path)
        status = found[self.command] if isinstance(found, dict) else found[min(count, len(found)) - 1]
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "/ok")
        if status == 429:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *arguments):
        pass


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as server:
        server.asked, server.over, server.daemon_threads = Counter(), threading.Event(), True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path, said, asked", [
    ("/ok", "", {"HEAD": 1}), ("/no-head", "", {"HEAD": 1, "GET": 1}), ("/mistrusts-head", "", {"HEAD": 1, "GET": 1}),
    ("/gone", "answers 404 Not Found", {"HEAD": 1, "GET": 1}), ("/tired", "", {"HEAD": 2}), ("/busy", "", {"HEAD": 3}),
    ("/broken", "answers 500 Internal Server Error", {"HEAD": 3}), ("/silent", "does not answer in 0.3 s", {"HEAD": 3}),
    ("/moved", "", {"HEAD": 1}), ("/a b/汉字?q=é", "", {"HEAD": 1})])
def test_an_address_is_asked_as_often_as_it_takes(host, path, said, asked):
    answer = ask(host.url + path, QUICK, threading.Event())
    assert (answer.ok, answer.said) == (not said, said)
    sent = {method: number for (method, name), number in host.asked.items() if not (path == "/moved" and name == "/ok")}
    assert sent == asked


def test_a_host_that_is_not_there(host):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = ask(f"http://127.0.0.1:{port}/", QUICK, threading.Event())
    assert not answer.ok and answer.said.startswith("does not answer: ") and "refused" in answer.said


def test_an_address_that_is_none_is_a_finding_and_no_crash():
    assert not ask("http://127.0.0.1:1x/", QUICK, threading.Event()).ok


def test_a_machine_is_connected_when_any_host_is_known():
    assert connected(["http://no-such-host.invalid/", "http://localhost/"])
    assert not connected(["http://no-such-host.invalid/"])


PAGE = "---\ndescription: D.\n---\n# Home\n"


def book(write, url, allowed="[]\n"):
    return write({
        "mkdocs.yml": "nav:\n  - index.md\n", "openbook/links/allowed.yml": allowed,
        "docs/index.md": f"{PAGE}\n[a]({url}/gone#part), <{url}/ok>, [b](index.md) and `<{url}/code>`.\n\n```bash\ncurl {url}/fence\n```\n",
        "docs/index.zh.md": f"{PAGE}\n[甲]({url}/gone)、<{url}/ok> [乙](index.md)。\n",
        "docs/data/sources.yml": f'sheet: {{title: T, publisher: P, url: "{url}/sheet", kind: doc, accessed: 2026-11-21}}\n',
        "docs/data/chips.yml": f"""
            title: {{en: Chips, zh: 芯片}}
            columns: {{name: {{type: text, en: Chip, zh: 芯片}}, more: {{type: link, en: More, zh: 更多}}}}
            rows:
              - {{id: one, name: {{en: "[One]({url}/word)", zh: 一}}, more: {{label: {{en: Page, zh: 页}}, url: "{url}/cell"}}}}
              - {{id: two, name: {{value: {{en: Two, zh: 二}}, note: {{en: "See [it]({url}/note).", zh: 见。}}}}}}
            """})


def test_addresses_are_gathered_from_text_sources_and_tables_with_their_lines(write):
    root = book(write, "https://example.org")
    facts, findings = load_facts(root / "docs/data", root)
    found = external_links(read_library(root / "docs", read_book(root)), facts)
    assert findings == []
    assert {url.removeprefix("https://example.org/"): [f"{place.path}:{place.line}" for place in places] for url, places in found.items()} == {
        "gone": ["docs/index.md:6", "docs/index.zh.md:6"], "ok": ["docs/index.md:6", "docs/index.zh.md:6"], "sheet": ["docs/data/sources.yml:1"],
        "word": ["docs/data/chips.yml:4"], "cell": ["docs/data/chips.yml:4"], "note": ["docs/data/chips.yml:5"]}


def test_a_dead_link_is_one_finding_and_a_live_one_is_asked_again_after_a_week(write, host):
    root = book(write, host.url)
    said = []
    for _ in range(2):
        findings = check_external(root, said.append, QUICK, TODAY)
        assert [str(finding) for finding in findings] == [
            f"docs/index.md:6: {host.url}/gone answers 404 Not Found (and in 1 more place) [external-link]\n"
            "    Mend the address, or excuse it in openbook/links/allowed.yml with a reason."]
    assert said == ["6 external links: 0 excused, 0 answered in the last 7 days, 6 to ask.",
                    "6 external links: 0 excused, 5 answered in the last 7 days, 1 to ask."]
    check_external(root, said.append, QUICK, TODAY + datetime.timedelta(days=7))
    assert said[-1].endswith("6 to ask.")
    assert host.asked["HEAD", "/ok"] == 2 and ("HEAD", "/code") not in host.asked and ("HEAD", "/fence") not in host.asked


def test_what_is_excused_is_not_asked_and_an_idle_excuse_is_named(write, host):
    allowed = f"- begins: {host.url}/gone\n  reason: It is an example.\n- begins: https://nobody.example/\n  reason: Once linked.\n"
    findings = check_external(book(write, host.url, allowed), lambda line: None, QUICK, TODAY)
    assert [(finding.path, finding.line, finding.message) for finding in findings] == [
        ("openbook/links/allowed.yml", 3, "no link begins with https://nobody.example/")]
    assert ("HEAD", "/gone") not in host.asked


@pytest.mark.parametrize("allowed, line, message", [
    ("- begins: https://example.org/\n", 1, "an entry has `begins` and `reason`, both texts"),
    ("- {begins: x, reason: y}\n- {begins: '', reason: y}\n", 2, "an entry has `begins` and `reason`, both texts"),
    ("- [x\n", 2, "this is not the YAML we read: expected ',' or ']', but got '<stream end>'")])
def test_an_excuse_without_a_reason_is_refused(write, host, allowed, line, message):
    with pytest.raises(BookError) as error:
        check_external(book(write, host.url, allowed), lambda line: None, QUICK, TODAY)
    assert [(finding.line, finding.message) for finding in error.value.findings] == [(line, message)]


@pytest.mark.parametrize("cache", ["", "[]", '{"x": 1}', "\x00"])
def test_a_broken_cache_is_an_empty_one(write, host, cache):
    root = write({".cache/links.json": cache})
    book(write, host.url)
    check_external(root, lambda line: None, QUICK, TODAY)
    assert json.loads((root / ".cache/links.json").read_text("utf-8")).keys() == {f"{host.url}/{name}" for name in ("ok", "sheet", "word", "cell", "note")}


def test_a_machine_without_a_network_gets_one_message(write, monkeypatch, capsys):
    monkeypatch.chdir(book(write, "http://no-such-host.invalid"))
    assert main(["links"]) == 1
    assert capsys.readouterr().out.split("\n")[:3] == [
        "6 external links: 0 excused, 0 answered in the last 7 days, 6 to ask.",
        "docs:1: none of the hosts can be found [network]", "    Connect this machine to the internet, then run it again."]
