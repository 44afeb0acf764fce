"""Ranks that are killed and resume end with the same losses as ranks that are not; the switches stop and save."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

TOOL = ROOT / "docs/training/fault-tolerance/survive_lab.py"


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *command], text=True, capture_output=True, timeout=110,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"})


def train(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return run("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", "1", str(TOOL), "--dir", str(folder),
               "--steps", "24", *arguments)


@pytest.mark.torch
def test_a_killed_rank_changes_no_loss_and_a_stopped_run_goes_on(tmp_path):
    killed = train(tmp_path / "killed", "--kill", "1@17")
    assert killed.returncode == 0 and "start 1: from step 10" in killed.stdout
    (tmp_path / "stopped").mkdir()
    (tmp_path / "stopped/STOP").touch()
    stopped = train(tmp_path / "stopped")
    assert stopped.returncode == 0 and "done: step 1," in stopped.stdout and not (tmp_path / "stopped/STOP").exists()
    assert train(tmp_path / "stopped").returncode == 0
    logs = [str(tmp_path / name / "losses.csv") for name in ("killed", "stopped")]
    same = run(str(TOOL), "--compare", *logs)
    assert same.returncode == 0 and "24 and 24 steps" in same.stdout


def test_a_loss_that_differs_is_found(tmp_path):
    (tmp_path / "a.csv").write_text("step,loss\n0,1.5\n1,1.25\n")
    (tmp_path / "b.csv").write_text("step,loss\n0,1.5\n1,1.2500000000000002\n")
    done = run(str(TOOL), "--compare", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))
    assert done.returncode == 1 and "first 1" in done.stdout


def test_says_what_is_wrong_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('none here')\n")
    shutil.copy(TOOL, tmp_path)
    alone = str(tmp_path / TOOL.name)
    assert "torchrun" in run(alone, "--help").stdout
    for arguments, words in (((), "start it with torchrun"), (("--compare", "no.csv", "no.csv"), "No such file"), (("--kill", "3"), "--kill")):
        done = run(alone, *arguments)
        assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
