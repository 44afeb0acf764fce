"""The run of a minute: its data without torch; resume, faults and a copied file with it."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools import warm

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "docs/training/tiny_run.py"
spec = importlib.util.spec_from_file_location("tiny_run", TOOL)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def run(*words, folder=None, tool=TOOL):
    return warm.run(tool, "--device", "cpu", *words, cwd=folder)


def test_the_language_repeats_by_seed_and_its_floor_counts_three_choices():
    text = tool.corpus(10, 1)
    assert text == tool.corpus(10, 1) != tool.corpus(10, 2) and text.endswith(b". ")
    assert tool.floor(text) == pytest.approx(10 * 3 * 1.3862944 / len(text))       # ln 4 = 1.386


def test_the_schedule_warms_up_holds_and_ends_near_zero():
    rates = [tool.learning_rate(step, 100, 1.0) for step in range(100)]
    assert rates[0] == 0.1 and rates[9] == rates[80] == 1.0 and rates[99] == pytest.approx(0.05)


def test_help_needs_no_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError")
    done = subprocess.run([sys.executable, TOOL, "--help"], capture_output=True, timeout=60, env={**ENVIRONMENT, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0 and b"--stop-after" in done.stdout
    without = subprocess.run([sys.executable, TOOL], capture_output=True, timeout=60, env={**ENVIRONMENT, "PYTHONPATH": str(tmp_path)})
    assert without.returncode == 2 and b"PyTorch is not installed" in without.stderr


@pytest.mark.torch
def test_a_resumed_run_ends_exactly_like_one_that_never_stopped(tmp_path):
    copy = tmp_path / "tiny_run.py"
    copy.write_bytes(TOOL.read_bytes())
    assert run("--steps", "60", "--json", "whole.json", folder=tmp_path, tool=copy).returncode == 0
    stopped = run("--steps", "60", "--out", "kept", "--stop-after", "55", folder=tmp_path, tool=copy)
    assert stopped.returncode == 1 and "newest checkpoint is at step 50" in stopped.stderr
    assert run("--steps", "60", "--out", "kept", "--json", "parts.json", folder=tmp_path, tool=copy).returncode == 0
    whole, parts = (json.loads((tmp_path / name).read_text()) for name in ("whole.json", "parts.json"))
    assert whole["held_out"] == parts["held_out"] and whole["train_loss"] == parts["train_loss"]
    assert whole["floor"] < whole["held_out"] < 3       # ln 256 = 5.5 is no knowledge at all
    other = run("--steps", "70", "--out", "kept", folder=tmp_path, tool=copy)
    assert other.returncode == 2 and "Use --steps 60" in other.stderr
    (tmp_path / "kept/last.pt").write_bytes(b"torn")
    torn = run("--steps", "60", "--out", "kept", folder=tmp_path, tool=copy)
    assert torn.returncode == 1 and "cannot read" in torn.stderr and "Traceback" not in torn.stderr


@pytest.mark.torch
def test_ctrl_c_ends_with_a_line(tmp_path):
    process = subprocess.Popen([sys.executable, "-u", TOOL, "--steps", "100000", "--device", "cpu"], env=ENVIRONMENT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    while not process.stdout.readline().startswith("     0"):
        assert process.poll() is None
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1 and "interrupted at step" in errors and "Traceback" not in errors


@pytest.mark.torch
@pytest.mark.parametrize("words, message", [
    (["--steps", "0"], "must be positive"), (["--device", "nonsense"], "cannot be used"), (["--out", "/dev/null/x"], "cannot use --out"),
])
def test_wrong_usage_ends_with_two_and_a_line(words, message):
    done = run(*words)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.torch
def test_a_loss_that_is_no_number_stops_the_run():
    done = run("--steps", "60", "--lr", "1e20")
    assert done.returncode == 1 and "lower --lr" in done.stderr
