"""The MFU calculator: formulas without torch; torch's counter on tiny models; wrong input."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

TOOL = ROOT / "docs/training/performance/mfu.py"
sys.path.insert(0, str(TOOL.parent))
import mfu as tool  # noqa: E402

sys.path.pop(0)

LLAMA_8B = tool.Shape(layers=32, hidden=4096, heads=32, kv_heads=8, ffn=14336, vocab=128256)
FLAGS = ["--layers", "32", "--hidden", "4096", "--heads", "32", "--kv-heads", "8", "--ffn", "14336", "--vocab", "128256", "--seq", "8192"]


def run(*arguments: str, tool: Path = TOOL, folder: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, str(tool), *arguments], cwd=folder, text=True, capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_the_weights_of_llama_3_8b():
    assert tool.layer_weights(LLAMA_8B) + 4096 * 128256 == 7_504_658_432  # 8.03e9 less the embedding and the norms


def test_six_a_weight_and_twelve_l_h_s():
    assert tool.model_flops(LLAMA_8B, 8192, causal=False) == 6 * 7_504_658_432 + 12 * 32 * 4096 * 8192
    assert tool.model_flops(LLAMA_8B, 8192, causal=True) == 6 * 7_504_658_432 + 6 * 32 * 4096 * 8192


def test_full_recomputation_adds_a_forward_pass_of_the_layers():
    weights = tool.layer_weights(LLAMA_8B)
    assert tool.recomputed_flops(LLAMA_8B, 8192, False, "full") == 2 * weights + 4 * 32 * 4096 * 8192
    assert tool.recomputed_flops(LLAMA_8B, 8192, True, "selective") == 2 * 32 * 4096 * 8192
    assert tool.recomputed_flops(LLAMA_8B, 8192, True, "none") == 0


def test_a_token_meets_only_its_experts():
    moe = tool.Shape(layers=4, hidden=64, heads=4, ffn=256, vocab=100, experts=16, experts_per_token=2, shared_experts=1, expert_ffn=32,
                     dense_layers=1)
    assert tool.layer_weights(moe) == 4 * 4 * 64 * 64 + 3 * 64 * 256 + 3 * (3 * 64 * 32 * 3 + 64 * 16)


def test_the_numbers_that_the_chapter_prints(tmp_path):
    out = tmp_path / "out.json"
    code, text, _ = run(*FLAGS, "--causal", "--gpus", "64", "--tokens-per-s", "480000", "--recompute", "full", "--price", "2.5",
                        "--total-tokens", "1e12", "--json", str(out))
    got = json.loads(out.read_text())
    assert code == 0 and "39.0%" in text and "51.2%" in text
    assert got["mfu"] == pytest.approx(480000 * got["model_flops_per_token"] / (64 * 989.5e12))
    assert got["gpu_hours"] == pytest.approx(64 * 1e12 / 480000 / 3600)
    assert got["one_point_gpu_hours"] == pytest.approx(got["gpu_hours"] * (1 - got["mfu"] / (got["mfu"] + 0.01)))


def test_the_constants_of_the_tuning_log_and_the_sums_of_the_budget():
    columns = (ROOT / "docs/data/tuning_log.yml").read_text("utf-8")
    for causal in (True, False):
        assert f"compute: tps * {tool.model_flops(LLAMA_8B, 8192, causal) / 1e9:.3f} / 9895" in columns
    rows = [line.split("|") for line in (ROOT / "docs/training/performance/index.md").read_text("utf-8").splitlines() if line.count("|") == 6]
    parts = [(int(row[2]), int(row[5])) for row in rows if row[2].strip().isdigit() and row[5].strip().isdigit()]
    assert len(parts) == 8 and [sum(column) for column in zip(*parts)] == [1000, 555]
    assert round(250 * 989.5 / 780) == parts[0][0]


def test_a_hugging_face_configuration(tmp_path):
    config = {"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
              "vocab_size": 128256, "num_experts_per_tok": None}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert run("--config", str(tmp_path / "config.json"), "--seq", "8192")[1] == run(*FLAGS)[1]


@pytest.mark.parametrize("text, says", [("{", "cannot read"), ("[]", "holds no configuration"), ('{"kv_lora_rank": 512}', "multi-head latent attention")])
def test_a_file_that_is_no_configuration(tmp_path, text, says):
    (tmp_path / "config.json").write_text(text)
    code, _, err = run("--config", str(tmp_path / "config.json"), "--seq", "8")
    assert code == 2 and says in err.splitlines()[-1]


@pytest.mark.parametrize("arguments, says", [
    ([], "give --layers, --hidden, --heads, --ffn, --vocab, --seq, or --check"),
    ([*FLAGS, "--heads", "33"], "--hidden 4096 is no multiple of --heads 33"),
    ([*FLAGS, "--experts", "8"], "--experts 8 needs --experts-per-token"),
    ([*FLAGS, "--goodput", "0"], "--goodput in (0, 1]"),
    (["--config", "missing.json", "--seq", "8"], "cannot read missing.json: No such file"),
])
def test_wrong_usage_is_one_line_and_status_2(arguments, says):
    code, _, err = run(*arguments)
    assert code == 2 and says in err.splitlines()[-1]


def test_more_than_the_peak_is_a_mistake_somewhere():
    code, out, err = run(*FLAGS, "--tokens-per-s", "480000")
    assert code == 1 and "MFU" in out and "HFU above 100%" in err


def test_an_unwritable_file_is_one_line(tmp_path):
    code, out, err = run(*FLAGS, "--json", str(tmp_path / "none" / "out.json"))
    assert code == 1 and "weights" in out and "cannot write" in err and "Traceback" not in err


def test_a_copy_alone_answers_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')\n")
    shutil.copy(TOOL, tmp_path)
    copy = tmp_path / TOOL.name
    assert run(*FLAGS, tool=copy, folder=tmp_path)[0] == 0
    assert "Examples:" in run("--help", tool=copy, folder=tmp_path)[1]
    assert run("--check", tool=copy, folder=tmp_path)[::2] == (2, "mfu.py --check needs PyTorch: pip install torch\n")


@pytest.mark.torch
@pytest.mark.parametrize("name", tool.TINY)
@pytest.mark.parametrize("recompute", ["none", "full"])
def test_torch_counts_what_the_formula_says(name, recompute):
    shape = tool.TINY[name]
    for seq in (8, 32):
        assert tool.counted(shape, seq=seq, recompute=recompute == "full") == (
            tool.model_flops(shape, seq, False) + tool.recomputed_flops(shape, seq, False, recompute))


@pytest.mark.torch
def test_early_stop_saves_the_last_product_of_each_layer():
    dense = tool.TINY["dense"]
    saved = tool.counted(dense, recompute=True) - tool.counted(dense, recompute=True, early_stop=True)
    assert saved == dense.layers * 2 * dense.hidden * dense.ffn  # the product with `down`


@pytest.mark.torch
def test_a_count_that_differs_fails_the_check(monkeypatch, capsys):
    assert tool.check() == 0
    monkeypatch.setattr(tool, "layer_weights", lambda m: 1)
    assert tool.check() == 1 and "differs" in capsys.readouterr().out
