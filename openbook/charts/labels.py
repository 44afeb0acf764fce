"""Find places for the names of points, so that none covers another or a mark; the same input gives the same places."""

from __future__ import annotations

import math
from collections.abc import Sequence

from openbook.charts.drawing import Drawing

Box = tuple[float, float, float, float]
SWEEPS = 6
#: How far a name keeps from what is not its own, and from a line.
CLEAR, BAND = 2.5, 2.0
#: Names and marks may not be covered; a line may be crossed if it must.
COVER, CROSS = 8, 1


class Labels:
    """The boxes already taken inside a plot."""

    def __init__(self, drawing: Drawing, left: float, right: float, top: float, bottom: float):
        self.drawing, self.edges, self.taken, self.lines = drawing, (left, top, right, bottom), [], []

    def block(self, *box: float) -> None:
        """Keep names off a box."""
        self.taken.append(box)

    def follow(self, places: list[tuple[float, float]]) -> None:
        """Keep names off a line, given by points close together; a name would rather cross it than another name."""
        self.lines += [(x - BAND, y - BAND, x + BAND, y + BAND) for x, y in places]

    def fixed(self, x: float, y: float, words: str, *classes: str) -> None:
        """Set words where the caller wants them and keep other names off."""
        box = self._box(x, y, words)
        self.taken.append(box)
        if _covered(box, self.lines):
            self.drawing.plate(x, y, words)    # the line stops behind what it cannot pass
        self.drawing.text(x, y, words, *classes)

    def place(self, points: list[tuple[float, float, float, str]]) -> None:
        """Set the names of points (x, y, radius, name) beside them, each where it covers least.

        The first names are chosen before the others are known, so each is chosen again until none moves.
        """
        places = [self._around(*point) for point in points]
        boxes = [[self._box(*place, words) for place in around] for around, (*_, words) in zip(places, points)]
        alone = [[self._cost(box) for box in around] for around in boxes]    # what the names do to one another comes on top
        chosen: dict[int, int] = {}
        for _ in range(SWEEPS):
            before = dict(chosen)
            for point in range(len(points)):
                others = [boxes[other][place] for other, place in chosen.items() if other != point]
                chosen[point] = min(range(len(boxes[point])), key=lambda place: (
                    round(alone[point][place] + COVER * _covered(_wide(boxes[point][place]), others), 3), place))
            if chosen == before:
                break
        for point, place in chosen.items():
            self.fixed(*places[point][place], points[point][3])

    def _around(self, x: float, y: float, radius: float, words: str) -> list[tuple[float, float]]:
        """Return where a point's name may begin, the best places first."""
        size, width = self.drawing.size, self.drawing.measure(words)
        near, down = radius + 3, size * 0.35
        return [(x + near, y + down), (x - near - width, y + down), (x - width / 2, y - near), (x - width / 2, y + near + size * 0.75),
                (x + near * 0.7, y - near * 0.6), (x + near * 0.7, y + near * 0.6 + size * 0.7),
                (x - near * 0.7 - width, y - near * 0.6), (x - near * 0.7 - width, y + near * 0.6 + size * 0.7)]

    def along(self, places: list[tuple[float, float]], words: str, *classes: str) -> None:
        """Set words above a line where they cover least; of equal places the one nearest its end."""
        size, width = self.drawing.size, self.drawing.measure(words)
        spots = [(x - width - 3, y - size * 0.3) for x, y in reversed(places[::4] + places[-1:])]
        if spots:
            best = min(range(len(spots)), key=lambda index: (self._cost(self._box(*spots[index], words)), index))
            self.fixed(*spots[best], words, *classes)

    def _box(self, x: float, y: float, words: str) -> Box:
        size = self.drawing.size
        return x, y - size * 0.8, x + self.drawing.measure(words), y + size * 0.22

    def _cost(self, box: Box) -> float:
        left, top, right, bottom = self.edges
        outside = max(0, left - box[0]) + max(0, box[2] - right) + max(0, top - box[1]) + max(0, box[3] - bottom)
        return round(COVER * _covered(_wide(box), self.taken) + CROSS * _covered(_wide(box), self.lines) + outside * 1000, 3)


def _wide(box: Box) -> Box:
    left, top, right, bottom = box
    return left - CLEAR, top - CLEAR / 2, right + CLEAR, bottom + CLEAR / 2


def _covered(box: Box, others: Sequence[Box]) -> float:
    """Return the area of a box that others cover."""
    left, top, right, bottom = box
    return math.fsum((min(right, other[2]) - max(left, other[0])) * (min(bottom, other[3]) - max(top, other[1]))
                     for other in others if other[0] < right and left < other[2] and other[1] < bottom and top < other[3])
