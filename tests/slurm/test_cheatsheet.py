"""Each command of the cheatsheet that says it was run is run here, as it is printed, on a real Slurm."""

import re
import subprocess

import pytest
import yaml

from tests.slurm.conftest import CHAPTER, Slurm, put_stand_ins

pytestmark = pytest.mark.slurm
ROWS = yaml.safe_load((CHAPTER.parents[1] / "data" / "slurm_cheatsheet.yml").read_text("utf-8"))["rows"]


def ensure(slurm: Slurm, known: dict[str, str]) -> dict[str, str]:
    """Cancel what earlier commands submitted, and make sure that a running job, a waiting one and an array are there."""
    states = dict(line.split() for line in slurm.out("squeue -h -r -o '%A %T'").split("\n") if line)
    others = [job for job in {line.split("_")[0] for line in slurm.out("squeue -h -o %i").split()} if job not in known.values()]
    if others:
        slurm.bash(f"scancel {' '.join(others)}")
    if states.get(known.get("JOB", "")) != "RUNNING":
        known["JOB"] = slurm.submit("--nodes=2 --nodelist='node[1-2]' --gpus-per-node=1 --time=2:00:00 --job-name=running --output=j.out "
                                    "--wrap 'srun python3 count_steps.py'")
        slurm.wait(known["JOB"], "RUNNING")
        slurm.out(f"for i in $(seq 50); do squeue -h -s -j {known['JOB']} | grep -q '\\.0' && exit 0; sleep 0.2; done; exit 1")
    if known.get("WAITING", "") not in states:
        known["WAITING"] = slurm.submit("--begin=now+5hours --job-name=waiting --wrap true")
    if known.get("ARRAY", "") not in states:
        known["ARRAY"] = slurm.submit("--begin=now+5hours --array=0-9%2 array.slurm")
    return known


def in_terminal(slurm: Slurm, command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command with a terminal of its own and type `exit` into it; errors are in what it prints."""
    done = subprocess.run(["script", "--quiet", "--return", "--command", command, "/dev/null"], cwd=slurm.work, env={**slurm.environment, **more},
                          input="exit\n", text=True, capture_output=True, timeout=30, start_new_session=True)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    return {}


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in ROWS if row["tested"] == "yes"])
def test_command_runs_as_printed(session_slurm: Slurm, known: dict[str, str], row: dict):
    put_stand_ins(session_slurm, "torchrun", "py-spy")
    ids = ensure(session_slurm, known)
    command = re.fullmatch(r"`(.+)`", row["command"])[1]
    done = in_terminal(session_slurm, command, **ids) if "--pty" in command else session_slurm.bash(command, NODE="node2", **ids)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error" not in done.stderr, done.stderr


def test_the_sheet_has_the_rows_the_chapter_promises():
    assert len(ROWS) == 62
    assert [row["id"] for row in ROWS if row["tested"] == "no"] == ["reboot"]
