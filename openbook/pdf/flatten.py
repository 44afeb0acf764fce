"""Turn a chapter's web page into HTML for print: nothing to click open, nothing the paper has no use for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

from . import markup
from .collect import REBUILD, Book, Chapter
from .errors import PdfError
from .flatten_code import JOIN, flatten_code
from .flatten_figures import flatten_figures, flatten_formulas, flatten_notes, flatten_tables
from .flatten_links import Links, flatten_links, name_chapters, note_external_links
from .flatten_marks import join_marks
from .flatten_markup import (
    drop, flatten_details, flatten_footnotes, flatten_tabs, flatten_tasks, join_chinese_lines, join_sentences,
    keep_leads, keep_units, mark_foreign, part_marks, set_text, tighten_citations)
from .flatten_quotes import curl_quotes
from .render import Segment
from .words import chapter_label, part_label

#: What a page has for the screen only.
DROPPED = (
    './/a[contains(@class,"headerlink")]|.//*[contains(concat(" ",@class," ")," md-content__button ")]|.//script|'
    './/style[not(ancestor::*[local-name()="svg"])]|.//*[contains(@class,"md-source-file")]|.//form|.//button|.//nav|'
    './/*[contains(concat(" ",@class," ")," only-web ")]|.//link|.//meta|.//a[contains(@class,"footnote-backref")]')
#: Characters of Chinese that fit a line of a chapter's title on the narrower paper.
TITLE = 14
_hyphen, _han, _marks = re.compile(r"(?<=\w)-(?=\w)"), re.compile("(?<=[\u3400-\u9fff])(?=[\u3400-\u9fff])"), re.compile("[，、：？]")
#: Signs for which the fonts have a near twin only.
TWINS = str.maketrans({"✔": "✓", "✘": "✗", "\u2011": "\u2010", "\ufe0f": None})


@dataclass(frozen=True)
class Flat:
    """A chapter ready to be laid out: its segment, its own ids, and the ids its links ask for."""

    chapter: Chapter
    segment: Segment
    ids: frozenset[str]
    wanted: tuple[tuple[str, str], ...]
    headings: tuple[tuple[int, str, str], ...]


def flatten(book: Book, chapter: Chapter, links: Links, paper: str, screen: bool = False) -> Flat:
    """Read a chapter's page and make its print HTML; raise PdfError for what the page lacks.

    On a screen a link says where it leads by itself; on paper its address is printed.
    """
    article = read_article(chapter)
    for element in article.xpath(DROPPED):
        drop(element)
    for kept in article.xpath('.//span[@class="together"]'):
        kept.drop_tag()  # browsers need it, to keep a formula with its marks
    language = chapter.language
    if language == "zh":
        join_chinese_lines(article)
    else:
        curl_quotes(article)
    headings = _title(book, chapter, article)
    folded = folded_blocks(article)
    flatten_tabs(article)
    flatten_details(article)
    flatten_tasks(article)
    flatten_footnotes(article)
    mark_foreign(article, language)
    keep_units(article)
    tighten_citations(article)
    flatten_formulas(article)
    flatten_figures(article, book.code)
    flatten_code(article, paper)
    flatten_tables(article)
    flatten_notes(article)
    keep_leads(article)
    join_sentences(article)
    files = links.pictures(chapter, article)
    links.lead_to_web(chapter, article)
    if not screen:
        name_chapters(article, chapter, links, language)
        note_external_links(article, book.code)
    part_marks(article)
    if language == "zh":
        join_marks(article)
    wanted = flatten_links(article, chapter, links)
    ids = _prefix_ids(article, chapter)
    article.tag = "section"
    article.attrib.clear()
    article.set("id", chapter.id)
    article.set("class", "chapter" if chapter.number else "chapter plain")
    part, gap = book.part_of(chapter), "　" if book.code == "zh" else "\u2002"
    run = f"{part_label(book.code, part.number)}{gap}{part.title}" if part else book.title
    if part and len(run) + len(chapter.title) * (1 if book.code != "zh" else 2) > 80:
        run = part_label(book.code, part.number)  # or the running head would leave the page
    label = f"{chapter_label(book.code, chapter.number)}{gap}{chapter.title}" if chapter.number else chapter.title
    # The running heads come from the title: an element that spans pages would set them again on each.
    title = article.xpath('.//h1[@class="chapter-title"]')[0]
    title.set("data-part", run)
    title.set("data-chapter", label)
    body = markup.write(article).translate(TWINS)
    segment = Segment(chapter.id, chapter.title, book.tag, body, tuple(files), paper, folded)
    return Flat(chapter, segment, frozenset(ids | {chapter.id}), tuple(wanted), headings)


def folded_blocks(article: HtmlElement) -> tuple[tuple[str, str, str], ...]:
    """List the pieces of text in tab panes and folded blocks: kind, label, text; the preflight looks for them."""
    found = []
    for block in article.xpath('.//div[@class="tabbed-block"]|.//details'):
        if block.tag == "details":
            kind, summary = "a folded block", block.find("summary")
            label = "".join(summary.itertext()).strip() if summary is not None else ""
        else:
            kind = "a tab pane"
            tabs = block.getparent().getparent()
            labels = tabs.xpath('./div[@class="tabbed-labels"]/label')
            at = block.getparent().index(block)
            label = "".join(labels[at].itertext()).strip() if at < len(labels) else ""
        texts = block.xpath('.//text()[normalize-space() and not(ancestor::pre or ancestor::*[@class="katex-mathml" or '
                            'local-name()="svg" or local-name()="tabbed-labels"])]')
        # The lines of a listing are cut, and a comment may change places with its line: its words stay whole.
        words = {piece: None for text in block.xpath(".//pre//text()") for piece in text.split()}
        found += [(kind, label[:60], text) for text in (*(" ".join(text.split()) for text in texts), *words)]
    return tuple(found)


def read_article(chapter: Chapter) -> HtmlElement:
    """Read the content of a chapter's page."""
    try:
        data = chapter.html.read_bytes()
    except OSError as error:
        what = f"the page of {chapter.path} cannot be read: {error.strerror}"
        raise PdfError(what, str(chapter.html), REBUILD) from None
    page = lxml_html.document_fromstring(data, parser=lxml_html.HTMLParser(encoding="utf-8"))
    found = page.xpath('//article[contains(concat(" ",@class," ")," md-content__inner ")]')
    if not found:
        raise PdfError(f"the page of {chapter.path} has no <article class=md-content__inner>", str(chapter.html),
                       "keep that element in the theme's templates; the PDF prints what it holds")
    for comment in found[0].xpath(".//comment()"):
        drop(comment)
    return found[0]


def _title(book: Book, chapter: Chapter, article: HtmlElement) -> tuple[tuple[int, str, str], ...]:
    """Set the chapter's number and web address over its title, and list the headings below."""
    first = article.find(".//h1")
    if first is None:
        first = etree.Element("h1")
        first.text = chapter.title
        article.insert(0, first)
    if chapter.number:
        number = etree.Element("span")
        number.set("class", "num")
        number.text = chapter_label(book.code, chapter.number)
        number.tail, first.text = first.text, None
        first.insert(0, number)
    else:
        # The home page is headed by the book's own title on the web; in print it needs one that says what it is.
        for child in list(first):
            first.remove(child)
        first.text = chapter.title
    first.attrib.pop("id", None)
    first.set("class", "chapter-title")
    for text in first.xpath(".//text()"):
        set_text(text, whole_words(text))
    if book.site_url and chapter.number:
        address = etree.Element("p")
        address.set("class", "web-address")
        link = etree.SubElement(address, "a")
        link.set("href", book.site_url.rstrip("/") + "/" + chapter.url)
        link.set("class", "plain-address")
        link.text = re.sub(r"^https?://", "", link.get("href")).rstrip("/")
        address.tail, first.tail = first.tail, None
        first.addnext(address)
    for heading in article.iter("h2", "h3"):
        if not heading.get("id"):
            raise PdfError(f"a heading has no id, so no bookmark leads to it: {' '.join(''.join(heading.itertext()).split())}",
                           chapter.source, "write it as Markdown (`## Heading {#id}`), not as HTML without an id")
    titles = {heading.id: heading.title for heading in chapter.headings}
    return tuple((int(h.tag[1]), f"{chapter.id}--{h.get('id')}",
                  titles.get(h.get("id")) or " ".join("".join(h.itertext()).split()))
                 for h in article.iter("h2", "h3") if h.get("id"))


def whole_words(title: str) -> str:
    """Let no line of a title end inside a word with a hyphen, nor inside what Chinese marks part, where that fits a line."""
    title = _hyphen.sub(f"-{JOIN}", title)
    parts = _marks.split(title)
    return _han.sub(JOIN, title) if max(map(len, parts)) <= TITLE else title


def _prefix_ids(article: HtmlElement, chapter: Chapter) -> set[str]:
    """Make ids unique in the book by the chapter's id; return them."""
    ids = set()
    for element in article.iter():
        if isinstance(element.tag, str) and (own := element.get("id")):
            if any(a.tag == "svg" for a in element.iterancestors()):
                continue
            element.set("id", f"{chapter.id}--{own}")
            ids.add(f"{chapter.id}--{own}")
    return ids


def check_links(flats: list[Flat], others: frozenset[str] = frozenset()) -> None:
    """Raise PdfError for links to ids that no chapter has; `others` are ids known to be elsewhere."""
    known = frozenset().union(others, *(flat.ids for flat in flats))
    broken = [(flat.chapter, href) for flat in flats for target, href in flat.wanted if target not in known]
    if broken:
        chapter, href = broken[0]
        more = "".join(f"\n         {c.source}: {h}" for c, h in broken[1:10])
        raise PdfError(f"a link leads to {href}, which does not exist", chapter.source + more,
                       "give the heading that id, or mend the link")
