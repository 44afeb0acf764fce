"""Check the whole book, or what an edit can have broken anywhere in it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from openbook.addresses.released import check_addresses
from openbook.book import Book
from openbook.checking.facts import check_facts
from openbook.checking.links import check_fact_links, check_links
from openbook.checking.pairs import check_doubles, check_pairs
from openbook.checking.share import narrowed, only, shared
from openbook.checking.texts import check_fences, check_texts
from openbook.checking.words import read_terms
from openbook.facts.load import load_facts
from openbook.facts.model import Facts
from openbook.figures.measure import overflows
from openbook.figures.svg import FigureError, read_figure, resolve
from openbook.findings import Finding
from openbook.reading.library import Library, read_library
from openbook.safety.addresses import leads_out
from openbook.safety.check import check_shown
from openbook.safety.figures import check_figures, figures_shown
from openbook.terms.load import Term

LANGUAGE_NAMES = {"en": "English", "zh": "Chinese"}


def check_whole(root: Path, book: Book, wanted: list[str]) -> list[Finding]:
    """Return the findings about all that the book has; texts are looked at under `wanted` alone, if anything is."""
    facts, findings = load_facts(root / "docs/data", root)
    terms, wrong = read_terms(root)
    library = read_library(root / "docs", book)
    findings += [*wrong, *_check_across(library, facts, root)]
    return findings + shared(narrowed(library, wanted), partial(_check_each, facts=facts, terms=terms))


def check_chapters_alone(root: Path, library: Library, facts: Facts, chapters: set[str]) -> list[Finding]:
    """Return what changes in some chapters, or in data, can have broken anywhere: their texts, and what others say of them."""
    terms, findings = read_terms(root)
    findings += _check_across(library, facts, root)
    findings += check_fences(library, facts)
    findings += _check_each(only(library, chapters), facts, terms)
    return sorted(finding for finding in set(findings) if not finding.advice)


def _check_across(library: Library, facts: Facts, root: Path) -> list[Finding]:
    """Return the findings that need all chapters, but little of each."""
    return [*check_facts(library, facts), *check_pairs(library), *check_doubles(library), *check_links(library, facts),
            *check_fact_links(library, facts), *check_addresses(library, root), *_check_strays(library), *check_shown(library),
            *check_figures(library.docs, but=figures_shown(library))]


def _check_each(library: Library, facts: Facts, terms: tuple[Term, ...]) -> list[Finding]:
    """Return the findings that need one chapter at a time, and its figures."""
    return [*check_texts(library, facts, terms), *_check_shown_figures(library)]


def _check_shown_figures(library: Library) -> Iterator[Finding]:
    seen = set()
    for (path, _), source in library.sources.items():
        for link in source.links:
            file = library.docs / Path(path).parent / link.target
            shown = "docs/" + posixpath.normpath(posixpath.join(posixpath.dirname(path), link.target))
            if link.image and file.suffix == ".svg" and not leads_out(shown.removeprefix("docs/")) and file.is_file() and shown not in seen:
                seen.add(shown)
                for lang, language in LANGUAGE_NAMES.items():
                    try:
                        resolve(file.read_bytes(), lang, "check")
                    except FigureError as error:
                        yield Finding(shown, error.line, "figure", str(error), error.mend)
                        continue
                    for text in overflows(read_figure(file.read_bytes(), lang)):
                        yield Finding(shown, text.line, "figure", f"in {language} the text “{text.words}” leaves the picture "
                                      f"by {text.by:.0f} units", "Shorten it, move it, set it smaller, or enlarge the viewBox.")


def _check_strays(library: Library) -> Iterator[Finding]:
    """A chapter file that the navigation does not name would be built and found by nobody."""
    known = {chapter.file(lang) for chapter in library.book.chapters for lang in ("en", "zh")}
    for path in sorted(library.docs.rglob("*.md")):
        name = path.relative_to(library.docs).as_posix()
        if name not in known:
            yield Finding(f"docs/{name}", 1, "navigation", "the page is not in the navigation",
                          "Name the English file in `nav` in mkdocs.yml, or move the file out of docs/.")
