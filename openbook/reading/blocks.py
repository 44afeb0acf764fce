"""Cut a Markdown file into blocks, each with its line; joined, they give the file back letter for letter."""

from __future__ import annotations

import re
from dataclasses import dataclass

from openbook.reading.source import FENCE, FIGURE, HEADING, TABLE_CAPTION, split_front_matter

ITEM = re.compile(r"^\s*(?P<mark>[-*+]|\d+[.)])\s+(?P<task>\[[ xX]\]\s)?")
CALLOUT = re.compile(r"^\s*(?P<mark>!!!|\?\?\?\+?)\s*(?P<kind>[\w -]*?)\s*(?:\"(?P<title>.*)\")?\s*$")
TAB = re.compile(r"^\s*(?P<mark>===[+!]?)\s+\"(?P<title>.*)\"\s*$")
REFERENCE = re.compile(r"^\s*(?P<mark>\[\^[^\]]+\]:|\*\[[^\]]+\]:|\[[^\]]+\]:)\s")
DEFINITION = re.compile(r"^\s*:\s+\S")
RULE = re.compile(r"^\s*(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$")
HTML = re.compile(r"^\s*</?[A-Za-z]")
#: What a line begins with that is more than a line of words; a list item may begin with a digit.
SIGNS = frozenset("`~$#<!?=-*+_[:|>")
OPENERS = ("heading", "fence", "formula", "callout", "tab", "table", "caption", "figure", "item", "comment")


@dataclass(frozen=True)
class Block:
    """A run of lines of one kind; `depth` counts the levels of indentation, `text` keeps every letter."""

    kind: str
    line: int
    text: str
    depth: int = 0

    @property
    def lines(self) -> list[str]:
        """Return the block's lines without their line ends."""
        return self.text.removesuffix("\n").split("\n")

    @property
    def first(self) -> str:
        return self.text.split("\n", 1)[0]


@dataclass(frozen=True)
class Section:
    """A heading (None before the first) and what stands below it, up to the next heading of any level."""

    heading: Block | None
    blocks: tuple[Block, ...]

    @property
    def line(self) -> int:
        return self.heading.line if self.heading else self.blocks[0].line

    @property
    def level(self) -> int:
        return len(HEADING.match(self.heading.first)["marks"]) if self.heading else 0


def split_blocks(text: str) -> list[Block]:
    """Return the blocks of a file in order, blank lines and front matter among them."""
    lines = text.split("\n")
    _, body_line = split_front_matter(text)
    blocks = []
    start = body_line - 1
    if start:
        blocks.append(_block("meta", 0, start, lines))
    while start < len(lines):
        kind = _kind(lines[start])
        end = _end(kind, start, lines)
        if start < end:
            blocks.append(_block(kind, start, end, lines))
        start = end
    # Only the very last piece lacks a line end; a file that ends with one has an empty last line.
    return [block for block in blocks if block.text]


def _block(kind: str, start: int, end: int, lines: list[str]) -> Block:
    text = "\n".join(lines[start:end]) + ("\n" if end < len(lines) else "")
    bare = lines[start].expandtabs(4)
    return Block(kind, start + 1, text, (len(bare) - len(bare.lstrip())) // 4 if kind not in ("meta", "blank") else 0)


def _kind(line: str) -> str:
    """Return the kind of block that a line opens."""
    stripped = line.strip()
    if not stripped:
        return "blank"
    if stripped[0] not in SIGNS and not stripped[0].isdigit():    # most lines: words
        return "caption" if "{" in line and TABLE_CAPTION.match(line) else "paragraph"
    if FENCE.match(line):
        return "fence"
    if stripped.startswith("$$"):
        return "formula"
    if HEADING.match(line):
        return "heading"
    if stripped.startswith("<!--"):
        return "comment"
    for kind, pattern in (("callout", CALLOUT), ("tab", TAB), ("caption", TABLE_CAPTION), ("figure", FIGURE), ("rule", RULE),
                          ("item", ITEM), ("reference", REFERENCE), ("definition", DEFINITION), ("html", HTML)):
        if pattern.match(line):
            return kind
    if stripped.startswith("|"):
        return "table"
    return "quote" if stripped.startswith(">") else "paragraph"


def _end(kind: str, start: int, lines: list[str]) -> int:
    """Return the index of the first line after the block of `kind` that begins at `start`."""
    after = range(start + 1, len(lines))
    if kind == "fence":
        mark = FENCE.match(lines[start])["mark"]
        for number in after:
            found = FENCE.match(lines[number])
            if found and found["mark"].startswith(mark) and not found["info"].strip():
                return number + 1
        return len(lines)
    if kind == "formula":
        first = lines[start].strip()
        if len(first) > 4 and first.endswith("$$"):
            return start + 1
        return next((number + 1 for number in after if lines[number].strip().endswith("$$")), len(lines))
    if kind == "comment":
        return next((number + 1 for number in range(start, len(lines)) if "-->" in lines[number]), len(lines))
    if kind in ("blank", "table"):
        return next((number for number in after if _kind(lines[number]) != kind), len(lines))
    if kind in ("heading", "callout", "tab", "caption", "figure", "rule"):
        return start + 1
    if kind == "html":
        return next((number for number in after if not lines[number].strip()), len(lines))
    # Prose runs on over lines until something else begins.
    return next((number for number in after if _kind(lines[number]) in ("blank", *OPENERS)), len(lines))


def sections_of(blocks: list[Block]) -> list[Section]:
    """Return the sections of a file; blank lines and front matter belong to none."""
    found: list[Section] = []
    heading, inside = None, []
    for block in blocks:
        if block.kind in ("blank", "meta"):
            continue
        if block.kind == "heading":
            if heading or inside:
                found.append(Section(heading, tuple(inside)))
            heading, inside = block, []
        else:
            inside.append(block)
    if heading or inside:
        found.append(Section(heading, tuple(inside)))
    return found
