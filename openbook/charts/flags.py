"""Name upright lines near the foot of a plot so that no name crosses another line: each line ends at its own name."""

from __future__ import annotations

from itertools import product

from openbook.charts.drawing import Drawing

#: Room between a line and its name.
ROOM = 4


def draw_flags(drawing: Drawing, places: list[float], names: list[str], edges: tuple[float, float, float, float]) -> None:
    """Draw a dashed line at each place from the top of `edges` (left, right, top, bottom) down to its name."""
    left, right, top, bottom = edges
    size = drawing.size
    spans, levels = arrange(places, [drawing.measure(name) for name in names], left, right)
    heights = [bottom - size * (0.5 + 1.25 * level) for level in levels]
    for x, height in zip(places, heights):
        drawing.line(x, top, x, height, "d")
    for name, (start, _), height in zip(names, spans, heights):
        drawing.plate(start, height, name)
        drawing.text(start, height, name, "q")


def arrange(places: list[float], widths: list[float], left: float, right: float) -> tuple[list[tuple[float, float]], list[int]]:
    """Return where each name begins and ends, beside its line, and its level above the foot.

    A name that reaches past another line must stand lower than that line ends. Of the choices of sides that allow this,
    one with all names on the same side is taken, else the one with most on the right; where none does, names keep to the right.
    """
    first = None
    for sides in sorted(product((1, -1), repeat=len(places)), key=lambda sides: (len(set(sides)) > 1, sides.count(-1))):
        spans = [(x + ROOM, x + ROOM + width) if side > 0 else (x - ROOM - width, x - ROOM) for x, width, side in zip(places, widths, sides)]
        if any(start < left or end > right for start, end in spans):
            continue
        levels, whole = _levels(places, spans)
        if whole:
            return spans, levels
        first = first or (spans, levels)
    if first:
        return first
    spans = [(min(x + ROOM, right - width), min(x + ROOM, right - width) + width) for x, width in zip(places, widths)]
    return spans, list(range(len(places)))


def _levels(places: list[float], spans: list[tuple[float, float]]) -> tuple[list[int], bool]:
    """Return the lowest levels that keep names below the lines they pass and off each other, and whether all do."""
    waiting, levels = set(range(len(places))), {}
    below = {line: {name for name, (start, end) in enumerate(spans) if name != line and start - 2 < x < end + 2} for line, x in enumerate(places)}
    whole = True
    while waiting:
        free = [name for name in sorted(waiting) if not below[name] & waiting]
        whole = whole and bool(free)
        name = (free or sorted(waiting))[0]
        taken = [levels[other] for other in levels if _overlap(spans[name], spans[other])]
        floor = max((levels[other] + 1 for other in below[name] & levels.keys()), default=0)
        levels[name] = next(level for level in range(floor, floor + len(places) + 1) if level not in taken)
        waiting.remove(name)
    return [levels[name] for name in range(len(places))], whole


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] + 2 and other[0] < one[1] + 2
