"""Ask addresses whether they still answer: HEAD, then GET; hosts side by side, each host slowly, with patience."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

AGENT = "Mozilla/5.0 (compatible; openbook-links)"
#: Answers that a little later may be others.
PASSING = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Manners:
    """How to ask, in seconds: `pause` between questions to a host, `wait` before asking again, doubled each time."""

    timeout: float = 20
    retries: int = 2
    pause: float = 1
    wait: float = 5
    patience: float = 60    # the longest that a host's Retry-After is obeyed
    hosts: int = 12         # asked at a time


@dataclass(frozen=True)
class Answer:
    """What became of a question: `said` is the reason when it is not `ok`."""

    ok: bool
    said: str = ""
    passing: bool = False
    later: float = 0


def ask_all(urls: Iterable[str], manners: Manners, told: Callable[[str, Answer], None]) -> None:
    """Ask each address once, and tell each answer as it comes, one at a time."""
    by_host: dict[str, list[str]] = {}
    for url in urls:
        by_host.setdefault(urlsplit(url).netloc, []).append(url)
    stop, one_at_a_time = threading.Event(), threading.Lock()

    def ask_host(share: list[str]) -> None:
        for place, url in enumerate(share):
            if stop.wait(manners.pause if place else 0):
                return
            answer = ask(url, manners, stop)
            with one_at_a_time:
                told(url, answer)

    with ThreadPoolExecutor(manners.hosts) as pool:
        try:
            # The longest first: they decide when we are done.
            list(pool.map(ask_host, sorted(by_host.values(), key=len, reverse=True)))
        except BaseException:
            stop.set()
            raise


def ask(url: str, manners: Manners, stop: threading.Event) -> Answer:
    """Return whether an address answers, asked again where the trouble may pass."""
    answer = _ask_once(url, manners)
    for attempt in range(manners.retries):
        if answer.ok or not answer.passing:
            break
        if stop.wait(min(max(answer.later, manners.wait * 2 ** attempt), manners.patience)):
            break
        answer = _ask_once(url, manners)
    return answer


def _ask_once(url: str, manners: Manners) -> Answer:
    """Ask for the head alone; hosts that do not know HEAD, or mistrust it, are asked as a browser would."""
    answer = _request("HEAD", url, manners)
    if answer.ok or answer.passing:
        return answer
    time.sleep(manners.pause)
    return _request("GET", url, manners)


def _request(method: str, url: str, manners: Manners) -> Answer:
    try:
        request = urllib.request.Request(_ascii(url), method=method, headers={"User-Agent": AGENT, "Accept": "*/*"})
        with urllib.request.urlopen(request, timeout=manners.timeout):
            return Answer(True)
    except urllib.error.HTTPError as error:
        error.close()
        after = error.headers.get("Retry-After") or ""
        later = float(after) if after.isdigit() else 0
        return Answer(False, f"answers {error.code} {error.reason}".rstrip(), error.code in PASSING, later)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        return Answer(False, *_trouble(reason if isinstance(reason, Exception) else error, manners))


def _trouble(error: Exception, manners: Manners) -> tuple[str, bool]:
    """Return in words why there is no answer, and whether that may pass."""
    if isinstance(error, TimeoutError):
        return f"does not answer in {manners.timeout:g} s", True
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has no valid certificate: {error.verify_message}", False
    if isinstance(error, socket.gaierror):
        return "has a host that nobody knows", error.errno == socket.EAI_AGAIN
    return f"does not answer: {error}", isinstance(error, (ConnectionError, http.client.HTTPException))


def _ascii(url: str) -> str:
    """Return an address as it travels: its host in punycode, other characters percent-encoded."""
    parts = urlsplit(url)
    host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
    return parts._replace(netloc=host, path=quote(parts.path, safe="/%:@!$&'()*+,;=~-._"),
                          query=quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")).geturl()


def connected(urls: Iterable[str]) -> bool:
    """Say whether the name of any of a few hosts can be looked up."""
    for host in list(dict.fromkeys(urlsplit(url).hostname or "" for url in urls))[:5]:
        try:
            socket.getaddrinfo(host, None)
            return True
        except (OSError, UnicodeError):
            continue
    return False
