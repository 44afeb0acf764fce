"""Where the print style lets a page end, on pages of a few lines."""

import pytest

from openbook.pdf import weasy
from openbook.pdf.flatten_code import flatten_code
from openbook.pdf.flatten_figures import flatten_tables
from openbook.pdf.proof import UNSEEN
from openbook.pdf.style import read_sheet
from tests.pdf.test_flatten import parse, write

#: A page of ten lines of 20 px; margins of blocks are left as the print style has them where a test is about them.
PAGE = ("@page{size:600px 200px;margin:0}body,pre,td,th,figcaption,.cl,p{font:12px/20px monospace!important}"
        "p,.highlight,pre,table,figure,div.math,.table-notes,.link-notes{margin:0!important;padding:0!important}"
        "td,th{padding:0!important;border:0!important}code{font-family:monospace!important}")
LINES = "".join("<p>line</p>" for _ in range(10))


def lay_out(body, style=PAGE):
    """Give the boxes with text of each page, in the English print style."""
    weasy.install()
    css = weasy.weasyprint.CSS(string=read_sheet("book.css") + read_sheet("a4.css") + style)
    html = f'<html lang="en"><body><section class="chapter">{body}</section></body></html>'
    pages = weasy.weasyprint.HTML(string=html).render(stylesheets=[css]).pages
    return [[box for part in page._page_box.children if not isinstance(part, weasy.boxes.MarginBox)
             for box in part.descendants() if isinstance(box, weasy.boxes.TextBox) and box.text.strip()] for page in pages]


def words(body, style=PAGE):
    """Give the text of each page, a space between boxes."""
    return [" ".join(box.text for box in page) for page in lay_out(body, style)]


def lines(number):
    return "".join(f"<p>line{n}</p>" for n in range(number))


def listing(number):
    rows = "".join(f'<span class="cl">row{n}</span>' for n in range(number))
    return f'<div class="highlight short"><pre><code>{rows}</code></pre></div>'


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_short_listing_may_end_a_page_or_open_one(rows):
    pages = words(lines(10 - rows) + listing(rows) + "<p>next</p>")
    assert pages[1] == "next", "what follows is not glued to the listing"
    pages = words(lines(10) + listing(rows))
    assert pages[0].endswith("line9") and pages[1].startswith("row0"), "nor is what stands before"


def test_the_first_and_last_three_lines_of_a_long_listing_stay_together():
    assert words(lines(8) + listing(14).replace(" short", ""))[0].endswith("line7"), "two lines at the foot"
    assert words(lines(7) + listing(14).replace(" short", ""))[0].endswith("row2"), "three may stand there"
    assert words(listing(11).replace(" short", ""))[1] == "row8 row9 row10"


def test_a_heading_that_opens_a_page_stands_at_its_head_but_a_title_keeps_its_room():
    section = "</section><section class='chapter' style='break-before:page'>"
    pages = lay_out(f"{lines(9)}<h2>A</h2>{lines(3)}{section}<h1 class='chapter-title'>T</h1>")
    assert [box.text for page in pages for box in page[:1]] == ["line0", "A", "T"]
    assert pages[1][0].position_y == pytest.approx(0, abs=3)
    assert pages[2][0].position_y == pytest.approx(22 / 25.4 * 96, abs=5)


@pytest.mark.parametrize("cell, broken", [
    ("<code>all_reduce_bench.py</code>", ["all_reduce_", "bench.py"]),
    ("<code>run --lf --verbose</code>", ["run --lf", "--verbose"])])
def test_code_in_a_cell_breaks_after_its_signs_and_before_an_option(cell, broken):
    cell = parse(f"<p>{cell}</p>")
    flatten_code(cell, "a4")
    table = f"<table style='width:100px'><tbody><tr><td style='width:100px'>{write(cell)}</td></tr></tbody></table>"
    assert [box.text.translate(UNSEEN).strip() for box in lay_out(table)[0]] == broken


def test_a_column_of_chinese_holds_four_characters():
    cells = "<td>节点停机即失</td><td class='num'>100,000,000</td><td>一列很长的说明文字</td>"
    page = parse(f"<div style='width:160px'><table><tbody><tr>{cells}</tr></tbody></table></div>")
    flatten_tables(page)
    assert [box.text for box in lay_out(write(page))[0]] == ["节点停机即失", "100,000,000", "一列很长", "的说明文", "字"]


def table(rows, after=""):
    body = "".join(f"<tr><td>row{n}</td></tr>" for n in range(rows))
    return f"<figure class='book-table'><div class='table-wrap'><table><tbody>{body}</tbody></table></div>{after}</figure>"


@pytest.mark.parametrize("note", ["table-notes", "link-notes"])
def test_notes_of_a_table_and_its_last_three_rows_stay_together(note):
    assert words(table(10, f"<p class='{note}'>note</p>"))[1] == "row7 row8 row9 note"


def test_the_first_three_rows_of_a_table_stay_together():
    assert words(lines(8) + table(9))[1].startswith("row0")
    assert words(lines(7) + table(9))[0].endswith("row2")


@pytest.mark.parametrize("formula", ["<div class='math'>x</div>", "<div class='equation'><div class='math'>x</div></div>"])
def test_a_formula_stays_with_the_words_before_it(formula):
    assert words(lines(9) + "<p>that is</p>" + formula)[1] == "that is x"


def test_a_short_output_stays_with_its_command():
    command = listing(1)
    assert words(lines(9) + command + listing(2).replace("highlight short", "highlight output short"))[1] == "row0 row0 row1"


def test_a_source_does_not_stand_alone():
    items = "".join(f"<li>source{n}</li>" for n in range(11))
    style = PAGE + "ol,li{font:12px/20px monospace!important;margin:0!important}"
    assert words(f"<ol class='sources'>{items}</ol>", style)[1].count("source") == 2


def test_the_box_of_a_listing_that_goes_on_overleaf_ends_with_its_last_line():
    weasy.install()
    style = weasy.weasyprint.CSS(string=read_sheet("book.css") + read_sheet("a4.css") + PAGE)
    html = f'<html lang="en"><body>{listing(6).replace(" short", "") * 2}</body></html>'
    page = weasy.weasyprint.HTML(string=html).render(stylesheets=[style]).pages[0]._page_box
    boxes = [box for box in page.descendants() if box.element_tag in ("pre", "code") and box.is_in_normal_flow()]
    ends = [box.position_y + box.margin_height() for box in boxes]
    assert ends == [120, 120, 180, 180], "the last three of its six lines go overleaf, and there is room for a fourth"
