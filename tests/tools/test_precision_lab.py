"""The precision lab: its rounding against the explorer's, and runs that end as the chapter says."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

TOOL = ROOT / "docs/training/precision_lab.py"
sys.path.insert(0, str(TOOL.parent))
import dtype_explorer as explorer  # noqa: E402
import precision_lab as lab  # noqa: E402

sys.path.pop(0)


def test_usage_and_help_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('none')\n")
    copy = shutil.copy(TOOL, tmp_path)
    for arguments, code, says in ((["--help"], 0, "Examples:"), ([], 2, "needs PyTorch"), (["--recipes", "fp12"], 2, "no recipe called fp12"), (["--steps", "0"], 2, "at least one")):
        done = subprocess.run([sys.executable, copy, *arguments], cwd=tmp_path, text=True, capture_output=True, timeout=60)
        assert done.returncode == code and says in done.stdout + done.stderr and "Traceback" not in done.stderr


@pytest.mark.torch
def test_stochastic_rounding_keeps_the_mean_and_mx_is_the_explorers():
    import torch
    torch.manual_seed(0)
    x = torch.full((20000,), -1.002)
    y = lab.stochastic_bf16(x, torch.Generator().manual_seed(1)).float()
    assert set(y.tolist()) == {-1.0, -1.0078125} and y.mean().item() == pytest.approx(-1.002, abs=1e-4)
    values = torch.randn(64, 64)
    for name, arguments in (("e4m3", (448.0, 3, -6)), ("e2m1", (6.0, 1, 0))):
        theirs = explorer.quantize(values.flatten().tolist(), explorer.FORMATS[name], 32, "mx")
        assert lab.mx(values, *arguments).flatten().tolist() == pytest.approx(theirs, rel=1e-6)


@pytest.mark.torch
def test_each_recipe_trains_and_unscaled_fp16_loses_gradients():
    import torch
    torch.set_num_threads(1)
    runs = {recipe: lab.train(recipe, 8, 0, 65536) for recipe in ("bf16-mixed", "bf16-pure", "bf16-sr", "fp16-unscaled", "fp16-scaled", "mxfp4", "fp32")}
    for recipe, run in runs.items():
        assert len(run["losses"]) == 8 and run["losses"][-1] < run["losses"][0], recipe
    assert runs["fp16-unscaled"]["zero"] > 0.1 > 0.01 > runs["fp16-scaled"]["zero"]
    assert "fp32" in lab.table(list(runs.values()))
