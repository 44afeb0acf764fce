"""Read the addresses that need not answer, each with its reason, from openbook/links/allowed.yml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openbook.facts.located import read_located
from openbook.findings import BookError, Finding

FILE = "openbook/links/allowed.yml"


@dataclass(frozen=True)
class Allowed:
    """Every address that begins so is left out."""

    begins: str
    reason: str
    line: int


def load_allowed(root: Path) -> list[Allowed]:
    """Return the entries of the list; raise BookError where it is not what it must be."""
    path = root / FILE
    if not path.is_file():
        return []
    located, findings = read_located(path, FILE, "allowed")
    if located is None:
        raise BookError(findings)
    entries = []
    for place, entry in enumerate(located.value or []):
        line = located.line(place)
        if (isinstance(entry, dict) and entry.keys() == {"begins", "reason"}
                and all(isinstance(text, str) and text.strip() for text in entry.values())):
            entries.append(Allowed(entry["begins"], entry["reason"], line))
        else:
            findings.append(Finding(FILE, line, "allowed", "an entry has `begins` and `reason`, both texts",
                                    "Write {begins: \"https://example.org/\", reason: why it need not answer}."))
    if findings:
        raise BookError(findings)
    return entries
