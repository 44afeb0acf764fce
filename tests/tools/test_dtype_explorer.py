"""The format explorer: every format against struct and torch, the book's table of formats, the figure, and the command line."""

import json
import math
import random
import shutil
import struct
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT

TOOL = ROOT / "docs/training/dtype_explorer.py"
FIGURE = ROOT / "docs/training/figures/dtype-bits.svg"
sys.path.insert(0, str(TOOL.parent))
import dtype_explorer as tool  # noqa: E402

sys.path.pop(0)


def run(*arguments, program=TOOL, folder=None):
    done = subprocess.run([sys.executable, str(program), *arguments], cwd=folder, text=True, capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def decode(bits: str, f) -> float:
    """The value of a bit pattern, by the formula of the chapter."""
    sign, exponent, mantissa = bits.split()
    e, m = int(exponent, 2), int(mantissa, 2) / 2**f.man
    return (-1) ** int(sign) * (2.0 ** (e - f.bias) * (1 + m) if e else 2.0 ** (1 - f.bias) * m)


@pytest.mark.parametrize("name", [name for name, f in tool.FORMATS.items() if f.special not in ("int", "scale")])
def test_the_bits_of_a_rounded_number_are_its_value_and_no_neighbour_is_nearer(name):
    f, dice = tool.FORMATS[name], random.Random(3)
    for _ in range(300):
        x = dice.choice((-1, 1)) * min(2.0 ** dice.uniform(-f.bias - f.man - 1, 2**f.exp - f.bias), f.largest)
        y = tool.rounded(x, f)
        assert decode(tool.pattern(y, f), f) == y
        assert abs(x - y) <= tool.ulp(x, f) / 2
    assert tool.rounded(f.largest, f) == f.largest and tool.rounded(f.least, f) == f.least
    assert tool.rounded(f.least * 0.49, f) == 0


def test_fp16_and_fp32_round_as_struct_does():
    dice = random.Random(5)
    for letter, name, top in (("e", "fp16", 15), ("f", "fp32", 120)):
        for _ in range(500):
            x = dice.gauss(0, 1) * 2.0 ** dice.uniform(-30, top)
            assert tool.rounded(x, tool.FORMATS[name], saturate=False) in (struct.unpack(letter, struct.pack(letter, x))[0],) if abs(x) < tool.FORMATS[name].largest else True


@pytest.mark.parametrize("name, x, saturated, strict", [("e4m3", 500, 448, math.nan), ("e5m2", 1e6, 57344, math.inf), ("e4m3fnuz", 250, 240, math.nan),
                                                        ("e2m1", 7, 6, 6), ("fp16", 65520, 65504, math.inf), ("int8", 300, 127, 127)])
def test_overflow_saturates_or_says_so(name, x, saturated, strict):
    assert tool.rounded(x, tool.FORMATS[name]) == saturated
    assert tool.rounded(x, tool.FORMATS[name], saturate=False) == strict or math.isnan(strict)


def test_ties_go_to_even_and_dice_keep_the_mean():
    bf16 = tool.FORMATS["bf16"]
    assert [tool.rounded(x, bf16) for x in (257, 259, 283)] == [256, 260, 284]
    dice = random.Random(7)
    drawn = [tool.rounded(282.5, bf16, dice) for _ in range(4000)]
    assert set(drawn) == {282, 284} and sum(drawn) / 4000 == pytest.approx(282.5, abs=0.06)


def test_the_table_of_the_book_follows_from_the_bits():
    table = {row["id"]: row for row in yaml.safe_load((ROOT / "docs/data/dtypes.yml").read_text("utf-8"))["rows"]}
    for name, f in tool.FORMATS.items():
        row = table[name]
        assert (row["bits"], row["sign"], row["exp"], row["man"], row.get("bias", 0)) == (f.bits, f.sign, f.exp, f.man, f.bias), name
        for column, x in (("largest", f.largest), ("min_normal", f.least_normal), ("least", f.least), ("eps", f.eps)):
            assert row[column] == tool.number(x), (name, column)
    sizes = {"mxfp8": 8 + 8 / 32, "mxfp6": 6 + 8 / 32, "mxfp4": 4 + 8 / 32, "nvfp4": 4 + 8 / 16}
    assert {name: table[name]["bits"] for name in sizes} == sizes


def test_the_figure_is_what_the_program_draws(tmp_path):
    assert run("--svg", str(tmp_path / "out.svg"))[0] == 0
    assert (tmp_path / "out.svg").read_bytes() == FIGURE.read_bytes()


@pytest.mark.parametrize("kind, block", [("fp32", 16), ("mx", 32), ("nv", 16)])
def test_a_block_keeps_its_largest_value_and_bounds_the_error(kind, block):
    f, dice = tool.FORMATS["e2m1"], random.Random(11)
    values = [dice.gauss(0, 1) for _ in range(64 * block)]
    out = tool.quantize(values, f, block, kind)
    for i in range(0, len(values), block):
        top = max(map(abs, values[i:i + block]))
        # E2M1's widest step is 2 of 6; a scale of a power of two can double it, E4M3's scale adds a sixteenth and may clip as much
        assert max(abs(x - y) for x, y in zip(values[i:i + block], out[i:i + block])) <= top * {"fp32": 1, "mx": 2, "nv": 1.2}[kind] / 6 + 1e-12


def test_the_scale_of_ocp_clips_and_ours_does_not():
    part = [7.9, 1.0] + [0.5] * 30
    assert max(tool.quantize(part, tool.FORMATS["e2m1"], 32, "ocp")) == 6
    assert max(tool.quantize(part, tool.FORMATS["e2m1"], 32, "mx")) == 8


def test_a_copy_alone_runs_and_wrong_usage_is_one_line(tmp_path):
    copy = shutil.copy(TOOL, tmp_path)
    code, out, _ = run("show", "-1e9", "0.1", "--formats", "fp16,bf16", "--json", "o.json", program=copy, folder=tmp_path)
    assert code == 0 and "-inf" in out and len(json.loads((tmp_path / "o.json").read_text())["rows"]) == 4
    assert "Examples:" in run("--help", program=copy)[1]
    for arguments, says in ((["show"], "give numbers"), (["show", "x"], "not a number: x"), (["--formats", "fp12"], "no format called fp12"), (["nothing"], "invalid choice")):
        code, _, err = run(*arguments)
        assert code == 2 and says in err.splitlines()[-1]
    code, _, err = run("--json", str(tmp_path / "none/x.json"))
    assert code == 1 and "cannot write" in err and "Traceback" not in err


@pytest.mark.torch
def test_torch_has_the_same_numbers():
    import torch
    names = {"bf16": torch.bfloat16, "e4m3": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2, "e4m3fnuz": torch.float8_e4m3fnuz, "e5m2fnuz": torch.float8_e5m2fnuz}
    dice = random.Random(13)
    for name, dtype in names.items():
        f = tool.FORMATS[name]
        assert (torch.finfo(dtype).max, torch.finfo(dtype).smallest_normal) == (f.largest, f.least_normal)
        values = torch.tensor([min(max(dice.gauss(0, 1) * 2.0 ** dice.uniform(-20, 7), -f.largest), f.largest) for _ in range(2000)])
        assert values.to(dtype).double().tolist() == [tool.rounded(x, f) for x in values.tolist()], name
