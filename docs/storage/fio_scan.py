#!/usr/bin/env python3
"""Measure whether a folder's storage is fast enough for a training run, and say what the run needs.

Python 3.11 or later, standard library only. fio is used where it is installed, otherwise the same matrix
runs in Python threads. Examples that work as they stand:

    python fio_scan.py need --params 70e9 --stall 60 --nodes 128 --tokens-per-s 963855
    python fio_scan.py scan /tmp --size 64M --runtime 1 --repeat 1 --files 200

Units: 1 GB = 1e9 B, rates in GB/s or MB/s; --size, --file-size and the like also take K, M, G and T, which
are powers of 1024. Formulas:

    write bandwidth  = checkpoint bytes / allowed stall
    checkpoint bytes = parameters x bytes a parameter (bf16 weights 2 + fp32 master 4 + two moments 8 = 14)
    ingest           = tokens/s x bytes a token

The matrix: buffered 1 MiB writes with fsync at the end (what a checkpoint does), direct 1 MiB writes,
direct 1 MiB reads (shards), direct 64 KiB random reads one at a time and 32 at a time (samples), and
many small files. Every run is done --repeat times; the table shows the median, the lowest and the highest.

Exit codes: 0 done and fast enough, 1 too slow or not finished, 2 wrong usage. Everything is written into one
new folder inside the one you name, and removed at the end.
"""

import argparse
import errno
import json
import mmap
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

KIB, MIB = 1024, 1024 * 1024
GRACE_S = 120  # how long a run may last beyond its own runtime before the storage counts as hung


class ScanError(Exception):
    """A run could not be finished; the message says which one, why, and what to try."""


# --8<-- [start:matrix]
@dataclass(frozen=True)
class Workload:
    """One line of the matrix; block in bytes, depth is requests in flight in each of `jobs` files."""

    name: str
    pattern: str  # write, read, randread: the words fio uses
    block: int
    depth: int
    jobs: int
    direct: bool


MATRIX = (
    Workload("checkpoint-write", "write", MIB, 1, 4, direct=False),
    Workload("direct-write", "write", MIB, 1, 4, direct=True),
    Workload("shard-read", "read", MIB, 8, 4, direct=True),
    Workload("sample-read-qd1", "randread", 64 * KIB, 1, 1, direct=True),
    Workload("sample-read-qd32", "randread", 64 * KIB, 32, 1, direct=True),
)
# --8<-- [end:matrix]


@dataclass
class Result:
    """What one workload gave: rates of each repeat in B/s, and latencies in seconds."""

    name: str
    mode: str
    block: int
    depth: int
    jobs: int
    rates: list[float] = field(default_factory=list)
    p50_s: float = 0.0
    p99_s: float = 0.0

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


def size(text: str) -> int:
    """Return a number of bytes from 4096, 64K, 1G or 1e9; raise ValueError for anything else."""
    units = {"K": KIB, "M": MIB, "G": MIB * KIB, "T": MIB * MIB}
    number = float(text[:-1]) * units[text[-1].upper()] if text[-1:].upper() in units else float(text)
    if not 0 < number < float("inf"):
        raise ValueError(text)
    return int(number)


def positive(text: str) -> float:
    """Return a finite number above zero; raise ValueError otherwise."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError(text)
    return number


# --8<-- [start:need]
def write_need(checkpoint_bytes: float, stall_s: float) -> float:
    """Return the bandwidth in B/s that saves a checkpoint within the time that training may stand still."""
    return checkpoint_bytes / stall_s


def ingest_need(items_per_s: float, bytes_per_item: float) -> float:
    """Return the bandwidth in B/s that feeds a run: tokens/s x bytes a token, or samples/s x bytes a sample."""
    return items_per_s * bytes_per_item


def capacity_need(checkpoint_bytes: float, keep: int, dataset_bytes: float, fill: float = 0.8) -> float:
    """Return the capacity in bytes for `keep` checkpoints, one more being written, and the data, at most `fill` full."""
    return ((keep + 1) * checkpoint_bytes + dataset_bytes) / fill
# --8<-- [end:need]


def file_system(path: Path) -> str:
    """Return type and mount point of the file system that holds a path, as Linux tells it, or 'unknown'."""
    try:
        device = f"{os.major(path.stat().st_dev)}:{os.minor(path.stat().st_dev)}"
        lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        found = [line for line in lines if line[2] == device and str(path.resolve()).startswith(line[4].rstrip("/"))]
        line = max(found, key=lambda parts: len(parts[4]))
        return f"{line[line.index('-') + 1]} at {line[4]}"
    except (OSError, ValueError, IndexError):
        return "unknown"


def header(folder: Path, arguments: argparse.Namespace, engine: str) -> dict:
    """Return the facts that a reader of the numbers needs: where, on what, with which versions and settings."""
    space = os.statvfs(folder)
    return {"host": platform.node(), "kernel": platform.release(), "python": platform.python_version(),
            "engine": engine, "file_system": file_system(folder), "free_bytes": space.f_bavail * space.f_frsize,
            "free_inodes": space.f_favail, "size_bytes_per_file": arguments.size, "runtime_s": arguments.runtime,
            "repeat": arguments.repeat, "seed": arguments.seed, "date": time.strftime("%Y-%m-%d")}


# ---------------------------------------------------------------- engines

def fio_once(work: Workload, folder: Path, file_bytes: int, runtime: float, seed: int, direct: bool) -> tuple[float, float, float]:
    """Run one workload with fio; return B/s, median and 99th percentile latency in seconds."""
    command = ["fio", f"--name={work.name}", f"--directory={folder}", "--filename_format=f.$jobnum", "--output-format=json",
               f"--rw={work.pattern}", f"--bs={work.block}", f"--iodepth={work.depth}", f"--numjobs={work.jobs}",
               f"--size={file_bytes}", f"--direct={int(direct)}", f"--randseed={seed}", "--group_reporting",
               f"--ioengine={'libaio' if direct else 'psync'}", "--thread", "--refill_buffers"]
    command += ["--end_fsync=1"] if work.pattern == "write" else ["--time_based", f"--runtime={runtime}", "--norandommap"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, err = process.communicate(timeout=runtime + GRACE_S)
    except subprocess.TimeoutExpired:
        raise ScanError(f"{work.name}: no end after {runtime + GRACE_S:.0f} s; the storage hangs or --size is too large for it") from None
    finally:
        if process.poll() is None:  # time-out or Ctrl-C: fio and its workers are one group
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    start = out.find("{")
    job = json.loads(out[start:])["jobs"][0] if start >= 0 and process.returncode == 0 else None
    if job is None or job["error"]:
        raise ScanError(f"{work.name}: fio: {((err or out).strip().splitlines() or ['no output'])[0][:200]}")
    half = job["write" if work.pattern == "write" else "read"]
    marks = half["clat_ns"].get("percentile", {})
    return half["bw_bytes"], marks.get("50.000000", 0) / 1e9, marks.get("99.000000", 0) / 1e9


def python_once(work: Workload, folder: Path, file_bytes: int, runtime: float, seed: int, direct: bool) -> tuple[float, float, float]:
    """Run one workload in threads; return B/s, median and 99th percentile latency in seconds."""
    # Plain system calls have one request in flight each, so a depth becomes that many threads.
    writing = work.pattern == "write"
    workers = work.jobs if writing else work.jobs * work.depth
    blocks = max(1, file_bytes // work.block)
    times: list[list[float]] = [[] for _ in range(workers)]
    trouble: list[OSError] = []
    stop = threading.Event()
    flags = (os.O_WRONLY | os.O_CREAT | os.O_TRUNC if writing else os.O_RDONLY) | (os.O_DIRECT if direct else 0)

    def worker(index: int) -> None:
        buffer = mmap.mmap(-1, work.block)  # page-aligned, as O_DIRECT demands
        buffer.write(random.Random(seed + index).randbytes(work.block))  # data that no server can compress
        draw = random.Random(seed + index)
        try:
            handle = os.open(folder / f"f.{index % work.jobs}", flags, 0o600)
            try:
                done = 0
                while not stop.is_set() and (done < blocks if writing else True):
                    at = draw.randrange(blocks) if work.pattern == "randread" else (done * work.depth + index // work.jobs) % blocks
                    begin = time.perf_counter()
                    if writing:
                        buffer[:8] = at.to_bytes(8, "little")  # no two blocks alike: nothing to deduplicate
                        moved = os.pwritev(handle, [buffer], at * work.block)
                    else:
                        moved = os.preadv(handle, [buffer], at * work.block)
                    times[index].append(time.perf_counter() - begin)
                    if moved != work.block:
                        raise OSError(errno.ENOSPC if writing else errno.EIO, "short transfer")
                    done += 1
                if writing:
                    os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            trouble.append(error)
            stop.set()
        finally:
            buffer.close()

    # Daemon threads: one stuck in a dead mount must not keep the program from ending.
    threads = [threading.Thread(target=worker, args=(index,), daemon=True) for index in range(workers)]
    begin = time.perf_counter()
    try:
        for thread in threads:
            thread.start()
        if not writing:
            stop.wait(runtime)
            stop.set()
        for thread in threads:
            thread.join(max(0.0, begin + runtime + GRACE_S - time.perf_counter()))
    finally:
        stop.set()
    seconds = time.perf_counter() - begin
    if any(thread.is_alive() for thread in threads):
        raise ScanError(f"{work.name}: no end after {runtime + GRACE_S:.0f} s; the storage hangs or --size is too large for it")
    if trouble:
        raise ScanError(f"{work.name}: {trouble[0].strerror or trouble[0]}")
    ordered = sorted(value for part in times for value in part)
    return len(ordered) * work.block / seconds, ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]


def supports_direct(folder: Path) -> bool:
    """Return whether the file system takes O_DIRECT, by writing one block."""
    probe = folder / "direct"
    try:
        handle = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_DIRECT, 0o600)
        try:
            with mmap.mmap(-1, MIB) as block:
                return os.pwritev(handle, [block], 0) == MIB
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return False
        raise
    finally:
        probe.unlink(missing_ok=True)


def small_files(folder: Path, count: int, file_bytes: int, workers: int) -> dict[str, float]:
    """Create, stat, read and delete `count` files of `file_bytes` from `workers` threads; return operations a second."""
    payload = random.Random(count).randbytes(file_bytes)
    for part in range(workers):
        (folder / f"d{part}").mkdir()
    paths = [folder / f"d{index % workers}" / str(index) for index in range(count)]
    steps = {"create": lambda path: path.write_bytes(payload), "stat": Path.stat, "read": Path.read_bytes, "delete": Path.unlink}
    rates = {}
    with ThreadPoolExecutor(workers) as pool:
        for name, step in steps.items():
            begin = time.perf_counter()
            for _ in pool.map(step, paths, chunksize=16):
                pass
            rates[name] = count / (time.perf_counter() - begin)
    return rates


# ---------------------------------------------------------------- commands

def scan(arguments: argparse.Namespace) -> int:
    """Measure a folder; print a table and a verdict; return the exit code."""
    folder: Path = arguments.folder
    if not folder.is_dir():
        return usage(f"{folder} is not a folder; name one on the storage that you want to measure")
    engine = arguments.engine if arguments.engine != "auto" else "fio" if shutil.which("fio") else "python"
    if engine == "fio" and not shutil.which("fio"):
        return usage("fio is not installed; install it (apt-get install fio) or use --engine python")
    if arguments.size < MIB:
        return usage("--size must be 1M or more: the largest block is 1 MiB")
    facts = header(folder, arguments, engine)
    files = max(work.jobs for work in MATRIX)
    wanted = files * arguments.size + arguments.files * (arguments.file_size + 4096)
    if wanted > facts["free_bytes"]:
        return usage(f"{folder} has {facts['free_bytes'] / 1e9:.2f} GB free and the scan writes {wanted / 1e9:.2f} GB; use a smaller --size or --files")
    print("  ".join(f"{name}={facts[name]}" for name in ("host", "kernel", "python", "engine", "date", "seed")))
    print(f"{folder}: {facts['file_system']}, {facts['free_bytes'] / 1e9:.1f} GB and {facts['free_inodes']:,} inodes free; "
          f"{files} files of {arguments.size / MIB:.0f} MiB, reads {arguments.runtime:g} s, {arguments.repeat} repeats\n")
    results: list[Result] = []
    rates: dict[str, float] = {}
    stopped = ""
    try:
        scratch = Path(tempfile.mkdtemp(prefix="fio_scan_", dir=folder))
    except OSError as error:
        return usage(f"cannot write in {folder}: {error.strerror}")
    try:
        direct = supports_direct(scratch)
        if not direct:
            print("This file system refuses direct I/O: reads below may come from memory, not from the storage.\n")
        once = fio_once if engine == "fio" else python_once
        print(f"{'workload':17} {'mode':9} {'block':>8} {'jobs x depth':>12} {'MB/s':>9} {'low':>8} {'high':>8} {'IOPS':>9} {'p50 ms':>8} {'p99 ms':>8}")
        for work in MATRIX:
            real = work.direct and direct
            result = Result(work.name, "direct" if real else "buffered", work.block, work.depth, work.jobs)
            for turn in range(arguments.repeat):
                rate, result.p50_s, result.p99_s = once(work, scratch, arguments.size, arguments.runtime, arguments.seed + turn, real)
                result.rates.append(rate)
            results.append(result)
            print(f"{work.name:17} {result.mode:9} {work.block // KIB:>4} KiB {f'{work.jobs} x {work.depth}':>12} {result.rate / 1e6:>9.1f} "
                  f"{min(result.rates) / 1e6:>8.1f} {max(result.rates) / 1e6:>8.1f} {result.rate / work.block:>9.0f} {result.p50_s * 1e3:>8.3f} {result.p99_s * 1e3:>8.3f}", flush=True)
        rates = small_files(scratch, arguments.files, arguments.file_size, 4)
        print(f"\nsmall files, {arguments.files} of {arguments.file_size} B, 4 threads: " + ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items()))
    except KeyboardInterrupt:
        stopped = "stopped before the end"
    except (ScanError, OSError) as error:
        stopped = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    finally:
        if "hangs" in stopped:  # removing files would hang as well
            print(f"Left behind: {scratch}; remove it when the storage answers again.", file=sys.stderr)
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    failed = verdict(results, rates, arguments)
    if arguments.json:
        write_json(arguments.json, {"header": facts, "results": [asdict(result) for result in results], "small_files": rates,
                                    "failed": failed, "stopped": stopped or None})
    if stopped:
        full = "; the storage is full (space, inodes or quota): use a smaller --size or --files" if os.strerror(errno.ENOSPC) in stopped or os.strerror(errno.EDQUOT) in stopped else ""
        print(f"fio_scan: {platform.node()}: {stopped}{full}. Lines above are complete.", file=sys.stderr)
    if "hangs" in stopped:
        sys.stdout.flush()
        os._exit(1)  # a thread that waits for a dead server never ends by itself
    return 1 if stopped or failed else 0


# --8<-- [start:verdict]
def verdict(results: list[Result], rates: dict[str, float], arguments: argparse.Namespace) -> list[str]:
    """Compare what was measured with --need-*; print a line each; return the names of those that fall short."""
    measured = {result.name: result for result in results}
    checks = []
    for wanted, name in ((arguments.need_write, "checkpoint-write"), (arguments.need_read, "shard-read")):
        if wanted and name in measured:
            checks.append((name, measured[name].rate / 1e9, wanted, "GB/s"))
    if arguments.need_samples and "sample-read-qd32" in measured:
        checks.append(("sample-read-qd32", measured["sample-read-qd32"].rate / (64 * KIB), arguments.need_samples, "reads/s"))
    if arguments.need_files and "read" in rates:
        checks.append(("small files, read", rates["read"], arguments.need_files, "files/s"))
    if checks:
        print()
    for name, got, wanted, unit in checks:
        print(f"{'PASS' if got >= wanted else 'FAIL'}  {name}: {got:.3g} {unit}, needed {wanted:.3g} ({got / wanted:.2f} x)")
    return [name for name, got, wanted, _ in checks if got < wanted]
# --8<-- [end:verdict]


def need(arguments: argparse.Namespace) -> int:
    """Print what a run asks of its storage; return the exit code."""
    if not (arguments.params or arguments.checkpoint_bytes):
        return usage("say how large a checkpoint is: --params 70e9, or --checkpoint-bytes 980e9")
    checkpoint = arguments.checkpoint_bytes or arguments.params * arguments.bytes_per_param
    origin = "as given" if arguments.checkpoint_bytes else f"{arguments.params / 1e9:g} billion parameters x {arguments.bytes_per_param:g} B"
    write = write_need(checkpoint, arguments.stall)
    rows = [("checkpoint", checkpoint / 1e9, "GB", origin),
            ("write, whole run", write / 1e9, "GB/s", f"{checkpoint / 1e9:.1f} GB / {arguments.stall:g} s"),
            ("write, one node", write / 1e9 / arguments.nodes, "GB/s", f"the same / {arguments.nodes} nodes")]
    if arguments.tokens_per_s:
        ingest = ingest_need(arguments.tokens_per_s, arguments.bytes_per_token)
        rows.append(("ingest, whole run", ingest / 1e6, "MB/s", f"{arguments.tokens_per_s:,.0f} tokens/s x {arguments.bytes_per_token:g} B"))
    if arguments.samples_per_s:
        ingest = ingest_need(arguments.samples_per_s, arguments.bytes_per_sample)
        rows.append(("ingest, whole run", ingest / 1e6, "MB/s", f"{arguments.samples_per_s:,.0f} samples/s x {arguments.bytes_per_sample:g} B"))
    capacity = capacity_need(checkpoint, arguments.keep, arguments.dataset_bytes)
    rows.append(("capacity", capacity / 1e12, "TB", f"({arguments.keep} kept + 1 being written + {arguments.dataset_bytes / 1e12:.1f} TB of data) / 0.8"))
    for name, value, unit, why in rows:
        print(f"{name:18} {value:>9.3f} {unit:5} {why}")
    print(f"\nMeasure one node against it: python fio_scan.py scan DIR --need-write {write / 1e9 / arguments.nodes:.3g}")
    if arguments.json:
        write_json(arguments.json, {name: {"value": value, "unit": unit} for name, value, unit, _ in rows})
    return 0


def write_json(path: Path, content: dict) -> None:
    """Write a result file; a folder that cannot be written costs the file, not the measurement."""
    try:
        path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    except OSError as error:
        print(f"fio_scan: cannot write {path}: {error.strerror}", file=sys.stderr)


def usage(message: str) -> int:
    """Print one line about wrong usage; return exit code 2."""
    print(f"fio_scan: {message}", file=sys.stderr)
    return 2


def interrupt(*_: object) -> None:
    """Treat a termination signal as Ctrl-C, so that the scratch folder is removed."""
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("need", help="what a run asks of its storage")
    one.add_argument("--params", type=positive, help="parameters, such as 70e9")
    one.add_argument("--bytes-per-param", type=positive, default=14, help="saved bytes a parameter (default 14)")
    one.add_argument("--checkpoint-bytes", type=size, help="size of a checkpoint, instead of the two above")
    one.add_argument("--stall", type=positive, default=60, help="seconds that a save may take (default 60)")
    one.add_argument("--nodes", type=int, default=1, help="nodes that write at once (default 1)")
    one.add_argument("--tokens-per-s", type=positive, help="tokens a second of the whole run")
    one.add_argument("--bytes-per-token", type=positive, default=4, help="2 for a vocabulary below 65,536, else 4 (default 4)")
    one.add_argument("--samples-per-s", type=positive, help="images, clips, ... a second of the whole run")
    one.add_argument("--bytes-per-sample", type=positive, default=150e3, help="stored bytes a sample (default 150e3)")
    one.add_argument("--keep", type=int, default=3, help="checkpoints kept (default 3)")
    one.add_argument("--dataset-bytes", type=size, default=0, help="data beside them")
    two = commands.add_parser("scan", help="measure a folder")
    two.add_argument("folder", type=Path)
    two.add_argument("--engine", choices=("auto", "fio", "python"), default="auto")
    two.add_argument("--size", type=size, default=size("1G"), help="bytes a file, four files (default 1G)")
    two.add_argument("--runtime", type=positive, default=5, help="seconds a read lasts (default 5)")
    two.add_argument("--repeat", type=int, default=3, help="runs of each line (default 3)")
    two.add_argument("--files", type=int, default=2000, help="small files (default 2000)")
    two.add_argument("--file-size", type=size, default=4096, help="bytes of a small file (default 4096)")
    two.add_argument("--need-write", type=positive, help="GB/s that this node must write")
    two.add_argument("--need-read", type=positive, help="GB/s that this node must read from shards")
    two.add_argument("--need-samples", type=positive, help="64 KiB random reads a second that this node must do")
    two.add_argument("--need-files", type=positive, help="small files a second that this node must read")
    two.add_argument("--seed", type=int, default=1)
    for command in (one, two):
        command.add_argument("--json", type=Path, help="also write the result to this file")
    arguments = parser.parse_args()
    if arguments.command == "need":
        return need(arguments) if arguments.nodes >= 1 and arguments.keep >= 1 else usage("--nodes and --keep must be 1 or more")
    if arguments.repeat < 1 or arguments.files < 1:
        return usage("--repeat and --files must be 1 or more")
    signal.signal(signal.SIGTERM, interrupt)
    return scan(arguments)


if __name__ == "__main__":
    sys.exit(main())
