"""Ask git for the English text that a section was translated from, and since when it is another one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openbook.freshness.prints import Original, Print, originals_in
from openbook.git import ask

DEPTH = 300


@dataclass(frozen=True)
class Past:
    """What is known of a section's past: the text it was translated from, the day it changed; `complete` if nothing is cut off."""

    before: Original | None
    since: str | None
    complete: bool


@dataclass(frozen=True)
class _Version:
    day: str
    originals: dict[str, Original]


class History:
    """The versions of one English file, newest first, read from git when first asked for; empty without git."""

    def __init__(self, root: Path, path: str):
        self.root, self.path = root, path
        self._versions: list[_Version] | None = None

    def past(self, name: str, recorded: Print) -> Past:
        """Return the newest version of a section that has the recorded fingerprint, and the day of the change after it."""
        since = None
        for version in self.versions():
            original = version.originals.get(name)
            if original and original.print == recorded:
                return Past(original, since, self._complete())
            since = version.day
        return Past(None, None, self._complete())

    def knows(self, name: str) -> bool:
        """Tell whether any version has a section of this id."""
        return any(name in version.originals for version in self.versions())

    def versions(self) -> list[_Version]:
        if self._versions is None:
            self._versions = list(self._read())
        return self._versions

    def _read(self):
        log = ask(self.root, "log", f"-{DEPTH}", "--follow", "--format=%x00%H %cs", "--name-only", "--", self.path)
        for entry in (log or "").split("\x00")[1:]:
            lines = [line for line in entry.split("\n") if line.strip()]
            if len(lines) < 2:
                continue
            commit, day = lines[0].split()
            text = ask(self.root, "show", f"{commit}:{lines[-1]}")
            if text is not None:
                yield _Version(day, {original.id: original for original in originals_in(text)})

    def _complete(self) -> bool:
        versions = self.versions()
        return bool(versions) and len(versions) < DEPTH and (ask(self.root, "rev-parse", "--is-shallow-repository") or "").strip() == "false"
