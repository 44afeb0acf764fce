"""Number a page's citations in reading order and list their sources at its end."""

from __future__ import annotations

import html
import re

from openbook.facts.model import Source

MARK = re.compile(r'<sup class="cite" data-cite="([^"]+)"></sup>')
PLACE = '<div class="sources-here"></div>'
WORDS = {
    "en": {"sources": "Sources", "read": "read {}", "copy": "from a stored copy", "stop": ".", "comma": ", "},
    "zh": {"sources": "参考来源", "read": "{} 查阅", "copy": "据存档副本", "stop": "。", "comma": "，"},
}


def number_citations(content: str, sources: dict[str, Source], lang: str) -> str:
    """Return `content` with numbered citations and, at PLACE, the list of what they cite.

    Neighbouring marks become one superscript. Unknown ids raise KeyError; checks name them first.
    """
    order: list[str] = []

    def numbered(found: re.Match) -> str:
        links = []
        for name in dict.fromkeys(MARK.findall(found[0])):
            if name not in order:
                order.append(name)
            links.append(f'<a href="#src-{name}">{order.index(name) + 1}</a>')
        return f'<sup class="cite" data-search-exclude="yes">{",".join(links)}</sup>'

    content = re.sub(rf"(?:{MARK.pattern})+", numbered, content)
    items = "".join(f'<li id="src-{name}">{source_html(sources[name], lang)}</li>' for name in order)
    return content.replace(PLACE, f'<ol class="sources">{items}</ol>' if items else "")


def source_html(source: Source, lang: str) -> str:
    """Return one entry of a list of sources: publisher, linked title, date, the day it was read."""
    words = WORDS[lang]
    published = f" ({source.published})" if lang == "en" else f"（{source.published}）"
    title = html.escape(source.title)
    if source.url:
        title = f'<a href="{html.escape(source.url)}">{title}</a>'
    parts = f"{html.escape(source.publisher)}{words['comma']}{title}" + (published if source.published else "")
    read = words["read"].format(source.accessed)
    if source.snapshot:
        read += words["comma"] + words["copy"]
    return f"{parts}{words['comma']}{read}{words['stop']}"
