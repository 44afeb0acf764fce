"""Build the website into site/: checked first, beside the last good one, swapped in only when it is whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from openbook.checking.run import check_repository
from openbook.findings import BookError, Finding
from openbook.site.manifest import git_state
from openbook.site.touched import report

KEY = ".key"
CHATTER = ("Overriding 'zh' config", "Cleaning site directory", "Template skipped", "Translated ",
           "Building documentation to directory", "documentation to directory")


def input_key(root: Path) -> str:
    """Return a hash of everything that shapes the site: sources, styles, this program, settings, the commit."""
    digest = hashlib.sha256()
    folders = [root / "docs", root / "overrides", Path(__file__).parent.parent]
    files = sorted(path for folder in folders for path in folder.rglob("*")
                   if path.is_file() and "__pycache__" not in path.parts)
    for path in [root / "mkdocs.yml", root / "requirements.lock", root / "pyproject.toml", *files]:
        if path.is_file():
            digest.update(f"{path.name}\0{path}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    settings = [os.environ.get(name, "") for name in ("SITE_URL", "REPO_URL", "SOURCE_DATE_EPOCH")]
    digest.update(repr((settings, git_state(root))).encode())
    return digest.hexdigest()


def build_site(root: Path, force: bool = False) -> int:
    """Build site/ unless nothing changed; return 0, or raise BookError and leave the last good site in place."""
    site, key = root / "site", input_key(root)
    if not force and (site / KEY).is_file() and (site / KEY).read_text() == key:
        print("site/ is up to date: nothing has changed since it was built.")
        return 0
    started = time.monotonic()
    print("Checking the book ...", flush=True)
    if findings := [finding for finding in check_repository(root) if not finding.advice]:
        raise BookError(findings)
    print("Building the site in both languages ...", flush=True)
    fresh = root / ".cache" / "site-new"
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        _run_mkdocs(root, fresh)
        (fresh / KEY).write_text(key)
        changes = list(report(root, site, fresh))
        _swap(fresh, site, root / ".cache" / "site-old")
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise BookError([Finding("site", 1, "output", f"the site could not be written: {error.strerror or error}",
                                 "Free disk space or mend the folder's rights, then build again. "
                                 "The last good site is still in place.")]) from None
    print(*changes, sep="\n", end="\n" if changes else "")
    pages = sum(1 for _ in site.rglob("*.html"))
    print(f"site/ is built: {pages} pages in {time.monotonic() - started:.1f} s.")
    return 0


def _run_mkdocs(root: Path, target: Path) -> None:
    """Run MkDocs with warnings as errors; its warnings are shown, its chatter is not."""
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "OPENBOOK_CHECKED": "1", "PYTHONWARNINGS": "ignore"}
    process = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)],
                             cwd=root, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = [line.rstrip() for line in process.stdout.splitlines()
             if line.strip() and not any(chatter in line for chatter in CHATTER)]
    if process.returncode:
        shutil.rmtree(target, ignore_errors=True)
        shown = "\n    ".join(lines) or "MkDocs said nothing"
        raise BookError([Finding("mkdocs.yml", 1, "mkdocs", f"MkDocs could not build the site:\n    {shown}",
                                 "Mend what it names. The last good site is still in place.")])


def _swap(fresh: Path, site: Path, old: Path) -> None:
    """Put the fresh site in the place of the old one; the PDFs stay, their own step knows when they are stale."""
    shutil.rmtree(old, ignore_errors=True)
    if (site / "pdf").is_dir():
        shutil.copytree(site / "pdf", fresh / "pdf", dirs_exist_ok=True)
    if site.exists():
        site.rename(old)
    try:
        fresh.rename(site)
    except OSError:
        if old.exists():
            old.rename(site)
        raise
    shutil.rmtree(old, ignore_errors=True)
