"""Draw points: lines through them by series, or a scatter whose marks may differ in area and carry names."""

from __future__ import annotations

import math
from collections.abc import Callable

from openbook.charts.axes import Frame, draw_axes, left_margin, title
from openbook.charts.bars import shown
from openbook.charts.drawing import Drawing, marker
from openbook.charts.labels import Labels
from openbook.charts.request import ChartRequest, plain, series_of
from openbook.charts.scale import Scale, around, from_zero, round_down
from openbook.facts.tables import format_number

AREA = {"en": "area: {}", "zh": "面积：{}"}


def draw_lines(request: ChartRequest, lang: str, drawing: Drawing, words: dict[str, str]) -> None:
    """Draw a line a series, each with its colour, dash and mark."""
    series, several = series_of(request), len(request.y) > 1
    lines = []
    for name in series:
        column = name if several else request.y[0]
        rows = [row for row in request.rows if column in row.cells and (several or not request.series or plain(row, request.series) == name)]
        lines.append([(row.cells[request.x[0]].value, row.cells[column].value) for row in rows])
    points = [point for line in lines for point in line]
    one = request.column(request.y[0])
    head = (one.unit or "") if several else title(one, lang)
    frame = _frame(request, drawing, points, series, words, 0.46 if drawing.width > 500 else 0.85, True)
    columns = (request.column(request.x[0]), None)
    draw_axes(drawing, frame, (title(columns[0], lang), head), columns, _most(drawing))
    for index, line in enumerate(lines):
        places = [(frame.x.at(x), frame.y.at(y)) for x, y in sorted(line)]
        drawing.path("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places), "k", f"s{index + 1}")
        for x, y in places:
            marker(drawing, index, x, y)


def draw_scatter(request: ChartRequest, lang: str, drawing: Drawing, words: dict[str, str]) -> None:
    """Draw a named mark a row; straight guides join the places where y is a fixed multiple of x."""
    rows, series = request.rows, series_of(request)
    x_name, y_name = request.x[0], request.y[0]
    points = [(row.cells[x_name].value, row.cells[y_name].value) for row in rows]
    key = _size_key(request, drawing, lang) if request.size else None
    frame = _frame(request, drawing, points, series, words, 0.62 if drawing.width > 500 else 1.15, False, key)
    columns = (request.column(x_name), request.column(y_name))
    draw_axes(drawing, frame, (title(columns[0], lang), title(columns[1], lang)), columns, _most(drawing))
    labels = Labels(drawing, frame.left, frame.right, frame.top, frame.bottom)
    guides = [(text[lang], _guide(drawing, frame, ratio)) for text, ratio in request.guides]
    radii = _radii(request, rows, drawing)
    marks = []
    for row, (x, y), radius in zip(rows, points, radii):
        index = series.index(plain(row, request.series)) if request.series else 0
        marks.append((frame.x.at(x), frame.y.at(y), radius, index, shown(row.cells[request.label], request.column(request.label), lang)))
    for x, y, radius, *_ in marks:
        labels.block(x - radius, y - radius, x + radius, y + radius)
    for _, places in guides:
        labels.follow(places)
    labels.place([(x, y, radius, name) for x, y, radius, _, name in marks])
    for text, places in guides:    # last: a guide can be named anywhere on its way
        labels.along(places, text, "q")
    labels.draw_plates()
    for x, y, radius, index, _ in sorted(marks, key=lambda mark: -mark[2]):
        marker(drawing, index, x, y, radius)
    labels.draw_names()


def _most(drawing: Drawing) -> tuple[int, int]:
    return (9, 7) if drawing.width > 500 else (5, 7)


def _frame(request: ChartRequest, drawing: Drawing, points: list[tuple[float, float]], series: tuple[str, ...],
           words: dict[str, str], shape: float, lines: bool, key: Callable[[float], float] | None = None) -> Frame:
    """Return the plot: keys above it, room for the ticks on its left, `shape` times as high as the drawing is wide."""
    size, top = drawing.size, drawing.size * 0.4
    if len(series) > 1:
        def sample(index: int, x: float, y: float) -> None:
            if lines:
                drawing.path(f"M{x - 3:.1f} {y:.1f}h16", "k", f"s{index + 1}")
            marker(drawing, index, x + 5, y)

        top = drawing.legend([words[name] for name in series], 4, size * 1.1, drawing.width, sample) + size * 0.3
    if key:
        top = key(top)
    top += size * 2.2
    bottom = top + drawing.width * (shape - 0.12)
    y = around([point[1] for point in points], bottom, top, "y" in request.log)
    if lines and not y.log:
        y = from_zero([point[1] for point in points], bottom, top, 6)
    left = left_margin(drawing, y.ticks(7))
    right = drawing.width - 8
    return Frame(left, right, top, bottom, around([point[0] for point in points], left, right, "x" in request.log), y)


def _radii(request: ChartRequest, rows: list, drawing: Drawing) -> list[float]:
    """Return the size of each mark: its area follows the `size` column, a row without a value is the smallest."""
    if not request.size:
        return [5.0] * len(rows)
    values = [row.cells[request.size].value if request.size in row.cells else 0 for row in rows]
    return [_radius(value, max(values), drawing) for value in values]


def _radius(value: float, largest: float, drawing: Drawing) -> float:
    return max(3.5, (15 if drawing.width > 500 else 10) * math.sqrt(value / largest)) if largest else 3.5


def _size_key(request: ChartRequest, drawing: Drawing, lang: str) -> Callable[[float], float]:
    """Return what draws a key of two areas below a given y and returns the y below it."""
    largest = max((row.cells[request.size].value for row in request.rows if request.size in row.cells), default=0)

    def draw(top: float) -> float:
        name, x = AREA[lang].format(title(request.column(request.size), lang)), 4.0
        middle = top + max(_radius(largest, largest, drawing), drawing.size * 0.8) + 2
        drawing.text(x, middle + drawing.size * 0.35, name, "q")
        x += drawing.measure(name) + 10
        for value in dict.fromkeys(round_down(part) for part in (largest / 5, largest) if part > 0):
            radius, words = _radius(value, largest, drawing), format_number(value)
            drawing.circle(x + radius, middle, radius, "ax")
            drawing.text(x + 2 * radius + 5, middle + drawing.size * 0.35, words, "q")
            x += 2 * radius + 5 + drawing.measure(words) + 10
        return 2 * middle - top - drawing.size * 0.2

    return draw


def _guide(drawing: Drawing, frame: Frame, ratio: float) -> list[tuple[float, float]]:
    """Draw the line y = x * ratio through the plot; return points on it, from left to right."""
    places = []
    for step in range(129):
        x = frame.left + (frame.right - frame.left) * step / 128
        value = _value(frame.x, x) * ratio
        if value > 0 and frame.y.low <= value <= frame.y.high:
            places.append((x, frame.y.at(value)))
    if len(places) > 1:    # straight: both axes are linear, or both logarithmic
        drawing.line(*places[0], *places[-1], "d")
    return places


def _value(scale: Scale, place: float) -> float:
    part = (place - scale.start) / (scale.end - scale.start)
    return scale.low * (scale.high / scale.low) ** part if scale.log else scale.low + part * (scale.high - scale.low)
