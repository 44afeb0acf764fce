"""Check the figures that nobody shows: these are published, too."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from pathlib import Path

from openbook import LANGUAGES
from openbook.figures.svg import FigureError, read_figure
from openbook.findings import Finding
from openbook.reading.library import Library


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
