"""Names of points keep off each other, off marks and inside the plot."""

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
    assert 'class="w"' in labels.drawing.parts[-2]    # the line stops behind the name


def test_a_line_is_named_where_no_name_stands():
    labels = Labels(Drawing(400, 12), 0, 400, 0, 300)
    labels.fixed(330, 100, "a name")
    labels.along([(x, 108) for x in range(0, 401, 4)], "20 ms")
    assert covered(labels.taken) == []
