"""What the manifest says beyond titles: the programs that go into the PDF as files."""

from openbook.book import book_from_nav
from openbook.reading.library import read_library
from openbook.reading.programs import attachments
from openbook.site.manifest import copy_attachments, printed


def test_programs_that_a_chapter_shows_or_links_are_named_once(write):
    root = write({
        "docs/index.md": "# Home\n",
        "docs/deep/index.md": ('# Deep\n\n```python\n--8<-- "deep/ring.py:main"\n```\n\nSee [it](ring.py), [settings](../job.yaml#x), '
                               "[home](../index.md), [out](https://e.org/x.py) and [gone](none.py).\n"),
        "docs/deep/index.zh.md": '# 深\n\n```python\n--8<-- "deep/ring.py"\n```\n',
        "docs/deep/ring.py": "print(1)\n",
        "docs/job.yaml": "a: 1\n",
        "docs/tool.py": "print(2)\n",
    })
    book = book_from_nav(["index.md", {"Deep": ["deep/index.md"]}], {})
    library = read_library(root / "docs", book)
    found = {chapter.path: attachments(library, chapter) for chapter in book.chapters}
    assert found == {"index.md": [], "deep/index.md": ["deep/ring.py", "job.yaml"]}
    (root / "site").mkdir()
    copy_attachments({"chapters": [{"attachments": found["deep/index.md"]}]}, root / "docs", root / "site", ["tool.py"])
    assert (root / "site/tool.py").read_text() == "print(2)\n"
    assert (root / "site/deep/ring.py").read_text() == "print(1)\n"


def test_a_page_says_in_english_that_it_is_not_printed(write):
    root = write({"docs/index.md": "---\nprint: true\n---\n# Home\n", "docs/index.zh.md": "---\nprint: false\n---\n# 首页\n",
                  "docs/status.md": "---\nprint: false\n---\n# Status\n"})
    book = book_from_nav(["index.md", {"About": ["status.md"]}], {})
    library = read_library(root / "docs", book)
    assert {chapter.path: printed(library, chapter) for chapter in book.chapters} == {"index.md": True, "status.md": False}
