"""Every fault that the preflight knows, planted in a chapter or in a finished file, and caught with place and remedy."""

import io

import pikepdf
import pytest
from PIL import Image

import build_pdf
from openbook.pdf import assemble, edition, preflight
from openbook.pdf.bind import Mark
from openbook.pdf.errors import PdfError
from openbook.pdf.fonts import find_faces

LONG = "unbreakable" * 12


@pytest.fixture
def build(site, capsys):
    """Build the English book with some HTML added to the second chapter; give exit code and errors."""

    def command(added="", into="beta"):
        page = site / into / "index.html"
        page.write_text(page.read_text().replace("</article>", added + "</article>"))
        code = build_pdf.main(["--site", str(site), "--lang", "en", "--jobs", "1"])
        return code, capsys.readouterr().err

    return command


def png(width, height):
    """Draw a grey picture."""
    out = io.BytesIO()
    Image.new("L", (width, height), 128).save(out, "PNG")
    return out.getvalue()


def test_a_sound_book_passes(build):
    assert build("<p>Nothing is wrong here.</p>") == (0, "")


def test_a_listing_may_wrap_between_two_spaces(build):
    lines = "\n".join("a" * count + "  " + "b" * 30 for count in range(70, 110))
    assert build(f'<div class="highlight"><pre><code>{lines}\n</code></pre></div>') == (0, "")


@pytest.mark.parametrize(("added", "what", "where"), [
    ("<p>A sign \U00013080 of Egypt.</p>", "no font of the book has \U00013080 (U+13080)", "docs/beta/index.md"),
    ('<p style="font-family:DejaVu Sans">Foreign</p>', "which is not a font of the book", "Foreign"),
    (f'<p style="white-space:nowrap">{LONG}</p>', "text leaves its box", LONG[:30]),
    (f'<div style="width:40mm"><p style="white-space:nowrap">{LONG[:40]}</p></div>', "text leaves its box", LONG[:30]),
    (f'<table><tr><td><span style="white-space:nowrap">{LONG}</span></td><td>b</td></tr></table>',
     "a table leaves its box", "unbreakable"),
    (f'<div class="highlight" style="width:30mm"><pre style="white-space:pre"><code>x = "{LONG[:44]}"\n</code></pre></div>',
     "a line of code leaves its box", "x ="),
    ('<div class="highlight"><pre style="height:1em;overflow:hidden"><code>a = 1\nb = 2\nc = 3\n</code></pre></div>',
     "text is cut off", "b = 2"),
    (f'<div style="width:30mm;overflow:hidden"><p style="width:90mm">{LONG[:44]}</p></div>', "text is cut off", "unbreakable"),
    ('<p style="position:absolute;left:-60mm">Astray</p>', "text leaves the page", "Astray"),
    ('<p>Back to <a href="../alpha/#nowhere">nowhere</a>.</p>', "which does not exist", "docs/beta/index.md"),
    ("<h2>Without an id</h2>", "a heading has no id, so no bookmark leads to it: Without an id", "docs/beta/index.md"),
    ('<p hidden>Words that do not print: zyzzyva.</p>', "characters of the chapter are not printed", "zyzzyva"),
    ('<details><summary>Why?</summary><p hidden>The answer.</p></details>', "a folded block did not print: Why?", "The answer"),
    ('<div class="tabbed-set"><div class="tabbed-labels"><label>NVIDIA</label><label>AMD</label></div><div class="tabbed-content">'
     '<div class="tabbed-block"><p>Use it.</p></div><div class="tabbed-block" style="display:none"><p>Or that one.</p></div></div></div>',
     "a tab pane did not print: AMD", "Or that one"),
])
def test_a_fault_in_a_chapter_is_told_with_place_and_remedy(build, added, what, where):
    code, err = build(added)
    assert code == 1 and what in err and where in err
    assert "docs/beta/index.md" in err and "mend:" in err and "Traceback" not in err


def test_a_picture_too_coarse_for_its_size(build, site):
    (site / "assets" / "coarse.png").write_bytes(png(60, 30))
    code, err = build('<p><img src="../assets/coarse.png" alt="A coarse picture" style="width:100mm"></p>')
    assert code == 1 and "a picture of 60 by 30 pixels prints at 15 dpi" in err and "docs/beta/index.md, page 1" in err


def test_a_picture_at_its_own_size_is_fine_enough(build, site):
    (site / "assets" / "fine.png").write_bytes(png(600, 300))
    assert build('<p><img src="../assets/fine.png" alt="A fine picture"></p>') == (0, "")


def test_an_edition_too_large_to_send(build, monkeypatch, site):
    monkeypatch.setattr(preflight, "LARGEST", 20_000)
    code, err = build("<p>Large.</p>")
    assert code == 1 and "more than 0 MB" in err and "tiny.en.pdf" in err
    assert list((site / "pdf").iterdir()) == []


def test_two_font_files_under_one_key_print_wrong_letters_under_right_text(build, monkeypatch, cache):
    """WeasyPrint draws the second file's glyph numbers with the first file: the text layer stays right."""
    faces = {(face.family, face.weight, face.style): face for face in find_faces(cache)}
    first, second = faces["Book Serif", 400, "normal"], faces["Book Kai", 400, "normal"]
    two = first.css().replace("}", ";unicode-range:U+0020-0050,U+0052-017F,U+2013-201D}") + \
        first.css().replace(first.path.as_uri(), second.path.as_uri()).replace("}", ";unicode-range:U+0051}")
    plain = edition.style_sheet
    monkeypatch.setattr(edition, "style_sheet", lambda *args: plain(*args).replace(first.css(), two))
    code, err = build("<p>Q: is this letter right?</p>")
    assert code == 1 and "Q (U+0051) prints as another character" in err and "Budgets, page" in err
    assert "give each font file its own family, weight and style" in err


@pytest.fixture
def finished(site, monkeypatch):
    """Build the English book; give it open, with what was expected of it."""
    kept = []
    monkeypatch.setattr(assemble, "preflight", lambda path, expected, cache: kept.append(expected) or 1)
    assert build_pdf.main(["--site", str(site), "--lang", "en", "--jobs", "1"]) == 0
    with pikepdf.open(site / "pdf" / "tiny.en.pdf", allow_overwriting_input=True) as pdf:
        yield pdf, kept[0]


def check(pdf, expected, cache, tmp_path):
    """Save a broken book and check it."""
    pdf.save(tmp_path / "broken.pdf")
    preflight.preflight(tmp_path / "broken.pdf", expected, cache / "pdf")


def names_of(pdf):
    return pikepdf.NameTree(pdf.Root.Names.Dests)


def test_a_finished_book_passes(finished, cache, tmp_path):
    check(*finished, cache, tmp_path)


def test_a_glyph_swapped_in_the_embedded_font(finished, cache, tmp_path):
    pdf, expected = finished
    page = next(page for page in pdf.pages if "/Font" in page.obj.get("/Resources", {}))
    font = next(font for font in page.obj.Resources.Font.values() if "Book-Sans" in str(font.BaseFont))
    spelling = font.ToUnicode.read_bytes()
    assert b"<0065>" in spelling
    font.ToUnicode.write(spelling.replace(b"<0065>", b"<006f>"))
    with pytest.raises(PdfError, match=r"o \(U\+006F\) prints as another character in"):
        check(pdf, expected, cache, tmp_path)


def test_a_foreign_font_in_the_file(finished, cache, tmp_path):
    pdf, expected = finished
    for page in pdf.pages:
        for font in page.obj.get("/Resources", {}).get("/Font", {}).values():
            font.BaseFont = pikepdf.Name("/ABCDEF+DejaVu-Sans")
    with pytest.raises(PdfError, match="DejaVu-Sans is not an embedded font of the book"):
        check(pdf, expected, cache, tmp_path)


def test_a_page_that_draws_something_else(finished, cache, tmp_path):
    pdf, expected = finished
    pdf.pages[-2].obj.Contents = pdf.make_stream(b"q\nQ\n")
    with pytest.raises(PdfError, match="a page does not draw what was proofed"):
        check(pdf, expected, cache, tmp_path)


def test_a_link_to_a_name_that_is_gone(finished, cache, tmp_path):
    pdf, expected = finished
    del names_of(pdf)["beta--cost"]
    with pytest.raises(PdfError, match="a link leads to beta--cost, which is not in the book"):
        check(pdf, expected, cache, tmp_path)


def test_a_bookmark_that_is_not_the_books(finished, cache, tmp_path):
    pdf, expected = finished
    expected.marks[0] = Mark("Other", "index")
    with pytest.raises(PdfError, match="bookmark 1 is"):
        check(pdf, expected, cache, tmp_path)


def test_a_bookmark_that_leads_astray(finished, cache, tmp_path):
    pdf, expected = finished
    names = names_of(pdf)
    names["beta--cost"] = names["alpha--speed"]
    with pytest.raises(PdfError, match="where no such heading is printed"):
        check(pdf, expected, cache, tmp_path)


def test_contents_that_print_another_page(finished, cache, tmp_path):
    pdf, expected = finished
    expected.printed["home"] = "99"
    with pytest.raises(PdfError, match="the contents print page 99 for home, which is on page v"):
        check(pdf, expected, cache, tmp_path)
