"""dcp_reshard.py with real processes: four ranks save, two load, and a damaged checkpoint says which rank failed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import warm

TOOL = Path(__file__).parents[2] / "docs/training/checkpoints/dcp_reshard.py"


def start(ranks: int, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return warm.ranks(ranks, "dcp_reshard.py", *arguments, cwd=folder)


def torchrun(ranks: int, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks), "--master-port", "0", "--rdzv-backend", "c10d",
               "--rdzv-endpoint", "localhost:0", "dcp_reshard.py", *arguments]
    return subprocess.run(command, cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120)


@pytest.mark.torch
def test_four_ranks_save_and_two_go_on_with_the_same_losses(tmp_path):
    shutil.copy(TOOL, tmp_path)
    saved = torchrun(4, tmp_path, "save", "run")
    assert saved.returncode == 0 and "saved step_3 on 4 ranks" in saved.stdout, saved.stderr
    assert sorted(os.listdir(tmp_path / "run")) == ["after.json", "latest", "step_3"]
    loaded = torchrun(2, tmp_path, "load", "run")
    assert loaded.returncode == 0 and "equal: largest difference" in loaded.stdout, loaded.stderr


@pytest.mark.torch
def test_saving_a_step_again_sets_the_older_one_aside(tmp_path):
    shutil.copy(TOOL, tmp_path)
    for _ in range(2):
        saved = start(2, tmp_path, "save", "run")
        assert saved.returncode == 0 and "saved step_3 on 2 ranks" in saved.stdout, saved.stderr
    after, latest, step, old = sorted(os.listdir(tmp_path / "run"))
    assert (after, latest, step) == ("after.json", "latest", "step_3") and old.startswith("step_3.old-")
    assert (tmp_path / "run/latest").read_text() == "step_3"
    shutil.rmtree(tmp_path / "run/step_3")
    lost = start(1, tmp_path, "load", "run")
    assert lost.returncode != 0 and "names step_3, which is not there" in lost.stdout


@pytest.mark.torch
def test_a_background_save_that_lost_a_shard_says_so(tmp_path):
    shutil.copy(TOOL, tmp_path)
    assert start(2, tmp_path, "save", "run", "--background").returncode == 0
    (tmp_path / "run/step_3/__1_0.distcp").unlink()
    done = start(1, tmp_path, "load", "run")
    assert done.returncode != 0 and "dcp_reshard: rank 0 on " in done.stderr and "__1_0.distcp" in done.stderr


def test_without_torchrun_it_says_how_to_start(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "RANK"}
    done = subprocess.run([sys.executable, str(TOOL), "save", str(tmp_path)], capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 2 and "torchrun --standalone --nproc-per-node 4" in done.stderr
