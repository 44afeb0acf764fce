"""Small stages: words, fonts, front matter, preflight."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from openbook.pdf import front, words
from openbook.pdf.bind import Piece, page_label, place
from openbook.pdf.collect import collect
from openbook.pdf.fonts import by_key, find_faces, latin_range
from openbook.pdf.render import Rendered, Renderer
from openbook.pdf.style import style_sheet


@pytest.fixture(scope="module")
def faces(cache):
    return find_faces(cache)


def test_numbers_have_names():
    assert [words.roman(n) for n in (1, 4, 9, 14, 40, 1990)] == ["I", "IV", "IX", "XIV", "XL", "MCMXC"]
    assert [words.han_number(n) for n in (1, 10, 11, 20, 35)] == ["一", "十", "十一", "二十", "三十五"]
    assert words.part_label("zh", 2) == "第二部分" and words.part_label("en", 2) == "Part II"
    assert words.chapter_label("zh", 1) == "第 1 章"


def test_every_family_weight_and_style_is_one_file(faces):
    keys = [(face.family, face.weight, face.style) for face in faces]
    assert len(keys) == len(set(keys))
    assert all(face.family.startswith("Book ") and face.path.is_file() for face in faces)
    assert all(face.path.suffix in (".ttf", ".otf") for face in faces)


def test_chinese_text_takes_its_quotation_marks_from_the_chinese_font(faces):
    face = next(face for face in faces if face.family == "Book Serif Zh" and face.weight == 400)
    covered = set()
    for span in latin_range(face.path).split(","):
        first, _, last = span.removeprefix("U+").partition("-")
        covered |= set(range(int(first, 16), int(last, 16) + 1))
    assert {ord(c) for c in "Aa9é≤"} <= covered
    assert not covered & {ord(c) for c in "“”‘’—…·∈"} and ord("•") in covered


def test_synthetic_styles_lead_to_the_file_they_were_made_from(faces):
    find = by_key(faces)
    assert find("Book Serif", 400, "oblique") == find("Book Serif", 400, "normal")
    assert find("Book Kai", 700, "normal") == find("Book Kai", 400, "normal")
    assert find("Book Serif", 900, "normal") is None and find("DejaVu Serif", 400, "normal") is None


def test_pieces_open_on_right_hand_pages_and_are_numbered():
    pieces = [Piece(Rendered("f", None, 3, {}, {}), "cover", "", {}), Piece(Rendered("p", None, 1, {}, {}), "part", "", {}),
              Piece(Rendered("c", None, 2, {}, {}), "body", "", {})]
    assert place(pieces) == 4
    assert [piece.start for piece in pieces] == [0, 4, 6]
    assert [page_label(n, 4) for n in (0, 3, 4, 6)] == ["i", "iv", "1", "3"]


def test_the_contents_leave_out_what_every_chapter_has_and_name_the_appendices():
    chapters = [SimpleNamespace(id=f"c{n}", number=n, title=f"Chapter {n}", part=1) for n in range(1, 12)]
    about = SimpleNamespace(id="about", number=None, title="About", part=None)
    part = SimpleNamespace(id="part-1", number=1, title="Part")
    book = SimpleNamespace(code="en", part_of=lambda chapter: part if chapter.part else None)
    flats = [SimpleNamespace(chapter=chapter, headings=((1, chapter.id, chapter.title), (2, f"{chapter.id}--pitfalls", "Pitfalls"),
                                                        (2, f"{chapter.id}--own", f"Own {chapter.id}"))) for chapter in [*chapters, about]]
    rows = front.contents_rows(book, flats)
    assert [row.title for row in rows[:4]] == ["Part", "Chapter 1", "Own c1", "Chapter 2"]
    assert [(row.kind, row.title, row.target) for row in rows[-3:]] == [
        ("part", "Appendices", ""), ("chapter", "About", "about"), ("section", "Own about", "about--own")]


def test_a_chinese_title_breaks_where_a_reader_would():
    assert front.cover_title("《机器学习工程》开放书籍") == "《机器学习工程》<br/>开放书籍"
    assert front.cover_title("A & B") == "A &amp; B"


@pytest.mark.parametrize("paper", ["a4", "b5"])
def test_a_part_of_forty_chapters_lists_them_on_as_many_pages_as_it_takes(site, faces, tmp_path, paper):
    book = collect(site, "en")
    beta = next(chapter for chapter in book.chapters if chapter.id == "beta")
    crowded = replace(book, chapters=tuple(replace(beta, id=f"c{n}", number=n, title=f"Chapter {n}") for n in range(1, 41)))
    segment = front.part_segment(crowded, crowded.parts[0], paper)
    with Renderer(style_sheet(faces, paper, "en"), "", tmp_path, 1) as renderer:
        laid = renderer.render([segment])[0]
    printed = "".join(text for sheet in laid.sheets for *_, text in sheet["runs"])
    assert laid.pages > 1 and laid.faults == []
    assert all(f"{n}Chapter {n}" in printed for n in range(1, 41))
