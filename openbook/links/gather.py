"""Gather every address outside of the book that a chapter, a source or a table of facts names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urldefrag, urlsplit

from openbook.facts.model import Facts
from openbook.reading.library import Library
from openbook.reading.source import LINK


@dataclass(frozen=True)
class Place:
    """Where an address is written."""

    path: str
    line: int


def external_links(library: Library, facts: Facts) -> dict[str, list[Place]]:
    """Return each address, without its fragment, with the places that name it, in the order of the book."""
    found: dict[str, list[Place]] = {}
    for place, url in _named(library, facts):
        if urlsplit(url).scheme in ("http", "https"):
            places = found.setdefault(urldefrag(url).url, [])
            if place not in places:
                places.append(place)
    return found


def _named(library: Library, facts: Facts) -> Iterator[tuple[Place, str]]:
    for source in library.sources.values():
        yield from ((Place(f"docs/{source.path}", link.line), link.target) for link in source.links)
    for source in facts.sources.values():
        yield Place("docs/data/sources.yml", source.line), source.url
    for table in facts.tables.values():
        for row in table.rows:
            for name, cell in row.cells.items():
                if name not in table.joined:
                    place = Place(f"docs/data/{table.name}.yml", row.line)
                    yield from ((place, url) for url in _in_cell(cell.value, cell.note))


def _in_cell(*values: object) -> Iterator[str]:
    """Yield the addresses of a cell: those of its links, and those that its words link in Markdown."""
    for value in values:
        for item in value.values() if isinstance(value, dict) else [value]:
            if isinstance(item, str):
                yield from (link["target"] for link in LINK.finditer(item))
            elif isinstance(item, (list, tuple)):
                yield from (url for _, url in item)
