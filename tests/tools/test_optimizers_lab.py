"""The optimizer lab: each rule against torch.optim or its definition; state against its formula and the book's table; the figure."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

TOOL = ROOT / "docs/training/optimizers_lab.py"
RUNS = TOOL.with_suffix(".json")
FIGURE = ROOT / "docs/training/figures/optimizers-lab.svg"
sys.path.insert(0, str(TOOL.parent))
import optimizers_lab as lab  # noqa: E402

sys.path.pop(0)


def run(*arguments: str, tool: Path = TOOL, folder: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, str(tool), *arguments], cwd=folder, text=True, capture_output=True, timeout=100)
    return done.returncode, done.stdout, done.stderr


def rows_of(name: str) -> dict:
    return {row["id"]: row for row in yaml.safe_load((ROOT / "docs/data" / name).read_text("utf-8"))["rows"]}


def test_the_figure_is_drawn_from_the_stored_runs(tmp_path):
    assert run("--load", str(RUNS), "--svg", str(tmp_path / "out.svg"))[0] == 0
    assert (tmp_path / "out.svg").read_bytes() == FIGURE.read_bytes()


def test_the_table_of_the_chapter_holds_the_stored_runs():
    table = rows_of("optimizer_lab.yml")
    for row in json.loads(RUNS.read_text())["rows"]:
        mine = table[row["rule"]]
        assert (mine["state"], mine["loss"], mine["low"], mine["high"]) == pytest.approx(
            (row["state"], row["loss"], row["low"], row["high"]), abs=6e-4), row["rule"]


def test_the_formulas_are_those_of_the_table_of_optimizers(monkeypatch):
    table = rows_of("optimizers.yml")
    n = 4096
    for rule, row, rank, size in (("sgd", "sgd-momentum", 1, 4), ("adamw", "adamw", 1, 4), ("adamw-8bit", "adamw-8bit", 1, 4), ("lion", "lion", 1, 4),
                                  ("adafactor", "adafactor", 1, 4), ("adam-mini", "adam-mini", 1, 4), ("muon", "muon", 1, 4),
                                  ("galore", "galore", 1024, 2), ("apollo", "apollo", 256, 2)):
        monkeypatch.setattr(lab, "RANK", rank)
        scale = size / 4 if rule in ("galore", "apollo") else 1   # the table counts the low-rank states in BF16
        assert lab.formula(rule, n, n) * scale == pytest.approx(table[row]["state_b"], rel=0.03), rule
    assert lab.formula("badam", n, n) * lab.LAYERS + 4 == 12  # and the master copy that FP32 training does not need


def test_wrong_usage_and_help_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')\n")
    shutil.copy(TOOL, tmp_path)
    copy = tmp_path / TOOL.name
    assert "Examples:" in run("--help", tool=copy)[1]
    assert run(tool=copy, folder=tmp_path)[::2] == (2, "optimizers_lab.py needs PyTorch 2.9 or newer: pip install torch\n")
    for arguments, says in ((["--rules", "adamw,adam"], "no rule called adam;"), (["--steps", "0"], "at least one"),
                            (["--load", "none.json"], "cannot read runs from none.json: No such file")):
        code, _, err = run(*arguments)
        assert code == 2 and says in err.splitlines()[-1]


@pytest.mark.torch
@pytest.mark.parametrize("rule, theirs", [("adamw", "AdamW"), ("muon", "Muon")])
@pytest.mark.parametrize("shape", [(16, 40), (40, 16)])
def test_a_rule_moves_as_torch_optim_does(rule, theirs, shape, monkeypatch):
    import torch
    # Both iterate in BF16, whose unit of 0.4% grows to a few percent in five steps; in FP32 they must be the same.
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda tensor: tensor.clone())
    torch.manual_seed(0)
    mine = torch.randn(shape)
    start = mine.clone()
    theirs_p = torch.nn.Parameter(mine.clone())
    more = {"betas": (0.9, 0.95)} if rule == "adamw" else {}
    optimizer = getattr(torch.optim, theirs)([theirs_p], lr=0.02, weight_decay=0.0, **more)
    state: dict = {}
    for step in range(1, 6):
        g = torch.randn(shape)
        theirs_p.grad = g.clone()
        optimizer.step()
        mine -= 0.02 * lab.RULES[rule][0](g, state, step)
    off = (mine - theirs_p).norm() / (theirs_p - start).norm()
    assert off < 1e-4


@pytest.mark.torch
def test_newton_schulz_brings_singular_values_near_one():
    import torch
    torch.manual_seed(0)
    g = torch.randn(64, 96) @ torch.diag(torch.logspace(0, -2, 96))
    values = torch.linalg.svdvals(lab.muon(g, {}, 1))
    assert 0.5 < values.min() and values.max() < 1.3
    u, _, v = torch.linalg.svd(g, full_matrices=False)
    assert torch.nn.functional.cosine_similarity(lab.muon(g, {}, 1).flatten(), (u @ v).flatten(), 0) > 0.97


@pytest.mark.torch
def test_galore_at_full_rank_is_adam_in_another_basis():
    import torch
    torch.manual_seed(0)
    g = torch.randn(8, 12)
    p = torch.linalg.svd(g, full_matrices=False)[0]
    assert torch.allclose(lab.galore(g, {}, 1, rank=8, scale=1), p @ lab.adamw(p.T @ g, {}, 1), atol=1e-5)


@pytest.mark.torch
def test_apollo_keeps_the_direction_of_each_column_and_tames_growth():
    import torch
    torch.manual_seed(0)
    g, state = torch.randn(8, 12), {}
    u = lab.apollo(g, state, 1, rank=4)
    assert torch.allclose(torch.nn.functional.cosine_similarity(u, g, 0), torch.ones(12), atol=1e-5)
    assert lab.apollo(100 * g, state, 2, rank=4).norm() <= 1.0101 * u.norm()


@pytest.mark.torch
def test_eight_bits_hold_a_moment():
    import torch
    torch.manual_seed(0)
    x = torch.randn(4, 256) * torch.logspace(-3, 0, 4)[:, None]
    for power, values in ((3, x), (5, x * x)):
        code, top = lab.encode(values, power)
        assert code.dtype == torch.int8
        assert (lab.decode(code, top, power) - values.view_as(code)).norm() / values.norm() < 0.03


@pytest.mark.torch
def test_every_rule_trains_and_keeps_what_its_formula_says(tmp_path):
    out = tmp_path / "lab.json"
    code, text, err = run("--steps", "12", "--json", str(out))
    assert code == 0, err + text
    got = json.loads(out.read_text())
    assert [row["rule"] for row in got["rows"]] == list(lab.RULES)
    for one in got["runs"]:
        assert one["state"] == pytest.approx(one["formula"]) and len(one["losses"]) == 12
        assert one["rule"] in ("frozen", "badam") or lab.final(one) < one["losses"][0] - 0.2, one["rule"]
