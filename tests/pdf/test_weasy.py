"""Guards: each private function of WeasyPrint that is changed still does what the change rests on."""

import importlib.metadata
import logging
import sys

import pikepdf
import pytest

from openbook.pdf import cjk, render, weasy
from openbook.pdf.errors import PdfError
from openbook.pdf.flatten_code import JOIN
from openbook.pdf.fonts import find_faces
from openbook.pdf.render import Renderer, Segment
from openbook.pdf.style import read_sheet, style_sheet


@pytest.fixture(scope="module")
def renderer(cache):
    with Renderer(style_sheet(find_faces(cache), "a4", "zh"), "", cache, 1) as renderer:
        yield renderer


def lay_out(renderer, body, lang="zh-Hans", name="x"):
    return renderer.render([Segment(name, "T", lang, body)])[0]


CSS = "@page{size:200px 400px;margin:0}body{margin:0;font:20px Book Han Serif;text-align:justify}"


def laid(renderer, body):
    """Lay Chinese out on a narrow page with the changed functions; give its lines."""
    sheet, fonts = render.prepare(renderer.sheet)
    html = f'<html lang="zh-Hans"><style>{CSS}</style><body>{body}</body></html>'
    page = weasy.weasyprint.HTML(string=html).render(stylesheets=[sheet], font_config=fonts).pages[0]._page_box
    return [line for line in page.descendants() if isinstance(line, weasy.boxes.LineBox)]


def test_widths_are_added_up_as_python_3_11_does_it():
    """Newer ones keep the rounding errors of floats, and a page would have other bytes."""
    weasy.install()
    modules = [vars(module) for name, module in sys.modules.items() if name.startswith("weasyprint.")]
    assert {eval("sum([0.1] * 10)", module) for module in modules} == {0.9999999999999999}
    assert weasy._sum([0.1] * 10) == 0.9999999999999999 and weasy._sum([3, 4], 5) == 12


def test_the_version_is_the_one_that_was_read(monkeypatch):
    weasy.check_version()
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "71.0")
    with pytest.raises(PdfError, match="WeasyPrint is 71.0; the PDF step is written for 70.0"):
        weasy.check_version()


def test_the_functions_that_are_changed_are_the_ones_that_were_read():
    assert weasy.source_digest() == weasy.SOURCE_DIGEST


def test_a_chapter_embeds_no_font_but_records_its_glyphs(renderer):
    item = lay_out(renderer, "<p>显存 GPU</p>")
    families = {record["family"]: record for record in item.fonts.values()}
    assert set(families) == {"Book Han Serif", "Book Serif Zh"}
    assert set(families["Book Han Serif"]["glyphs"].values()) >= {"显", "存"}
    assert b"FontFile" not in item.pdf.read_bytes()


def test_a_character_without_a_font_is_told(renderer):
    item = lay_out(renderer, "<p>\U00013080</p>")
    with pytest.raises(PdfError, match=r"no font of the book has .* \(U\+13080\)"):
        render.check_rendered(item, "docs/x.md")


def test_no_rule_of_the_print_style_is_refused(caplog):
    logging.getLogger("weasyprint").addHandler(caplog.handler)
    for name in ("book.css", "zh.css", "a4.css", "b5.css"):
        weasy.weasyprint.CSS(string=read_sheet(name))
    logging.getLogger("weasyprint").removeHandler(caplog.handler)
    assert caplog.messages == []


def test_chinese_lines_fill_the_measure(renderer):
    lines = laid(renderer, "<p style='text-indent:0'>训练大模型 GPU 要先算清楚通信的账，再买网卡。</p>")
    assert len(lines) > 1
    for line in lines[:-1]:
        right = max(box.position_x + box.width for box in line.descendants() if isinstance(box, weasy.boxes.TextBox))
        assert right == pytest.approx(200, abs=11), "a line ends at the measure, or half a mark beyond it"


@pytest.mark.parametrize(("before", "after"), [("训练", "要先算清楚通信的账，再买网卡。"), ("Run", "to see more than it says by itself.")])
def test_spaces_of_code_are_not_stretched(renderer, before, after):
    def width(align):
        lines = laid(renderer, f"<p style='text-indent:0;text-align:{align}'>{before} <code>a b c</code> {after}</p>")
        return next(box.width for box in lines[0].descendants() if isinstance(box, weasy.boxes.TextBox) and box.element_tag == "code")

    assert width("justify") == pytest.approx(width("left"))


def test_meeting_marks_lose_their_empty_half(renderer):
    apart = sum(box.width for box in laid(renderer, "<p style='text-indent:0;text-align:left'>甲）乙。</p>")[0].children)
    meeting = sum(box.width for box in laid(renderer, "<p style='text-indent:0;text-align:left'>甲乙）。</p>")[0].children)
    assert apart - meeting == pytest.approx(10, abs=0.1)


def test_squeezes_are_byte_ranges_of_the_marks():
    assert cjk.squeezes("甲）。", "zh-Hans") == [(3, 6)]
    assert cjk.squeezes("甲：“乙", "zh") == [(3, 6)]
    assert cjk.squeezes("甲）。", "en") == []


def test_a_mark_is_half_wide_before_one_in_another_element_and_none_is_widened_twice(renderer):
    apart, joined = (laid(renderer, f"<i style=\"font:inherit\">甲》{join}</i>，乙")[0].children[0].width for join in ("", JOIN))
    assert joined == pytest.approx(apart - 10)
    assert cjk.squeezes("》" + JOIN, "zh") == [(0, 3)] and cjk.squeezes(JOIN + "（甲", "zh") == [(3, 6)]
    assert cjk.gaps("甲》" + JOIN, last=False) == [(0, 1), (1, 1)]


def test_gaps_are_beside_chinese_characters_and_at_spaces():
    assert cjk.gaps("甲乙 ab丙", last=True) == [(0, 1), (2, 3), (4, 1)]
    assert cjk.gaps("——甲", last=True) == [(1, 1)]
    assert cjk.gaps("abc", last=False) == []


def test_a_footnote_stays_on_the_page_of_its_call(renderer):
    item = lay_out(renderer, "<p>甲<span class='fn'>注</span></p>", name="fn")
    assert item.pages == 1


def test_running_heads_are_artifacts_and_formulas_have_tags(renderer):
    body = ("<section class='chapter' id='c'><h1 class='chapter-title' data-part='P' data-chapter='HEAD'>T</h1>"
            "<p style='break-after:page'>a</p><p>b <span data-tag='Formula' data-alt='x'>x</span></p></section>")
    item = lay_out(renderer, body)
    with pikepdf.open(item.pdf) as pdf:
        assert b"/Artifact" in pdf.pages[1].Contents.read_bytes()
        found = []

        def walk(node):
            if isinstance(node, pikepdf.Dictionary) and "/S" in node:
                found.append((str(node.S), str(node.get("/Alt", ""))))
                for kid in node.get("/K", []):
                    walk(kid)

        walk(pdf.Root.StructTreeRoot.K[0])
    assert ("/Formula", "x") in found


FLOAT = ("@page{size:200px 400px;margin:0}body{margin:0;font:20px/20px Book Serif}p,figure{margin:0}"
         "figure{height:200px;break-inside:avoid}.lead{break-after:avoid}")
TALL = "<div style='height:300px'>top</div>"


def order_of(renderer, body):
    """Give the text of each page."""
    sheet, fonts = render.prepare(renderer.sheet)
    html = f'<html lang="en"><style>{FLOAT}</style><body><section>{body}</section></body></html>'
    pages = weasy.weasyprint.HTML(string=html).render(stylesheets=[sheet], font_config=fonts).pages
    return ["".join(box.text for box in page._page_box.descendants() if isinstance(box, weasy.boxes.TextBox)) for page in pages]


def test_a_figure_that_does_not_fit_lets_the_next_paragraphs_pass(renderer):
    figure = "<figure id='f'>F</figure>"
    assert order_of(renderer, f"{TALL}{figure}<p>one</p><p>two</p><h2>H</h2>") == ["toponetwo", "FH"]
    assert order_of(renderer, f"{TALL}{figure}<ul><li>one</li></ul>")[0] == "top", "a list stays behind it"
    assert order_of(renderer, f"{TALL}<p class='lead'>as:</p>{figure}<p>one</p>")[-1].startswith("as:F"), "an announcement stays"
    assert order_of(renderer, f"{TALL}{figure}<p>is</p><div class='equation'>x</div>")[0] == "top", "nor leaves a formula"
    assert order_of(renderer, f"<p>a</p>{figure}<p>one</p>") == ["aFone"], "one that fits stays"
    assert order_of(renderer, f"{TALL}{figure}<p>one</p>{figure}<p>two</p>") == ["topone", "FF", "two"]


def test_no_note_is_lost_where_a_page_ends_among_calls(renderer):
    words = "".join(f"word{n} goes on and on<span class='fn'>note{n}.</span> " for n in range(12))
    sheet, fonts = render.prepare(renderer.sheet)
    for height in range(150, 330, 6):
        css = f"@page{{size:220px {height}px;margin:0}}body{{margin:0;font:14px/18px Book Serif;widows:2;orphans:2}}"
        html = f'<html lang="en"><style>{css}</style><body><p>{words}</p><p>{words.replace("note", "sign")}</p></body></html>'
        pages = weasy.weasyprint.HTML(string=html).render(stylesheets=[sheet], font_config=fonts).pages
        text = "".join(box.text for page in pages for box in page._page_box.descendants() if isinstance(box, weasy.boxes.TextBox))
        assert [text.count(f"{what}{n}.") for what in ("note", "sign") for n in range(12)] == [1] * 24, height


def test_a_centred_text_of_a_drawing_is_no_transparency_group_and_a_faint_drawing_is_one(renderer):
    item = lay_out(renderer, '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 20"><text x="40" y="9" text-anchor="middle">GPU</text>'
                   '<g opacity=".5"><rect width="9" height="9"/><text x="80" y="9" text-anchor="end">TPU</text></g></svg>', lang="en", name="anchor")
    with pikepdf.open(item.pdf) as pdf:
        forms = sorted((b"BT" in form.read_bytes(), "/Group" in form) for form in pdf.objects
                       if isinstance(form, pikepdf.Stream) and form.get("/Subtype") == "/Form")
    assert forms == [(False, True), (True, False), (True, False)]
