"""Draw the axes of a chart of points: grid, ticks, and the titles of both, the upright one above its axis."""

from __future__ import annotations

from dataclasses import dataclass

from openbook.charts.drawing import Drawing, number
from openbook.charts.scale import Scale
from openbook.facts.model import Column
from openbook.facts.tables import format_number


@dataclass(frozen=True)
class Frame:
    """The plot inside a drawing: its edges and the scales of its two axes."""

    left: float
    right: float
    top: float
    bottom: float
    x: Scale
    y: Scale


def title(column: Column, lang: str) -> str:
    """Return an axis title: the column's title with its unit."""
    if not column.unit:
        return column.title[lang]
    return f"{column.title[lang]} ({column.unit})" if lang == "en" else f"{column.title[lang]}（{column.unit}）"


def tick_label(value: float, column: Column | None = None) -> str:
    """Return a tick as the tables write numbers; a year has no comma."""
    if column and column.name.endswith("year"):
        return str(round(value))
    return format_number(float(f"{value:.6g}"))


def left_margin(drawing: Drawing, ticks: list[float]) -> float:
    return max(drawing.measure(tick_label(tick)) for tick in ticks) + 10


def draw_axes(drawing: Drawing, frame: Frame, titles: tuple[str, str], columns: tuple[Column | None, Column | None] = (None, None),
              most: tuple[int, int] = (9, 7)) -> None:
    """Draw grid and ticks of a frame, the title of y above the plot and that of x below it."""
    size = drawing.size
    for value in frame.y.ticks(most[1]):
        y = frame.y.at(value)
        drawing.line(frame.left, y, frame.right, y, "g")
        drawing.text(frame.left - 6, y + size * 0.35, tick_label(value, columns[1]), "q", "e")
    for value in frame.x.ticks(most[0]):
        x = frame.x.at(value)
        drawing.line(x, frame.top, x, frame.bottom, "g")
        words = tick_label(value, columns[0])
        drawing.text(min(x, drawing.width - drawing.measure(words) / 2), frame.bottom + size * 1.3, words, "q", "m")
    drawing.path(f"M{number(frame.left)} {number(frame.top)}V{number(frame.bottom)}H{number(frame.right)}", "ax")
    drawing.text(0, frame.top - size * 0.8, titles[1], "q")
    drawing.text((frame.left + frame.right) / 2, frame.bottom + size * 2.8, titles[0], "q", "m")
    drawing.height = frame.bottom + size * 3.3
