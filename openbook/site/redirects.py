"""Keep old addresses alive: a page where a page was, and on pages that stayed the ids that they had."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

from mkdocs.utils import get_relative_url

from openbook.addresses.moved import Move, Place, target
from openbook.book import page_url
from openbook.site.manifest import ROOTS, TAGS

WORDS = {"en": {"title": "Moved: {}", "text": "This page is now {}."}, "zh": {"title": "已移动：{}", "text": "本页已移至{}。"}}

PAGE = """<!doctype html>
<html lang="{tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<noscript><meta http-equiv="refresh" content="0; url={to}"></noscript>
<script src="{script}" data-to="{to}" data-ids="{ids}"></script>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
</main>
</body>
</html>
"""


def keep_ids(content: str, moves: tuple[Move, ...], path: str) -> str:
    """Return a page's content with the ids that headings, tables and figures on it had before."""
    for move in moves:
        if move.old.path == move.new.path == path and move.old.id and move.new.id:
            element = re.compile(rf'<\w+(?=[^>]*\sid="{re.escape(move.new.id)}")')
            content = element.sub(lambda found: f'<span id="{html.escape(move.old.id)}"></span>{found[0]}', content, count=1)
    return content


def ids_elsewhere(moves: tuple[Move, ...], path: str, relative: Callable[[str], str]) -> dict[str, str]:
    """Return the ids of a page that are on other pages now, each with its address; `relative` makes one relative to the page."""
    return {move.old.id: f"{relative(page_url(move.new.path))}#{move.new.id}" for move in moves
            if move.old.path == path != move.new.path and move.old.id}


def redirects(moves: tuple[Move, ...], titles: dict[tuple[str, str], str]) -> dict[str, str]:
    """Return, by its file in the site, a page for each page that moved, in each language that has the new one."""
    pages = {}
    for move in moves:
        if not move.old.id:
            for (path, lang), title in titles.items():
                if path == target(moves, move.old).path:
                    pages[f"{ROOTS[lang]}{page_url(move.old.path)}index.html"] = _page(moves, move.old, path, lang, title)
    return pages


def _page(moves: tuple[Move, ...], old: Place, path: str, lang: str, title: str) -> str:
    here, words = ROOTS[lang] + page_url(old.path), WORDS[lang]
    to = get_relative_url(ROOTS[lang] + page_url(path), here)
    ids = ids_elsewhere(moves, old.path, lambda url: get_relative_url(ROOTS[lang] + url, here))
    link = f'<a href="{html.escape(to)}">{html.escape(title)}</a>'
    return PAGE.format(tag=TAGS[lang], title=html.escape(words["title"].format(title)), to=html.escape(to), text=words["text"].format(link),
                       script=get_relative_url("assets/js/moved.js", here), ids=html.escape(json.dumps(ids)))


def write_redirects(site: Path, moves: tuple[Move, ...], titles: dict[tuple[str, str], str]) -> None:
    """Write the pages at the old addresses."""
    for name, page in redirects(moves, titles).items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(page, "utf-8")
