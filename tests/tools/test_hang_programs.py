"""Each hanging program of the chapter really hangs, its detector names the cause, and the mended program ends."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools import warm

FOLDER = Path(__file__).parents[2] / "docs/debug"
pytestmark = pytest.mark.torch


class Ranks:
    """The ranks of one program, started without a launcher, so that none of them ends the others; variables need a real start."""

    def __init__(self, tmp_path, words: list[str], world: int, **env: str):
        common = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(warm.free_port()), "OMP_NUM_THREADS": "1",
                  "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"} | env
        self.files = [open(tmp_path / f"out{r}.txt", "w+") for r in range(world)]
        self.processes = [self._start(words, file, common | {"RANK": str(r), "LOCAL_RANK": str(r)}, bool(env)) for r, file in enumerate(self.files)]

    @staticmethod
    def _start(words: list[str], file, env: dict[str, str], really: bool) -> subprocess.Popen | warm.Process:
        if not really:
            return warm.Process(words, FOLDER, Path(file.name), **env)
        return subprocess.Popen([sys.executable, *words], cwd=FOLDER, stdout=file, stderr=subprocess.STDOUT, env=os.environ | env, start_new_session=True)

    def finish(self, seconds: float = 55) -> tuple[list[int | None], list[str]]:
        """Return (status, output) of each rank; None for one that still ran after so many seconds, which is then killed."""
        deadline, statuses = time.monotonic() + seconds, []
        for process in self.processes:
            try:
                statuses.append(process.wait(max(0.1, deadline - time.monotonic())))
            except subprocess.TimeoutExpired:
                statuses.append(None)
        for process in self.processes:
            subprocess.run(["kill", "-9", "--", f"-{process.pid}"], capture_output=True)     # DataLoader workers too
            process.wait()
        texts = []
        for file in self.files:
            file.seek(0)
            texts.append(file.read())
            file.close()
        return statuses, texts


def run(tmp_path, *words: str, world: int = 2, **env: str) -> tuple[list[int | None], list[str]]:
    """Run a program of the chapter on so many ranks to its end."""
    return Ranks(tmp_path, list(words), world, **env).finish()


def gave_up(texts: list[str], seconds: int) -> bool:
    """Return whether some rank ran into its timeout and every rank into that or into the end of the one that did.

    The timers of two ranks run out within milliseconds of each other: the later one may see the connection close before its own does.
    """
    timed_out = [f"Timed out waiting {seconds * 1000}ms" in text for text in texts]
    return any(timed_out) and all(late or "Connection closed by peer" in text for late, text in zip(timed_out, texts))


@pytest.mark.parametrize("program, world", [("hang_missing_rank.py", 2), ("hang_mismatch.py", 2), ("hang_exception.py", 2),
                                            ("hang_dataloader.py", 2), ("hang_uneven.py", 2), ("hang_group.py", 3), ("slow_rank.py", 4)])
def test_the_mended_program_ends(tmp_path, program, world):
    statuses, texts = run(tmp_path, program, "--fixed", world=world)
    assert statuses == [0] * world, texts


def test_a_missing_rank_is_named_by_monitored_barrier(tmp_path):
    ranks = Ranks(tmp_path, ["hang_missing_rank.py", "--detect"], 2)
    status = ranks.processes[0].wait(55)
    still_polling = ranks.processes[1].poll() is None
    _, texts = ranks.finish(0.1)
    assert status == 1 and still_polling
    assert "Ranks 1 failed to pass monitoredBarrier in 3000 ms" in texts[0]


def test_a_mismatch_times_out_without_a_word_on_the_cause(tmp_path):
    statuses, texts = run(tmp_path, "hang_mismatch.py")
    assert statuses == [1, 1]
    assert gave_up(texts, 4), texts
    assert "mismatch between" not in "".join(texts)


def test_a_mismatch_is_explained_by_debug_detail(tmp_path):
    statuses, texts = run(tmp_path, "hang_mismatch.py", TORCH_DISTRIBUTED_DEBUG="DETAIL")
    assert statuses == [1, 1]
    said = max(texts, key=len)      # the rank that finds it first may end before the other has compared
    assert "Detected mismatch between collectives" in said and "OpType=ALLREDUCE" in said and "OpType=BROADCAST" in said


@pytest.mark.parametrize("program, world, lines", [
    ("hang_mismatch.py", 4, ["operation differs", "rank 0: all_reduce [[1]]", "rank 3: broadcast [[4]]"]),
    ("hang_exception.py", 2, ["rank 0: all_reduce [[1]]", "rank 1: barrier"]),
    ("hang_uneven.py", 2, ["rank 0: all_reduce [[4]]", "rank 1: broadcast [[1]]"]),
])
def test_the_recorder_names_the_calls_with_file_and_line(tmp_path, program, world, lines):
    statuses, texts = run(tmp_path, "collective_mismatch.py", "record", str(tmp_path / "calls"), program, world=world)
    assert all(statuses), texts
    done = subprocess.run([sys.executable, "-S", "collective_mismatch.py", "compare", str(tmp_path / "calls")], cwd=FOLDER,
                          capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "FIRST DIFFERENCE" in done.stdout and f"{program}:" in done.stdout
    for line in lines:
        assert line in done.stdout


def test_a_skipped_batch_gives_wrong_sums_before_it_hangs(tmp_path):
    statuses, texts = run(tmp_path, "hang_exception.py")
    assert statuses == [1, 1]
    assert "rank 0: step 1 sum 3" in texts[0] and "rank 1: step 2 sum 3" in texts[1]     # 1 + 2: two different steps added
    assert gave_up(texts, 4), texts


def test_a_worker_that_waits_for_a_lock_is_reported_by_the_loader_timeout(tmp_path):
    statuses, texts = run(tmp_path, "hang_dataloader.py", "--worker-timeout", "3", "--timeout", "6")
    assert statuses == [1, 1]
    assert "DataLoader timed out" in texts[1]
    assert "Timed out waiting 6000ms" in texts[0] or "Connection closed by peer" in texts[0], texts


def test_py_spy_shows_the_line_where_the_worker_waits(tmp_path):
    spy = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
    assert os.path.exists(spy), "py-spy is not installed: pip install py-spy"
    ranks = Ranks(tmp_path, ["hang_dataloader.py", "--timeout", "300"], 2)      # it must still hang when it is looked at
    dump, deadline = "", time.monotonic() + 200                                 # two imports of torch on a busy machine
    while "__getitem__" not in dump and time.monotonic() < deadline:
        time.sleep(2)
        done = subprocess.run([spy, "dump", "--subprocesses", "--pid", str(ranks.processes[1].pid)], capture_output=True, text=True)
        if "ermission" in done.stderr:
            ranks.finish(0.1)
            pytest.skip("py-spy may not attach here")
        dump = done.stdout
    ranks.finish(0.1)
    assert "__getitem__ (hang_dataloader.py:" in dump and "_get_data (torch/utils/data/dataloader.py:" in dump


def test_uneven_batches_leave_one_rank_in_its_last_step(tmp_path):
    statuses, texts = run(tmp_path, "hang_uneven.py")
    assert statuses == [1, 1]
    assert "rank 1: epoch done" in texts[1] and "epoch done" not in texts[0]


def test_a_group_that_only_its_members_create_never_comes_up(tmp_path):
    statuses, texts = run(tmp_path, "hang_group.py", world=3)
    assert any(status != 0 for status in statuses) and not all("done" in text for text in texts)


def test_the_slow_rank_is_the_one_that_waits_least(tmp_path):
    statuses, texts = run(tmp_path, "slow_rank.py", "--extra-ms", "300", "--steps", "5", "--json", str(tmp_path / "out.json"), world=4)
    assert statuses == [0] * 4
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["slow"] == 2 and min(result["wait_ms"]) == result["wait_ms"][2]


def test_the_flight_recorder_of_gloo_is_read_too(tmp_path):
    (tmp_path / "dumps").mkdir()
    program = tmp_path / "train.py"
    program.write_text(
        "import os, sys, torch, torch.distributed as dist\n"
        "from datetime import timedelta\n"
        "dist.init_process_group('gloo', timeout=timedelta(seconds=3))\n"
        "try:\n"
        "    dist.all_reduce(torch.ones(4))\n"
        "    dist.broadcast(torch.ones(2), 0) if dist.get_rank() else dist.all_reduce(torch.ones(4))\n"
        "except RuntimeError:\n"
        "    pass\n"
        "dump = torch._C._distributed_c10d._dump_fr_trace()\n"
        "open(os.path.join(sys.argv[1], f'fr_{dist.get_rank()}'), 'wb').write(dump)\n"
        "os._exit(0)\n")
    statuses, texts = run(tmp_path, str(program), str(tmp_path / "dumps"))
    assert statuses == [0, 0], texts
    done = subprocess.run([sys.executable, "collective_mismatch.py", "compare", str(tmp_path / "dumps")], cwd=FOLDER,
                          capture_output=True, text=True)
    assert done.returncode == 1 and "call 2 of group 0: operation differs" in done.stdout, done.stdout + done.stderr
    assert "train.py:6" in done.stdout
