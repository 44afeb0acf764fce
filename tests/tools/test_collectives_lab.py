"""The collectives lab: its formulas without torch; its ranks, its figure and its failures with real processes."""

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

TOOL = ROOT / "docs/network/collectives_lab.py"
FIGURE = ROOT / "docs/network/figures/collectives-grid.svg"
sys.path.insert(0, str(TOOL.parent))
import collectives_lab as lab  # noqa: E402

sys.path.pop(0)


def start(*arguments: str, tool: Path = TOOL, folder: Path | None = None) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    # A test run in the background of a shell ignores SIGINT, and so would what it starts.
    return subprocess.Popen([sys.executable, str(tool), *arguments], cwd=folder, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))


def run(*arguments: str, **where) -> tuple[int, str, str]:
    process = start(*arguments, **where)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def children(process: subprocess.Popen) -> list[int]:
    """The ranks that a run of the lab has started."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        found = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        if len(found) == 4:
            return found
        time.sleep(0.02)
    raise AssertionError("the lab started no ranks")


@pytest.mark.parametrize("operation, factor", [("all-reduce", 1.5), ("all-gather", 0.75), ("reduce-scatter", 0.75), ("all-to-all", 0.75),
                                               ("broadcast", 1), ("reduce", 1), ("gather", 0.75), ("scatter", 0.75)])
def test_the_busbw_factor_on_four_ranks(operation, factor):
    assert lab.busbw_factor(operation, 4) == factor


def test_a_ring_spends_half_its_time_on_latency_at_n_alpha_b():
    n, alpha, bandwidth = 64, 14e-6, 50e9
    half = n * alpha * bandwidth
    for operation in ("all-reduce", "all-gather", "reduce-scatter"):
        latency = lab.ring_seconds(operation, n, 0, alpha, 1 / bandwidth)
        assert lab.ring_seconds(operation, n, half, alpha, 1 / bandwidth) == pytest.approx(2 * latency)
    assert half == pytest.approx(44.8e6)


def test_a_sum_tells_who_is_in_it():
    assert lab.contributors(lab.chunk_value(0, 2, 4) + lab.chunk_value(3, 2, 4), 4) == ([0, 3], [2])
    assert lab.cell_text(lab.chunk_value(2, 0, 4), 4) == "r2c0"


def test_what_the_lab_expects_is_what_the_operations_are():
    assert lab.expected("all-to-all", 1, 2) == [lab.chunk_value(0, 1, 2), lab.chunk_value(1, 1, 2)]
    assert lab.expected("reduce", 1, 2) == [None, None]
    assert lab.expected("reduce-scatter", 1, 2) == [None, lab.chunk_value(0, 1, 2) + lab.chunk_value(1, 1, 2)]


def test_help_needs_no_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')\n")
    shutil.copy(TOOL, tmp_path)
    assert "Examples:" in run("--help", tool=tmp_path / TOOL.name)[1]
    code, _, err = run(tool=tmp_path / TOOL.name)
    assert (code, err) == (2, "collectives_lab.py needs PyTorch: pip install torch\n")


@pytest.mark.parametrize("arguments, says", [(["--ranks", "8"], "use 2 to 7"), (["--ranks", "2", "--svg", "x.svg"], "--svg draws four ranks"),
                                             (["--bytes", "8"], "--bytes must hold"), (["--timeout", "0"], "--timeout must be positive")])
def test_wrong_usage_is_one_line_and_status_2(arguments, says):
    code, _, err = run(*arguments)
    assert code == 2 and says in err.splitlines()[-1]


@pytest.mark.torch
def test_four_ranks_make_the_figure_of_the_chapter(tmp_path):
    shutil.copy(TOOL, tmp_path)
    code, out, err = run("--svg", "grid.svg", "--json", "runs.json", tool=tmp_path / TOOL.name, folder=tmp_path)
    assert (code, err) == (0, "")
    assert (tmp_path / "grid.svg").read_bytes() == FIGURE.read_bytes()
    results = json.loads((tmp_path / "runs.json").read_text())["operations"]
    for operation in ("all-reduce", "all-gather", "all-to-all"):
        counted = [sent for sent in results[operation]["sent"] if sent is not None]    # a busy kernel may tell one rank nothing
        assert len(counted) >= 3 and counted == pytest.approx([lab.busbw_factor(operation, 4)] * len(counted), rel=0.01)
    assert max(filter(None, results["gather"]["received"])) == pytest.approx(0.75, rel=0.01)


@pytest.mark.torch
def test_two_ranks_get_the_right_values():
    code, out, _ = run("--ranks", "2", "--bytes", "65536", "--show", "reduce-scatter")
    assert code == 0
    assert "rank 1  r1c0  r1c1  -> .     +c1" in out
    assert out.endswith("every value is right on every rank\n")


@pytest.mark.torch
def test_a_rank_that_dies_is_named_and_none_is_left():
    process = start("--bytes", str(2**28))
    ranks = children(process)
    os.kill(ranks[2], signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "rank 2 on" in err and "died (signal 9)" in err and "Traceback" not in err
    assert not any(Path(f"/proc/{pid}").exists() for pid in ranks)


@pytest.mark.torch
def test_a_rank_that_never_answers_ends_with_the_time_out():
    process = start("--bytes", str(2**27), "--timeout", "4")
    ranks = children(process)
    os.kill(ranks[1], signal.SIGSTOP)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err and ("no answer from rank" in err or "failed:" in err)
    assert not any(Path(f"/proc/{pid}").exists() for pid in ranks)


@pytest.mark.torch
def test_ctrl_c_ends_all_ranks_without_a_traceback():
    process = start("--bytes", str(2**28))
    ranks = children(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == "collectives_lab.py: interrupted; all ranks ended\n"
    assert not any(Path(f"/proc/{pid}").exists() for pid in ranks)


@pytest.mark.torch
def test_a_full_disk_is_one_line():
    code, out, err = run("--ranks", "2", "--bytes", "65536", "--json", "/dev/full")
    assert code == 1 and "rank 1" in out
    assert err == "collectives_lab.py: cannot write /dev/full: No space left on device\n"
