"""The lab that breaks training: starts at ln V, resumes to the bit, and says clearly what it lacks."""

import math
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

TOOL = ROOT / "docs/training/instabilities/instability_lab.py"
sys.path.insert(0, str(TOOL.parent))
import instability_lab as lab  # noqa: E402

sys.path.pop(0)


@pytest.mark.torch
def test_an_untrained_model_knows_nothing_and_a_resumed_one_the_same():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    run = lab.Run(torch)
    assert run.step(0.1) == pytest.approx(math.log(lab.VOCAB), abs=0.35)
    assert 0 < run.entropy < math.log(lab.VOCAB)
    saved = run.save()
    first = [run.step() for _ in range(5)]
    run.load(saved)
    assert [run.step() for _ in range(5)] == first


@pytest.mark.torch
def test_the_five_ways_out_begin_where_they_say():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    rows = lab.rescue(torch, steps=1, seen_at=301)
    assert len(rows) == 5 and rows[2][1] != rows[0][1] and all(math.isfinite(soon) for _, soon, _ in rows)


def test_a_curve_keeps_its_spike_when_it_is_thinned():
    values = [2.0] * 100
    values[42] = 4.0
    assert max(value for _, value in lab.thin(values)) == 4.0 and len(lab.thin(values)) == 21


def test_csv_goes_both_ways(tmp_path):
    lab.write_csv({"healthy": [3.0, 2.5], "plateau": [3.0]}, 1.6, tmp_path / "x.csv")
    assert lab.read_csv(tmp_path / "x.csv") == ({"healthy": [3.0, 2.5], "plateau": [3.0]}, 1.6)


def test_alone_and_without_torch_it_says_what_it_needs(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('none here')\n")
    shutil.copy(TOOL, tmp_path)
    for arguments, code, words in ((("--help",), 0, "--rescue"), ((), 2, "say what to do"), (("--rescue",), 2, "needs PyTorch"),
                                   (("--figure", "x.svg"), 2, "No such file")):
        done = subprocess.run([sys.executable, TOOL.name, *arguments], cwd=tmp_path, text=True, capture_output=True, timeout=60)
        assert done.returncode == code and words in done.stdout + done.stderr and "Traceback" not in done.stderr
