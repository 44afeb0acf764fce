"""Check what strangers wrote: the Markdown and front matter of each chapter, and the files that it shows."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from pathlib import Path

from openbook import LANGUAGES
from openbook.figures.svg import FigureError, read_figure
from openbook.findings import Finding
from openbook.reading.library import Library
from openbook.reading.source import FENCE
from openbook.safety.addresses import leads_out
from openbook.safety.front_matter import line_of, wrong_fields
from openbook.safety.markup import faults_in


def check_markup(library: Library) -> Iterator[Finding]:
    """Yield findings about the front matter, the HTML and the addresses of the chapters."""
    for source in library.sources.values():
        path, text = f"docs/{source.path}", (library.docs / source.path).read_text("utf-8")
        for key, message, mend in wrong_fields(source.meta):
            yield Finding(path, line_of(text, key), "front-matter", message, mend)
        yield from (Finding(path, fault.line, fault.rule, fault.message, fault.mend) for fault in faults_in(text))


def check_shown(library: Library) -> Iterator[Finding]:
    """Yield findings about files that would end the code block in which a chapter shows them."""
    shown = {snippet.split(":")[0]: source.path for source in library.sources.values() for _, snippet in source.snippets}
    for name, path in sorted(shown.items()):
        if not leads_out(name) and (library.docs / name).is_file() and (line := _fence_line(library, name)):
            yield Finding(f"docs/{name}", line, "snippet", f"this line would end the code block in which docs/{path} shows the file",
                          "Write it otherwise: no line may begin with ``` or ~~~.")


def check_figures(docs: Path, but: Collection[str] = ()) -> Iterator[Finding]:
    """Yield findings about what no figure may hold in the SVGs under `docs`, but for those looked at elsewhere: all are published."""
    for path in sorted(docs.rglob("*.svg")):
        name = path.relative_to(docs).as_posix()
        if name not in but:
            try:
                read_figure(path.read_bytes(), LANGUAGES[0])
            except FigureError as error:
                yield Finding(f"docs/{name}", error.line, "figure", str(error), error.mend)


def figures_shown(library: Library) -> set[str]:
    """Return the paths under docs/ of the figures that chapters show."""
    return {posixpath.normpath(posixpath.join(posixpath.dirname(path), link.target))
            for (path, _), source in library.sources.items() for link in source.links if link.image}


def _fence_line(library: Library, name: str) -> int | None:
    """Return the line of a file that Markdown would take for the end of a code block."""
    text = (library.docs / name).read_text("utf-8")
    if "```" not in text and "~~~" not in text:
        return None
    return next((number for number, line in enumerate(text.split("\n"), 1) if FENCE.match(line)), None)
