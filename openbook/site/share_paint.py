"""Paint the book's own drawings (its cover, its mark) as pixels: the few shapes of SVG that they are made of."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree
from PIL import Image, ImageDraw

Point = tuple[float, float]
#: Straight pieces that a curve is drawn with; a curve of the cover is a few pixels long.
PIECES = 6
SMOOTH = 2    # pixels across for each pixel of the picture
INHERITED = ("fill", "stroke", "stroke-width", "stroke-opacity")


@dataclass(frozen=True)
class Frame:
    """A part of a drawing: its left upper corner in units of the drawing, and pixels a unit."""

    left: float
    top: float
    scale: float

    def at(self, point: Point) -> Point:
        return (point[0] - self.left) * self.scale * SMOOTH, (point[1] - self.top) * self.scale * SMOOTH


@dataclass
class Painter:
    """Paints elements over a picture, enlarged so that their edges come out smooth."""

    picture: Image.Image
    frame: Frame
    draw: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.picture = self.picture.resize((self.picture.width * SMOOTH, self.picture.height * SMOOTH))
        self.draw = ImageDraw.Draw(self.picture, "RGBA")

    def paint(self, element: etree._Element, style: dict[str, str]) -> None:
        """Paint an element and what is in it; what it does not say of itself holds from around it."""
        style = {**style, **{name: element.get(name) for name in INHERITED if element.get(name)}}
        shape = etree.QName(element).localname if isinstance(element.tag, str) else ""
        if shape == "path":
            for line in lines_of(element.get("d")):
                self._line(line, style)
        elif shape == "polyline":
            numbers = [float(number) for number in re.findall(r"-?[\d.]+", element.get("points"))]
            self._line(list(zip(numbers[::2], numbers[1::2])), style)
        elif shape in ("circle", "rect"):
            self._box(element, style, shape)
        for child in element:
            self.paint(child, style)

    def finished(self) -> Image.Image:
        """Return the picture in its own size."""
        return self.picture.resize((self.picture.width // SMOOTH, self.picture.height // SMOOTH), Image.Resampling.LANCZOS)

    def _width(self, style: dict[str, str]) -> int:
        return max(1, round(float(style.get("stroke-width", 1)) * self.frame.scale * SMOOTH))

    def _line(self, line: list[Point], style: dict[str, str]) -> None:
        if stroke := colour(style.get("stroke"), style):
            self.draw.line([self.frame.at(point) for point in line], stroke, self._width(style), joint="curve")

    def _box(self, element: etree._Element, style: dict[str, str], shape: str) -> None:
        def number(name: str) -> float:
            return float(element.get(name, 0))

        if shape == "circle":
            x, y, width, height, corner = number("cx") - number("r"), number("cy") - number("r"), 2 * number("r"), 2 * number("r"), number("r")
        else:
            x, y, width, height, corner = number("x"), number("y"), number("width"), number("height"), number("rx")
        self.draw.rounded_rectangle([self.frame.at((x, y)), self.frame.at((x + width, y + height))], corner * self.frame.scale * SMOOTH,
                                    colour(style.get("fill", "#000"), {}), colour(style.get("stroke"), style), self._width(style))


def colour(name: str | None, style: dict[str, str]) -> tuple[int, ...] | None:
    """Return `#4d8fd6` or `#fff` with the style's opacity as numbers; None where nothing is painted."""
    if not name or not name.startswith("#"):
        return None
    digits = name[1:] if len(name) == 7 else "".join(digit * 2 for digit in name[1:])
    return (*(int(digits[place:place + 2], 16) for place in (0, 2, 4)), round(255 * float(style.get("stroke-opacity", 1))))


def lines_of(path: str) -> Iterator[list[Point]]:
    """Yield the lines of a path made of M, L, C and Z, its curves in straight pieces."""
    line: list[Point] = []
    for command, text in re.findall(r"([MLCZ])([^MLCZ]*)", path):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", text)]
        points = list(zip(numbers[::2], numbers[1::2]))
        if command == "M":
            if line:
                yield line
            line = points
        elif command == "L":
            line += points
        elif command == "C":
            for first, second, end in zip(points[::3], points[1::3], points[2::3]):
                line += list(_curve(line[-1], first, second, end))
        else:
            line.append(line[0])
    if line:
        yield line


def _curve(start: Point, first: Point, second: Point, end: Point) -> Iterator[Point]:
    for piece in range(1, PIECES + 1):
        t = piece / PIECES
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3)
        yield tuple(math.fsum(weight * point[axis] for weight, point in zip(weights, (start, first, second, end))) for axis in (0, 1))
