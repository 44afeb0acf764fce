"""The memory estimator: published closed forms, the book's data, its faults, and every live byte of tiny models."""

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from openbook.facts.load import load_facts
from tests.conftest import ROOT
from tests.tools import warm

TOOL = ROOT / "docs/training/memory_estimator.py"
spec = importlib.util.spec_from_file_location("memory_estimator", TOOL)
tool = importlib.util.module_from_spec(spec)
sys.modules["memory_estimator"] = tool
spec.loader.exec_module(tool)
FACTS, _ = load_facts(ROOT / "docs/data", ROOT)
Shape, Plan = tool.Shape, tool.Plan
GPT3 = tool.SHAPES["175b-gpt"]


def run(*words, path: Path = TOOL, **options) -> subprocess.CompletedProcess:
    """Run the tool as a reader does, on one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, str(path), *map(str, words)], capture_output=True, text=True, timeout=100, env=environment, **options)


# Closed forms --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, billions, active", [
    ("8b", 8.03, 8.03), ("70b", 70.55, 70.55), ("405b", 405.85, 405.85), ("30b-a3b", 30.53, 3.35), ("175b-gpt", 174.6, 174.6)])
def test_parameters_are_those_of_the_models(name, billions, active):
    shape = tool.SHAPES[name]
    assert shape.parameters() / 1e9 == pytest.approx(billions, rel=1e-3)
    assert shape.parameters(active_only=True) / 1e9 == pytest.approx(active, rel=2e-3)


@pytest.mark.parametrize("plan, factor", [
    (Plan(attention="eager"), 34 + 80),                                   # a s / h = 96 x 2048 / 12288 = 16, times 5
    (Plan(attention="eager", tp=8), 10 + 24 / 8 + 80 / 8),
    (Plan(attention="eager", tp=8, sp=True), (34 + 80) / 8),
    (Plan(attention="eager", recompute="attention", tp=8, sp=True), 34 / 8),
])
def test_a_gpt_layer_keeps_what_the_paper_says(plan, factor):
    plan = tool.replace(plan, seq=2048)
    sums = 4 * 96 * 2048 / plan.tp if plan.recompute == "attention" else 0       # fused attention's FP32 sums, which the paper neglects
    assert tool.layer_bytes(GPT3, plan) - sums == pytest.approx(2048 * 12288 * factor)


def test_a_llama_layer_keeps_41_h_or_with_a_fused_mlp_34_h():
    shape, plan = tool.SHAPES["8b"], Plan(seq=1)
    assert tool.layer_bytes(shape, plan) == 168_072
    assert tool.layer_bytes(shape, Plan(seq=1, fused_mlp=True)) / 4096 == pytest.approx(34.03, abs=0.01)


def test_full_recomputation_keeps_2_h_and_a_pipeline_keeps_as_much_on_its_first_stage():
    plan = Plan(seq=8192, recompute="full")
    assert tool.estimate(tool.SHAPES["8b"], plan)["activations"] == 2 * 4096 * 8192 * 32
    for stages in (2, 4, 8):
        piped = tool.replace(plan, pp=stages, micro_batches=32)
        assert tool.estimate(tool.SHAPES["8b"], piped)["activations"] == 2 * 4096 * 8192 * 32


@pytest.mark.parametrize("stage, gb", [(0, 128.5), (1, 44.2), (2, 30.1), (3, 16.06)])
def test_zero_divides_what_it_says(stage, gb):
    parts = tool.estimate(tool.SHAPES["8b"], Plan(zero=stage, dp=8))
    assert sum(parts[name] for name in ("weights", "gradients", "optimizer")) / 1e9 == pytest.approx(gb, abs=0.06)


def test_experts_are_sharded_over_their_own_replicas_only():
    # 8 ranks, 8 expert groups: each expert exists once, so its optimizer state cannot be divided further.
    alone = tool.estimate(Shape(1, 64, 64, 4, 4, 1, experts=8, active=1), Plan(zero=1, dp=8, ep=8))["optimizer"]
    experts, rest = 3 * 64 * 64 * 12, (4 * 64 * 64 + 2 * 64 + 64 * 8 + 2 * 64 + 64) * 12 / 8
    assert alone == pytest.approx(experts + rest)


def test_the_loss_peaks_at_twelve_bytes_a_logit_in_as_many_pieces_as_asked():
    whole, eighth = (tool.estimate(tool.SHAPES["8b"], Plan(seq=8192, loss_chunks=n))["output and loss"] for n in (1, 8))
    assert whole - eighth == pytest.approx(12 * 128256 * 8192 * 7 / 8)


def test_a_cache_of_131072_tokens_of_8b_is_larger_than_the_weights():
    parts = tool.estimate(tool.SHAPES["8b"], Plan(recipe="bf16-inference", seq=131072))
    assert parts["KV cache"] == 131072 ** 2 > parts["weights"]


# The book's data -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("recipe", [name for name in tool.RECIPES if name not in tool.ADAPTERS])
def test_a_recipe_is_that_of_the_table(recipe):
    cells = next(row.cells for row in FACTS.tables["memory_per_param"].rows if row.id == recipe)
    assert tool.RECIPES[recipe] == pytest.approx([cells[part].value for part in ("weights", "grads", "master", "m", "v", "extra")])


@pytest.mark.parametrize("row", FACTS.tables["scenarios"].rows, ids=lambda row: row.id)
def test_a_scenario_prints_its_memory_its_parameters_and_its_attention(row, tmp_path):
    plan = row.cells["plan"].value
    words = shlex.split((plan if isinstance(plan, str) else plan["en"]).strip("`"))
    assert tool.main([*words, "--json", str(tmp_path / "o.json")]) == 0
    got = json.loads((tmp_path / "o.json").read_text())
    shape = Shape(**got["shape"])
    assert got["total"] / 1e9 == pytest.approx(row.cells["memory_gb"].value, abs=0.006)
    assert got["active"] / 1e9 == pytest.approx(row.cells["active"].value, rel=1e-3)
    assert 100 * shape.layers * shape.heads * shape.d * got["plan"]["seq"] / got["active"] == pytest.approx(row.cells["attention"].value, abs=0.06)


# The command line ----------------------------------------------------------------------------------------------------

def test_alone_in_an_empty_folder_it_says_whether_the_plan_fits(tmp_path):
    shutil.copy(TOOL, tmp_path)
    plan = ["--model", "8b", "--dp", "8", "--zero", "3", "--seq", "8192", "--device-gb", "80"]
    done = run(*plan, path=tmp_path / TOOL.name, cwd=tmp_path)
    assert done.returncode == 1 and "does NOT fit, 4.3 GB too much" in done.stdout
    done = run(*plan, "--loss-chunks", "8", path=tmp_path / TOOL.name, cwd=tmp_path)
    assert done.returncode == 0 and "fits, 6.8 GB left" in done.stdout


def test_help_shows_examples():
    done = run("--help")
    assert done.returncode == 0 and "--model 8b --recipe bf16-adamw" in done.stdout and "--verify" in done.stdout


def test_it_reads_a_hugging_face_configuration(tmp_path):
    config = {"num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8,
              "vocab_size": 128256, "tie_word_embeddings": False}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert tool.shape_from_config(str(tmp_path / "config.json")) == tool.SHAPES["8b"]


@pytest.mark.parametrize("words, message", [
    (["--heads", "30"], "no multiple of 8 key-value heads"),
    (["--tp", "5"], "--tp 5 does not divide 32 heads"),
    (["--pp", "33"], "--pp 33 is more than 32 layers"),
    (["--cp", "3"], "--cp 3 does not divide --seq 4096"),
    (["--ep", "2", "--dp", "2"], "--ep 2 does not divide 0 experts"),
    (["--model", "30b-a3b", "--ep", "8", "--dp", "4"], "--ep 8 does not divide 4 data-parallel ranks"),
    (["--sp"], "--sp needs --tp above 1"),
    (["--micro-batch", "0"], "--micro-batch 0 is below 1"),
    (["--frozen", "1"], "--frozen 1.0 is no share below 1"),
    (["--reserve", "10"], "--reserve 10.0 is no share"),
    (["--recipe", "bf16-inference", "--zero", "3"], "--zero is for training"),
    (["--config", "/nowhere/config.json"], "cannot read /nowhere/config.json"),
    (["--json", "/dev/full"], "cannot write /dev/full: No space left"),
])
def test_a_wrong_request_gets_one_line(words, message):
    done = run(*words)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr and done.stderr.count("\n") == 1


def test_a_configuration_of_another_kind_names_what_is_missing(tmp_path):
    (tmp_path / "config.json").write_text('{"n_layer": 12}')
    done = run("--config", tmp_path / "config.json")
    assert done.returncode == 2 and "has no 'num_attention_heads'" in done.stderr


def test_without_torch_a_check_says_so(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    done = run("--verify", cwd=tmp_path, path=shutil.copy(TOOL, tmp_path))
    assert done.returncode == 2 and "--verify needs PyTorch (no torch here)" in done.stderr


# With PyTorch --------------------------------------------------------------------------------------------------------

@pytest.mark.torch
def test_every_byte_of_eleven_tiny_models_is_foretold_within_a_third_of_a_per_cent():
    done = warm.run(TOOL, "--verify", "--device", "cpu", "--limit", "0.003")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\n") == 2 + len(tool.CASES) + 1 and "agrees" in done.stdout


@pytest.mark.torch
def test_a_wrong_estimate_is_found(monkeypatch, capsys):
    monkeypatch.setattr(tool, "CASES", tool.CASES[:1])
    monkeypatch.setattr(tool, "layer_bytes", lambda shape, plan, right=tool.layer_bytes: 1.1 * right(shape, plan))
    assert tool.main(["--verify", "--device", "cpu"]) == 1 and "DISAGREES" in capsys.readouterr().out


@pytest.mark.torch
def test_a_device_that_is_not_there_gets_one_line():
    done = warm.run(TOOL, "--verify", "--device", "cuda:77")
    assert done.returncode == 2 and "no device 'cuda:77'" in done.stderr and "Traceback" not in done.stderr


SHARDS = """
import importlib.util, os, sys
import torch, torch.distributed as dist
from torch.distributed.fsdp import fully_shard
spec = importlib.util.spec_from_file_location("tool", sys.argv[1]); tool = importlib.util.module_from_spec(spec)
sys.modules["tool"] = tool; spec.loader.exec_module(tool)
dist.init_process_group("gloo")
shape, plan = tool.Shape(2, 64, 128, 4, 2, 256), tool.Plan(recipe="fp32-adamw", zero=3, dp=dist.get_world_size(), seq=32)
model = tool.build(torch, shape, plan)
for block in model.blocks:
    fully_shard(block)
fully_shard(model)
optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
ids = torch.randint(shape.vocab, (1, 32))
torch.nn.functional.cross_entropy(model(ids).flatten(0, 1), ids.flatten()).backward()
optimizer.step()
local = lambda t: t.to_local().nbytes if hasattr(t, "to_local") else t.nbytes
seen = {"weights": sum(local(p) for p in model.parameters()), "gradients": sum(local(p.grad) for p in model.parameters()),
        "optimizer": sum(local(t) for s in optimizer.state.values() for t in s.values() if t.ndim)}
parts = tool.estimate(shape, plan)
print(dist.get_rank(), *(f"{parts[k] / seen[k] - 1:.5f}" for k in seen), flush=True)
dist.destroy_process_group()
"""


@pytest.mark.torch
@pytest.mark.parametrize("ranks", [2, 4])
def test_the_shards_of_fsdp2_are_those_of_zero_3(ranks, tmp_path):
    (tmp_path / "shards.py").write_text(SHARDS)
    done = warm.ranks(ranks, tmp_path / "shards.py", TOOL)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(lines) == ranks, done.stderr[-2000:]
    assert all(abs(float(off)) < 0.005 for line in lines for off in line[1:]), lines
