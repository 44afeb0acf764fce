"""A real Slurm of four pretended nodes for the tests of this folder, and programs that stand in for launchers."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

CHAPTER = Path(__file__).parents[2] / "docs" / "orchestration" / "slurm"
STAND_IN = Path(__file__).parent / "stand_in.py"

ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}


def load_one_machine() -> ModuleType:
    """Import the chapter's program from its file; docs/ is no package."""
    spec = importlib.util.spec_from_file_location("one_machine", CHAPTER / "one_machine.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["one_machine"] = module          # dataclasses and pickling look there
    spec.loader.exec_module(module)
    return module


one_machine = load_one_machine()


class Slurm:
    """A running cluster, and a folder with a copy of the chapter's files from which jobs are submitted."""

    def __init__(self, cluster, work: Path) -> None:
        self.cluster, self.work = cluster, work
        self.environment = {**cluster.environment, "PATH": f"{work / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}

    def bash(self, command: str, timeout: float = 60, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a line of bash in the folder."""
        return subprocess.run(["bash", "-c", command], cwd=self.work, env={**self.environment, **more}, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=timeout)

    def out(self, command: str, **more: str) -> str:
        """Run a line of bash that must succeed and return what it prints."""
        done = self.bash(command, **more)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def submit(self, arguments: str, **more: str) -> str:
        """Submit a job and return its id."""
        return self.out(f"sbatch --parsable {arguments}", **more)

    def state(self, job: str) -> str:
        """The job's state in full, such as RUNNING; the controller remembers ended jobs for some minutes."""
        done = self.bash(f"scontrol show job {job} --oneliner")
        return next((word[9:] for word in done.stdout.split() if word.startswith("JobState=")), "UNKNOWN")

    def wait(self, job: str, *states: str, seconds: float = 60) -> str:
        """Wait until the job is in one of these states; fail with its log after `seconds` or when it has ended in another."""
        end = time.monotonic() + seconds
        while (state := self.state(job)) not in states:
            if time.monotonic() > end or state in ENDED:
                logs = "\n".join(f"-- {path.name}\n{path.read_text()}" for path in self.work.glob("*.out"))
                pytest.fail(f"job {job} is {state}, not {' or '.join(states)}\n{self.bash('squeue; sinfo -R').stdout}{logs}")
            time.sleep(0.3)
        return state

    def wait_text(self, path: Path, text: str, seconds: float = 45) -> str:
        """Wait until a file holds `text` and return all of it."""
        end = time.monotonic() + seconds
        while text not in (found := path.read_text() if path.exists() else ""):
            if time.monotonic() > end:
                pytest.fail(f"{path.name} does not say {text!r} after {seconds:.0f} s but:\n{found}\n{self.bash('squeue').stdout}")
            time.sleep(0.3)
        return found


def start(root: Path, *, settings: list[str] | None = None, nodes: int = 4, accounting: bool = True) -> Slurm:
    """Start a cluster in root/c, copy the chapter's files to root/w; a missing program is a failure, never a skip."""
    cluster = one_machine.Cluster(root / "c")
    try:
        cluster.start(nodes=nodes, accounting=accounting, settings=settings)
    except one_machine.Failed as error:
        cluster.stop()
        pytest.fail(f"no Slurm on this machine: {error}", pytrace=False)
    work = root / "w"
    shutil.copytree(CHAPTER, work, ignore=shutil.ignore_patterns("*.md", "figures", "__pycache__"))
    (work / "bin").mkdir()
    return Slurm(cluster, work)


def put_stand_ins(slurm: Slurm, *names: str) -> None:
    """Put a stand-in for each of these programs first on the jobs' PATH."""
    for name in names:
        path = slurm.work / "bin" / name
        path.write_text(f"#!/bin/sh\nexec {sys.executable} {STAND_IN} {name} \"$@\"\n", "utf-8")
        path.chmod(0o755)


@pytest.fixture(scope="session")
def session_slurm(tmp_path_factory: pytest.TempPathFactory):
    """One cluster for all tests that do not change its settings."""
    root = Path(tmp_path_factory.mktemp("s", numbered=True))
    slurm = start(root)
    yield slurm
    left = slurm.cluster.stop()
    assert not left, f"these would not stop: {left}"


@pytest.fixture
def slurm(session_slurm: Slurm):
    """The cluster with no job in it and every node idle; what the test leaves is cancelled."""
    calm(session_slurm)
    yield session_slurm
    calm(session_slurm)


def calm(slurm: Slurm) -> None:
    """Cancel all jobs, give back every node, and remove what jobs wrote."""
    slurm.bash("scancel --me; scancel --me --signal=KILL --full")
    slurm.bash("for n in $(sinfo -h -N -p train -t drain,down -o %N); do scontrol update nodename=$n state=resume; done")
    end = time.monotonic() + 40
    while slurm.bash("squeue -h").stdout.strip() or slurm.bash("sinfo -h -p train -t idle -o %D").stdout.strip() != "4":
        assert time.monotonic() < end, slurm.bash("squeue; sinfo; sinfo -R").stdout
        time.sleep(0.3)
    for path in [*slurm.work.glob("*.out"), *slurm.work.glob("step.*"), *slurm.work.glob("hostfile-*"), *slurm.work.glob("STOP"), *(slurm.work / "bin").iterdir()]:
        path.unlink()
