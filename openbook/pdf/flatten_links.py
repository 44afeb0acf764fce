"""Resolve links and pictures: inside the book by id, to the site by address, out of it by a footnote."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from lxml import etree
from lxml.html import HtmlElement

from .collect import REBUILD, Book, Chapter
from .errors import PdfError
from .flatten_code import BREAK, JOIN
from .flatten_figures import arrange_notes
from .words import word

#: Scheme of links to another chapter until binding turns them into destinations by name.
SCHEME = "x-book:"
#: Where no number of a chapter is put behind a link, and the words that have one.
_apart = frozenset(("table", "figcaption", "h1", "h2", "h3", "h4", "svg", "pre", "code"))
_numbered = re.compile(r"\d\.\d|Chapter \d|第 \d+ 章")
_outside = re.compile(r"(?:https?:|mailto:)", re.IGNORECASE)


@dataclass
class Links:
    """What a link may lead to: chapters and parts by address, and files of the site."""

    book: Book
    inside: dict[str, Chapter] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inside = {_address(chapter.url): chapter for chapter in self.book.chapters}
        self.parts = {_address(part.url): part.id for part in self.book.parts if part.url}
        self.numbers = {chapter.id: chapter.number for chapter in self.book.chapters if chapter.number}

    def resolve(self, chapter: Chapter, href: str) -> tuple[str, str]:
        """Find what a relative link of a chapter leads to: ('book', id), ('web', address) or ('', '')."""
        parts = urlsplit(href)
        if not parts.path:
            return "book", _id(chapter, parts.fragment)
        target = _address(posixpath.normpath(posixpath.join(chapter.url or ".", unquote(parts.path))))
        if target in self.inside:
            return "book", _id(self.inside[target], parts.fragment)
        if target in self.parts:
            return "book", self.parts[target]
        if self.book.site_url and not target.startswith(".."):
            slash = "/" if parts.path.endswith("/") and target else ""
            fragment = f"#{parts.fragment}" if parts.fragment else ""
            return "web", self.book.site_url.rstrip("/") + "/" + quote(target) + slash + fragment
        return "", ""

    def lead_to_web(self, chapter: Chapter, article: HtmlElement) -> None:
        """Write out links to pages that are not printed, so that paper shows their addresses."""
        for link in article.iter("a"):
            path = urlsplit(link.get("href") or "").path
            if path and not posixpath.splitext(path)[1] and not _outside.match(link.get("href")):
                kind, target = self.resolve(chapter, link.get("href"))
                if kind == "web":
                    link.set("href", target)

    def pictures(self, chapter: Chapter, article: HtmlElement) -> list[Path]:
        """Point pictures at the site's files, and list the files; raise PdfError for one that is missing."""
        files = []
        for image in article.iter("img"):
            source = image.get("src") or ""
            if re.match(r"[A-Za-z][\w+.-]*:|//", source):
                raise PdfError(f"a picture comes from another site: {source}", chapter.source,
                               "put the file beside the chapter")
            path = (chapter.html.parent / unquote(urlsplit(source).path)).resolve()
            if not path.is_relative_to(self.book.site.resolve()):
                raise PdfError(f"the picture {source} is not in the site", chapter.source, "put the file beside the chapter")
            if not path.is_file():
                raise PdfError(f"the picture {source} is missing", f"{chapter.source} ({path})", REBUILD)
            image.set("src", path.as_uri())
            for name in ("loading", "srcset", "sizes"):
                image.attrib.pop(name, None)
            if path not in files:
                files.append(path)
        return files


def _address(url: str) -> str:
    """Bring a page's address into one form: no index.html, no slash at its end."""
    url = url.removesuffix("index.html").strip("/")
    return "" if url == "." else url


def _id(chapter: Chapter, fragment: str) -> str:
    """Name a place in the book by its chapter and the id there; a chapter's title is the chapter itself."""
    title = chapter.headings[0] if chapter.headings and chapter.headings[0].level == 1 else None
    return chapter.id if not fragment or title and title.id == unquote(fragment) else f"{chapter.id}--{unquote(fragment)}"


def flatten_links(article: HtmlElement, chapter: Chapter, links: Links) -> list[tuple[str, str]]:
    """Point links at names of the book or addresses of the web; return the names asked for, with the links."""
    wanted = []
    for link in article.iter("a"):
        href = link.get("href")
        for name in ("title", "target", "rel", "class", "download", "data-md", "data-page"):
            if name != "class" or link.get("class") not in ("plain-address",):
                link.attrib.pop(name, None)
        if href is None or _outside.match(href):
            continue
        kind, target = links.resolve(chapter, href)
        if kind == "book":
            own = target == chapter.id or target.startswith(f"{chapter.id}--")
            link.set("href", ("#" if own else SCHEME) + target)
            wanted.append((target, href))
        elif kind == "web":
            link.set("href", target)
        else:
            del link.attrib["href"]
    return wanted


def name_chapters(article: HtmlElement, chapter: Chapter, links: Links, code: str) -> None:
    """Print the number of the chapter that a link leads to, once a paragraph: on paper its words alone lead nowhere."""
    said = set()
    for link in list(article.iter("a")):
        href = link.get("href")
        above = [a.tag for a in link.iterancestors()]
        if not href or _outside.match(href) or not {"p", "li"} & set(above) or not _apart.isdisjoint(above):
            continue
        kind, target = links.resolve(chapter, href)
        number = links.numbers.get(target.partition("--")[0], chapter.number) if kind == "book" else chapter.number
        block = next(a for a in link.iterancestors("p", "li"))
        if number == chapter.number or (block, number) in said or _numbered.search(_text(link)):
            continue
        said.add((block, number))
        mark = etree.Element("span")
        mark.set("class", "to-chapter")
        mark.text = word(code, "to_chapter").format(number)
        _put_behind(link, mark)


def short_address(url: str) -> str:
    """Write an address as it is read on paper."""
    return re.sub(r"^https?://(www\.)?", "", url).rstrip("/")


def note_external_links(article: HtmlElement, code: str) -> None:
    """Print the address of each link that leads out of the book, once a chapter.

    In running text it becomes a footnote; in a table, a line under the table; in the list of sources and in
    footnotes it stands behind the link. Of an address that the list of sources has, the number there is enough.
    """
    seen: set[str] = set()
    listed = _listed(article)
    under: dict[HtmlElement, list[str]] = {}
    for link in list(article.iter("a")):
        href = link.get("href") or ""
        if not href.lower().startswith(("http:", "https:")) or link.get("class") == "plain-address":
            continue
        text = _text(link).strip()
        if short_address(href) == short_address(text):
            _break_address(link)
            continue
        above = {a.tag for a in link.iterancestors()}
        classes = " ".join(a.get("class") or "" for a in link.iterancestors()).split()
        if above & {"h1", "h2", "h3", "h4", "svg"}:
            continue
        if "sources" in classes or "fn" in classes:
            _address_behind(link, href)
        elif href in seen:
            continue
        elif href in listed:
            _cite(link, *listed[href])
        elif above & {"table", "figcaption"}:
            block = next(a for a in link.iterancestors() if a.tag in ("table", "figure"))
            figure = next((a for a in block.iterancestors("figure")), block)
            under.setdefault(figure, []).append(href)
            _mark(link, _notes(figure) + len(under[figure]))
        else:
            _footnote(link, href)
        seen.add(href)
    for block, addresses in under.items():
        _list_addresses(block, addresses, code)


def _text(element: HtmlElement) -> str:
    """Read an element's text without the places to break it."""
    return "".join(element.itertext()).replace(BREAK, "").replace(JOIN, "")


def _listed(article: HtmlElement) -> dict[str, tuple[int, str]]:
    """Find the numbers and ids of the chapter's sources by their addresses."""
    items = article.xpath('.//ol[@class="sources"]/li[@id]')
    return {href: (number, item.get("id")) for number, item in enumerate(items, 1) for href in item.xpath(".//a[1]/@href")}


def _cite(link: HtmlElement, number: int, name: str) -> None:
    """Set the number of a source behind a link to it, unless the source is cited there already."""
    following = link.getnext()
    if following is not None and len((link.tail or "").strip()) < 2 and following.xpath(f'descendant-or-self::a[@href="#{name}"]'):
        return
    mark = etree.Element("sup")
    mark.set("class", "cite")
    etree.SubElement(mark, "a", href=f"#{name}").text = str(number)
    _put_behind(link, mark)


def _put_behind(link: HtmlElement, element: HtmlElement) -> None:
    """Put an element behind a link, before the text that follows."""
    element.tail, link.tail = link.tail, None
    link.addnext(element)


def _footnote(link: HtmlElement, href: str) -> None:
    """Set an address as a footnote behind its link."""
    note = etree.Element("span")
    note.set("class", "fn")
    _write_address(note, href)
    _put_behind(link, note)


def _address_behind(link: HtmlElement, href: str) -> None:
    """Print an address behind its link, unless it stands there already."""
    if short_address(href) in _text(link.getparent()):
        return
    address = etree.Element("span")
    address.set("class", "address")
    address.text = " "
    _write_address(address, href, " ")
    _put_behind(link, address)


def _mark(link: HtmlElement, number: int) -> None:
    """Put the number of an address under a table behind the link it belongs to."""
    mark = etree.Element("sup")
    mark.set("class", "link-mark")
    mark.text = letters(number)
    _put_behind(link, mark)


def letters(number: int) -> str:
    """Count in letters: a, b, … z, aa, ab, …"""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(97 + rest) + text
    return text


def _notes(block: HtmlElement) -> int:
    """Count the notes of a table, whose letters come before those of its links."""
    return int(block.xpath('count(.//span[@class="table-note"])'))


def _list_addresses(block: HtmlElement, addresses: list[str], code: str) -> None:
    """Print the addresses of a table's links under it."""
    listing = etree.Element("p")
    listing.set("class", "link-notes")
    head = etree.SubElement(listing, "span")
    head.set("class", "link-notes-head")
    head.text = word(code, "links")
    for number, href in enumerate(addresses, _notes(block) + 1):
        note = etree.SubElement(listing, "span")
        note.set("class", "link-note")
        mark = etree.SubElement(note, "sup")
        mark.text = letters(number)
        item = etree.SubElement(note, "a")
        item.set("href", href)
        _write_address(item, href)
    arrange_notes(listing, len(addresses))
    if block.tag == "figure":
        block.append(listing)
    else:
        listing.tail, block.tail = block.tail, None
        block.addnext(listing)


def _break_address(link: HtmlElement) -> None:
    """Let an address that is printed as its own link break."""
    if not len(link) and link.text:
        text, link.text = link.text, None
        _write_address(link, text, short=False)


def _write_address(element: HtmlElement, url: str, lead: str = "", short: bool = True) -> None:
    """Write an address into an element, with places to break after its signs."""
    text = short_address(url) if short else url
    pieces = re.split(r"(?<=[/.?=&_#:-])(?=[^/.?=&_#:-])", text)
    element.text = lead + BREAK.join(pieces)
