"""The pictures of shared pages: their size, their words, and that they are drawn once."""

import pytest
from lxml import etree
from PIL import Image

from openbook.findings import BookError
from openbook.pdf.errors import PdfError
from openbook.site import share
from openbook.site.share import Artist, Card, find_faces, fitted, wrapped
from openbook.site.share_paint import Frame, Painter, lines_of

CARD = Card("zh", "第 3 章 · 硬件", "网络：节点内与节点间", "《机器学习工程》开放书籍")


def test_every_page_has_a_picture_of_the_size_that_its_head_says(published):
    pictures = sorted((published / "assets/share").iterdir())
    assert [path.name for path in pictures] == [f"{name}.{lang}.png" for name in ("a", "deep", "index", "parts-insights", "parts-training")
                                                for lang in ("en", "zh")]
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (1200, 630) and picture.mode == "P"
        assert path.stat().st_size < 100_000


def test_different_words_give_different_pictures_and_the_same_the_same(root, tmp_path):
    artist = Artist(root / "overrides", tmp_path / "cache")
    artist.write({"one.png": CARD, "two.png": Card("en", "", "Networks", "Book"), "three.png": CARD}, tmp_path)
    one, two, three = ((tmp_path / f"{name}.png").read_bytes() for name in ("one", "two", "three"))
    assert one == three != two


def test_a_picture_is_drawn_once_and_forgotten_when_no_page_has_it(root, tmp_path, monkeypatch):
    Artist(root / "overrides", tmp_path / "cache").write({"one.png": CARD}, tmp_path)
    again = Artist(root / "overrides", tmp_path / "cache")
    monkeypatch.setattr(again, "draw", lambda card: pytest.fail("drawn again"))
    again.write({"two.png": CARD}, tmp_path)
    again.write({}, tmp_path)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("title, lang, width, lines", [
    ("Networks: Inside the Node", "en", 12, ["Networks:", "Inside the", "Node"]),
    ("网络：节点内与节点间", "zh", 12, ["网络：节点内", "与节点间"]),
    ("《机器学习工程》开放书籍", "zh", 18, ["《机器学习工程》", "开放书籍"]),
    ("ZeRO、FSDP 与 DDP（三种）", "zh", 12, ["ZeRO、FSDP", "与 DDP", "（三种）"])])
def test_lines_break_between_words_and_not_before_marks(title, lang, width, lines):
    def fits(text: str) -> bool:
        return sum(1 if character.isascii() else 2 for character in text) <= width

    assert wrapped(title, fits, lang) == lines


@pytest.mark.parametrize("lang, title", [("en", "Optimizers and Their Memory: AdamW to Muon, GaLore, APOLLO, BAdam, Adam-mini"),
                                         ("zh", "分布式训练基础与策略选择：数据并行、张量并行、流水线并行、上下文并行与专家并行各切什么、各发什么")])
def test_the_longest_titles_fit(lang, title):
    faces = find_faces(lang)
    size, lines = fitted(Card(lang, "", title, ""), faces)
    assert len(lines) <= 4 and "".join(lines).replace(" ", "") == title.replace(" ", "")
    assert max(faces.font(size, bold=True).getlength(line) for line in lines) <= share.RIGHT - share.LEFT


def test_a_missing_font_is_one_clear_message(monkeypatch):
    def missing(*_):
        raise PdfError("the font Noto Sans CJK SC is not installed", "fonts of this machine", "as root on Debian or Ubuntu: apt-get install fonts-noto-cjk")

    monkeypatch.setattr(share, "locate", missing)
    with pytest.raises(BookError, match="the font Noto Sans CJK SC is not installed.*\n    As root on Debian or Ubuntu: apt-get"):
        find_faces("zh")


def test_a_path_becomes_lines():
    lines = list(lines_of("M0 0L2 0C2 1 2 2 2 3Z M5 5L6 6"))
    assert len(lines) == 2 and lines[0][:2] == [(0, 0), (2, 0)] and lines[0][-2:] == [(2, 3), (0, 0)] and lines[1] == [(5, 5), (6, 6)]


def test_shapes_are_painted_where_the_frame_puts_them():
    painter = Painter(Image.new("RGB", (20, 20)), Frame(10, 0, 2))
    painter.paint(etree.fromstring('<svg><g fill="#f00"><rect x="12" y="2" width="4" height="2"/></g></svg>'), {})
    picture = painter.finished()
    assert picture.getpixel((8, 6))[0] > 200 and picture.getpixel((8, 12))[0] < 50 and picture.getpixel((1, 6))[0] < 50
