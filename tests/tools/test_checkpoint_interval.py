"""checkpoint_interval.py: the formula, the exact form and the simulation tell the same story."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "docs/training/fault-tolerance/checkpoint_interval.py"
FIGURE = TOOL.parents[1] / "checkpoints/figures/young-daly.svg"


def run(*arguments, cwd=None) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True, timeout=60, cwd=cwd)


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("checkpoint_interval", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules["checkpoint_interval"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["checkpoint_interval"]


def test_the_numbers_of_the_chapters(tool):
    assert tool.young_daly(10, 11_160) == pytest.approx(472, abs=0.5)
    assert tool.young_daly(120, 11_160) == pytest.approx(1637, abs=1)
    assert tool.goodput(472, 10, 11_160, 300) == pytest.approx(0.931, abs=5e-4)


@pytest.mark.parametrize("delta, mtbf, restart, lag", [(10, 11_160, 300, 0), (120, 44_640, 300, 0), (120, 178_560, 900, 0), (5, 11_160, 300, 120), (30, 3_600, 60, 0)])
@pytest.mark.parametrize("factor", [0.5, 1, 2, 4])
def test_simulation_and_exact_form_agree_within_two_per_cent(tool, delta, mtbf, restart, lag, factor):
    tau = factor * tool.young_daly(delta, mtbf)
    exact = tool.goodput_exact(tau, delta, mtbf, restart, lag)
    assert tool.simulate(tau, delta, mtbf, restart, lag)[0] == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("delta, mtbf, restart", [(10, 11_160, 300), (120, 44_640, 300), (120, 178_560, 900)])
def test_the_first_order_formula_is_within_two_per_cent_where_it_is_meant_to_be(tool, delta, mtbf, restart):
    tau = tool.young_daly(delta, mtbf)
    assert tau + restart < 0.2 * mtbf
    assert tool.goodput(tau, delta, mtbf, restart) == pytest.approx(tool.simulate(tau, delta, mtbf, restart)[0], rel=0.02)


@pytest.mark.parametrize("mtbf_minutes, published", [(24 * 60, 117), (6 * 60, 57), (15, 9.1)])
def test_the_exact_best_interval_is_the_one_that_daly_published(tool, mtbf_minutes, published):
    # Daly 2006, figures 3 to 5: dump time 5 min, restart 10 min; his interval leaves the dump out.
    assert tool.best_exact(5, mtbf_minutes, 10) - 5 == pytest.approx(published, rel=0.01)


def test_the_young_daly_interval_is_nearly_as_good_as_the_best(tool):
    best = tool.goodput_exact(tool.best_exact(120, 11_160, 300), 120, 11_160, 300)
    assert best - tool.goodput_exact(tool.young_daly(120, 11_160), 120, 11_160, 300) < 0.001


def test_the_interval_never_undercuts_the_lag(tool):
    assert tool.best_exact(1, 11_160, 300, 600) >= 600


@pytest.mark.parametrize("text, value", [("90", 90), ("90s", 90), ("5m", 300), ("3.1h", 11_160), ("2d", 172_800)])
def test_times_take_units(tool, text, value):
    assert tool.seconds(text) == pytest.approx(value)


def test_the_figure_is_what_the_program_writes(tmp_path):
    done = run("--save", 10, 120, "--nodes", 128, 512, 2048, "--node-mtbf", "264.5d", "--plot", tmp_path / "figure.svg")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "figure.svg").read_bytes() == FIGURE.read_bytes()


def test_an_interval_that_loses_too_much_fails(tmp_path):
    done = run("--save", 120, "--mtbf", "3.1h", "--interval", "3h", "--failures", 200, "--json", tmp_path / "out.json")
    assert done.returncode == 1 and "FAIL  every 3.0 h" in done.stdout
    assert json.loads((tmp_path / "out.json").read_text())[0]["tau"] == pytest.approx(1637, abs=1)
    assert run("--save", 120, "--mtbf", "3.1h", "--interval", "25m", "--failures", 200).returncode == 0


def test_one_file_alone_in_an_empty_folder_runs(tmp_path):
    shutil.copy(TOOL, tmp_path)
    done = subprocess.run([sys.executable, "-S", TOOL.name, "--save", "60", "--mtbf", "1d", "--failures", "100"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "53.7 min" in done.stdout


@pytest.mark.parametrize("arguments, words", [
    (["--save", "60"], "give either --mtbf"), (["--save", "60", "--mtbf", "1h", "--node-mtbf", "1d"], "give either --mtbf"),
    (["--save", "0", "--mtbf", "1h"], "above 0"), (["--save", "1w", "--mtbf", "1h"], "invalid seconds value"),
    (["--save", "1", "--mtbf", "1h", "--failures", "20", "--plot", "no/such/folder.svg"], "cannot write"),
])
def test_wrong_usage_ends_with_2(tmp_path, arguments, words):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
