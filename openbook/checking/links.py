"""Check what chapters point at: pages, anchors, images, files shown by snippet, sources."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Collection, Iterator
from urllib.parse import unquote, urlsplit

from openbook.book import Chapter
from openbook.facts.inside import files_inside, links_inside
from openbook.facts.model import Facts
from openbook.findings import Finding
from openbook.reading.library import Library
from openbook.reading.programs import attachments, is_tool
from openbook.reading.source import Link, Source
from openbook.safety.addresses import leads_out, wrong_scheme

PAGE_END = "#sources"
OUTSIDE = "Name a file under docs/; what is elsewhere has a web address."


def check_links(library: Library, facts: Facts, of: Collection[str] | None = None) -> Iterator[Finding]:
    """Yield findings about everything that a chapter, any or one with its path in `of`, names and that is not there."""
    for path, lang in sorted(library.sources):
        if of is not None and path not in of:
            continue
        chapter, source = library.book.by_path[path], library.sources[path, lang]
        for link in source.links:
            yield from _check_link(library, chapter, source, link, lang)
        for line, snippet in source.snippets:
            name = snippet.split(":")[0]
            if leads_out(name):
                yield Finding(f"docs/{source.path}", line, "snippet", f"the path {name} leads out of docs/", "Show a file under docs/.")
            elif not (library.docs / name).is_file():
                yield Finding(f"docs/{source.path}", line, "snippet", f"the file docs/{name} is not there",
                              "Snippets name a file by its path under docs/.")
        for line, cited in source.citations:
            if cited not in facts.sources:
                yield Finding(f"docs/{source.path}", line, "source", f"the source `{cited}` is not in docs/data/sources.yml",
                              "Add it there" + _close(cited, facts.sources) + ".")


def _close(name: str, names) -> str:
    near = difflib.get_close_matches(name, list(names), 3)
    return f", or did you mean {' or '.join(near)}" if near else ", or mend the id"


def _check_link(library: Library, chapter: Chapter, source: Source, link: Link, lang: str) -> Iterator[Finding]:
    path = f"docs/{source.path}"
    if wrong_scheme(link.target):
        return    # openbook/safety names it
    try:
        parts = urlsplit(link.target)
    except ValueError as error:
        yield Finding(path, link.line, "link", f"{link.target} is no address: {error}", "Mend it.")
        return
    if parts.scheme or parts.netloc:
        if link.image:
            yield Finding(path, link.line, "image", f"the image {link.target} is on another host",
                          "Readers without that host see nothing: keep the figure beside the chapter.")
        return
    if parts.path.startswith("/"):
        yield Finding(path, link.line, "link", f"the link {link.target} begins with a slash",
                      "Write it relative to this file, so that it works under any address.")
        return
    target = posixpath.normpath(posixpath.join(posixpath.dirname(chapter.path), unquote(parts.path))) if parts.path else chapter.path
    if leads_out(target):
        yield Finding(path, link.line, "image" if link.image else "link", f"the path {link.target} leads out of docs/", OUTSIDE)
        return
    if link.image:
        if not (library.docs / target).is_file():
            yield Finding(path, link.line, "image", f"the image docs/{target} is not there",
                          "Add the file, or mend the path (relative to this file).")
        return
    yield from _check_target(library, path, link.line, target, unquote(parts.fragment), link.target)


def check_fact_links(library: Library, facts: Facts) -> Iterator[Finding]:
    """Yield findings about pages and files that tables of facts link and that are not there, and tools that no table lists."""
    for table, row, url in links_inside(facts):
        target, _, anchor = url.partition("#")
        yield from _check_target(library, f"docs/data/{table.name}.yml", row.line, target, anchor, url)
    listed = files_inside(facts)
    if "tools" not in facts.tables:
        return
    for chapter in library.book.chapters:
        for path in attachments(library, chapter):
            if path not in listed and is_tool(library.docs / path):
                yield Finding(f"docs/{path}", 1, "tools", f"the program of docs/{chapter.path} is not on the page of tools",
                              "Add a row for it to docs/data/tools.yml.")


def _check_target(library: Library, path: str, line: int, target: str, anchor: str, shown: str) -> Iterator[Finding]:
    """Yield findings about a page or file under docs/ that the line of `path` names."""
    if leads_out(target):
        yield Finding(path, line, "link", f"the path {shown} leads out of docs/", OUTSIDE)
        return
    if not target.endswith(".md"):
        if not (library.docs / target).is_file():
            yield Finding(path, line, "link", f"docs/{target} is not there",
                          "Link to a page by its .md file, to anything else by its file.")
        return
    if target.endswith(".zh.md"):
        yield Finding(path, line, "link", f"the link names the Chinese file {shown}",
                      "Name the English file: the build leads each language to its own page.")
        return
    if target not in library.book.by_path:
        yield Finding(path, line, "link", f"the link to a missing page: docs/{target} is not a chapter",
                      f"Mend the path{_close(target, library.book.by_path)}.")
        return
    page = library.source(library.book.by_path[target], "en") if anchor else None
    if page and anchor not in page.ids and not (anchor == "sources" and (page.citations or page.captions)):
        yield Finding(path, line, "anchor", f"docs/{target} has no #{anchor}",
                      f"Mend the anchor{_close(anchor, page.ids)}.")
