"""ckpt_tool.py finds damage, foreign code and unfinished saves, and shrinks without losing names."""

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "docs/training/checkpoints/ckpt_tool.py"


def run(*arguments, cwd=None) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True, timeout=60, cwd=cwd)


@pytest.fixture
def sealed(tmp_path):
    (tmp_path / "step_1/part").mkdir(parents=True)
    (tmp_path / "step_1/a.bin").write_bytes(b"a" * 1000)
    (tmp_path / "step_1/part/b.bin").write_bytes(b"b" * 1000)
    assert run("seal", tmp_path / "step_1").returncode == 0
    return tmp_path / "step_1"


def safetensors(path: Path, cut: int = 0) -> Path:
    """Write one 2 x 3 tensor of F32 by hand, and leave the last `cut` bytes off."""
    head = json.dumps({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    data = len(head).to_bytes(8, "little") + head + bytes(24)
    path.write_bytes(data[:len(data) - cut])
    return path


def torch_file(path: Path, content) -> Path:
    """Write a pickle as torch.save lays it out, without PyTorch."""
    buffer = io.BytesIO()
    pickle.dump(content, buffer, protocol=2)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", buffer.getvalue())
    return path


class Evil:
    def __reduce__(self):
        return os.system, ("touch owned",)


def test_what_was_sealed_verifies(sealed):
    assert run("verify", sealed).returncode == 0


@pytest.mark.parametrize("damage, words", [
    (lambda folder: (folder / "a.bin").write_bytes(b"a" * 999 + b"x"), "a.bin: content changed"),
    (lambda folder: (folder / "a.bin").write_bytes(b"a" * 500), "a.bin: 500 bytes instead of 1000"),
    (lambda folder: (folder / "part/b.bin").unlink(), "part/b.bin: missing"),
])
def test_damage_is_named(sealed, damage, words):
    damage(sealed)
    done = run("verify", sealed)
    assert done.returncode == 1 and done.stdout.strip() == words


def test_a_save_that_did_not_finish_has_no_manifest(sealed):
    (sealed / "manifest.json").unlink()
    done = run("verify", sealed)
    assert done.returncode == 1 and "did not finish" in done.stderr


def test_a_safetensors_file_is_shown_from_its_header(tmp_path):
    done = run("show", safetensors(tmp_path / "m.safetensors"))
    assert done.returncode == 0 and "1 tensors, 6 elements, no code" in done.stdout


@pytest.mark.parametrize("cut", [1, 24, 40, 200])
def test_a_safetensors_file_cut_off_anywhere_is_damaged(tmp_path, cut):
    done = run("show", safetensors(tmp_path / "m.safetensors", cut))
    assert done.returncode == 1 and "Traceback" not in done.stderr and "m.safetensors" in done.stderr


@pytest.mark.parametrize("protocol_content", [Evil(), {"model": [1, 2, Evil()]}])
def test_code_in_a_pickle_is_seen_and_not_run(tmp_path, protocol_content):
    done = run("show", torch_file(tmp_path / "m.pt", protocol_content), cwd=tmp_path)
    assert done.returncode == 1 and f"RUNS CODE  {os.system.__module__}.system" in done.stdout
    assert not (tmp_path / "owned").exists()


def test_a_pickle_of_plain_values_is_harmless(tmp_path):
    assert run("show", torch_file(tmp_path / "m.pt", {"step": 3})).returncode == 0


@pytest.mark.parametrize("arguments", [["seal", "nowhere"], ["show", "nowhere.pt"], ["seal", ".", "--workers", "0"]])
def test_wrong_usage_ends_with_2(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and done.stderr.startswith("ckpt_tool: ")


@pytest.mark.torch
def test_shrink_keeps_names_shapes_and_ties(tmp_path):
    import torch
    shutil.copy(TOOL, tmp_path)
    tied = torch.randn(8, 4)
    weights = {"in.weight": tied, "out.weight": tied, "norm": torch.ones(4), "steps": torch.tensor(7)}
    torch.save({"model": weights, "optimizer": {"state": torch.randn(10_000)}}, tmp_path / "full.pt")
    done = subprocess.run([sys.executable, "ckpt_tool.py", "shrink", "full.pt", "small.safetensors", "--key", "model"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    raw = (tmp_path / "small.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + length])
    assert head["__metadata__"] == {"format": "pt", "out.weight": "in.weight"}
    begin, end = head["in.weight"]["data_offsets"]
    back = torch.frombuffer(bytearray(raw[8 + length + begin:8 + length + end]), dtype=torch.bfloat16).reshape(8, 4)
    assert torch.equal(back, tied.bfloat16()) and head["steps"]["dtype"] == "I64"
    assert run("show", tmp_path / "small.safetensors").returncode == 0


@pytest.mark.torch
def test_shrink_refuses_code_and_names_the_entries(tmp_path):
    import torch
    torch.save({"model": {"w": torch.ones(2)}}, tmp_path / "full.pt")
    done = run("shrink", tmp_path / "full.pt", tmp_path / "small.safetensors")
    assert done.returncode == 1 and "--key: model" in done.stderr
    done = run("shrink", tmp_path / "full.pt", tmp_path / "small.safetensors", "--key", "weights")
    assert done.returncode == 1 and "no entry 'weights'" in done.stderr
    torch.save(Evil(), tmp_path / "evil.pt")
    done = run("shrink", tmp_path / "evil.pt", tmp_path / "small.safetensors", cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr and not (tmp_path / "owned").exists()
