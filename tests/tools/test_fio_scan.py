"""fio_scan.py: what a run needs, what a folder gives, and what happens when the folder is the problem."""

import configparser
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "docs/storage/fio_scan.py"
SMALL = ["--size", "2M", "--runtime", "0.1", "--repeat", "2", "--files", "40"]


def run(*arguments, cwd=None, **settings) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True, timeout=60, cwd=cwd, **settings)


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("fio_scan", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fio_scan"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["fio_scan"]


needs_namespace = pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True).returncode != 0,
    reason="this machine does not let a test mount a file system")


def test_the_needs_are_the_formulas_of_the_chapter(tool):
    assert tool.write_need(980e9, 60) == pytest.approx(16.333e9, rel=1e-4)
    assert tool.ingest_need(963_855, 4) == pytest.approx(3.855e6, rel=1e-3)
    assert tool.capacity_need(980e9, 3, 60e12) == pytest.approx((4 * 980e9 + 60e12) / 0.8)


@pytest.mark.parametrize("text, value", [("4096", 4096), ("64k", 65536), ("1G", 2**30), ("1e9", 10**9)])
def test_sizes_take_powers_of_1024_and_plain_numbers(tool, text, value):
    assert tool.size(text) == value


@pytest.mark.parametrize("text", ["", "0", "-1M", "many", "inf", "nan"])
def test_a_size_that_is_none_is_refused(tool, text):
    with pytest.raises(ValueError):
        tool.size(text)


def test_need_prints_each_figure_with_its_arithmetic(tmp_path):
    done = run("need", "--params", "70e9", "--stall", 60, "--nodes", 128, "--tokens-per-s", 963855, "--json", tmp_path / "need.json")
    assert done.returncode == 0 and "980.0 GB / 60 s" in done.stdout and "--need-write 0.128" in done.stdout
    assert json.loads((tmp_path / "need.json").read_text())["write, whole run"] == {"value": pytest.approx(16.3333, rel=1e-4), "unit": "GB/s"}


def test_a_scan_measures_cleans_up_and_compares(tmp_path):
    done = run("scan", tmp_path, "--engine", "python", *SMALL, "--need-write", 1e-6, "--need-read", 1e6, "--json", tmp_path / "scan.json")
    result = json.loads((tmp_path / "scan.json").read_text())
    assert done.returncode == 1 and result["failed"] == ["shard-read"] and result["stopped"] is None
    assert "PASS  checkpoint-write" in done.stdout and "FAIL  shard-read" in done.stdout
    assert [line["name"] for line in result["results"]] == ["checkpoint-write", "direct-write", "shard-read", "sample-read-qd1", "sample-read-qd32"]
    assert all(len(line["rates"]) == 2 and min(line["rates"]) > 0 and line["p99_s"] >= line["p50_s"] for line in result["results"])
    assert set(result["small_files"]) == {"create", "stat", "read", "delete"}
    assert os.listdir(tmp_path) == ["scan.json"]


def test_one_file_alone_in_an_empty_folder_runs(tmp_path):
    shutil.copy(TOOL, tmp_path)
    done = subprocess.run([sys.executable, "-S", "fio_scan.py", "scan", ".", "--engine", "python", *SMALL], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == ["fio_scan.py"]


@pytest.mark.parametrize("arguments, words", [
    (["scan", "nowhere"], "not a folder"),
    (["scan", ".", "--size", "4K"], "1M or more"),
    (["scan", ".", "--size", "900T"], "use a smaller --size"),
    (["scan", ".", "--repeat", "0"], "1 or more"),
    (["scan", ".", "--size", "lots"], "invalid size value"),
    (["need"], "say how large a checkpoint is"),
    (["need", "--params", "7e9", "--nodes", "0"], "1 or more"),
    (["need", "--params", "-1"], "invalid positive value"),
])
def test_wrong_usage_ends_with_2_and_says_what_to_change(tmp_path, arguments, words):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def test_fio_asked_for_but_not_installed_is_named(tmp_path):
    done = run("scan", tmp_path, "--engine", "fio", env={"PATH": str(tmp_path)})
    assert done.returncode == 2 and "fio is not installed" in done.stderr


@needs_namespace
def test_a_disk_that_fills_half_way_keeps_the_lines_before_it(tmp_path):
    # Enough bytes for the check at the start, too few inodes for the small files at the end.
    script = (f"cd {tmp_path} && mkdir small && mount -t tmpfs -o size=32m,nr_inodes=40 tmpfs small && "
              f"{sys.executable} {TOOL} scan small --engine python --size 2M --runtime 0.1 --repeat 1 --files 200; echo code $?; ls small")
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert "sample-read-qd32" in done.stdout and done.stdout.endswith("code 1\n"), done.stderr
    assert "No space left on device; the storage is full (space, inodes or quota)" in done.stderr and "Traceback" not in done.stderr


def test_ctrl_c_prints_what_is_there_and_removes_the_files(tmp_path):
    process = subprocess.Popen([sys.executable, str(TOOL), "scan", str(tmp_path), "--engine", "python", "--size", "2M", "--runtime", "30", "--files", "10", "--json", str(tmp_path / "part.json")],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 20
    while not list(tmp_path.glob("fio_scan_*/f.3")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 1 and "checkpoint-write" in out and "stopped before the end" in err and "Traceback" not in err
    assert json.loads((tmp_path / "part.json").read_text())["stopped"] == "stopped before the end"
    assert os.listdir(tmp_path) == ["part.json"]


def test_the_job_files_ask_fio_for_the_same_work(tool):
    matrix = {work.name: work for work in tool.MATRIX}
    for name in ("checkpoint-write", "shard-read", "sample-read"):
        text = (TOOL.parent / f"{name}.fio").read_text()
        jobs = configparser.ConfigParser(allow_no_value=True, comment_prefixes=(";",), default_section="global")
        jobs.read_string(text)
        for section in jobs.sections():
            work, job = matrix[section], jobs[section]
            assert (job["rw"], tool.size(job["bs"]), int(job.get("iodepth", 1)), int(job.get("numjobs", 1)), job["direct"] == "1") == (
                work.pattern, work.block, work.depth, work.jobs, work.direct)


@pytest.mark.fio
@pytest.mark.parametrize("name", ["checkpoint-write", "shard-read", "sample-read"])
def test_the_job_files_run_in_fio(tmp_path, name):
    text = (TOOL.parent / f"{name}.fio").read_text().replace("size=1g", "size=1m").replace("runtime=30", "runtime=1")
    (tmp_path / "small.fio").write_text(text)
    done = subprocess.run(["fio", f"--directory={tmp_path}", "--output-format=json", "small.fio"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert all(job["error"] == 0 for job in json.loads(done.stdout)["jobs"])


@pytest.mark.fio
def test_a_scan_with_fio_reads_its_results(tmp_path):
    done = run("scan", tmp_path, "--engine", "fio", *SMALL, "--json", tmp_path / "scan.json")
    assert done.returncode == 0, done.stderr
    lines = json.loads((tmp_path / "scan.json").read_text())["results"]
    assert len(lines) == 5 and all(min(line["rates"]) > 0 and line["p99_s"] > 0 for line in lines)
    assert os.listdir(tmp_path) == ["scan.json"]
