"""The names of upright lines stand beside them, and none crosses another line or name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from openbook.charts.flags import arrange, draw_flags
from openbook.charts.drawing import Drawing


def crossings(places, spans, levels) -> list[tuple[int, int]]:
    """The pairs of a name and a line that reaches down past it, and of names that cover each other."""
    lines = [(name, line) for name, (start, end) in enumerate(spans) for line, x in enumerate(places)
             if name != line and start < x < end and levels[name] >= levels[line]]
    return lines + [(one, other) for one in range(len(spans)) for other in range(one) if levels[one] == levels[other]
                    and spans[one][0] < spans[other][1] and spans[other][0] < spans[one][1]]


def test_a_name_stands_on_the_right_of_its_line_at_the_foot():
    assert arrange([50, 150], [40, 40], 0, 300) == ([(54, 94), (154, 194)], [0, 0])


def test_a_name_that_passes_the_next_line_stands_below_its_end():
    spans, levels = arrange([50, 70], [40, 40], 0, 300)
    assert spans == [(54, 94), (74, 114)] and levels == [0, 1]


def test_a_name_without_room_on_the_right_stands_on_the_left_below_the_lines_it_passes():
    spans, levels = arrange([50, 280], [20, 240], 0, 300)
    assert spans[1] == (36, 276) and levels == [1, 0]


def test_all_names_stand_on_the_same_side_where_they_can():
    spans, levels = arrange([60, 120, 280], [40, 40, 60], 0, 300)
    assert spans == [(16, 56), (76, 116), (216, 276)] and levels == [0, 0, 0]


def test_the_marks_of_a_narrow_roofline_that_once_crossed_do_not():
    places, widths = [38, 163, 207, 273], [84, 90, 97, 97]
    spans, levels = arrange(places, widths, 34, 352)
    assert crossings(places, spans, levels) == []


@given(st.lists(st.tuples(st.integers(20, 300), st.integers(5, 40)), min_size=1, max_size=4, unique_by=lambda mark: mark[0] // 12))
def test_short_names_never_cross(marks):
    places, widths = [x for x, _ in marks], [width for _, width in marks]
    spans, levels = arrange(places, widths, 0, 345)
    assert crossings(places, spans, levels) == []


def test_names_that_fit_nowhere_are_kept_inside_one_above_the_other():
    spans, levels = arrange([100, 110], [300, 300], 0, 310)
    assert spans == [(10, 310), (10, 310)] and levels == [0, 1]


def test_each_line_ends_at_its_own_name():
    drawing = Drawing(360, 12)
    draw_flags(drawing, [50, 70], ["decode", "matmul"], (0, 300, 0, 200))
    drawn = html.fromstring("<div>" + "".join(drawing.parts) + "</div>")
    ends = [float(re.search(r" ([\d.]+)$", path)[1]) for path in drawn.xpath(".//path[@class='d']/@d")]
    assert ends == pytest.approx([float(y) for y in drawn.xpath(".//text/@y")]) and ends[0] > ends[1]
