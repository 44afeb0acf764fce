"""Ask git once when each file under docs/ was written and changed, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openbook.git import ask


@dataclass(frozen=True)
class Change:
    """A commit that touched a file: its day as 2026-11-22, the first line of its message."""

    day: str
    subject: str


def changes_of(root: Path) -> dict[str, tuple[Change, ...]]:
    """Return the changes of every file by its path under docs/, newest first.

    Empty without a history, and where the history is cut off: its oldest commit would pass for the last change.
    """
    if ask(root, "rev-parse", "--is-shallow-repository") != "false\n":
        return {}
    found: dict[str, list[Change]] = {}
    log = ask(root / "docs", "log", "--no-merges", "--relative", "--format=%x00%cs %s", "--name-only", "--", ".") or ""
    for entry in log.split("\0")[1:]:
        head, *files = [line for line in entry.split("\n") if line]
        day, _, subject = head.partition(" ")
        for file in files:
            found.setdefault(file, []).append(Change(day, subject))
    return {file: tuple(changes) for file, changes in found.items()}
