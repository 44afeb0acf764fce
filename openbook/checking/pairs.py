"""Check that each chapter exists in both languages, with sound front matter, ids and tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from openbook.book import Chapter
from openbook.findings import Finding
from openbook.reading.library import Library
from openbook.reading.source import Source


def check_pairs(library: Library, of: Collection[str] | None = None) -> Iterator[Finding]:
    """Yield findings about missing files, front matter, headings and ids, of all chapters or those with paths in `of`."""
    for chapter in library.book.chapters:
        if of is not None and chapter.path not in of:
            continue
        english, chinese = library.source(chapter, "en"), library.source(chapter, "zh")
        if english is None:
            yield Finding("mkdocs.yml", _nav_line(library, chapter.path), "missing-page",
                          f"the navigation names {chapter.path}, which is not in docs/",
                          f"Write docs/{chapter.path}, or take it out of `nav`.")
            continue
        yield from _check_file(english)
        if chinese is None:
            if english.meta.get("translation") != "wanted":
                yield Finding(f"docs/{chapter.path}", 1, "missing-translation",
                              f"the chapter has no Chinese file docs/{chapter.twin}",
                              f"Translate it into docs/{chapter.twin}, or write `translation: wanted` in its front matter: "
                              "Chinese readers then get the English text with a notice.")
            continue
        if english.meta.get("translation"):
            yield Finding(f"docs/{chapter.path}", 1, "front-matter", "the chapter is translated and still asks for a translation",
                          "Take `translation:` out of the front matter.")
        yield from _check_file(chinese)
        yield from _check_ids(chapter, english, chinese)
        yield from _check_tested_on(chapter, english, chinese)


def check_doubles(library: Library) -> Iterator[Finding]:
    """Yield findings about titles and descriptions that two pages of a language share: in a search one cannot tell them apart."""
    seen: dict[tuple[str, str, str], str] = {}
    for (path, lang), source in library.sources.items():
        for kind, text in said_of(source).items():
            first = seen.setdefault((lang, kind, text), source.path) if text else source.path
            if first != source.path:
                yield Finding(f"docs/{source.path}", source.headings[0].line if kind == "title" else 1, kind,
                              f"docs/{first} has the same {kind}", "Say what tells this page from the other.")


def said_of(source: Source) -> dict[str, str]:
    """Return what a search says of a page: its title and its description."""
    return {"title": source.headings[0].text if source.headings else "", "description": str(source.meta.get("description") or "").strip()}


def _nav_line(library: Library, path: str) -> int:
    config = library.docs.parent / "mkdocs.yml"
    lines = config.read_text("utf-8").split("\n") if config.is_file() else []
    return next((number for number, line in enumerate(lines, 1) if path in line), 1)


def _check_file(source: Source) -> Iterator[Finding]:
    path = f"docs/{source.path}"
    if source.meta_error:
        line, message = source.meta_error
        yield Finding(path, line, "front-matter", f"the front matter is not YAML: {message}",
                      "Mend the line; quote a text that holds a colon.")
    elif not str(source.meta.get("description") or "").strip():
        yield Finding(path, 1, "front-matter", "the front matter has no description",
                      "Begin the file with `---`, `description: one sentence`, `---`.")
    if source.unclosed_fence:
        yield Finding(path, source.unclosed_fence, "fence", "this code block is never closed",
                      "Close it with the same marks, at the same indentation.")
    first = source.headings[0] if source.headings else None
    if first is None or first.level != 1:
        yield Finding(path, first.line if first else source.body_line, "heading",
                      "the page does not begin with a title", "Make its first heading `# Title`.")
    seen: dict[str, int] = {}
    for heading in source.headings:
        if heading.explicit and heading.id in seen:
            yield Finding(path, heading.line, "heading", f"the id #{heading.id} is already on line {seen[heading.id]}",
                          "Give one of them another id.")
        seen.setdefault(heading.id, heading.line)
    for _, widths in source.tables:
        yield from _check_rows(path, source, widths)


def _check_rows(path: str, source: Source, widths: list[int]) -> Iterator[Finding]:
    start = next(line for line, rows in source.tables if rows is widths)
    if len(widths) < 2:
        return
    for offset, width in enumerate(widths):
        if width != widths[0]:
            yield Finding(path, start + offset, "table", f"this row has {width} cells, the head has {widths[0]}",
                          "Add or remove a `|`; write a bar inside a cell as `\\|`.")


def _check_ids(chapter: Chapter, english: Source, chinese: Source) -> Iterator[Finding]:
    """Ids come from the English file; whether the outlines agree is for the alignment to say."""
    if [heading.level for heading in chinese.headings] != [heading.level for heading in english.headings]:
        return
    for ours, theirs in zip(chinese.headings, english.headings):
        if ours.explicit and ours.id != theirs.id:
            yield Finding(f"docs/{chapter.twin}", ours.line, "headings",
                          f"the id #{ours.id} is #{theirs.id} in docs/{chapter.path}:{theirs.line}",
                          "Take the id out: the build gives both languages the English one.")


def _check_tested_on(chapter: Chapter, english: Source, chinese: Source) -> Iterator[Finding]:
    ours, theirs = chinese.meta.get("tested_on"), english.meta.get("tested_on")
    if ours != theirs:
        yield Finding(f"docs/{chapter.twin}", 1, "front-matter", f"`tested_on` is {ours or 'not given'}, in docs/{chapter.path} "
                      f"{theirs or 'not given'}", "Give both files the same.")
