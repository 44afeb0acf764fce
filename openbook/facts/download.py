"""Write a table of facts as CSV in one language: plain values, then notes, sources and the day they were checked."""

from __future__ import annotations

import csv
import html
import io
import re

from openbook.facts.model import Cell, Column, Facts, Row, Table
from openbook.facts.tables import inline_html
from openbook.formulas.katex import FORMULA

WORDS = {"en": {"notes": "Notes", "sources": "Sources", "checked": "Checked", "or": "or {} ({})", "note": "{}: {}"},
         "zh": {"notes": "注释", "sources": "来源", "checked": "核对日期", "or": "或 {}（{}）", "note": "{}：{}"}}


def csv_name(table: str, lang: str) -> str:
    """Return where the site keeps a table's download."""
    return f"assets/data/{table}.{lang}.csv"


def csv_text(table: Table, facts: Facts, lang: str) -> str:
    """Return every row and column of a table as CSV."""
    words, columns = WORDS[lang], list(table.columns.values())
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["id", *(f"{column.title[lang]} ({column.unit})" if column.unit else column.title[lang] for column in columns),
                     words["notes"], words["sources"], words["checked"]])
    for row in table.rows:
        cells = [row.cells.get(column.name) for column in columns]
        checked = sorted({cell.checked for cell in cells if cell and cell.checked})
        writer.writerow([row.id, *(_plain(cell, column, lang) for cell, column in zip(cells, columns)),
                         _notes(row, columns, lang), " ".join(_addresses(row, facts)), checked[-1] if checked else ""])
    return out.getvalue()


def _plain(cell: Cell | None, column: Column, lang: str) -> str:
    if cell is None:
        return ""
    value = cell.value
    if column.numeric:
        return f"{value:.{column.digits}f}" if column.digits is not None else f"{value:.10g}"
    if column.type == "choice":
        return column.choices[str(value)][lang]
    if column.type == "link":
        return " ".join(url for _, url in value)
    return _words(value[lang] if isinstance(value, dict) else str(value))


def _words(markup: str) -> str:
    """Return inline Markdown without its marks; a formula stays TeX between dollar signs."""
    shown = FORMULA.sub(lambda found: f"${found['tex']}$", inline_html(markup))
    return html.unescape(re.sub(r"<[^>]+>", "", shown))


def _notes(row: Row, columns: list[Column], lang: str) -> str:
    """Return the row's notes, and what other sources say, each after the column it belongs to."""
    words, notes = WORDS[lang], []
    for column in columns:
        cell = row.cells.get(column.name)
        for found in (cell, *cell.also) if cell else ():
            if found is not cell:
                notes.append(words["note"].format(column.title[lang], words["or"].format(_plain(found, column, lang), found.src)))
            if found.note:
                notes.append(words["note"].format(column.title[lang], _words(found.note[lang])))
    return " | ".join(notes)


def _addresses(row: Row, facts: Facts) -> list[str]:
    """Return the addresses of all that a row rests on; a source without one is named by its id."""
    named = [row.src, *(found.src for cell in row.cells.values() for found in (cell, *cell.also))]
    return [facts.sources[name].url or name for name in dict.fromkeys(named) if name in facts.sources]
