"""The detector: every history of the demo, real torch files, broken files, and the command line."""

import json
import shutil
import struct
import subprocess
import sys

import pytest

from tests.conftest import ROOT

TOOL = ROOT / "docs/training/detect_pretrain_dtype.py"


def run(*arguments, program=TOOL, folder=None):
    done = subprocess.run([sys.executable, str(program), *map(str, arguments)], cwd=folder, text=True, capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    assert run("--demo", folder)[0] == 0
    return folder


@pytest.mark.parametrize("name, grid, fp16", [("fp32", "fp32", "no"), ("bf16-in-fp32", "bf16", "no"), ("fp16-in-bf16", "bf16", "yes"),
                                              ("bf16-in-fp16", "bf16", "yes"), ("mxfp8-in-bf16", "8-bit", "-"), ("mxfp4-in-bf16", "4-bit", "-")])
def test_the_history_is_read_from_the_bits(demo, tmp_path, name, grid, fp16):
    code, out, err = run(demo / f"{name}.safetensors", "--json", tmp_path / "v.json", "--expect", grid)
    verdict = json.loads((tmp_path / "v.json").read_text())["verdict"]
    assert (code, verdict["grid"], verdict["share"], verdict["fp16"]) == (0, grid, 1, fp16), out + err


def test_expectation_and_cast(demo):
    code, _, err = run(demo / "fp32.safetensors", "--expect", "bf16")
    assert code == 1 and err == "expected the bf16 grid\n"
    assert "exact" in run(demo / "fp16-in-bf16.safetensors", "--cast", "fp16")[1]
    out = run(demo / "fp32.safetensors", "--cast", "bf16")[1]
    assert 50 < float(out.splitlines()[1].split()[-1]) < 58      # 8 significant bits: about 56 dB


def save(path, dtype, shape, data):
    header = json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


def test_large_weights_never_lived_in_fp16(tmp_path):
    save(tmp_path / "a.safetensors", "F32", [64, 64], struct.pack("<4096f", *(70000.0 + 512 * i for i in range(4096))))
    code, out, _ = run(tmp_path / "a.safetensors", "--cast", "fp16")
    assert code == 0 and "never rounded to FP16" in out and " 4096 " in out


def test_broken_files_are_named_in_one_line(demo, tmp_path):
    whole = (demo / "fp32.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:5000])
    (tmp_path / "text.safetensors").write_text("not at all")
    save(tmp_path / "ints.safetensors", "I64", [64, 64], bytes(64 * 64 * 8))
    for name, says in (("cut", "ends inside weight"), ("text", "no safetensors file"), ("ints", "no floating-point matrix"), ("none", "No such file")):
        code, _, err = run(tmp_path / f"{name}.safetensors")
        assert code == 2 and says in err.splitlines()[-1] and "Traceback" not in err, name


def test_usage_and_a_copy_without_torch(tmp_path):
    copy = shutil.copy(TOOL, tmp_path)
    (tmp_path / "torch.py").write_text("raise ImportError('none')\n")
    (tmp_path / "x.pt").write_bytes(b"")
    assert "Examples:" in run("--help", program=copy)[1]
    assert "needs PyTorch" in run(tmp_path / "x.pt", program=copy, folder=tmp_path)[2]
    assert run(program=copy)[0] == 2
    assert "no *.safetensors" in run(tmp_path, program=copy)[2]


@pytest.mark.torch
def test_files_of_torch_and_a_row_scale(tmp_path, monkeypatch):
    import torch
    sys.path.insert(0, str(TOOL.parent))
    import detect_pretrain_dtype as tool
    sys.path.pop(0)
    torch.manual_seed(0)
    weight = 0.02 * torch.randn(512, 512)
    options = tool.parser().parse_args(["x"])
    for stored, grid in ((weight, "fp32"), (weight.bfloat16().float(), "bf16"), (weight.half(), "fp16"), (weight.half().float(), "fp16"),
                         (weight.to(torch.float8_e4m3fn), "8-bit"), ((weight * 64).to(torch.float8_e4m3fn).bfloat16(), "8-bit")):
        torch.save({"model": {"w": stored, "norm": torch.ones(512)}}, tmp_path / "x.pt")
        assert [row["grid"] for row in tool.examine(tmp_path / "x.pt", options)] == [grid]
    torch.save({"w": weight.to(torch.float16)}, tmp_path / "x.pt")
    assert tool.examine(tmp_path / "x.pt", options)[0]["fp16"] == "yes"
    (tmp_path / "bad.pt").write_bytes(b"zip?")
    with pytest.raises(tool.Unreadable, match="torch.load says"):
        tool.examine(tmp_path / "bad.pt", options)
