"""Say in a page's head what search engines, feed readers and links shared elsewhere ask: addresses, dates, licence, picture."""

from __future__ import annotations

import json
from dataclasses import dataclass

from openbook import LANGUAGES
from openbook.book import chapter_id
from openbook.site.dates import Change
from openbook.site.manifest import LICENSE, PDF, ROOTS, TAGS

FEED = "feed.xml"
LOCALES = {"en": "en_US", "zh": "zh_CN"}
FEED_TITLES = {"en": "Changes", "zh": "更新"}


@dataclass(frozen=True)
class Shown:
    """A page of one language as its head describes it.

    `path` is its English file under docs/, `url` its address in the site, `number` that of its chapter, if it is one.
    """

    path: str
    number: int | None
    lang: str
    text_lang: str
    url: str
    title: str
    description: str
    changes: tuple[Change, ...] = ()

    @property
    def home(self) -> bool:
        return self.path == "index.md"

    @property
    def plain(self) -> str:
        """Return the address under the language's root, the same in all languages; "" for the home page."""
        return plain_url(self.url, self.lang)

    @property
    def image(self) -> str:
        """Return where the site keeps the picture of the page for those it is shared with."""
        return f"assets/share/{chapter_id(self.path)}.{self.lang}.png"


def plain_url(url: str, lang: str) -> str:
    """Return a page's address relative to its language's root, "" for the home page."""
    return url.removeprefix("./").removeprefix(ROOTS[lang])


def head_of(shown: Shown, texts: dict, site_url: str, single: bool, copied: bool) -> dict:
    """Return what partials/found.html writes: without `site_url` no address.

    A preview of one language (`single`) has no other forms; `copied` says that the page has a copy in Markdown.
    """
    book, address = texts[shown.lang], _at(site_url)
    found: dict = {"title": book["title"] if shown.home else shown.title, "book": book["title"], "locale": LOCALES[shown.lang],
                   "type": "book" if shown.home else "article", "alternates": [],
                   "markdown": "index.md" if copied and not single else None, "feed": None,
                   "structured": json.dumps(structured(shown, texts, site_url), ensure_ascii=False).replace("<", "\\u003c")}
    if site_url and not single:
        found["alternates"] = [(TAGS[lang], address(ROOTS[lang] + shown.plain)) for lang in LANGUAGES] + [("x-default", address(shown.plain))]
        found |= {"url": address(ROOTS[shown.lang] + shown.plain), "image": address(shown.image),
                  "feed": ROOTS[shown.lang] + FEED, "feed_title": FEED_TITLES[shown.lang]}
        if shown.changes:
            found["modified"] = shown.changes[0].day
    return found


def structured(shown: Shown, texts: dict, site_url: str) -> dict:
    """Return a page's description in the words of schema.org: the book, a chapter, or a page around them."""
    book, address = texts[shown.lang], _at(site_url)
    author = {"@type": "Organization", "name": book["author"]}
    found = {"@context": "https://schema.org", "@type": "Book" if shown.home else "TechArticle" if shown.number else "WebPage",
             "name" if shown.home else "headline": book["title"] if shown.home else shown.title,
             "description": shown.description, "inLanguage": TAGS[shown.text_lang], "license": LICENSE["url"],
             "isAccessibleForFree": True, "author": author}
    if shown.changes:
        found |= {"datePublished": shown.changes[-1].day, "dateModified": shown.changes[0].day}
    if shown.home:
        found |= {"alternativeHeadline": book["subtitle"], "keywords": ", ".join(book["keywords"])}
    else:
        found["isPartOf"] = {"@type": "Book", "name": book["title"]}
    if shown.number:
        found["position"] = shown.number
    if site_url:
        found |= {"url": address(ROOTS[shown.lang] + shown.plain), "image": address(shown.image)}
        if shown.home:
            found["workExample"] = {"@type": "Book", "bookFormat": "https://schema.org/EBook", "encodingFormat": "application/pdf",
                                    "inLanguage": TAGS[shown.lang], "url": address(PDF.format(shown.lang))}
        else:
            found["isPartOf"]["url"] = address(ROOTS[shown.lang])
        if shown.text_lang != LANGUAGES[0]:
            found["translationOfWork"] = {"@type": found["@type"], "inLanguage": TAGS[LANGUAGES[0]], "url": address(shown.plain)}
    return found


def _at(site_url: str):
    """Return a function that makes an address of the site absolute."""
    base = site_url.rstrip("/") + "/" if site_url else ""
    return lambda url: base + url
