"""Finish pages: what Markdown could not do, and what the theme gets wrong for a bilingual, self-contained site."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

from openbook.book import page_url
from openbook.facts.citations import number_citations
from openbook.facts.inside import PLACE, is_page
from openbook.facts.model import Source
from openbook.figures.svg import resolve
from openbook.safety.addresses import leads_out

FIGURE_PLACE = re.compile(r'<div class="figure-here" data-figure="([^"]+)" data-id="([^"]+)">\s*</div>')
# Authors leave a space before a citation, as in plain text; a superscript stands right behind its word.
SPACE_BEFORE_CITATION = re.compile(r'[ \u00a0]+(<span class="cites">)')
CHECKBOX = re.compile(r'<input type="checkbox" disabled( checked)?')
PREFORMATTED = re.compile(r"(<(?:pre|textarea)\b.*?</(?:pre|textarea)>)", re.DOTALL)
BLANK = re.compile(r"\n\s+")
SEARCH_DIALOG = 'data-md-component="search" role="dialog"'
HEADING_LINK = 'title="Permanent link"'
#: What HTML does not allow on a checkbox; the theme's scripts set it where browsers need it.
CHECKBOXES = [f'type="checkbox" id="{name}"' for name in ("__drawer", "__search")]
WORDS = {"en": {"search": "Search", "done": "done", "open": "not done", "link": "Link to this section"},
         "zh": {"search": "搜索", "done": "已完成", "open": "未完成", "link": "本节链接"}}


def finish_content(content: str, docs: Path, sources: dict[str, Source], lang: str) -> str:
    """Return a page's content with figures inline and citations numbered."""
    content = SPACE_BEFORE_CITATION.sub(r"\1", content)

    def drawn(found: re.Match) -> str:
        path = html.unescape(found[1])
        # On a phone the drawing keeps letters that can be read, and scrolls in its box.
        return "" if leads_out(path) else f'<div class="figure-wide">{resolve((docs / path).read_bytes(), lang, f"{found[2]}-svg")}</div>'

    content = FIGURE_PLACE.sub(drawn, content)
    return number_citations(content, sources, lang)


def lead_inside(content: str, root: str, relative: Callable[[str], str]) -> str:
    """Return content whose links of the facts into the book lead there: to a page of the same language, or to a file.

    `root` is the language's prefix in addresses; `relative` makes an address relative to the page.
    """
    def led(found: re.Match) -> str:
        path, _, anchor = found[1].partition("#")
        url = root + page_url(path) if is_page(path) else path
        return f'href="{relative(url) + ("#" + anchor if anchor else "")}"'

    return re.sub(rf'href="{PLACE}([^"]+)"', led, content)


def finish_page(output: str, lang: str, search_base: str | None) -> str:
    """Return a finished page: accessible names, a search that reads this language's index.

    `search_base` is the relative address of the language's root, None for the language at the site's root.
    """
    words = WORDS[lang]
    output = output.replace(SEARCH_DIALOG, f'{SEARCH_DIALOG} aria-label="{words["search"]}"')
    output = CHECKBOX.sub(lambda box: f'{box[0]} aria-label="{words["done" if box[1] else "open"]}"', output)
    output = output.replace(HEADING_LINK, f'title="{words["link"]}"')
    for box in CHECKBOXES:
        output = output.replace(f'{box} autocomplete="off"', box)
    if search_base is not None:
        output = re.sub(r'("base": ?")[^"]*', lambda found: found[1] + search_base.rstrip("/"), output, count=1)
    return without_blank_lines(output)


def without_blank_lines(output: str) -> str:
    """Return a page without the blank lines and indentation that templates leave, but for those of code."""
    parts = PREFORMATTED.split(output)
    parts[::2] = [BLANK.sub("\n", part) for part in parts[::2]]
    return "".join(parts)
