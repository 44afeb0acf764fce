"""Let a chapter differ where it must: `<!-- differs: number: why -->` excuses one rule for one block, with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from openbook.reading.blocks import Block

EXCUSE = re.compile(r"<!--\s*differs:\s*(?P<rules>[a-z, -]*?)\s*(?:[:：]\s*(?P<why>.*?))?\s*-->", re.DOTALL)
RULES = ("number", "name", "link", "image", "citation", "code", "formula", "footnote", "tag", "attribute", "fence", "table", "block", "term")


@dataclass(frozen=True)
class Excuse:
    """What a comment of the Chinese file allows: `rules`, on the lines from `start` to `end`."""

    line: int
    rules: tuple[str, ...]
    why: str
    start: int
    end: int

    def allows(self, line: int, rule: str) -> bool:
        return rule in self.rules and self.start <= line <= self.end


def excuses_in(blocks: list[Block]) -> Iterator[Excuse]:
    """Yield the excuses of a file; one that stands alone speaks for the next block, others for their own."""
    solid = [block for block in blocks if block.kind != "blank"]
    for place, block in enumerate(solid):
        if block.kind in ("fence", "meta"):
            continue
        for found in EXCUSE.finditer(block.text):
            line = block.line + block.text[:found.start()].count("\n")
            subject = block
            if block.kind == "comment":
                subject = next((later for later in solid[place + 1:] if later.kind != "comment"), block)
            rules = tuple(rule.strip() for rule in found["rules"].split(",") if rule.strip())
            yield Excuse(line, rules, (found["why"] or "").strip(), subject.line, subject.line + len(subject.lines) - 1)


def without_excuses(text: str) -> str:
    """Return Markdown without excuses, which are for translators and not for readers."""
    text = re.sub(rf"(?m)^[ \t]*{EXCUSE.pattern}[ \t]*\n", "", text)
    return EXCUSE.sub("", text)
