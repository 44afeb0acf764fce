"""`make` finishes a set-up that was interrupted, and a second one waits; Python and pip are played by a small script."""

import fcntl
import os
import shutil
import subprocess

import pytest

#: Plays python3, and in a folder of packages python with pip: what it was asked goes into a file.
PYTHON = """\
#!/bin/sh
case "$*" in
    --version) echo "Python 3.10.2" ;;
    -c*) exit ${OLD-0} ;;
    *pip\\ --version) [ -e "$(dirname "$0")/pip" ] ;;
    -m\\ venv*) echo "$*" >> asked; rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python; touch .venv/bin/pip ;;
    *) echo "$*" | sed 's/--quiet --disable-pip-version-check //' >> asked; exit ${BROKEN-0} ;;
esac
"""
INSTALL = ["-m pip install --require-hashes --requirement requirements.lock", "-m pip install --no-deps --no-build-isolation --editable ."]


@pytest.fixture
def folder(write, root):
    """A folder as cloned, in which the system's packages are there."""
    folder = write({"requirements.lock": "", "pyproject.toml": "", "openbook/setup/system.sh": "true\n", "a b/python3": PYTHON})
    for path in (folder / "requirements.lock", folder / "pyproject.toml"):
        os.utime(path, (0, 0))
    shutil.copy(root / "openbook/setup/environment.sh", folder / "openbook/setup/environment.sh")
    (folder / "a b/python3").chmod(0o755)
    return folder


def start(folder, **more):
    return subprocess.Popen(["sh", "openbook/setup/environment.sh", ".venv", "a b/python3"], cwd=folder, text=True, env={**os.environ, **more},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def asked(folder):
    return (folder / "asked").read_text().splitlines() if (folder / "asked").exists() else []


def test_a_folder_that_was_left_half_made_is_made_anew(folder):
    (folder / ".venv/bin").mkdir(parents=True)
    shutil.copy(folder / "a b/python3", folder / ".venv/bin/python")
    said, errors = start(folder).communicate()
    assert said == "Making .venv ...\nInstalling the locked Python packages ...\n", errors
    assert asked(folder) == ["-m venv --clear .venv", *INSTALL] and (folder / ".venv/.ready").exists()


def test_an_installation_that_failed_is_done_again_in_the_same_folder(folder):
    process = start(folder, BROKEN="1")
    process.communicate()
    assert process.returncode != 0 and not (folder / ".venv/.ready").exists()
    (folder / "asked").unlink()
    start(folder).communicate()
    assert asked(folder) == INSTALL and (folder / ".venv/.ready").exists()


def test_a_second_make_waits_and_finds_the_work_done(folder):
    (folder / ".cache").mkdir()
    with open(folder / ".cache/setup.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = start(folder)
        assert second.stdout.readline() == "Another make is setting this folder up: waiting until it ends ...\n"
        (folder / ".venv").mkdir()
        (folder / ".venv/.ready").touch()
    said, errors = second.communicate()
    assert (said, errors, second.returncode, asked(folder)) == ("", "", 0, [])


def test_an_older_python_is_named_with_the_way_out(folder):
    process = start(folder, OLD="1")
    _, errors = process.communicate()
    assert process.returncode == 1 and asked(folder) == []
    assert errors == "The book needs Python 3.11 or newer; a b/python3 is Python 3.10.2. Name another one: make PYTHON=python3.11\n"
