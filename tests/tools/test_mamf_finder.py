"""The finder of achievable matmul FLOPS: its arithmetic, its faults, and a real search on the CPU."""

import importlib.util
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs/compute/accelerator/benchmarks"
TOOL = FOLDER / "mamf-finder.py"


def load(path: Path):
    """Import a program by its path; mamf-finder.py is no module name."""
    spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mamf = load(TOOL)


def run(*words, tool: Path = TOOL, **options) -> subprocess.CompletedProcess:
    """Run the tool as a reader does, on one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, str(tool), *map(str, words)], capture_output=True, text=True, timeout=100, env=environment, **options)


# Arithmetic ----------------------------------------------------------------------------------------------------------

def test_the_rate_is_two_m_n_k_over_time():
    # AMD's shape for MI300X: 1.311e12 FLOP; at 708 TFLOPS one product takes 1.85 ms.
    assert mamf.tflops(4096, 4864, 32896, 1.8514e-3) == pytest.approx(708, rel=1e-3)


def test_sizes_are_lists_or_ranges_that_include_the_end():
    assert mamf.sizes("512,1024") == [512, 1024]
    assert mamf.sizes("256:1024:256") == [256, 512, 768, 1024]


@pytest.mark.parametrize("units, factors", [(304, (19, 16)), (132, (12, 11)), (108, (12, 9)), (7, (7, 1))])
def test_units_split_into_the_closest_factors(units, factors):
    assert mamf.near_square(units) == factors


def test_the_default_search_has_the_shape_that_fills_the_chip_exactly():
    assert (4864, 4096, 32896) in mamf.default_shapes("cuda", 304)


def test_percentiles_are_of_the_rate():
    record = mamf.summary(100, 100, 50, [1e-6, 2e-6, 3e-6, 4e-6, 5e-6, 6e-6], 1)
    assert record["best"] == pytest.approx(1.0) and record["low"] < record["median"] < record["high"] < record["best"]


def test_the_winner_came_through_every_completed_round():
    def shape(m, median, round_no):
        return {"m": m, "n": 1, "k": 1, "median": median, "round": round_no}
    # 9.0 is a lucky number of round 1; round 2 is complete, round 3 was cut off after one shape.
    shapes = [shape(1, 9.0, 1), shape(2, 5.0, 2), shape(3, 4.0, 3)]
    assert mamf.best_of({"stat": "median", "rounds": 2, "shapes": shapes})["m"] == 2
    assert mamf.best_of({"stat": "median", "rounds": 0, "shapes": []}) is None


# The peak ------------------------------------------------------------------------------------------------------------

TABLE = """
rows:
  # a comment
  - id: h100-sxm
    name: H100 SXM
    bf16: {value: 989.4, note: {en: "132 SMs, 1,830 MHz.", zh: x}}
    fp16: 989.4
    tf32: {value: 494.7, also: [{value: 1, src: x}]}
    year: 2022      # a comment
  - id: other
    fp16: 1
"""


def test_peaks_are_read_without_a_yaml_library():
    assert mamf.peaks_in(TABLE) == {"h100-sxm": {"bf16": 989.4, "fp16": 989.4, "tf32": 494.7, "year": 2022.0}, "other": {"fp16": 1.0}}


def test_the_small_reader_agrees_with_a_yaml_library_on_the_books_table():
    yaml = pytest.importorskip("yaml")
    path = FOLDER.parents[2] / "data/accelerators.yml"
    for row in yaml.safe_load(path.read_text("utf-8"))["rows"]:
        for dtype in ("fp64", "fp32", "tf32", "bf16", "fp16", "fp8"):
            value = row.get(dtype)
            value = value["value"] if isinstance(value, dict) else value
            assert mamf.peaks_in(path.read_text("utf-8"))[row["id"]].get(dtype) == value, (row["id"], dtype)


@pytest.mark.parametrize("device, peak", [("NVIDIA H100 80GB HBM3", 989.4), ("NVIDIA H100 PCIe", 756), ("AMD Instinct MI300X", 1307.4),
                                          ("NVIDIA GH200 480GB", None), ("Some other chip", None)])
def test_the_peak_is_that_of_the_device_in_the_books_table(device, peak):
    found, source = mamf.find_peak(mamf.arguments([]), device, "bf16")
    assert found == (None if peak is None else pytest.approx(peak, abs=0.6)), source


# Faults that need no PyTorch -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, message", [
    (["--dtype", "bf17"], "no 'bf17' here"),
    (["--m", "0"], "gives no positive size"),
    (["--n", "a:b:c"], "neither a list"),
    (["--shape", "10x10"], "is not MxNxK"),
    (["--time-budget", "-1"], "--time-budget must be positive"),
    (["--dtype", "bf16,fp32", "--peak", "100"], "one --dtype at a time"),
])
def test_wrong_usage_ends_with_two_and_says_what_to_change(words, message):
    done = run(*words)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


def test_help_needs_no_torch_and_works_from_an_empty_folder(tmp_path):
    copy = shutil.copy(TOOL, tmp_path)
    done = subprocess.run([sys.executable, "-S", "-I", copy, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.count("python mamf-finder.py") == 2


def test_without_torch_one_line_says_so(tmp_path):
    copy = shutil.copy(TOOL, tmp_path)
    done = subprocess.run([sys.executable, "-S", "-I", copy, "--device", "cpu"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "PyTorch cannot be imported" in done.stderr and "Traceback" not in done.stderr


def test_the_books_heat_map_is_drawn_from_the_books_numbers(tmp_path):
    done = run("--from-json", FOLDER / "mamf-cpu-bf16.json", "--plot", tmp_path / "map.svg")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "map.svg").read_bytes() == (FOLDER / "figures/mamf-heatmap.svg").read_bytes()


def test_a_file_that_is_no_result_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    done = run("--from-json", tmp_path / "x.json")
    assert done.returncode == 2 and "is no result" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_costs_no_numbers():
    done = run("--from-json", FOLDER / "mamf-cpu-bf16.json", "--plot", "/dev/full")
    assert done.returncode == 1 and "cannot write /dev/full" in done.stderr and "MAMF bf16" in done.stdout


@pytest.fixture
def keep_signals():
    """Put back the handler that main() replaces when it runs inside the test's own process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


# With PyTorch --------------------------------------------------------------------------------------------------------

SMALL = ["--device", "cpu", "--m", "32,64", "--n", "64", "--k", "32,64", "--time-budget", "5", "--calls", "3", "--warmup", "1"]


@pytest.mark.torch
def test_a_search_from_a_copy_in_an_empty_folder(tmp_path):
    copy = Path(shutil.copy(TOOL, tmp_path))
    done = run(*SMALL, "--dtype", "fp32,bf16", "--json", "out.json", "--plot", "out.svg", tool=copy, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["schema"] == 1 and not result["interrupted"] and result["environment"]["torch"]
    assert [r["dtype"] for r in result["runs"]] == ["fp32", "bf16"]
    for part in result["runs"]:
        assert part["planned"] == len(part["shapes"]) == 4 and part["rounds"] == 2 and part["error"] < 0.02
        for r in part["shapes"]:
            assert 0 < r["low"] <= r["median"] <= r["high"] <= r["best"] and math.isfinite(r["best"])
        assert part["best"] in part["shapes"] and part["peak"]["tflops"] is None
    assert (tmp_path / "out.svg").read_text().startswith("<svg") and "MAMF fp32" in done.stdout


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["fp64", "fp16", "fp8"])
def test_other_types_give_right_results(dtype, tmp_path, keep_signals):
    words = ["--device", "cpu", "--dtype", dtype, "--shape", "32x32x32", "--calls", "2", "--passes", "1", "--json", str(tmp_path / "o.json")]
    assert mamf.main(words) == 0
    assert json.loads((tmp_path / "o.json").read_text())["runs"][0]["shapes"]


@pytest.mark.torch
@pytest.mark.parametrize("words, code, message", [
    (["--device", "cuda"], 2, "sees no 'cuda' device"),
    (["--device", "toaster"], 2, "is no device"),
    (["--device", "cpu", "--dtype", "tf32"], 2, "use fp32"),
    (["--device", "cpu", "--dtype", "fp8", "--layout", "nn"], 2, "--layout nt"),
    (["--device", "cpu", "--accelerators", "nowhere.yml"], 2, "nowhere.yml does not exist"),
    (["--device", "cpu", "--chip", "h1000"], 2, "no row 'h1000'"),
    (["--device", "cpu", "--dtype", "fp32", "--shape", "32x32x32", "--min-tflops", "1e6"], 1, "below --min-tflops"),
    (["--device", "cpu", "--dtype", "fp32", "--shape", "6000000x6000000x1"], 1, "no shape could be measured"),
])
def test_faults_end_with_one_line(words, code, message, capsys, keep_signals):
    if "cuda" in words and __import__("torch").cuda.is_available():
        pytest.skip("this machine has the device")
    assert mamf.main(words) == code
    assert message in capsys.readouterr().err


@pytest.mark.torch
def test_out_of_memory_skips_the_shape_and_goes_on(tmp_path, keep_signals):
    code = mamf.main(["--device", "cpu", "--dtype", "fp32", "--shape", "6000000x6000000x1", "--shape", "32x32x32", "--json", str(tmp_path / "o.json")])
    part = json.loads((tmp_path / "o.json").read_text())["runs"][0]
    assert code == 0 and part["skipped"] == [[6000000, 6000000, 1, "out of memory"]] and len(part["shapes"]) == 1


@pytest.mark.torch
@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_prints_and_writes_what_it_has(what, tmp_path):
    out = tmp_path / "o.json"
    # One round would take minutes; one shape takes milliseconds.
    child = subprocess.Popen([sys.executable, TOOL, "--device", "cpu", "--dtype", "fp32", "--m", "128:4096:16", "--n", "256", "--k", "256",
                              "--passes", "50", "--json", out], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "mamf-finder" in child.stdout.readline()      # the header: PyTorch is loaded
    time.sleep(3)
    child.send_signal(what)
    stdout, stderr = child.communicate(timeout=30)
    result = json.loads(out.read_text())
    assert child.returncode == 1 and "interrupted" in stderr and "Traceback" not in stderr
    assert result["interrupted"] and result["runs"][0]["shapes"] and "MAMF fp32" in stdout


@pytest.mark.torch
def test_a_stalled_device_ends_the_process_with_its_shape():
    done = run("--device", "cpu", "--dtype", "fp32", "--shape", "16x16x16", "--shape", "4096x4096x4096", "--stall-timeout", "0.4", "--calls", "50")
    assert done.returncode == 1 and "4096x4096x4096 did not return within 0.4 s" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.torch
def test_a_wrong_result_fails_the_device(monkeypatch, capsys, keep_signals):
    right = mamf.Bench.product

    def broken(self, a, b, out):
        got = right(self, a, b, out)
        got[0, 0] += 100
        return got

    monkeypatch.setattr(mamf.Bench, "product", broken)
    assert mamf.main(["--device", "cpu", "--dtype", "fp32", "--shape", "32x32x32"]) == 1
    assert "WRONG RESULT" in capsys.readouterr().err
