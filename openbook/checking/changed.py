"""Check only what an edit can have broken: files that differ from the last commit, and chapters that rest on them."""

from __future__ import annotations

import posixpath
import subprocess
from collections.abc import Iterable
from pathlib import Path

from openbook.book import read_book
from openbook.checking.whole import check_chapters_alone
from openbook.facts.load import load_facts
from openbook.findings import Finding
from openbook.reading.library import Library, read_library
from openbook.safety.files import look_at_files

#: A change of these may concern the text of any chapter.
EVERYWHERE = ("docs/data/terms.yml", "openbook/")


def changed_files(root: Path) -> list[str]:
    """Return the files that differ from the last commit, new ones too; none where git knows nothing."""
    found: list[str] = []
    for arguments in (["diff", "--name-only", "--relative", "--no-renames", "-z", "HEAD"],
                      ["ls-files", "--others", "--exclude-standard", "-z"]):
        try:
            done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return []
        found += [name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]
    return found


def of_the_book(files: Iterable[str]) -> list[str]:
    """Return those of some files that the checks read."""
    return [file for file in files if file.startswith(("docs/", "mkdocs.yml", *EVERYWHERE))]


def chapters_resting_on(files: Iterable[str], library: Library) -> set[str] | None:
    """Return the paths of the chapters that are, or show, one of some files; None where that may be any."""
    names = set(files)
    if any(name.startswith(EVERYWHERE) for name in names):
        return None
    inside = {name.removeprefix("docs/") for name in names if name.startswith("docs/")}
    chapters = {chapter.path for chapter in library.book.chapters
                if not inside.isdisjoint((chapter.path, chapter.twin))}
    for (path, _), source in library.sources.items():
        shown = {snippet.partition(":")[0] for _, snippet in source.snippets}
        shown |= {posixpath.normpath(posixpath.join(posixpath.dirname(path), link.target)) for link in source.links}
        if not inside.isdisjoint(name for name in shown if not name.endswith(".md")):
            chapters.add(path)
    return chapters


def check_changes(root: Path, files: list[str]) -> tuple[list[Finding], set[str]] | None:
    """Return what changes in `files` can have broken, and the chapters looked at; None where that may be any."""
    seen = look_at_files(root)
    if seen.barred:
        return list(seen.findings), set()
    library = read_library(root / "docs", read_book(root))
    chapters = chapters_resting_on(files, library)
    if chapters is None:
        return None
    facts, findings = load_facts(root / "docs/data", root)
    return sorted({*seen.findings, *findings, *check_chapters_alone(root, library, facts, chapters)}), chapters
