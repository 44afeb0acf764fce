"""Make the pages around the chapters: cover, imprint, contents, and a page before each part."""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from dataclasses import dataclass

from .collect import Book, Part
from .flatten import Flat
from .flatten_links import SCHEME
from .front_notes import FILES, attached, translation_state
from .render import Segment
from .style import read_sheet
from .words import part_label, word

FRONT = "front-matter"
#: A title that more chapters have says nothing in the contents: "Pitfalls" leads a reader nowhere in particular.
SHARED = 10
#: What rows of the contents take of a page, in rows of sections, and how many of these a page holds: for a guess.
HEIGHTS = {"section": 1, "chapter": 1.5, "part": 2.5}
TITLE_HEIGHT = 5.4
PAGE_HEIGHT = {"a4": 44.4, "b5": 37.4}
CHINESE = 0.94    # of the rows that a page holds in English


@dataclass(frozen=True)
class Row:
    """One row of the contents: kind is part, chapter or section; `target` is a name of the book, empty where there is none."""

    kind: str
    label: str
    title: str
    target: str


def contents_rows(book: Book, flats: list[Flat]) -> list[Row]:
    """List the contents in two levels below the parts, without the sections that every chapter has."""
    rows: list[Row] = []
    part: Part | None = None
    shared = Counter(title for flat in flats for title in {title for level, _, title in flat.headings if level == 2})
    appendices = False
    for flat in flats:
        chapter = flat.chapter
        of = book.part_of(chapter)
        if of is not None and of != part:
            part = of
            rows.append(Row("part", part_label(book.code, of.number), of.title, of.id))
        elif of is None and part is not None and not appendices:
            appendices = True
            rows.append(Row("part", "", word(book.code, "appendices"), ""))
        label = "" if chapter.number is None else str(chapter.number)
        rows.append(Row("chapter", label, chapter.title, chapter.id))
        rows += [Row("section", "", title, name) for level, name, title in flat.headings
                 if level == 2 and not name.endswith("--sources") and shared[title] <= SHARED]
    return rows


def guess_pages(book: Book, rows: list[Row], paper: str) -> int:
    """Guess how many pages cover, imprint and contents take: if that is right, the contents are laid out once only."""
    height = TITLE_HEIGHT + sum(HEIGHTS[row.kind] for row in rows)
    return 2 + math.ceil(height / PAGE_HEIGHT[paper] / (CHINESE if book.code == "zh" else 1))


def front_segment(book: Book, rows: list[Row], pages: dict[str, str], paper: str) -> Segment:
    """Write cover, imprint and contents; `pages` gives the page printed for each row's target."""
    body = _cover(book) + _imprint(book) + _contents(book, rows, pages)
    return Segment(FRONT, book.title, book.tag, body, (), paper)


def part_segment(book: Book, part: Part, paper: str) -> Segment:
    """Write the page before a part."""
    chapters = [c for c in book.chapters if c.part == part.number]
    items = "".join(f"<li><b>{c.number}</b>{html.escape(c.title)}</li>" for c in chapters)
    body = (f'<section class="part-page" id="{part.id}"><h1 class="part-title">'
            f'<span class="num">{part_label(book.code, part.number)}</span>{html.escape(part.title)}</h1>'
            f'<ul class="part-list">{items}</ul></section>')
    return Segment(part.id, part.title, book.tag, body, (), paper)


def _cover(book: Book) -> str:
    """Write the cover: the drawing of overrides/pdf/cover.svg under the book's title."""
    drawing = re.sub(r"<\?xml[^>]*\?>|<!--.*?-->", "", read_sheet("cover.svg"), flags=re.DOTALL)
    return (f'<section class="cover" id="cover">{drawing}<div class="cover-veil"></div><p class="cover-title">{cover_title(book.title)}</p>'
            f'<p class="cover-subtitle">{html.escape(book.subtitle)}</p>'
            f'<p class="cover-foot"><b>{html.escape(book.author)}</b><br/>{html.escape(book.date)}</p></section>')


def cover_title(title: str) -> str:
    """Break a Chinese title after its book-name brackets and before 开放, where a reader would."""
    return re.sub(r"》(?=.)", "》<br/>", html.escape(title))


def _imprint(book: Book) -> str:
    """Write the page behind the cover: what this is, whence, and what one may do with it."""
    code = book.code
    edition = [word(code, "version").format(book.version), book.date]
    if book.commit:
        edition.append(word(code, "commit").format(book.commit))
    items = [(word(code, "edition"), html.escape(" · ".join(edition)))]
    if book.author:
        items.append((word(code, "author"), html.escape(book.author)))
    licence = _link(book.license_url, book.license_name)
    items.append((word(code, "license"), f'{licence}<br/>{word(code, "license_note")}'))
    items.append((word(code, "translation"), translation_state(book)))
    if files := attached(book):
        where = f'<a href="{SCHEME}{FILES}">{word(code, "files")}</a>'
        items.append((word(code, "files"), word(code, "attached").format(len(files), where)))
    if book.site_url:
        items.append((word(code, "website"), _link(book.site_url.rstrip("/") + "/" + book.root)))
    if book.repo_url:
        items.append((word(code, "source"), _link(book.repo_url)))
    listing = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in items)
    return (f'<section class="imprint" id="imprint"><p class="imprint-title">{html.escape(book.title)}</p>'
            f'<p class="imprint-subtitle">{html.escape(book.subtitle)}</p><dl>{listing}</dl></section>')


def _link(url: str, text: str = "") -> str:
    """Write a link that shows its address, or a text with the address behind it."""
    shown = re.sub(r"^https?://(www\.)?", "", url).rstrip("/")
    if text:
        return f'<a href="{html.escape(url)}">{html.escape(text)}</a> ({html.escape(shown)})'
    return f'<a href="{html.escape(url)}">{html.escape(shown)}</a>'


def _contents(book: Book, rows: list[Row], pages: dict[str, str]) -> str:
    """Write the contents, with page numbers known from laying the chapters out."""
    out = [f'<section class="contents" id="contents" data-tag="TOC"><h1 class="contents-title">{word(book.code, "contents")}</h1>']
    for row in rows:
        label = row.label
        if row.kind == "part":
            title = "　".join(filter(None, (label, html.escape(row.title))))
            out.append(f'<p class="toc-part">{f"""<a href="{SCHEME}{row.target}">{title}</a>""" if row.target else title}</p>')
            continue
        number = f'<span class="label">{label}</span>' if label else ""
        out.append(f'<div class="toc-{row.kind} row" data-tag="TOCI"><span class="page">{pages.get(row.target, "0")}</span>'
                   f'<a href="{SCHEME}{html.escape(row.target)}">{number}{html.escape(row.title)}</a></div>')
    return "".join(out) + "</section>"
