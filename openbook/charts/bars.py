"""Draw bars: one a row, or one a column and row in groups. Lengths begin at zero; the value stands at the end."""

from __future__ import annotations

from openbook.charts.axes import tick_label, title
from openbook.charts.drawing import Drawing
from openbook.charts.request import ChartRequest, plain, series_of
from openbook.charts.scale import from_zero
from openbook.facts.model import Cell, Column
from openbook.facts.tables import format_number


def draw_bars(request: ChartRequest, lang: str, drawing: Drawing, words: dict[str, str]) -> None:
    """Draw `request` as horizontal bars; `words` names the series of a key in the page's language."""
    rows, series, size = request.rows, series_of(request), drawing.size
    names = [shown(row.cells[request.y[0]], request.column(request.y[0]), lang) for row in rows]
    widest = max(drawing.measure(name) for name in names)
    above = widest > drawing.width * 0.34    # long names stand over their bars
    left = 6 if above else widest + 10
    grouped = request.kind == "grouped"
    thick, gap = (size * 1.1, size * 0.7) if grouped else (size * 1.25, size * 0.5)
    values = [(row, name, row.cells[name].value) for row in rows for name in request.x if name in row.cells]
    ends = max(drawing.measure(_end(value, request.column(name))) for _, name, value in values) + 8
    scale = from_zero([value for *_, value in values], left, drawing.width - ends, 5 if drawing.width < 500 else 8)

    top = size * 0.9
    if len(series) > 1:
        top = drawing.legend([words[name] for name in series], left, size * 1.1, drawing.width, lambda index, x, y: drawing.bar(
            x, x + 12, y - 5, 10, index)) + size * 0.5
    places, y = [], top + gap / 2
    for row in rows:
        start = y + (size * 1.35 if above else 0)
        bars = [name for name in request.x if name in row.cells]
        places.append((y, start, bars))
        y = start + thick * max(len(bars), 1) + gap
    bottom = y - gap / 2
    for value in scale.ticks(5 if drawing.width < 500 else 8):
        drawing.line(scale.at(value), top, scale.at(value), bottom, "g")
        drawing.text(scale.at(value), bottom + size * 1.3, tick_label(value), "q", "m")
    for row, name, (y, start, bars) in zip(rows, names, places):
        if above:
            drawing.text(left, y + size * 0.95, name)
        else:
            drawing.text(left - 8, start + thick * len(bars) / 2 + size * 0.35, name, "e")
        for place, column in enumerate(bars):
            value = row.cells[column].value
            colour = series.index(column) if grouped else series.index(plain(row, request.series)) if request.series else 0
            at = start + place * thick
            drawing.bar(scale.at(0), scale.at(value), at, thick - (1 if grouped else 0), colour)
            drawing.text(scale.at(max(value, 0)) + 5, at + thick / 2 + size * 0.33, _end(value, request.column(column)))
    drawing.line(scale.at(0), top, scale.at(0), bottom, "ax")
    units = request.column(request.x[0]).unit
    foot = (units or "") if grouped else title(request.column(request.x[0]), lang)
    drawing.text((left + drawing.width - ends) / 2, bottom + size * 2.8, foot, "q", "m")
    drawing.height = bottom + size * 3.3


def shown(cell: Cell, column: Column, lang: str) -> str:
    """Return a cell as words in one language, without notes and citations."""
    if column.type == "choice":
        return column.choices[str(cell.value)][lang]
    if isinstance(cell.value, dict):
        return cell.value[lang].replace("`", "")
    return _end(cell.value, column) if column.numeric else str(cell.value)


def _end(value: float, column: Column) -> str:
    return str(value) if column.name.endswith("year") else format_number(value, column.digits)
