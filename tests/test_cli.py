"""The command line: findings as text or as annotations, of the whole book or of some files."""

import pytest

from openbook.checking.run import check_repository
from openbook.checking.share import MANY, shared, with_twins
from openbook.cli import main
from openbook.reading.library import Library
from tests.conftest import SMALL_BOOK


@pytest.fixture
def book(small_book, monkeypatch):
    monkeypatch.chdir(small_book)
    return small_book


def test_findings_as_annotations_of_a_pull_request(book, write, capsys):
    page = "---\ndescription: D.\n---\n# Home\n\n[100%, \"x\"](gone.md)\n"
    write({"docs/index.md": page})
    assert main(["check", "--format", "github", "docs/index.md"]) == 1
    first = capsys.readouterr().out.split("\n")[0]
    assert first == ("::error file=docs/index.md,line=6,title=link::the link to a missing page: docs/gone.md is not a chapter%0A"
                     "Mend the path, or did you mean index.md.")


def test_advice_warns_and_does_not_fail(book, write, capsys):
    sources = SMALL_BOOK["docs/data/sources.yml"] + "more: {title: T, publisher: P, url: \"https://example.org/m\", kind: doc, accessed: 2026-11-21}\n"
    write({"docs/data/sources.yml": sources})
    assert main(["check", "--format", "github"]) == 0
    assert capsys.readouterr().out.split("\n")[0] == ("::warning file=docs/data/sources.yml,line=3,title=unused-source::nobody cites the source "
                                                      "`more`%0ACite it where its facts are used, or take it out.")


BROKEN = {"docs/a.md": SMALL_BOOK["docs/a.md"] + "\n[x](gone.md)\n", "docs/index.md": SMALL_BOOK["docs/index.md"] + "\n[x](lost.md)\n"}


@pytest.mark.parametrize("paths, files", [
    ([], {"docs/a.md", "docs/a.zh.md", "docs/index.md", "docs/index.zh.md"}), (["docs/a.md"], {"docs/a.md", "docs/a.zh.md"}),
    (["docs/a.zh.md"], {"docs/a.md", "docs/a.zh.md"}), (["./docs/"], {"docs/a.md", "docs/a.zh.md", "docs/index.md", "docs/index.zh.md"}),
    (["docs/deep"], set()), (["docs/inde"], set()), (["docs/data"], set())])
def test_only_what_is_asked_for_is_checked_with_its_other_language(book, write, paths, files):
    write(BROKEN)
    assert {finding.path for finding in check_repository(book, paths)} == files


def test_a_file_has_its_other_language_beside_it():
    assert with_twins(["./docs/a.md", "docs/b.zh.md", "docs/data/"]) == ["docs/a.md", "docs/b.zh.md", "docs/data", "docs/a.zh.md", "docs/b.md"]


def test_many_chapters_are_shared_among_processes_and_none_is_lost(write):
    files = {"mkdocs.yml": "nav:\n  - index.md\n  - Part:\n" + "".join(f"      - c{number}.md\n" for number in range(MANY))}
    page = "---\ndescription: D.\n---\n# T\n"
    for name in ("index", *(f"c{number}" for number in range(MANY))):
        files |= {f"docs/{name}.md": page + "\nIt needs 8 GB.\n", f"docs/{name}.zh.md": page + "\n要 9 GB。\n"}
    root = write(files)
    findings = [finding for finding in check_repository(root) if finding.rule == "number"]
    assert {finding.path for finding in findings} == {f"docs/{name}.zh.md" for name in ("index", *(f"c{number}" for number in range(MANY)))}


def test_a_library_without_texts_is_shared_too(book):
    assert shared(Library(None, book), lambda library: []) == []
