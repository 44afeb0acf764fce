"""Ask git about the book's history, whatever the settings of its user."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SETTINGS = ("core.quotePath=false", "log.showSignature=false", "i18n.logOutputEncoding=UTF-8", "color.ui=false")


def ask(root: Path, *arguments: str) -> str | None:
    """Return what git says; None where there is no git, no repository, or it cannot answer."""
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    try:
        done = subprocess.run(["git", "-C", str(root), *settings, *arguments], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode("utf-8", "replace")


def tracked(root: Path) -> bool:
    """Say whether git knows the book in `root`: an unpacked archive may lie in a repository of something else."""
    return ask(root, "ls-files", "--error-unmatch", "mkdocs.yml") is not None


def why_undated(root: Path) -> str | None:
    """Say why git cannot tell when the pages changed; None where it can."""
    try:
        asked = subprocess.run(["git", "-C", str(root), "rev-parse", "--is-shallow-repository"], capture_output=True,
                               env={**os.environ, "LC_ALL": "C"})
    except OSError:
        return "git is not installed"
    if b"dubious ownership" in asked.stderr:
        return f'git reads no repository of another user; to trust this one: git config --global --add safe.directory "{root}"'
    if asked.returncode or not tracked(root):
        return "the book is in no git repository"
    return "the clone is shallow; `git fetch --unshallow` brings its history" if asked.stdout == b"true\n" else None
