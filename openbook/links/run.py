"""Check external links: what answered lately is not asked again, what is excused is not asked at all."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path

from openbook.book import read_book
from openbook.facts.load import load_facts
from openbook.findings import BookError, Finding
from openbook.links.allowed import FILE, Allowed, load_allowed
from openbook.links.ask import Answer, Manners, ask_all, connected
from openbook.links.gather import Place, external_links
from openbook.reading.library import read_library

DAYS = 7
CACHE = ".cache/links.json"


def check_external(root: Path, say: Callable[[str], None], manners: Manners = Manners(),
                   today: datetime.date | None = None) -> list[Finding]:
    """Return a finding for each address that does not answer, and for each excuse that nothing needs.

    What answers is kept in the cache for a week. Raise BookError when no host can be reached at all.
    """
    today = today or datetime.date.today()
    facts, _ = load_facts(root / "docs/data", root)
    links = external_links(read_library(root / "docs", read_book(root)), facts)
    allowed = load_allowed(root)
    wanted = [url for url in links if not any(url.startswith(entry.begins) for entry in allowed)]
    cache = _Cache(root / CACHE, today)
    asked = [url for url in wanted if not cache.has(url)]
    say(f"{len(links)} external links: {len(links) - len(wanted)} excused, "
        f"{len(wanted) - len(asked)} answered in the last {DAYS} days, {len(asked)} to ask.")
    if asked and not connected(asked):
        raise BookError([Finding("docs", 1, "network", "none of the hosts can be found",
                                 "Connect this machine to the internet, then run it again.")])
    answers: dict[str, Answer] = {}

    def told(url: str, answer: Answer) -> None:
        answers[url] = answer
        if answer.ok:
            cache.add(url)

    try:
        ask_all(asked, manners, told)
    finally:
        cache.write(set(links))
    findings = [_finding(url, answers[url], links[url]) for url in asked if not answers[url].ok]
    return sorted(findings + _unused(allowed, links))


def _finding(url: str, answer: Answer, places: list[Place]) -> Finding:
    more = f" (and in {len(places) - 1} more place{'s' * (len(places) > 2)})" if len(places) > 1 else ""
    return Finding(places[0].path, places[0].line, "external-link", f"{url} {answer.said}{more}",
                   f"Mend the address, or excuse it in {FILE} with a reason.")


def _unused(allowed: list[Allowed], links: dict[str, list[Place]]) -> list[Finding]:
    return [Finding(FILE, entry.line, "allowed", f"no link begins with {entry.begins}", "Take the entry out.")
            for entry in allowed if not any(url.startswith(entry.begins) for url in links)]


class _Cache:
    """The day each address answered last; a file that cannot be read is an empty one."""

    def __init__(self, path: Path, today: datetime.date):
        self.path, self.today = path, today
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            found = {}
        self.days: dict[str, str] = found if isinstance(found, dict) else {}

    def has(self, url: str) -> bool:
        try:
            return 0 <= (self.today - datetime.date.fromisoformat(self.days[url])).days < DAYS
        except (KeyError, TypeError, ValueError):
            return False

    def add(self, url: str) -> None:
        self.days[url] = self.today.isoformat()

    def write(self, links: set[str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kept = {url: day for url, day in sorted(self.days.items()) if url in links}
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(kept, ensure_ascii=False, indent=0), "utf-8")
        fresh.replace(self.path)
