"""Check what facts mean: values in a plausible range, looked at lately, and sources that somebody cites."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import replace

from openbook.facts.model import Cell, Facts, Row, Table
from openbook.facts.tables import cited_ids
from openbook.findings import Finding
from openbook.formulas.check import unreadable
from openbook.reading.formulas import formulas_in
from openbook.reading.library import Library
from openbook.reading.source import CITATION

DAYS = 180
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def check_facts(library: Library, facts: Facts) -> Iterator[Finding]:
    """Yield findings about facts that load well and yet want another look."""
    yield from check_ranges(facts)
    yield from check_age(facts)
    yield from check_use(library, facts)
    yield from check_tex(facts)


def check_ranges(facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each number outside of its column's bounds, written or computed."""
    for table in facts.tables.values():
        for row in table.rows:
            for name, cell in row.cells.items():
                column = table.columns[name]
                if name in table.joined or not column.numeric:
                    continue
                for value in (found.value for found in (cell, *cell.also)):
                    if not isinstance(value, (int, float)):
                        continue    # a finding of its own
                    if (column.low is not None and value < column.low) or (column.high is not None and value > column.high):
                        yield Finding(_path(table), row.line, "range",
                                      f"`{name}` of `{row.id}` is {value:.10g}, outside of {_bounds(column.low, column.high)}"
                                      + (f" ({column.unit})" if column.unit else ""),
                                      "Mend the number or its unit; if it is right, widen `min` and `max` of the column.")


def _bounds(low: float | None, high: float | None) -> str:
    return f"{'…' if low is None else f'{low:.10g}'} to {'…' if high is None else f'{high:.10g}'}"


def check_age(facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each table with cells checked long before the newest date in the data; no clock is read."""
    dates = [cell.checked for table in facts.tables.values() for cell in _cells(table)]
    newest = max((date for date in [*dates, *(source.accessed for source in facts.sources.values())]
                  if date and DAY.fullmatch(date)), default=None)
    if newest is None:
        return
    limit = (datetime.date.fromisoformat(newest) - datetime.timedelta(days=DAYS)).isoformat()
    for table in facts.tables.values():
        old = {row.id: row.line for row in table.rows for name, cell in row.cells.items() if name not in table.joined
               for found in (cell, *cell.also) if found.checked and found.checked < limit}
        if old:
            yield Finding(_path(table), min(old.values()), "stale",
                          f"values of {len(old)} row{'s' * (len(old) > 1)} were checked before {limit}, "
                          f"{DAYS} days before {newest}: {', '.join(old)}",
                          "Read their sources again and mend `checked:`, and the values if they moved.")


def check_use(library: Library, facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each source that no chapter and no fact cites."""
    used = {name for source in library.sources.values() for _, name in source.citations}
    for table in facts.tables.values():
        used |= {row.src for row in table.rows if row.src}
        for cell in _cells(table):
            used.add(cell.src)
            for words in (cell.note, cell.value):
                for text in words.values() if isinstance(words, dict) else ():
                    used |= {name for found in CITATION.finditer(str(text)) for name in cited_ids(found)}
    for name, source in facts.sources.items():
        if name not in used:
            yield Finding("docs/data/sources.yml", source.line, "unused-source", f"nobody cites the source `{name}`",
                          "Cite it where its facts are used, or take it out.")


def check_tex(facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each formula of a text or a note that KaTeX cannot read."""
    yield from unreadable(dict.fromkeys((_path(table), replace(formula, line=row.line)) for table in facts.tables.values()
                                        for row in table.rows for text in _texts(row) for formula in formulas_in(text)))


def _texts(row: Row) -> Iterator[str]:
    """Yield the texts of a row that may hold a formula."""
    for cell in row.cells.values():
        for found in (cell, *cell.also):
            for words in (found.value, found.note):
                yield from (text for text in words.values() if "$" in text) if isinstance(words, dict) else ()


def _cells(table: Table) -> Iterator[Cell]:
    for row in table.rows:
        for cell in row.cells.values():
            yield from (cell, *cell.also)


def _path(table: Table) -> str:
    return f"docs/data/{table.name}.yml"
