"""Draw a heat map: a cell for each pair of x and y, darker the higher its value, with the value written in it."""

from __future__ import annotations

import math

from openbook.charts.axes import title
from openbook.charts.bars import shown
from openbook.charts.drawing import HEAT, Drawing
from openbook.charts.request import ChartRequest, plain
from openbook.facts.model import Cell, Column
from openbook.facts.tables import format_number


def draw_heatmap(request: ChartRequest, lang: str, drawing: Drawing, words: dict[str, str]) -> None:
    """Draw `request` as a grid; numbers rise to the right and upwards, words keep the order of the rows."""
    size = drawing.size
    x, y, value = request.column(request.x[0]), request.column(request.y[0]), request.column(request.value)
    columns, lines = _steps(request, x), _steps(request, y)
    if y.numeric:
        lines.reverse()
    cells = {(plain(row, x.name), plain(row, y.name)): row.cells[value.name].value for row in request.rows}
    heads, names = ([shown(cell, column, lang) for _, cell in steps] for column, steps in ((x, columns), (y, lines)))
    texts = {place: format_number(number, value.digits) for place, number in cells.items()}

    left = max(drawing.measure(name) for name in names) + 10
    need = max(drawing.measure(text) for text in (*heads, *texts.values())) + 6
    # A wide grid makes the whole drawing wider, which then is shown smaller: no value is cut or covered.
    drawing.width = max(drawing.width, left + need * len(columns))
    wide = min((drawing.width - left) / len(columns), size * 9)
    high = size * (2 if len(lines) < 10 else 1.7)
    top = _key(drawing, title(value, lang), min(cells.values()), max(cells.values()), value) + size * 1.6
    drawing.text(0, top - size * 0.7, title(y, lang), "q")
    for index, ((line, _), name) in enumerate(zip(lines, names)):
        middle = top + high * (index + 0.5) + size * 0.35
        drawing.text(left - 8, middle, name, "e")
        for place, (column, _) in enumerate(columns):
            at = left + wide * place
            if (column, line) not in cells:
                drawing.text(at + wide / 2, middle, "–", "q", "m")
                continue
            step = heat(cells[column, line], list(cells.values()), "value" in request.log)
            drawing.path(f"M{at:.1f} {top + high * index:.1f}h{wide:.1f}v{high:.1f}h{-wide:.1f}z", f"h{step + 1}", "o")
            drawing.text(at + wide / 2, middle, texts[column, line], "m", *(["w"] if step == len(HEAT) - 1 else []))
    bottom = top + high * len(lines)
    for place, head in enumerate(heads):
        drawing.text(left + wide * (place + 0.5), bottom + size * 1.3, head, "m")
    drawing.text(left + wide * len(columns) / 2, bottom + size * 2.8, title(x, lang), "q", "m")
    drawing.height = bottom + size * 3.3


def heat(value: float, values: list[float], log: bool) -> int:
    """Return the step of a value between the lowest and the highest, by ratio on a logarithmic scale."""
    low, high, value = (math.log(number) if log else number for number in (min(values), max(values), value))
    return min(int((value - low) / (high - low) * len(HEAT)), len(HEAT) - 1) if high > low else 0


def _steps(request: ChartRequest, column: Column) -> list[tuple[str, Cell]]:
    """Return the values along an axis, each with a cell that holds it."""
    found: dict[str, Cell] = {}
    for row in request.rows:
        found.setdefault(plain(row, column.name), row.cells[column.name])
    return sorted(found.items(), key=lambda step: step[1].value) if column.numeric else list(found.items())


def _key(drawing: Drawing, words: str, low: float, high: float, column: Column) -> float:
    """Draw the steps of colour between the lowest and the highest value, under what they measure; return the y below."""
    size, y, x = drawing.size, drawing.size * 2.7, 4.0
    drawing.text(0, size * 1.1, words, "q")
    first = format_number(low, column.digits)
    drawing.text(x, y, first, "q")
    x += drawing.measure(first) + 6
    for step in range(len(HEAT)):
        drawing.path(f"M{x + 20 * step:.1f} {y - size * 0.8:.1f}h20v{size:.1f}h-20z", f"h{step + 1}", "o")
    drawing.text(x + 20 * len(HEAT) + 6, y, format_number(high, column.digits), "q")
    return y + size * 0.8
