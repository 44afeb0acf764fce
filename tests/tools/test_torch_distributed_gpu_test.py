"""torch-distributed-gpu-test.py names the rank that is missing, stuck or out of memory, and never hangs."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools import warm

TOOL = Path(__file__).parents[2] / "docs/debug/torch-distributed-gpu-test.py"

spec = importlib.util.spec_from_file_location("gpu_test", TOOL)
gpu_test = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gpu_test)


def start(folder, rank, world, port, *words: str, live: bool = False) -> subprocess.Popen | warm.Process:
    """Start one rank of a copy of the tool alone in a folder; one that is looked at as it runs in a real interpreter."""
    copy = folder / "tool.py"
    if not copy.exists():
        copy.write_text(TOOL.read_text())
    variables = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1",
                 "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    whole = [copy.name, "--device", "cpu", "--size-mb", "1", "--alloc-mb", "4", *words]
    if not live:
        return warm.Process(whole, folder, **variables)
    return subprocess.Popen([sys.executable, *whole], cwd=folder, env=os.environ | variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(*ranks: subprocess.Popen | warm.Process) -> list[tuple[int, str, str]]:
    """Wait for all ranks and return (status, stdout, stderr) of each; kill what is left when one does not end."""
    try:
        return [(*rank.communicate(timeout=90)[::-1], rank.returncode)[::-1] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()


def test_who_is_behind_is_to_blame():
    assert gpu_test.name_culprits({0: (0, 3), 1: (0, 2), 3: (0, 3)}, world=4) == ([2], [1])
    assert gpu_test.name_culprits({0: (1, 2), 1: (0, 4)}, world=2) == ([], [1])
    assert gpu_test.name_culprits({0: (0, 3), 1: (0, 3)}, world=2) == ([], [])


def test_ranges_of_ranks_are_short():
    assert gpu_test.short([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"


def test_help_needs_neither_torch_nor_ranks(tmp_path):
    done = subprocess.run([sys.executable, "-S", str(TOOL), "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "torchrun" in done.stdout


@pytest.mark.parametrize("env, says", [
    ({}, "use torchrun"),
    ({"RANK": "4", "WORLD_SIZE": "4", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}, "outside 0..3"),
    ({"RANK": "x", "WORLD_SIZE": "4", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}, "whole numbers"),
])
def test_a_wrong_environment_is_one_line_and_status_2(env, says):
    clean = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK")}
    done = subprocess.run([sys.executable, str(TOOL)], env=clean | env, capture_output=True, text=True)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


@pytest.mark.torch
def test_four_ranks_pass_and_write_json(tmp_path):
    port = warm.free_port()
    ends = finish(*(start(tmp_path, r, 4, port, "--json", "out.json") for r in range(4)))
    assert [status for status, _, _ in ends] == [0, 0, 0, 0], ends
    assert "4 of 4 ranks passed" in ends[0][1] and "PASS" in ends[0][1]
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["passed"] and [r["rank"] for r in result["ranks"]] == [0, 1, 2, 3]


@pytest.mark.torch
def test_a_rank_that_never_starts_is_named(tmp_path):
    port = warm.free_port()
    ends = finish(*(start(tmp_path, r, 4, port, "--timeout", "15") for r in (0, 1, 3)))
    assert [status for status, _, _ in ends] == [1, 1, 1]
    assert "never arrived: rank 2 of 4" in ends[0][2]
    assert "Traceback" not in "".join(err for _, _, err in ends)


@pytest.mark.torch
def test_a_rank_that_freezes_in_the_middle_is_named_even_in_the_same_stage(tmp_path):
    port = warm.free_port()
    ranks = [start(tmp_path, r, 2, port, "--timeout", "10", "--rounds", "1000000", live=True) for r in range(2)]
    assert ranks[0].stdout.readline().startswith("2 ranks")
    time.sleep(6)                                  # both are in the rounds by now, and almost always in the same stage
    ranks[1].send_signal(signal.SIGSTOP)
    status, _, err = finish(ranks[0])[0]
    ranks[1].kill()
    ranks[1].communicate()
    assert status == 1 and "silent: rank 1" in err and "Traceback" not in err


@pytest.mark.torch
def test_a_wrong_port_is_reported_on_both_sides(tmp_path):
    ends = finish(start(tmp_path, 0, 2, warm.free_port(), "--timeout", "8"), start(tmp_path, 1, 2, warm.free_port(), "--timeout", "8"))
    assert [status for status, _, _ in ends] == [1, 1]
    assert "never arrived: rank 1 of 2" in ends[0][2] and "cannot reach rank 0" in ends[1][2]


@pytest.mark.torch
def test_a_port_in_use_is_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        status, _, err = finish(start(tmp_path, 0, 1, taken.getsockname()[1], "--timeout", "8"))[0]
    assert status == 1 and "is in use" in err and "Traceback" not in err


@pytest.mark.torch
def test_memory_that_is_not_there_fails_with_the_rank_and_the_rest_of_the_table(tmp_path):
    port = warm.free_port()
    ends = finish(start(tmp_path, 0, 2, port), start(tmp_path, 1, 2, port, "--alloc-mb", "1e9"))
    assert [status for status, _, _ in ends] == [1, 1]
    assert "cannot allocate 1e+09 MB" in ends[0][1] and "failed: rank 1" in ends[0][1]


@pytest.mark.torch
def test_a_device_this_machine_lacks_is_status_2(tmp_path):
    status, _, err = finish(start(tmp_path, 0, 1, warm.free_port(), "--device", "xpu"))[0]
    assert status == 2 and "finds none" in err


@pytest.mark.torch
def test_ctrl_c_ends_with_one_line(tmp_path):
    rank = start(tmp_path, 0, 2, warm.free_port(), live=True)
    assert rank.stdout.readline().startswith("2 ranks")
    rank.send_signal(signal.SIGINT)
    status, _, err = finish(rank)[0]
    assert status == 1 and "interrupted" in err and "Traceback" not in err


@pytest.mark.torch
def test_results_that_cannot_be_written_fail_after_the_table(tmp_path):
    status, out, err = finish(start(tmp_path, 0, 1, warm.free_port(), "--json", "/no/such/folder/out.json"))[0]
    assert status == 1 and "PASS" in out and "cannot write" in err
