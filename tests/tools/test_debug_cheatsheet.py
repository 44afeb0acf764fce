"""Each command of the debugging cheat sheets that says it was run is run here, as it is printed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

DATA = Path(__file__).parents[2] / "docs/data"
ROWS = yaml.safe_load((DATA / "cheatsheets.yml").read_text("utf-8"))["rows"]
NOTEBOOK = """{"cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": ["print(1)"], "outputs": [], "execution_count": null}],
 "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}, "nbformat": 4, "nbformat_minor": 5}"""
NEEDS = {"jupyter-run": "jupyter-execute", "jupyter-script": "jupyter-nbconvert", "jupyter-kernels": "jupyter-kernelspec", "jupyter-strip": "nbstripout",
         "tensorboard-inspect": "tensorboard", "tensorboard-serve": "tensorboard", "tensorboard-raw": "tensorboard",
         "python-stack": "py-spy", "unix-syscalls": "strace", "unix-threads": "top"}


@pytest.fixture
def project(tmp_path):
    """A repository of three commits, the last of which is broken; logs, a notebook, event files."""
    files = {"job.sh": "echo begin\ntrue\n", "check.sh": "#!/bin/bash\ngrep -q lr=0.1 train.py\n", "Makefile": "LR = 0.1\ntrain:\n\t@echo training with $(LR)\n",
             "lab.ipynb": NOTEBOOK, "before.txt": "", "logs/rank0.log": "10:01 fine\n10:03 ValueError: bad\n", "logs/rank1.log": "10:02 ValueError: bad\n"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "check.sh").chmod(0o755)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q", "-b", "main"], cwd=tmp_path, check=True)
    for number, text in enumerate(["lr=0.1\n", "lr=0.1\nsteps=3\n", "lr=1.0\nsteps=3\n"], 1):
        (tmp_path / "train.py").write_text(text)
        subprocess.run([*git, "add", "."], cwd=tmp_path, check=True)
        subprocess.run([*git, "commit", "-q", "-m", f"change {number}"], cwd=tmp_path, check=True)
        subprocess.run([*git, "tag", f"v{number}"], cwd=tmp_path, check=True)
    if shutil.which("tensorboard", path=PATH):
        subprocess.run([sys.executable, "-c", "from tensorboard.summary import Writer; w = Writer('runs'); w.add_scalar('loss', 1.0, 1); w.close()"],
                       cwd=tmp_path, check=True)
    return tmp_path


PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in ROWS if row["tested"] == "yes"])
def test_command_runs_as_printed(project, row):
    need = NEEDS.get(row["id"])
    if need and not shutil.which(need, path=PATH):
        pytest.skip(f"{need} is not installed")
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
    try:
        sleeper.stdout.readline()                   # it is up
        done = subprocess.run(["bash", "-c", re.fullmatch("`(.+)`", row["command"])[1]], cwd=project, text=True, capture_output=True, timeout=50,
                              env={**os.environ, "PATH": PATH, "PID": str(sleeper.pid), "PYTHONDONTWRITEBYTECODE": "1"})
    finally:
        sleeper.kill()
        sleeper.communicate()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "command not found" not in done.stderr and "invalid option" not in done.stderr, done.stderr


def test_bisect_names_the_commit(project):
    done = subprocess.run("git bisect start HEAD v1 && git bisect run ./check.sh", shell=True, cwd=project, text=True, capture_output=True)
    assert "is the first bad commit" in done.stdout and "change 3" in done.stdout


def test_only_conda_was_not_run():
    assert {row["tool"] for row in ROWS if row["tested"] == "no"} == {"conda"}
