"""The cost of a useful PFLOP-day: the chapter's numbers, and wrong usage."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "docs/insights/offer_cost.py"
spec = importlib.util.spec_from_file_location("offer_cost", TOOL)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
GOOD = "A:price=2.50,peak=989.5,mfu=0.40,goodput=0.93"


def run(*words, folder=None, tool=TOOL):
    return subprocess.run([sys.executable, tool, *words], capture_output=True, text=True, timeout=60, cwd=folder)


def test_the_chapters_numbers():
    assert tool.pflop_day_cost(2.50, 989.5, 0.40, 0.93) == pytest.approx(163.00, abs=0.01)
    assert tool.pflop_day_cost(2.10, 989.5, 0.33, 0.80) == pytest.approx(192.93, abs=0.01)
    assert tool.preemptible_goodput(40, 14400, 600) == pytest.approx(0.8838, abs=1e-4)
    assert tool.preemptible_goodput(40, 600, 600) == 0.0


def test_extra_is_part_of_the_price():
    assert tool.pflop_day_cost(2.0, 1000, 0.5, 1.0, extra=0.5) == tool.pflop_day_cost(2.5, 1000, 0.5, 1.0)


def test_a_copy_alone_ranks_the_offers_and_writes_json(tmp_path):
    copy = tmp_path / "offer_cost.py"
    copy.write_bytes(TOOL.read_bytes())
    done = run("B:price=2.10,peak=989.5,mfu=0.33,goodput=0.80", GOOD, "--need", "100", "--json", "o.json", folder=tmp_path, tool=copy)
    assert done.returncode == 0, done.stderr
    assert [offer["name"] for offer in json.loads((tmp_path / "o.json").read_text())] == ["A", "B"]
    assert "16,300" in done.stdout


def test_an_offer_that_never_advances_is_a_failure():
    done = run("spot:price=1,peak=989.5,mfu=0.4,delta=40,M=600,R=600", GOOD)
    assert done.returncode == 1 and "nothing useful" in done.stdout


@pytest.mark.parametrize("words, message", [
    (["A"], "is not NAME"), (["A:price=x"], "is not key=number"), (["A:cost=1"], "is none of"), (["A:price=1,peak=1"], "mfu missing"),
    (["A:price=1,peak=989,mfu=40,goodput=0.9"], "0.40, not 40"), (["A:price=1,peak=989,mfu=0.4"], "give goodput"),
    (["A:price=-1,peak=989,mfu=0.4,goodput=1"], "not negative"), (["A:price=1,peak=9,mfu=0.4,delta=0,M=1,R=1"], "must be positive"),
    ([GOOD, "--json", "/nowhere/o.json"], "cannot write"),
])
def test_wrong_usage_ends_with_two_and_a_line(words, message):
    done = run(*words)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
