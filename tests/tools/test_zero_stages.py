"""What ZeRO stages hold and send: the formulas, the data table, the figure, the failures; the labs of both chapters."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.tools import warm

FOLDER = ROOT / "docs/training/model-parallelism"
TOOL = FOLDER / "zero_stages.py"
sys.path.insert(0, str(FOLDER))
import comm_volume  # noqa: E402
import zero_stages as tool  # noqa: E402

sys.path.pop(0)


def run(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-B", str(TOOL), *arguments], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("stage, expected", [(0, 16), (1, 4 + 12 / 64), (2, 2 + 14 / 64), (3, 16 / 64)])
def test_bytes_held_a_parameter(stage, expected):
    assert sum(tool.held(stage, 64).values()) == pytest.approx(expected)


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
@pytest.mark.parametrize("micro_batches", [1, 8])
def test_traffic_is_that_of_comm_volume(stage, micro_batches):
    job = comm_volume.Job(params=8e9, layers=32, hidden=4096, gpus=64, tokens=2**20, zero=stage, micro_batches=micro_batches)
    assert 8e9 * tool.sent(stage, 64, micro_batches=micro_batches) == pytest.approx(comm_volume.data_parallel(job, 8e9, 64))


@pytest.mark.parametrize("row, stage, grad_bytes", [("ddp", 0, 2), ("zero1", 1, 2), ("distopt", 1, 4), ("zero2", 2, 2), ("zero3", 3, 2)])
def test_the_table_of_the_book_agrees(row, stage, grad_bytes):
    yaml = pytest.importorskip("yaml")
    rows = yaml.safe_load((ROOT / "docs/data/zero_stages.yml").read_text("utf-8"))["rows"]
    cells = next(r for r in rows if r["id"] == row)
    for ranks in (8, 64):
        assert cells["fixed"] + cells["sharded"] / ranks == pytest.approx(sum(tool.held(stage, ranks, grad_bytes).values()))


def test_the_figure_of_the_chapter_is_what_the_tool_writes():
    assert (FOLDER / "figures/zero-stages.svg").read_text("utf-8") == tool.svg(8e9)


@pytest.mark.parametrize("arguments, message", [(["--ranks", "0"], "--ranks must be"), (["--params", "nan"], "--params must be"),
                                                (["--grad-bytes", "3"], "invalid choice")])
def test_wrong_usage_is_exit_2(arguments, message):
    code, _, err = run(*arguments)
    assert code == 2 and message in err and "Traceback" not in err


def test_a_file_that_cannot_be_written_leaves_the_table(tmp_path):
    code, out, err = run("--json", str(tmp_path / "no/file.json"))
    assert code == 2 and "ZeRO-3" in out and "cannot write" in err


def lab(name: str, ranks: int) -> subprocess.CompletedProcess:
    return warm.ranks(ranks, FOLDER / name)


@pytest.mark.torch
def test_fsdp_lab_counts_what_the_formulas_say():
    done = lab("fsdp_lab.py", 4)
    assert done.returncode == 0, done.stderr
    sent = {line[:24].strip(): float(line.split()[-1]) for line in done.stdout.splitlines()[3:-1]}
    head = (64 * 64 + 64) / 136512  # the root keeps its weights, so its backward pass gathers nothing
    assert sent["DDP"] == pytest.approx(2 * 3 / 4, abs=0.01)
    assert sent["FSDP2, reshard True"] == pytest.approx((3 - head) * 3 / 4, abs=0.01)
    assert sent["FSDP2, 4 micro-batches"] == pytest.approx(4 * (3 - head) * 3 / 4, abs=0.01)
    assert sent["kept whole between"] == sent["FSDP2, reshard False"] == pytest.approx(2 * 3 / 4, abs=0.01)
    # Half in each pair of ranks, gathered twice, scattered once, and the halves all-reduced between the pairs.
    assert sent["HSDP 2 x 2"] == pytest.approx((3 - head) / 2 + 2 * (1 / 2) * (1 / 2), abs=0.01)


@pytest.mark.torch
@pytest.mark.parametrize("name, ranks, wanted", [("tp_lab.py", 2, "norm gradients of the ranks are the same"),
                                                 ("tp_lab.py", 4, "Enter forgotten"),
                                                 ("pp_lab.py", 4, "held, rank 0 to 3: 4 3 2 1")])
def test_labs_compute_what_one_process_computes(name, ranks, wanted):
    done = lab(name, ranks)
    assert done.returncode == 0, done.stderr
    assert wanted in done.stdout


@pytest.mark.torch
@pytest.mark.parametrize("name, ranks, message", [("pp_lab.py", 2, "needs 4 ranks, got 2"), ("tp_lab.py", 3, "use 2 or 4")])
def test_a_wrong_number_of_ranks_is_named(name, ranks, message):
    done = lab(name, ranks)
    assert done.returncode != 0 and message in done.stderr
