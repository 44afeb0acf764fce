"""The model of tile and wave quantization: closed forms, its figure, its faults."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

TOOL = Path(__file__).parents[2] / "docs/compute/accelerator/benchmarks/wave_quantization.py"
spec = importlib.util.spec_from_file_location("wave_quantization", TOOL)
wave = importlib.util.module_from_spec(spec)
spec.loader.exec_module(wave)


@pytest.mark.parametrize("m, n, tile, units, tiles, waves, efficiency", [
    (4224, 2048, (128, 256), 132, 264, 2, 1.0),          # the H100 row of the chapter's table
    (4096, 4864, (256, 256), 304, 304, 1, 1.0),          # AMD's shape for MI300X
    (4096, 5120, (256, 256), 304, 320, 2, 0.5263),
    (4096, 4352, (128, 256), 132, 544, 5, 0.8242),
    (1408, 1408, (128, 128), 108, 121, 2, 0.5602),
    (1536, 1536, (128, 128), 108, 144, 2, 0.6667),
    (1280, 1280, (128, 128), 108, 100, 1, 0.9259),
])
def test_the_chapters_numbers(m, n, tile, units, tiles, waves, efficiency):
    q = wave.quantization(m, n, *tile, units)
    assert (q["tiles"], q["waves"]) == (tiles, waves) and q["efficiency"] == pytest.approx(efficiency, abs=1e-4)


@given(*[st.integers(1, 20000)] * 2, *[st.integers(1, 512)] * 2, st.integers(1, 1000))
def test_the_parts_make_the_whole_and_nothing_exceeds_one(m, n, tile_m, tile_n, units):
    q = wave.quantization(m, n, tile_m, tile_n, units)
    assert 0 < q["efficiency"] <= 1 and q["tail"] <= 1 and q["edge"] <= 1
    assert q["efficiency"] == pytest.approx(m * n / (q["waves"] * units * tile_m * tile_n))


def test_the_books_figure_is_drawn_by_the_program(tmp_path):
    command = [sys.executable, TOOL, "--units", "132", "--tile", "128x256", "--m", "4096", "--sweep", "1024:8192:32", "--plot", tmp_path / "w.svg"]
    subprocess.run(command, check=True, timeout=60)
    assert (tmp_path / "w.svg").read_bytes() == (TOOL.parent / "figures/wave-sawtooth.svg").read_bytes()


@pytest.mark.parametrize("words, message", [
    (["--units", "132"], "give sizes"), (["--units", "0", "4x4"], "must be positive"), (["--units", "132", "4by4"], "is not two sizes"),
    (["--units", "132", "--sweep", "8:1:1", "--plot", "x.svg"], "start below stop"), (["--units", "132", "--sweep", "1:8:1"], "go together"),
    (["--units", "132", "--sweep", "1:8:1", "--plot", "/nowhere/x.svg"], "cannot write"),
])
def test_wrong_usage_ends_with_two_and_a_line(words, message):
    done = subprocess.run([sys.executable, TOOL, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
