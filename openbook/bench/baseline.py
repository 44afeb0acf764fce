"""The baselines: one pass of WeasyPrint over a whole book, over the chapters' own HTML or over the site's."""

from __future__ import annotations

import html
from collections.abc import Iterator

from lxml import etree

from openbook.pdf.collect import Book, collect
from openbook.pdf.edition import cache_folder
from openbook.pdf.flatten import DROPPED, Flat, flatten, read_article
from openbook.pdf.flatten_links import Links
from openbook.pdf.flatten_markup import drop
from openbook.pdf.fonts import find_faces
from openbook.pdf.front import contents_rows, front_segment, part_segment
from openbook.pdf.order import Order
from openbook.pdf.render import Segment
from openbook.pdf.style import style_sheet

#: What one document needs beyond the print style, to break and count as chapters laid out apart do.
APART = "section.chapter,section.plain,section.part-page{break-before:right;counter-reset:footnote}"
#: The site's own HTML as far as a print style would have to mend it.
AS_BUILT = (".katex-mathml,.linenos,.headerlink,.md-content__button,.only-web,form,button,nav,input{display:none}"
            "details>*{display:block}")


def segments(order: Order) -> list[Segment]:
    """List a book's pieces in order: front matter, part pages, chapters, as they are laid out apart."""
    book = collect(order.site, order.code)
    links = Links(book)
    flats = [flatten(book, chapter, links, order.paper) for chapter in book.chapters]
    rows = contents_rows(book, flats)
    return [front_segment(book, rows, {row.target: "88" for row in rows}, order.paper), *_in_order(book, flats, order)]


def _in_order(book: Book, flats: list[Flat], order: Order) -> Iterator[Segment]:
    """Walk chapters with a page before each part."""
    part = None
    for flat in flats:
        of = book.part_of(flat.chapter)
        if of is not None and of != part:
            part = of
            yield part_segment(book, of, order.paper)
        yield flat.segment


def same_html(order: Order) -> str:
    """Write one document of exactly the HTML that the chapters are laid out from."""
    found = segments(order)
    return document(found[0].lang, order.paper, "".join(segment.body for segment in found))


def as_built(order: Order) -> str:
    """Write one document of the pages as the site has them, with our own front matter and no line anchors."""
    book = collect(order.site, order.code)
    front = segments(order)[0]
    bodies = [front.body]
    for chapter in book.chapters:
        article = read_article(chapter)
        for element in article.xpath(f'{DROPPED}|.//a[starts-with(@id,"__codelineno")]'):
            drop(element)
        Links(book).pictures(chapter, article)
        for element in article.xpath(".//*[@id]"):
            element.set("id", f"{chapter.id}--{element.get('id')}")
        for link in article.xpath('.//a[starts-with(@href,"#")]'):
            link.set("href", f"#{chapter.id}--{link.get('href')[1:]}")
        article.tag = "section"
        article.set("class", "chapter")
        article.set("id", chapter.id)
        bodies.append(etree.tostring(article, encoding="unicode", method="html"))
    return document(book.tag, order.paper, "".join(bodies))


def document(lang: str, paper: str, body: str) -> str:
    """Write a whole HTML document."""
    return f'<html lang="{lang}" class="{paper}"><head><title>{html.escape("Book")}</title></head><body>{body}</body></html>'


def sheet(order: Order, more: str = APART) -> str:
    """Write the style of a baseline."""
    return style_sheet(find_faces(cache_folder()), order.paper, order.code) + more
