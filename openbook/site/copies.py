"""Write each chapter once more as plain Markdown, for programs that read: facts as tables, programs and sources in full."""

from __future__ import annotations

import posixpath
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from openbook.alignment.excuses import without_excuses
from openbook.book import Chapter, page_url
from openbook.charts.render import sources_of, values_table
from openbook.charts.request import parse_chart
from openbook.facts.inside import PLACE
from openbook.facts.tables import parse_request, render
from openbook.reading.library import KINDS
from openbook.reading.source import (
    ATTRIBUTES, CITATION, CODE_SPAN, EQUATION, FENCE, FIGURE, HEADING, LINK, SNIPPET, TABLE_CAPTION, Fence, split_front_matter)
from openbook.site.copies_html import labelled, list_markdown, table_markdown
from openbook.site.freshness import fill_status
from openbook.site.manifest import LICENSE, OFFLINE, PDF, ROOTS
from openbook.site.markdown import Rendering
from openbook.terms import glossary

#: A block whose body is indented: a note, a folded answer, a tab.
BOX = re.compile(r'^(?P<indent> *)(?P<kind>!!!|\?\?\?\+?|===) *(?P<name>[\w-]*) *(?:"(?P<title>[^"]*)")?\s*$')
SECTION = re.compile(r"--8<-- \[(start|end):([\w-]+)\]")
WRAPPER = re.compile(r"^</?(?:div|p|span)\b[^>]*>$")
#: Code and formulas, which are copied as they are.
KEPT = re.compile(CODE_SPAN.pattern + r"|(?<![\\$])\$(?![\s$])[^$\n]*?(?<![\s\\])\$(?!\d)")
#: The target of a link, also of one whose words end with code.
TARGET = re.compile(r"(?<=\]\()[^()\s]+(?=\))")
#: Links to the whole book in other forms.
WHOLE = {"book:pdf": PDF, "book:offline": OFFLINE}
LABELS = {word for words in KINDS.values() for word in words.values()}
WORDS = {"en": {"from": "From *{}*, {}.", "web": " This page: {}"}, "zh": {"from": "选自{}，{}。", "web": "本页：{}"}}


def _closes(line: str, mark: str) -> bool:
    """Say whether a line ends the code block that `mark` began."""
    found = FENCE.match(line)
    return bool(found) and found["mark"].startswith(mark) and not found["info"].strip()


@dataclass
class Copier:
    """Copies one chapter in one language; `notes` are the book's words for kinds of notes, by kind."""

    rendering: Rendering
    chapter: Chapter
    lang: str
    notes: dict[str, str]

    def __post_init__(self) -> None:
        self.library, self.facts = self.rendering.library, self.rendering.facts
        self.source = self.library.source(self.chapter, self.lang)
        self.folder, self.here = posixpath.dirname(self.chapter.path), ROOTS[self.lang] + page_url(self.chapter.path)
        english = self.library.source(self.chapter, "en").headings
        self.ids = iter([heading.id for heading in english] if len(english) == len(self.source.headings) else [])
        self.cited: dict[str, None] = {}

    def text(self, book: str, address: str) -> str:
        """Return the whole copy; `book` is the book's title, `address` that of the page, empty where there is none."""
        text = (self.library.docs / self.source.path).read_text("utf-8")
        body = "\n".join(text.split("\n")[split_front_matter(text)[1] - 1:])
        body = fill_status(without_excuses(body), self.library, self.chapter.path, self.lang)
        shown = re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines(body.split("\n")))).strip()
        words = WORDS[self.lang]
        licence = f"[{LICENSE['name']}]({LICENSE['url']})"
        foot = words["from"].format(book, licence) + (words["web"].format(address) if address else "")
        return "\n\n".join([shown, *filter(None, ["\n".join(self.sources())]), "---", foot]) + "\n"

    def lines(self, lines: list[str]) -> Iterator[str]:
        """Yield the lines of a copy of some lines."""
        at = 0
        while at < len(lines):
            if fence := FENCE.match(lines[at]):
                end = at + 1
                while end < len(lines) and not _closes(lines[end], fence["mark"]):
                    end += 1
                yield from self._fence(fence, lines[at + 1:end])
                at = end + 1
            elif box := BOX.match(lines[at]):
                end = at + 1
                while end < len(lines) and (not lines[end].strip() or lines[end].startswith(box["indent"] + "    ")):
                    end += 1
                yield from self._box(box, [line.removeprefix(box["indent"] + "    ") for line in lines[at + 1:end]])
                at = end
            elif lines[at].lstrip().startswith("$$"):
                end = at if len(lines[at].strip()) > 2 else at + 1
                while end < len(lines) and not lines[end].rstrip().endswith("$$"):
                    end += 1
                yield from lines[at:end + 1]
                at = end + 1
            else:
                yield from self._line(lines[at])
                at += 1

    def _fence(self, fence: re.Match, lines: list[str]) -> Iterator[str]:
        indent, body = fence["indent"], "\n".join(line.removeprefix(fence["indent"]) for line in lines)
        kind = Fence(0, fence["info"], body).language
        if kind in ("table", "chart", "glossary", "parts"):
            shown = getattr(self, f"_{kind}")(body)
            yield from textwrap.indent(shown, indent).split("\n")
            return
        yield f"{indent}{fence['mark']}{kind}"
        for line in body.split("\n"):
            snippet = SNIPPET.match(line)
            yield from (indent + shown for shown in (self._snippet(snippet["path"]) if snippet else [line]))
        yield f"{indent}{fence['mark']}"

    def _snippet(self, name: str) -> list[str]:
        """Return the lines of a file, or of a section of it."""
        path, _, section = name.partition(":")
        lines, inside, found = (self.library.docs / path).read_text("utf-8").rstrip("\n").split("\n"), not section, []
        for line in lines:
            if mark := SECTION.search(line):
                inside = mark[1] == "start" if mark[2] == section else inside
            elif inside:
                found.append(line)
        return textwrap.dedent("\n".join(found)).split("\n")

    def _table(self, body: str) -> str:
        request = parse_request(body, self.facts)
        shown = self.rendering.tables.get((self.lang, body)) or render(request, self.facts, self.lang, self._label(request.id))
        return self._noted(table_markdown(shown, self._led, f" {{#{request.id}}}"))

    def _chart(self, body: str) -> str:
        request = parse_chart(body, self.facts)
        cites = "".join(f"[^{name}]" for name in sources_of(request))
        caption = f"**{self._label(request.id)}.** {self._inline(request.caption)}{cites} {{#{request.id}}}"
        return self._noted(f"{caption}\n\n{table_markdown(values_table(request, self.lang), self._led)}")

    def _glossary(self, body: str) -> str:
        return list_markdown(glossary.render(glossary.parse_request(body), self.rendering.terms, self.lang), self._led)

    def _parts(self, body: str) -> str:
        """Return the parts of the book with their chapters as lists."""
        lines = []
        for part in self.library.book.parts:
            lines.append(f"- {part.title[self.lang]}")
            for chapter in part.chapters:
                if source := self.library.source(chapter, self.lang) or self.library.source(chapter, "en"):
                    lines.append(f"  - [{source.headings[0].text}]({self._target(posixpath.relpath(chapter.path, self.folder or '.'))})")
        return "\n".join(lines)

    def _box(self, box: re.Match, lines: list[str]) -> Iterator[str]:
        title = box["title"] if box["title"] is not None else self.notes.get(box["name"], box["name"].capitalize())
        shown = list(self.lines(lines))
        if box["kind"] == "===":
            yield from ("", f"{box['indent']}**{title}**", "", *(box["indent"] + line for line in shown))
            return
        while shown and not shown[-1].strip():
            shown.pop()
        yield from (f"{box['indent']}> {line}".rstrip() for line in (f"**{self._inline(title)}**", "", *shown))
        yield ""

    def _line(self, line: str) -> Iterator[str]:
        if heading := HEADING.match(line):
            words = ATTRIBUTES.sub("", heading["text"])
            name = next(self.ids, "")
            yield f"{heading['marks']} {self._inline(words)}" + (f" {{#{name}}}" if name and heading["marks"] != "#" else "")
        elif caption := TABLE_CAPTION.match(line):
            yield f"{caption['indent']}{labelled(self._label(caption['id']) + ' ' + self._inline(caption['text']))} {{#{caption['id']}}}"
        elif equation := EQUATION.match(line):
            yield f"{equation['indent']}({self._label(equation['id']).split()[-1]}) {{#{equation['id']}}}"
        elif figure := FIGURE.match(line):
            yield f"![{self._label(figure['id'])}. {self._inline(figure['text'])}]({self._target(figure['target'])}) {{#{figure['id']}}}"
        elif not WRAPPER.match(line.strip()):
            yield self._inline(line)

    def _inline(self, text: str) -> str:
        """Return text with links that lead from here, numbered references and citations as notes; code stays."""
        parts, end = [], 0
        for kept in KEPT.finditer(text):
            parts += [self._prose(text[end:kept.start()]), kept[0]]
            end = kept.end()
        return "".join([*parts, self._prose(text[end:])])

    def _prose(self, text: str) -> str:
        if "[" not in text and "]" not in text:
            return text    # most of it: no link, no citation

        def cited(found: re.Match) -> str:
            names = [name.strip().removeprefix("@") for name in found["ids"].split(";")]
            self.cited.update(dict.fromkeys(names))
            return "".join(f"[^{name}]" for name in names)

        def named(found: re.Match) -> str:
            path, _, anchor = found["target"].partition("#")
            if found["text"] not in LABELS or not anchor:
                return found[0]
            chapter = posixpath.normpath(posixpath.join(self.folder, path)) if path else self.chapter.path
            return found[0].replace(f"[{found['text']}]", f"[{self.library.label(chapter, anchor, self.lang) or found['text']}]", 1)

        text = TARGET.sub(lambda found: self._target(found[0]), LINK.sub(named, text))
        return re.sub(r" +(?=\[\^)", "", CITATION.sub(cited, text))

    def _noted(self, text: str) -> str:
        self.cited.update(dict.fromkeys(re.findall(r"\[\^([a-z0-9-]+)\]", text)))
        return text

    def _label(self, anchor: str) -> str:
        return self.library.label(self.chapter.path, anchor, self.lang) or ""

    def _led(self, address: str) -> str:
        """Return an address in the facts as one from this page."""
        return self._target(posixpath.relpath(address.removeprefix(PLACE), self.folder or ".")) if address.startswith(PLACE) else address

    def _target(self, target: str) -> str:
        """Return a link's target as one from the copy: to the copy of a page, to any other file itself."""
        if re.match(r"[a-z][a-z0-9+.-]*:|#", target) and target not in WHOLE:
            return target
        path, mark, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(self.folder, path))
        if target in WHOLE:
            path = WHOLE[target].format(self.lang)
        elif path.endswith(".md"):
            path = ROOTS[self.lang] + page_url(path) + "index.md"
        return posixpath.relpath(path, self.here or ".") + mark + anchor

    def sources(self) -> Iterator[str]:
        """Yield a note for each source that the copy cites."""
        for name in self.cited:
            if found := self.facts.sources.get(name):
                dates = f" ({found.published})" if found.published else ""
                yield f"[^{name}]: {found.publisher[self.lang]}: {found.title[self.lang]}{dates}. {found.url}".rstrip()
