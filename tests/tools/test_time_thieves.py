"""The time thieves: each one's counter shows it; wrong input; a run that is stopped."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import ROOT

TOOL = ROOT / "docs/training/performance/time_thieves.py"
sys.path.insert(0, str(TOOL.parent))
import time_thieves as lab  # noqa: E402

sys.path.pop(0)


def run(*arguments: str, tool: Path = TOOL, folder: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, str(tool), *arguments], cwd=folder, text=True, capture_output=True, timeout=100)
    return done.returncode, done.stdout, done.stderr


def test_prefetched_keeps_order_and_ends():
    assert list(lab.prefetched(iter(range(10)), depth=2)) == list(range(10))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loader_that_fails_does_not_hang_the_loop():
    def broken():
        yield 1
        raise OSError("disk gone")
    assert list(lab.prefetched(broken())) == [1]
    for thread in threading.enumerate():    # its error must reach pytest while this test's filter holds
        if thread is not threading.current_thread():
            thread.join(5)


def test_wrong_usage_and_help_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')\n")
    shutil.copy(TOOL, tmp_path)
    copy = tmp_path / TOOL.name
    assert "Examples:" in run("--help", tool=copy)[1]
    assert run(tool=copy, folder=tmp_path)[::2] == (2, "time_thieves.py needs PyTorch: pip install torch\n")
    code, _, err = run("--only", "baseline,theft")
    assert code == 2 and "nothing called theft" in err.splitlines()[-1]
    assert run("--steps", "0")[0] == 2


@pytest.mark.torch
def test_packing_wastes_nothing_and_padding_does():
    texts = lab.documents(0, 20)
    rows, real = lab.padded(texts, lab.SEQ)
    assert rows.shape == (20, lab.SEQ) and real == int((rows != 0).sum()) < rows.numel()
    rows, real = lab.packed(texts, lab.SEQ)
    assert real == rows.numel() and rows.flatten().tolist() == [token for text in texts for token in text.tolist()][:real]


@pytest.mark.torch
def test_each_thief_shows_in_its_counter(tmp_path):
    out = tmp_path / "thieves.json"
    code, text, err = run("--steps", "3", "--json", str(out))
    assert code == 0, err
    got = {row["variant"]: row for row in json.loads(out.read_text())}
    base = got["baseline"]
    assert list(got) == list(lab.VARIANTS) and "useful tok/s" in text
    assert got["slow data"]["data_ms"] >= lab.LOAD * 1000
    assert got["padding"]["real"] < 0.7 and got["packing"]["real"] == base["real"] == 1
    assert got["micro-batches"]["calls"] > 5 * base["calls"]
    assert got["small kernels"]["calls"] > 1.5 * base["calls"]
    assert (base["reads"], got["chatty log"]["reads"] > 10) == (0, True)
    assert (base["gc"], got["garbage"]["gc"]) == (0, 1)
    assert got["recompute"]["calls"] > base["calls"]


@pytest.mark.torch
def test_ctrl_c_prints_what_is_done(monkeypatch, capsys):
    done = {"variant": "baseline", "ms": 1.0, "data_ms": 0.0, "real": 1.0, "calls": 220, "reads": 0, "gc": 0.0, "useful_per_s": 512.0}
    answers = iter([done])

    def interrupted(name, steps):
        for answer in answers:
            return answer
        raise KeyboardInterrupt

    monkeypatch.setattr(lab, "measure", interrupted)
    assert lab.main([]) == 0
    out, err = capsys.readouterr()
    assert "220" in out and "interrupted" in err


@pytest.mark.torch
def test_an_unwritable_file_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(lab, "measure", lambda name, steps: {"variant": name, "ms": 1.0, "data_ms": 0.0, "real": 1.0, "calls": 1, "reads": 0,
                                                             "gc": 0.0, "useful_per_s": 1.0})
    assert lab.main(["--only", "baseline", "--json", str(tmp_path / "none" / "x.json")]) == 1
    assert "cannot write" in capsys.readouterr().err
