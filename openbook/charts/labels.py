"""Find places for the names of points, so that none covers another or a mark; the same input gives the same places."""

from __future__ import annotations

import math
from collections.abc import Sequence

from openbook.charts.drawing import Drawing, number

Box = tuple[float, float, float, float]
SWEEPS = 6
#: How far a name keeps from what is not its own, and from a line.
CLEAR, BAND = 2.5, 2.0
#: How far above its line the baseline of a line's name is, in sizes of the letters.
LIFT = 0.35
#: Names and marks may not be covered; a line may be crossed if it must.
COVER, CROSS = 8, 1


class Labels:
    """The boxes already taken inside a plot, and the names set there, to be drawn when all have their places."""

    def __init__(self, drawing: Drawing, left: float, right: float, top: float, bottom: float):
        self.drawing, self.edges, self.taken, self.lines = drawing, (left, top, right, bottom), [], []
        self.plates: list[str] = []
        self.names: list[tuple[float, float, str, tuple[str, ...], str]] = []

    def block(self, *box: float) -> None:
        """Keep names off a box."""
        self.taken.append(box)

    def follow(self, places: list[tuple[float, float]]) -> None:
        """Keep names off a line, given by points close together; a name would rather cross it than another name."""
        self.lines += [_band(x, y) for x, y in places]

    def fixed(self, x: float, y: float, words: str, *classes: str) -> None:
        """Set words where the caller wants them and keep other names off."""
        self.taken.append(self._box(x, y, words))
        self._set(x, y, words, classes, (1, 0))

    def draw_plates(self) -> None:
        """Hide grid and lines behind the names; before marks and names are drawn, so that none is cut by another's plate."""
        for plate in self.plates:
            self.drawing.path(plate, "w")

    def draw_names(self) -> None:
        for x, y, words, classes, turned in self.names:
            self.drawing.text(x, y, words, *classes, extra=turned)

    def _set(self, x: float, y: float, words: str, classes: tuple[str, ...], along: tuple[float, float]) -> None:
        """Note down words and their plate; `along` is the direction in which they are read."""
        (right, down), size, width = along, self.drawing.size, self.drawing.measure(words)
        corners = [(-1, -0.85 * size), (width + 1, -0.85 * size), (width + 1, 0.2 * size), (-1, 0.2 * size)]
        self.plates.append("M" + "L".join(f"{number(x + a * right - b * down)} {number(y + a * down + b * right)}" for a, b in corners) + "z")
        angle = math.degrees(math.atan2(down, right))
        turned = f' transform="rotate({number(angle)} {number(x)} {number(y)})"' if angle else ""
        self.names.append((x, y, words, classes, turned))

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
        """Set words on the upper side of a straight line, turned with it, where they cover least; of equal places the one nearest its end."""
        if len(places) < 2:
            return
        size, width = self.drawing.size, self.drawing.measure(words)
        (x1, y1), (x2, y2) = places[0], places[-1]
        length = math.dist(places[0], places[-1])
        right, down = (x2 - x1) / length, (y2 - y1) / length
        above, step, own = LIFT * size, size / 2, {_band(x, y) for x, y in places}
        others = [line for line in self.lines if line not in own]
        spots, at = [], length - width - 3
        while at >= 0 or not spots:
            start = x1 + at * right + above * down, y1 + at * down - above * right
            # A turned name is a row of small boxes around the middle of its letters.
            middles = [(start[0] + along * right + 0.3 * size * down, start[1] + along * down - 0.3 * size * right)
                       for along in (part * step for part in range(int(width / step) + 2))]
            spots.append((start, [(x - 0.4 * size, y - 0.4 * size, x + 0.4 * size, y + 0.4 * size) for x, y in middles]))
            at -= size
        start, boxes = min(spots, key=lambda spot: math.fsum(self._cost(box, others) for box in spot[1]))
        self.taken += boxes
        self._set(*start, words, classes, (right, down))

    def _box(self, x: float, y: float, words: str) -> Box:
        size = self.drawing.size
        return x, y - size * 0.8, x + self.drawing.measure(words), y + size * 0.22

    def _cost(self, box: Box, lines: Sequence[Box] | None = None) -> float:
        left, top, right, bottom = self.edges
        outside = max(0, left - box[0]) + max(0, box[2] - right) + max(0, top - box[1]) + max(0, box[3] - bottom)
        return round(COVER * _covered(_wide(box), self.taken) + CROSS * _covered(_wide(box), self.lines if lines is None else lines) + outside * 1000, 3)


def _band(x: float, y: float) -> Box:
    return x - BAND, y - BAND, x + BAND, y + BAND


def _wide(box: Box) -> Box:
    left, top, right, bottom = box
    return left - CLEAR, top - CLEAR / 2, right + CLEAR, bottom + CLEAR / 2


def _covered(box: Box, others: Sequence[Box]) -> float:
    """Return the area of a box that others cover."""
    left, top, right, bottom = box
    return math.fsum((min(right, other[2]) - max(left, other[0])) * (min(bottom, other[3]) - max(top, other[1]))
                     for other in others if other[0] < right and left < other[2] and other[1] < bottom and top < other[3])
