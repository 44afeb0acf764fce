"""make_tiny_model.py: tokenizer, data and cutting without torch; the three presets with it."""

import importlib.util
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from openbook.facts.load import load_facts

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "docs/debug/make_tiny_model.py"
spec = importlib.util.spec_from_file_location("make_tiny_model", TOOL)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def run(*words, folder=None, tool=TOOL, env=ENVIRONMENT):
    return subprocess.run([sys.executable, tool, *map(str, words)], capture_output=True, text=True, timeout=60, cwd=folder, env=env)


@pytest.fixture
def without_torch(tmp_path):
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/torch.py").write_text("raise ImportError")
    return {**ENVIRONMENT, "PYTHONPATH": str(tmp_path / "hidden")}


@pytest.fixture(scope="module")
def tokenizer():
    return tool.tokenizer_json(tool.train_bpe(tool.sentences(64, 0), 300))


def test_the_merges_are_those_done_by_hand():
    # "aaab" x 2 has the pairs aa 2 x 2, ab 2; then aa+a 2 and ab 2 tie: the smaller pair is (a, b).
    assert tool.train_bpe(["aaab", "aaab"], 261) == [("a", "a"), ("a", "b")]
    with pytest.raises(tool.Trouble, match="gives 262 tokens, not 400"):
        tool.train_bpe(["aaab", "aaab"], 400)


@pytest.mark.parametrize("text", ["Ada puts 3 red squares in the box.", "naïve 三个红色方块\n\t 2  spaces ", "", "<|bos|> is text here"])
def test_any_text_comes_back(tokenizer, text):
    assert tool.decode(tool.encode(text, tokenizer), tokenizer) == text


def test_a_word_of_the_corpus_is_one_token_and_special_tokens_are_not_text(tokenizer):
    assert len(tool.encode(" the", tokenizer)) == 1
    assert tool.decode([1, *tool.encode("red", tokenizer), 2], tokenizer) == "red"


def test_a_shrunk_tokenizer_spells_every_text_and_keeps_its_special_tokens(tokenizer):
    tokenizer = json.loads(json.dumps(tokenizer))
    tokenizer["added_tokens"].append({"id": 300, "content": "<|last|>", "special": True})
    tokenizer["post_processor"] = {"type": "TemplateProcessing", "special_tokens": {"<|last|>": {"id": "<|last|>", "ids": [300]}}}
    small, kept = tool.shrink_tokenizer(tokenizer, 270)
    assert kept == [*range(269), 300]                   # 3 special tokens, 256 bytes, 10 merges, and the last special token
    assert small["added_tokens"][-1]["id"] == 269 and small["post_processor"]["special_tokens"]["<|last|>"]["ids"] == [269]
    assert small["model"]["merges"] == tokenizer["model"]["merges"][:10]
    text = "Ada puts 3 red squares. 三"
    assert tool.decode(tool.encode(text, small), small) == text
    assert len(tool.encode(text, small)) > len(tool.encode(text, tokenizer))


def test_old_and_new_spelling_of_merges_are_read(tokenizer):
    old = json.loads(json.dumps(tokenizer))
    old["model"]["merges"] = [" ".join(pair) for pair in old["model"]["merges"]]
    assert tool.shrink_tokenizer(old, 270) == tool.shrink_tokenizer(tokenizer, 270)


@pytest.mark.parametrize("change, words", [(lambda t: t["model"].update(type="Unigram"), "only BPE"), (lambda t: None, "259 special")])
def test_a_tokenizer_that_cannot_be_shrunk_is_refused(tokenizer, change, words):
    other = json.loads(json.dumps(tokenizer))
    change(other)
    with pytest.raises(tool.Trouble, match=words):
        tool.shrink_tokenizer(other, 100)


def test_make_without_torch_writes_tokenizer_and_data(tmp_path, without_torch):
    copy = tmp_path / "make_tiny_model.py"
    copy.write_bytes(TOOL.read_bytes())
    assert run("--help", tool=copy, env=without_torch).returncode == 0
    refused = run("make", "tiny", folder=tmp_path, tool=copy, env=without_torch)
    assert refused.returncode == 2 and "needs PyTorch" in refused.stderr and not (tmp_path / "tiny").exists()
    assert run("make", "tiny", "--no-weights", folder=tmp_path, tool=copy, env=without_torch).returncode == 0
    again = run("make", "tiny", "--no-weights", folder=tmp_path, tool=copy, env=without_torch)
    assert again.returncode == 2 and "not empty" in again.stderr
    rows = [json.loads(line) for line in (tmp_path / "tiny/data/preference.jsonl").read_text().splitlines()]
    assert all(set(row) == {"prompt", "chosen", "rejected"} and row["chosen"] != row["rejected"] for row in rows)
    image = (tmp_path / "tiny/data/image_text/red-square.png").read_bytes()
    start = image.index(b"IDAT") + 4
    size = struct.unpack(">I", image[start - 8:start - 4])[0]
    rows = zlib.decompress(image[start:start + size])
    assert len(rows) == 32 * (1 + 32 * 3) and rows[16 * 97 + 1 + 16 * 3:][:3] == bytes([200, 40, 40])     # the middle is red


def model_of_bytes(folder, layers=4, vocab=270):
    """Write a checkpoint of two files whose tensors are easy to recognise: byte n everywhere in layer n, row r full of r % 256."""
    folder.mkdir()
    rows = b"".join(bytes([r % 256]) * 4 for r in range(vocab))
    first = [("model.embed_tokens.weight", "BF16", [vocab, 2], rows), ("model.layers.0.mlp.up_proj.weight", "F32", [2], b"\0" * 8)]
    rest = [(f"model.layers.{n}.mlp.up_proj.weight", "F32", [2], bytes([n]) * 8) for n in range(1, layers)]
    files = {"a.safetensors": first, "b.safetensors": rest}
    for name, tensors in files.items():
        tool.write_safetensors(folder / name, [(n, d, s, len(b)) for n, d, s, b in tensors], [b for *_, b in tensors])
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {t[0]: name for name, ts in files.items() for t in ts}}))
    (folder / "config.json").write_text(json.dumps({"num_hidden_layers": layers, "vocab_size": vocab, "eos_token_id": [vocab - 1, 5],
                                                    "layer_types": list("abcd")[:layers], "hidden_size": 2}))
    tokens = tool.tokenizer_json(tool.train_bpe(tool.sentences(64, 0), vocab - 1))
    tokens["added_tokens"].append({"id": vocab - 1, "content": "<|end|>", "special": True})
    (folder / "tokenizer.json").write_text(json.dumps(tokens))


def test_cut_keeps_the_layers_and_rows_it_was_asked_for(tmp_path, without_torch):
    model_of_bytes(tmp_path / "big")
    done = run("cut", "big", "small", "--layers", "0,3", "--vocab", "262", folder=tmp_path, env=without_torch)
    assert done.returncode == 0, done.stderr
    header, start = tool.read_header(tmp_path / "small/model.safetensors")
    body = (tmp_path / "small/model.safetensors").read_bytes()[start:]
    at = {name: body[slice(*entry["data_offsets"])] for name, entry in header.items()}
    assert set(at) == {"model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight"}
    assert at["model.layers.0.mlp.up_proj.weight"] == b"\0" * 8 and at["model.layers.1.mlp.up_proj.weight"] == b"\3" * 8
    assert header["model.embed_tokens.weight"]["shape"] == [262, 2] and at["model.embed_tokens.weight"][-4:] == bytes([269 % 256]) * 4
    config = json.loads((tmp_path / "small/config.json").read_text())
    assert config == {"num_hidden_layers": 2, "vocab_size": 262, "eos_token_id": [261, 5], "layer_types": ["a", "d"], "hidden_size": 2}


@pytest.mark.parametrize("words, message", [
    (["--layers", "0,4"], "layers 0 to 3"), (["--layers", "1,1"], "named once"), (["--layers", "all"], "numbers such as"), (["--vocab", "9"], "too small"),
])
def test_a_wrong_cut_ends_with_two_and_a_line(tmp_path, words, message):
    model_of_bytes(tmp_path / "big")
    done = run("cut", "big", "small", *words, folder=tmp_path)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr and not (tmp_path / "small").exists()


def test_damaged_sources_and_full_disks_are_named(tmp_path, without_torch):
    none = run("cut", tmp_path / "none", tmp_path / "x", env=without_torch)
    assert none.returncode == 2 and "no " in none.stderr and "Hugging Face layout" in none.stderr
    model_of_bytes(tmp_path / "big")
    whole = (tmp_path / "big/b.safetensors").read_bytes()
    (tmp_path / "big/b.safetensors").write_bytes(whole[:-4])
    torn = run("cut", "big", "small", "--layers", "0,3", folder=tmp_path, env=without_torch)
    assert torn.returncode == 2 and "cut off" in torn.stderr and not list((tmp_path / "small").glob("model*"))
    (tmp_path / "big/b.safetensors").write_bytes(b"no")
    assert "cut off" in run("cut", "big", "small", folder=tmp_path, env=without_torch).stderr
    full = run("make", "tiny", "--no-weights", "--json", "/dev/full", folder=tmp_path, env=without_torch)
    assert full.returncode == 2 and "No space left" in full.stderr and "Traceback" not in full.stderr


def test_the_table_of_the_book_holds_the_presets():
    facts, _ = load_facts(ROOT / "docs/data", ROOT)
    rows = {row.id: {name: cell.value for name, cell in row.cells.items()} for row in facts.tables["tiny_presets"].rows}
    for name, p in tool.PRESETS.items():
        row = rows[name]
        assert [row[key]["en"] for key in ("layers", "hidden", "ffn")] == [str(p[key]) for key in ("layers", "hidden", "ffn")]
        assert row["count"] == tool.parameters(p) and row["kb"] == pytest.approx(tool.parameters(p) * 4 / 1000)
        assert row["heads"]["en"] == f"{p['heads']} / {p['kv']} × {p['head_dim']}"


@pytest.mark.torch
def test_each_preset_is_small_learns_and_survives_a_cut(tmp_path, capsys, monkeypatch):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["make_tiny_model.py", *map(str, words)])
        return tool.main(), capsys.readouterr()
    for preset in tool.PRESETS:
        folder = tmp_path / preset
        assert call("make", folder, "--preset", preset)[0] == 0
        assert sum(path.stat().st_size for path in folder.rglob("*.*")) < 1_000_000
        code, said = call("train", folder, "--device", "cpu", "--json", tmp_path / "out.json")
        assert code == 0, said.out
        result = json.loads((tmp_path / "out.json").read_text())
        assert result["losses"][-1] < 0.75 * result["losses"][0] and abs(result["losses"][0] / result["uniform"] - 1) < 0.05
    assert call("cut", tmp_path / "moe", tmp_path / "one", "--layers", "1", "--vocab", "280")[0] == 0
    assert call("train", tmp_path / "one", "--device", "cpu")[0] == 0
    code, said = call("train", tmp_path / "gqa", "--device", "cpu", "--lr", "1e30")
    assert code == 1 and "NO" in said.out
    code, said = call("train", tmp_path / "gqa", "--device", "nonsense")
    assert code == 2 and "--device nonsense cannot be used" in said.err


@pytest.mark.torch
def test_the_model_is_causal_and_its_experts_and_shared_keys_are_used(tmp_path):
    import torch
    for preset, p in tool.PRESETS.items():
        weights = {n: t.requires_grad_() for n, t in tool.random_weights(p, 0).items()}
        ids = torch.randint(3, p["vocab"], (2, 32), generator=torch.Generator().manual_seed(1))
        changed = ids.clone()
        changed[:, 20] = 3 + (changed[:, 20] - 2) % 300
        out, other = tool.logits(weights, p, ids), tool.logits(weights, p, changed)
        assert torch.equal(out[:, :20], other[:, :20]) and not torch.equal(out[:, 20:], other[:, 20:])
        out.square().sum().backward()
        assert [n for n, t in weights.items() if not t.grad.any()] == []
    tool.save_weights(tmp_path / "w.safetensors", {"a": torch.arange(6.).view(2, 3), "b": torch.ones(1, dtype=torch.bfloat16)})
    read = tool.load_weights(tmp_path / "w.safetensors")
    assert torch.equal(read["a"], torch.arange(6.).view(2, 3)) and read["b"].dtype == torch.bfloat16
