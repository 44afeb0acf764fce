"""Render TeX with KaTeX inside the build: a small JavaScript engine, no Node, no browser."""

from __future__ import annotations

import functools
import html
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import quickjs

PLACES = ("/usr/share/javascript/katex", "/usr/share/nodejs/katex/dist",
          "/opt/homebrew/share/katex", "/usr/local/share/katex")
# KaTeX spells `\bmod` letter by letter inside an operator, where MathML has plain text; so it is also read out as one word.
WORD_OPERATOR = re.compile(r'(<mo\b[^>]*>)<mrow>((?:<mi\b[^>]*>\w</mi>)+)</mrow></mo>')
LETTER = re.compile(r"<mi\b[^>]*>(\w)</mi>")
#: A formula as the Markdown extension marks it: in a sentence a span, displayed a div.
FORMULA = re.compile(r'<(?P<element>span|div) class="arithmatex">\\(?P<open>[(\[])(?P<tex>.*?)\\[)\]]</(?P=element)>', re.S)
#: What may not stand at the start of the line after a formula: marks and the numbers of sources; and before it, at a line's end.
BEHIND = r'(?:[,.;:!?)\]…，。、；：！？）」』》】”’%]|<sup class="cite">.*?</sup>)*'
BEFORE = r"[(\[（「『《【“‘]*"
IN_TEXT = re.compile(f"(?P<before>{BEFORE}){FORMULA.pattern}(?P<behind>{BEHIND})", re.S)
TAG = re.compile(r"<[^>]*>")
#: Characters of a formula that fit on half a line of a phone.
SHORT = 20
#: Bytes that the engine may take: macros that double what they are given would take all there are.
MOST_MEMORY = 256 << 20
#: No formula has a length of so many em, by which it could lie over the rest of the page.
MOST_EM = 50
LENGTH = re.compile(r"\d{3,}(?:\.\d+)?\s*(?:em|ex|mu|pt|pc|cm|mm|in|bp|dd|cc|nd|nc|sp|px)\b")


class KatexMissing(Exception):
    """KaTeX is not on this machine; the text says what to install."""


class TexError(ValueError):
    """KaTeX cannot read a formula; `tex` is its source."""

    def __init__(self, tex: str, reason: str):
        shown = tex if len(tex) <= 120 else tex[:119] + "…"
        super().__init__(f"KaTeX cannot read the formula `{shown}`: {reason[:200]}")
        self.tex = tex


@functools.cache
def home() -> Path:
    """Return the folder that holds katex.min.js, its style sheet and its fonts; raise KatexMissing."""
    for place in (os.environ.get("KATEX_HOME"), *PLACES):
        if place and (Path(place) / "katex.min.js").is_file():
            return Path(place)
    raise KatexMissing("KaTeX is not installed: on Debian or Ubuntu run `apt-get install libjs-katex fonts-katex`; "
                       "elsewhere set KATEX_HOME to a folder with katex.min.js, katex.min.css and fonts/")


@functools.cache
def _engine() -> quickjs.Context:
    """Return a JavaScript engine that has loaded KaTeX."""
    import quickjs    # here, because it starts a thread, and a process with threads is not shared out by the check

    context = quickjs.Context()
    context.set_memory_limit(MOST_MEMORY)
    # The page as KaTeX sees it: a CommonJS module.
    context.eval("var exports = {}, module = {exports: exports};")
    context.eval((home() / "katex.min.js").read_text("utf-8"))
    context.eval("var katex = module.exports;")
    return context


@functools.cache
def _function(make: str):
    return _engine().eval("(function (tex, display) { "
                          "var how = {displayMode: display, output: 'htmlAndMathml', strict: false, throwOnError: true, trust: false, "
                          f"maxSize: {MOST_EM}}}; "
                          f"try {{ return JSON.stringify({{made: {make}}}); }} "
                          "catch (error) { return JSON.stringify({error: String(error.message || error)}); } })")


def _call(make: str, tex: str, display: bool) -> str:
    result = json.loads(_function(make)(tex, display))
    if "error" in result:
        raise TexError(tex, result["error"].removeprefix("KaTeX parse error: "))
    return result["made"]


@functools.lru_cache(maxsize=4096)
def parse(tex: str, display: bool) -> None:
    """Read a formula without drawing it, in a quarter of the time; raise TexError when TeX is wrong."""
    if length := LENGTH.search(tex):
        raise TexError(tex, f"the length {length[0]} would reach over the rest of the page")
    _call("katex.__parse(tex, how) && ''", tex, display)


@functools.lru_cache(maxsize=4096)
def render(tex: str, display: bool) -> str:
    """Return the HTML (with MathML for screen readers) of a formula; raise TexError when TeX is wrong."""
    made = _call("katex.renderToString(tex, how)", tex, display)
    return WORD_OPERATOR.sub(lambda found: found[1] + LETTER.sub(r"\1", found[2]) + "</mo>", made)


def render_all(content: str) -> str:
    """Return `content` with every formula that the Markdown extension marked rendered by KaTeX.

    A browser ends a line between a formula and the comma behind it, whatever stands between them. So a formula that no line has
    to break is kept with the marks around it.
    """
    def one(found: re.Match) -> str:
        shown = render(html.unescape(found["tex"]).strip(), found["open"] == "[")
        formula = f'<{found["element"]} class="math">{shown}</{found["element"]}>'
        whole = found["before"] + formula + found["behind"]
        together = found["open"] == "(" and len(whole) > len(formula) and _whole(shown)
        return f'<span class="together">{whole}</span>' if together else whole

    return IN_TEXT.sub(one, content)


def _whole(shown: str) -> bool:
    """Say whether a formula stays on one line: it has no place to break, or is short enough for the line of a phone."""
    _, _, drawn = shown.partition('<span class="katex-html"')
    return drawn.count('<span class="base">') == 1 or len(TAG.sub("", f"<{drawn}")) <= SHORT


def style_sheet() -> str:
    """Return KaTeX's style sheet with one font file a face: WOFF2 where there is one."""
    css = (home() / "katex.min.css").read_text("utf-8")
    have = {path.name for path in (home() / "fonts").iterdir()}

    def pick(rule: re.Match) -> str:
        offered = re.findall(r"url\(fonts/([\w.-]+)\) format\('?(\w+)'?\)", rule[0])
        name, kind = next((name, kind) for name, kind in offered if name in have)
        return f"src:url(fonts/{name}) format('{kind}')"

    return re.sub(r"src:url\(fonts/[^;}]*", pick, css)


def font_files() -> list[Path]:
    """Return the font files that the style sheet names."""
    named = set(re.findall(r"fonts/([\w-]+\.\w+)", style_sheet()))
    return sorted(path for path in (home() / "fonts").iterdir() if path.name in named)
