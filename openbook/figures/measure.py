"""Find text of a figure that leaves its picture, measured in the letters that the PDF prints."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from openbook.figures.text import text_width

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
TRANSFORM = re.compile(r"(matrix|translate|scale|rotate)\s*\(([^)]*)\)")
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
COMPOUND = re.compile(r"^(?P<tag>[a-z]*)(?P<classes>(?:\.[\w-]+)*)$")
INHERITED = ("font-size", "font-weight", "font-family", "text-anchor")
#: How far letters reach above and below their baseline, in parts of their size.
ABOVE, BELOW = 0.75, 0.22
MONO = 0.6
SLACK = 1.0

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1, 0, 0, 1, 0, 0)


@dataclass(frozen=True)
class Overflow:
    """A text that leaves the picture: its line in the file, its words, and by how many units."""

    line: int
    words: str
    by: float


@dataclass(frozen=True)
class Piece:
    """Words set from one point on, in one style."""

    words: str
    x: float
    y: float
    style: dict[str, str]
    matrix: Matrix
    line: int


def overflows(root: etree._Element) -> list[Overflow]:
    """Return the texts of a figure in one language that leave its viewBox."""
    left, top, width, height = (float(number) for number in NUMBER.findall(root.get("viewBox"))[:4])
    found = []
    for piece in _pieces(root, _rules(root), {}, IDENTITY):
        corners = [_apply(piece.matrix, x, y) for x, y in _corners(piece)]
        by = max(max(left - x, x - left - width, top - y, y - top - height) for x, y in corners)
        if by > SLACK:
            found.append(Overflow(piece.line, piece.words, by))
    return found


def _corners(piece: Piece) -> list[tuple[float, float]]:
    size = _size(piece.style)
    bold = piece.style.get("font-weight", "") in ("bold", "600", "700", "800")
    mono = "mono" in piece.style.get("font-family", "")
    width = len(piece.words) * MONO * size if mono else text_width(piece.words, size, bold)
    start = piece.x - width * {"middle": 0.5, "end": 1}.get(piece.style.get("text-anchor", ""), 0)
    return [(x, y) for x in (start, start + width) for y in (piece.y - ABOVE * size, piece.y + BELOW * size)]


def _size(style: dict[str, str]) -> float:
    found = NUMBER.search(style.get("font-size", ""))
    return float(found[0]) if found else 16.0


def _rules(root: etree._Element) -> list[tuple[int, str, frozenset[str], dict[str, str]]]:
    """Return the style rules as (weight, tag, classes, declarations); only the last part of a selector counts."""
    rules = []
    for style in root.iter("{*}style"):
        for selectors, body in RULE.findall(re.sub(r"/\*.*?\*/", "", style.text or "", flags=re.S)):
            for selector in selectors.split(","):
                found = COMPOUND.match((selector.split() or [""])[-1])
                if found:
                    classes = frozenset(found["classes"].split(".")) - {""}
                    rules.append((len(classes), found["tag"], classes, _declarations(body)))
    return sorted(rules, key=lambda rule: rule[0])


def _declarations(body: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in body.split(";") if ":" in part)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _style(element: etree._Element, rules: list, inherited: dict[str, str]) -> dict[str, str]:
    style = {**inherited, **{name: element.get(name) for name in INHERITED if element.get(name)}}
    tag, classes = etree.QName(element).localname, set((element.get("class") or "").split())
    for _, wanted, needed, declared in rules:
        if wanted in ("", tag) and needed <= classes and (wanted or needed):
            style.update({name: value for name, value in declared.items() if name in INHERITED})
    style.update({name: value for name, value in _declarations(element.get("style") or "").items() if name in INHERITED})
    return style


def _pieces(element: etree._Element, rules: list, inherited: dict[str, str], matrix: Matrix) -> Iterator[Piece]:
    if not isinstance(element.tag, str) or etree.QName(element).localname in ("defs", "style", "title", "desc"):
        return
    style = _style(element, rules, inherited)
    matrix = _chain(matrix, _transform(element.get("transform") or ""))
    if etree.QName(element).localname == "text":
        yield from _text(element, rules, style, matrix)
        return
    for child in element:
        yield from _pieces(child, rules, style, matrix)


def _text(element: etree._Element, rules: list, style: dict[str, str], matrix: Matrix) -> Iterator[Piece]:
    """Yield the lines of a text element: a tspan with an x of its own begins another."""
    x, y, words, line_style = _length(element, "x", 0), _length(element, "y", 0), " ".join((element.text or "").split()), style
    for span in element:
        if not isinstance(span.tag, str):
            continue
        inner = " ".join("".join(span.itertext()).split())
        if span.get("x") is not None:
            if words:
                yield Piece(words, x, y, line_style, matrix, element.sourceline or 1)
            x, words, line_style = _length(span, "x", x), inner, _style(span, rules, style)
        else:
            words = f"{words} {inner}".strip()
        y = _length(span, "y", y) + _em(span.get("dy"), _size(style))
        words = f"{words} {' '.join((span.tail or '').split())}".strip()
    if words:
        yield Piece(words, x, y, line_style, matrix, element.sourceline or 1)


def _length(element: etree._Element, name: str, otherwise: float) -> float:
    found = NUMBER.search(element.get(name) or "")
    return float(found[0]) if found else otherwise


def _em(value: str | None, size: float) -> float:
    found = NUMBER.search(value or "")
    return float(found[0]) * (size if value.strip().endswith("em") else 1) if found else 0.0


def _transform(text: str) -> Matrix:
    matrix = IDENTITY
    for name, arguments in TRANSFORM.findall(text):
        matrix = _chain(matrix, _one(name, [float(number) for number in NUMBER.findall(arguments)]))
    return matrix


def _one(name: str, n: list[float]) -> Matrix:
    if name == "matrix":
        return tuple(n)
    if name == "translate":
        return (1, 0, 0, 1, n[0], n[1] if len(n) > 1 else 0)
    if name == "scale":
        return (n[0], 0, 0, n[1] if len(n) > 1 else n[0], 0, 0)
    cos, sin = math.cos(math.radians(n[0])), math.sin(math.radians(n[0]))
    x, y = n[1:3] if len(n) > 2 else (0, 0)
    return (cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y)


def _chain(a: Matrix, b: Matrix) -> Matrix:
    return (a[0] * b[0] + a[2] * b[1], a[1] * b[0] + a[3] * b[1], a[0] * b[2] + a[2] * b[3], a[1] * b[2] + a[3] * b[3],
            a[0] * b[4] + a[2] * b[5] + a[4], a[1] * b[4] + a[3] * b[5] + a[5])


def _apply(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    return matrix[0] * x + matrix[2] * y + matrix[4], matrix[1] * x + matrix[3] * y + matrix[5]
