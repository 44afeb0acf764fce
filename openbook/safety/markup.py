"""Look at a chapter's Markdown for HTML, attributes and addresses that the book does not use, with the line of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from openbook.reading.formulas import INLINE
from openbook.reading.source import FENCE, split_front_matter
from openbook.safety.addresses import MEND, wrong_scheme

#: HTML that may stand in a chapter; the build has a list of its own of what a page may hold (article.py).
ALLOWED = re.compile(r"</?(?:br|kbd|sub|sup)>|<br ?/>"
                     r'|<div class="(?:home-lead|home-actions|only-web)(?: only-web)?" markdown>|</div>'
                     r"|<https?://[^<>\s]+>")
TAG = re.compile(r"<(?=[A-Za-z/!?])")
COMMENT = re.compile(r"<!--(?!-?>)(?:(?!--!?>|<!--).)*-->", re.DOTALL)
CODE = re.compile(r"(?<![\\`])(?P<mark>`+)(?!`).+?(?<!`)(?P=mark)(?!`)", re.DOTALL)
DISPLAY = re.compile(r"(?<![\\$])\$\$(?!\$).+?\$\$")
#: A formula on lines of its own, which are a paragraph.
DISPLAY_BLOCK = re.compile(r"^([ \t]*)\$\$[ \t]*\n(?:(?!\1?\$\$)[^\n]*\S[^\n]*\n)+[ \t]*\$\$[ \t]*$", re.MULTILINE)
LINK = re.compile(r"\]\(\s*(?P<angle><)?(?P<target>[^)]{1,400})")
BEHIND = re.compile("[ \"']")
DEFINITION = re.compile(r"^ {0,3}\[(?!\^)(?P<name>[^\]\n]+)\]:\s*<?(?P<target>\S+)", re.MULTILINE)
PICTURE = re.compile(r"!\[(?P<text>[^\]\n]*)\](?:\s?\[(?P<name>[^\]\n]*)\]|(?![(\[]))")
BRACES = re.compile(r"\{(?P<colon>:?)\s*(?P<body>[^{}\n]*)\}(?P<end>[ \t]*$)?", re.MULTILINE)
#: What stands before attributes of its own: a link, a picture, emphasis, code.
BEFORE = (")", "]", "*", "_", "`")
TOKEN = re.compile(r"\#[A-Za-z][\w.:-]*|\.only-web")
LIKE_ATTRIBUTES = re.compile(r"(?:^|\s)(?:[#.][\w:-]|[\w:-]+\s*=)")
#: What the first line of a code block may say: a language, or classes; with a title and lines to mark.
OPTION = r"\s+(?:title|hl_lines)=\"[^\"<>]*\""
INFO = re.compile(rf"[\w+#.-]*|[\w+-]+(?:{OPTION})+|\{{(?:\s*\.[\w+-]+|{OPTION})*\s*\}}")
SNIPPET = re.compile(r"^[ \t]*;*-+8<-+(?:\s|$)", re.MULTILINE)
DEEP_QUOTE = re.compile(r"^(?:[ \t]*(?:[-*+]|\d+[.)])?[ \t]*>){7,}", re.MULTILINE)
DEEP_INDENT = re.compile(r"^(?:[ >]{41}|[\t>]{11}|(?: *(?:[-*+]|\d+[.)])[ \t]+){8})", re.MULTILINE)
#: Bars, brackets and backquotes of a line; the book has 7, 8 and 24 at most. Markdown looks from each for its end.
MOST = {"|": (60, "cells"), "[": (200, "brackets"), "`": (400, "backquotes")}
USE = ("Write Markdown; a tag that is shown stands in code, a `<` before a letter is `&lt;`. "
       "The book uses <br>, <kbd>, <sub> and <sup>, without attributes.")


@dataclass(frozen=True, order=True)
class Fault:
    """Something that the book does not use: the line, the rule it breaks, what it is, and what to do instead."""

    line: int
    rule: str
    message: str
    mend: str


def faults_in(text: str) -> list[Fault]:
    """Return what is wrong with a chapter's Markdown, by line; of one rule a line has one fault."""
    _, body = split_front_matter(text)
    prose, infos = _without_fences(text, body)
    found = [*_of_infos(infos), *_of_prose(prose)]
    first: dict[tuple[int, str], Fault] = {}
    for fault in found:
        first.setdefault((fault.line, fault.rule), fault)
    return sorted(first.values())


def words_faults(text: str) -> list[Fault]:
    """Return what is wrong with a short text of Markdown, such as a cell of a table of facts."""
    return list(_of_prose(text)) if "<" in text or "](" in text or "]:" in text else []


def _without_fences(text: str, body: int) -> tuple[str, list[tuple[int, str]]]:
    """Return a file with front matter and code blocks blanked out line by line, and what their first lines say."""
    lines, infos, mark = [], [], ""
    for number, line in enumerate(text.split("\n"), 1):
        found = FENCE.match(line) if number >= body else None
        if mark:
            mark = "" if found and found["mark"].startswith(mark) and not found["info"].strip() else mark
        elif found:
            mark = found["mark"]
            infos.append((number, found["info"].strip()))
        elif number >= body:
            lines.append(line)
            continue
        lines.append("")
    shown = "\n".join(lines)
    if "$$" in shown:
        shown = DISPLAY_BLOCK.sub(lambda found: "\n" * found[0].count("\n"), shown)
    return shown, infos


def _of_infos(infos: list[tuple[int, str]]) -> Iterator[Fault]:
    for line, info in infos:
        if not INFO.fullmatch(info):
            yield Fault(line, "html", f"this code block has more than a language and classes: `{_short(info)}`",
                        "Write ```python, or ``` { .bash .tested }.")


def _of_prose(text: str) -> Iterator[Fault]:
    """Yield the faults of a text without code blocks."""
    prose = Prose(text)
    yield from _of_tags(prose)
    for link in LINK.finditer(text):
        target = link["target"] if link["angle"] else BEHIND.split(link["target"].lstrip(), maxsplit=1)[0]
        if (wrong := wrong_scheme(target)) and not prose.is_code(link.start()):
            yield Fault(prose.line(link.start("target")), "scheme", f"the link `{_short(target)}` {wrong}", MEND)
    yield from _of_references(prose)
    yield from _of_attributes(prose)
    yield from (Fault(prose.line(found.start()), "snippet", "this shows a file outside of a code block, as if it were Markdown",
                      "Put the line between ``` and ```.") for found in SNIPPET.finditer(text))
    for pattern, what in ((DEEP_QUOTE, "quotations stand in one another more than 6 levels deep"),
                          (DEEP_INDENT, "lists or notes stand in one another more than 7 levels deep")):
        if found := pattern.search(text):
            yield Fault(prose.line(found.start()), "limit", what, "The book has three levels at most: divide the text.")
    for sign, (most, what) in MOST.items():
        lines = text.split("\n") if text.count(sign) > most else ()
        if full := next((number for number, line in enumerate(lines, 1) if line.count(sign) > most), None):
            yield Fault(full, "limit", f"this line has more than {most} {what}", "Divide it; a wide table is shown from docs/data.")


class Prose:
    """A text without code blocks, which knows where its code spans and formulas are.

    Whether backquotes pair up within a line or over lines depends on what Markdown makes a paragraph, and on comments.
    Only what is code in every reading is taken for code. Paragraphs are looked at when somebody asks, which is seldom.
    """

    def __init__(self, text: str):
        self.text = text
        self._code: dict[int, set[int]] = {}

    def line(self, place: int) -> int:
        """Return the line of a place, from 1."""
        return self.text.count("\n", 0, place) + 1

    def is_code(self, place: int) -> bool:
        """Say whether a character is shown as it is written."""
        start = self.text.rfind("\n\n", 0, place) + 1
        if start not in self._code:
            end = self.text.find("\n\n", place)
            paragraph = self.text[start:end if end >= 0 else len(self.text)]
            readings = [_covered([paragraph]), _covered(paragraph.split("\n"))]
            if "<!--" in paragraph:
                readings.append(_covered([COMMENT.sub(lambda found: " " * len(found[0]), paragraph)]))
            self._code[start] = set.intersection(*readings)
        return place - start in self._code[start]


def _covered(pieces: list[str]) -> set[int]:
    """Return the places of code spans and formulas in pieces of a text that are read apart, one behind the other."""
    covered: set[int] = set()
    at = 0
    for piece in pieces:
        spans = [found.span() for pattern in (CODE, DISPLAY) for found in pattern.finditer(piece)]
        for start, end in spans:
            piece = piece[:start] + " " * (end - start) + piece[end:]    # no formula begins in code
        for start, end in (*spans, *(found.span() for found in INLINE.finditer(piece))):
            covered.update(range(at + start, at + end))
        at += len(piece) + 1
    return covered


def _of_tags(prose: Prose) -> Iterator[Fault]:
    """Yield faults of HTML; what a comment holds nobody sees."""
    end = 0
    for tag in TAG.finditer(prose.text):
        if tag.start() < end or prose.is_code(tag.start()):
            continue
        if allowed := COMMENT.match(prose.text, tag.start()) or ALLOWED.match(prose.text, tag.start()):
            end = allowed.end()
            continue
        shown = _short(prose.text[tag.start():])
        yield Fault(prose.line(tag.start()), "html", f"the book does not use this HTML: `{shown}`", USE)


def _of_references(prose: Prose) -> Iterator[Fault]:
    """Yield faults of `[name]: address` lines, and of pictures that are named by one."""
    targets = {}
    for found in DEFINITION.finditer(prose.text) if "]:" in prose.text else ():
        targets[found["name"].strip().lower()] = found["target"]
        if wrong := wrong_scheme(found["target"]):
            yield Fault(prose.line(found.start("name")), "scheme", f"the link `{_short(found['target'])}` {wrong}", MEND)
    for found in PICTURE.finditer(prose.text) if targets else ():
        target = targets.get((found["name"] or found["text"]).strip().lower(), "")
        if target.lower().startswith(("http:", "https:")) and not prose.is_code(found.start()):
            yield Fault(prose.line(found.start()), "image", f"the image {_short(target)} is on another host",
                        "Readers without that host see nothing: keep the figure beside the chapter.")


def _of_attributes(prose: Prose) -> Iterator[Fault]:
    """Yield faults of attribute lists: a heading, figure or table has an id, and nothing else has anything."""
    for found in BRACES.finditer(prose.text):
        attached = found["colon"] or found["end"] is not None or prose.text[found.start() - 1:found.start()] in BEFORE
        if not attached or not LIKE_ATTRIBUTES.search(found["body"]) or all(TOKEN.fullmatch(token) for token in found["body"].split()):
            continue    # braces within a sentence are only braces
        if not prose.is_code(found.start()):
            yield Fault(prose.line(found.start()), "html", f"the book does not use these attributes: `{_short(found[0])}`",
                        "Write an id alone, such as {#name}; braces that are shown stand in code.")


def _short(text: str) -> str:
    """Return the beginning of a text as a message shows it."""
    line = text.split("\n", 1)[0]
    line = line[:line.find(">") + 1] if 0 < line.find(">") < 60 and line.startswith("<") else line
    return "".join(char for char in (line if len(line) <= 60 else line[:59] + "…") if char.isprintable()).replace("`", "'")
