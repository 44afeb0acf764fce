"""Run programs in processes that find torch imported: an import costs two seconds of a processor, and these tests start hundreds.

A server that has imported torch, and nothing else, is copied for each program; the copy takes the program's folder, words and
environment, and runs it as `__main__`. Tests of what happens before or because of the start of an interpreter (a missing torch,
variables that torch reads as it is imported, torchrun) start a real one.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import weakref
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[2]
PRELOADED = ["torch", "torch.distributed.checkpoint", "torch.distributed.fsdp", "torch.utils.data", "tests.tools.warm"]
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(PRELOADED)


class Process:
    """A program that runs; like subprocess.Popen as far as these tests need it. Both outputs go to `out`, or to a file each."""

    def __init__(self, words: list, folder: Path, out: Path | None = None, **env: str):
        os.environ.setdefault("OMP_NUM_THREADS", "1")    # the server reads it when it imports torch
        kept = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, kept)
        self._files = [out or Path(kept, name) for name in ("out", "err")]
        whole = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env}
        self._process = context.Process(target=_play, args=([str(word) for word in words], str(folder), *map(str, self._files), whole))
        self._process.start()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, negative for a signal; raise subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end and return standard output and standard error; raise subprocess.TimeoutExpired."""
        self.wait(timeout)
        out, err = (file.read_text("utf-8") if file.exists() else "" for file in self._files)
        return out, err

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        """Kill the program and all that it started."""
        subprocess.run(["kill", "-9", "--", f"-{self.pid}"], capture_output=True)


def run(*words, cwd: Path | None = None, timeout: float = 100, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program with its words to its end, as subprocess.run does."""
    process = Process(list(words), cwd or Path.cwd(), **env)
    try:
        out, err = process.communicate(timeout)
    finally:
        process.kill()
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def ranks(world: int, *words, cwd: Path | None = None, timeout: float = 100, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program on so many ranks; return what all of them print, rank by rank, and the first exit status that is not 0."""
    meeting = {"WORLD_SIZE": str(world), "LOCAL_WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    processes = [Process(list(words), cwd or Path.cwd(), **meeting, RANK=str(rank), LOCAL_RANK=str(rank), **env) for rank in range(world)]
    texts, end = [], time.monotonic() + timeout
    try:
        texts = [process.communicate(max(0.1, end - time.monotonic())) for process in processes]
    finally:
        for process in processes:
            process.kill()
    out, err = ("".join(pair[at] for pair in texts) for at in (0, 1))
    return subprocess.CompletedProcess(words, next((process.returncode for process in processes if process.returncode), 0), out, err)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _play(words: list[str], folder: str, out: str, err: str, env: dict[str, str]) -> NoReturn:
    """Become the program; its process group is its own, as its start-up would make it under a shell."""
    os.setsid()
    multiprocessing.set_start_method(None, force=True)    # the server's method came along
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    for number, name in ((1, out), (2, err)):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    if env.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(write_through=True)
    sys.argv = words
    sys.path[:] = [str(Path(words[0]).resolve().parent), *(path for path in sys.path if path and not path.startswith(str(ROOT / "tests")) and path != str(ROOT))]
    status = _status_of(words[0])
    threading._shutdown()    # wait for threads, as an interpreter does at its end
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _status_of(program: str) -> int:
    """Run the program; return the status that an interpreter would end with."""
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
