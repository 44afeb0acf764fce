"""An edit is checked alone: its file, the chapters that rest on it, and what it breaks elsewhere."""

import subprocess

import pytest

from openbook.book import read_book
from openbook.checking.changed import changed_files, chapters_resting_on
from openbook.cli import main
from openbook.reading.library import read_library
from tests.conftest import RICH_PAGE, SMALL_BOOK


def git(root, *arguments):
    subprocess.run(["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments], check=True, capture_output=True)


@pytest.fixture
def book(small_book, monkeypatch):
    """A small book without a mistake, committed."""
    git(small_book, "init", "-q")
    git(small_book, "add", "-A")
    git(small_book, "commit", "-qm", "A book")
    monkeypatch.chdir(small_book)
    return small_book


def test_changed_new_and_staged_files_and_not_ignored_ones(book, write):
    write({"docs/a.md": "x", "docs/汉字 1.md": "x", "docs/data/new.yml": "x", ".gitignore": "/site/\n", "site/a.md": "x"})
    git(book, "add", "docs/data/new.yml")
    (book / "docs/deep/index.md").unlink()
    assert sorted(changed_files(book)) == [".gitignore", "docs/a.md", "docs/data/new.yml", "docs/deep/index.md", "docs/汉字 1.md"]


def test_without_a_history_nothing_is_known_to_have_changed(small_book):
    assert changed_files(small_book) == []


@pytest.mark.parametrize("files, chapters", [
    (["docs/a.md"], {"a.md"}), (["docs/a.zh.md"], {"a.md"}), (["docs/figures/ring.svg"], {"a.md"}), (["docs/tool.py"], {"deep/index.md"}),
    (["docs/data/chips.yml"], set()), (["README.md", "docs/figures/other.svg"], set()),
    (["mkdocs.yml"], set()), (["docs/data/terms.yml"], None), (["openbook/cli.py", "docs/a.md"], None)])
def test_which_chapters_rest_on_a_file(small_book, write, files, chapters):
    write({**RICH_PAGE, "docs/tool.py": "print(1)\n", "docs/deep/index.md": "---\ndescription: D.\n---\n# Deep\n\n```python\n--8<-- \"tool.py:2\"\n```\n"})
    assert chapters_resting_on(files, read_library(small_book / "docs", read_book(small_book))) == chapters


def test_a_mistake_outside_of_what_changed_is_not_looked_for(book, write, capsys):
    write({"docs/deep/index.zh.md": SMALL_BOOK["docs/deep/index.zh.md"] + "\n要 9 GB。\n"})
    git(book, "commit", "-qam", "A mistake")
    write({"docs/a.md": SMALL_BOOK["docs/a.md"] + "\nIt needs 8 GB.\n"})
    assert main(["check", "--changed"]) == 1
    said = capsys.readouterr().out.split("\n")
    assert said[0] == "Checked 1 changed file, in 1 chapter. `openbook check` checks the whole book."
    assert [line.split(":")[0] for line in said if line.endswith("]")] == ["docs/a.zh.md"]


def test_a_link_that_an_edit_breaks_in_another_chapter_is_named(book, write, capsys):
    write({"docs/a.md": SMALL_BOOK["docs/a.md"].replace("{#how}", "{#why}")})
    assert main(["check", "--changed"]) == 1
    assert "docs/index.md:6: docs/a.md has no #how [anchor]" in capsys.readouterr().out


def test_a_table_that_an_edit_of_its_data_breaks_is_named(book, write, capsys):
    write({"docs/deep/index.md": "---\ndescription: D.\n---\n# Deep\n\n```table\nid: tab-x\ndata: chips\ncolumns: [name, year]\ncaption: Years.\n```\n"})
    git(book, "commit", "-qam", "A table")
    write({"docs/data/chips.yml": SMALL_BOOK["docs/data/chips.yml"].replace("year", "since")})
    main(["check", "--changed"])
    assert "docs/deep/index.md:6: " in capsys.readouterr().out


def test_a_new_chapter_is_checked_alone(book, capsys):
    main(["new", "deep/more", "More", "更多"])
    (book / "docs/deep/more.zh.md").unlink()
    capsys.readouterr()
    assert main(["check", "--changed"]) == 1
    assert capsys.readouterr().out.split("\n")[:2] == [
        "Checked 2 changed files, in 1 chapter. `openbook check` checks the whole book.",
        "docs/deep/more.md:1: the chapter has no Chinese file docs/deep/more.zh.md [missing-translation]"]


@pytest.mark.parametrize("files, said", [
    ({}, "Checking the whole book, for nothing of it differs from the last commit.\nNo findings.\n"),
    ({"README.md": "x"}, "Checking the whole book, for nothing of it differs from the last commit.\nNo findings.\n"),
    ({"docs/data/terms.yml": "{}\n"}, "Checking the whole book: what changed may concern any chapter.\nNo findings.\n")])
def test_the_whole_book_is_checked_when_nothing_or_everything_may_have_changed(book, write, capsys, files, said):
    write(files)
    assert main(["check", "--changed"]) == 0
    assert capsys.readouterr().out == said
