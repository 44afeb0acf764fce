"""Load docs/data into facts, with a finding (file, line, remedy) for everything that breaks the schema."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from openbook import LANGUAGES
from openbook.facts.compute import evaluate, names_in
from openbook.facts.located import Located, read_located
from openbook.facts.model import COLUMN_TYPES, SOURCE_KINDS, Cell, Column, Facts, Row, Source, Table
from openbook.facts.tables import cited_ids
from openbook.findings import Finding, shown_path
from openbook.reading.source import CITATION
from openbook.safety.addresses import MEND, wrong_scheme
from openbook.safety.markup import words_faults

SOURCE_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,59}")
DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
MONTH = re.compile(r"\d{4}-\d{2}")
#: Rows of a table; the book's longest has 67.
MOST_ROWS = 5_000
#: How a cell begins that a spreadsheet takes for a formula or a command; flags begin with hyphens, too.
FORMULA = re.compile(r"[=@]|[+-][^|]*\|.*!")
#: Files with loaders of their own: openbook/terms, openbook/addresses.
NO_TABLES = ("terms.yml", "moved.yml")
SOURCES = "sources.yml"


class Loader:
    """Collects facts and findings over all the files of one folder."""

    def __init__(self, root: Path, facts: Facts | None = None):
        self.root = root
        self.facts = facts or Facts()
        self.findings: list[Finding] = []
        self.joins: dict[str, tuple[dict[str, str], Path, Located]] = {}

    def find(self, path: Path, line: int, message: str, mend: str, rule: str = "facts") -> None:
        self.findings.append(Finding(shown_path(path, self.root), line, rule, message, mend))

    def read(self, path: Path) -> Located | None:
        located, findings = read_located(path, shown_path(path, self.root), "facts")
        self.findings += findings
        return located

    # sources ------------------------------------------------------------------------------------

    def load_sources(self, path: Path) -> None:
        located = self.read(path)
        if located is None or located.value is None:
            return
        if not isinstance(located.value, dict):
            self.find(path, 1, "sources are not a mapping of ids", "Write `source-id:` and its fields below it.")
            return
        for name, fields in located.value.items():
            self._source(path, located, str(name), fields)

    def _source(self, path: Path, located: Located, name: str, fields: object) -> None:
        line = located.line(name)
        if not SOURCE_ID.fullmatch(name):
            self.find(path, line, f"the source id `{name}` is not lower-case letters, digits and hyphens",
                      "Rename it, here and where it is cited.")
        if not isinstance(fields, dict):
            self.find(path, line, f"the source `{name}` has no fields",
                      "Give it title, publisher, url, kind and accessed.")
            return
        named = {key: self._words(path, located, (name, key), fields.get(key) or "") for key in ("title", "publisher")}
        values = {key: _date_text(value) for key, value in fields.items()}
        # A package index is read release by release, and a measurement of ours stands in the book: neither has one page to point to.
        required = {"title", "publisher", "kind", "accessed"} | ({"url"} if values.get("kind") not in ("package", "measured") else set())
        for key in sorted(required):
            if not values.get(key):
                self.find(path, line, f"the source `{name}` has no {key}", f"Add `{key}:`.")
        for key in values.keys() - {"title", "publisher", "url", "kind", "accessed", "published", "snapshot"}:
            self.find(path, located.line(name, key), f"a source has no field `{key}`",
                      "Use title, publisher, url, kind, published, accessed, snapshot.")
        if values.get("url") and not values["url"].startswith(("https://", "http://")):
            self.find(path, located.line(name, "url"), f"`{values['url']}` is no address on the web", "Write the address where you read it, with https://.", "scheme")
        if values.get("kind") and values["kind"] not in SOURCE_KINDS:
            self.find(path, located.line(name, "kind"), f"`{values['kind']}` is not a kind of source",
                      f"Use one of: {', '.join(SOURCE_KINDS)}.")
        for key in ("published", "accessed"):
            if values.get(key) and not DATE.fullmatch(values[key]):
                self.find(path, located.line(name, key), f"`{values[key]}` is not a date",
                          "Write a year, year-month or year-month-day.")
        if name in self.facts.sources:
            self.find(path, line, f"the source `{name}` is given twice", "Keep one of them.")
        self.facts.sources[name] = Source(
            name, named["title"], named["publisher"], values.get("url", ""),
            values.get("kind", "doc"), values.get("accessed", ""), values.get("published"), values.get("snapshot"), line)

    # tables -------------------------------------------------------------------------------------

    def load_table(self, path: Path) -> None:
        located = self.read(path)
        if located is None:
            return
        document = located.value
        if not isinstance(document, dict) or not {"title", "columns", "rows"} <= document.keys():
            self.find(path, 1, "a table of facts has `title`, `columns` and `rows`", "Add what is missing.")
            return
        if not isinstance(document["columns"], dict) or not isinstance(document["rows"] or [], list):
            self.find(path, 1, "`columns` is a mapping and `rows` a list", "Write `columns:` with a name a line, `rows:` with `- id:` a line.")
            return
        if len(document["rows"] or ()) > MOST_ROWS:
            self.find(path, located.line("rows"), f"the table has {len(document['rows']):,} rows; it may have {MOST_ROWS:,}",
                      "Keep what readers compare, and link to the rest.", "limit")
            return
        columns = {}
        for name, fields in document["columns"].items():
            if column := self._column(path, located, str(name), fields):
                columns[column.name] = column
        rows, seen = [], set()
        for index, fields in enumerate(document["rows"] or []):
            row = self._row(path, located, index, fields, columns)
            if row and row.id in seen:
                self.find(path, row.line, f"the row id `{row.id}` is given twice", "Ids are unique in a table.")
            if row:
                seen.add(row.id)
                rows.append(row)
        title = self._words(path, located, ("title",), document["title"])
        self.facts.tables[path.stem] = Table(path.stem, title, columns, tuple(rows))
        if (join := document.get("join")) or any(column.compute for column in columns.values()):
            # {table: column that names its rows}; a table alone shares the row ids.
            self.joins[path.stem] = ({str(other): str(column) for other, column in join.items()} if isinstance(join, dict)
                                     else {str(join): "id"} if join else {}, path, located)

    def _words(self, path: Path, located: Located, where: tuple, value: object) -> dict[str, str]:
        words = None
        if isinstance(value, (str, int, float)):
            words = {lang: str(value) for lang in LANGUAGES}
        elif isinstance(value, dict) and value.keys() == set(LANGUAGES):
            words = {lang: str(value[lang]) for lang in LANGUAGES}
        if words is not None:
            for fault in [fault for text in dict.fromkeys(words.values()) for fault in words_faults(text)][:1]:
                self.find(path, located.line(*where), fault.message, fault.mend, fault.rule)
            if any(FORMULA.match(text) for text in words.values()):
                self.find(path, located.line(*where), "a spreadsheet that opens the download would run this text as a formula",
                          "Begin it with a word.")
            for name in sorted({name for text in words.values() for found in CITATION.finditer(text)
                                for name in cited_ids(found)}):
                self._check_source(path, located.line(*where), name)
            return words
        self.find(path, located.line(*where), "a text is a string, or has exactly `en` and `zh`",
                  "Write {en: ..., zh: ...}.")
        return {lang: "" for lang in LANGUAGES}

    def _column(self, path: Path, located: Located, name: str, fields: object) -> Column | None:
        line = located.line("columns", name)
        if not isinstance(fields, dict) or not {"type", "en", "zh"} <= fields.keys():
            self.find(path, line, f"the column `{name}` needs type, en and zh", "Add what is missing.")
            return None
        unknown = fields.keys() - {"type", "en", "zh", "unit", "sourced", "choices", "compute", "digits", "min", "max"}
        if unknown:
            self.find(path, line, f"a column has no field `{sorted(unknown)[0]}`",
                      "Use type, en, zh, unit, sourced, choices, compute, digits, min, max.")
        if fields["type"] not in COLUMN_TYPES:
            self.find(path, line, f"`{fields['type']}` is not a type of column",
                      f"Use one of: {', '.join(COLUMN_TYPES)}.")
            return None
        if fields.get("compute"):
            try:
                names_in(str(fields["compute"]))
            except ValueError as error:
                self.find(path, line, f"column `{name}`: {error}", "Use numbers, column names, + - * / ** and brackets.")
                return None
        for bound in (fields[name] for name in ("min", "max") if name in fields):
            if fields["type"] not in ("int", "number") or not isinstance(bound, (int, float)):
                self.find(path, line, f"column `{name}`: `{bound}` bounds no number", "Columns of numbers have `min` and `max`.")
                return None
        choices = {str(key): self._words(path, located, ("columns", name, "choices", key), value)
                   for key, value in (fields.get("choices") or {}).items()}
        return Column(name, fields["type"], {"en": str(fields["en"]), "zh": str(fields["zh"])}, fields.get("unit"),
                      bool(fields.get("sourced")), choices, fields.get("compute"), fields.get("digits"),
                      fields.get("min"), fields.get("max"))

    def _row(self, path: Path, located: Located, index: int, fields: object, columns: dict[str, Column]) -> Row | None:
        line = located.line("rows", index)
        if not isinstance(fields, dict) or "id" not in fields:
            self.find(path, line, "a row has no id", "Begin the row with `- id: ...`.")
            return None
        if FORMULA.match(str(fields["id"])):
            self.find(path, line, f"the row id `{fields['id']}` begins like a formula", "Begin it with a letter or a digit.")
        src, checked = fields.get("src"), _date_text(fields.get("checked"))
        self._check_source(path, located.line("rows", index, "src"), src)
        cells = {}
        for name, value in fields.items():
            if name in ("id", "src", "checked"):
                continue
            where = ("rows", index, name)
            if name not in columns:
                self.find(path, located.line(*where), f"the row `{fields['id']}` has `{name}`, which is no column",
                          f"Columns are: {', '.join(columns)}.")
            elif value is not None:
                cells[name] = self._cell(path, located, where, columns[name], value, src, checked)
        return Row(str(fields["id"]), src, cells, line)

    def _cell(self, path: Path, located: Located, where: tuple, column: Column, value: object,
              src: str | None, checked: str | None) -> Cell:
        line, own, note, also = located.line(*where), False, None, ()
        if isinstance(value, dict) and {"en", "zh"} < value.keys():
            # {en:, zh:, src:} is short for {value: {en:, zh:}, src:}
            value = {"value": {lang: value[lang] for lang in LANGUAGES},
                     **{key: other for key, other in value.items() if key not in LANGUAGES}}
        if isinstance(value, dict) and "value" in value:
            unknown = value.keys() - {"value", "src", "checked", "note", "also"}
            if unknown:
                self.find(path, line, f"a cell has no field `{sorted(map(str, unknown))[0]}`",
                          "Use value, src, checked, note, also.")
            own = bool(value.get("src")) and value["src"] != src
            src, checked = value.get("src", src), _date_text(value.get("checked")) or checked
            self._check_source(path, line, value.get("src"))
            if value.get("note"):
                note = self._words(path, located, (*where, "note"), value["note"])
            also = tuple(self._cell(path, located, (*where, "also", number), column, other, None, checked)
                         for number, other in enumerate(value.get("also") or []))
            value = value["value"]
        shown = self._typed(path, located, where, column, value)
        if column.sourced and not src:
            self.find(path, line, f"`{column.name}` needs a source and has none",
                      "Give the row or the cell `src:`, an id of sources.yml.")
        if column.sourced and not checked:
            self.find(path, line, f"`{column.name}` does not say when it was checked", "Give the row `checked: YYYY-MM-DD`.")
        return Cell(shown, src, checked, note, also, own)

    def _check_source(self, path: Path, line: int, src: object) -> None:
        if src and src not in self.facts.sources:
            self.find(path, line, f"the source `{src}` is not in sources.yml", "Add it there, or mend the id.", "source")

    def _typed(self, path: Path, located: Located, where: tuple, column: Column, value: object) -> object:
        line = located.line(*where)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if column.type == "int" and not (number and float(value).is_integer()):
            self.find(path, line, f"`{column.name}` is a whole number, not `{value}`", "Write the number alone.")
        elif column.type == "number" and not number:
            self.find(path, line, f"`{column.name}` is a number, not `{value}`",
                      "Write the number alone; the unit stands in the column.")
        elif column.type == "month" and not (isinstance(value, str) and MONTH.fullmatch(value)):
            self.find(path, line, f"`{column.name}` is a month, not `{value}`", "Write it as \"2026-11\", in quotes.")
        elif column.type == "choice" and str(value) not in column.choices:
            self.find(path, line, f"`{value}` is not a choice of `{column.name}`",
                      f"Use one of: {', '.join(column.choices)}.")
        elif column.type == "text":
            return self._words(path, located, where, value)
        elif column.type == "link":
            return self._links(path, located, where, value)
        return value

    def _links(self, path: Path, located: Located, where: tuple, value: object) -> list[tuple[dict[str, str], str]]:
        links = []
        for entry in value if isinstance(value, list) else [value]:
            if not isinstance(entry, dict) or not {"label", "url"} <= entry.keys():
                self.find(path, located.line(*where), "a link has `label` and `url`",
                          "Write {label: ..., url: \"https://...\"}.")
                continue
            if wrong := wrong_scheme(str(entry["url"])):
                self.find(path, located.line(*where), f"the link `{entry['url']}` {wrong}", MEND, "scheme")
                continue
            links.append((self._words(path, located, where, entry["label"]), str(entry["url"])))
        return links

    # columns that rest on other tables or on arithmetic -------------------------------------------

    def finish(self) -> None:
        """Join tables by the ids of their rows, then compute the computed columns; a table after those it joins."""
        while self.joins:
            ready = [name for name, (others, *_) in self.joins.items() if not others.keys() & self.joins.keys()]
            if not ready:
                name, (_, path, located) = next(iter(self.joins.items()))
                self.find(path, located.line("join"), f"`join` of {name} leads back to {name}", "Take one of the joins out.")
                return
            for name in ready:
                self._finish(name, *self.joins.pop(name))

    def _finish(self, name: str, joins: dict[str, str], path: Path, located: Located) -> None:
        table, bases = self.facts.tables[name], []
        for other, key in joins.items():
            if (base := self.facts.tables.get(other)) is None:
                self.find(path, located.line("join"), f"`join: {other}` names no table", "Name a file of docs/data.")
                return
            if key != "id" and (key not in table.columns or table.columns[key].type != "text"):
                self.find(path, located.line("join"), f"`{key}`, which names the rows of {other}, is no column of type text",
                          "Name a column of this table.")
                return
            bases.append((other, key, base, {row.id: row for row in base.rows}))
        columns = {key: column for *_, base, _ in bases for key, column in base.columns.items()} | table.columns
        for column in table.columns.values():
            for missing in sorted(names_in(column.compute) - columns.keys()) if column.compute else ():
                self.find(path, located.line("columns", column.name), f"`{missing}` is no column",
                          "Mend the name in `compute`.")
        rows = []
        for row in table.rows:
            cells = {}
            for other, key, _, members in bases:
                member = row.id if key == "id" else row.cells[key].value["en"] if key in row.cells else ""
                if member in members:
                    cells |= members[member].cells
                else:
                    self.find(path, row.line, f"the row `{member}` is not in {other}.yml",
                              "Joined tables share row ids: add it there or mend the id." if key == "id"
                              else f"Mend `{key}` of `{row.id}`, or add the row there.")
            cells |= row.cells
            _compute(columns, cells)
            rows.append(Row(row.id, row.src, cells, row.line))
        self.facts.tables[name] = Table(name, table.title, columns, tuple(rows),
                                        frozenset(columns.keys() - table.columns.keys()), tuple(joins))


def _compute(columns: dict[str, Column], cells: dict[str, Cell]) -> None:
    for column in columns.values():
        if column.compute and column.name not in cells:
            values = {name: cell.value for name, cell in cells.items() if columns[name].numeric}
            result = evaluate(column.compute, values)
            if result is not None:
                cells[column.name] = Cell(result)


def _date_text(value: object) -> str | None:
    if isinstance(value, (datetime.date, int)):
        return str(value)
    return value if value is None else str(value)


def load_facts(data_dir: Path, root: Path) -> tuple[Facts, list[Finding]]:
    """Return the facts under `data_dir` and what is wrong with them."""
    loader = Loader(root)
    if (sources := data_dir / SOURCES).is_file():
        loader.load_sources(sources)
    for path in table_files(data_dir):
        loader.load_table(path)
    loader.finish()
    return loader.facts, loader.findings


def table_files(data_dir: Path) -> list[Path]:
    """Return the files of `data_dir` that hold a table of facts, by name."""
    return sorted(path for path in data_dir.glob("*.yml") if path.name not in (SOURCES, *NO_TABLES))
