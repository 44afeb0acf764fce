"""Addresses of a release: none is lost without a word on where it went."""

import pytest

from openbook.addresses.moved import Move, Place, load_moves, target
from openbook.addresses.released import check_addresses
from openbook.book import read_book
from openbook.checking.run import check_repository
from openbook.cli import main
from openbook.reading.library import read_library

A = "---\ndescription: Alpha.\n---\n# Alpha\n\n## How it works {#how}\n\nText.\n"


def findings(root):
    return [(found.path, found.line, found.message) for found in check_addresses(read_library(root / "docs", read_book(root)), root)]


def test_the_list_holds_every_page_and_id(small_book, monkeypatch, capsys):
    monkeypatch.chdir(small_book)
    assert main(["addresses"]) == 0
    assert capsys.readouterr().out == "docs/data/addresses.txt: 7 addresses, 7 of them new; 0 of the last release moved.\n"
    lines = (small_book / "docs/data/addresses.txt").read_text("utf-8").split("\n")
    assert lines[1:] == ["a.md", "a.md#alpha", "a.md#how", "deep/index.md", "deep/index.md#deep", "index.md", "index.md#home", ""]


def test_a_book_with_all_its_addresses_has_no_findings(small_book, write):
    write({"docs/data/addresses.txt": "# Head.\na.md\na.md#how\n"})
    assert check_repository(small_book) == []


def test_a_lost_id_says_how_to_keep_it(small_book, write):
    write({"docs/data/addresses.txt": "a.md\na.md#why\n"})
    (found,) = check_repository(small_book)
    assert str(found) == (
        "docs/a.md:1: #why was here at the last release and is gone [moved]\n"
        "    Write {#why} behind the heading that had it, or say in docs/data/moved.yml where it went: `a.md#why: PAGE.md#ID`.")


def test_a_lost_page_is_one_finding_and_not_one_for_each_id(small_book, write):
    write({"docs/data/addresses.txt": "old.md\nold.md#one\nold.md#two\n"})
    assert findings(small_book) == [("docs/data/addresses.txt", 1, "the page docs/old.md of the last release is gone")]


def test_a_move_keeps_the_ids_of_its_page_but_for_those_that_are_not_there(small_book, write):
    write({"docs/data/addresses.txt": "old.md\nold.md#how\nold.md#why\n", "docs/data/moved.yml": "old.md: a.md\n"})
    assert findings(small_book) == [("docs/a.md", 1, "#why of old.md was to be here and is not")]
    write({"docs/data/moved.yml": "old.md: a.md\nold.md#why: deep/index.md#deep\n"})
    assert findings(small_book) == []


@pytest.mark.parametrize("text, line, message", [
    ("x.md: a.md\nold.md: gone.md\n", 2, "docs/gone.md is not there"),
    ("old.md#x: a.md#gone\n", 1, "docs/a.md#gone is not there"),
    ("a.md: index.md\n", 1, "docs/a.md is there: nothing leads away from it"),
    ("a.md#how: index.md#home\n", 1, "docs/a.md#how is there: nothing leads away from it"),
    ("old.md#x: a.md\n", 1, "old.md#x is an id, a.md a page"),
    ("old/: a.md\n", 1, "`old/` is not an English file"),
    ("old.md: a.zh.md\n", 1, "`a.zh.md` is not an English file"),
    ("- old.md\n", 1, "the moves are not a mapping"),
    ("old.md: [\n", 2, "this is not the YAML we read: expected the node content, but found '<stream end>'"),
    ("old.md: a.md\nold.md: index.md\n", 2, "this is not the YAML we read: the key 'old.md' is given twice")])
def test_a_wrong_move_is_a_finding(small_book, write, text, line, message):
    write({"docs/data/moved.yml": text})
    assert findings(small_book) == [("docs/data/moved.yml", line, message)]


def test_moves_are_no_table_of_facts(small_book, write):
    write({"docs/data/moved.yml": "old.md: a.md\n"})
    assert check_repository(small_book) == []


def test_a_list_is_not_written_over_addresses_that_would_be_lost(small_book, write, monkeypatch, capsys):
    monkeypatch.chdir(write({"docs/data/addresses.txt": "a.md#why\n"}))
    assert main(["addresses"]) == 1
    assert "#why was here at the last release" in capsys.readouterr().out
    assert (small_book / "docs/data/addresses.txt").read_text("utf-8") == "a.md#why\n"


def test_a_moved_address_leaves_the_list_and_stays_a_move(small_book, write, monkeypatch, capsys):
    monkeypatch.chdir(write({"docs/data/addresses.txt": "a.md\nold.md\n", "docs/data/moved.yml": "old.md: a.md\n"}))
    assert main(["addresses"]) == 0
    assert capsys.readouterr().out == "docs/data/addresses.txt: 7 addresses, 6 of them new; 1 of the last release moved.\n"


def test_an_id_with_a_line_of_its_own_does_not_follow_its_page():
    moves = (Move(Place("old.md"), Place("a.md")), Move(Place("old.md", "x"), Place("b.md", "y")))
    assert [str(target(moves, place)) for place in (Place("old.md"), Place("old.md", "x"), Place("old.md", "z"), Place("c.md"))] == [
        "a.md", "b.md#y", "a.md#z", "c.md"]


def test_the_books_own_list_and_moves_hold(root):
    moves, wrong = load_moves(root / "docs/data", root)
    assert wrong == [] and findings(root) == []
    assert len((root / "docs/data/addresses.txt").read_text("utf-8").split("\n")) > 900
