"""Number a page's citations in reading order and list their sources at its end."""

from __future__ import annotations

import html
import re
from collections import Counter

from openbook.facts.model import Source
from openbook.safety.addresses import wrong_scheme

MARK = re.compile(r'<sup class="cite" data-cite="([^"]+)"></sup>')
#: A figure drawn from many sources names them on a line of their own.
LINE = re.compile(r'<span class="figure-sources" data-cite="([^"]+)"></span>')
GROUP = re.compile(rf"{MARK.pattern}(?:{MARK.pattern})*|{LINE.pattern}")
#: From this many consecutive numbers on, only the first and the last are printed.
RUN = 3
PLACE = '<div class="sources-here"></div>'
WORDS = {
    "en": {"sources": "Sources", "read": "read {}", "copy": "from a stored copy", "stop": ".", "comma": ", ", "line": "Sources: {}", "join": ", ",
           "all": "All {}.", "most": "Unless an entry says otherwise: {}."},
    "zh": {"sources": "参考来源", "read": "{} 查阅", "copy": "据存档副本", "stop": "。", "comma": "，", "line": "来源：{}", "join": "、",
           "all": "均于 {}。", "most": "未另注明者，{}。"},
}


def number_citations(content: str, sources: dict[str, Source], lang: str) -> str:
    """Return `content` with numbered citations and, at PLACE, the list of what they cite.

    Neighbouring marks become one superscript, consecutive numbers a range. Unknown ids raise KeyError; checks name them first.
    """
    order: dict[str, int] = {}
    words = WORDS[lang]

    def numbered(found: re.Match) -> str:
        line = LINE.fullmatch(found[0])
        names = line[1].split() if line else MARK.findall(found[0])
        runs = _runs({order.setdefault(name, len(order) + 1): name for name in names})
        if line:
            return f'<span class="figure-sources" data-search-exclude="yes">{words["line"].format(words["join"].join(runs))}</span>'
        return f'<sup class="cite" data-search-exclude="yes">{",".join(runs)}</sup>'

    content = GROUP.sub(numbered, content)
    return content.replace(PLACE, _listed([sources[name] for name in order], lang) if order else "")


def _runs(names: dict[int, str]) -> list[str]:
    """Return the numbers of sources in order, as links; of consecutive ones the first and the last."""
    groups: list[list[int]] = []
    for number in sorted(names):
        if groups and groups[-1][-1] == number - 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    links = {number: f'<a href="#src-{name}">{number}</a>' for number, name in names.items()}
    return [shown for group in groups for shown in (
        [f"{links[group[0]]}–{links[group[-1]]}"] if len(group) >= RUN else [links[number] for number in group])]


def _day(day: str | None) -> str:
    """Return a date that is never broken at its hyphens."""
    return f"<time>{html.escape(day or '')}</time>"


def _listed(cited: list[Source], lang: str) -> str:
    """Return the list of sources; when most of them were read is said once above it."""
    words = WORDS[lang]
    usual, times = Counter(_read(source, words) for source in cited).most_common(1)[0]
    said = usual if times > 1 and 2 * times > len(cited) else ""
    items = "".join(f'<li id="src-{source.id}">{source_html(source, lang, said)}</li>' for source in cited)
    above = words["all" if times == len(cited) else "most"].format(said)
    return (f'<p class="sources-read" data-search-exclude="yes">{above}</p>' if said else "") + f'<ol class="sources">{items}</ol>'


def _read(source: Source, words: dict[str, str]) -> str:
    """Return when and from what a source was read."""
    return words["read"].format(_day(source.accessed)) + (words["comma"] + words["copy"] if source.snapshot else "")


def source_html(source: Source, lang: str, said: str = "") -> str:
    """Return one entry of a list of sources: publisher, linked title, date, and when it was read unless that was `said` above."""
    words = WORDS[lang]
    published = f" ({_day(source.published)})" if lang == "en" else f"（{_day(source.published)}）"
    title = html.escape(source.title[lang])
    if source.url and not wrong_scheme(source.url):
        title = f'<a href="{html.escape(source.url)}">{title}</a>'
    parts = f"{html.escape(source.publisher[lang])}{words['comma']}{title}" + (published if source.published else "")
    read = _read(source, words)
    return parts + (words["comma"] + read if read != said else "") + words["stop"]
