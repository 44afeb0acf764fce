"""Blocks: every line of a file belongs to one, and joined they give the file back."""

from pathlib import Path

import pytest
from hypothesis import given, strategies

from openbook.reading.blocks import sections_of, split_blocks
from openbook.reading.source import scan

ROOT = Path(__file__).parent.parent.parent
CHAPTERS = sorted((ROOT / "docs").rglob("*.md"))

PIECES = ["# T", "## 标题 {#x}", "```", "``` { .bash .tested }", "~~~", "    ```python", "$$", "$$ x $$", "    $$", "- item", "    1. item",
          "| a | b |", "|---|", "Table: t. {#tab-t}", "表：t。 {#tab-t}", "![a](b.svg){#fig-b}", "!!! note \"t\"", "??? question", "    body",
          "=== \"tab\"", "<div markdown>", "</div>", "<!-- x", "-->", "<!-- differs: number: why -->", "---", "***", "> quote", "[^1]: note",
          "[r]: url", ":   definition", "text", "正文，全角。", "", "  ", "\t", "\r", "\u2028", "\x0c", "a `b", "\\"]
markdown = strategies.lists(strategies.one_of(strategies.sampled_from(PIECES), strategies.text(max_size=20)), max_size=30).map("\n".join)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_joined_blocks_are_the_chapter(path):
    text = path.read_text("utf-8")
    assert "".join(block.text for block in split_blocks(text)) == text


@given(markdown)
def test_no_markdown_loses_a_letter(text):
    assert "".join(block.text for block in split_blocks(text)) == text


@given(markdown)
def test_every_block_knows_its_line(text):
    line = 1
    for block in split_blocks(text):
        assert block.line == line
        line += block.text.count("\n")


@given(markdown)
def test_sections_hold_every_block_that_readers_see(text):
    blocks = [block for block in split_blocks(text) if block.kind not in ("blank", "meta")]
    flat = [block for section in sections_of(blocks) for block in (*([section.heading] if section.heading else []), *section.blocks)]
    assert flat == blocks


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_headings_are_those_that_the_scan_finds(path):
    text = path.read_text("utf-8")
    headings = [block.line for block in split_blocks(text) if block.kind == "heading"]
    assert headings == [heading.line for heading in scan(path.name, text).headings]


def test_kinds_lines_and_depths():
    text = """\
---
description: D.
---
# Title

A paragraph
of two lines.

- one
- two

    ```bash
    # not a heading

    echo
    ```

!!! warning "Title"
    Body.

| a |
|---|
| 1 |

Table: T. {#tab-t}

$$
x
$$
"""
    found = [(block.kind, block.line, block.depth) for block in split_blocks(text) if block.kind != "blank"]
    assert found == [("meta", 1, 0), ("heading", 4, 0), ("paragraph", 6, 0), ("item", 9, 0), ("item", 10, 0), ("fence", 12, 1),
                     ("callout", 18, 0), ("paragraph", 19, 1), ("table", 21, 0), ("caption", 25, 0), ("formula", 27, 0)]
