"""Check a repository: some chapters, for which little else is read, or all that is in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from openbook.book import Book, read_book
from openbook.checking.few import check_few
from openbook.checking.share import is_under, with_twins
from openbook.findings import Finding
from openbook.safety.files import look_at_files


def check_repository(root: Path, paths: Iterable[str] = ()) -> list[Finding]:
    """Return every finding about the book at `root`, or about what is under `paths`, in the order of files and lines."""
    wanted = with_twins(list(paths))
    seen = look_at_files(root, only=wanted if all(path.endswith(".md") for path in wanted) and wanted else None)
    if seen.barred:
        return list(seen.findings)    # nothing is read of a book with a file that must not be
    book = read_book(root)
    if chapters := _chapters(book, wanted):
        findings = check_few(root, book, chapters)
    else:
        from openbook.checking.whole import check_whole    # here, because a chapter alone needs neither fonts nor figures
        findings = check_whole(root, book, wanted)
    return sorted(finding for finding in {*seen.findings, *findings} if is_under(finding.path, wanted))


def _chapters(book: Book, wanted: list[str]) -> set[str]:
    """Return the paths of the chapters whose files are wanted, or none if anything else is wanted too."""
    files = {f"docs/{chapter.file(lang)}": chapter.path for chapter in book.chapters for lang in ("en", "zh")}
    return {files[path] for path in wanted} if all(path in files for path in wanted) else set()
