"""Two builds of a book are compared: pages, sections that fell behind, PDFs."""

import json

import pytest

from openbook.cli import main
from openbook.freshness.commands import accept
from openbook.review.compare import compare
from openbook.review.snapshot import snapshot

ENGLISH = "---\ndescription: A.\n---\n# Alpha\n\nOne.\n\n## How {#how}\n\nTwo.\n"
CHINESE = "---\ndescription: 甲。\n---\n# 甲\n\n一。\n\n## 原理\n\n二。\n"
NAVIGATION = "nav:\n  - a.md\n"


def page(lang, html, source):
    return {"title": "Alpha" if lang == "en" else "甲", "html": html, "source": source}


def built(write, english=ENGLISH, article="<p>One.</p>", around="1", commit="abcd123"):
    """Write what a build leaves of a book of one chapter; `around` is what changes with each build."""
    book = {"commit": commit, "version": "1.0.0", "languages": [{"pdf": "pdf/ml-engineering.en.pdf"}], "chapters": [{
        "path": "a.md", "languages": {"en": page("en", "a/index.html", "docs/a.md"), "zh": page("zh", "zh/a/index.html", "docs/a.zh.md")}}]}
    return write({"mkdocs.yml": NAVIGATION, "docs/a.md": english, "site/book.json": json.dumps(book),
                  "site/a/index.html": f"<nav>{around}</nav><article class='x'>{article}</article>",
                  "site/zh/a/index.html": f"<nav>{around}</nav><article>一。</article>"})


@pytest.fixture
def root(write):
    root = write({"docs/a.zh.md": CHINESE})
    built(write)
    list(accept(root, ["docs/a.zh.md"]))
    return root


def test_a_build_of_the_same_text_has_no_differences(root, write):
    old = snapshot(root)
    built(write, around="2", commit="abcd124")
    changes = compare(old, snapshot(root))
    assert (changes["old"], changes["new"], changes["pages"], changes["behind"], changes["pdfs"]) == ("abcd123", "abcd124", [], [], [])


def test_a_changed_page_and_the_translation_that_falls_behind_are_named(root, write):
    old = snapshot(root)
    built(write, english=ENGLISH.replace("Two.", "Two and three."), article="<p>More.</p>")
    changes = compare(old, snapshot(root))
    assert changes["pages"] == [{"state": "changed", "language": "en", "title": "Alpha", "source": "docs/a.md"}]
    assert changes["behind"] == [{"file": "docs/a.zh.md", "id": "how", "title": "How"}]


def test_what_was_behind_before_is_not_named_again(root, write):
    built(write, english=ENGLISH.replace("Two.", "Two and three."))
    old = snapshot(root)
    assert old["behind"] == {"docs/a.zh.md": {"how": "How"}}
    assert compare(old, snapshot(root))["behind"] == []


SNAPSHOT = {"format": 1, "commit": "abcd123", "version": "1.0.0", "behind": {},
            "pages": {"en/a.md": {"title": "Alpha", "source": "docs/a.md", "print": "1"}},
            "pdfs": {"ml-engineering.en.pdf": {"pages": 12, "size": 1_500_000}}}


def test_pages_and_pdfs_that_come_and_go(capsys):
    new = {**SNAPSHOT, "commit": "abcd124", "pages": {"en/b.md": {"title": "Beta", "source": "docs/b.md", "print": "2"}},
           "pdfs": {"ml-engineering.en.pdf": {"pages": 14, "size": 1_400_000}}}
    changes = compare(SNAPSHOT, new)
    assert [(page["state"], page["title"]) for page in changes["pages"]] == [("removed", "Alpha"), ("added", "Beta")]
    assert changes["pdfs"] == [{"name": "ml-engineering.en.pdf", "old": {"pages": 12, "size": 1_500_000}, "new": {"pages": 14, "size": 1_400_000}}]


def test_the_commands_write_a_snapshot_and_tell_the_difference(root, write, monkeypatch, capsys):
    monkeypatch.chdir(root)
    assert main(["snapshot", "old.json"]) == 0
    built(write, article="<p>More.</p>")
    assert main(["snapshot", "new.json"]) == main(["compare", "old.json", "new.json", "--json", "changes.json"]) == 0
    assert capsys.readouterr().out.split("\n") == [
        "Wrote old.json: 2 pages, 0 PDFs.", "Wrote new.json: 2 pages, 0 PDFs.", "### What this changes · 这次改了什么", "",
        "Compared with `abcd123` · 与 `abcd123` 相比。", "", "**Pages · 页面: 1**", "", "- changed · 有改动: `Alpha` (en, `docs/a.md`)", "",
        "Built from `abcd123`. · 构建自 `abcd123`。", ""]
    assert json.loads((root / "changes.json").read_text("utf-8"))["pages"][0]["title"] == "Alpha"
    assert main(["compare", "gone.json", "new.json"]) == 0
    assert "There is no build of the base to compare with." in capsys.readouterr().out


@pytest.mark.parametrize("text, message", [
    ("{", "new.json:1: this snapshot cannot be read: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) [snapshot]"),
    ('{"format": 0}', "new.json:1: this is no snapshot of format 1 [snapshot]")])
def test_a_file_that_is_no_snapshot_is_named(write, monkeypatch, capsys, text, message):
    monkeypatch.chdir(write({"new.json": text}))
    assert main(["compare", "old.json", "new.json"]) == 1
    assert capsys.readouterr().out.split("\n")[0] == message


def test_without_a_built_site_there_is_nothing_to_take_stock_of(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["snapshot", "new.json"]) == 1
    assert capsys.readouterr().out.startswith("site/book.json:1: there is no built site to look at [output]\n    Run `make` first.")
