"""Explain a term at its first use in a chapter: a link to the glossary, with the definition beside it."""

from __future__ import annotations

import posixpath
from xml.etree import ElementTree

from markdown.util import AtomicString

from openbook.terms.find import Finder, abbreviations, chinese_finder, english_finder
from openbook.terms.glossary import TAGS
from openbook.terms.load import Term

# Headings, links and code keep to themselves; tables scroll and folded text hides, so a tip there would be cut off.
LEFT_ALONE = frozenset("h1 h2 h3 h4 h5 h6 a code pre kbd script style svg math button label summary details table "
                       "figure figcaption sup abbr input textarea".split())
LEFT_ALONE_CLASSES = frozenset({"arithmatex", "cites", "admonition-title", "tabbed-labels", "home-actions"})


def tip_finder(terms: tuple[Term, ...], lang: str) -> Finder:
    """Return the finder of the terms that get a tip; a single Chinese character is too often part of another word."""
    explained = tuple(term for term in terms if term.define and term.tip)
    if lang == "en":
        return english_finder(explained)
    # Words without a tip are found too, so that 归约分发 does not count as 归约.
    return chinese_finder(terms, lambda term: [form for form in (*term.zh, *abbreviations(term)) if len(form) > 1])


def add_tips(root: ElementTree.Element, finder: Finder, chapter: str, glossary: str) -> None:
    """Mark each term's first use in a page's tree; `chapter` and `glossary` are paths under docs/."""
    target = posixpath.relpath(glossary, posixpath.dirname(chapter) or ".")
    seen: set[str] = set()
    _walk(root, finder, target, seen)


def _walk(element: ElementTree.Element, finder: Finder, target: str, seen: set[str]) -> None:
    if _left_alone(element):
        return
    first = _split(element.text, finder, target, seen)
    if first:
        element.text = first.pop(0)
        for place, child in enumerate(first):
            element.insert(place, child)
    for child in list(element)[len(first or ()):]:
        _walk(child, finder, target, seen)
        parts = _split(child.tail, finder, target, seen)
        if parts:
            child.tail = parts.pop(0)
            after = list(element).index(child) + 1
            for offset, part in enumerate(parts):
                element.insert(after + offset, part)


def _left_alone(element: ElementTree.Element) -> bool:
    return (not isinstance(element.tag, str) or element.tag in LEFT_ALONE
            or not LEFT_ALONE_CLASSES.isdisjoint(element.get("class", "").split()))


def _split(text: str | None, finder: Finder, target: str, seen: set[str]) -> list | None:
    """Return the text before the first new term and the elements that follow it; None if there is no new term."""
    if not text or isinstance(text, AtomicString):
        return None
    parts: list = []
    place = 0
    for found in finder.find(text):
        term = found.term
        if term.id in seen or not (term.define and term.tip):
            continue
        seen.add(term.id)
        before = text[place:found.start]
        if parts:
            parts[-1].tail = before
        else:
            parts.append(before)
        parts += _tip(text[found.start:found.end], term, finder.lang, target)
        place = found.end
    if parts:
        parts[-1].tail = text[place:]
    return parts or None


def _tip(word: str, term: Term, lang: str, target: str) -> list[ElementTree.Element]:
    link = ElementTree.Element("a", {"class": "term", "href": f"{target}#{term.id}", "aria-describedby": f"tip-{term.id}"})
    link.text = AtomicString(word)
    tip = ElementTree.Element("span", {"class": "term-tip only-web", "id": f"tip-{term.id}", "role": "tooltip",
                                       "data-search-exclude": "yes"})
    other, twin = ("zh", term.zh[0]) if lang == "en" else ("en", term.en)
    name = ElementTree.SubElement(tip, "b", {"lang": TAGS[other]})
    name.text = AtomicString(twin)
    name.tail = AtomicString(" " + term.define[lang])
    return [link, tip]
