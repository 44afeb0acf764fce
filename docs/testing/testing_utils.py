#!/usr/bin/env python3
"""Run a test function on n ranks of one machine: seeded, with a time-out, stacks of what hangs, and captured output.

In a test:   results = run_ranks(function, 2, argument)     one result a rank, or RanksFailed with every rank's story
With pytest: put `pytest_plugins = ["testing_utils"]` into conftest.py and take the fixture `on_ranks`
By hand:     python testing_utils.py FILE.py:FUNCTION --ranks 4

The function must stand at the top level of a module, because each rank is a process of its own and has to find it. The
default process group exists when it starts (gloo, over a file, so no port can be taken), and RANK, WORLD_SIZE, LOCAL_RANK,
MASTER_ADDR and MASTER_PORT are set. All ranks start from one seed. Times are in seconds.

fake_world(n) gives this one process a world of n ranks in which communication does nothing: shapes and counts are right,
values are not. Exit status by hand: 0 all ranks returned; 1 one failed or hung; 2 wrong usage.
"""

import argparse
import contextlib
import faulthandler
import importlib
import importlib.util
import json
import math
import multiprocessing
import os
import pickle
import random
import signal
import socket
import sys
import tempfile
import time
import traceback
from datetime import timedelta
from pathlib import Path

EXAMPLES = """examples:
  python testing_utils.py test_parallel.py:sum_of_ranks --ranks 4
  python testing_utils.py test_parallel.py:sum_of_ranks --ranks 2 --timeout 20 --json out.json
"""


class RanksFailed(AssertionError):
    """A rank raised, died or hung; the text tells what each rank did."""


def seed_everything(seed: int) -> None:
    """Seed the random numbers of Python, NumPy (where it is imported) and PyTorch."""
    import torch
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    torch.manual_seed(seed)


# --8<-- [start:tolerance]
def tolerance(dtype, terms: int = 1, steps: float = 4.0) -> float:
    """Return a tolerance relative to the largest value, for sums of `terms` products.

    u is half of the distance from 1 to the next number of the dtype. Errors of
    random sign add up like a random walk, so a sum of K terms is off by about
    u * sqrt(K); `steps` is the safety factor. A real mistake is off by far more.
    """
    import torch
    return steps * torch.finfo(dtype).eps / 2 * math.sqrt(terms)
# --8<-- [end:tolerance]


def assert_close_to_sum(actual, expected, terms: int, dtype=None) -> None:
    """Assert that two tensors agree as well as two orders of summing `terms` numbers in `dtype` can."""
    allowed = tolerance(dtype or actual.dtype, terms) * expected.abs().max().item()
    gap = (actual.double() - expected.double()).abs().max().item()
    assert gap <= allowed, f"largest difference {gap:.3g}, allowed {allowed:.3g} for sums of {terms} terms"


# --8<-- [start:fake]
@contextlib.contextmanager
def fake_world(ranks: int, rank: int = 0):
    """Make this process one rank of many, whose collectives move nothing."""
    import torch.distributed as dist
    from torch.testing._internal.distributed.fake_pg import FakeStore
    dist.init_process_group("fake", store=FakeStore(), rank=rank, world_size=ranks)
    try:
        yield
    finally:
        dist.destroy_process_group()
# --8<-- [end:fake]


# ---------------------------------------------------------------- one rank

def find(module: str, file: str, name: str):
    """Return the function, from its module or, where that cannot be imported, from its file."""
    try:
        if getattr(importlib.import_module(module), "__file__", file) == file:
            return getattr(sys.modules[module], name)
    except ImportError:
        pass
    spec = importlib.util.spec_from_file_location(module, file)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    sys.path.insert(0, str(Path(file).parent))
    spec.loader.exec_module(loaded)
    return getattr(loaded, name)


def rank_main(rank: int, ranks: int, where: tuple, arguments: bytes, folder: str, backend: str | None, seed: int, limit: float, port: int) -> None:
    """Run the function as one rank; leave result, traceback and output in the folder."""
    output = open(f"{folder}/{rank}.out", "w", encoding="utf-8", buffering=1)
    os.dup2(output.fileno(), 1)                  # also what C++ prints
    os.dup2(output.fileno(), 2)
    sys.stdout = sys.stderr = output
    stacks = open(f"{folder}/{rank}.stack", "w")
    faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=False)
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(ranks), LOCAL_RANK=str(rank), LOCAL_WORLD_SIZE=str(ranks),
                      MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    try:
        import torch
        import torch.distributed as dist
        Path(folder, f"{rank}.ready").touch()
        torch.set_num_threads(1)                 # ranks share the cores; threads of all of them would only wait for each other
        if backend:                              # the parent's limit comes first, so that it can ask for stacks
            dist.init_process_group(backend, init_method=f"file://{folder}/store", rank=rank, world_size=ranks,
                                    timeout=timedelta(seconds=limit + 60))
        seed_everything(seed)
        result = pickle.dumps(find(*where)(*pickle.loads(arguments)))
        if backend:
            dist.barrier()                       # nobody leaves while another still needs it
            dist.destroy_process_group()
        Path(folder, f"{rank}.tmp").write_bytes(result)
        os.rename(f"{folder}/{rank}.tmp", f"{folder}/{rank}.result")
        code = 0
    except BaseException:
        Path(folder, f"{rank}.error").write_text(traceback.format_exc(), "utf-8")
        code = 1
    output.flush()
    os._exit(code)                               # no clean-up that could wait for a rank that is gone


# ---------------------------------------------------------------- all ranks

def server():
    """Return a multiprocessing context whose ranks start in milliseconds: one process imports torch, and each rank is its fork."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "torch.distributed"])
    return context


# --8<-- [start:run]
def run_ranks(function, ranks: int, *arguments, timeout: float = 60.0, seed: int = 0,
              backend: str | None = "gloo", show: bool = False) -> list:
    """Run function(*arguments) on `ranks` processes; return their results in order.

    `timeout` is in seconds and begins when all ranks are ready. Raises RanksFailed.
    """
    name = function.__qualname__
    if "<" in name or "." in name:
        raise TypeError(f"{name} must stand at the top level of a module: "
                        "another process has to find it")
    where = function.__module__, sys.modules[function.__module__].__file__, name
    payload = pickle.dumps(arguments)
    context = server()
    with tempfile.TemporaryDirectory(prefix="ranks-") as folder:
        common = ranks, where, payload, folder, backend, seed, timeout, free_port()
        processes = [context.Process(target=rank_main, args=(rank, *common), daemon=True)
                     for rank in range(ranks)]
        try:
            for process in processes:
                process.start()
            why = wait(processes, folder, timeout)
        finally:                             # also on Ctrl-C: no rank is left behind
            for process in processes:
                if process.pid and process.is_alive():
                    process.kill()
                process.join(5)
        if why:
            raise RanksFailed(story(why, processes, folder))
        if show:
            print(outputs(ranks, folder), end="")
        return [pickle.loads(Path(folder, f"{rank}.result").read_bytes())
                for rank in range(ranks)]
# --8<-- [end:run]


def free_port() -> int:
    """Return a port that was free a moment ago, for functions that set up a group of their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(processes: list, folder: str, timeout: float) -> str:
    """Wait for all ranks; return '' or why not all of them came to their end, after asking those that run for their stacks."""
    ready = [Path(folder, f"{rank}.ready") for rank in range(len(processes))]
    end, failed, clock_runs = time.monotonic() + 180, False, False    # until all have imported torch: a busy machine is no hang
    while any(process.is_alive() for process in processes):
        if not clock_runs and all(path.exists() for path in ready):
            end, clock_runs = time.monotonic() + timeout, True
        if not failed and any(process.exitcode for process in processes):
            failed, end = True, min(end, time.monotonic() + 1.0)       # another rank may be about to say more
        if time.monotonic() > end:
            for path, process in zip(ready, processes):
                if process.is_alive() and path.exists():
                    os.kill(process.pid, signal.SIGUSR1)               # faulthandler writes the stack, without leaving the call
            time.sleep(0.3)
            break
        time.sleep(0.01)
    else:
        failed = any(process.exitcode for process in processes)
    if failed:
        return f"rank {culprit(processes, folder)} of {len(processes)} failed"
    if any(process.is_alive() for process in processes):
        return f"no end after {timeout:g} s" if clock_runs else "not all ranks started within 180 s"
    return ""


def culprit(processes: list, folder: str) -> int:
    """Return the rank that failed first: one that was killed, or else the one whose traceback is oldest."""
    def order(rank: int) -> tuple:
        error = Path(folder, f"{rank}.error")
        return processes[rank].exitcode > 0, error.stat().st_mtime_ns if error.exists() else 0
    return min((rank for rank, process in enumerate(processes) if process.exitcode), key=order)


def outputs(ranks: int, folder: str) -> str:
    """Return what the ranks printed, each line with its rank in front."""
    lines = []
    for rank in range(ranks):
        path = Path(folder, f"{rank}.out")
        text = path.read_text("utf-8", "replace") if path.exists() else ""
        lines += [f"rank {rank}: {line}\n" for line in text.splitlines()]
    return "".join(lines)


def story(why: str, processes: list, folder: str) -> str:
    """Return what each rank did: its traceback, where it stood, or how it died; and the last lines it printed."""
    parts = [why]
    for rank, process in enumerate(processes):
        error, stack = Path(folder, f"{rank}.error"), Path(folder, f"{rank}.stack")
        frames = [line.strip() for line in stack.read_text().splitlines() if line.strip().startswith("File")] if stack.exists() else []
        own = [line for line in frames if f"{os.sep}torch{os.sep}" not in line and f"{os.sep}multiprocessing{os.sep}" not in line
               and __file__ not in line and '"<' not in line]
        if error.exists():
            parts.append(f"rank {rank} raised:\n{error.read_text('utf-8').rstrip()}")
        elif Path(folder, f"{rank}.result").exists():
            parts.append(f"rank {rank} returned")
        elif frames:
            parts.append(f"rank {rank} was still running, at {' < '.join(own[:2]) or frames[0]}\n  inside {frames[0]}")
        elif process.exitcode is not None and process.exitcode < 0:
            parts.append(f"rank {rank} was killed by signal {-process.exitcode}")
        else:
            parts.append(f"rank {rank} ended with status {process.exitcode}")
    printed = outputs(len(processes), folder).splitlines()
    return "\n".join(parts + (["last lines printed:", *printed[-20:]] if printed else []))


try:
    import pytest
except ImportError:                              # run_ranks works without
    pytest = None
if pytest:
    @pytest.fixture
    def on_ranks():
        """Give run_ranks to a test; what the ranks print is captured with the test's own output."""
        def run(function, ranks, *arguments, **options):
            return run_ranks(function, ranks, *arguments, show=True, **options)
        return run


def main() -> int:
    """Run a function of a file on some ranks and print each rank's result."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", metavar="FILE.py:FUNCTION")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for the whole run (default 60)")
    parser.add_argument("--backend", default="gloo", help="gloo (default), nccl, or none to let the function set it up")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the results here")
    args = parser.parse_args()
    file, _, name = args.target.rpartition(":")
    if not file or not Path(file).is_file():
        print(f"no file {file or args.target}: give FILE.py:FUNCTION", file=sys.stderr)
        return 2
    if args.ranks < 1 or args.timeout <= 0:
        print("--ranks and --timeout must be positive", file=sys.stderr)
        return 2
    try:
        importlib.import_module("torch")
    except ImportError:
        print("PyTorch is not installed in this environment", file=sys.stderr)
        return 2
    sys.path.insert(0, str(Path(file).resolve().parent))
    try:
        function = getattr(importlib.import_module(Path(file).stem), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        print(f"cannot take {name} from {file}: {error}", file=sys.stderr)
        return 2
    try:
        results = run_ranks(function, args.ranks, timeout=args.timeout, backend=None if args.backend == "none" else args.backend,
                            seed=args.seed, show=True)
    except (RanksFailed, TypeError) as error:
        print(error, file=sys.stderr)
        return 1 if isinstance(error, RanksFailed) else 2
    for rank, result in enumerate(results):
        print(f"rank {rank} returned {result!r}")
    if args.json:
        try:
            Path(args.json).write_text(json.dumps([repr(result) for result in results]), "utf-8")
        except OSError as error:
            print(f"cannot write {args.json}: {error.strerror}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted; all ranks were stopped", file=sys.stderr)
        sys.exit(1)
