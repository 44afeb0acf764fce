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
