"""A chapter checked alone has the findings that the whole book's check has about it, and little else is read for it."""

import subprocess
import sys

import pytest

from openbook.checking.run import check_repository
from openbook.facts.load import load_facts
from openbook.facts.on_demand import facts_on_demand
from tests.conftest import RICH_PAGE, SMALL_BOOK

META = "---\ndescription: D.\n---\n"
CHAPTERS = ["index", "a", "deep/index"]
DEEP, DEEP_ZH = SMALL_BOOK["docs/deep/index.md"], SMALL_BOOK["docs/deep/index.zh.md"]

BROKEN = {
    "a link to no page": ("index", {"docs/index.md": META + "# Home\n\n[x](gone.md)\n"}),
    "a link to no id": ("index", {"docs/index.md": META + "# Home\n\n[x](a.md#hou)\n"}),
    "a link into a page that lost its id": ("index", {"docs/a.md": SMALL_BOOK["docs/a.md"].replace(" {#how}", "")}),
    "a source that is not there": ("index", {"docs/index.md": META + "# Home\n\nClaim [@nobody].\n"}),
    "a table that is not there": ("a", {"docs/a.md": RICH_PAGE["docs/a.md"].replace("data: chips", "data: chip")}),
    "a column that is not there": ("a", {"docs/a.md": RICH_PAGE["docs/a.md"].replace("[name, bf16]", "[name, bf17]")}),
    "a column of a joined table": ("a", {"docs/a.md": RICH_PAGE["docs/a.md"].replace("data: chips", "data: more").replace("bf16]", "bf16, tdp, bw]"),
                                         "docs/data/more.yml": "title: More\njoin: chips\ncolumns:\n  tdp: {type: int, en: TDP, zh: 功耗}\n"
                                                               "rows:\n  - {id: h100, tdp: 700}\n"}),
    "a title twice": ("deep/index", {"docs/deep/index.md": DEEP.replace("# Deep", "# Alpha")}),
    "a description twice": ("deep/index", {"docs/deep/index.md": DEEP.replace("Deep.", "'Alpha.'", 1)}),
    "a description twice, once folded": ("deep/index", {
        "docs/a.md": SMALL_BOOK["docs/a.md"].replace("Alpha.", "It is one\n  of two.", 1), "docs/deep/index.md": DEEP.replace("Deep.", '"It is one of two."', 1)}),
    "a description twice, once escaped": ("deep/index", {
        "docs/a.md": SMALL_BOOK["docs/a.md"].replace("Alpha.", '"\\x41lpha."', 1), "docs/deep/index.md": DEEP.replace("Deep.", "Alpha.", 1)}),
    "an id of the last release that is gone": ("a", {"docs/data/addresses.txt": "a.md\na.md#why\n"}),
    "an id that moved and is not there": ("a", {"docs/data/addresses.txt": "old.md\nold.md#why\n", "docs/data/moved.yml": "old.md: a.md\n"}),
    "a character that hides": ("a", {"docs/a.zh.md": SMALL_BOOK["docs/a.zh.md"].replace("论断", "论\u200b断")}),
    "a number that differs": ("deep/index", {"docs/deep/index.zh.md": DEEP_ZH + "\n要 9 GB。\n"}),
    "a term to avoid": ("deep/index", {"docs/data/terms.yml": "card:\n  en: card\n  zh: [卡]\n  avoid: [显卡]\n", "docs/deep/index.zh.md": DEEP_ZH.replace("回到", "显卡回到")}),
    "no translation": ("a", {"docs/a.zh.md": None}),
    "a formula": ("a", {"docs/a.md": META + "# A\n\n$\\nosuch$\n"}),
}


def told(findings, name):
    return [str(finding) for finding in findings if finding.path in (f"docs/{name}.md", f"docs/{name}.zh.md")]


@pytest.mark.parametrize("name, files", BROKEN.values(), ids=BROKEN)
def test_a_chapter_alone_has_the_findings_that_it_has_in_the_whole_book(write, name, files):
    root = write({**SMALL_BOOK, **RICH_PAGE} | {path: text for path, text in files.items() if text is not None})
    for path in (path for path, text in files.items() if text is None):
        (root / path).unlink()
    whole = check_repository(root)
    assert told(whole, name), "this breaks nothing"
    for chapter in CHAPTERS:
        assert [str(finding) for finding in check_repository(root, [f"docs/{chapter}.md"])] == told(whole, chapter), chapter


def test_several_chapters_are_checked_together(small_book, write):
    write({"docs/a.zh.md": SMALL_BOOK["docs/a.zh.md"] + "\n9 GB\n", "docs/deep/index.zh.md": DEEP_ZH + "\n9 GB\n", "docs/index.zh.md": "# 首页\n"})
    found = check_repository(small_book, ["docs/a.md", "./docs/deep/index.zh.md"])
    assert {finding.path for finding in found} == {"docs/a.zh.md", "docs/deep/index.zh.md"}


def test_what_no_chapter_shows_is_not_read_for_one(small_book, write):
    write({**RICH_PAGE, "docs/data/other.yml": "title: [unclosed\n"})
    assert check_repository(small_book, ["docs/a.md"]) == []
    assert [finding.path for finding in check_repository(small_book)] == ["docs/data/other.yml"]


def test_a_file_that_must_not_be_read_bars_each_chapter(small_book):
    (small_book / "docs/deep/index.md").write_bytes(b"\xff\n")
    assert [(finding.path, finding.rule) for finding in check_repository(small_book, ["docs/a.md"])] == [("docs/deep/index.md", "file")]


def test_neither_fonts_nor_figures_nor_markdown_are_loaded_for_a_chapter(small_book, root):
    write_it = "import sys; from openbook.cli import main; main(['check', 'docs/a.md']); print(sorted({'fontTools', 'lxml', 'markdown', 'quickjs'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", write_it], cwd=small_book, env={"PYTHONPATH": str(root)}, capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:2] == ["No findings.", "[]"], done.stderr


def test_facts_on_demand_are_the_facts_of_the_book(root):
    """Each table is asked for alone, as a chapter does."""
    whole, _ = load_facts(root / "docs/data", root)
    for name, table in whole.tables.items():
        assert facts_on_demand(root / "docs/data", root).tables[name] == table
    facts = facts_on_demand(root / "docs/data", root)
    assert sorted(facts.tables) == sorted(whole.tables) and dict(facts.sources) == whole.sources
    assert all(name in facts_on_demand(root / "docs/data", root).sources for name in list(whole.sources)[:3])
    assert "no-such-source" not in facts.sources and "no_such_table" not in facts.tables
