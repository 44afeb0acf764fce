"""Heat maps: a cell a pair, darker the higher, its value written in it, numbers in order."""

import pytest
from lxml import etree, html

from openbook.charts.heatmap import heat
from openbook.charts.render import render_chart
from openbook.charts.request import parse_chart
from openbook.facts.fences import RequestError
from openbook.facts.load import load_facts
from openbook.figures.measure import overflows

SHAPES = """
    title: {en: Shapes, zh: 形状}
    columns:
      size: {type: int, en: "M = N = K", zh: "M = N = K"}
      type: {type: text, en: Type, zh: 类型}
      rate: {type: number, unit: TFLOPS, digits: 0, en: Achieved, zh: 实测}
    rows:
      - {id: a, size: 8192, type: {en: narrow, zh: 窄}, rate: 1200}
      - {id: b, size: 1024, type: {en: narrow, zh: 窄}, rate: 100}
      - {id: c, size: 8192, type: {en: wide, zh: 宽}, rate: 600}
    """
BODY = "id: fig-x\ndata: shapes\nkind: heatmap\nx: type\ny: size\nvalue: rate\ncaption: Rate.\n"


def figure(write, shapes: str = SHAPES, body: str = BODY, lang: str = "en"):
    root = write({"docs/data/shapes.yml": shapes})
    facts, findings = load_facts(root / "docs/data", root)
    assert findings == []
    return html.fromstring(render_chart(parse_chart(body, facts), lang, "Figure 1.1"))


def words(drawn) -> list[str]:
    return drawn.xpath(".//svg[@class='chart-wide']//text/text()")


def test_numbers_rise_upwards_words_keep_their_order_and_a_gap_stays_one(write):
    assert words(figure(write)) == ["Achieved (TFLOPS)", "100", "1,200", "M = N = K",
                                    "8,192", "1,200", "600", "1,024", "100", "–", "narrow", "wide", "Type"]
    assert words(figure(write, lang="zh"))[-3:] == ["窄", "宽", "类型"]


def test_the_higher_the_value_the_darker_the_cell_and_the_darkest_has_light_words(write):
    drawn = figure(write)
    cells = drawn.xpath(".//svg[@class='chart-wide']/path[starts-with(@class, 'h')]/@class")
    assert cells[:6] == [f"h{step} o" for step in range(1, 7)]    # the key
    assert cells[6:] == ["h6 o", "h3 o", "h1 o"]
    assert drawn.xpath(".//svg[@class='chart-wide']/text[contains(@class, 'w')]/text()") == ["1,200"]


@pytest.mark.parametrize("value, log, step", [(1, False, 0), (500, False, 2), (1000, False, 5), (1, True, 0), (31, True, 2), (33, True, 3), (1000, True, 5)])
def test_steps_are_even_by_difference_or_by_ratio(value, log, step):
    assert heat(value, [1, 1000], log) == step


def test_one_value_everywhere_is_the_lightest_step():
    assert heat(5, [5, 5], False) == 0


def test_a_grid_too_wide_for_its_values_is_shown_smaller_and_nothing_leaves_its_box(write):
    rows = "".join(f"      - {{id: n{number}, size: {number}, type: one, rate: {10 ** 9 + number}}}\n" for number in range(12))
    drawn = figure(write, SHAPES[:SHAPES.index("      - {id: a")] + rows, BODY.replace("x: type\ny: size", "x: size\ny: type"))
    for svg in drawn.xpath(".//svg"):
        assert float(svg.get("viewbox").split()[2]) > 360
        assert overflows(etree.fromstring(etree.tostring(svg).replace(b"viewbox", b"viewBox"))) == []


def test_more_columns_than_a_page_holds_are_refused(write):
    rows = "".join(f"      - {{id: n{number}, size: {number}, type: one, rate: 1}}\n" for number in range(13))
    with pytest.raises(RequestError, match="the heatmap has 13 values of `size` and the page room for 12"):
        figure(write, SHAPES[:SHAPES.index("      - {id: a")] + rows, BODY.replace("x: type\ny: size", "x: size\ny: type"))
