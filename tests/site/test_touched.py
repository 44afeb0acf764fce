"""One figure changed in one file changes what shows it, in both languages and on paper, and nothing else; the build says so."""

import hashlib
import shutil
from pathlib import Path

import pytest

from openbook.pdf.collect import collect
from openbook.pdf.flatten import flatten
from openbook.pdf.flatten_links import Links
from openbook.pdf.render import Renderer
from openbook.site.build import build_site
from tests.conftest import SMALL_BOOK, with_site_settings

JOINED = """
    title: {en: Racks, zh: 机柜}
    join: chips
    columns:
      units: {type: int, en: Units, zh: 台数}
      total: {type: number, unit: TFLOPS, en: Total, zh: 合计, compute: units * bf16}
    rows:
      - {id: h100, units: 72}
    """
OTHER = "title: Other\ncolumns:\n  name: {type: text, en: N, zh: N}\nrows:\n  - {id: a, name: A}\n"


def fence(name: str, data: str, columns: str) -> str:
    return f"\n```table\nid: tab-{name}\ndata: {data}\ncolumns: [{columns}]\ncaption: C\n```\n"


CHART = "\n```chart\nid: fig-c\ndata: racks\nkind: bars\ny: name\nx: total\ncaption: C\n```\n"
BOOK = {
    **SMALL_BOOK, "docs/data/racks.yml": JOINED, "docs/data/other.yml": OTHER,
    **{f"docs/a{end}": SMALL_BOOK[f"docs/a{end}"] + fence("chips", "chips", "name, bf16") for end in (".md", ".zh.md")},
    **{f"docs/deep/index{end}": SMALL_BOOK[f"docs/deep/index{end}"] + CHART for end in (".md", ".zh.md")},
    **{f"docs/index{end}": SMALL_BOOK[f"docs/index{end}"] + fence("other", "other", "name") for end in (".md", ".zh.md")},
}
#: What knows of every build: the key, the facts it was built from, and the search, which finds the figures.
BUILD = {".key", ".facts.json", "search/search_index.json", "zh/search/search_index.json"}


@pytest.fixture
def book(write):
    root = with_site_settings(write(BOOK))
    build_site(root)
    return root


def files(site: Path) -> dict[str, str]:
    return {path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in site.rglob("*") if path.is_file()}


def chapters(site: Path, cache: Path) -> dict[tuple[str, str], str]:
    """The key under which the PDF step keeps each chapter: of all that shapes its pages."""
    keys, renderer = {}, Renderer("", "", cache, 1)
    for lang in ("en", "zh"):
        edition = collect(site, lang)
        links = Links(edition)
        keys |= {(chapter.id, lang): renderer.key(flatten(edition, chapter, links, "a4").segment) for chapter in edition.chapters}
    return keys


def changed(before: dict, after: dict) -> set:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def test_a_changed_figure_changes_what_shows_it_and_nothing_else(book, write, capsys, tmp_path):
    old = book / "old"
    shutil.copytree(book / "site", old)
    write({"docs/data/chips.yml": SMALL_BOOK["docs/data/chips.yml"].replace("bf16: 989.4", "bf16: 990")})
    capsys.readouterr()
    build_site(book)
    assert "docs/data/chips.yml changed: 2 chapters show it: a.md, deep/index.md\n" in capsys.readouterr().out
    assert changed(files(old), files(book / "site")) - BUILD == {
        *(f"{root}{page}/index.{end}" for root in ("", "zh/") for page in ("a", "deep") for end in ("html", "md")),
        *(f"assets/data/{table}.{lang}.csv" for table in ("chips", "racks") for lang in ("en", "zh"))}
    assert changed(chapters(old, tmp_path), chapters(book / "site", tmp_path)) == {(name, lang) for name in ("a", "deep") for lang in ("en", "zh")}


def test_a_changed_source_names_the_chapters_that_cite_it(book, write, capsys):
    write({"docs/data/sources.yml": SMALL_BOOK["docs/data/sources.yml"].replace("title: Brochure", "title: Leaflet")})
    capsys.readouterr()
    build_site(book)
    assert "docs/data/sources.yml (amd-sheet) changed: 1 chapter cites it: a.md\n" in capsys.readouterr().out


def test_a_table_that_no_chapter_shows_and_one_laid_out_anew(book, write, capsys):
    write({"docs/data/racks.yml": JOINED.replace("units: 72", "units:  72"), "docs/data/new.yml": OTHER})
    capsys.readouterr()
    build_site(book)
    assert [line for line in capsys.readouterr().out.splitlines() if "changed" in line] == [
        "docs/data/new.yml changed: no chapter shows it."]


def test_nothing_is_said_of_a_first_build_or_of_words(book, write, capsys):
    assert "changed" not in capsys.readouterr().out
    write({"docs/a.md": BOOK["docs/a.md"].replace("A claim", "Another claim")})
    build_site(book)
    assert "changed" not in capsys.readouterr().out


def test_a_long_list_is_cut():
    from openbook.site.touched import MOST_NAMED, _some

    names = [f"n{n}" for n in range(MOST_NAMED + 3)]
    assert _some(names[:2]) == "n0, n1" and _some(names).endswith(f", n{MOST_NAMED - 1} and 3 more")
