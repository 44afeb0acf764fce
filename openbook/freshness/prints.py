"""Take fingerprints of English sections: title, words, numbers and code apart, so that we can say what changed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import astuple, dataclass, fields

from openbook.alignment.prose import COMMENT
from openbook.reading.blocks import Section, sections_of, split_blocks
from openbook.reading.fences import split_caption
from openbook.reading.source import ATTRIBUTES, FENCE, Fence, Source, scan

DIGITS = re.compile(r"\d[\d.,{}]*\d|\d")
SHAPE = re.compile(r"[0-9a-f]{4}-[0-9a-f]{10}-[0-9a-f]{6}-[0-9a-f]{6}")


@dataclass(frozen=True)
class Print:
    """A section's fingerprint; equal parts mean an unchanged title, unchanged words, numbers or code."""

    title: str
    words: str
    numbers: str
    code: str

    def __str__(self) -> str:
        return "-".join(astuple(self))

    @property
    def body(self) -> tuple[str, str, str]:
        """Return what is below the heading."""
        return self.words, self.numbers, self.code

    def changed_from(self, older: Print) -> tuple[str, ...]:
        """Return the names of the parts that differ."""
        return tuple(part.name for part in fields(self) if getattr(self, part.name) != getattr(older, part.name))


@dataclass(frozen=True)
class Original:
    """A section of an English file: its id, its place and its text."""

    id: str
    title: str
    section: Section

    @property
    def line(self) -> int:
        return self.section.line

    @property
    def print(self) -> Print:
        return print_of([self.section], self.title)


def originals_in(text: str, scanned: Source | None = None) -> list[Original]:
    """Return the sections of an English file that have a heading, with the ids that readers link to."""
    ids = {heading.line: heading for heading in (scanned or scan("", text)).headings}
    return [Original(ids[section.line].id, ids[section.line].text, section) for section in sections_of(split_blocks(text))
            if section.heading and section.line in ids]


def print_of(sections: list[Section], title: str) -> Print:
    """Return the fingerprint of what stands in some neighbouring sections, under one title."""
    words, numbers, code = [], [], []
    for section in sections:
        for block in section.blocks:
            if block.kind == "comment":
                continue
            text = COMMENT.sub("", block.text)
            if block.kind == "fence":
                shown, body = _fence_parts(block.lines)
                code.append(body)
                text = shown
            text = " ".join(text.split())
            numbers += DIGITS.findall(text)
            words.append(f"{block.kind if block.kind == 'fence' else ''}{block.depth} {DIGITS.sub('#', text)}")
    bare = ATTRIBUTES.sub("", title)
    return Print(_hash(bare, 4), _hash("\n".join(words), 10), _hash(" ".join(numbers), 6), _hash("\n".join(code), 6))


def _fence_parts(lines: list[str]) -> tuple[str, str]:
    """Return the words of a fence of facts, and the code of any fence."""
    language = Fence(1, FENCE.match(lines[0])["info"].strip(), "").language
    code, words = split_caption(lines, language)
    shown = [line for line, original in zip(code, lines) if line or not original.strip()]
    spoken = dict.fromkeys(lines[index].strip() for index, _ in words)
    return " ".join(spoken), "\n".join(line.rstrip() for line in shown)


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def parse_print(value: object) -> Print | None:
    """Return the fingerprint that a record's value spells, or None."""
    return Print(*value.split("-")) if isinstance(value, str) and SHAPE.fullmatch(value) else None
