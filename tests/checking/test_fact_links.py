"""Tables of facts may link pages and files of the book; what is not there is named, and so is a tool that no table lists."""

import pytest

from openbook.checking.run import check_repository
from tests.conftest import SMALL_BOOK

TOOLS = """
    title: {en: Tools, zh: 工具}
    columns:
      name: {type: link, en: Program, zh: 程序}
      chapter: {type: link, en: Chapter, zh: 章节}
    rows:
      - id: ring
        name: {label: ring.py, url: deep/ring.py}
        chapter: {label: {en: Alpha, zh: 甲}, url: "a.md#how"}
    """
BOOK = {**SMALL_BOOK, "docs/data/tools.yml": TOOLS, "docs/deep/ring.py": "#!/usr/bin/env python3\n",
        "docs/data/sources.yml": SMALL_BOOK["docs/data/sources.yml"]}


def findings(write, **changed: str) -> list[tuple[str, int, str]]:
    root = write({**BOOK, **{name.replace("__", "/"): text for name, text in changed.items()}})
    return [(finding.path, finding.line, finding.message) for finding in check_repository(root)]


def test_links_that_lead_somewhere_have_no_finding(write):
    assert findings(write) == []


@pytest.mark.parametrize("old, new, message", [
    ("deep/ring.py}", "deep/rong.py}", "docs/deep/rong.py is not there"),
    ("a.md#how", "b.md", "the link to a missing page: docs/b.md is not a chapter"),
    ("a.md#how", "a.zh.md", "the link names the Chinese file a.zh.md"),
    ("a.md#how", "a.md#why", "docs/a.md has no #why"),
])
def test_a_link_that_leads_nowhere_is_named_with_its_row(write, old, new, message):
    assert findings(write, **{"docs/data/tools.yml": TOOLS.replace(old, new)}) == [("docs/data/tools.yml", 6, message)]


def test_a_program_to_keep_that_a_chapter_shows_has_a_row(write):
    english = SMALL_BOOK["docs/deep/index.md"] + "\nRun [bench.py](bench.py) or [plain.py](plain.py).\n"
    chinese = SMALL_BOOK["docs/deep/index.zh.md"] + "\n运行 [bench.py](bench.py) 或 [plain.py](plain.py)。\n"
    found = findings(write, **{"docs/deep/index.md": english, "docs/deep/index.zh.md": chinese,
                               "docs/deep/bench.py": "#!/usr/bin/env python3\n", "docs/deep/plain.py": "print(1)\n"})
    assert found == [("docs/deep/bench.py", 1, "the program of docs/deep/index.md is not on the page of tools")]
