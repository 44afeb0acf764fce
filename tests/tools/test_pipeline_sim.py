"""The pipeline simulator: closed forms, legal schedules, its figure, its failures."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "docs/training/model-parallelism"
TOOL = FOLDER / "pipeline_sim.py"
sys.path.insert(0, str(FOLDER))
import pipeline_sim as sim  # noqa: E402

sys.path.pop(0)
SIZES = [(1, 3), (2, 2), (4, 8), (8, 32)]
UNEVEN = sim.Costs(f=1.0, b=1.4, w=0.9)


def run(*arguments: str, tool=TOOL, folder=None) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-B", str(tool), *arguments], cwd=folder, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("p, m", SIZES)
@pytest.mark.parametrize("name", ["gpipe", "1f1b"])
def test_gpipe_and_1f1b_take_m_plus_p_minus_1_turns(name, p, m):
    done = sim.simulate(name, p, m, 1, UNEVEN)
    assert done.total == pytest.approx((m + p - 1) * 3.3)
    assert done.bubble == pytest.approx((p - 1) / (m + p - 1))


@pytest.mark.parametrize("p, m", [(2, 2), (4, 8), (8, 32)])
@pytest.mark.parametrize("v", [1, 2, 4])
def test_interleaving_divides_the_wait_by_the_chunks(p, m, v):
    done = sim.simulate("interleaved", p, m, v, UNEVEN)
    assert done.bubble == pytest.approx((p - 1) / (v * m + p - 1))


@pytest.mark.parametrize("p, m", [(4, 8), (8, 32)])
def test_zb1p_reaches_the_bound_and_zb2p_does_not_beat_it(p, m):
    one, two = (sim.simulate(name, p, m, 1, sim.Costs()) for name in ("zb1p", "zb2p"))
    assert one.total == two.total == 3 * m + p - 1
    assert one.bubble == pytest.approx((p - 1) / (3 * m + p - 1))
    assert two.idle == pytest.approx(0)


@pytest.mark.parametrize("p, m", [(4, 8), (8, 32)])
def test_what_a_rank_holds(p, m):
    held = {name: [sim.simulate(name, p, m, 2, sim.Costs()).held(r) for r in range(p)] for name in sim.SCHEDULES}
    assert held["gpipe"] == [m] * p
    assert held["1f1b"] == [p - r for r in range(p)]
    assert held["interleaved"][0] == p + (p - 1) / 2
    assert held["zb1p"] == [p] * p
    assert held["zb2p"] == [2 * p - 1] * p


@pytest.mark.parametrize("p, m", [(1, 1), (4, 2), (3, 9), (8, 32)])
@pytest.mark.parametrize("name", sim.SCHEDULES)
def test_every_operation_runs_once_after_its_input(name, p, m):
    if name == "interleaved" and m % p:
        m = p
    costs = sim.Costs(1.0, 1.3, 0.8, 0.25)
    done = sim.simulate(name, p, m, 2, costs)
    ends = {(rank, op): end for rank, line in enumerate(done.lines) for _, end, op in line}
    kinds = 3 if name.startswith("zb") else 2
    assert len(ends) == sum(map(len, done.lines)) == p * m * kinds * done.chunks
    for rank, line in enumerate(done.lines):
        busy = 0.0
        for start, end, op in line:
            assert start >= busy
            busy = end
            source = sim.needs(op, rank, p, done.chunks)
            if source:
                assert start >= ends[source] + costs.comm * (source[0] != rank) - 1e-9


def test_an_impossible_order_is_named_and_does_not_hang():
    orders = [[("B", 0, 0), ("F", 0, 0)], [("F", 0, 0), ("B", 0, 0)]]
    with pytest.raises(ValueError, match="mine: the schedule deadlocks"):
        sim.in_order("mine", orders, 1, 1, sim.Costs())


def test_the_figure_of_the_chapter_is_what_the_tool_writes():
    runs = [sim.simulate(name, 4, 8, 2, sim.Costs()) for name in sim.SCHEDULES]
    assert (FOLDER / "figures/pp-schedules.svg").read_text("utf-8") == sim.svg(runs)


def test_a_copy_in_an_empty_folder_writes_json(tmp_path):
    shutil.copy(TOOL, tmp_path)
    code, out, err = run("--schedule", "1f1b", "--json", "out.json", tool=tmp_path / TOOL.name, folder=tmp_path)
    assert (code, err) == (0, "")
    assert json.loads((tmp_path / "out.json").read_text())[0]["held"] == [4, 3, 2, 1]


@pytest.mark.parametrize("arguments, message", [
    (["--stages", "0"], "--stages must be from 1"),
    (["--micro-batches", "6", "--schedule", "interleaved"], "6 is not by 4: use 8"),
    (["--f", "nan"], "all finite"),
    (["--w", "0"], "above 0"),
    (["--stages", "4096", "--micro-batches", "4096"], "at most 200,000"),
])
def test_wrong_usage_is_one_line_and_exit_2(arguments, message):
    code, _, err = run(*arguments)
    assert code == 2 and message in err and "Traceback" not in err


def test_a_file_that_cannot_be_written_leaves_the_table(tmp_path):
    code, out, err = run("--svg", str(tmp_path / "no/such/folder.svg"))
    assert code == 2 and "1F1B" in out and "cannot write" in err and "Traceback" not in err
