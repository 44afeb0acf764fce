"""`openbook status` shows the English before and after, `openbook accept` records without touching the text."""

import subprocess

import pytest

from openbook.checking.run import check_repository
from openbook.cli import main
from tests.conftest import SMALL_BOOK

ENGLISH = SMALL_BOOK["docs/a.md"]
WHO = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


@pytest.fixture
def book(small_book, monkeypatch):
    monkeypatch.chdir(small_book)
    return small_book


def commit(root, day, monkeypatch):
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, f"{day}T12:00:00+00:00")
    if not (root / ".git").exists():
        subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "-A"], check=True)
    subprocess.run(["git", "-C", str(root), *WHO, "commit", "-qm", day], check=True)


def run(capsys, *arguments):
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_unknown_until_accepted_then_up_to_date(book, capsys):
    assert run(capsys, "status", "docs/a.md") == (
        "docs/a.zh.md: unknown, nothing is recorded\n    When you have compared it with the English: openbook accept docs/a.zh.md\n"
        "0 up to date, 1 with something to do, 0 untranslated.\n")
    body = (book / "docs/a.zh.md").read_text("utf-8").split("---\n", 2)[2]
    assert run(capsys, "accept", "docs/a.zh.md") == "docs/a.zh.md: recorded 2 sections as right for the English of now\n"
    assert (book / "docs/a.zh.md").read_text("utf-8").split("---\n", 2)[2] == body
    assert run(capsys, "status", "docs/a.zh.md") == "docs/a.zh.md: up to date, 2 sections\n1 up to date, 0 with something to do, 0 untranslated.\n"
    assert check_repository(book) == []


def test_status_shows_before_and_after_with_the_day(book, write, capsys, monkeypatch):
    main(["accept", "docs/a.zh.md"])
    commit(book, "2026-01-02", monkeypatch)
    write({"docs/a.md": ENGLISH.replace("A claim", "A new claim")})
    assert "  #how words changed and not committed (docs/a.md:6)\n    - A claim [@nv-sheet].\n    + A new claim [@nv-sheet].\n" in run(capsys, "status", "docs/a.md")
    commit(book, "2026-02-03", monkeypatch)
    write({"docs/a.md": ENGLISH.replace("A claim", "A new claim") + "\nMore.\n"})
    commit(book, "2026-03-04", monkeypatch)
    assert "  #how words changed since 2026-02-03 (docs/a.md:6)\n    - A claim [@nv-sheet].\n    + A new claim [@nv-sheet].\n    + More.\n" in run(
        capsys, "status", "docs")


def test_the_history_is_followed_through_a_renamed_file(book, write, capsys, monkeypatch):
    main(["accept", "docs/a.zh.md"])
    commit(book, "2026-01-02", monkeypatch)
    for name in ("a.md", "a.zh.md"):
        (book / "docs" / name).rename(book / "docs" / name.replace("a", "b", 1))
    write({"mkdocs.yml": SMALL_BOOK["mkdocs.yml"].replace("a.md", "b.md")})
    commit(book, "2026-02-03", monkeypatch)
    write({"docs/b.md": ENGLISH.replace("A claim", "Another claim")})
    assert "    - A claim [@nv-sheet].\n    + Another claim [@nv-sheet].\n" in run(capsys, "status", "docs/b.md")


def test_a_translation_of_an_english_text_that_is_not_here_yet_is_ahead(book, write, capsys, monkeypatch):
    commit(book, "2026-01-02", monkeypatch)
    write({"docs/a.md": ENGLISH.replace("A claim", "A later claim")})
    main(["accept", "docs/a.zh.md"])
    write({"docs/a.md": ENGLISH})
    assert "  #how ahead: translated from an English text that is not in the history (docs/a.md:6)\n" in run(capsys, "status", "docs/a.md")


def test_a_section_that_the_english_never_had_is_ahead(book, write, capsys, monkeypatch):
    commit(book, "2026-01-02", monkeypatch)
    write({"docs/a.md": ENGLISH.replace("{#how}", "{#later}")})
    main(["accept", "docs/a.zh.md#later"])
    write({"docs/a.md": ENGLISH.replace("A claim", "Something else")})
    assert "  #later ahead: the English never had this section\n" in run(capsys, "status", "docs/a.md")


def test_accepting_one_section_leaves_the_others_as_they_were(book, write, capsys):
    main(["accept", "docs/a.zh.md"])
    write({"docs/a.md": ENGLISH.replace("# Alpha\n", "# Alpha\n\nHello.\n").replace("A claim", "B claim")})
    main(["accept", "docs/a.zh.md#how"])
    output = run(capsys, "status", "docs/a.md")
    assert "  #alpha words changed" in output and "#how" not in output


@pytest.mark.parametrize("target, message", [
    ("docs/a.zh.md#hou", "docs/a.zh.md:1: the English has no section #hou [section]\n    Did you mean #how?\n"),
    ("docs/a.md", "docs/a.md:1: this is not the Chinese file of a chapter [path]\n"),
    ("docs/none.zh.md", "docs/none.zh.md:1: this is not the Chinese file of a chapter [path]\n")])
def test_a_target_that_is_not_there_is_named(book, capsys, target, message):
    capsys.readouterr()
    assert main(["accept", target]) == 1
    assert message in capsys.readouterr().out


def test_an_untranslated_chapter_is_an_error_unless_it_is_wanted(book, write, capsys):
    (book / "docs/a.zh.md").unlink()
    assert "docs/a.md: not translated\n" in run(capsys, "status")
    assert [finding.rule for finding in check_repository(book)] == ["missing-translation"]
    write({"docs/a.md": ENGLISH.replace("description: Alpha.", "description: Alpha.\ntranslation: wanted")})
    assert check_repository(book) == []


def test_a_translated_chapter_that_still_asks_for_one_is_a_finding(book, write):
    write({"docs/a.md": ENGLISH.replace("description: Alpha.", "description: Alpha.\ntranslation: wanted")})
    assert [finding.message for finding in check_repository(book)] == ["the chapter is translated and still asks for a translation"]


def test_a_record_that_cannot_be_read_is_a_finding(book, write):
    text = SMALL_BOOK["docs/a.zh.md"].replace("description: 甲。", "description: 甲。\ntranslated_from:\n  how: yes")
    write({"docs/a.zh.md": text})
    assert [(finding.line, finding.message) for finding in check_repository(book)] == [(4, "`how: True` is no record of a section")]
