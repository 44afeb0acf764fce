"""Read what a page prints from its drawing operators: runs of glyphs and pictures, with their places on the paper.

This is the ground of the preflight: a text layer says what was meant, the operators say what is drawn.
"""

from __future__ import annotations

import copy
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Matrix = tuple[float, float, float, float, float, float]
Box = tuple[float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

_piece = re.compile(rb"<([0-9a-fA-F]*)>|([-+]?[\d.]+(?:[eE][-+]?\d+)?)")
#: WeasyPrint and bind_pages.py write one operator a line, its operands before it; names and dictionaries of
#: marked content have lines of their own.
SHOWN = (b"TJ", b"Tj")


@dataclass(frozen=True)
class Run:
    """Glyphs shown at once: their font's name, their numbers, and the box they take, in points from lower left.

    `artifact` says that they are decoration; `clip` is the part of the page that shows, None for all;
    `mode` is how they are drawn (3 is not at all).
    """

    font: str
    glyphs: tuple[int, ...]
    box: Box
    artifact: bool
    clip: Box | None
    mode: int


@dataclass(frozen=True)
class Picture:
    """A picture as it is printed: its name among the page's resources and the sizes of its edges in points."""

    name: str
    width: float
    height: float
    left: float
    top: float


@dataclass
class Ink:
    """All that a page prints."""

    runs: list[Run] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)


@dataclass
class _State:
    matrix: Matrix
    clip: Box | None
    font: str = ""
    size: float = 0.0
    mode: int = 0
    rise: float = 0.0


def times(a: Matrix, b: Matrix) -> Matrix:
    """Multiply two transformations: first a, then b."""
    return (a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2],
            a[2] * b[1] + a[3] * b[3], a[4] * b[0] + a[5] * b[2] + b[4], a[4] * b[1] + a[5] * b[3] + b[5])


def bounds(matrix: Matrix, left: float, bottom: float, right: float, top: float) -> Box:
    """Give the box on the page of a box in transformed space."""
    a, b, c, d, e, f = matrix
    xs = (a * left + c * bottom + e, a * right + c * bottom + e, a * left + c * top + e, a * right + c * top + e)
    ys = (b * left + d * bottom + f, b * right + d * bottom + f, b * left + d * top + f, b * right + d * top + f)
    return min(xs), min(ys), max(xs), max(ys)


def meet(one: Box | None, other: Box) -> Box:
    """Cut a box to another."""
    if one is None:
        return other
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def read_ink(content: bytes, resources: Any, widths: Mapping[str, Mapping[int, float]]) -> Ink:
    """Follow a page's operators; `widths` gives each font's glyph widths in thousandths of an em."""
    ink = Ink()
    _Reader(ink, widths).read(content, resources, _State(IDENTITY, None), False)
    return ink


class _Reader:
    """Follows operators, into the groups they draw as well."""

    def __init__(self, ink: Ink, widths: Mapping[str, Mapping[int, float]]):
        self.ink, self.widths = ink, widths

    def read(self, content: bytes, resources: Any, state: _State, artifact: bool) -> None:
        """Follow one stream of operators."""
        stack: list[_State] = []
        marks = [artifact]
        line: Matrix = IDENTITY
        path: list[float] = []
        rows = content.split(b"\n")
        for at, row in enumerate(rows):
            operands, _, word = row.rpartition(b" ")
            if word in SHOWN:
                line = self._show(row, state, line, marks[-1])
            elif word == b"cm":
                state.matrix = times(tuple(map(float, operands.split())), state.matrix)
            elif word == b"Tm":
                line = tuple(map(float, operands.split()))
            elif word == b"Td":
                x, y = map(float, operands.split())
                line = times((1, 0, 0, 1, x, y), line)
            elif word == b"Tf":
                font, size = operands.split()
                state.font, state.size = font[1:].decode(), float(size)
            elif word == b"Tr":
                state.mode = int(float(operands))
            elif word == b"Ts":
                state.rise = float(operands)
            elif word == b"re":
                x, y, width, height = map(float, operands.split())
                path = [x, y, x + width, y + height]
            elif word == b"m" and rows[at - 1] != b"h":
                path = list(map(float, operands.split()))
            elif word in (b"l", b"c", b"m"):
                path += map(float, operands.split())
            elif word in (b"W", b"W*"):
                xs, ys = path[::2], path[1::2]
                state.clip = meet(state.clip, bounds(state.matrix, min(xs), min(ys), max(xs), max(ys)))
            elif word == b"Do":
                self._draw(operands[1:].decode(), resources, state, marks[-1])
            elif word in (b"BDC", b"BMC"):
                marks.append(marks[-1] or rows[at - (1 if word == b"BMC" else 2)] == b"/Artifact")
            elif word == b"EMC":
                marks.pop()
            elif word == b"q":
                stack.append(copy.copy(state))
            elif word == b"Q":
                state = stack.pop()
            elif word == b"BT":
                line = IDENTITY

    def _show(self, array: bytes, state: _State, line: Matrix, artifact: bool) -> Matrix:
        """Note a run of glyphs; return where the next one starts."""
        known = self.widths.get(state.font, {})
        glyphs: list[int] = []
        advance = last = 0.0
        for digits, move in _piece.findall(array):
            if move:
                advance -= float(move)
                continue
            shown = struct.unpack(f">{len(digits) // 4}H", bytes.fromhex(digits.decode()))
            glyphs += shown
            for glyph in shown:
                advance += known.get(glyph, 0)
            last = advance
        scale = state.size / 1000
        if glyphs:
            place = times(line, state.matrix)
            box = bounds(place, 0, state.rise - .2 * state.size, last * scale, state.rise + .7 * state.size)
            self.ink.runs.append(Run(state.font, tuple(glyphs), box, artifact, state.clip, state.mode))
        return times((1, 0, 0, 1, advance * scale, 0), line)

    def _draw(self, name: str, resources: Any, state: _State, artifact: bool) -> None:
        """Note a picture, or follow the operators of a group."""
        target = resources.XObject["/" + name]
        if str(target.Subtype) == "/Form":
            inner = _State(state.matrix, state.clip)
            if "/Matrix" in target:
                inner.matrix = times(tuple(float(v) for v in target.Matrix), state.matrix)
            self.read(target.read_bytes(), target.get("/Resources", resources), inner, artifact)
            return
        a, b, c, d, *_ = state.matrix
        box = bounds(state.matrix, 0, 0, 1, 1)
        self.ink.pictures.append(Picture(name, (a * a + b * b) ** .5, (c * c + d * d) ** .5, box[0], box[3]))
