"""Scan one Markdown file into the pieces that checks and builds need, each with its line."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

import yaml

from openbook.reading.quick_yaml import load_yaml

FENCE = re.compile(r"^(?P<indent>\s*)(?P<mark>`{3,}|~{3,})(?P<info>.*)$")
HEADING = re.compile(r"^(?P<marks>#{1,6})\s+(?P<text>.+?)\s*#*$")
ATTRIBUTES = re.compile(r"\s*\{:?\s*(?P<body>[^{}]*)\}\s*$")
EXPLICIT_ID = re.compile(r"#(?P<id>[A-Za-z][\w.:-]*)")
LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
AUTOLINK = re.compile(r"<(?P<target>https?://[^>\s]+)>")
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
CITATION = re.compile(r"\[(?P<ids>@[a-z0-9-]+(?:\s*;\s*@[a-z0-9-]+)*)\]")
TABLE_CAPTION = re.compile(r"^(?P<indent>\s*)(?:Table:\s|表：)\s*(?P<text>.*?)\s*\{\s*#(?P<id>tab-[\w-]+)\s*\}\s*$")
FIGURE = re.compile(r"^\s*!\[(?P<text>.*)\]\((?P<target>[^()\s]+)\)\{\s*#(?P<id>fig-[\w-]+)\s*\}\s*$")
SNIPPET = re.compile(r"^\s*--8<--\s+\"(?P<path>[^\"]+)\"")
EQUATION = re.compile(r"^(?P<indent>\s*)\{\s*#(?P<id>eq-[\w-]+)\s*\}\s*$")
#: Fences that show facts, and the kind of caption that each makes.
FACTS_FENCES = {"table": "tab", "chart": "fig"}
INLINE_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*_`]")


@dataclass(frozen=True)
class Heading:
    line: int
    level: int
    text: str
    id: str
    explicit: bool


@dataclass(frozen=True)
class Link:
    line: int
    target: str
    text: str
    image: bool


@dataclass(frozen=True)
class Fence:
    """A fenced block; `line` is that of its opening marks, `body` its text without indentation."""

    line: int
    info: str
    body: str

    @property
    def language(self) -> str:
        """Return the first word or class of the info string: `python` of both ```python and ``` { .python }."""
        found = re.match(r"\{?\s*\.?([\w+-]+)", self.info.strip())
        return found[1] if found else ""

    @property
    def classes(self) -> frozenset[str]:
        return frozenset(re.findall(r"\.([\w-]+)", self.info)) if self.info.strip().startswith("{") else frozenset()


@dataclass(frozen=True)
class Caption:
    """A numbered figure, table or equation: `kind` is `fig`, `tab` or `eq`, `id` begins with it."""

    line: int
    kind: str
    id: str


@dataclass
class Source:
    """A Markdown file: everything that has a line."""

    path: str
    meta: dict = field(default_factory=dict)
    meta_error: tuple[int, str] | None = None
    body_line: int = 1
    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    captions: list[Caption] = field(default_factory=list)
    citations: list[tuple[int, str]] = field(default_factory=list)
    snippets: list[tuple[int, str]] = field(default_factory=list)
    tables: list[tuple[int, list[int]]] = field(default_factory=list)
    unclosed_fence: int | None = None

    @property
    def ids(self) -> set[str]:
        """Return every id that a link may name on this page."""
        return {heading.id for heading in self.headings} | {caption.id for caption in self.captions}


def split_front_matter(text: str) -> tuple[str, int]:
    """Return the YAML between the opening dashes (empty if there is none) and the line the body starts on."""
    lines = text.split("\n")
    if lines and lines[0].strip() == "---":
        for number, line in enumerate(lines[1:], 2):
            if line.strip() == "---":
                return "\n".join(lines[1:number - 1]), number + 1
    return "", 1


def plain_text(markup: str) -> str:
    """Return a heading's words without Markdown marks."""
    return INLINE_MARKUP.sub(lambda found: found[1] or "", markup).strip()


def slug(words: str) -> str:
    """Return the id that Python-Markdown's toc extension makes of a heading; to ask it takes longer than to scan a chapter."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def scan(path: str, text: str) -> Source:
    """Return the pieces of one Markdown file; `path` is only carried along."""
    source = Source(path)
    raw_meta, source.body_line = split_front_matter(text)
    try:
        meta = load_yaml(raw_meta) or {}
        if not isinstance(meta, dict):
            raise yaml.YAMLError("front matter is a list of `key: value` lines")
        source.meta = meta
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        source.meta_error = ((mark.line if mark else 0) + 2, str(getattr(error, "problem", None) or error))
    _scan_body(source, text.split("\n"))
    _give_ids(source)
    return source


def _scan_body(source: Source, lines: list[str]) -> None:
    fence: tuple[int, str, str, str] | None = None    # line, indent, mark, info
    body: list[str] = []
    table: list[int] = []
    for number, line in enumerate(lines, 1):
        if number < source.body_line:
            continue
        found = FENCE.match(line) if "```" in line or "~~~" in line else None
        if fence:
            start, indent, mark, info = fence
            if found and found["mark"].startswith(mark) and not found["info"].strip():
                source.fences.append(Fence(start, info, "\n".join(body)))
                _scan_facts_fence(source, source.fences[-1])
                fence, body = None, []
            else:
                stripped = line.removeprefix(indent)
                body.append(stripped)
                if snippet := SNIPPET.match(stripped):
                    source.snippets.append((number, snippet["path"]))
            continue
        if found:
            fence = (number, found["indent"], found["mark"], found["info"].strip())
            continue
        table = _scan_pipe_row(source, number, line, table)
        _scan_line(source, number, line)
    if fence:
        source.unclosed_fence = fence[0]


def _scan_line(source: Source, number: int, line: str) -> None:
    """Take what a line of prose holds; most lines lack the sign that a pattern needs, and are not asked for more."""
    if line.startswith("#") and (found := HEADING.match(line)):
        text, explicit = found["text"], None
        if attributes := ATTRIBUTES.search(text):
            explicit = EXPLICIT_ID.search(attributes["body"])
            text = text[:attributes.start()].strip()
        source.headings.append(Heading(number, len(found["marks"]), text,
                                       explicit["id"] if explicit else "", bool(explicit)))
    if "{" in line:
        for kind, pattern in (("fig", FIGURE), ("eq", EQUATION), ("tab", TABLE_CAPTION)):
            if found := pattern.match(line):
                source.captions.append(Caption(number, kind, found["id"]))
    prose = CODE_SPAN.sub("", line) if "`" in line else line
    if "](" in prose:
        for found in LINK.finditer(prose):
            source.links.append(Link(number, found["target"], found["text"], bool(found["image"])))
            for inner in LINK.finditer(found["text"]):
                source.links.append(Link(number, inner["target"], inner["text"], bool(inner["image"])))
    if "<http" in prose:
        for found in AUTOLINK.finditer(prose):
            source.links.append(Link(number, found["target"], found["target"], False))
    if "[@" in prose:
        for found in CITATION.finditer(prose):
            source.citations += [(number, name.strip().removeprefix("@")) for name in found["ids"].split(";")]


def _scan_facts_fence(source: Source, fence: Fence) -> None:
    kind = FACTS_FENCES.get(fence.language)
    if kind is None:
        return
    for offset, line in enumerate(fence.body.split("\n"), 1):
        if found := re.match(rf"id:\s*({kind}-[\w-]+)\s*$", line):
            source.captions.append(Caption(fence.line + offset, kind, found[1]))
        for cited in CITATION.finditer(line):
            source.citations += [(fence.line + offset, name.strip().removeprefix("@"))
                                 for name in cited["ids"].split(";")]


def _scan_pipe_row(source: Source, number: int, line: str, widths: list[int]) -> list[int]:
    """Collect the number of cells of each row of a pipe table; a table ends at a line without a leading pipe."""
    stripped = line.strip()
    if not stripped.startswith("|"):
        return []
    bare = CODE_SPAN.sub("", stripped).replace("\\|", "")
    cells = bare.count("|") - 1 if bare.endswith("|") else bare.count("|")
    if not widths:
        source.tables.append((number, widths))
    widths.append(cells)
    return widths


def _give_ids(source: Source) -> None:
    """Fill in the ids that the toc extension will make for headings without an explicit one."""
    taken = {heading.id for heading in source.headings if heading.explicit}
    filled = []
    for heading in source.headings:
        if heading.explicit:
            filled.append(heading)
            continue
        base = slug(plain_text(heading.text))
        name, count = base, 0
        while not name or name in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name)
        filled.append(Heading(heading.line, heading.level, heading.text, name, False))
    source.headings[:] = filled
