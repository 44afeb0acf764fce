"""Turn a chapter's web page into HTML for print: nothing to click open, nothing the paper has no use for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

from .collect import REBUILD, Book, Chapter
from .errors import PdfError
from .flatten_code import flatten_code
from .flatten_figures import flatten_figures, flatten_formulas, flatten_tables
from .flatten_links import Links, flatten_links, note_external_links
from .render import Segment
from .words import chapter_label, part_label

_wide = "\u2014-\u2026\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef"
_newline = re.compile(f"(?<=[{_wide}])[ \t]*\n\\s*(?=[{_wide}])")
_unit = re.compile(r"(?<![\w/.])([KMGTPE]?i?[Bb]/s|[KMGTPE]?FLOPS?/(?:s|B|byte))(?![\w/])")
#: What a page has for the screen only.
DROPPED = (
    './/a[contains(@class,"headerlink")]|.//*[contains(concat(" ",@class," ")," md-content__button ")]|.//script|'
    './/style[not(ancestor::*[local-name()="svg"])]|.//*[contains(@class,"md-source-file")]|.//form|.//button|.//nav|'
    './/*[contains(concat(" ",@class," ")," only-web ")]|.//link|.//meta|.//a[contains(@class,"footnote-backref")]')
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


def flatten(book: Book, chapter: Chapter, links: Links, paper: str) -> Flat:
    """Read a chapter's page and make its print HTML; raise PdfError for what the page lacks."""
    article = _article(chapter)
    for element in article.xpath(DROPPED):
        drop(element)
    language = chapter.language
    if language == "zh":
        join_chinese_lines(article)
    headings = _title(book, chapter, article)
    flatten_tabs(article)
    flatten_details(article)
    flatten_tasks(article)
    flatten_footnotes(article)
    keep_units(article)
    tighten_citations(article)
    flatten_formulas(article)
    flatten_figures(article, book.code)
    flatten_code(article, paper)
    flatten_tables(article)
    keep_leads(article)
    files = links.pictures(chapter, article)
    note_external_links(article, book.code)
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
    body = etree.tostring(article, encoding="unicode", method="html").replace("</wbr>", "").translate(TWINS)
    segment = Segment(chapter.id, chapter.title, book.tag, body, tuple(files), paper)
    return Flat(chapter, segment, frozenset(ids | {chapter.id}), tuple(wanted), headings)


def drop(element: HtmlElement) -> None:
    """Remove an element and keep the text that follows it."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    if element.tail:
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def join_chinese_lines(root: HtmlElement) -> None:
    """Remove line ends between Chinese characters, which would print as spaces."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        listing = element.tag == "pre" or any(a.tag == "pre" for a in element.iterancestors())
        if element.text and not listing:
            element.text = _newline.sub("", element.text)
        if element.tail and (not listing or element.tag == "pre"):
            element.tail = _newline.sub("", element.tail)


def flatten_tabs(root: HtmlElement) -> None:
    """Set the panes of tabs one after another, each under its label."""
    for tabs in root.xpath('.//div[contains(concat(" ",@class," ")," tabbed-set ")]'):
        labels = ["".join(label.itertext()).strip() for label in tabs.xpath('./div[@class="tabbed-labels"]/label')]
        for element in tabs.xpath('./input|./div[@class="tabbed-labels"]'):
            drop(element)
        for label, block in zip(labels, tabs.xpath('.//div[@class="tabbed-block"]'), strict=False):
            if block.getparent().getparent() is not tabs:
                continue
            head = etree.Element("p")
            head.set("class", "tab-head")
            head.text = label
            head.tail, block.text = block.text, None
            block.insert(0, head)
        tabs.set("class", "tabs")
        tabs.attrib.pop("data-tabs", None)


def flatten_details(root: HtmlElement) -> None:
    """Set folded blocks open, as boxes with their summary as the title."""
    for details in root.iter("details"):
        details.tag = "div"
        details.attrib.pop("open", None)
        details.set("class", f'admonition {details.get("class") or "note"}')
        for summary in details.findall("summary"):
            summary.tag = "p"
            summary.set("class", "admonition-title")


def flatten_tasks(root: HtmlElement) -> None:
    """Draw the boxes of task lists."""
    for box in root.xpath('.//input[@type="checkbox"]'):
        mark = etree.Element("span")
        done = box.get("checked") is not None
        mark.set("class", "task done" if done else "task")
        mark.text = "✓" if done else "\u00a0"
        label = box.getparent()
        mark.tail, box.tail = box.tail, None
        label.replace(box, mark)
        item = next(mark.iterancestors("li"), None)
        if item is not None:
            item.set("class", "task-item")
    for element in root.xpath('.//label[contains(@class,"task-list-control")]'):
        element.tag = "span"
    for element in root.xpath(".//input"):
        drop(element)


def tighten_citations(root: HtmlElement) -> None:
    """Remove the space before a citation, and keep it on the line of the character it follows."""
    group = '*[contains(concat(" ",@class," ")," cites ")]'
    for cite in root.xpath(f'.//{group}|.//sup[contains(concat(" ",@class," ")," cite ")][not(ancestor::{group})]'):
        parent, before = cite.getparent(), cite.getprevious()
        text = ((before.tail if before is not None else parent.text) or "").rstrip(" \n")
        last = text[-1:]
        # Lines may break after a Chinese character or a closing bracket, but not after a letter or digit.
        breaks = bool(last) and (last > "\u2e7f" or not last.isalnum())
        if breaks:
            text = text[:-1]
        if before is not None:
            before.tail = text
        else:
            parent.text = text
        if breaks:
            keep = etree.Element("span")
            keep.set("class", "keep")
            keep.text, keep.tail, cite.tail = last, cite.tail, None
            cite.addprevious(keep)
            keep.append(cite)


def keep_units(root: HtmlElement) -> None:
    """Keep units with a stroke, such as GB/s, on one line."""
    texts = root.xpath('.//text()[contains(.,"/") and not(ancestor::pre or ancestor::code or ancestor::svg or '
                       'ancestor::*[contains(@class,"katex")])]')
    for text in texts:
        pieces = _unit.split(text)
        if len(pieces) == 1:
            continue
        host = text.getparent()
        spans = []
        for unit, tail in zip(pieces[1::2], pieces[2::2], strict=True):
            span = etree.Element("span")
            span.set("class", "keep")
            span.text, span.tail = unit, tail
            spans.append(span)
        if text.is_text:
            host.text, parent, at = pieces[0], host, 0
        else:
            host.tail, parent = pieces[0], host.getparent()
            at = parent.index(host) + 1
        parent[at:at] = spans


def keep_leads(root: HtmlElement) -> None:
    """Keep a paragraph that ends in a colon on the page of the block it announces."""
    for paragraph in root.iter("p"):
        following = paragraph.getnext()
        if following is not None and following.tag in ("div", "ul", "ol", "figure", "table") \
                and "".join(paragraph.itertext()).rstrip(" 0123456789").endswith((":", "：")):
            paragraph.set("class", f'{paragraph.get("class") or ""} lead'.strip())


def flatten_footnotes(root: HtmlElement) -> None:
    """Move the text of footnotes to where they are called from; the page sets them at its foot."""
    notes = {item.get("id"): item for item in root.xpath('.//div[@class="footnote"]//li')}
    for call in root.xpath('.//sup[a[contains(@class,"footnote-ref")]]'):
        target = (call.xpath('./a[contains(@class,"footnote-ref")]/@href') or ["#"])[0].partition("#")[2]
        note = notes.get(target)
        if note is None:
            continue
        span = etree.Element("span")
        span.set("class", "fn")
        for i, paragraph in enumerate(note.findall("p") or [note]):
            text = ("" if i == 0 else " ") + (paragraph.text or "")
            if len(span):
                span[-1].tail = (span[-1].tail or "") + text
            else:
                span.text = (span.text or "") + text
            for child in list(paragraph):
                span.append(child)
        span.tail, call.tail = call.tail, None
        call.getparent().replace(call, span)
    for div in root.xpath('.//div[@class="footnote"]'):
        drop(div)


def _article(chapter: Chapter) -> HtmlElement:
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
    if book.site_url and chapter.number:
        address = etree.Element("p")
        address.set("class", "web-address")
        link = etree.SubElement(address, "a")
        link.set("href", book.site_url.rstrip("/") + "/" + chapter.url)
        link.set("class", "plain-address")
        link.text = re.sub(r"^https?://", "", link.get("href")).rstrip("/")
        address.tail, first.tail = first.tail, None
        first.addnext(address)
    titles = {heading.id: heading.title for heading in chapter.headings}
    return tuple((int(h.tag[1]), f"{chapter.id}--{h.get('id')}",
                  titles.get(h.get("id")) or " ".join("".join(h.itertext()).split()))
                 for h in article.iter("h2", "h3") if h.get("id"))


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
