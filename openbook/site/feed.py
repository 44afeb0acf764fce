"""Write the feed of changes and the map of the site: which pages changed on which day, from the history of their files."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from openbook import LANGUAGES
from openbook.site.head import FEED, FEED_TITLES, Shown
from openbook.site.manifest import LICENSE, ROOTS, TAGS

#: The most entries of a feed; a reader that asks once a month misses none.
ENTRIES = 60


def feed(pages: Iterable[Shown], lang: str, texts: dict, site_url: str, day: str) -> str:
    """Return an Atom feed of one language: an entry for each page and day it changed, newest first; `day` is the edition's."""
    base, text = site_url.rstrip("/") + "/", texts[lang]
    own = [page for page in pages if page.lang == page.text_lang == lang]
    changed: dict[tuple[str, int], list[str]] = {}
    for place, page in enumerate(own):
        for change in page.changes:
            changed.setdefault((change.day, place), []).append(change.subject)
    newest = sorted(changed, key=lambda key: (key[0], -key[1]), reverse=True)[:ENTRIES]
    entries = [_entry(own[place], when, changed[when, place], base) for when, place in newest]
    home = base + ROOTS[lang]
    return "\n".join([
        '<?xml version="1.0" encoding="utf-8"?>', f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang={quoteattr(TAGS[lang])}>',
        f"<title>{escape(text['title'])}: {FEED_TITLES[lang]}</title>" if lang == "en" else f"<title>{escape(text['title'])}：{FEED_TITLES[lang]}</title>",
        f"<subtitle>{escape(text['description'])}</subtitle>", f"<id>{escape(home)}</id>",
        f'<link rel="self" type="application/atom+xml" href={quoteattr(home + FEED)}/>', f"<link href={quoteattr(home)}/>",
        f"<updated>{_moment(newest[0][0] if newest else day)}</updated>", f"<author><name>{escape(text['author'])}</name></author>",
        f"<rights>{LICENSE['name']}</rights>", *entries, "</feed>", ""])


def _entry(page: Shown, day: str, subjects: list[str], base: str) -> str:
    """Return what changed on a page on a day; the words are those of the history, in English."""
    url = ROOTS[page.lang] + page.plain
    content = "\n".join(dict.fromkeys(subjects))
    return (f"<entry>\n<title>{escape(page.title)}</title>\n<id>tag:{urlsplit(base).hostname},{day}:/{escape(url)}</id>\n"
            f"<link href={quoteattr(base + url)}/>\n<updated>{_moment(day)}</updated>\n<summary>{escape(page.description)}</summary>\n"
            f'<content type="text" xml:lang="en">{escape(content)}</content>\n</entry>')


def _moment(day: str) -> str:
    return f"{day}T00:00:00Z"


def sitemap(pages: Iterable[Shown], site_url: str) -> str:
    """Return the map of the site: each page with its last change, where it is known, and its other languages."""
    base, entries = site_url.rstrip("/") + "/", []
    for page in pages:
        forms = [(TAGS[lang], ROOTS[lang] + page.plain) for lang in LANGUAGES] + [("x-default", page.plain)]
        links = "".join(f'<xhtml:link rel="alternate" hreflang="{tag}" href={quoteattr(base + url)}/>' for tag, url in forms)
        changed = f"<lastmod>{page.changes[0].day}</lastmod>" if page.changes else ""
        entries.append(f"<url><loc>{escape(base + ROOTS[page.lang] + page.plain)}</loc>{changed}{links}</url>")
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
                      'xmlns:xhtml="http://www.w3.org/1999/xhtml">', *entries, "</urlset>", ""])
