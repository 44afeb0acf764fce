"""Show the parts of the book: the map on the home page, and a page of its own for each part, made from the navigation."""

from __future__ import annotations

import html
import json
import re

from openbook.book import Book, Chapter, Part
from openbook.facts.inside import PLACE
from openbook.facts.model import Words
from openbook.reading.library import Library

FENCE = re.compile(r"(?m)^```parts[ \t]*\n```[ \t]*$")
#: Ends the part of a chapter's title that names it from the part that describes it.
COLON = re.compile(r": |：")

WORDS = {
    "en": {"planned": "No chapter in this edition yet.", "chapters": "Chapters"},
    "zh": {"planned": "本版还没有章节。", "chapters": "章节"},
}


def with_part_pages(nav: list, book: Book) -> list:
    """Return the navigation for MkDocs: the page of each part at its head, and no part without a chapter."""
    pages = {part.title["en"]: part.page for part in book.parts}
    shown: list = []
    for item in nav:
        if isinstance(item, dict):
            ((title, children),) = item.items()
            if not children:
                continue
            if title in pages:
                item = {title: [pages[title], *children]}
        shown.append(item)
    return shown


def name_of(library: Library, chapter: Chapter, lang: str) -> tuple[str, str]:
    """Return a chapter's title and the language it is in; the English one where there is no translation."""
    for code in (lang, "en"):
        source = library.source(chapter, code)
        if source and source.headings:
            return source.headings[0].text, code
    return chapter.path, "en"


def fill_parts(text: str, library: Library, about: dict[str, Words], lang: str) -> str:
    """Return Markdown with its `parts` fence replaced by the map of all parts."""
    return FENCE.sub(lambda found: part_map(library, about, lang), text)


def part_map(library: Library, about: dict[str, Words], lang: str) -> str:
    """Return the map of the book as HTML: every part in order with what it is about and links to its chapters."""
    parts = sorted([*library.book.parts, *library.book.planned], key=lambda part: part.number)
    return f'<ol class="part-map" data-search-exclude>{"".join(_on_map(library, part, about, lang) for part in parts)}</ol>'


def _on_map(library: Library, part: Part, about: dict[str, Words], lang: str) -> str:
    title = html.escape(part.title[lang])
    if not part.chapters:
        return (f'<li class="part-planned"><p class="part-name">{title}</p>{_about(part, about, lang)}'
                f'<p class="part-none">{WORDS[lang]["planned"]}</p></li>')
    chapters = "".join(f"<li>{_link(library, chapter, lang, short=True)}</li>" for chapter in part.chapters)
    return (f'<li><p class="part-name"><a href="{PLACE}{part.page}">{title}</a></p>{_about(part, about, lang)}'
            f"<ul>{chapters}</ul></li>")


def _about(part: Part, about: dict[str, Words], lang: str) -> str:
    text = about.get(part.title["en"], {}).get(lang, "")
    return f'<p class="part-about">{html.escape(text)}</p>' if text else ""


def _link(library: Library, chapter: Chapter, lang: str, short: bool = False) -> str:
    title, code = name_of(library, chapter, lang)
    shown = html.escape(COLON.split(title)[0] if short else title)
    return f'<a href="{PLACE}{chapter.path}"{_foreign(code, lang)}>{shown}</a>'


def _foreign(code: str, lang: str) -> str:
    return "" if code == lang else f' lang="{code}"'


def part_page(library: Library, part: Part, about: dict[str, Words], lang: str) -> str:
    """Return a part's page as Markdown: what it is about, and each chapter with its one-sentence description."""
    text = about.get(part.title["en"], {}).get(lang, "")
    front = {"title": part.title[lang], "description": text or part.title[lang], "hide": ["toc"], "search": {"exclude": True},
             "part": part.number}
    head = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in front.items())
    items = "".join(_in_list(library, chapter, lang) for chapter in part.chapters)
    anchor = part.page.split("/")[1]
    return (f"---\n{head}---\n# {part.title[lang]} {{: #{anchor} }}\n\n{text}\n\n"
            f'<ol class="part-chapters" aria-label="{WORDS[lang]["chapters"]}">{items}</ol>\n')


def _in_list(library: Library, chapter: Chapter, lang: str) -> str:
    code = name_of(library, chapter, lang)[1]
    source = library.source(chapter, code)
    description = html.escape(str(source.meta.get("description", ""))) if source else ""
    return (f'<li value="{chapter.number}"><span class="part-chapter-number" aria-hidden="true">{chapter.number}</span>{_link(library, chapter, lang)}'
            f"<p{_foreign(code, lang)}>{description}</p></li>")
