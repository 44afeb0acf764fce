"""A small site as it is published: with an address, a repository and a history."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from openbook.site.build import build_site


@pytest.fixture(scope="session")
def published(small_site, tmp_path_factory) -> Path:
    """Build the small site under https://example.org/book/ from a repository of one commit; return its folder `site`."""
    root = tmp_path_factory.mktemp("published") / "book"
    shutil.copytree(small_site, root, ignore=shutil.ignore_patterns("site", ".cache"))
    who = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER")
           for field, value in (("NAME", "A"), ("EMAIL", "a@example.org"), ("DATE", "2026-11-20T12:00:00Z"))}
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Begin the book"]):
        subprocess.run(["git", *command], cwd=root, check=True, env={**os.environ, **who})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SITE_URL", "https://example.org/book/")
        patch.setenv("REPO_URL", "https://example.org/us/book")
        build_site(root)
    return root / "site"
