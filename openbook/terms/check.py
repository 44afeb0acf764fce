"""Check words against the terms: no form to avoid, and the Chinese of a section says what its English says."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

from openbook.findings import Finding
from openbook.reading.library import Library
from openbook.reading.prose import Piece, pieces
from openbook.reading.source import Source
from openbook.terms.find import Finder, english_finder
from openbook.terms.load import Term

# Titles of works and other people's words stay in their language.
NAMED = re.compile(r"\[[^\[\]]*\]\(https?://[^()\s]*\)|(?<=[\s(])\"[^\"\n]*\"")


def check_terms(library: Library, terms: tuple[Term, ...]) -> Iterator[Finding]:
    """Yield findings about the Chinese of all chapters."""
    if not terms:
        return
    avoided, english = avoided_pattern(terms), english_finder(tuple(term for term in terms if term.check))
    by_form = {form: term for term in terms for form in term.avoid}
    for chapter in library.book.chapters:
        ours, theirs = library.source(chapter, "zh"), library.source(chapter, "en")
        if ours is None:
            continue
        here = pieces((library.docs / ours.path).read_text("utf-8"))
        for piece in here:
            for form in avoided_in(piece.text, avoided):
                term = by_form[form]
                yield Finding(f"docs/{ours.path}", piece.line, "term-avoided", f"`{form}` is not how the book says {term.en}",
                              f"Write {term.zh[0]}; docs/data/terms.yml:{term.line} says why or takes other forms.")
        if theirs is not None and len(ours.headings) == len(theirs.headings):
            there = pieces(NAMED.sub("", (library.docs / theirs.path).read_text("utf-8")))
            yield from _missing(ours, theirs, here, there, english)


def avoided_pattern(terms: tuple[Term, ...]) -> re.Pattern[str]:
    """Return the pattern of all forms to avoid; words that may hold one match as a whole, in group `right`."""
    allowed = sorted({form for term in terms for form in (*term.allow, *term.zh)
                      if any(bad in form for other in terms for bad in other.avoid)}, key=len, reverse=True)
    avoided = sorted({form for term in terms for form in term.avoid}, key=len, reverse=True)
    words = [f"(?P<right>{'|'.join(map(re.escape, allowed))})"] if allowed else []
    return re.compile("|".join([*words, *map(re.escape, avoided)]) or r"(?!)")


def avoided_in(text: str, pattern: re.Pattern[str]) -> list[str]:
    """Return the forms to avoid that `text` holds."""
    return [found[0] for found in pattern.finditer(text) if not found.groupdict().get("right")]


def _missing(ours: Source, theirs: Source, here: list[Piece], there: list[Piece], english: Finder) -> Iterator[Finding]:
    """Yield a finding for each term of an English section whose Chinese section has none of its forms."""
    said = _by_section(ours, here)
    for section, texts in sorted(_by_section(theirs, there).items()):
        chinese = "\n".join(piece.text for piece in said.get(section, ()))
        reported: set[str] = set()
        for piece in texts:
            for found in english.find(piece.text):
                term, word = found.term, piece.text[found.start:found.end]
                kept = word != word.lower() or word.lower() != term.word.lower()    # MFU, busbw: Chinese uses them too
                if term.id in reported or any(form in chinese for form in term.zh) or (kept and word in chinese):
                    continue
                reported.add(term.id)
                line = ours.headings[section - 1].line if section else 1
                yield Finding(f"docs/{ours.path}", line, "term-missing",
                              f"the English of this section says `{word}` "
                              f"(docs/{theirs.path}:{piece.line}), the Chinese nowhere {' or '.join(term.zh)}",
                              f"Use the book's word, or set `check: false` at docs/data/terms.yml:{term.line} "
                              "if the English is too common a word to ask for it.")


def _by_section(source: Source, found: list[Piece]) -> dict[int, list[Piece]]:
    """Return pieces by the number of headings above or at their line; 0 is the front matter's description."""
    lines, sections = [heading.line for heading in source.headings], {}
    for piece in found:
        sections.setdefault(bisect.bisect_right(lines, piece.line), []).append(piece)
    return sections
