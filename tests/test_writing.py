"""A file of the book is changed whole or not at all."""

from pathlib import Path

import pytest

from openbook.cli import main
from openbook.findings import BookError
from openbook.writing import write_file
from tests.conftest import SMALL_BOOK


def no_room(*_):
    raise OSError(28, "No space left on device")


def test_the_new_text_takes_the_place_of_the_old_with_its_rights(tmp_path):
    (tmp_path / "x.md").write_text("old")
    (tmp_path / "x.md").chmod(0o640)
    write_file(tmp_path / "x.md", "甲\r\n乙\n", "docs/x.md")
    assert (tmp_path / "x.md").read_bytes() == "甲\r\n乙\n".encode()
    assert (tmp_path / "x.md").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["x.md"]


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_where_there_is_no_room_the_file_stays_as_it_was_and_nothing_beside_it(tmp_path, monkeypatch, step):
    (tmp_path / "x.md").write_text("old")
    monkeypatch.setattr(Path, step, no_room)
    with pytest.raises(BookError, match="docs/x.md:1: the file cannot be written: No space left on device"):
        write_file(tmp_path / "x.md", "new", "docs/x.md")
    monkeypatch.undo()
    assert (tmp_path / "x.md").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.md"]


@pytest.mark.parametrize("command, file", [(["accept", "docs/a.zh.md"], "docs/a.zh.md"), (["check", "--fix"], "docs/a.zh.md"),
                                           (["new", "training/x", "X", "某"], "mkdocs.yml"), (["addresses"], "docs/data/addresses.txt")])
def test_commands_that_are_interrupted_leave_the_file_as_it_was(small_book, write, monkeypatch, capsys, command, file):
    write({"docs/a.zh.md": SMALL_BOOK["docs/a.zh.md"].replace("一个", "一个NCCL"), "docs/data/addresses.txt": "a.md\n"})
    before = (small_book / file).read_bytes()
    monkeypatch.chdir(small_book)
    monkeypatch.setattr(Path, "replace", no_room)
    assert main(command) == 1
    assert f"{file}:1: the file cannot be written: No space left on device" in capsys.readouterr().out
    assert (small_book / file).read_bytes() == before
