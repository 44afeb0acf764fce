"""ckpt_gc.py deletes what no rule keeps, and nothing else."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "docs/storage/ckpt_gc.py"


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def checkpoints(tmp_path):
    """Six complete checkpoints, one that is being written, one that was abandoned two days ago, and a stranger."""
    for step in (100, 200, 300, 400, 500, 600):
        (tmp_path / f"step_{step}").mkdir()
        (tmp_path / f"step_{step}/.metadata").write_text("x" * 1000)
    (tmp_path / "step_700").mkdir()
    (tmp_path / "step_50").mkdir()
    (tmp_path / "step_50/__0_0.distcp").write_text("half")
    old = time.time() - 48 * 3600
    os.utime(tmp_path / "step_50/__0_0.distcp", (old, old))
    os.utime(tmp_path / "step_50", (old, old))
    (tmp_path / "logs").mkdir()
    return tmp_path


def left(folder: Path) -> set[str]:
    return set(os.listdir(folder))


def test_without_delete_nothing_changes(checkpoints):
    before = left(checkpoints)
    done = run(checkpoints, "--last", 2)
    assert done.returncode == 0 and "would go (add --delete)" in done.stdout and left(checkpoints) == before


def test_the_newest_and_the_multiples_stay(checkpoints):
    done = run(checkpoints, "--last", 2, "--every", 300, "--delete")
    assert done.returncode == 0 and "4 of 8 deleted" in done.stdout
    assert left(checkpoints) == {"step_300", "step_500", "step_600", "step_700", "logs"}


def test_latest_and_keep_are_never_deleted(checkpoints):
    (checkpoints / "latest").write_text("step_100\n")
    (checkpoints / "step_200/KEEP").touch()
    run(checkpoints, "--last", 1, "--delete")
    assert {"step_100", "step_200", "step_600"} <= left(checkpoints) and "step_300" not in left(checkpoints)


def test_an_incomplete_one_never_counts_as_the_newest(checkpoints):
    run(checkpoints, "--last", 1, "--grace", 0, "--delete")
    assert left(checkpoints) == {"step_600", "logs"}


def test_where_nothing_is_complete_nothing_is_deleted(tmp_path):
    (tmp_path / "iter_0000010").mkdir()
    done = run(tmp_path, "--grace", 0, "--delete")
    assert done.returncode == 1 and "no complete checkpoint" in done.stderr and left(tmp_path) == {"iter_0000010"}


@pytest.mark.parametrize("arguments", [["nowhere"], [".", "--last", "0"], [".", "--every", "-1"]])
def test_wrong_usage_ends_with_2(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and done.stderr.startswith("ckpt_gc: ")
