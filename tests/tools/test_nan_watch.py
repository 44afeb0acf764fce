"""nan_watch.py names the module, the pass and the step at which the first bad number appears."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import warm

FOLDER = Path(__file__).parents[2] / "docs/debug"
TOOL = FOLDER / "nan_watch.py"


def run(*words, cwd=FOLDER, **env):
    return subprocess.run([sys.executable, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=55,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **env})


def test_help_works_alone_and_without_torch(tmp_path):
    shutil.copy(TOOL, tmp_path)
    done = run("-S", "nan_watch.py", "--help", cwd=tmp_path)
    assert done.returncode == 0 and "python nan_watch.py train.py" in done.stdout


def test_a_missing_script_is_wrong_usage(tmp_path):
    done = run(TOOL, "absent.py", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr == "nan_watch: no such file: absent.py\n"


@pytest.mark.torch
@pytest.mark.parametrize("words, says", [
    (["nan_overflow.py"], "overflow first at step 0, forward: output of `1.1` (SquaredReLU)"),
    (["nan_log_zero.py"], "NaN first at step 0, backward: gradient of output of `2`"),
    (["--ops", "nan_log_zero.py"], "called from nan_log_zero.py:17 in entropy"),
    (["nan_bad_batch.py"], "NaN first at step 3, forward: output of `Loss` (Loss)"),
])
def test_the_first_offender_is_named(words, says):
    done = watch(*words)
    assert done.returncode == 1 and says in done.stdout, done.stdout + done.stderr


@pytest.mark.torch
@pytest.mark.parametrize("program", ["nan_overflow.py", "nan_log_zero.py", "nan_bad_batch.py"])
def test_the_mended_program_is_clean(program):
    done = watch("--ops", program, "--fixed")
    assert done.returncode == 0 and "nothing found" in done.stdout, done.stdout + done.stderr


def watch(*words, cwd=FOLDER, **env):
    return warm.run(TOOL, *words, cwd=cwd, **env)


def script(tmp_path, text):
    (tmp_path / "train.py").write_text("import torch\nfrom torch import nn\n" + text)
    return watch("--json", "found.json", "train.py", cwd=tmp_path)


@pytest.mark.torch
def test_a_bad_input_is_told_from_a_bad_module(tmp_path):
    done = script(tmp_path, "nn.Sequential(nn.Linear(2, 2))(torch.tensor([[1.0, float('nan')]]))\n")
    found = json.loads((tmp_path / "found.json").read_text())
    assert done.returncode == 1 and found["where"] == "input 0 of `Sequential`"
    assert found["notes"] == ["the data is bad before the model sees it"]


@pytest.mark.torch
def test_a_mask_of_minus_infinity_is_no_mistake(tmp_path):
    done = script(tmp_path, "class M(nn.Module):\n    def forward(self, x, mask):\n        return (x + mask).softmax(-1)\n"
                            "M()(torch.ones(1, 2), torch.tensor([[0.0, float('-inf')]]))\n")
    assert done.returncode == 0, done.stdout


@pytest.mark.torch
def test_a_bad_weight_is_blamed_on_the_step_before(tmp_path):
    done = script(tmp_path, "m = nn.Linear(2, 2)\nm.weight.data[0, 0] = float('nan')\nm(torch.ones(1, 2))\n")
    assert done.returncode == 1 and "its weight is bad before the call" in done.stdout


@pytest.mark.torch
def test_underflow_of_half_gradients_is_reported_at_the_end(tmp_path):
    done = script(tmp_path, "m = nn.Linear(4, 4).half()\n(m(torch.ones(1, 4).half()).float().sum() * 1e-9).backward()\nprint('went on')\n")
    assert done.returncode == 1 and "went on" in done.stdout and "underflow first at step 0, backward" in done.stdout


@pytest.mark.torch
def test_a_gradient_that_overflows_in_a_parameter_alone_is_found(tmp_path):
    done = script(tmp_path, "m = nn.Linear(1, 1).half()\nnn.init.zeros_(m.weight)\n(m(torch.full((4, 1), 60000.0).half()) * 4.0).sum().backward()\n")
    assert done.returncode == 1 and "overflow first at step 0, backward: gradient of `Linear.weight`" in done.stdout, done.stdout


@pytest.mark.torch
def test_a_script_that_fails_by_itself_shows_its_own_traceback(tmp_path):
    done = script(tmp_path, "raise ValueError('mine')\n")
    assert done.returncode == 1 and "ValueError: mine" in done.stderr and "first at" not in done.stdout


@pytest.mark.torch
def test_a_rank_signs_its_report(tmp_path):
    done = watch(FOLDER / "nan_bad_batch.py", cwd=tmp_path, RANK="3")
    assert "[rank 3 " in done.stdout
