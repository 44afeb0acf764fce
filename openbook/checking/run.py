"""Run all checks over a repository and return their findings."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from openbook.addresses.released import check_addresses
from openbook.alignment.check import check_chapters
from openbook.book import read_book
from openbook.charts.request import parse_chart
from openbook.checking.facts import check_facts
from openbook.checking.links import check_fact_links, check_links
from openbook.checking.pairs import check_doubles, check_pairs
from openbook.checking.share import is_under, narrowed, only, shared, with_twins
from openbook.checking.words import check_words
from openbook.facts.load import load_facts
from openbook.facts.model import Facts
from openbook.facts.tables import RequestError, parse_request
from openbook.figures.measure import overflows
from openbook.figures.svg import FigureError, read_figure, resolve
from openbook.findings import Finding
from openbook.formulas.katex import KatexMissing, TexError, parse
from openbook.freshness.record import check_records
from openbook.reading.formulas import formulas_in
from openbook.reading.library import Library, read_library
from openbook.safety.addresses import leads_out
from openbook.safety.check import check_figures, check_markup, check_shown, figures_shown
from openbook.safety.files import look_at_files
from openbook.safety.markup import words_faults

FENCES = {"table": parse_request, "chart": parse_chart}
LANGUAGE_NAMES = {"en": "English", "zh": "Chinese"}


def check_repository(root: Path, paths: Iterable[str] = ()) -> list[Finding]:
    """Return every finding about the book at `root`, or about what is under `paths`, in the order of files and lines."""
    wanted = with_twins(list(paths))
    seen = look_at_files(root)
    if seen.barred:
        return list(seen.findings)    # nothing is read of a book with a file that must not be
    facts, findings = load_facts(root / "docs/data", root)
    findings += seen.findings
    library = read_library(root / "docs", read_book(root))
    findings += _check_across(library, facts, root)
    findings += shared(narrowed(library, wanted), partial(_check_texts, facts=facts, root=root))
    return sorted(finding for finding in set(findings) if is_under(finding.path, wanted))


def check_chapters_alone(root: Path, library: Library, facts: Facts, chapters: set[str]) -> list[Finding]:
    """Return what changes in some chapters, or in data, can have broken anywhere: their texts, and what others say of them."""
    findings = _check_across(library, facts, root)
    findings += _check_fences(library, facts)
    findings += _check_texts(only(library, chapters), facts, root)
    return sorted(finding for finding in set(findings) if not finding.advice)


def _check_across(library: Library, facts: Facts, root: Path) -> list[Finding]:
    """Return the findings that need all chapters, but little of each."""
    return [*check_facts(library, facts), *check_pairs(library), *check_doubles(library), *check_links(library, facts),
            *check_fact_links(library, facts), *check_addresses(library, root), *_check_strays(library), *check_shown(library),
            *check_figures(library.docs, but=figures_shown(library))]


def _check_texts(library: Library, facts: Facts, root: Path) -> list[Finding]:
    """Return the findings that need the text of one chapter at a time."""
    findings = list(check_markup(library))
    findings += check_chapters(library)
    findings += check_records(library)
    findings += check_words(library, root)
    findings += _check_fences(library, facts)
    findings += _check_shown_figures(library)
    findings += _check_formulas(library)
    return findings


def _check_fences(library: Library, facts: Facts) -> Iterator[Finding]:
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


def _check_formulas(library: Library) -> Iterator[Finding]:
    for (_, _), source in library.sources.items():
        formulas = formulas_in((library.docs / source.path).read_text("utf-8"), source.body_line)
        ends = {formula.end for formula in formulas if formula.display}
        for caption in source.captions:
            if caption.kind == "eq" and caption.line - 1 not in ends:
                yield Finding(f"docs/{source.path}", caption.line, "formula", f"the mark {{#{caption.id}}} does not follow a formula",
                              "Put it alone on the line below the closing $$.")
        for formula in formulas:
            try:
                parse(formula.tex, formula.display)
            except TexError as error:
                yield Finding(f"docs/{source.path}", formula.line, "formula", str(error),
                              "Mend the TeX; write a plain dollar sign as \\$.")
            except KatexMissing as error:
                yield Finding(f"docs/{source.path}", formula.line, "formula", "the formula cannot be rendered", str(error))
                return


def _check_strays(library: Library) -> Iterator[Finding]:
    """A chapter file that the navigation does not name would be built and found by nobody."""
    known = {chapter.file(lang) for chapter in library.book.chapters for lang in ("en", "zh")}
    for path in sorted(library.docs.rglob("*.md")):
        name = path.relative_to(library.docs).as_posix()
        if name not in known:
            yield Finding(f"docs/{name}", 1, "navigation", "the page is not in the navigation",
                          "Name the English file in `nav` in mkdocs.yml, or move the file out of docs/.")
