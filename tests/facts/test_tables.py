"""A `table` fence becomes a table in each language, and a bad one says what is wrong."""

from dataclasses import replace

import markdown
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from openbook.facts.citations import PLACE, number_citations, source_html
from openbook.facts.load import load_facts
from openbook.facts.model import Source
from openbook.facts.tables import RequestError, format_number, inline_html, letter, parse_request, render

REQUEST = "id: tab-chips\ndata: chips\ncolumns: [name, year, bf16, ridge]\nsort: -bf16\ncaption: Two chips [@nv-sheet].\n"


@pytest.fixture
def facts(small_book):
    facts, findings = load_facts(small_book / "docs/data", small_book)
    assert findings == []
    return facts


def rows(markup: str) -> list[list[str]]:
    return [[cell.text_content() for cell in row] for row in html.fromstring(markup).xpath("//tr")]


def test_rows_are_sorted_computed_and_formatted(facts):
    shown = render(parse_request(REQUEST, facts), facts, "en", "Table 1.1")
    assert rows(shown) == [["Chip", "Year", "BF16 TFLOPS", "Ridge point FLOP/B"],
                           ["MI300X", "2023", "1,307.4", "–"], ["H100", "2022", "989.4", "295"]]
    assert "Figures checked 2026-10 – 2026-11." in shown


def test_chinese_heads_and_notes(facts):
    shown = render(parse_request(REQUEST, facts), facts, "zh", "表 1.1")
    assert rows(shown)[0] == ["芯片", "年份", "BF16 TFLOPS", "脊点 FLOP/B"]
    assert "数据核对于" in shown


def test_a_source_that_all_rows_share_stands_behind_the_caption(facts):
    request = parse_request(REQUEST.replace(" [@nv-sheet]", "").replace(", ridge", ""), facts)
    table = facts.tables["chips"]
    own = html.fromstring(render(request, facts, "en", "Table 1.1"))
    assert own.xpath("//figcaption//sup/@data-cite") == [] and len(own.xpath("//tbody//th/sup/@data-cite")) == 2
    one = replace(table, rows=[replace(row, src="nv-sheet") for row in table.rows])
    shared = html.fromstring(render(request, replace(facts, tables={"chips": one}), "en", "Table 1.1"))
    assert shared.xpath("//figcaption//sup/@data-cite") == ["nv-sheet"] and shared.xpath("//tbody//th/sup") == []


@pytest.mark.parametrize("cell, shown", [
    ("state `1/t`, then $10 + 24/t$ of 34", r'state <code>1/t</code>, then <span class="arithmatex">\(10 + 24/t\)</span> of 34'),
    ("$N_a < N$", r'<span class="arithmatex">\(N_a &lt; N\)</span>'),
    ("`$JOB` and `$NODE`", "<code>$JOB</code> and <code>$NODE</code>"),
    ("2 $ or 3 $ an hour", "2 $ or 3 $ an hour")])
def test_a_formula_in_a_cell_is_left_for_katex(cell, shown):
    assert inline_html(cell) == shown


def test_where_keeps_matching_rows(facts):
    request = parse_request(REQUEST + "where: {name: [H100]}\n", facts)
    assert [row[0] for row in rows(render(request, facts, "en", "Table 1.1"))] == ["Chip", "H100"]


@pytest.mark.parametrize("body, message", [
    ("id: tab-x\ndata: nothing\ncolumns: [name]\ncaption: C", "there is no table `nothing` in docs/data"),
    ("id: tab-x\ndata: chips\ncolumns: [speed]\ncaption: C", "the table `chips` has no column `speed`"),
    ("id: x\ndata: chips\ncolumns: [name]\ncaption: C", "the id `x` does not begin with `tab-`"),
    ("id: tab-x\ndata: chips\ncolumns: [name]", "the table fence has no `caption`"),
    ("id: tab-x\ndata: chips\ncolumns: [name]\ncaption: C\nwhere: {name: B200}", "no row of the table matches `where`"),
    ("id: tab-x\ndata: chips\ncolumns: [name]\ncaption: A: B", "the table fence is not YAML"),
])
def test_a_bad_request_says_why(facts, body, message):
    with pytest.raises(RequestError, match=message.replace("`", "`")):
        parse_request(body, facts)


def test_citations_are_numbered_in_reading_order_and_listed(facts):
    shown = render(parse_request(REQUEST, facts), facts, "en", "Table 1.1")
    page = html.fromstring(f"<div>{number_citations(shown + PLACE, facts.sources, 'en')}</div>")
    assert page.xpath("//th[@scope='row']/sup/a/@href") == ["#src-amd-sheet", "#src-nv-sheet"]
    assert page.xpath("//figcaption/sup/a/text()") == ["1"]
    assert [item.text_content() for item in page.xpath("//ol[@class='sources']/li")] == [
        "NVIDIA, Data sheet.", "AMD, Brochure (2026-06)."]
    assert page.xpath("//ol/preceding-sibling::p[@class='sources-read']")[0].text_content() == "All read 2026-11-21."


@pytest.mark.parametrize("days, lang, above, items", [
    ("22", "en", "All read 2026-11-22.", ["P, A.", "P, B."]),
    ("121", "en", "Unless an entry says otherwise: read 2026-11-21.", ["P, A.", "P, B, read 2026-11-22.", "P, C."]),
    ("121", "zh", "未另注明者，2026-11-21 查阅。", ["P，A。", "P，B，2026-11-22 查阅。", "P，C。"]),
    ("12", "en", None, ["P, A, read 2026-11-21.", "P, B, read 2026-11-22."]),
    ("1", "en", None, ["P, A, read 2026-11-21."]),
])
def test_the_day_on_which_most_sources_were_read_is_said_once(days, lang, above, items):
    names = "abc"[:len(days)]
    sources = {name: replace(source, accessed=f"2026-11-2{day}") for (name, source), day in zip(sources_of(names).items(), days)}
    page = html.fromstring(f"<div>{number_citations(marks(*names) + PLACE, sources, lang)}</div>")
    assert [item.text_content() for item in page.xpath("//ol[@class='sources']/li")] == items
    assert [p.text_content() for p in page.xpath("//p[@class='sources-read']")] == ([above] if above else [])


def test_neighbouring_citations_share_a_superscript(facts):
    marks = "".join(f'<sup class="cite" data-cite="{name}"></sup>' for name in ("nv-sheet", "amd-sheet"))
    assert html.fromstring(f"<p>{number_citations(marks, facts.sources, 'en')}</p>").text_content() == "1,2"


def sources_of(names: str) -> dict[str, Source]:
    return {name: Source(name, dict.fromkeys(("en", "zh"), name.upper()), {"en": "P", "zh": "P"}, "", "doc", "2026-11-22") for name in names}


def marks(*names: str) -> str:
    return "".join(f'<sup class="cite" data-cite="{name}"></sup>' for name in names)


@pytest.mark.parametrize("cited, shown", [("b", "2"), ("ba", "1,2"), ("dbac", "1–4"), ("acd", "1,3,4"), ("edcag", "1,3–5,7"), ("abcegfh", "1–3,5–8"), ("aab", "1,2")])
def test_consecutive_numbers_become_a_range_whose_ends_are_links(cited, shown):
    sources = sources_of("abcdefgh")
    first = "".join(f"<p>{marks(name)}</p>" for name in "abcdefgh")
    page = html.fromstring(f"<div>{number_citations(f'{first}<p>{marks(*cited)}</p>{PLACE}', sources, 'en')}</div>")
    group = page.xpath("./p[sup][last()]/sup")[0]
    assert group.text_content() == shown
    for link in group.xpath("./a"):
        assert page.xpath(f"//li[@id='{link.get('href')[1:]}']")[0].text_content().startswith("P, " + "ABCDEFGH"[int(link.text) - 1])


@pytest.mark.parametrize("lang, shown", [("en", "Sources: 1–4, 6"), ("zh", "来源：1–4、6")])
def test_many_sources_of_a_figure_stand_on_a_line_of_their_own(lang, shown):
    sources = sources_of("abcdef")
    line = '<span class="figure-sources" data-cite="d c b a f"></span>'
    page = html.fromstring(f"<div>{number_citations(f'<p>{marks(*sources)}</p><p>{line}</p>{PLACE}', sources, lang)}</div>")
    assert page.xpath("./p[2]/span")[0].text_content() == shown
    assert page.xpath("./p[2]//a/@href") == ["#src-a", "#src-d", "#src-f"]


def test_citations_in_a_cell_are_marked_without_the_space_before():
    assert inline_html("Half a day [@nv-sheet; @amd-sheet], `x`") == (
        'Half a day<sup class="cite" data-cite="nv-sheet"></sup><sup class="cite" data-cite="amd-sheet"></sup>, <code>x</code>')


@pytest.mark.parametrize("value, digits, shown", [
    (1979, None, "1,979"), (989.5, None, "989.5"), (3.35, None, "3.35"), (0.5, 2, "0.50"), (295.3, 0, "295"), (1307.4, None, "1,307.4")])
def test_numbers(value, digits, shown):
    assert format_number(value, digits) == shown


def test_note_letters_go_on_after_z():
    assert [letter(index) for index in (0, 25, 26, 27)] == ["a", "z", "aa", "ab"]


@given(st.lists(st.sampled_from(["a", "显存", " ", "  ", "1. ", "# ", "- ", ">", "&", "*b*", "`c`", "[d](e)", "\n", "\n\n", ":", "|", "=", "~", '"', "{#x}", "\t", "  \n", "http://x.y", "\u00a0", "\x02", "\x03"]), max_size=6))
def test_a_cell_is_what_markdown_makes_of_it_alone(parts):
    text = "".join(parts)
    assert inline_html(text) == markdown.markdown(text).removeprefix("<p>").removesuffix("</p>")


@pytest.mark.parametrize("lang, shown", [("en", "this book, a run, read <time>2026-11-22</time>."), ("zh", "本书，一次运行，<time>2026-11-22</time> 查阅。")])
def test_a_source_that_is_no_name_is_called_in_the_language_of_the_page(lang, shown):
    source = Source("a", {"en": "a run", "zh": "一次运行"}, {"en": "this book", "zh": "本书"}, "", "measured", "2026-11-22")
    assert source_html(source, lang) == shown
