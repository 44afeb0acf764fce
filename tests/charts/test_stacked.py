"""Stacked bars: pieces follow each other, the total stands at the end, and each piece is told apart without colour."""

import re

import pytest
from lxml import html

from openbook.charts.render import render_chart
from openbook.charts.request import parse_chart
from openbook.facts.fences import RequestError
from openbook.facts.load import load_facts

MEMORY = """
    title: {en: Memory, zh: 显存}
    columns:
      name: {type: text, en: Recipe, zh: 方案}
      weights: {type: number, unit: GB, en: weights, zh: 权重}
      grads: {type: number, unit: GB, en: gradients, zh: 梯度}
      master: {type: number, unit: GB, en: master weights, zh: 主权重}
      m: {type: number, unit: GB, en: first moment, zh: 一阶矩}
      v: {type: number, unit: GB, en: second moment, zh: 二阶矩}
      extra: {type: number, unit: GB, en: extra, zh: 其他}
    rows:
      - {id: adamw, name: AdamW, weights: 16, grads: 16, master: 32, m: 32, v: 32, extra: 2}
      - {id: qlora, name: QLoRA, weights: 4.1, grads: 0, extra: 0.2}
      - {id: unknown, name: Unknown}
    """
BODY = "id: fig-x\ndata: memory\nkind: stacked\ny: name\nx: [weights, grads, master, m, v, extra]\ncaption: Memory.\n"


def figure(write, memory: str = MEMORY, lang: str = "en"):
    root = write({"docs/data/memory.yml": memory})
    facts, findings = load_facts(root / "docs/data", root)
    assert findings == []
    return html.fromstring(render_chart(parse_chart(BODY, facts), lang, "Figure 1.1"))


def pieces(drawn) -> list[tuple[float, float, float, str]]:
    """Left, right, top and colour of each piece of the wide drawing, with the key's squares left out."""
    found = [(re.fullmatch(r"M([\d.]+) ([\d.]+)H([\d.]+)v.*", path.get("d")), path.get("class").split()[0])
             for path in drawn.xpath(".//svg[@class='chart-wide']/path[starts-with(@class, 'f')]")]
    return [(float(place[1]), float(place[3]), float(place[2]), colour) for place, colour in found if round(float(place[3]) - float(place[1]), 1) != 12]


def test_pieces_follow_each_other_in_the_order_of_the_columns(write):
    drawn = pieces(figure(write))
    adamw = [piece for piece in drawn if piece[2] == drawn[0][2]]
    assert [colour for *_, colour in adamw] == ["f1", "f2", "f3", "f4", "f5", "f6"]
    assert [left for left, *_ in adamw[1:]] == pytest.approx([right for _, right, *_ in adamw[:-1]], abs=0.11)
    assert [round((right - left) / (adamw[0][1] - adamw[0][0]), 1) for left, right, *_ in adamw[:5]] == [1, 1, 2, 2, 2]


def test_a_piece_of_zero_or_unknown_is_not_drawn_and_a_row_of_neither_is_left_out(write):
    drawn = figure(write)
    assert [colour for *_, colour in pieces(drawn)][6:] == ["f1", "f6"]
    assert "Unknown" not in drawn.xpath(".//svg[1]//text/text()")


def test_the_total_stands_at_the_end_of_each_bar_and_in_the_table(write):
    drawn = figure(write)
    assert drawn.xpath(".//svg[@class='chart-wide']/text[@class='b']/text()") == ["130", "4.3"]
    rows = [[cell.text_content() for cell in row] for row in drawn.xpath(".//table//tr")]
    assert rows[0][-2:] == ["extra (GB)", "Total (GB)"] and [row[-1] for row in rows[1:]] == ["130", "4.3"]
    assert figure(write, lang="zh").xpath(".//table//th/text()")[7] == "合计（GB）"


def test_colours_that_are_alike_in_grey_are_textured_in_the_bar_and_in_the_key(write):
    drawn = figure(write)
    textured = drawn.xpath(".//svg[@class='chart-wide']/path[starts-with(@class, 't ')]/@class")
    assert sorted(textured) == sorted(["t t3", "t t4", "t t5", "t t6"] * 2)    # the sliver of QLoRA is too short for one
    assert "stroke-dasharray" in drawn.xpath(".//svg[@class='chart-wide']/style/text()")[0]


def test_a_stack_does_not_go_below_zero(write):
    with pytest.raises(RequestError, match="`grads` of `qlora` is below zero: a stack only adds"):
        figure(write, MEMORY.replace("grads: 0,", "grads: -1,"))


def test_long_names_stand_over_their_bars_and_hide_the_grid(write):
    drawn = figure(write, MEMORY.replace("name: AdamW", "name: BF16 weights and gradients with FP32 master weights and two moments in eight bits"))
    name = next(text for text in drawn.xpath(".//svg[@class='chart-wide']/text") if text.text.startswith("BF16"))
    bar = drawn.xpath(".//svg[@class='chart-wide']/path[@class='f1 o']/@d")[1]
    assert name.getprevious().get("class") == "w" and float(name.get("y")) < float(bar.split()[1].partition("H")[0])
