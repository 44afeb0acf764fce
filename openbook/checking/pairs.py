"""Check that each chapter exists in both languages, with the same headings, captions and front matter."""

from __future__ import annotations

from collections.abc import Iterator

from openbook.book import Chapter
from openbook.findings import Finding
from openbook.reading.library import Library
from openbook.reading.source import Source


def check_pairs(library: Library) -> Iterator[Finding]:
    """Yield findings about missing files, front matter and headings that differ."""
    for chapter in library.book.chapters:
        english, chinese = library.source(chapter, "en"), library.source(chapter, "zh")
        if english is None:
            yield Finding("mkdocs.yml", _nav_line(library, chapter.path), "missing-page",
                          f"the navigation names {chapter.path}, which is not in docs/",
                          f"Write docs/{chapter.path}, or take it out of `nav`.")
            continue
        yield from _check_file(english)
        if chinese is None:
            yield Finding(f"docs/{chapter.path}", 1, "missing-translation",
                          f"the chapter has no Chinese file docs/{chapter.twin}",
                          f"Translate it into docs/{chapter.twin}, or take the chapter out of `nav` until it is.")
            continue
        yield from _check_file(chinese)
        yield from _check_headings(chapter, english, chinese)
        yield from _check_captions(chapter, english, chinese)


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


def _check_headings(chapter: Chapter, english: Source, chinese: Source) -> Iterator[Finding]:
    """Report the first place where the two outlines part; the rest follows from it."""
    path = f"docs/{chapter.twin}"
    for ours, theirs in zip(chinese.headings, english.headings):
        if ours.level != theirs.level:
            yield Finding(path, ours.line, "headings",
                          f"`{'#' * ours.level} {ours.text}` stands where docs/{chapter.path}:{theirs.line} has "
                          f"`{'#' * theirs.level} {theirs.text}`",
                          "Give both files the same headings in the same order and at the same levels.")
            return
        if ours.explicit and ours.id != theirs.id:
            yield Finding(path, ours.line, "headings", f"the id #{ours.id} is #{theirs.id} in docs/{chapter.path}:{theirs.line}",
                          "Take the id out: the build gives both languages the English one.")
    extra, count = len(chinese.headings) - len(english.headings), min(len(chinese.headings), len(english.headings))
    if extra > 0:
        heading = chinese.headings[count]
        yield Finding(path, heading.line, "headings",
                      f"`{heading.text}` has no counterpart: {len(chinese.headings)} headings here, "
                      f"{len(english.headings)} in docs/{chapter.path}",
                      "Remove it, or add the section to the English file.")
    elif extra < 0:
        heading = english.headings[count]
        yield Finding(path, chinese.headings[-1].line if chinese.headings else 1, "headings",
                      f"the section `{heading.text}` of docs/{chapter.path}:{heading.line} is missing: "
                      f"{len(chinese.headings)} headings here, {len(english.headings)} there",
                      "Translate the section, at the same place and level.")


def _check_captions(chapter: Chapter, english: Source, chinese: Source) -> Iterator[Finding]:
    ours, theirs = [caption.id for caption in chinese.captions], [caption.id for caption in english.captions]
    if ours == theirs:
        return
    place = next((index for index, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]), min(len(ours), len(theirs)))
    here = chinese.captions[place] if place < len(ours) else None
    there = english.captions[place] if place < len(theirs) else None
    line = here.line if here else (chinese.captions[-1].line if chinese.captions else 1)
    yield Finding(f"docs/{chapter.twin}", line, "captions",
                  f"the figures, tables and equations differ from docs/{chapter.path}: here "
                  f"{'#' + here.id if here else 'nothing more'}, there "
                  f"{f'#{there.id} (line {there.line})' if there else 'nothing more'}",
                  "Give both files the same figures, tables and equations, with the same ids, in the same order.")
