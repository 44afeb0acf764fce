"""Read a `chart` fence: what to draw, from which facts; and say what to change when it cannot be drawn."""

from __future__ import annotations

from dataclasses import dataclass

from openbook import LANGUAGES
from openbook.facts.fences import RequestError, Where, check_columns, read_fields, select, table_of, where_of
from openbook.facts.model import Column, Facts, Row, Table, Words

KINDS = ("bars", "grouped", "lines", "scatter", "roofline")
FIELDS = ("id", "data", "kind", "x", "y", "label", "series", "size", "where", "sort", "limit", "log", "guides", "marks",
          "caption")
#: The roles whose columns hold numbers, by kind. The other of x and y names the things a bar stands for.
NUMBERS = {"bars": ("x",), "grouped": ("x",), "lines": ("x", "y"), "scatter": ("x", "y", "size"), "roofline": ("x", "y")}
NEEDS_LABEL = ("scatter", "roofline")
COLOURS = 6


@dataclass(frozen=True)
class ChartRequest:
    """What a `chart` fence asks for; `x` and `y` hold one column, or several where a kind draws several."""

    id: str
    kind: str
    table: Table
    x: tuple[str, ...]
    y: tuple[str, ...]
    label: str | None
    series: str | None
    size: str | None
    where: Where
    sort: str | None
    limit: int | None
    log: frozenset[str]
    guides: tuple[tuple[Words, float], ...]
    marks: tuple[tuple[Words, float], ...]
    caption: str

    def column(self, name: str) -> Column:
        return self.table.columns[name]

    @property
    def rows(self) -> list[Row]:
        """Return the rows that have everything the chart draws, in its order."""
        needed = {"bars": self.x, "grouped": (), "lines": self.x}.get(self.kind, (*self.x, *self.y))
        rows = [row for row in select(self.table, self.where, self.sort) if all(name in row.cells for name in needed)]
        several = self.x if self.kind == "grouped" else self.y if self.kind == "lines" else ()
        rows = [row for row in rows if not several or any(name in row.cells for name in several)]
        return rows[:self.limit]


def parse_chart(body: str, facts: Facts) -> ChartRequest:
    """Return the request in the body of a `chart` fence; raise RequestError when it cannot be drawn."""
    fields = read_fields(body, "chart", "fig", FIELDS, ("id", "data", "kind", "x", "y", "caption"))
    kind = str(fields["kind"])
    if kind not in KINDS:
        raise RequestError(f"`{kind}` is not a kind of chart", f"Use one of: {', '.join(KINDS)}.")
    table, where = table_of(fields, facts), where_of(fields)
    sort, label, series, size = (str(fields[name]) if fields.get(name) else None
                                 for name in ("sort", "label", "series", "size"))
    x, y = _columns(fields["x"]), _columns(fields["y"])
    named = (*x, *y, *where, *(name for name in (sort and sort.lstrip("-"), label, series, size) if name))
    check_columns(table, named)
    request = ChartRequest(str(fields["id"]), kind, table, x, y, label, series, size, where, sort, _limit(fields),
                           frozenset(_columns(fields.get("log") or [])), _named(fields, "guides"), _named(fields, "marks"),
                           str(fields["caption"]))
    _check_roles(request)
    _check_values(request)
    return request


def _columns(value: object) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list) else (str(value),)


def _limit(fields: dict) -> int | None:
    limit = fields.get("limit")
    if limit is None or (isinstance(limit, int) and limit > 0):
        return limit
    raise RequestError(f"`limit: {limit}` is not a number of rows", "Write a whole number, or leave it out.")


def _named(fields: dict, name: str) -> tuple[tuple[Words, float], ...]:
    """Return lines across a chart: {words: number}, or [{at: number, en: words, zh: words}] where the words differ."""
    value = fields.get(name) or {}
    lines = value if isinstance(value, list) else [{"at": at, "en": words, "zh": words} for words, at in value.items()] if isinstance(value, dict) else [None]
    for line in lines:
        if not (isinstance(line, dict) and line.keys() == {"at", *LANGUAGES} and isinstance(line["at"], (int, float))):
            raise RequestError(f"`{name}` is not a list of words and numbers",
                               f"Write `{name}: {{\"20 ms\": 0.05}}`, or `[{{at: 0.05, en: ..., zh: ...}}]` where the words differ.")
    return tuple(({lang: str(line[lang]) for lang in LANGUAGES}, float(line["at"])) for line in lines)


def _check_roles(request: ChartRequest) -> None:
    """Raise RequestError when a kind cannot use what the fence gives it."""
    kind = request.kind
    if kind in NEEDS_LABEL and not request.label:
        raise RequestError(f"a {kind} chart has no `label`", "Name the column that says what each of its parts is.")
    for role, several in (("x", kind == "grouped"), ("y", kind == "lines")):
        if len(getattr(request, role)) > 1 and not several:
            raise RequestError(f"a {kind} chart has one column as `{role}`", "Keep one of them, or use another kind.")
    if kind == "grouped" and request.series:
        raise RequestError("a grouped chart colours its bars by column, so it has no `series`",
                           "Take `series` out, or use bars with one column.")
    if len(request.y) > 1 and request.series:
        raise RequestError("lines are drawn one a column or one a series, not both", "Keep one column as `y`, or no `series`.")
    for role in NUMBERS[kind]:
        value = getattr(request, role)
        for name in (value if isinstance(value, tuple) else (value,) if value else ()):
            if not request.column(name).numeric:
                raise RequestError(f"`{role}: {name}` of a {kind} chart is not a column of numbers",
                                   "Bars have what they stand for as `y` and their length as `x`."
                                   if kind in ("bars", "grouped") else "Name a column of type number or int.")
    if odd := request.log - {"x", "y"}:
        raise RequestError(f"`{sorted(odd)[0]}` is not an axis", "Write `log: x`, `log: y` or `log: [x, y]`.")
    if request.log and kind in ("bars", "grouped"):
        raise RequestError("the length of a bar means nothing on a logarithmic axis",
                           "Take `log` out, or show the values as lines or scatter.")
    if request.guides and len(request.log) == 1:
        raise RequestError("a guide is a straight line only where both axes are of one kind",
                           "Write `log: [x, y]`, or take `log` or `guides` out.")
    for name, kinds in (("guides", ("scatter",)), ("marks", ("roofline",)), ("size", ("scatter",))):
        if getattr(request, name) and kind not in kinds:
            raise RequestError(f"a {kind} chart has no `{name}`", f"It belongs to {' and '.join(kinds)}.")


def _check_values(request: ChartRequest) -> None:
    rows = request.rows
    if not rows:
        raise RequestError("no row of the table can be drawn", "Mend `where`, or choose columns that have values.")
    for role in ("x", "y"):
        if role in request.log or request.kind == "roofline":
            for row in rows:
                for name in getattr(request, role):
                    if name in row.cells and row.cells[name].value <= 0:
                        raise RequestError(f"`{name}` of `{row.id}` is {row.cells[name].value}: a logarithmic axis begins above zero",
                                           "Leave the row out with `where`, or take `log` out.")
    groups = len(series_of(request)) if request.kind != "roofline" else len(rows)
    if groups > COLOURS:
        raise RequestError(f"the chart has {groups} series and the book {COLOURS} colours for them",
                           "Narrow it with `where` or `limit`, or choose a coarser `series`.")


def series_of(request: ChartRequest) -> tuple[str, ...]:
    """Return the names of the series in the order they first appear: columns, values of `series`, or one of no name."""
    columns = request.x if request.kind == "grouped" else request.y if request.kind == "lines" else ()
    if len(columns) > 1 or request.kind == "grouped":
        return columns
    if not request.series:
        return ("",)
    return tuple(dict.fromkeys(plain(row, request.series) for row in request.rows))


def plain(row: Row, name: str) -> str:
    """Return a cell's value as one plain string, the same in both languages."""
    value = row.cells[name].value if name in row.cells else ""
    return str(value["en"] if isinstance(value, dict) else value)
