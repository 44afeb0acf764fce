"""The programs of the PyTorch debugging chapter fail as it says, and the mended ones do not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import warm

FOLDER = Path(__file__).parents[2] / "docs/debug"
torch_needed = pytest.mark.torch


def run(*words, **env):
    if not env:
        return warm.run(*words, cwd=FOLDER)
    return subprocess.run([sys.executable, *words], cwd=FOLDER, capture_output=True, text=True, timeout=55,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **env})


@torch_needed
@pytest.mark.parametrize("words, says", [
    (["nan_overflow.py"], "step 0 loss nan"),
    (["nan_log_zero.py"], "step 0 loss -1.0856\nstep 1 loss 0.0000\nstep 2 loss 0.0000"),
    (["nan_bad_batch.py"], "step 3 loss nan\nstep 4 loss 2"),
    (["oom_leak.py"], "DefaultCPUAllocator: can't allocate memory"),
    (["worker_crash.py"], "KeyError: Caught KeyError in DataLoader worker process 0."),
    (["worker_crash.py", "--workers", "0"], "KeyError: 'tokens'"),
])
def test_it_fails_as_the_chapter_says(words, says):
    assert says in run(*words).stdout


@torch_needed
def test_the_leak_is_named_by_the_census():
    done = run("oom_leak.py")
    assert done.returncode == 1 and "shape [], with graph" in done.stdout, done.stdout + done.stderr


@torch_needed
def test_a_killed_worker_is_reported():
    done = run("worker_crash.py", "--how", "killed")
    assert done.returncode == 1
    assert "exited unexpectedly" in done.stdout or "is killed by signal: Killed" in done.stdout


@torch_needed
def test_faulthandler_names_the_line_of_a_crash():
    done = run("worker_crash.py", "--how", "segfault", "--workers", "0", PYTHONFAULTHANDLER="1")
    assert "Fatal Python error: Segmentation fault" in done.stderr and "in __getitem__" in done.stderr


@torch_needed
@pytest.mark.parametrize("name, says", [
    ("shape", "mat1 and mat2 shapes cannot be multiplied (12x64 and 192x10)"), ("broadcast", "broadcast: loss 42.0"),
    ("dtype", "must have the same dtype"), ("device", "is not on the expected device"), ("index", "index out of range in self"),
    ("inplace", "modified by an inplace operation")])
def test_each_mistake_shows_its_symptom(name, says):
    assert says in run("mistakes.py", name).stdout


@torch_needed
@pytest.mark.parametrize("program", ["nan_overflow.py", "nan_log_zero.py", "nan_bad_batch.py", "oom_leak.py", "worker_crash.py", "mistakes.py"])
def test_the_mended_program_runs(program):
    done = run(program, "--fixed")
    assert done.returncode == 0 and "nan" not in done.stdout and "Error" not in done.stdout, done.stdout + done.stderr


def test_fragmentation_fails_with_enough_memory_in_pieces():
    done = run("oom_fragment.py")
    assert done.returncode == 1
    assert "Tried to allocate 50 MiB of 200: 10 free on the device, 95 allocated, 95 reserved but unallocated" in done.stdout


@pytest.mark.parametrize("remedy", ["--fixed", "--expandable"])
def test_fragmentation_is_mended_by(remedy):
    done = run("oom_fragment.py", remedy)
    assert done.returncode == 0 and done.stdout.endswith("done\n")
