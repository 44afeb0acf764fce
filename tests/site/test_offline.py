"""The copy to read without a network: one file, the same bytes from the same site, links that name files."""

import json
import shutil
import zipfile

import pytest

from openbook.cli import main
from openbook.findings import BookError
from openbook.site.offline import file_of, from_disk, pack


@pytest.fixture
def whole(small_site, tmp_path, monkeypatch):
    """A repository with a built site and both PDFs."""
    shutil.copytree(small_site / "site", tmp_path / "site")
    (tmp_path / "site/pdf").mkdir()
    for lang in ("en", "zh"):
        (tmp_path / f"site/pdf/ml-engineering.{lang}.pdf").write_bytes(b"%PDF")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("address, file", [
    ("./", "./index.html"), (".", "./index.html"), ("..", "../index.html"), ("../a/", "../a/index.html"), ("../pdf/x.pdf", "../pdf/x.pdf")])
def test_an_address_becomes_the_file_that_a_server_answers_with(address, file):
    assert file_of(address) == file


def test_links_of_a_page_name_files_and_foreign_ones_stay():
    page = ('<link rel="next" href="b/"><a class="x" href="../a/#how">A</a><a href="#here">B</a>'
            '<a href="https://example.org/a/">C</a><a href="../ml-engineering.zip" download>D</a><script src="../assets/js/lazy.js"></script>'
            '<script src="../assets/js/both.js" defer></script>')
    assert from_disk(page) == (
        '<link rel="next" href="b/index.html"><a class="x" href="../a/index.html#how">A</a><a href="#here">B</a>'
        '<a href="https://example.org/a/">C</a>D<script src="../assets/js/offline.js"></script>\n<script src="../assets/js/lazy.js"></script>')


def test_the_archive_holds_the_site_and_its_links_land(whole):
    list(pack(whole))
    with zipfile.ZipFile(whole / "site/ml-engineering.zip") as packed:
        names = {name.removeprefix("ml-engineering/") for name in packed.namelist()}
        index = packed.read("ml-engineering/zh/search/search_index.js").decode("utf-8")
    assert {"index.html", "zh/a/index.html", "pdf/ml-engineering.zh.pdf", "assets/js/offline.js"} <= names
    assert not {name for name in names if name.startswith(".") or name.endswith((".map", ".json.gz")) or "search_index.json" in name}
    places = {document["location"].partition("#")[0] for document in json.loads(index.removeprefix("var __index = "))["docs"]}
    assert places == {"index.html", "a/index.html", "deep/index.html"}
    assert {f"zh/{place}" for place in places} <= names


def test_the_same_site_gives_the_same_bytes_and_a_second_run_says_so(whole, capsys):
    assert main(["offline"]) == 0
    first = (whole / "site/ml-engineering.zip").read_bytes()
    assert main(["offline"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "site/ml-engineering.zip is up to date."
    (whole / "site/ml-engineering.zip").unlink()
    list(pack(whole))
    assert (whole / "site/ml-engineering.zip").read_bytes() == first


def test_a_changed_page_is_packed_again(whole):
    list(pack(whole))
    page = whole / "site/a/index.html"
    page.write_text(page.read_text("utf-8").replace("A claim", "Another claim").replace("a claim", "another claim"), "utf-8")
    list(pack(whole))
    with zipfile.ZipFile(whole / "site/ml-engineering.zip") as packed:
        assert b"another claim" in packed.read("ml-engineering/a/index.html")


def test_without_the_pdfs_nothing_is_written(whole):
    (whole / "site/pdf/ml-engineering.zh.pdf").unlink()
    with pytest.raises(BookError, match="site/pdf/ml-engineering.zh.pdf:1: the PDF that every page links is not there"):
        list(pack(whole))
    assert not (whole / "site/ml-engineering.zip").exists()


def test_without_a_site_it_says_what_to_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["offline"]) == 1
    assert "Run `make site` first." in capsys.readouterr().out
