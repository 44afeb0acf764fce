"""Know the programs and settings that chapters show or link: readers take them as files."""

from __future__ import annotations

import posixpath
from pathlib import Path

from openbook import LANGUAGES
from openbook.book import Chapter
from openbook.reading.library import Library
from openbook.safety.addresses import leads_out

#: Files that are worth attaching to the PDF: copied from a page, code loses its indentation.
PROGRAMS = {".py", ".sh", ".slurm", ".fio", ".json", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".c", ".cu", ".cpp"}


def attachments(library: Library, chapter: Chapter) -> list[str]:
    """List the programs and settings that a chapter shows or links, by their paths under docs/: they go into the PDF as files."""
    found: dict[str, None] = {}
    for lang in LANGUAGES:
        if (source := library.source(chapter, lang)) is None:
            continue
        named = [name.split(":")[0] for _, name in source.snippets]
        named += [posixpath.normpath(posixpath.join(posixpath.dirname(source.path), link.target.split("#")[0]))
                  for link in source.links if not link.image and "://" not in link.target]
        for path in named:
            if not leads_out(path) and Path(path).suffix in PROGRAMS and (library.docs / path).is_file():
                found[path] = None
    return list(found)


def is_tool(path: Path) -> bool:
    """Say whether a program is one that readers keep: it begins with the line that lets it run by its name."""
    return path.suffix == ".py" and path.read_bytes().startswith(b"#!")
