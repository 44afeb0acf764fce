"""Say in a page's head what search engines, feed readers and links shared elsewhere ask: addresses, dates, licence, picture."""

from __future__ import annotations

import json
from dataclasses import dataclass

from openbook import LANGUAGES
from openbook.book import Chapter
from openbook.site.dates import Change
from openbook.site.manifest import LICENSE, PDF, ROOTS, TAGS

FEED = "feed.xml"
LOCALES = {"en": "en_US", "zh": "zh_CN"}
FEED_TITLES = {"en": "Changes", "zh": "更新"}


@dataclass(frozen=True)
class Shown:
    """A page of one language as its head describes it; `url` is relative to the site, `home` says that it is the book's first."""

    chapter: Chapter
    lang: str
    text_lang: str
    url: str
    title: str
    description: str
    home: bool
    changes: tuple[Change, ...] = ()


def plain_url(url: str, lang: str) -> str:
    """Return a page's address relative to its language's root, "" for the home page."""
    return url.removeprefix("./").removeprefix(ROOTS[lang])


def share_name(chapter: Chapter, lang: str) -> str:
    """Return where the site keeps the picture of a page that is shared."""
    return f"assets/share/{chapter.id}.{lang}.png"


def markdown_name(url: str) -> str:
    """Return where the site keeps the Markdown copy of the page at `url`."""
    return url.removeprefix("./") + "index.md"


def head_of(shown: Shown, texts: dict, site_url: str, single: bool) -> dict:
    """Return what partials/found.html writes; without `site_url` no address, and in a preview of one language no other form."""
    book, address = texts[shown.lang], _at(site_url)
    found: dict = {"title": book["title"] if shown.home else shown.title, "book": book["title"], "locale": LOCALES[shown.lang],
                   "type": "book" if shown.home else "article", "alternates": [],
                   "markdown": None if single else "index.md", "feed": None,
                   "structured": json.dumps(structured(shown, texts, site_url), ensure_ascii=False).replace("<", "\\u003c")}
    if site_url and not single:
        plain = plain_url(shown.url, shown.lang)
        found["alternates"] = [(TAGS[lang], address(ROOTS[lang] + plain)) for lang in LANGUAGES] + [("x-default", address(plain))]
        found |= {"url": address(ROOTS[shown.lang] + plain), "image": address(share_name(shown.chapter, shown.lang)),
                  "feed": ROOTS[shown.lang] + FEED, "feed_title": FEED_TITLES[shown.lang]}
        if shown.changes:
            found["modified"] = shown.changes[0].day
    return found


def structured(shown: Shown, texts: dict, site_url: str) -> dict:
    """Return a page's description in the words of schema.org: the book, a chapter, or a page around them."""
    book, address = texts[shown.lang], _at(site_url)
    author = {"@type": "Organization", "name": book["author"]}
    found = {"@context": "https://schema.org", "@type": "Book" if shown.home else "TechArticle" if shown.chapter.number else "WebPage",
             "name" if shown.home else "headline": book["title"] if shown.home else shown.title,
             "description": shown.description, "inLanguage": TAGS[shown.text_lang], "license": LICENSE["url"],
             "isAccessibleForFree": True, "author": author}
    if shown.changes:
        found |= {"datePublished": shown.changes[-1].day, "dateModified": shown.changes[0].day}
    if shown.home:
        found |= {"alternativeHeadline": book["subtitle"], "keywords": ", ".join(book["keywords"])}
    else:
        found["isPartOf"] = {"@type": "Book", "name": book["title"]}
    if shown.chapter.number:
        found["position"] = shown.chapter.number
    if site_url:
        plain = plain_url(shown.url, shown.lang)
        found |= {"url": address(ROOTS[shown.lang] + plain), "image": address(share_name(shown.chapter, shown.lang))}
        if shown.home:
            found["workExample"] = {"@type": "Book", "bookFormat": "https://schema.org/EBook", "encodingFormat": "application/pdf",
                                    "inLanguage": TAGS[shown.lang], "url": address(PDF.format(shown.lang))}
        else:
            found["isPartOf"]["url"] = address(ROOTS[shown.lang])
        if shown.text_lang != LANGUAGES[0]:
            found["translationOfWork"] = {"@type": found["@type"], "inLanguage": TAGS[LANGUAGES[0]], "url": address(plain)}
    return found


def _at(site_url: str):
    """Return a function that makes an address of the site absolute."""
    base = site_url.rstrip("/") + "/" if site_url else ""
    return lambda url: base + url
