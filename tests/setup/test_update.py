"""`make update` says what new packages change; the programs it calls are played by small scripts."""

import shutil
import subprocess

import pytest

PYTHON = '#!/bin/sh\nshift\necho "$*"\n'
LOCK = "mkdocs==1.6.0 \\\n    --hash=sha256:aa\nold-one==1.0 ; python_version < '3.12' \\\n    --hash=sha256:bb\n"


@pytest.fixture
def folder(write, root):
    """A folder whose lock.sh brings a newer mkdocs and takes a package away."""
    folder = write({"requirements.lock": LOCK, "bin/python": PYTHON,
                    "openbook/setup/lock.sh": "printf 'mkdocs==1.6.1 \\\\\\n' > requirements.lock\n", "Makefile": "all:\n\t@echo built\n"})
    shutil.copy(root / "openbook/setup/update.sh", folder / "openbook/setup/update.sh")
    (folder / "bin/python").chmod(0o755)
    return folder


def update(folder):
    return subprocess.run(["sh", "openbook/setup/update.sh", "bin"], cwd=folder, capture_output=True, text=True)


def test_what_changed_is_said(folder):
    done = update(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("openbook snapshot .cache/old.json\n\nPackages (< before, > now):\n< mkdocs==1.6.0\n< old-one==1.0\n> mkdocs==1.6.1\n\n"
                           "built\nopenbook snapshot .cache/new.json\n\nopenbook compare .cache/old.json .cache/new.json\n\n"
                           "If that is as it should be, run make test, look at a few pages, and commit requirements.lock.\n")


def test_without_newer_packages_that_is_said(folder):
    (folder / "openbook/setup/lock.sh").write_text("true\n")
    assert "Packages (< before, > now):\nNone has changed.\n" in update(folder).stdout


def test_a_book_that_new_packages_break_stops_with_the_way_back(folder):
    (folder / "Makefile").write_text("all:\n\t@false\n")
    done = update(folder)
    assert done.returncode == 1 and "git checkout requirements.lock" in done.stderr and "compare" not in done.stdout
