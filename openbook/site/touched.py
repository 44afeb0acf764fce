"""Say which chapters a change of the data touches: facts are compared with those of the last good build."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from openbook.book import read_book
from openbook.facts.load import load_facts
from openbook.facts.model import Facts, Table
from openbook.reading.library import Library, read_library
from openbook.reading.source import FACTS_FENCES

#: Where a built site keeps the prints of the facts it was built from.
PRINTS = ".facts.json"
DATA = re.compile(r"(?m)^data: *[\"']?([\w-]+)")
#: Names in a line for a person.
MOST_NAMED = 12
Prints = dict[str, dict[str, str]]


def prints_of(facts: Facts) -> Prints:
    """Return a print of what each table and each source says, whatever its place in the file and its layout."""
    return {"tables": {name: _print(_own(table)) for name, table in facts.tables.items()},
            "sources": {name: _print(replace(source, line=0)) for name, source in facts.sources.items()}}


def touched(old: Prints, facts: Facts, library: Library) -> Iterator[str]:
    """Yield a line for each table that changed, with the chapters that show it, and one for changed sources."""
    for name, paths in _tables_touched(old, facts, library):
        yield _line(f"docs/data/{name}.yml", paths, "show", library)
    names, paths = _sources_touched(old, facts, library)
    if names:
        yield _line(f"docs/data/sources.yml ({_some(sorted(names))})", paths, "cite", library)


def chapters_touched(old: Prints, facts: Facts, library: Library) -> set[str]:
    """Return the paths of the chapters that show what changed of the facts."""
    found = {path for _, paths in _tables_touched(old, facts, library) for path in paths}
    return found.union(_sources_touched(old, facts, library)[1])


def _tables_touched(old: Prints, facts: Facts, library: Library) -> Iterator[tuple[str, list[str]]]:
    new, shows = prints_of(facts), shown_tables(library)
    for name in sorted(name for name, value in new["tables"].items() if old["tables"].get(name) != value):
        resting = {name} | {other for other in facts.tables if name in _rests_on(facts, other)}
        yield name, [path for path, tables in shows.items() if tables & resting]


def _sources_touched(old: Prints, facts: Facts, library: Library) -> tuple[set[str], list[str]]:
    changed = {name for name, value in prints_of(facts)["sources"].items() if old["sources"].get(name, value) != value}
    citing = {name for name, table in facts.tables.items() if changed & _sources(table)}
    return changed, [path for path, tables in shown_tables(library).items() if tables & citing
                     or any(name in changed for source in (library.sources.get((path, lang)) for lang in ("en", "zh")) if source
                            for _, name in source.citations)]


def report(root: Path, last: Path, fresh: Path) -> Iterator[str]:
    """Yield what changed between the facts of the site at `last` and those of `root`, and keep the new prints in `fresh`."""
    kept = last / PRINTS
    facts, _ = load_facts(root / "docs/data", root)
    new = prints_of(facts)
    (fresh / PRINTS).write_text(json.dumps(new), "utf-8")
    if kept.is_file() and (old := json.loads(kept.read_text("utf-8"))) != new:
        yield from touched(old, facts, read_library(root / "docs", read_book(root)))


def shown_tables(library: Library) -> dict[str, set[str]]:
    """Return the names of the tables that each chapter shows, as table or as chart, in either language."""
    shows: dict[str, set[str]] = {}
    for (path, _), source in library.sources.items():
        found = shows.setdefault(path, set())
        found |= {data[1] for fence in source.fences if fence.language in FACTS_FENCES and (data := DATA.search(fence.body))}
    return shows


def _line(what: str, paths: list[str], verb: str, library: Library) -> str:
    if not paths:
        return f"{what} changed: no chapter {verb}s it."
    order = [chapter.path for chapter in library.book.chapters if chapter.path in paths]
    return f"{what} changed: {len(order)} chapter{'s' * (len(order) > 1)} {verb}{'s' * (len(order) == 1)} it: {_some(order)}"


def _some(names: list[str]) -> str:
    """Return the first names of a list that is too long to read."""
    return ", ".join(names) if len(names) <= MOST_NAMED else f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"


def _own(table: Table) -> tuple:
    """Return what a table's own file says: without lines, and without what is joined or computed."""
    rows = [(row.id, row.src, [(name, cell) for name, cell in row.cells.items() if name not in table.joined
                               and not (table.columns[name].compute and cell.src is None)]) for row in table.rows]
    return table.title, [column for name, column in table.columns.items() if name not in table.joined], rows


def _rests_on(facts: Facts, name: str) -> set[str]:
    """Return the tables whose columns a table makes use of, directly or by way of another."""
    joins = facts.tables[name].joins if name in facts.tables else ()
    return set(joins).union(*(_rests_on(facts, other) for other in joins))


def _sources(table: Table) -> set[str]:
    return {name for row in table.rows for cell in row.cells.values() for found in (cell, *cell.also) if (name := found.src or row.src)}


def _print(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]
