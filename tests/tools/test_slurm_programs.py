"""The small programs of the Slurm chapters that need no Slurm to be tested."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHAPTER = Path(__file__).parents[2] / "docs" / "orchestration" / "slurm"


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env={"PATH": os.environ["PATH"], **environment}, text=True, capture_output=True, timeout=30)


@pytest.mark.parametrize("name", sorted(path.name for path in CHAPTER.iterdir() if path.suffix in (".sh", ".slurm")))
def test_shell_scripts_parse(name: str):
    done = run("bash", "-n", name, cwd=CHAPTER)
    assert done.returncode == 0, done.stderr
    directives = [line for line in (CHAPTER / name).read_text().split("\n") if line.startswith("#SBATCH")]
    assert name.endswith(".sh") or "--time" in " ".join(directives)        # a job without a limit takes the partition's


@pytest.mark.parametrize("name", ["one_machine.py", "hello_ranks.py", "hello_lightning.py", "count_steps.py"])
def test_help_works_without_packages(name: str, tmp_path: Path):
    shutil.copy(CHAPTER / name, tmp_path)
    done = run(sys.executable, "-S", name, "--help", cwd=tmp_path)
    assert done.returncode == 0 and "usage" in done.stdout


def test_ranks_without_a_launcher_say_so(tmp_path: Path):
    done = run(sys.executable, str(CHAPTER / "hello_ranks.py"), "--no-torch", cwd=tmp_path)
    assert done.returncode == 2 and "torchrun or srun" in done.stderr


def test_steps_stop_at_a_signal_and_go_on(tmp_path: Path):
    program = [sys.executable, str(CHAPTER / "count_steps.py"), "--steps", "50", "--seconds", "0.1"]
    with subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True) as first:
        time.sleep(1.5)
        first.send_signal(signal.SIGUSR1)
        said = first.communicate(timeout=20)[0]
    assert first.returncode == 0 and "asked to stop" in said
    saved = int((tmp_path / "step.txt").read_text())
    assert 0 < saved < 50
    assert run(*program[:2], "--steps", "50", "--seconds", "0", cwd=tmp_path).stdout == f"steps {saved} to 50, saved, done\n"


def test_steps_name_a_state_that_cannot_be_written(tmp_path: Path):
    done = run(sys.executable, str(CHAPTER / "count_steps.py"), "--steps", "1", "--seconds", "0", "--state", "no/such/step.txt", cwd=tmp_path)
    assert done.returncode == 1 and "cannot write no/such/step.txt" in done.stderr and "Traceback" not in done.stderr


def test_health_check_names_the_first_fault(tmp_path: Path):
    check = ["bash", str(CHAPTER / "node_health.sh")]
    assert run(*check, cwd=tmp_path, NODE_SCRATCH=str(tmp_path), NODE_FREE_GIB="0").returncode == 0
    done = run(*check, cwd=tmp_path, NODE_SCRATCH=str(tmp_path), NODE_FREE_GIB="99999999")
    assert done.returncode == 1 and "GiB free, less than" in done.stdout
    assert "not writable" in run(*check, cwd=tmp_path, NODE_SCRATCH="/no/such").stdout


def test_health_check_counts_gpus(tmp_path: Path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: X'; echo 'GPU 1: X'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    environment = {"NODE_SCRATCH": str(tmp_path), "NODE_FREE_GIB": "0", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    check = ["bash", str(CHAPTER / "node_health.sh")]
    assert subprocess.run(check, env={**environment, "NODE_GPUS": "2"}, timeout=30).returncode == 0
    done = subprocess.run(check, env={**environment, "NODE_GPUS": "8"}, text=True, capture_output=True, timeout=30)
    assert done.returncode == 1 and "lists 2 of 8 GPUs" in done.stdout


def test_one_machine_names_missing_programs(tmp_path: Path):
    done = run(sys.executable, str(CHAPTER / "one_machine.py"), "up", str(tmp_path / "c"), cwd=tmp_path, PATH=str(tmp_path))
    if (Path("/usr/sbin/slurmctld")).exists():               # it looks in /usr/sbin by itself, as Debian puts daemons there
        assert "sbatch" in done.stderr
    assert done.returncode == 2 and "not installed" in done.stderr and "apt-get install" in done.stderr and "Traceback" not in done.stderr


def test_one_machine_refuses_a_path_too_long_for_a_socket(tmp_path: Path):
    done = run(sys.executable, str(CHAPTER / "one_machine.py"), "up", str(tmp_path / ("long" * 30)), cwd=tmp_path)
    assert done.returncode in (1, 2) and "too long a path" in done.stderr and "Traceback" not in done.stderr


def test_one_machine_has_nothing_to_stop_where_nothing_was_started(tmp_path: Path):
    done = run(sys.executable, str(CHAPTER / "one_machine.py"), "down", str(tmp_path / "never-started"), cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == "stopped\n"
