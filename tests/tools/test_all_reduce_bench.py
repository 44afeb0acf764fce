"""The arithmetic of all_reduce_bench.py, and what it says when it is started wrongly: no PyTorch needed."""

import importlib.util
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

FILE = Path(__file__).parents[2] / "docs/network/benchmarks/all_reduce_bench.py"
specification = importlib.util.spec_from_file_location("all_reduce_bench", FILE)
bench = importlib.util.module_from_spec(specification)
specification.loader.exec_module(bench)


def ring(size: float, ranks: int, alpha: float, bandwidth: float) -> float:
    """Seconds of a ring all-reduce, from the formula of the docstring."""
    return 2 * (ranks - 1) * alpha + 2 * (ranks - 1) / ranks * size / bandwidth


@pytest.mark.parametrize("ranks, factor", [(2, 1.0), (4, 1.5), (8, 1.75), (16, 1.875), (1024, 2046 / 1024)])
def test_busbw_is_algbw_times_two_n_minus_one_over_n(ranks, factor):
    assert bench.busbw_factor(ranks) == factor


@pytest.mark.parametrize("ranks", [2, 8, 512])
def test_fit_finds_the_alpha_and_beta_that_made_the_times(ranks):
    sizes = [1024 * 4**power for power in range(11)]
    fit = bench.fit_alpha_beta(sizes, [ring(size, ranks, 5e-6, 40e9) for size in sizes], ranks)
    assert fit["alpha"] == pytest.approx(5e-6)
    assert fit["busbw_limit"] == pytest.approx(40e9)
    assert fit["floor"] == pytest.approx(2 * (ranks - 1) * 5e-6)
    assert fit["error"] == pytest.approx(1)
    # At the knee half of the time is latency, so busbw is half of its limit.
    assert fit["knee"] / ring(fit["knee"], ranks, 5e-6, 40e9) * bench.busbw_factor(ranks) == pytest.approx(20e9)


def test_fit_names_its_worst_point():
    sizes = [1024 * 4**power for power in range(8)]
    times = [ring(size, 8, 5e-6, 40e9) for size in sizes]
    times[3] *= 2
    assert 1.5 < bench.fit_alpha_beta(sizes, times, 8)["error"] <= 2


@pytest.mark.parametrize("sizes, times", [([1024, 2048], [1e-3, 2e-3]), ([1024, 1024, 1024], [1e-3] * 3),
                                          ([1024, 4096, 16384], [3e-3, 2e-3, 1e-3])])
def test_fit_declines_what_is_no_line(sizes, times):
    assert bench.fit_alpha_beta(sizes, times, 4) is None


def test_half_point_lies_where_half_of_the_best_was_measured():
    assert bench.half_point([1024, 4096, 16384], [1.0, 3.0, 8.0]) == pytest.approx(4096 * 4 ** 0.2)
    assert bench.half_point([1024, 4096], [5.0, 8.0]) is None      # beyond it from the start


def test_the_fits_in_the_book_are_those_of_its_results():
    """bench_fits.yml and the fitted column of bench_results.yml are this program's, from the times of bench_results.yml."""
    data = FILE.parents[2] / "data"
    results = yaml.safe_load((data / "bench_results.yml").read_text("utf-8"))["rows"]
    fits = {row["run"]: row for row in yaml.safe_load((data / "bench_fits.yml").read_text("utf-8"))["rows"]}
    assert fits.keys() == {row["run"] for row in results if "fit" in row}
    for run, printed in fits.items():
        rows = [row for row in results if row["run"] == run]
        sizes, times = [row["size_mib"] * 2**20 for row in rows], [row["time_us"] / 1e6 for row in rows]
        fit = bench.fit_alpha_beta(sizes, times, rows[0]["ranks"])
        half = bench.half_point(sizes, [size / time for size, time in zip(sizes, times)])
        expected = {"ranks": rows[0]["ranks"], "floor_us": fit["floor"] * 1e6, "alpha_us": fit["alpha"] * 1e6,
                    "limit": fit["busbw_limit"] / 1e9, "knee_mib": fit["knee"] / 2**20, "half_mib": half / 2**20, "error": fit["error"]}
        assert {name: printed[name] for name in expected} == pytest.approx(expected, rel=0.005)
        for row, size in zip(rows, sizes):
            assert row["fit"] == pytest.approx(fit["busbw_limit"] / 1e9 * size / (size + fit["knee"]), rel=0.001)


@pytest.mark.parametrize("text, size", [("8", 8), ("64K", 65536), ("1.5M", 1572864), ("4GiB", 2**32), ("2 tb", 2**41)])
def test_sizes_are_binary(text, size):
    assert bench.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "1X", "-4K", "1e6"])
def test_a_wrong_size_is_refused(text):
    with pytest.raises(ValueError, match="write 8, 64K"):
        bench.parse_size(text)


def test_sweep_ends_with_the_size_asked_for_and_keeps_to_whole_elements():
    assert bench.sweep(1024, 10240, 4) == [1024, 4096, 10240]
    assert bench.sweep(1024, 1024, 4) == [1024]
    assert all(size % 4 == 0 for size in bench.sweep(1024, 2**20, 1.3))


@pytest.mark.parametrize("values, part, expected", [([3.0], 0.95, 3.0), ([1.0, 3.0], 0.5, 2.0), ([5.0, 1.0, 2.0], 0.5, 2.0)])
def test_quantile(values, part, expected):
    assert bench.quantile(values, part) == expected


STATES = {"lo": "unknown", "eth0": "up", "ib0": "down", "ib1": "down"}


@pytest.mark.parametrize("variable, value, fault", [
    ("GLOO_SOCKET_IFNAME", "eth0", None),
    ("GLOO_SOCKET_IFNAME", "eth", "names no interface"),          # Gloo knows no prefixes
    ("GLOO_SOCKET_IFNAME", "ib0", "are down"),
    ("NCCL_SOCKET_IFNAME", "eth", None),
    ("NCCL_SOCKET_IFNAME", "=eth", "names no interface"),
    ("NCCL_SOCKET_IFNAME", "ib", "are down"),
    ("NCCL_SOCKET_IFNAME", "ib,eth", None),
    ("NCCL_SOCKET_IFNAME", "^ib,lo", None),
    ("NCCL_SOCKET_IFNAME", "^=eth0,lo", "are down"),
    ("NCCL_SOCKET_IFNAME", "ens", "there are: eth0 (up)"),
])
def test_interface_variables_are_read_as_the_libraries_read_them(variable, value, fault):
    said = bench.interface_fault(variable, value, STATES)
    assert said is None if fault is None else fault in said


@pytest.mark.parametrize("environ, message", [
    ({}, "SLURM_PROCID is not set: start it with torchrun"),
    ({"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}, "needs two ranks"),
    ({"RANK": "4", "WORLD_SIZE": "4", "LOCAL_RANK": "0"}, "ranks go from 0 to 3"),
    ({"RANK": "x", "WORLD_SIZE": "4", "LOCAL_RANK": "0"}, "not whole numbers"),
    ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2", "SLURM_LOCALID": "0"}, "MASTER_ADDR is not set"),
])
def test_a_wrong_launch_says_what_to_change(environ, message):
    with pytest.raises(bench.Stop, match=message) as stop:
        bench.launch(environ)
    assert stop.value.status == 2


def test_slurm_alone_is_enough():
    environ = {"SLURM_PROCID": "5", "SLURM_NTASKS": "16", "SLURM_LOCALID": "1", "MASTER_ADDR": "node1"}
    assert bench.launch(environ) == (5, 16, 1)


def test_missing_ranks_are_named_in_runs():
    assert bench.show_ranks([9, 4, 5, 6]) == "ranks 4-6, 9"
    assert bench.show_ranks([3]) == "rank 3"


def test_the_plot_is_well_formed_and_holds_each_point_and_the_knee():
    sizes = [1024 * 4**power for power in range(11)]
    rows = [{"size": size, "busbw": size / ring(size, 8, 5e-6, 40e9) * 1.75} for size in sizes]
    fit = bench.fit_alpha_beta(sizes, [ring(size, 8, 5e-6, 40e9) for size in sizes], 8)
    svg = bench.svg_plot(rows, fit, "8 ranks <on> one host")
    root = ElementTree.fromstring(svg)
    places = [(float(each.get("cx")), float(each.get("cy"))) for each in root.iter("{http://www.w3.org/2000/svg}circle")]
    assert len(places) == len(sizes) and all(0 < x < 720 and 0 < y < 430 for x, y in places)
    assert f"knee {bench.show_size(fit['knee'])}" in svg
    assert ElementTree.fromstring(bench.svg_plot(rows[:1], None, "one")) is not None


def run(*arguments: str, environ: dict | None = None) -> subprocess.CompletedProcess:
    """Run the file without site packages, so that PyTorch cannot be found."""
    return subprocess.run([sys.executable, "-S", "-I", str(FILE), *arguments], text=True, capture_output=True, timeout=30, env=environ or {})


def test_help_needs_no_pytorch():
    done = run("--help")
    assert done.returncode == 0 and "torchrun --nproc-per-node=2" in done.stdout


@pytest.mark.parametrize("arguments, message", [
    (["--max-size", "1X"], "is not a size"),
    (["--min-size", "3"], "not a multiple of the 4 bytes"),
    (["--min-size", "1M", "--max-size", "1K"], "below --min-size"),
    (["--factor", "1"], "--factor must be"),
    (["--trials", "0"], "--trials must be"),
    ([], "SLURM_PROCID is not set"),
])
def test_wrong_usage_is_one_line_and_status_2(arguments, message):
    done = run(*arguments)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


def test_without_pytorch_it_says_so():
    done = run(environ={"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1"})
    assert done.returncode == 2 and "cannot import PyTorch" in done.stderr and "Traceback" not in done.stderr


def test_a_result_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path):
    done = run("--json", str(tmp_path / "none/result.json"), environ={"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0",
                                                                     "MASTER_ADDR": "127.0.0.1"})
    assert done.returncode == 2 and "No such file" in done.stderr
