"""Draw bars: one a row, one a column and row in groups, or stacked. Lengths begin at zero; the value stands at the end."""

from __future__ import annotations

from dataclasses import dataclass

from openbook.charts.axes import tick_label, title
from openbook.charts.drawing import Drawing
from openbook.charts.request import ChartRequest, plain, series_of, stack_total
from openbook.charts.scale import from_zero
from openbook.facts.model import Cell, Column, Row
from openbook.facts.tables import format_number


@dataclass(frozen=True)
class Bar:
    """One bar: pieces from value to value with the colour of each, and the words at its end."""

    pieces: tuple[tuple[float, float, int], ...]
    end: str

    @property
    def length(self) -> float:
        return self.pieces[-1][1] if self.pieces else 0


def draw_bars(request: ChartRequest, lang: str, drawing: Drawing, words: dict[str, str]) -> None:
    """Draw `request` as horizontal bars; `words` names the series of a key in the page's language."""
    rows, series, size = request.rows, series_of(request), drawing.size
    stacked, grouped = request.kind == "stacked", request.kind == "grouped"
    names = [shown(row.cells[request.y[0]], request.column(request.y[0]), lang) for row in rows]
    bars = [_bars(request, row, series) for row in rows]
    widest = max(drawing.measure(name) for name in names)
    # Names too long to leave the bars their length stand over them, which makes a row twice as high.
    above = widest > drawing.width * (0.5 if drawing.width > 500 else 0.34)
    left = 6 if above else widest + 10
    thick, gap = (size * 1.08, size * 0.42) if grouped else (size * 1.15, size * 0.4)
    ends = max(drawing.measure(bar.end) for group in bars for bar in group) * (1.07 if stacked else 1) + 8
    most = 5 if drawing.width < 500 else 8
    scale = from_zero([bar.length for group in bars for bar in group], left, drawing.width - ends, most)

    top = size * 0.9
    if len(series) > 1:
        top = drawing.legend([words[name] for name in series], left, size * 1.1, drawing.width, lambda index, x, y: drawing.bar(
            x, x + 12, y - 5, 10, index, stacked)) + size * 0.5
    places, y = [], top + gap / 2
    for group in bars:
        start = y + (size * 1.35 if above else 0)
        places.append((y, start))
        y = start + thick * max(len(group), 1) + gap
    bottom = y - gap / 2
    for value in scale.ticks(most):
        drawing.line(scale.at(value), top, scale.at(value), bottom, "g")
        drawing.text(scale.at(value), bottom + size * 1.3, tick_label(value), "q", "m")
    for group, (_, start) in zip(bars, places):    # before any bar: none is cut by the plate of its neighbour's value
        for place, bar in enumerate(group):
            drawing.plate(scale.at(max(bar.length, 0)) + 5, start + place * thick + thick / 2 + size * 0.33, bar.end)
    for name, group, (y, start) in zip(names, bars, places):
        if above:
            drawing.plate(left + 4, y + size * 0.95, name)
            drawing.text(left + 4, y + size * 0.95, name)
        else:
            drawing.text(left - 8, start + thick * len(group) / 2 + size * 0.35, name, "e")
        for place, bar in enumerate(group):
            at = start + place * thick
            for low, high, colour in bar.pieces:
                drawing.bar(scale.at(low), scale.at(high), at, thick - (1 if grouped else 0), colour, stacked)
            drawing.text(scale.at(max(bar.length, 0)) + 5, at + thick / 2 + size * 0.33, bar.end, *(["b"] if stacked else []))
    drawing.line(scale.at(0), top, scale.at(0), bottom, "ax")
    first = request.column(request.x[0])
    foot = (first.unit or "") if len(request.x) > 1 else title(first, lang)
    drawing.text((left + drawing.width - ends) / 2, bottom + size * 2.8, foot, "q", "m")
    drawing.height = bottom + size * 3.3


def _bars(request: ChartRequest, row: Row, series: tuple[str, ...]) -> list[Bar]:
    """Return the bars of a row: one for each column it has, or one with a piece for each."""
    columns = [name for name in request.x if name in row.cells]
    if request.kind == "stacked":
        pieces, low = [], 0.0
        for name in columns:
            if value := row.cells[name].value:
                pieces.append((low, low + value, series.index(name)))
                low += value
        return [Bar(tuple(pieces), stack_total(request, row))]
    bars = []
    for name in columns:
        value = row.cells[name].value
        colour = series.index(name if request.kind == "grouped" else plain(row, request.series) if request.series else "")
        bars.append(Bar(((0, value, colour),), _end(value, request.column(name))))
    return bars


def shown(cell: Cell, column: Column, lang: str) -> str:
    """Return a cell as words in one language, without notes and citations."""
    if column.type == "choice":
        return column.choices[str(cell.value)][lang]
    if isinstance(cell.value, dict):
        return cell.value[lang].replace("`", "")
    return _end(cell.value, column) if column.numeric else str(cell.value)


def _end(value: float, column: Column) -> str:
    return str(value) if column.name.endswith("year") else format_number(value, column.digits)
