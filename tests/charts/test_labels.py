"""Names of points keep off each other, off marks and inside the plot."""

import re

import pytest

from openbook.charts.drawing import Drawing
from openbook.charts.labels import Labels


def boxes(points, width: float = 400) -> list[tuple[float, float, float, float]]:
    """The boxes that the names of points take, in the order of the points."""
    labels = Labels(Drawing(width, 12), 0, width, 0, 300)
    for x, y, radius, _ in points:
        labels.block(x - radius, y - radius, x + radius, y + radius)
    labels.place(points)
    return labels.taken[len(points):]


def covered(found) -> list[tuple[int, int]]:
    return [(one, other) for one in range(len(found)) for other in range(one)
            if found[one][0] < found[other][2] and found[other][0] < found[one][2] and found[one][1] < found[other][3] and found[other][1] < found[one][3]]


def test_a_lonely_name_stands_on_the_right():
    (left, _, _, _), = boxes([(100, 100, 5, "alone")])
    assert left == 108


def test_a_name_at_the_right_edge_stands_on_the_left():
    (_, _, right, _), = boxes([(380, 100, 5, "at the edge")])
    assert right == 372


def test_the_first_name_gives_way_to_one_that_has_fewer_places():
    # The second point can only be named on its left, where the first name would stand.
    points = [(300, 100, 4, "first name"), (398, 100, 4, "second name")]
    found = boxes(points)
    assert covered(found) == [] and found[1][2] < 398


def test_a_crowd_of_names_covers_nothing():
    points = [(100 + 30 * (index % 4), 100 + 24 * (index // 4), 4, f"N{index}") for index in range(12)]
    assert covered(boxes(points)) == []


def test_a_name_keeps_off_a_line_where_it_can():
    labels = Labels(Drawing(400, 12), 0, 400, 0, 300)
    labels.follow([(x, 100) for x in range(0, 400, 3)])
    labels.block(195, 95, 205, 105)
    labels.place([(200, 100, 5, "on the line")])
    _, top, _, bottom = labels.taken[-1]
    assert bottom < 98 or top > 102


def test_a_name_crosses_a_line_rather_than_a_mark():
    labels = Labels(Drawing(400, 12), 0, 400, 0, 300)
    for y in range(0, 300, 6):    # marks all around, but for a gap on the right, where the line is
        labels.block(100, y, 195, y + 6)
        if not 90 <= y <= 108:
            labels.block(205, y, 300, y + 6)
    labels.follow([(x, 100) for x in range(205, 400, 3)])
    before = len(labels.taken)
    labels.place([(200, 100, 5, "name")])
    left, top, _, bottom = labels.taken[before]
    assert left == 208 and top < 100 < bottom
    labels.draw_plates()
    assert [part.partition(" d=")[0] for part in labels.drawing.parts] == ['<path class="w"']    # the line stops behind the name


def test_no_name_is_cut_by_the_plate_of_another():
    labels = Labels(Drawing(400, 12), 0, 400, 0, 300)
    labels.place([(100, 100, 4, "Trainium2"), (130, 100, 4, "Gaudi 3")])
    labels.along([(0, 200), (400, 200)], "10 ms")
    labels.draw_plates()
    labels.draw_names()
    assert [re.match("<[a-z]+", part)[0] for part in labels.drawing.parts] == ["<path"] * 3 + ["<text"] * 3


def test_a_lines_name_lies_along_its_upper_side_at_its_upper_end():
    labels = Labels(Drawing(500, 12), 0, 500, -50, 300)
    rising = [(4 * step, 300 - 3 * step) for step in range(101)]    # from (0, 300) to (400, 0)
    labels.follow(rising)
    labels.along(rising, "10 ms")
    (x, y, _, _, turned), = labels.names
    assert turned.startswith(' transform="rotate(-36.9 ')
    assert (300 - 0.75 * x - y) * 0.8 == pytest.approx(0.35 * 12)    # the distance of its baseline from the line
    width = labels.drawing.measure("10 ms")
    assert x + 0.8 * width == pytest.approx(400 - 0.8 * 3, abs=3)


def test_a_line_is_named_where_no_name_stands():
    labels = Labels(Drawing(400, 12), 0, 400, 0, 300)
    labels.fixed(330, 100, "a name")
    labels.along([(x, 108) for x in range(0, 401, 4)], "20 ms")
    name, *letters = labels.taken
    assert letters and all(covered([name, letter]) == [] for letter in letters)
