"""Say what is wrong in the book: findings are values with a place and a remedy, never tracebacks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

#: What a text that somebody wrote must not do to the terminal that shows it: move the cursor, turn its direction.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: Rules about facts that want another look, though nothing in the book is broken.
ADVICE = ("stale", "unused-source")


@dataclass(frozen=True, order=True)
class Finding:
    """One thing to mend: where it is, which rule it breaks, what is wrong and what mends it."""

    path: str
    line: int
    rule: str
    message: str
    mend: str

    @property
    def advice(self) -> bool:
        """Say whether the book can be built all the same; `openbook check` names it, the build goes on."""
        return self.rule in ADVICE

    def __str__(self) -> str:
        return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", f"{self.path}:{self.line}: {self.message} [{self.rule}]\n    {self.mend}")


class BookError(Exception):
    """Stop the build with findings; the command line prints them and exits with 1."""

    def __init__(self, findings: list[Finding]):
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings


def shown_path(path: Path, root: Path) -> str:
    """Return `path` as a contributor types it: relative to the repository, with forward slashes."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(path)


def annotation(finding: Finding) -> str:
    """Return a finding as a GitHub Actions command, which shows it at its line in a pull request."""
    def escaped(text: str, more: str = "") -> str:
        for char in "%\r\n" + more:
            text = text.replace(char, f"%{ord(char):02X}")
        return text

    place = f"file={escaped(finding.path, ':,')},line={finding.line},title={escaped(finding.rule, ':,')}"
    return f"::{'warning' if finding.advice else 'error'} {place}::{escaped(finding.message + chr(10) + finding.mend)}"


def summary(findings: list[Finding]) -> str:
    """Return the closing line of a report: how many findings, in how many files."""
    if not findings:
        return "No findings."
    files = len({finding.path for finding in findings})
    return f"{len(findings)} finding{'s' * (len(findings) > 1)} in {files} file{'s' * (files > 1)}."
