"""Draw rooflines: for each row the attainable rate over arithmetic intensity, its bandwidth rising to its peak."""

from __future__ import annotations

from openbook.charts.axes import Frame, draw_axes, left_margin
from openbook.charts.bars import shown
from openbook.charts.drawing import Drawing, marker
from openbook.charts.flags import ROOM, draw_flags
from openbook.charts.request import ChartRequest
from openbook.charts.scale import Scale
from openbook.facts.tables import format_number

WORDS = {"en": {"x": "arithmetic intensity (FLOP per byte)", "y": "attainable {} ({})", "ridge": "{}: ridge {}"},
         "zh": {"x": "算术强度（FLOP/字节）", "y": "可达 {}（{}）", "ridge": "{}：脊点 {}"}}


def draw_roofline(request: ChartRequest, lang: str, drawing: Drawing, words: dict[str, str]) -> None:
    """Draw a roof a row, the marks of typical operations across them; x is bandwidth, y the peak."""
    size, peak = drawing.size, request.column(request.y[0])
    chips = [(shown(row.cells[request.label], request.column(request.label), lang),
              row.cells[request.x[0]].value, row.cells[request.y[0]].value) for row in request.rows]
    ridges = [top / bandwidth for _, bandwidth, top in chips]
    marks = [at for _, at in request.marks]
    low = min([1.0, *marks]) / 1.6

    def sample(index: int, x: float, y: float) -> None:
        drawing.path(f"M{x - 3:.1f} {y:.1f}h16", "k", f"s{index + 1}")
        marker(drawing, index, x + 5, y)

    names = [WORDS[lang]["ridge"].format(name, format_number(ridge, 0)) for (name, *_), ridge in zip(chips, ridges)]
    top = drawing.legend(names, 4, size * 1.1, drawing.width, sample) + size * 2.5
    bottom = top + drawing.width * (0.42 if drawing.width > 500 else 0.85)
    tops = [rate for *_, rate in chips]
    y = Scale(min(bandwidth for _, bandwidth, _ in chips) * low / (1.6 + 0.9 * len(marks)), max(tops) * 1.5, bottom, top, True)
    left = left_margin(drawing, y.ticks(7))
    right = drawing.width - 8
    high = max([*marks, *ridges]) * 3
    if marks and drawing.width > 500:    # room for every name on the right of its line; a phone has none to give
        high = max(high, *(_reaching(low, at, (drawing.measure(texts[lang]) + ROOM + 2) / (right - left)) for texts, at in request.marks))
    frame = Frame(left, right, top, bottom, Scale(low, high, left, right, True), y)
    draw_axes(drawing, frame, (WORDS[lang]["x"], WORDS[lang]["y"].format(peak.title[lang], peak.unit or "")))
    # Low, where every roof is above them.
    draw_flags(drawing, [frame.x.at(at) for at in marks], [texts[lang] for texts, _ in request.marks], (left, frame.right, top, bottom))
    for index, ((_, bandwidth, rate), ridge) in enumerate(zip(chips, ridges)):
        places = [(frame.x.at(low), y.at(bandwidth * low)), (frame.x.at(ridge), y.at(rate)), (frame.right, y.at(rate))]
        drawing.path("M" + "L".join(f"{x:.1f} {place:.1f}" for x, place in places), "k", f"s{index + 1}")
    for index, ((_, _, rate), ridge) in enumerate(zip(chips, ridges)):
        marker(drawing, index, frame.x.at(ridge), y.at(rate), 5)


def _reaching(low: float, at: float, part: float) -> float:
    """Return the high end of a logarithmic axis from `low` that leaves the value `at` this part of its length on the right."""
    return low * (at / low) ** (1 / (1 - part))
