"""The chapter's job scripts run on a real Slurm; only the launchers, which need torch, are stood in for."""

import re
import time

import pytest

from tests.slurm.conftest import CHAPTER, Slurm, put_stand_ins, start

pytestmark = pytest.mark.slurm
RANK_LINE = re.compile(r"rank (\d+) of (\d+) \(local (\d+)\) on (node\d)")


def ranks_in(text: str) -> list[tuple[str, ...]]:
    """What each rank printed about itself: rank, world size, local rank, node."""
    return sorted(RANK_LINE.findall(text))


@pytest.mark.parametrize("launcher", ["torchrun", "accelerate", "deepspeed"])
def test_launcher_templates_start_each_rank_once(slurm: Slurm, launcher: str):
    put_stand_ins(slurm, launcher)
    job = slurm.submit(f"--gpus-per-node=2 --output=l.out {launcher}.slurm hello_ranks.py --no-torch")
    slurm.wait(job, "COMPLETED")
    text = (slurm.work / "l.out").read_text()
    assert ranks_in(text) == [("0", "4", "0", "node1"), ("1", "4", "1", "node1"), ("2", "4", "0", "node2"), ("3", "4", "1", "node2")]
    assert "GPUs 0,1, CPUs 96" in text          # the launcher keeps the node's CPUs and the GPUs asked for
    assert not list(slurm.work.glob("hostfile-*"))


@pytest.mark.parametrize("name", ["srun-native", "lightning"])
def test_templates_with_a_task_for_each_rank(slurm: Slurm, name: str):
    job = slurm.submit(f"--gpus-per-node=2 --ntasks-per-node=2 --output=n.out {name}.slurm hello_ranks.py --no-torch")
    slurm.wait(job, "COMPLETED")
    text = (slurm.work / "n.out").read_text()
    assert ranks_in(text) == [("0", "4", "0", "node1"), ("1", "4", "1", "node1"), ("2", "4", "0", "node2"), ("3", "4", "1", "node2")]
    assert "CPUs 12" in text


@pytest.mark.torch
def test_torchrun_template_with_real_torchrun(slurm: Slurm):
    job = slurm.submit("--gpus-per-node=2 --output=t.out torchrun.slurm")
    slurm.wait(job, "COMPLETED", seconds=110)
    assert (slurm.work / "t.out").read_text().count("sum 6 ok") == 4


def test_a_failing_rank_ends_the_job_at_once(slurm: Slurm):
    (slurm.work / "fails.out").write_text("import os, sys, time\nif os.environ['RANK'] == '3': sys.exit(7)\ntime.sleep(300)\n")
    job = slurm.submit("--gpus-per-node=2 --ntasks-per-node=2 --output=f.out srun-native.slurm fails.out")
    slurm.wait(job, "FAILED")
    assert not slurm.out("squeue -h")            # the other ranks, asleep for five minutes, are gone


def test_requeue_saves_on_the_warning_and_goes_on(slurm: Slurm):
    job = slurm.submit("--output=r.out requeue.slurm --steps 40 --seconds 0.1")
    log = slurm.work / "r.out"
    slurm.wait_text(log, "start 0")
    time.sleep(1.5)
    slurm.out(f"scancel --batch --signal=USR1 {job}")
    slurm.wait_text(log, "asked to stop\n")
    slurm.wait(job, "PENDING")
    time.sleep(2)                                                  # a node takes no job again in the second in which it gave it up
    slurm.out(f"scontrol update jobid={job} starttime=now")       # after a requeue Slurm waits two minutes
    slurm.wait(job, "COMPLETED")
    text = log.read_text()
    saved = re.search(r"steps 0 to (\d+), saved, asked to stop", text)[1]
    assert f"start 1 on node[1-2]\nsteps {saved} to 40, saved, done" in text


def test_chain_ends_when_the_target_is_reached(slurm: Slurm):
    job = slurm.submit("--output=c.out chain.slurm", TARGET="5", STEP_SECONDS="0.1")
    slurm.wait(job, "COMPLETED")
    successor = re.search(r"successor (\d+)", (slurm.work / "c.out").read_text())[1]
    slurm.wait(successor, "COMPLETED")
    assert (slurm.work / f"chain-{successor}.out").read_text() == "all 5 steps done\n"
    assert not slurm.out("squeue -h")


def test_chain_that_falls_over_at_once_cancels_its_successor(slurm: Slurm):
    (slurm.work / "step.txt").write_text("0")
    (slurm.work / "step.new").mkdir()                             # rank 0 cannot write there
    try:
        job = slurm.submit("--output=c.out chain.slurm", TARGET="2", STEP_SECONDS="0.1")
        slurm.wait(job, "FAILED")
    finally:
        (slurm.work / "step.new").rmdir()
    text = (slurm.work / "c.out").read_text()
    assert "cannot write step.txt" in text and "successor cancelled" in text
    slurm.wait(re.search(r"successor (\d+)", text)[1], "CANCELLED")


def test_cron_runs_its_scripts_and_stops_when_asked(slurm: Slurm):
    folder = slurm.work / "cron-hourly.d"
    folder.mkdir(exist_ok=True)
    (folder / "a.sh").write_text("echo tick\n")
    (folder / "b.sh").write_text("exit 3\n")
    job = slurm.submit("cron-hourly.slurm", INTERVAL="1hour")
    slurm.wait(job, "COMPLETED")
    text = (slurm.work / "cron-hourly.out").read_text()
    assert "\ntick\n" in text and "b.sh failed with code 3" in text
    assert slurm.out("squeue -h -n cron-hourly -o %T") == "PENDING"      # its successor waits for the hour
    slurm.bash("scancel --me")
    (slurm.work / "STOP").touch()
    slurm.wait(slurm.submit("cron-hourly.slurm"), "COMPLETED")
    assert "the series ends" in (slurm.work / "cron-hourly.out").read_text()
    assert not slurm.out("squeue -h")


def test_array_gives_each_task_its_own_settings(slurm: Slurm):
    job = slurm.submit("--output=a%a.out array.slurm")
    for task in range(6):
        slurm.wait_text(slurm.work / f"a{task}.out", "seed")
    lines = {(slurm.work / f"a{task}.out").read_text().split(": ")[1] for task in range(6)}
    assert len(lines) == 6 and job.isdigit()


def test_py_spy_reaches_every_process_of_the_job(slurm: Slurm):
    put_stand_ins(slurm, "py-spy")
    job = slurm.submit("--nodes=2 --ntasks-per-node=2 --exclusive --gpus-per-node=8 --wrap 'srun python3 count_steps.py' --output=p.out")
    slurm.wait(job, "RUNNING")
    time.sleep(1.5)
    done = slurm.bash(f"bash py-spy-all.sh {job}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("count_steps.py") == 4
    assert len(re.findall("== node1 pid", done.stdout)) == 2 and len(re.findall("== node2 pid", done.stdout)) == 2
    assert slurm.bash("bash py-spy-all.sh 999999").returncode == 2


def test_node_list_tool_agrees_with_scontrol(slurm: Slurm):
    for text in ("node[1-3,7]", "n[08-11],gpu5", "r[1-2]n[01-03]", "a,b,c"):
        assert slurm.out(f"python3 nodelist.py expand '{text}'") == slurm.out(f"scontrol show hostnames '{text}'")
    names = "node08 node09 node10 node11 node1 node2 gpu5"
    packed = slurm.out(f"python3 nodelist.py compress {names}")
    assert sorted(slurm.out(f"scontrol show hostnames '{packed}'").split()) == sorted(names.split())


def test_failed_health_check_drains_the_node_and_holds_the_job(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("h")
    scratch = root / "scratch"
    scratch.mkdir()
    prolog = root / "prolog.sh"
    prolog.write_text(f"#!/bin/bash\nexport NODE_SCRATCH={scratch}\nexec bash {CHAPTER}/node_health.sh\n")
    prolog.chmod(0o755)
    slurm = start(root, settings=[f"Prolog={prolog}", "PrologFlags=Alloc"], nodes=2, accounting=False)
    try:
        (scratch / "node-is-bad").write_text("ECC errors on GPU 2\n")
        job = slurm.submit("-w node2 --output=x.out --wrap hostname")
        slurm.wait(job, "PENDING")
        end = time.monotonic() + 30
        while "Prolog error" not in slurm.out("sinfo -R -h"):
            assert time.monotonic() < end, slurm.out("sinfo; squeue")
            time.sleep(0.3)
        assert slurm.out(f"squeue -h -j {job} -o %r") == "launch failed requeued held"
        (scratch / "node-is-bad").unlink()
        slurm.out("scontrol update nodename=node2 state=resume")
        slurm.out(f"scontrol release {job}")
        slurm.out(f"scontrol update jobid={job} starttime=now")
        slurm.wait(job, "COMPLETED")
    finally:
        left = slurm.cluster.stop()
    assert not left
