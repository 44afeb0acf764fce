"""A `chart` fence becomes a figure in each language, and a bad one says what to change."""

import re

import pytest
from lxml import etree, html

from openbook.book import read_book
from openbook.charts.render import cite_sources, render_chart
from openbook.charts.request import parse_chart
from openbook.facts.fences import RequestError
from openbook.facts.load import load_facts
from openbook.figures.measure import overflows
from openbook.reading.library import read_library

SOURCES = ('nv: {title: T, publisher: NVIDIA, url: "https://example.org", kind: doc, accessed: 2026-11-21}\n'
           'amd: {title: T, publisher: AMD, url: "https://example.org", kind: doc, accessed: 2026-11-21}\n')
CHIPS = """
    title: {en: Chips, zh: 芯片}
    columns:
      name: {type: text, en: Chip, zh: 芯片}
      maker: {type: choice, en: Maker, zh: 厂商, choices: {n: {en: Green, zh: 绿}, a: {en: Red, zh: 红}}}
      year: {type: int, en: Year, zh: 年份}
      bf16: {type: number, unit: TFLOPS, en: BF16, zh: BF16, sourced: true}
      fp8: {type: number, unit: TFLOPS, en: FP8, zh: FP8, sourced: true}
      bw: {type: number, unit: TB/s, en: Bandwidth, zh: 带宽, sourced: true}
      ridge: {type: number, unit: FLOP/B, digits: 0, en: Ridge, zh: 脊点, compute: bf16 / bw}
    rows:
      - {id: h100, src: nv, checked: 2026-11-21, name: H100, maker: n, year: 2022, bf16: 1000, fp8: 2000, bw: 4}
      - {id: mi, src: amd, checked: 2026-11-21, name: {en: MI <1>, zh: MI 一}, maker: a, year: 2023, bf16: 1250, bw: 5}
      - {id: old, src: nv, checked: 2026-11-21, name: Old, maker: n, year: 2017, bf16: 125, fp8: 0}
    """
HEAD = "id: fig-x\ndata: chips\ncaption: Peaks.\n"
BARS = HEAD + "kind: bars\ny: name\nx: bf16\nsort: -bf16\n"
GROUPED = HEAD + "kind: grouped\ny: name\nx: [bf16, fp8]\n"
LINES = HEAD + "kind: lines\nx: year\ny: bf16\nseries: maker\nlog: y\n"
SCATTER = HEAD + "kind: scatter\nx: bw\ny: bf16\nlabel: name\nseries: maker\nsize: bf16\nlog: [x, y]\nguides: {\"200 FLOP/B\": 200}\n"
ROOF = HEAD + "kind: roofline\nx: bw\ny: bf16\nlabel: name\nmarks: {\"decode, batch 1\": 1}\n"
STACKED = HEAD + "kind: stacked\ny: name\nx: [bf16, fp8]\n"
HEATMAP = HEAD + "kind: heatmap\nx: year\ny: maker\nvalue: bf16\n"
ALL = {"bars": BARS, "grouped": GROUPED, "stacked": STACKED, "heatmap": HEATMAP, "lines": LINES, "scatter": SCATTER, "roofline": ROOF}


@pytest.fixture
def facts(write):
    root = write({"docs/data/sources.yml": SOURCES, "docs/data/chips.yml": CHIPS})
    facts, findings = load_facts(root / "docs/data", root)
    assert findings == []
    return facts


def shown(body: str, facts, lang: str = "en"):
    return html.fromstring(render_chart(parse_chart(body, facts), lang, "Figure 1.1"))


def words(figure, which: str = "chart-wide") -> list[str]:
    return figure.xpath(f".//svg[contains(@class, '{which}')]//text/text()")


def lengths(figure) -> list[float]:
    """The lengths of the bars of the wide drawing, with the key's squares left out."""
    paths = figure.xpath(".//svg[@class='chart-wide']/path[starts-with(@class, 'f')]/@d")
    bars = [re.fullmatch(r"M([\d.]+) [\d.]+H([\d.]+)v.*", path) for path in paths]
    return [length for bar in bars if (length := float(bar[2]) - float(bar[1])) != 12]


def test_bars_are_as_long_as_their_values_and_sorted(facts):
    figure = shown(BARS, facts)
    longest, middle, shortest = lengths(figure)
    assert middle == pytest.approx(longest * 1000 / 1250, abs=0.2)
    assert shortest == pytest.approx(longest * 125 / 1250, abs=0.2)
    assert [text for text in words(figure) if text in ("H100", "MI <1>", "Old")] == ["MI <1>", "H100", "Old"]
    assert "1,250" in words(figure) and "BF16 (TFLOPS)" in words(figure)


def test_groups_have_a_bar_a_column_and_none_for_what_is_unknown(facts):
    figure = shown(GROUPED, facts)
    assert len(lengths(figure)) == 5
    assert words(figure)[:2] == ["BF16", "FP8"]


def test_a_value_keeps_off_the_bar_and_the_value_below_it(facts):
    svg = shown(GROUPED, facts).xpath(".//svg[@class='chart-wide']")[0]
    size, comma = 13, 0.16    # of the letters, and how deep a comma hangs
    tops = [float(re.match(r"M[\d.]+ ([\d.]+)H", path)[1]) for path in svg.xpath("path[starts-with(@class, 'f')]/@d")][2:]    # less the key
    values = [float(text.get("y")) for text in svg.xpath("text[not(@class)]")][-len(tops):]
    assert len(values) == 5 and all(value + comma * size < below for value, below in zip(values, tops[1:]) if below > value - size)
    drawn = [element.get("class") or element.tag for element in svg]
    assert "w" not in drawn[drawn.index("w") + 5:], "plates come before bars"


def test_lines_pass_through_every_year_of_their_series(facts):
    figure = shown(LINES, facts)
    lines = figure.xpath(".//svg[@class='chart-wide']/path[starts-with(@class, 'k')]/@d")
    assert [line.count("L") for line in lines if "h" not in line] == [1, 0]
    assert words(figure)[:2] == ["Green", "Red"]
    assert "2022" in words(figure) and "2,022" not in words(figure)


def test_names_of_points_do_not_cover_each_other(facts):
    figure = shown(SCATTER, facts)
    places = {text.text: (float(text.get("x")), float(text.get("y"))) for text in figure.xpath(".//svg[@class='chart-wide']//text")}
    assert {"H100", "MI <1>", "200 FLOP/B"} <= places.keys() and "Old" not in places
    assert places["H100"] != places["MI <1>"]


def test_areas_have_a_key(facts):
    figure = shown(SCATTER, facts)
    texts = words(figure)
    assert texts[2:5] == ["area: BF16 (TFLOPS)", "200", "1,000"]
    small, large = [float(circle.get("r")) for circle in figure.xpath(".//svg[@class='chart-wide']/circle[@class='ax']")]
    assert large / small == pytest.approx(5 ** 0.5, abs=0.05)
    assert "area:" not in " ".join(words(shown(SCATTER.replace("size: bf16\n", ""), facts)))


def test_a_roof_bends_at_its_ridge_point(facts):
    figure = shown(ROOF, facts)
    assert words(figure)[:2] == ["H100: ridge 250", "MI <1>: ridge 250"]
    roof = figure.xpath(".//svg[@class='chart-wide']/path[@class='k s1']/@d")[-1]
    (_, y1), (x2, y2), (x3, y3) = [tuple(map(float, point.split())) for point in roof[1:].split("L")]
    assert y1 > y2 == y3 and x2 < x3


def test_the_marks_of_a_wide_roofline_are_all_named_on_the_right_of_their_lines(facts):
    svg = shown(ROOF.replace('{"decode, batch 1": 1}', "{decode: 1, a matrix multiplication of great size: 3000}"), facts).xpath(".//svg[@class='chart-wide']")[0]
    lines = [float(re.match(r"M([\d.]+) ", path)[1]) for path in svg.xpath("path[@class='d']/@d")]
    names = {text.text: float(text.get("x")) for text in svg.xpath("text[@class='q']")}
    assert [names["decode"], names["a matrix multiplication of great size"]] == pytest.approx([line + 4 for line in lines], abs=0.2)


@pytest.mark.parametrize("kind", ALL)
def test_both_languages_take_their_words_from_the_data(facts, kind):
    english, chinese = words(shown(ALL[kind], facts)), words(shown(ALL[kind], facts, "zh"))
    assert any("MI <1>" in text for text in english + ["MI <1>"] * (kind in ("lines", "heatmap")))
    assert not any("MI <1>" in text for text in chinese)
    figure = shown(ALL[kind], facts, "zh")
    assert re.search("图：.*。共 [23] 行。", figure.xpath(".//svg/desc/text()")[0])


def test_words_of_marks_and_guides_may_differ_by_language(facts):
    marked = ROOF.replace('{"decode, batch 1": 1}', '[{at: 1, en: "decode, batch 1", zh: 解码}]')
    assert "decode, batch 1" in words(shown(marked, facts)) and "解码" in words(shown(marked, facts, "zh"))
    assert "200 FLOP/B" in words(shown(SCATTER, facts, "zh"))


@pytest.mark.parametrize("kind", ALL)
def test_what_is_drawn_is_told_to_those_who_do_not_see_it(facts, kind):
    figure = shown(ALL[kind], facts)
    for svg in figure.xpath(".//svg"):
        assert svg.get("role") == "img"
        assert svg.get("aria-labelledby").split() == [svg.find("title").get("id"), svg.find("desc").get("id")]
    assert figure.xpath(".//svg/title/text()") == ["Peaks.", "Peaks."]
    ids = figure.xpath(".//@id")
    assert len(ids) == len(set(ids))
    table = figure.xpath(".//div[@class='chart-values only-web']/table")[0]
    assert table.xpath("./caption/text()") == ["Values of the chart"]
    assert len(table.xpath("./tbody/tr")) == len(parse_chart(ALL[kind], facts).rows)


def test_the_values_of_a_bar_chart_as_a_table(facts):
    rows = shown(GROUPED, facts).xpath(".//table//tr")
    assert [[cell.text_content() for cell in row] for row in rows] == [
        ["Chip", "BF16 (TFLOPS)", "FP8 (TFLOPS)"], ["H100", "1,000", "2,000"], ["MI <1>", "1,250", "–"], ["Old", "125", "0"]]


@pytest.mark.parametrize("kind, said", [
    ("bars", "Bar chart: BF16 (TFLOPS) by Chip. 3 rows."),
    ("stacked", "Stacked bar chart: BF16 (TFLOPS), FP8 (TFLOPS) by Chip. 3 rows."),
    ("heatmap", "Heat map: BF16 (TFLOPS) by Year and Maker. 3 rows."),
    ("lines", "Line chart: BF16 (TFLOPS) over Year; logarithmic: BF16 (TFLOPS). 3 rows.")])
def test_a_chart_says_in_words_what_it_shows(facts, kind, said):
    assert shown(ALL[kind], facts).xpath(".//svg/desc/text()") == [said, said]


def test_a_chart_cites_the_sources_of_what_it_draws(facts):
    assert shown(BARS, facts).xpath(".//figcaption/sup/@data-cite") == ["amd", "nv"]
    computed = HEAD + "kind: bars\ny: name\nx: ridge\nwhere: {id: mi}\n"
    assert shown(computed, facts).xpath(".//figcaption/sup/@data-cite") == ["amd"]


def test_a_chart_of_many_sources_names_them_on_a_line_below_its_caption():
    assert cite_sources(("a", "b", "c")).count("<sup") == 3
    assert cite_sources(("a", "b", "c", "d")) == ' <span class="figure-sources" data-cite="a b c d"></span>'


@pytest.mark.parametrize("kind", ALL)
def test_the_same_facts_make_the_same_small_chart_in_print_colours(facts, kind):
    request = parse_chart(ALL[kind], facts)
    drawn = render_chart(request, "en", "Figure 1.1")
    assert drawn == render_chart(request, "en", "Figure 1.1")
    for svg in re.findall(r"<svg.*?</svg>", drawn):
        assert len(svg) < 6000
        assert re.findall(r"#[0-9a-f]{6}", svg) and not re.search(r"[:\"]#[0-9a-f]{6}", svg)
        assert all("," in found for found in re.findall(r"var\([^)]*\)", svg))


@pytest.mark.parametrize("body, message", [
    (BARS.replace("bars", "pie"), "`pie` is not a kind of chart"),
    (BARS.replace("fig-x", "tab-x"), "the id `tab-x` does not begin with `fig-`"),
    (BARS.replace("x: bf16", "x: speed"), "the table `chips` has no column `speed`"),
    (BARS.replace("x: bf16", "x: name"), "`x: name` of a bars chart is not a column of numbers"),
    (BARS.replace("x: bf16", "x: [bf16, fp8]"), "a bars chart has one column as `x`"),
    (BARS + "log: x\n", "the length of a bar means nothing on a logarithmic axis"),
    (BARS + "colour: red\n", "a chart fence has no field `colour`"),
    (BARS + "limit: some\n", "`limit: some` is not a number of rows"),
    (BARS + "marks: {one: 1}\n", "a bars chart has no `marks`"),
    (BARS + "where: {name: none}\n", "no row of the table can be drawn"),
    (BARS.replace("caption: Peaks.\n", ""), "the chart fence has no `caption`"),
    (GROUPED + "series: maker\n", "a grouped chart colours its bars by column, so it has no `series`"),
    (BARS + "value: fp8\n", "a bars chart has no `value`"),
    (STACKED + "series: maker\n", "a stacked chart colours its bars by column, so it has no `series`"),
    (STACKED.replace("fp8", "bw"), "the columns of a stack have units TB/s, TFLOPS"),
    (STACKED + "log: x\n", "the length of a bar means nothing on a logarithmic axis"),
    (HEATMAP.replace("value: bf16\n", ""), "a heatmap chart has no `value`"),
    (HEATMAP.replace("value: bf16", "value: name"), "`value: name` of a heatmap chart is not a column of numbers"),
    (HEATMAP.replace("x: year", "x: [year, bw]"), "a heatmap chart has one column as `x`"),
    (HEATMAP.replace("x: year", "x: maker"), "`h100` and `old` are both at maker n, maker n"),
    (HEATMAP + "log: x\n", "`x` of a heatmap is cut into steps already"),
    (HEATMAP.replace("bf16", "fp8") + "log: value\n", "`fp8` of `old` is 0: a logarithmic axis begins above zero"),
    (SCATTER.replace("label: name\n", ""), "a scatter chart has no `label`"),
    (SCATTER.replace("log: [x, y]", "log: x"), "a guide is a straight line only where both axes are of one kind"),
    (SCATTER.replace("log: [x, y]", "log: [x, z]"), "`z` is not an axis"),
    (SCATTER.replace("guides: {\"200 FLOP/B\": 200}", "guides: [200]"), "`guides` is not a list of words and numbers"),
    (ROOF.replace("marks: {\"decode, batch 1\": 1}", "marks: [{at: 1, en: decode}]"), "`marks` is not a list of words and numbers"),
    (ROOF.replace("marks: {\"decode, batch 1\": 1}", "marks: {decode: one}"), "`marks` is not a list of words and numbers"),
    (LINES.replace("y: bf16", "y: fp8"), "`fp8` of `old` is 0: a logarithmic axis begins above zero"),
])
def test_a_bad_request_says_why(facts, body, message):
    with pytest.raises(RequestError, match=re.escape(message)) as error:
        parse_chart(body, facts)
    assert error.value.mend.endswith(".")


def test_more_series_than_colours_are_refused(write):
    rows = "\n".join(f"      - {{id: c{n}, src: nv, checked: 2026-11-21, name: C{n}, bf16: {n}}}" for n in range(1, 8))
    root = write({"docs/data/sources.yml": SOURCES, "docs/data/chips.yml": CHIPS[:CHIPS.index("      - {id: h100")] + rows + "\n"})
    facts, _ = load_facts(root / "docs/data", root)
    with pytest.raises(RequestError, match="the chart has 7 series and the book 6 colours for them"):
        parse_chart(BARS + "series: name\n", facts)


def test_the_books_own_charts_keep_their_text_inside_in_both_languages_and_sizes(root):
    facts, _ = load_facts(root / "docs/data", root)
    library = read_library(root / "docs", read_book(root))
    seen = 0
    for (_, lang), source in library.sources.items():
        for fence in (fence for fence in source.fences if fence.language == "chart"):
            for svg in re.findall(r"<svg.*?</svg>", render_chart(parse_chart(fence.body, facts), lang, "Figure 1")):
                seen += 1
                assert [text.words for text in overflows(etree.fromstring(svg))] == [], (source.path, fence.line)
                assert len(svg) < 8000, (source.path, fence.line)
    assert seen >= 20
