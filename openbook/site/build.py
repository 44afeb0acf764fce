"""Build the website into site/: checked first, beside the last good one, swapped in only when it is whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from openbook.building import Place, building, signals_held
from openbook.checking.run import check_repository
from openbook.findings import BookError, Finding
from openbook.git import why_undated
from openbook.site.manifest import OFFLINE, edition_date, git_state
from openbook.site.touched import report

KEY = ".key"
CHATTER = ("Overriding 'zh' config", "Cleaning site directory", "Template skipped", "Translated ",
           "Building documentation to directory", "documentation to directory")


def input_key(root: Path) -> str:
    """Return a hash of everything that shapes the site: sources, styles, this program, settings, the commit."""
    digest = hashlib.sha256()
    places = [(root, "mkdocs.yml"), (root, "requirements.lock"), (root, "pyproject.toml"), (root, "docs/**/*"), (root, "overrides/**/*"),
              (Path(__file__).parent.parent, "**/*")]
    for base, pattern in places:
        for path in sorted(base.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(base).as_posix().encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    settings = [os.environ.get(name, "") for name in ("SITE_URL", "REPO_URL", "SOURCE_DATE_EPOCH")]
    digest.update(repr((settings, git_state(root), why_undated(root) is None)).encode())
    return digest.hexdigest()


def build_site(root: Path, force: bool = False) -> int:
    """Build site/ unless nothing changed; return 0, or raise BookError and leave the last good site in place."""
    if (root / "site").is_symlink():
        raise BookError([Finding("site", 1, "output", "site is a link, and a build puts a new folder in its place",
                                 "Remove the link; copy the folder site to where it is served.")])
    try:
        (root / ".cache").mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritten(error) from None
    with building(root / "site") as place:
        return _build(root, place, force)


def _build(root: Path, place: Place, force: bool) -> int:
    """Build the site, with the folder for oneself."""
    site, key = place.site, input_key(root)
    if not force and (site / KEY).is_file() and (site / KEY).read_text() == key:
        print("site/ is up to date: nothing has changed since it was built.")
        return 0
    started = time.monotonic()
    print("Checking the book ...", flush=True)
    if findings := [finding for finding in check_repository(root) if not finding.advice]:
        raise BookError(findings)
    print("Building the site in both languages ...", *_undated(root), sep="\n", flush=True)
    try:
        shutil.rmtree(place.fresh, ignore_errors=True)
        # With the lock: should this process be killed, the folder is still that of MkDocs until it has ended.
        _run_mkdocs(root, place.fresh, place.inherited)
        (place.fresh / KEY).write_text(key)
        changes = list(report(root, site, place.fresh))
        _take_along(site, place.fresh)
        if not place.held():
            raise OSError("the folder .cache was removed meanwhile")
        place.put()
    except OSError as error:
        shutil.rmtree(place.fresh, ignore_errors=True)
        raise _unwritten(error) from None
    print(*changes, sep="\n", end="\n" if changes else "")
    pages = sum(1 for _ in site.rglob("*.html"))
    print(f"site/ is built: {pages} pages in {time.monotonic() - started:.1f} s.")
    return 0


def _unwritten(error: OSError) -> BookError:
    return BookError([Finding("site", 1, "output", f"the site could not be written: {error.strerror or error}",
                              "Free disk space or mend the folder's rights, then build again. "
                              "The last good site is still in place.")])


def _undated(root: Path) -> Iterator[str]:
    """Yield why pages carry no day of their last change, and what day the edition carries for want of a commit."""
    if (why := why_undated(root)) is None:
        return
    yield f"Pages carry no day of their last change: {why}."
    if git_state(root) == (None, None) and not os.environ.get("SOURCE_DATE_EPOCH"):
        yield f"The edition carries today's date, {edition_date(None)}; set SOURCE_DATE_EPOCH for another."


def _run_mkdocs(root: Path, target: Path, inherited: tuple[int, ...] = ()) -> None:
    """Run MkDocs with warnings as errors; its warnings are shown, its chatter is not. It inherits some descriptors."""
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "OPENBOOK_CHECKED": "1", "PYTHONWARNINGS": "ignore", "PYTHONUTF8": "1"}
    process = None
    try:
        with signals_held():    # or one that comes now ends this process, and nobody knows of MkDocs, which goes on
            process = subprocess.Popen([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)], cwd=root,
                                       env=environment, encoding="utf-8", errors="replace", stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, pass_fds=inherited)
        said, _ = process.communicate()
    except BaseException:
        if process is not None:
            process.kill()
            process.wait()
        raise
    lines = [line.rstrip() for line in said.splitlines()
             if line.strip() and not any(chatter in line for chatter in CHATTER)]
    if process.returncode:
        shutil.rmtree(target, ignore_errors=True)
        shown = "\n    ".join(lines) or "MkDocs said nothing"
        raise BookError([Finding("mkdocs.yml", 1, "mkdocs", f"MkDocs could not build the site:\n    {shown}",
                                 "Mend what it names. The last good site is still in place.")])


def _take_along(site: Path, fresh: Path) -> None:
    """Copy the PDFs and the copy to read offline into a fresh site: pages link them, and their own steps know when they are stale."""
    if (site / "pdf").is_dir():
        shutil.copytree(site / "pdf", fresh / "pdf", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    if (site / OFFLINE).is_file():
        shutil.copy2(site / OFFLINE, fresh / OFFLINE)
