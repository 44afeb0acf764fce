"""`openbook new` writes a pair that passes the checks and stands in the navigation."""

import pytest

from openbook.book import read_book
from openbook.checking.run import check_repository
from openbook.cli import main


@pytest.fixture
def book(small_book, monkeypatch):
    monkeypatch.chdir(small_book)
    return small_book


@pytest.mark.parametrize("place, part", [("deep/checkpoints", 3), ("deep/more/checkpoints", 3), ("hardware/checkpoints", 2), ("insights/checkpoints", 1)])
def test_a_new_chapter_passes_and_stands_in_its_part(book, place, part):
    assert main(["new", place, "Checkpoints: how often?", "检查点：多久一次？"]) == 0
    assert check_repository(book) == []
    chapter = read_book(book).by_path[f"{place}.md"]
    assert chapter.part == part
    assert "# Checkpoints: how often?\n" in (book / "docs" / f"{place}.md").read_text("utf-8")
    assert "# 检查点：多久一次？\n" in (book / "docs" / chapter.twin).read_text("utf-8")
    assert {path: other.part for path, other in read_book(book).by_path.items() if path != chapter.path} == {
        "index.md": None, "a.md": 1, "deep/index.md": 3}


def test_a_new_chapter_begins_fresh(book, capsys):
    main(["new", "deep/checkpoints", "Checkpoints", "检查点"])
    main(["status", "docs/deep/checkpoints.md"])
    assert "docs/deep/checkpoints.zh.md: up to date, 9 sections\n" in capsys.readouterr().out


@pytest.mark.parametrize("place, message", [
    ("checkpoints", "a chapter is named PART/NAME, in lower-case letters, digits and hyphens"),
    ("deep/Check_Points", "a chapter is named PART/NAME, in lower-case letters, digits and hyphens"),
    ("deep/../up", "a chapter is named PART/NAME, in lower-case letters, digits and hyphens"),
    ("deep/index", "the file is already there"), ("music/checkpoints", "no part of the book is called or holds `music`")])
def test_what_cannot_be_done_is_said_and_nothing_is_written(book, capsys, place, message):
    before = sorted(path for path in book.rglob("*"))
    assert main(["new", place, "A", "甲"]) == 1
    assert message in capsys.readouterr().out
    assert sorted(path for path in book.rglob("*")) == before


def test_each_section_of_the_template_has_a_hint_and_both_languages_have_the_same(root):
    texts = [(root / "openbook/template" / name).read_text("utf-8") for name in ("chapter.md", "chapter.zh.md")]
    shapes = [[line.split(" ")[0] for line in text.split("\n") if line.startswith(("#", "<!--"))] for text in texts]
    assert shapes[0] == shapes[1] == ["#", *["##", "<!--"] * 8]
