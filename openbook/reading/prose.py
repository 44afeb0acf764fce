"""See a Markdown line as its reader does: what is left without marks, code, formulas and addresses, with places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from openbook.reading.formulas import INLINE
from openbook.reading.source import CITATION, CODE_SPAN, FENCE, split_front_matter

#: Stands for a code span, a formula or an address: one Latin word, whatever it holds.
OPAQUE = "\ue000"
#: Stands behind `图` and `表` where the build will add a number.
REFERENCE = "\ue001"

START = re.compile(r"\s*(?:#{1,6}\s+|[-*+]\s+|\d+\.\s+|>\s*|:\s+|\[\^[\w-]+\]:\s+|\[[ xX]\]\s+)*")
BLOCK = re.compile(r"\s*(?:!!!|\?\?\?\+?|===!?\+?)(?:\s+[\w-]+)*(?:\s+\"(?P<title>.*)\")?\s*$")
DESCRIPTION = re.compile(r"description:\s+")
RULE_ROW = re.compile(r"\s*\|?[\s|:-]+\|?\s*$")
HIDDEN = re.compile(
    r"\s*" + CITATION.pattern.replace("?P<ids>", "?:") +     # a citation and the space before it
    r"|\s*\{\s*[:#.][^{}]*\}"                                # attributes
    r"|</?[A-Za-z][^<>]*>|<!--.*?-->|\[\^[\w-]+\]"
    r"|!?\[(?=[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\](?:\(|\[[\w-]*\]))"    # the beginning of a link or image
    r"|\]\([^()\s]*(?:\s+\"[^\"]*\")?\)|\]\[[\w-]*\]"                  # its end
    r"|\*{1,3}")
ADDRESS = re.compile(r"<?https?://[^\s<>()\u3000-\u303f\uff00-\uffef\u4e00-\u9fff]+>?")
CELL = re.compile(r"(?<!\\)\|")
NUMBERED = re.compile(r"(?<=\[图|\[表)\]\([^()\s]*#(?:fig|tab)-[\w-]+\)")
BACKSLASH = re.compile(r"\\")


@dataclass(frozen=True)
class Piece:
    """A run of visible text on one line; `starts[i]` and `ends[i]` are where its i-th character stands there."""

    line: int
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


@lru_cache(maxsize=200)
def pieces(text: str) -> list[Piece]:
    """Return the prose of a Markdown file, a piece a line, in tables a piece a cell; fences are left out."""
    found: list[Piece] = []
    _, body = split_front_matter(text)
    fence, display = "", False
    for number, line in enumerate(text.split("\n"), 1):
        if number < body:
            if key := DESCRIPTION.match(line):
                found += _cut(number, line, key.end(), len(line))
            continue
        mark = FENCE.match(line)
        if fence:
            fence = "" if mark and mark["mark"].startswith(fence) and not mark["info"].strip() else fence
        elif mark and not display:
            fence = mark["mark"]
        elif line.strip() == "$$":
            display = not display
        elif not display and line.strip():
            found += _line(number, line)
    return found


def _line(number: int, line: str) -> list[Piece]:
    if block := BLOCK.match(line):
        return _cut(number, line, *block.span("title")) if block["title"] else []
    if not line.lstrip().startswith("|"):
        return _cut(number, line, START.match(line).end(), len(line))
    if RULE_ROW.match(line):
        return []
    masked = CODE_SPAN.sub(lambda code: " " * len(code[0]), line)
    bars = [bar.start() for bar in CELL.finditer(masked)] + [len(line)]
    return [piece for start, end in zip(bars, bars[1:]) for piece in _cut(number, line, start + 1, end)]


def _cut(number: int, line: str, start: int, end: int) -> list[Piece]:
    """Return the piece between two places of a line, or nothing if only blanks and marks stand there."""
    while start < end and line[start].isspace():
        start += 1
    spans = {code.start(): (code.end(), OPAQUE) for code in CODE_SPAN.finditer(line, start, end)}
    covered = {place for begin, (stop, _) in spans.items() for place in range(begin, stop)}

    for pattern, shown in ((INLINE, OPAQUE), (ADDRESS, OPAQUE), (NUMBERED, REFERENCE), (HIDDEN, "")):
        for match in pattern.finditer(line, start, end):
            # An address inside a link's end belongs to the link, a mark inside code to the code.
            if match.start() not in covered and (pattern is not ADDRESS or line[match.start() - 2:match.start()] != "]("):
                spans[match.start()] = (match.end(), shown)
                covered.update(range(*match.span()))
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    place = start
    special = sorted({*spans, *(slash.start() for slash in BACKSLASH.finditer(line, start, end))})
    for stand in [*special, end]:
        if place < stand:    # plain text as one run
            text.extend(line[place:stand])
            starts.extend(range(place, stand))
            ends.extend(range(place + 1, stand + 1))
            place = stand
        if place > stand or stand == end:
            continue
        stop, shown = spans.get(place, (place + 1, line[place]))
        if shown == "\\" and place + 1 < end and line[place + 1] in "\\`*_{}[]()#+-.!|$":
            stop, shown = place + 2, line[place + 1]
        if shown:
            text.append(shown)
            starts.append(place)
            ends.append(stop)
        place = max(stop, place + 1)
    while text and text[-1].isspace():
        del text[-1], starts[-1], ends[-1]
    return [Piece(number, "".join(text), tuple(starts), tuple(ends))] if text else []
