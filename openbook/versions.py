"""The book's version stands in pyproject.toml; everything else that names it agrees, or no release is made."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from openbook.findings import BookError, Finding

#: Where else the version stands.
CITATION = re.compile(r"(?m)^version: *[\"']?(?P<version>[^\s\"']+)")
SECTION = re.compile(r"(?m)^## (?P<version>\d[^\s{]*).*$")
PAGES = ("docs/about/changes.md", "docs/about/changes.zh.md")
EVERYWHERE = ("Give the new version everywhere: pyproject.toml, CITATION.cff, CHANGELOG.md, "
              "docs/about/changes.md and .zh.md.")


def book_version(root: Path) -> str:
    """Return the version that pyproject.toml gives."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def check_versions(root: Path) -> Iterator[Finding]:
    """Yield a finding for each place whose newest version is not that of pyproject.toml."""
    wanted = book_version(root)
    for path, pattern in (("CITATION.cff", CITATION), ("CHANGELOG.md", SECTION), *((page, SECTION) for page in PAGES)):
        text = (root / path).read_text("utf-8")
        found = pattern.search(text)
        if found is None or found["version"] != wanted:
            line = text.count("\n", 0, found.start("version")) + 1 if found else 1
            here = found["version"] if found else "not given"
            yield Finding(path, line, "version", f"the version is {here}, in pyproject.toml {wanted}", EVERYWHERE)


def release_notes(root: Path, tag: str) -> str:
    """Return what CHANGELOG.md says of the version of a tag; raise BookError when the tag is not the book's version."""
    wanted, findings = book_version(root), list(check_versions(root))
    if tag != f"v{wanted}":
        findings.append(Finding("pyproject.toml", 1, "version", f"the tag is {tag}, the version {wanted}",
                                f"Tag the release v{wanted}, or change the version first."))
    if findings:
        raise BookError(findings)
    text = (root / "CHANGELOG.md").read_text("utf-8")
    begin = SECTION.search(text)
    end = SECTION.search(text, begin.end())
    return text[begin.end():end.start() if end else len(text)].strip()
