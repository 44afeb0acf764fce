"""one_machine.py as a reader runs it: a cluster for one command, gone afterwards; faults end with a message."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.slurm.conftest import CHAPTER

pytestmark = pytest.mark.slurm
PROGRAM = [sys.executable, str(CHAPTER / "one_machine.py")]


def left_over(root: Path) -> list[str]:
    """Name the processes whose environment names a cluster under `root`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"SLURM_CONF={root}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "comm").read_text().strip())
        except OSError:
            continue
    return found


def test_try_runs_one_command_and_leaves_nothing(tmp_path_factory: pytest.TempPathFactory):
    tmp_path = tmp_path_factory.mktemp("t")                      # a short name: sockets allow 107 characters
    done = subprocess.run([*PROGRAM, "try", "--nodes", "2", "--no-accounting", "--", "srun", "--nodes=2", "bash", "-c", "echo $SLURMD_NODENAME; exit 3"],
                          env={**os.environ, "TMPDIR": str(tmp_path)}, cwd=tmp_path, text=True, capture_output=True, timeout=90)
    assert sorted(done.stdout.split()) == ["node1", "node2"], done.stderr
    assert done.returncode == 3
    assert not list(tmp_path.iterdir()) and not left_over(tmp_path)


def test_up_twice_is_refused_and_down_stops_a_running_job(tmp_path: Path):
    root = tmp_path / "c"
    up = [*PROGRAM, "up", "--nodes", "2", "--no-accounting", str(root)]
    try:
        assert subprocess.run(up, text=True, capture_output=True, timeout=90).returncode == 0
        again = subprocess.run(up, text=True, capture_output=True, timeout=30)
        assert again.returncode == 1 and "already holds a cluster" in again.stderr and "Traceback" not in again.stderr
        job = subprocess.run(["bash", "-c", f". {root}/env; sbatch --parsable --output=/dev/null --wrap 'srun sleep 300'; sleep 2; squeue -h -o %T"],
                             cwd=tmp_path, text=True, capture_output=True, timeout=30)
        assert job.stdout.split()[-1] == "RUNNING", job.stderr
    finally:
        down = subprocess.run([*PROGRAM, "down", str(root)], text=True, capture_output=True, timeout=90)
    assert down.stdout == "stopped\n"
    assert not left_over(root)


def test_a_bad_setting_shows_the_log_and_stops_what_was_started(tmp_path: Path):
    done = subprocess.run([*PROGRAM, "up", "--nodes", "2", "--no-accounting", "--set", "SelectType=select/nonsense", str(tmp_path / "c")],
                          text=True, capture_output=True, timeout=90)
    assert done.returncode == 1 and "slurmctld" in done.stderr and "nonsense" in done.stderr and "Traceback" not in done.stderr
    assert not left_over(tmp_path)


def test_interrupted_while_starting_it_stops_what_was_started(tmp_path: Path):
    with subprocess.Popen([*PROGRAM, "up", str(tmp_path / "c")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        end = time.monotonic() + 30
        while not (tmp_path / "c" / "munge.socket").exists() and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "interrupted" in said and "Traceback" not in said
    assert not left_over(tmp_path)
