"""What the book adds to Markdown: shared ids, numbered captions, cross references, citations, tables and charts of facts."""

from __future__ import annotations

import logging
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor

from openbook import LANGUAGES
from openbook.alignment.excuses import without_excuses
from openbook.book import Chapter, english_path
from openbook.charts.render import render_chart
from openbook.charts.request import parse_chart
from openbook.facts.citations import PLACE, WORDS
from openbook.facts.model import Facts, Words
from openbook.facts.tables import RequestError, parse_request, render
from openbook.reading.library import KINDS, Library
from openbook.reading.source import EQUATION, FACTS_FENCES, FENCE, TABLE_CAPTION, Fence
from openbook.site.freshness import fill_status
from openbook.site.parts import fill_parts
from openbook.terms import glossary
from openbook.terms.find import Finder
from openbook.terms.load import Term
from openbook.terms.tooltips import add_tips, tip_finder

log = logging.getLogger("mkdocs.openbook")

DRAWING = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
BARE_LABELS = {word for words in KINDS.values() for word in words.values()}


@dataclass
class Rendering:
    """The page being rendered: which chapter, in which language the site is, in which its text is."""

    library: Library
    facts: Facts
    docs: Path
    chapter: Chapter | None = None
    lang: str = "en"
    text_lang: str = "en"
    terms: tuple[Term, ...] = ()
    finders: dict[str, Finder] = field(default_factory=dict)
    about_parts: dict[str, Words] = field(default_factory=dict)
    tables: dict[tuple[str, str], str] = field(default_factory=dict)    # those shown, by language and fence
    drawings: list[str] = field(default_factory=list)    # those of the page's charts

    def __post_init__(self) -> None:
        self.glossary = glossary.glossary_path(self.library)
        self.finders = self.finders or tip_finders(self.terms)

    def chapter_of(self, file: str) -> Chapter | None:
        """Return the chapter that a file under docs/ belongs to, in either language."""
        return self.library.book.by_path.get(english_path(file))


def tip_finders(terms: tuple[Term, ...]) -> dict[str, Finder]:
    """Return what finds the terms to explain, in each language."""
    return {lang: tip_finder(terms, lang) for lang in LANGUAGES}


def prepare(text: str, rendering: Rendering) -> str:
    """Return a chapter's Markdown with caption lines marked and, if it cites anything, a place for its sources."""
    lines, fence = [], ""
    rendering.drawings.clear()
    if rendering.chapter:
        text = fill_status(text, rendering.library, rendering.chapter.path, rendering.text_lang)
        text = fill_parts(text, rendering.library, rendering.about_parts, rendering.text_lang)
    for line in without_excuses(text).split("\n"):
        mark = FENCE.match(line)
        if fence:
            fence = "" if mark and mark["mark"].startswith(fence) and not mark["info"].strip() else fence
        elif mark:
            fence = mark["mark"]
        elif caption := TABLE_CAPTION.match(line):
            line = f"{caption['indent']}{caption['text']}\n{caption['indent']}{{: .table-caption #{caption['id']} }}"
        elif equation := EQUATION.match(line):
            number = _equation_number(rendering, equation["id"])
            line = f"\n{equation['indent']}{number}\n{equation['indent']}{{: .equation-number #{equation['id']} }}\n"
        lines.append(line)
    source = rendering.chapter and rendering.library.source(rendering.chapter, rendering.text_lang)
    if source and (source.citations or any(_cites(found, rendering.facts) for found in source.fences)):
        title = WORDS[rendering.text_lang]["sources"]
        lines += ["", f"## {title} {{: #sources data-search-exclude=yes }}", "", PLACE, ""]
    return "\n".join(lines)


def _cites(fence: Fence, facts: Facts) -> bool:
    """Say whether a fence shows facts that have sources."""
    data = re.search(r"(?m)^data: *([\w-]+)", fence.body) if fence.language in FACTS_FENCES else None
    return bool(data and data[1] in facts.tables and any(row.src or any(cell.src for cell in row.cells.values()) for row in facts.tables[data[1]].rows))


def _equation_number(rendering: Rendering, anchor: str) -> str:
    """Return an equation's number in brackets, as it stands beside it."""
    label = rendering.chapter and rendering.library.label(rendering.chapter.path, anchor, rendering.text_lang)
    return f"({label.split()[-1]})" if label else "()"


class _Ids(Treeprocessor):
    """Give every heading the id that the checks know; it is that of the English page in both languages."""

    def __init__(self, md: Markdown, rendering: Rendering):
        super().__init__(md)
        self.rendering = rendering

    def run(self, root: ElementTree.Element) -> None:
        chapter = self.rendering.chapter
        source = chapter and self.rendering.library.source(chapter, "en")
        if source is None:
            return
        here = [element for element in root.iter() if element.tag in HEADINGS and element.get("id") != "sources"]
        if len(here) != len(source.headings):
            log.warning("docs/%s: %d headings on the page, %d in docs/%s. Write headings as `## Title`, "
                        "outside of notes and tabs, the same in both languages.",
                        chapter.file(self.rendering.text_lang), len(here), len(source.headings), chapter.path)
            return
        for element, heading in zip(here, source.headings):
            element.set("id", heading.id)


class _Captions(Treeprocessor):
    """Turn captioned images and tables into numbered figures, and bare references into their labels."""

    def __init__(self, md: Markdown, rendering: Rendering):
        super().__init__(md)
        self.rendering = rendering

    def run(self, root: ElementTree.Element) -> None:
        chapter = self.rendering.chapter
        if chapter is None:
            return
        for parent in list(root.iter()):
            for child in list(parent):
                if child.tag == "p" and child.get("class") == "table-caption":
                    self._table(chapter, parent, child)
                elif child.tag == "p" and child.get("class") == "equation-number":
                    self._equation(chapter, parent, child)
                elif child.tag == "p" and _only_image(child) is not None:
                    self._figure(chapter, child, _only_image(child))
        for link in root.iter("a"):
            self._reference(chapter, link)

    def _number(self, chapter: Chapter, anchor: str) -> ElementTree.Element:
        number = ElementTree.Element("span", {"class": "caption-number"})
        number.text = self.rendering.library.label(chapter.path, anchor, self.rendering.text_lang) or ""
        return number

    def _table(self, chapter: Chapter, parent: ElementTree.Element, caption: ElementTree.Element) -> None:
        place = list(parent).index(caption)
        table = parent[place - 1] if place else None
        if table is None or table.tag != "table":
            log.warning("docs/%s: the caption #%s does not follow a table. Put it right below its table, "
                        "with a blank line between.", chapter.file(self.rendering.text_lang), caption.get("id"))
            return
        figure = ElementTree.Element("figure", {"class": "book-table", "id": caption.get("id")})
        head = ElementTree.SubElement(figure, "figcaption")
        number = self._number(chapter, caption.get("id"))
        number.tail = " " + (caption.text or "")
        head.append(number)
        head.extend(list(caption))
        wrap = ElementTree.SubElement(figure, "div", {"class": "table-wrap", "tabindex": "0"})
        columns = len(table.findall("./thead/tr/th"))
        table.set("data-columns", str(columns))
        table.tail = None
        wrap.append(table)
        figure.tail = caption.tail
        parent.remove(table)
        parent.remove(caption)
        parent.insert(place - 1, figure)

    def _equation(self, chapter: Chapter, parent: ElementTree.Element, number: ElementTree.Element) -> None:
        """Put a displayed formula and its number side by side."""
        place = list(parent).index(number)
        formula = parent[place - 1] if place else None
        if formula is None or formula.get("class") != "arithmatex":
            log.warning("docs/%s: the mark {#%s} does not follow a displayed formula. Put it on the line below the closing $$.",
                        chapter.file(self.rendering.text_lang), number.get("id"))
            return
        equation = ElementTree.Element("div", {"class": "equation", "id": number.attrib.pop("id")})
        parent.remove(formula)
        parent.remove(number)
        equation.extend([formula, number])
        parent.insert(place - 1, equation)

    def _figure(self, chapter: Chapter, paragraph: ElementTree.Element, image: ElementTree.Element) -> None:
        anchor, caption, target = image.get("id"), image.get("alt", ""), image.get("src", "")
        paragraph.tag, paragraph.attrib = "figure", {"class": "book-figure", "id": anchor}
        paragraph.remove(image)
        if target.endswith(".svg"):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(chapter.path), target))
            place = ElementTree.SubElement(paragraph, "div", {"class": "figure-here", "data-figure": path, "data-id": anchor})
            place.text = " "
        else:
            image.attrib.pop("id")
            image.tail = None
            paragraph.append(image)
        head = ElementTree.SubElement(paragraph, "figcaption")
        number = self._number(chapter, anchor)
        number.tail = " " + caption
        head.append(number)

    def _reference(self, chapter: Chapter, link: ElementTree.Element) -> None:
        target, _, anchor = link.get("href", "").partition("#")
        if link.text not in BARE_LABELS or len(link) or anchor.partition("-")[0] not in KINDS:
            return
        path = posixpath.normpath(posixpath.join(posixpath.dirname(chapter.path), target)) if target else chapter.path
        if label := self.rendering.library.label(path, anchor, self.rendering.text_lang):
            link.text = label
            link.set("class", "xref")


def _only_image(paragraph: ElementTree.Element) -> ElementTree.Element | None:
    """Return the image of a paragraph that holds nothing but one image with a figure id."""
    if (paragraph.text or "").strip() or len(paragraph) != 1:
        return None
    image = paragraph[0]
    captioned = image.tag == "img" and image.get("id", "").startswith("fig-") and not (image.tail or "").strip()
    return image if captioned else None


class _Tips(Treeprocessor):
    """Explain terms where a numbered chapter first uses them, if the book has a glossary to lead to."""

    def __init__(self, md: Markdown, rendering: Rendering):
        super().__init__(md)
        self.rendering = rendering

    def run(self, root: ElementTree.Element) -> None:
        rendering = self.rendering
        if rendering.glossary and rendering.chapter and rendering.chapter.number:
            add_tips(root, rendering.finders[rendering.text_lang], rendering.chapter.path, rendering.glossary)


class _Citations(InlineProcessor):
    """Mark `[@id; @id]`; the marks are numbered when the whole page is known."""

    def handleMatch(self, found: re.Match, data: str):
        group = ElementTree.Element("span", {"class": "cites"})
        for name in found[1].split(";"):
            mark = ElementTree.SubElement(group, "sup", {"class": "cite", "data-cite": name.strip().removeprefix("@")})
            mark.text = None
        return group, found.start(0), found.end(0)


class BookMarkdown(Extension):
    """The Markdown extension; one instance serves all pages, which `rendering` tells apart."""

    def __init__(self, rendering: Rendering):
        super().__init__()
        self.rendering = rendering

    def extendMarkdown(self, md: Markdown) -> None:
        # attr_list reads ids at 8, toc makes and uses them at 5: ours come between.
        md.treeprocessors.register(_Captions(md, self.rendering), "book_captions", 7)
        md.treeprocessors.register(_Ids(md, self.rendering), "book_ids", 6)
        # After toc, so that no heading's name holds a tip; before MkDocs turns links to files into addresses (0).
        md.treeprocessors.register(_Tips(md, self.rendering), "book_tips", 4)
        # Before links (160) and references (170), after code spans (190).
        md.inlinePatterns.register(_Citations(r"\[(@[a-z0-9-]+(?:\s*;\s*@[a-z0-9-]+)*)\]", md), "book_citations", 175)

    def table_fence(self, source: str, language: str, css_class: str, options: dict, md: Markdown, **kwargs) -> str:
        """Return the HTML of a `table` fence; superfences calls this."""
        rendering = self.rendering
        shown = self._facts_fence(source, parse_request,
                                  lambda request, number: render(request, rendering.facts, rendering.text_lang, number))
        rendering.tables[rendering.text_lang, source] = shown
        return shown

    def chart_fence(self, source: str, language: str, css_class: str, options: dict, md: Markdown, **kwargs) -> str:
        """Return the HTML of a `chart` fence; superfences calls this."""
        shown = self._facts_fence(source, parse_chart,
                                  lambda request, number: render_chart(request, self.rendering.text_lang, number))
        self.rendering.drawings += DRAWING.findall(shown)
        return shown

    def _facts_fence(self, source: str, parse, show) -> str:
        rendering = self.rendering
        try:
            request = parse(source, rendering.facts)
        except RequestError as error:
            path = rendering.chapter.file(rendering.text_lang) if rendering.chapter else "?"
            log.warning("docs/%s: %s. %s", path, error, error.mend)
            return ""
        path = rendering.chapter.path if rendering.chapter else ""
        number = rendering.library.label(path, request.id, rendering.text_lang) or ""
        return show(request, number)

    def glossary_fence(self, source: str, language: str, css_class: str, options: dict, md: Markdown, **kwargs) -> str:
        """Return the HTML of a `glossary` fence; superfences calls this."""
        rendering = self.rendering
        try:
            return glossary.render(glossary.parse_request(source), rendering.terms, rendering.text_lang)
        except glossary.GlossaryError as error:
            log.warning("docs/%s: %s. %s", rendering.chapter.file(rendering.text_lang) if rendering.chapter else "?", error, error.mend)
            return ""
