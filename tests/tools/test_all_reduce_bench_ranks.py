"""all_reduce_bench.py between real processes: right results, and each fault named while nothing hangs or stays behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import warm

pytestmark = pytest.mark.torch
FILE = Path(__file__).parents[2] / "docs/network/benchmarks/all_reduce_bench.py"
QUICK = ["--device", "cpu", "--trials", "2", "--warmup", "1", "--timeout", "20"]


class Group:
    """Ranks as processes of their own, started as srun would start them; those that are looked at as they run by real interpreters."""

    def __init__(self, folder: Path, ranks: int, *arguments: str, absent: tuple[int, ...] = (), port: int | None = None,
                 each: dict[int, dict] | None = None, extra: dict[int, list[str]] | None = None, live: bool = False):
        shutil.copy(FILE, folder / FILE.name)      # a single file in an empty folder
        self.port, self.started = port or warm.free_port(), {}
        for rank in range(ranks):
            if rank not in absent:
                environ = {"RANK": str(rank), "WORLD_SIZE": str(ranks), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1",
                           "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.port), **((each or {}).get(rank, {}))}
                words = [FILE.name, *QUICK, *arguments, *((extra or {}).get(rank, []))]
                self.started[rank] = subprocess.Popen(
                    [sys.executable, *words], cwd=folder, env={**os.environ, **environ}, text=True, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE) if live or each else warm.Process(words, folder, **environ)

    def end(self) -> tuple[str, str, list[int]]:
        """Return rank 0's results, all complaints, and the exit statuses; fail if anything hangs or tells of its insides."""
        out, complaints, statuses = "", "", []
        try:
            for rank, process in self.started.items():
                stdout, stderr = process.communicate(timeout=50)
                out, complaints = out + (stdout or ""), complaints + stderr
                statuses.append(process.returncode)
        finally:
            for process in self.started.values():
                process.kill()
                process.wait()
        assert "Traceback" not in complaints
        return out, complaints, statuses

    def wait_for(self, text: str) -> str:
        """Read rank 0's results up to a line that holds `text`."""
        seen = ""
        while text not in seen:
            line = self.started[0].stdout.readline()
            assert line, f"rank 0 ended before {text!r}: {seen}"
            seen += line
        return seen


@pytest.mark.parametrize("ranks, dtype", [(2, "float32"), (4, "bfloat16")])
def test_a_sweep_is_right_and_complete(tmp_path, ranks, dtype):
    out, complaints, statuses = Group(tmp_path, ranks, "--sizes", "8,1000,64K,1M", "--dtype", dtype, "--json", "result.json",
                                      "--plot", "plot.svg").end()
    assert statuses == [0] * ranks and complaints == ""
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["complete"] and result["ranks"] == ranks and result["hosts"] == {socket.gethostname(): ranks}
    assert [row["size"] for row in result["rows"]] == [8, 1000, 65536, 1048576]
    for row in result["rows"]:
        assert row["wrong"] == 0 and row["min"] <= row["median"] <= row["p95"]
        assert row["busbw"] == pytest.approx(row["algbw"] * 2 * (ranks - 1) / ranks)
        assert row["algbw"] == pytest.approx(row["size"] / row["median"])
    assert out.count(" right\n") == 4
    assert (tmp_path / "plot.svg").read_text().count("<circle") == 4


def test_wrong_sums_are_found(tmp_path):
    """One rank adds one to one element after each all-reduce, as a broken link might."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, importlib.abc\n"
        "class Break(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'torch.distributed.tensor' or 'torch.distributed' not in sys.modules: return None\n"
        "        dist = sys.modules['torch.distributed']\n"
        "        real = getattr(dist, 'all_reduce', None)\n"
        "        if real is None or hasattr(real, 'broken'): return None\n"
        "        def broken(tensor, *args, **named):\n"
        "            real(tensor, *args, **named)\n"
        "            if os.environ['RANK'] == '1' and tensor.numel() > 1000: tensor[500] += 1\n"
        "        broken.broken = True\n"
        "        dist.all_reduce = broken\n"
        "sys.meta_path.insert(0, Break())\n")
    broken = {rank: {"PYTHONPATH": str(tmp_path)} for rank in range(2)}
    out, _, statuses = Group(tmp_path, 2, "--sizes", "64,64K", each=broken).end()
    assert statuses == [1, 1]
    assert "2 WRONG" in out and "FAILED: reduced values are wrong" in out and out.count(" right\n") == 1


def test_too_slow_is_status_1_on_every_rank(tmp_path):
    out, _, statuses = Group(tmp_path, 2, "--sizes", "1K", "--min-busbw", "100000").end()
    assert statuses == [1, 1] and "asked for 100000: FAILED" in out


def test_a_missing_rank_is_named(tmp_path):
    out, complaints, statuses = Group(tmp_path, 4, "--timeout", "8", absent=(1, 3)).end()
    assert statuses == [1, 1]
    assert "2 of 4 ranks did not report within 8 s, missing: ranks 1, 3" in complaints and complaints.count("\n") == 1


def test_without_rank_0_the_others_say_where_they_looked(tmp_path):
    group = Group(tmp_path, 2, "--timeout", "2", absent=(0,))
    _, complaints, statuses = group.end()
    assert statuses == [1] and f"no answer from 127.0.0.1:{group.port}" in complaints and "rank 1 on" in complaints


def test_two_processes_of_one_rank_are_found(tmp_path):
    twin = {1: {"RANK": "0", "TORCHELASTIC_USE_AGENT_STORE": "True"}}      # a client that also says it is rank 0
    _, complaints, statuses = Group(tmp_path, 2, each=twin).end()
    assert 0 not in statuses and "is not alone: two processes have this rank" in complaints


def test_a_port_in_use_is_named(tmp_path):
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _, complaints, statuses = Group(tmp_path, 2, "--timeout", "3", port=port, absent=(1,)).end()
    assert statuses == [2] and f"port {port} is in use on this host: set MASTER_PORT" in complaints


def test_a_missing_interface_stops_every_rank_at_once(tmp_path):
    _, complaints, statuses = Group(tmp_path, 2, each={1: {"GLOO_SOCKET_IFNAME": "nosuch0"}}).end()
    assert statuses == [1, 2] and "did not report" not in complaints
    assert "rank 1 on" in complaints and "GLOO_SOCKET_IFNAME=nosuch0 names no interface here; there are: " in complaints


def test_an_accelerator_that_is_not_there(tmp_path):
    _, complaints, statuses = Group(tmp_path, 2, "--device", "xpu").end()
    assert statuses == [2, 2] and "sees no xpu device here" in complaints


def test_a_backend_that_does_not_fit(tmp_path):
    _, complaints, statuses = Group(tmp_path, 2, "--backend", "nccl").end()
    assert statuses == [2, 2] and "backend nccl cannot reduce cpu tensors" in complaints


def test_different_arguments_are_found(tmp_path):
    _, complaints, statuses = Group(tmp_path, 2, extra={1: ["--trials", "3"]}).end()
    assert statuses == [1, 1] and "started with different arguments" in complaints


def test_memory_that_runs_out_half_way_leaves_the_smaller_sizes(tmp_path):
    out, _, statuses = Group(tmp_path, 2, "--sizes", "4K,64K,16T", "--json", "result.json").end()
    assert statuses == [1, 1] and out.count(" right\n") == 2
    assert "stopped: 16 TiB did not fit into memory on rank" in out and "the 2 sizes above are complete" in out
    result = json.loads((tmp_path / "result.json").read_text())
    assert len(result["rows"]) == 2 and not result["complete"]


def test_ctrl_c_prints_what_there_is(tmp_path):
    group = Group(tmp_path, 2, "--sizes", "4K,64K,256M", "--trials", "1000", "--json", "result.json", live=True)
    seen = group.wait_for("64 KiB")
    for process in group.started.values():
        process.send_signal(signal.SIGINT)
    out, complaints, statuses = group.end()
    assert statuses == [1, 1] and "stopped: SIGINT; the 2 sizes above are complete" in seen + out
    assert len(json.loads((tmp_path / "result.json").read_text())["rows"]) == 2


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_rank_that_dies_or_freezes_is_named(tmp_path, end):
    group = Group(tmp_path, 4, "--sizes", "4K,256M", "--trials", "1000", "--timeout", "5", live=True)
    group.wait_for("4 KiB")
    group.started[2].send_signal(end)
    rest = group.started.pop(2)
    try:
        out, complaints, statuses = group.end()
    finally:
        rest.kill()
        rest.communicate()
    assert set(statuses) == {1}
    assert "silent: rank 2 on" in out + complaints and "the 1 sizes above are complete" in out


def test_a_full_disk_keeps_the_table(tmp_path):
    out, complaints, statuses = Group(tmp_path, 2, "--sizes", "1K", "--json", "/dev/full").end()
    assert statuses == [1, 1] and " right\n" in out and "cannot write /dev/full: No space left on device" in complaints


def test_a_reader_that_leaves_early_is_no_fault(tmp_path):
    group = Group(tmp_path, 2, "--sizes", "1K,2K,4K", live=True)
    group.wait_for("payload")
    group.started[0].stdout.close()
    group.started[0].stdout = None
    out, complaints, statuses = group.end()
    assert "BrokenPipe" not in complaints


def test_torchrun_starts_it(tmp_path):
    shutil.copy(FILE, tmp_path / FILE.name)
    done = subprocess.run([sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={warm.free_port()}", FILE.name,
                           *QUICK, "--sizes", "4K,64K,256K"], cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, text=True,
                          capture_output=True, timeout=55)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" right\n") == 3
