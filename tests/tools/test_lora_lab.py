"""lora_lab.py: the mask, the adapter's algebra and its merge; what the whole lab prints is tested with its chapter."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "docs/training/finetuning/lora_lab.py"


def lab():
    spec = importlib.util.spec_from_file_location("lora_lab", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_the_assistants_tokens_and_the_end_are_learned():
    tool = lab()
    ids, labels = tool.render([(tool.REVERSE, [7, 3], [3, 7]), (tool.COPY, [5], [5])])
    assert ids == [tool.REVERSE, 7, 3, tool.ASSISTANT, 3, 7, tool.END, tool.COPY, 5, tool.ASSISTANT, 5, tool.END]
    assert labels == [-100, -100, -100, -100, 3, 7, tool.END, -100, -100, -100, 5, tool.END]
    assert tool.render([(tool.COPY, [5], [5])], "all")[1] == [tool.COPY, 5, tool.ASSISTANT, 5, tool.END]


@pytest.mark.torch
def test_masked_tokens_change_neither_loss_nor_gradient():
    import torch
    tool = lab()
    torch.manual_seed(0)
    model = tool.TinyChat()
    ids, labels = tool.batch(tool.REVERSE, 8, torch.Generator().manual_seed(1))
    logits = model(ids[:, :-1]).log_softmax(-1)
    kept = labels[:, 1:] != tool.IGNORE
    by_hand = -logits.gather(-1, ids[:, 1:, None]).squeeze(-1)[kept].mean()
    assert kept.sum().item() == 8 * (tool.LENGTH + 1)
    assert torch.allclose(tool.loss_of(model, ids, labels), by_hand, atol=1e-6)


@pytest.mark.torch
def test_an_adapter_starts_as_the_base_trains_only_its_share_and_merges_exactly():
    import torch
    tool = lab()
    torch.manual_seed(0)
    base = tool.TinyChat()
    model = tool.prepare(base, 4, tool.TARGETS)
    assert tool.largest_difference(model, base) == 0
    # r (d_in + d_out): four square matrices and two of the MLP, in each layer
    assert tool.trainable(model) == tool.LAYERS * 4 * (4 * 2 * tool.WIDTH + 2 * 5 * tool.WIDTH)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tool.train(model, tool.REVERSE, 20, 1e-2, seed=1, rows=16)
    changed = {name.rsplit(".", 1)[1] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"A", "B"}
    merged = tool.merge(model)
    assert tool.largest_difference(model, base) > 0.1 > 1e-4 > tool.largest_difference(model, merged)
    assert sum(p.numel() for p in merged.parameters()) == sum(p.numel() for p in base.parameters())


@pytest.mark.torch
def test_an_adapter_lost_in_a_merge_is_reported(tmp_path):
    broken = TOOL.read_text("utf-8").replace("layer.weight.data += (self.scale", "layer.weight.data += 0 * (self.scale").replace("COPY, 350,", "COPY, 20,")
    (tmp_path / "lora_lab.py").write_text(broken, "utf-8")
    done = subprocess.run([sys.executable, "lora_lab.py", "--steps", "20"], cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert done.returncode == 1 and "the merged model computes something else" in done.stderr


def test_help_and_wrong_arguments_alone_in_a_folder(tmp_path):
    shutil.copy(TOOL, tmp_path)
    run = lambda *words: subprocess.run([sys.executable, "lora_lab.py", *words], cwd=tmp_path, capture_output=True, text=True, timeout=100)  # noqa: E731
    assert "--replay 0.1 --json r.json" in run("--help").stdout
    done = run("--steps", "3")
    assert done.returncode == 2 and "--steps must be at least 20" in done.stderr
