"""Write beside the pages what networks and programs meet: copies in Markdown, maps, feeds, pictures, old addresses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openbook import LANGUAGES
from openbook.addresses.moved import Move
from openbook.book import page_url
from openbook.pdf.words import chapter_label
from openbook.site.copies import Copier
from openbook.site.feed import feed, sitemap
from openbook.site.head import FEED, Shown
from openbook.site.llms import NAME, llms_text
from openbook.site.manifest import ROOTS
from openbook.site.markdown import Rendering
from openbook.site.redirects import write_redirects
from openbook.site.share import Artist, Card


@dataclass(frozen=True)
class Published:
    """A site whose pages are written: `shown` are all of them, `pages` those of chapters, `day` is the edition's."""

    site: Path
    rendering: Rendering
    shown: tuple[Shown, ...]
    pages: dict[tuple[str, str], dict]
    texts: dict
    site_url: str
    day: str

    def address(self, url: str) -> str:
        return self.site_url.rstrip("/") + "/" + url if self.site_url else ""


def publish(built: Published, moves: tuple[Move, ...], notes: dict[str, dict[str, str]], root: Path) -> None:
    """Write everything; feeds, the map and pictures only for a site that has an address, since they are nothing without one."""
    book = built.rendering.library.book
    write_redirects(built.site, moves, {key: page["title"] for key, page in built.pages.items()})
    for (path, lang), page in built.pages.items():
        if page["language"] == lang:
            copy = Copier(built.rendering, book.by_path[path], lang, notes[lang]).text(built.texts[lang]["title"], built.address(page["url"].removeprefix("./")))
            _write(built.site / ROOTS[lang] / page_url(path) / "index.md", copy)
    for lang in LANGUAGES:
        _write(built.site / ROOTS[lang] / NAME, llms_text(book, built.pages, lang, built.texts, built.site_url))
    if built.site_url:
        _write(built.site / "sitemap.xml", sitemap(built.shown, built.site_url))
        for lang in LANGUAGES:
            _write(built.site / ROOTS[lang] / FEED, feed(built.shown, lang, built.texts, built.site_url, built.day))
        Artist(root / "overrides", root / ".cache" / "share").write({page.image: _card(page, built) for page in built.shown}, built.site)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _card(page: Shown, built: Published) -> Card:
    """Return what a page's picture says: the book's own has the book's subtitle at its foot."""
    text, label = built.texts[page.lang], ""
    if page.home:
        return Card(page.lang, "", text["title"], text["subtitle"])
    if page.number:
        chapter = built.rendering.library.book.by_path[page.path]
        part = next(part for part in built.rendering.library.book.parts if part.number == chapter.part)
        label = f"{chapter_label(page.lang, page.number)} · {part.title[page.lang]}"
    return Card(page.lang, label, page.title, text["title"])
