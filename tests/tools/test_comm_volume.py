"""The byte counter: its formulas without torch; every axis counted around real gloo collectives; its failures."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

TOOL = ROOT / "docs/training/model-parallelism/comm_volume.py"
sys.path.insert(0, str(TOOL.parent))
import comm_volume as tool  # noqa: E402

sys.path.pop(0)

LLAMA_70B = tool.Job(params=70e9, layers=80, hidden=8192, kv=1024, gpus=1024, tokens=2**22, zero=3)


def start(*arguments: str, tool: Path = TOOL, folder: Path | None = None) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    # A test run in the background of a shell ignores SIGINT, and so would what it starts.
    return subprocess.Popen([sys.executable, str(tool), *arguments], cwd=folder, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))


def run(*arguments: str, **where) -> tuple[int, str, str]:
    process = start(*arguments, **where)
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


def children(process: subprocess.Popen, number: int) -> list[int]:
    """The ranks that a run of the tool has started."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and process.poll() is None:
        found = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        if len(found) == number:
            return found
        time.sleep(0.02)
    raise AssertionError("the tool started no ranks")


def replaced(job, **changes):
    return tool.Job(**{**{name: getattr(job, name) for name in tool.Job.__dataclass_fields__}, **changes})


def test_fsdp_sends_three_times_the_weights():
    [line] = tool.volume(LLAMA_70B)
    assert (line.group, line.sent) == (1024, pytest.approx(3 * 140e9 * 1023 / 1024))


@pytest.mark.parametrize("zero, grad_bytes, micro_batches, times", [(0, 2, 1, 2), (1, 2, 8, 2), (1, 4, 1, 3), (2, 2, 4, 5), (3, 2, 4, 12)])
def test_what_each_zero_stage_sends_in_units_of_the_weights(zero, grad_bytes, micro_batches, times):
    job = replaced(LLAMA_70B, zero=zero, grad_bytes=grad_bytes, micro_batches=micro_batches)
    assert tool.data_parallel(job, job.params, 1024) == pytest.approx(times * 140e9 * 1023 / 1024)


def test_tensor_parallelism_sends_four_all_reduces_a_layer():
    assert tool.tensor(replaced(LLAMA_70B, tp=8)) == pytest.approx(4 * 80 * 2 * 7 / 8 * 32768 * 8192 * 2)
    assert tool.tensor(replaced(LLAMA_70B, tp=8, pp=2)) == pytest.approx(tool.tensor(replaced(LLAMA_70B, tp=8)))  # half the layers, twice the tokens


def test_the_closed_form_of_the_chapter_for_a_model_of_12_l_h_squared():
    job = replaced(LLAMA_70B, params=12 * 80 * 8192**2, tp=8)
    seconds = tool.step_seconds(job, 989.5e12, 0.4)
    assert tool.tensor(job) / seconds == pytest.approx(7 * 2 * 989.5e12 * 0.4 / (9 * 8192))


def test_uneven_stages_count_the_largest():
    assert replaced(LLAMA_70B, layers=126, pp=16).stage_layers == 8


def test_an_expert_is_reduced_over_the_ranks_that_hold_it():
    job = tool.Job(params=671e9, active_params=37e9, layers=61, moe_layers=58, hidden=7168, gpus=2048, tokens=15360 * 4096, pp=16, ep=64,
                   experts_per_token=8, expert_params=653.9e9, dispatch_bytes=1, zero=1)
    lines = {line.axis: line for line in tool.volume(job)}
    assert lines["dp of experts"].group == 2
    assert lines["ep"].sent == pytest.approx(2 * 4 * 491520 * 8 * 7168 * 3 * 63 / 64)


@pytest.mark.parametrize("arguments, says", [
    ([], "give --params, --layers, --hidden, --gpus, --tokens, or --check"),
    (["--gpus", "12", "--tp", "8"], "--gpus 12 is no multiple of tp * pp * cp = 8"),
    (["--gpus", "8", "--ep", "8"], "--ep needs --experts-per-token"),
    (["--gpus", "8", "--zero", "4"], "stages are 0 (DDP) to 3"),
    (["--gpus", "8", "--mfu", "40"], "--mfu and --overlap in (0, 1]"),
    (["--check", "--ranks", "3"], "--ranks must be 2 or 4"),
])
def test_wrong_usage_is_one_line_and_status_2(arguments, says):
    model = ["--params", "8e9", "--layers", "32", "--hidden", "4096", "--tokens", "1e6"] if arguments and "--check" not in arguments else []
    code, _, err = run(*model, *arguments)
    assert code == 2 and says in err.splitlines()[-1]


def test_a_layout_needs_no_torch_and_writes_json(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')\n")
    shutil.copy(TOOL, tmp_path)
    copy = tmp_path / TOOL.name
    code, out, _ = run("--params", "70e9", "--layers", "80", "--hidden", "8192", "--gpus", "1024", "--zero", "3", "--tokens", "4194304",
                       "--json", "out.json", tool=copy, folder=tmp_path)
    assert code == 0 and "419.59" in out and "120.7" in out
    assert json.loads((tmp_path / "out.json").read_text())["axes"][0]["floor_bytes_per_s"] == pytest.approx(120.7e9, rel=1e-3)
    assert "Examples:" in run("--help", tool=copy)[1]
    assert run("--check", tool=copy)[::2] == (2, "comm_volume.py --check needs PyTorch: pip install torch\n")


def test_a_wrong_count_is_named():
    right = {"formula": 100.0, "calls": 100.0, "expected_wire": 100.0, "wire": 100.5}
    ranks = [{name: dict(right) for name in tool.STRATEGIES} for _ in range(2)]
    ranks[1]["TP"]["calls"] = 103.0
    assert tool.report(ranks, 0.01)[1] == ["TP: rank 1 called 103 bytes, expected 100"]


def test_a_full_disk_is_one_line():
    code, out, err = run("--params", "8e9", "--layers", "32", "--hidden", "4096", "--gpus", "8", "--tokens", "1e6", "--json", "/dev/full")
    assert code == 1 and "dp, ZeRO 0" in out
    assert err == "comm_volume.py: cannot write /dev/full: No space left on device\n"


@pytest.mark.torch
@pytest.mark.parametrize("ranks", [2, 4])
def test_real_collectives_send_what_the_formulas_say(ranks, tmp_path):
    shutil.copy(TOOL, tmp_path)
    code, out, err = run("--check", "--ranks", str(ranks), "--json", "out.json", tool=tmp_path / TOOL.name, folder=tmp_path)
    assert (code, err) == (0, ""), err
    for rank in json.loads((tmp_path / "out.json").read_text()):
        for name, counted in rank.items():
            assert counted["calls"] == pytest.approx(counted["formula"], rel=0.01), name


@pytest.mark.torch
def test_a_rank_that_dies_is_named_and_none_is_left():
    process = start("--check")
    ranks = children(process, 4)
    os.kill(ranks[3], signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "rank 3 on" in err and "died (signal 9)" in err and "Traceback" not in err
    assert not any(Path(f"/proc/{pid}").exists() for pid in ranks)


@pytest.mark.torch
def test_ctrl_c_and_a_time_out_end_all_ranks():
    process = start("--check", "--ranks", "2")
    ranks = children(process, 2)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == "comm_volume.py: interrupted; all ranks ended\n"
    assert process.returncode == 1
    code, _, err = run("--check", "--ranks", "2", "--timeout", "0.01")
    assert code == 1 and "no answer from rank 0, 1" in err
    assert not any(Path(f"/proc/{pid}").exists() for pid in ranks)
