"""Every mistake in the book is one finding with file, line and remedy."""

import subprocess
import sys

import pytest

from openbook.checking.run import check_repository
from openbook.cli import main
from tests.conftest import SMALL_BOOK


def found(root):
    return [(finding.path, finding.line, finding.message) for finding in check_repository(root)]


def test_a_good_book_has_no_findings(small_book):
    assert found(small_book) == []


META = "---\ndescription: D.\n---\n"


@pytest.mark.parametrize("files, path, line, message", [
    ({"docs/index.md": META + "# Home\n\n[x](gone.md)\n"}, "docs/index.md", 6,
     "the link to a missing page: docs/gone.md is not a chapter"),
    ({"docs/index.md": META + "# Home\n\n[x](a.md#hou)\n"}, "docs/index.md", 6, "docs/a.md has no #hou"),
    ({"docs/index.zh.md": META + "# 首页\n\n[x](a.zh.md)\n"}, "docs/index.zh.md", 6, "the link names the Chinese file a.zh.md"),
    ({"docs/index.md": META + "# Home\n\n![x](figures/x.png)\n"}, "docs/index.md", 6, "the image docs/figures/x.png is not there"),
    ({"docs/index.md": META + "# Home\n\n[x](/a/)\n"}, "docs/index.md", 6, "the link /a/ begins with a slash"),
    ({"docs/index.md": META + "# Home\n\nClaim [@nobody].\n"}, "docs/index.md", 6,
     "the source `nobody` is not in docs/data/sources.yml"),
    ({"docs/index.md": META + "# Home\n\n```python\n--8<-- \"x.py\"\n```\n"}, "docs/index.md", 7, "the file docs/x.py is not there"),
    ({"docs/index.md": META + "# Home\n\n| a | b |\n|---|---|\n| 1 |\n"}, "docs/index.md", 8, "this row has 1 cells, the head has 2"),
    ({"docs/index.md": META + "# Home\n\n$\\nosuch$\n"}, "docs/index.md", 6,
     "KaTeX cannot read the formula `\\nosuch`: Undefined control sequence: \\nosuch at position 1: \\̲n̲o̲s̲u̲c̲h̲"),
    ({"docs/index.md": META + "# Home\n\n$$\nx\n$$\n\n{#eq-x}\n"}, "docs/index.md", 10, "the mark {#eq-x} does not follow a formula"),
    ({"docs/index.md": META + "# Home\n\n```bash\necho\n"}, "docs/index.md", 6, "this code block is never closed"),
    ({"docs/index.md": "# Home\n"}, "docs/index.md", 1, "the front matter has no description"),
    ({"docs/index.md": META + "## Home\n"}, "docs/index.md", 4, "the page does not begin with a title"),
    ({"docs/a.zh.md": META + "# 甲\n\n### 原理\n"}, "docs/a.zh.md", 6,
     "`### 原理` stands where there `## How it works {#how}` does (docs/a.md:6)"),
    ({"docs/a.zh.md": META + "# 甲\n"}, "docs/a.zh.md", 4,
     "the section `## How it works {#how}` is missing after this line (docs/a.md:6)"),
    ({"docs/a.zh.md": META + "# 甲\n\n## 原理\n\n## 多余\n"}, "docs/a.zh.md", 8,
     "this section has no counterpart there (docs/a.md:4)"),
    ({"docs/a.zh.md": META + "# 甲\n\n## 原理 {#why}\n"}, "docs/a.zh.md", 6, "the id #why is #how in docs/a.md:6"),
    ({"docs/stray.md": META + "# Stray\n"}, "docs/stray.md", 1, "the page is not in the navigation"),
    ({"docs/data/chips.yml": "title: [unclosed\n"}, "docs/data/chips.yml", 2,
     "this is not the YAML we read: expected ',' or ']', but got '<stream end>'"),
])
def test_each_mistake_is_named(small_book, write, files, path, line, message):
    write(files)
    assert (path, line, message) in found(small_book)


def test_a_chapter_without_its_translation_is_named(small_book):
    (small_book / "docs/a.zh.md").unlink()
    assert ("docs/a.md", 1, "the chapter has no Chinese file docs/a.zh.md") in found(small_book)


def test_a_page_of_the_navigation_that_is_not_there_is_named(small_book):
    (small_book / "docs/a.md").unlink()
    assert ("mkdocs.yml", 5, "the navigation names a.md, which is not in docs/") in found(small_book)


def test_a_figure_with_one_language_is_named(small_book, write):
    figure = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title lang="en">x</title></svg>'
    page = META + "# Home\n\n![x](f.svg){#fig-f}\n"
    write({"docs/f.svg": figure, "docs/index.md": page, "docs/index.zh.md": page})
    assert ("docs/f.svg", 1, 'the figure has no <title lang="zh">') in found(small_book)


def test_the_command_prints_findings_and_fails(small_book, monkeypatch, capsys):
    monkeypatch.chdir(small_book)
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "No findings.\n"
    (small_book / "docs/a.zh.md").unlink()
    assert main(["check", "docs/a.md"]) == 1
    output = capsys.readouterr()
    assert output.out == ("docs/a.md:1: the chapter has no Chinese file docs/a.zh.md [missing-translation]\n"
                          "    Translate it into docs/a.zh.md, or write `translation: wanted` in its front matter: "
                          "Chinese readers then get the English text with a notice.\n")
    assert output.err == "1 finding in 1 file.\n"


def test_the_books_own_pages_have_no_findings(root):
    """Advice (facts that have aged) does not stop a change that has nothing to do with it."""
    assert [finding for finding in check_repository(root) if not finding.advice] == []


def test_two_pages_with_one_title_or_description_are_named(write):
    root = write({**SMALL_BOOK, "docs/deep/index.md": SMALL_BOOK["docs/deep/index.md"].replace("description: Deep.", "description: Alpha."),
                  "docs/deep/index.zh.md": SMALL_BOOK["docs/deep/index.zh.md"].replace("# 深", "# 甲")})
    found = [(found.path, found.line, found.message) for found in check_repository(root) if found.rule in ("title", "description")]
    assert found == [("docs/deep/index.md", 1, "docs/a.md has the same description"), ("docs/deep/index.zh.md", 4, "docs/a.zh.md has the same title")]


def test_the_check_starts_no_thread_before_it_shares_the_chapters_out(root):
    """A process with two threads is not copied safely, so the check would use one processor alone."""
    done = subprocess.run([sys.executable, "-c", "import threading, openbook.checking.whole; print(threading.active_count())"],
                          cwd=root, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "1", done.stderr
