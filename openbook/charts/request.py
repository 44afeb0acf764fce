"""Read a `chart` fence: what to draw, from which facts; and say what to change when it cannot be drawn."""

from __future__ import annotations

from dataclasses import dataclass

from openbook import LANGUAGES
from openbook.facts.fences import RequestError, Where, check_columns, read_fields, select, table_of, where_of
from openbook.facts.model import Column, Facts, Row, Table, Words
from openbook.facts.tables import format_number

KINDS = ("bars", "grouped", "stacked", "lines", "scatter", "roofline", "heatmap")
FIELDS = ("id", "data", "kind", "x", "y", "value", "label", "series", "size", "where", "sort", "limit", "log", "guides", "marks",
          "caption")
#: Kinds whose `x` is one column or several, drawn as lengths.
BARS = ("bars", "grouped", "stacked")
SEVERAL = ("grouped", "stacked")
#: The roles whose columns hold numbers, by kind. The other of x and y names the things a bar stands for.
NUMBERS = {"bars": ("x",), "grouped": ("x",), "stacked": ("x",), "lines": ("x", "y"), "scatter": ("x", "y", "size"),
           "roofline": ("x", "y"), "heatmap": ("value",)}
NEEDS = {"scatter": ("label", "Name the column that says what each of its parts is."),
         "roofline": ("label", "Name the column that says what each of its parts is."),
         "heatmap": ("value", "Name the column of numbers that its cells show.")}
#: Fields that only some kinds have.
OWN = {"guides": ("scatter",), "marks": ("roofline",), "size": ("scatter",), "value": ("heatmap",), "series": ("bars", "lines", "scatter")}
COLOURS = 6
#: The most columns and rows of a heat map that a page can hold.
CELLS = (12, 24)


@dataclass(frozen=True)
class ChartRequest:
    """What a `chart` fence asks for; `x` and `y` hold one column, or several where a kind draws several."""

    id: str
    kind: str
    table: Table
    x: tuple[str, ...]
    y: tuple[str, ...]
    value: str | None
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
        needed = {"bars": self.x, "grouped": (), "stacked": (), "lines": self.x,
                  "heatmap": (*self.x, *self.y, self.value)}.get(self.kind, (*self.x, *self.y))
        rows = [row for row in select(self.table, self.where, self.sort) if all(name in row.cells for name in needed)]
        several = self.x if self.kind in SEVERAL else self.y if self.kind == "lines" else ()
        rows = [row for row in rows if not several or any(name in row.cells for name in several)]
        return rows[:self.limit]


def parse_chart(body: str, facts: Facts) -> ChartRequest:
    """Return the request in the body of a `chart` fence; raise RequestError when it cannot be drawn."""
    fields = read_fields(body, "chart", "fig", FIELDS, ("id", "data", "kind", "x", "y", "caption"))
    kind = str(fields["kind"])
    if kind not in KINDS:
        raise RequestError(f"`{kind}` is not a kind of chart", f"Use one of: {', '.join(KINDS)}.")
    table, where = table_of(fields, facts), where_of(fields)
    sort, value, label, series, size = (str(fields[name]) if fields.get(name) else None
                                        for name in ("sort", "value", "label", "series", "size"))
    x, y = _columns(fields["x"]), _columns(fields["y"])
    named = (*x, *y, *where, *(name for name in (sort and sort.lstrip("-"), value, label, series, size) if name))
    check_columns(table, named)
    request = ChartRequest(str(fields["id"]), kind, table, x, y, value, label, series, size, where, sort, _limit(fields),
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
    if kind in NEEDS and not getattr(request, NEEDS[kind][0]):
        raise RequestError(f"a {kind} chart has no `{NEEDS[kind][0]}`", NEEDS[kind][1])
    for role, several in (("x", kind in SEVERAL), ("y", kind == "lines")):
        if len(getattr(request, role)) > 1 and not several:
            raise RequestError(f"a {kind} chart has one column as `{role}`", "Keep one of them, or use another kind.")
    if kind in SEVERAL and request.series:
        raise RequestError(f"a {kind} chart colours its bars by column, so it has no `series`",
                           "Take `series` out, or use bars with one column.")
    if len(request.y) > 1 and request.series:
        raise RequestError("lines are drawn one a column or one a series, not both", "Keep one column as `y`, or no `series`.")
    for name, kinds in OWN.items():
        if getattr(request, name) and kind not in kinds:
            raise RequestError(f"a {kind} chart has no `{name}`", f"It belongs to {' and '.join(kinds)}.")
    for role in NUMBERS[kind]:
        value = getattr(request, role)
        for name in (value if isinstance(value, tuple) else (value,) if value else ()):
            if not request.column(name).numeric:
                raise RequestError(f"`{role}: {name}` of a {kind} chart is not a column of numbers",
                                   "Bars have what they stand for as `y` and their length as `x`."
                                   if kind in BARS else "Name a column of type number or int.")
    _check_axes(request)


def _check_axes(request: ChartRequest) -> None:
    kind, axes = request.kind, ("value",) if request.kind == "heatmap" else ("x", "y")
    if odd := request.log - set(axes):
        raise RequestError(f"`{sorted(odd)[0]}` is not an axis" if kind != "heatmap" else f"`{sorted(odd)[0]}` of a heatmap is cut into steps already",
                           "Write `log: x`, `log: y` or `log: [x, y]`." if kind != "heatmap" else "Write `log: value`, or take `log` out.")
    if request.log and kind in BARS:
        raise RequestError("the length of a bar means nothing on a logarithmic axis",
                           "Take `log` out, or show the values as lines or scatter.")
    if request.guides and len(request.log) == 1:
        raise RequestError("a guide is a straight line only where both axes are of one kind",
                           "Write `log: [x, y]`, or take `log` or `guides` out.")
    units = {request.column(name).unit for name in request.x}
    if kind == "stacked" and len(units) > 1:
        raise RequestError(f"the columns of a stack have units {', '.join(sorted(str(unit) for unit in units))}", "Only what has one unit adds up.")


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
    if request.kind == "stacked":
        for row in rows:
            for name in request.x:
                if name in row.cells and row.cells[name].value < 0:
                    raise RequestError(f"`{name}` of `{row.id}` is below zero: a stack only adds", "Leave the row out with `where`, or draw it as grouped.")
    if request.kind == "heatmap":
        _check_cells(request)
    groups = len(series_of(request)) if request.kind != "roofline" else len(rows)
    if groups > COLOURS:
        raise RequestError(f"the chart has {groups} series and the book {COLOURS} colours for them",
                           "Narrow it with `where` or `limit`, or choose a coarser `series`.")


def _check_cells(request: ChartRequest) -> None:
    """Raise RequestError when the rows of a heat map do not make a grid."""
    seen: dict[tuple[str, str], str] = {}
    for row in request.rows:
        place = plain(row, request.x[0]), plain(row, request.y[0])
        if place in seen:
            raise RequestError(f"`{seen[place]}` and `{row.id}` are both at {request.x[0]} {place[0]}, {request.y[0]} {place[1]}",
                               "Narrow it with `where` until each cell has one row.")
        seen[place] = row.id
        if "value" in request.log and row.cells[request.value].value <= 0:
            raise RequestError(f"`{request.value}` of `{row.id}` is {row.cells[request.value].value}: a logarithmic axis begins above zero",
                               "Leave the row out with `where`, or take `log` out.")
    for role, most, number in zip(("x", "y"), CELLS, (0, 1)):
        if (count := len({place[number] for place in seen})) > most:
            raise RequestError(f"the heatmap has {count} values of `{getattr(request, role)[0]}` and the page room for {most}",
                               "Narrow it with `where`, or turn x and y round.")


def stack_total(request: ChartRequest, row: Row) -> str:
    """Return the sum of a row's stacked columns, written with the decimals of the finest."""
    columns = [request.column(name) for name in request.x if name in row.cells]
    digits = None if any(column.digits is None for column in columns) else max(column.digits for column in columns)
    return format_number(float(f"{sum(row.cells[column.name].value for column in columns):.10g}"), digits)


def series_of(request: ChartRequest) -> tuple[str, ...]:
    """Return the names of the series in the order they first appear: columns, values of `series`, or one of no name."""
    columns = request.x if request.kind in SEVERAL else request.y if request.kind == "lines" else ()
    if len(columns) > 1 or request.kind in SEVERAL:
        return columns
    if not request.series:
        return ("",)
    return tuple(dict.fromkeys(plain(row, request.series) for row in request.rows))


def plain(row: Row, name: str) -> str:
    """Return a cell's value as one plain string, the same in both languages."""
    value = row.cells[name].value if name in row.cells else ""
    return str(value["en"] if isinstance(value, dict) else value)
