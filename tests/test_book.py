"""The navigation becomes parts and numbered chapters."""

import pytest

from openbook.book import book_from_nav, chapter_id, read_book
from openbook.findings import BookError


def test_chapters_are_numbered_through_the_book_and_empty_parts_keep_their_number():
    nav = [{"Home": "index.md"}, {"Insights": ["a.md", "b.md"]}, {"Hardware": []}, {"Training": ["c/index.md"]},
           {"About": ["about/x.md"]}]
    book = book_from_nav(nav, {"Insights": "洞见"})
    assert [(chapter.path, chapter.number, chapter.part) for chapter in book.chapters] == [
        ("index.md", None, None), ("a.md", 1, 1), ("b.md", 2, 1), ("c/index.md", 3, 3), ("about/x.md", None, None)]
    assert [(part.number, part.title) for part in book.parts] == [
        (1, {"en": "Insights", "zh": "洞见"}), (3, {"en": "Training", "zh": "Training"})]


def test_sections_inside_a_part_are_walked_in_order():
    book = book_from_nav([{"Hardware": [{"Compute": ["x.md", "y.md"]}, "z.md"]}], {})
    assert [chapter.path for chapter in book.chapters] == ["x.md", "y.md", "z.md"]


@pytest.mark.parametrize("path, id", [
    ("index.md", "index"), ("network/index.md", "network"),
    ("training/frameworks/large-scale.md", "training-frameworks-large-scale")])
def test_chapter_ids_come_from_paths(path, id):
    assert chapter_id(path) == id


def test_read_book_takes_titles_from_the_i18n_settings(small_book):
    assert read_book(small_book).parts[0].title == {"en": "Insights", "zh": "洞见"}


def test_malformed_configuration_is_a_finding_with_its_line(write):
    root = write({"mkdocs.yml": "site_name: X\nnav:\n  - [unclosed\n"})
    with pytest.raises(BookError) as error:
        read_book(root)
    assert error.value.findings[0].path == "mkdocs.yml"
    assert error.value.findings[0].line >= 3


def test_no_configuration_says_where_to_run(tmp_path):
    with pytest.raises(BookError, match="Run the command in the root"):
        read_book(tmp_path)
