"""Code is coloured as pymdownx.highlight does it, once for both languages."""

from markdown import Markdown
from pymdownx.highlight import Highlight

from openbook.site.highlight import highlighter

BLOCKS = "```python\nx = 1\n```\n\n```python title=\"a.py\" linenums=\"3\"\nx = 1\n```\n\n```\nx = 1\n```\n\nA `#!python x = 1`.\n"


def converted(extension: str, **settings) -> str:
    return Markdown(extensions=[extension, "pymdownx.superfences", "pymdownx.inlinehilite"], extension_configs={extension: settings}).convert(BLOCKS)


def test_code_looks_as_the_extension_makes_it():
    for settings in ({}, {"anchor_linenums": True}, {"linenums": True, "line_spans": "__span"}):
        expected = converted("pymdownx.highlight", **settings)
        assert [converted("openbook.site.highlight", **settings) for _ in range(2)] == [expected, expected]


def test_the_same_block_is_coloured_once_and_another_again(monkeypatch):
    calls = []
    monkeypatch.setattr(Highlight, "highlight", lambda self, src, *_, **options: calls.append((src, options)) or "shown")
    once = highlighter({})(Markdown())
    for number, title in enumerate(["a.py", "a.py", "b.py"]):
        assert once.highlight("x = 1", "python", title=title, code_block_count=number) == "shown"
    assert [options["title"] for _, options in calls] == ["a.py", "b.py"]
