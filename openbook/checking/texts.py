"""Check what needs the text of one chapter at a time: markup, both languages, words, fences of facts, formulas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from openbook.alignment.check import check_chapters
from openbook.charts.request import parse_chart
from openbook.checking.words import check_words
from openbook.facts.fences import RequestError
from openbook.facts.model import Facts
from openbook.facts.tables import parse_request
from openbook.findings import Finding
from openbook.formulas.check import unreadable
from openbook.freshness.record import check_records
from openbook.reading.formulas import Formula, formulas_in
from openbook.reading.library import Library
from openbook.safety.check import check_markup
from openbook.safety.markup import words_faults
from openbook.terms.load import Term

FENCES = {"table": parse_request, "chart": parse_chart}


def check_texts(library: Library, facts: Facts, terms: tuple[Term, ...]) -> list[Finding]:
    """Return the findings about the texts that a library holds."""
    return [*check_markup(library), *check_chapters(library), *check_records(library), *check_words(library, terms),
            *check_fences(library, facts), *check_formulas(library)]


def check_fences(library: Library, facts: Facts) -> Iterator[Finding]:
    """Yield findings about fences that ask for facts that are not there."""
    for (_, _), source in library.sources.items():
        for fence in source.fences:
            if fence.language in FENCES:
                try:
                    request = FENCES[fence.language](fence.body, facts)
                except RequestError as error:
                    yield Finding(f"docs/{source.path}", fence.line, fence.language, str(error), error.mend)
                    continue
                for fault in words_faults(request.caption)[:1]:
                    yield Finding(f"docs/{source.path}", fence.line, fault.rule, fault.message, fault.mend)


def check_formulas(library: Library) -> Iterator[Finding]:
    """Yield findings about TeX that cannot be read, and marks of equations without one."""
    placed: list[tuple[str, Formula]] = []
    for (_, _), source in library.sources.items():
        formulas = formulas_in((library.docs / source.path).read_text("utf-8"), source.body_line)
        ends = {formula.end for formula in formulas if formula.display}
        for caption in source.captions:
            if caption.kind == "eq" and caption.line - 1 not in ends:
                yield Finding(f"docs/{source.path}", caption.line, "formula", f"the mark {{#{caption.id}}} does not follow a formula",
                              "Put it alone on the line below the closing $$.")
        for fence in source.fences:
            if fence.language in FENCES and "$" in fence.body:
                formulas += [replace(formula, line=fence.line + formula.line) for formula in formulas_in(fence.body)]
        placed += [(f"docs/{source.path}", formula) for formula in formulas]
    yield from unreadable(placed)
