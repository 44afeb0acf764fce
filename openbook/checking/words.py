"""Check the words of the book: the terms, the glossary's fences, and the copy of the Chinese chapters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from openbook.copyedit.check import check_copy, check_definitions
from openbook.findings import Finding
from openbook.reading.library import Library
from openbook.terms.check import check_terms
from openbook.terms.glossary import GlossaryError, parse_request
from openbook.terms.load import FILE, Term, load_terms


def read_terms(root: Path) -> tuple[tuple[Term, ...], list[Finding]]:
    """Return the terms of a repository, and what is wrong with them and with the copy of their definitions."""
    terms, findings = load_terms(root / "docs/data", root)
    return terms, [*findings, *check_definitions(terms, f"docs/data/{FILE}")]


def check_words(library: Library, terms: tuple[Term, ...]) -> Iterator[Finding]:
    """Yield findings about the words of chapters: terms, Chinese copy, and glossary fences."""
    yield from check_terms(library, terms)
    yield from check_copy(library.docs, chinese_files(library))
    for source in library.sources.values():
        for fence in source.fences:
            if fence.language == "glossary":
                try:
                    parse_request(fence.body)
                except GlossaryError as error:
                    yield Finding(f"docs/{source.path}", fence.line, "glossary", str(error), error.mend)


def chinese_files(library: Library) -> list[str]:
    """Return the Chinese files of the book that exist, by their paths under docs/."""
    return [source.path for (_, lang), source in library.sources.items() if lang == "zh"]
