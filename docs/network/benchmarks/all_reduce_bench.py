#!/usr/bin/env python3
"""Measure all-reduce over payload sizes: time, algbw, busbw, and the alpha and beta that describe them.

Start one process a device, with torchrun or srun, on as many nodes as the job will use:

    torchrun --nproc-per-node=8 all_reduce_bench.py
    srun --ntasks-per-node=8 python all_reduce_bench.py --json result.json   # with MASTER_ADDR exported

Units: payload S in bytes (KiB, MiB, GiB are powers of 1024), bandwidth in GB/s (10^9 bytes a second), n ranks.
    algbw = S / t                        payload over time: what your program sees
    busbw = algbw * 2(n-1)/n             comparable with the speed of a link, in one direction, whatever n is
    t     = 2(n-1)*alpha + 2(n-1)/n * S * beta     ring all-reduce; alpha is latency a step, 1/beta the busbw of endless S
The definitions are those of NCCL tests (github.com/NVIDIA/nccl-tests, doc/PERFORMANCE.md).

How it measures: for each size, a check of the reduced values, warm-up, then `--trials` batches. A batch is a barrier and as
many calls back to back as make it last about a millisecond; the slowest rank's time counts. Then the values are checked again.

Needs PyTorch; without it only --help works. Exit status: 0 done; 1 wrong values, too slow, or cut short (what was measured
is printed all the same); 2 something to change in how it was started.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import signal
import socket
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

BACKENDS = {"cuda": "nccl", "xpu": "xccl", "npu": "hccl", "hpu": "hccl", "cpu": "gloo"}
VARIABLES = ("NCCL_", "TORCH_NCCL_", "RCCL_", "CCL_", "HCCL_", "GLOO_", "FI_", "UCX_", "CUDA_VISIBLE_DEVICES",
             "HIP_VISIBLE_DEVICES", "OMP_NUM_THREADS")
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
PEAK = 125            # the largest sum that the test pattern makes; small enough to be exact in every type
SLACK = 3             # seconds that survivors wait for each other before they name who is silent


class Stop(Exception):
    """The benchmark cannot go on: a message for people, and the exit status."""

    def __init__(self, message: str, status: int = 1):
        super().__init__(message)
        self.status = status


# ---------------------------------------------------------------- arithmetic: no PyTorch from here ...

# --8<-- [start:arithmetic]
def busbw_factor(ranks: int) -> float:
    """Return busbw / algbw of an all-reduce over `ranks` ranks: 2(n-1)/n."""
    return 2 * (ranks - 1) / ranks


def fit_alpha_beta(sizes: list[float], times: list[float], ranks: int) -> dict | None:
    """Fit t = 2(n-1)*alpha + 2(n-1)/n * S*beta to bytes and seconds.

    Least squares of the relative error, or the largest payloads would decide
    alone. Returns alpha and floor (the time of an empty all-reduce) in seconds,
    busbw_limit (1/beta) in bytes/s, knee (the payload that reaches half of it)
    in bytes, and error, the largest factor between line and measurement. None
    with fewer than three sizes, or if alpha or beta would not be positive.
    """
    if len(set(sizes)) < 3:
        return None
    # Minimise sum(((floor + slope * S) / t - 1)^2): a line through (S/t, 1/t).
    x, y = [s / t for s, t in zip(sizes, times)], [1 / t for t in times]
    xx, xy, yy = (sum(a * b for a, b in zip(u, v)) for u, v in ((x, x), (x, y), (y, y)))
    det = xx * yy - xy * xy
    slope = (sum(x) * yy - sum(y) * xy) / det       # seconds a byte
    floor = (sum(y) * xx - sum(x) * xy) / det       # seconds at S = 0
    if slope <= 0 or floor <= 0:
        return None
    ratios = [(floor + slope * s) / t for s, t in zip(sizes, times)]
    return {"alpha": floor / (2 * (ranks - 1)), "floor": floor, "knee": floor / slope,
            "busbw_limit": busbw_factor(ranks) / slope,
            "error": max(max(r, 1 / r) for r in ratios)}


def half_point(sizes: list[float], busbw: list[float]) -> float | None:
    """Return the payload, in bytes, at which the best busbw was half reached.

    Interpolated between two measured sizes, on a logarithmic scale of payload;
    None if the smallest payload is beyond it already.
    """
    half = max(busbw) / 2
    for (s0, b0), (s1, b1) in zip(zip(sizes, busbw), zip(sizes[1:], busbw[1:])):
        if b0 < half <= b1:
            return s0 * (s1 / s0) ** ((half - b0) / (b1 - b0))
    return None
# --8<-- [end:arithmetic]


def parse_size(text: str) -> int:
    """Return the bytes of a size such as 8, 64K, 1.5M or 4GiB; raise ValueError otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not match:
        raise ValueError(f"{text!r} is not a size; write 8, 64K, 1.5M or 4G")
    return int(float(match[1]) * UNITS[match[2].upper()])


def show_size(size: float) -> str:
    """Return a number of bytes in the largest binary unit that leaves at least 1."""
    unit = next(unit for unit in ("T", "G", "M", "K", "") if size >= UNITS[unit] or not unit)
    return f"{size / UNITS[unit]:.4g} {unit + 'iB' if unit else 'B'}"


def show_time(seconds: float) -> str:
    """Return a time in us, ms or s with three or four digits."""
    scale, unit = (1e6, "us") if seconds < 1e-3 else (1e3, "ms") if seconds < 1 else (1, "s")
    return f"{seconds * scale:.4g} {unit}"


def sweep(low: int, high: int, factor: float) -> list[int]:
    """Return payload sizes from low to high bytes, each `factor` times the one before, the last one high."""
    sizes, size = [], float(low)
    while size < high * 0.999:
        sizes.append(int(size) // 16 * 16 or int(size))        # a multiple of every element size
        size *= factor
    return sorted({*sizes, high})


def quantile(values: list[float], part: float) -> float:
    """Return the value below which `part` of the values lie, interpolated."""
    ordered, place = sorted(values), part * (len(values) - 1)
    low = math.floor(place)
    return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (place - low)


def interface_fault(variable: str, value: str, states: dict[str, str]) -> str | None:
    """Say why an interface variable selects nothing usable on this host; None if it is fine.

    NCCL reads prefixes, `=` for exact names and `^` to exclude; Gloo reads exact names. `states` maps interface to operstate.
    """
    names = value.lstrip("^=").split(",")
    exact = variable.startswith("GLOO") or value.lstrip("^").startswith("=")

    def matches(interface: str) -> bool:
        return any(interface == name if exact else interface.startswith(name) for name in names)

    excluded = value.startswith("^") and not variable.startswith("GLOO")
    chosen = {name for name in states if matches(name) != excluded}
    have = ", ".join(f"{name} ({state})" for name, state in sorted(states.items()))
    missing = [name for name in names if name not in states] if variable.startswith("GLOO") else []
    if missing or not chosen:
        return f"{variable}={value} names no interface here; there are: {have}"
    if all(states[name] in ("down", "lowerlayerdown") for name in chosen):
        return f"{variable}={value} selects only interfaces that are down; there are: {have}"
    return None


def launch(environ: dict[str, str]) -> tuple[int, int, int]:
    """Return rank, ranks and local rank as torchrun or srun set them; raise Stop when they make no sense."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK") if "RANK" in environ else ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID")
    how = "start it with torchrun --nproc-per-node=2 all_reduce_bench.py, or with srun"
    try:
        rank, ranks, local = (int(environ[name]) for name in names)
    except KeyError as missing:
        raise Stop(f"{missing.args[0]} is not set: {how}", 2) from None
    except ValueError:
        raise Stop(f"{', '.join(f'{name}={environ[name]}' for name in names)}: not whole numbers; {how}", 2) from None
    if ranks < 2:
        raise Stop(f"{names[1]}={ranks}: an all-reduce needs two ranks or more; {how}. Under Slurm check --ntasks and "
                   "that srun, not sbatch alone, starts the program", 2)
    if not 0 <= rank < ranks:
        raise Stop(f"{names[0]}={rank} but {names[1]}={ranks}: ranks go from 0 to {ranks - 1}; check node rank and count", 2)
    if "MASTER_ADDR" not in environ:
        raise Stop("MASTER_ADDR is not set: export the host name of rank 0, under Slurm "
                   'MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)', 2)
    return rank, ranks, local


def svg_plot(rows: list[dict], fit: dict | None, title: str) -> str:
    """Return an SVG of busbw over payload, logarithmic in both, with the fitted curve and its knee."""
    import html
    left, top, wide, high = 70, 50, 620, 340
    points = [(row["size"], row["busbw"]) for row in rows]
    low, top_x = math.log10(points[0][0]), math.log10(max(points[-1][0], points[0][0] * 2))
    most = max([y for _, y in points] + ([fit["busbw_limit"]] if fit else []))
    y_low, y_high = math.floor(math.log10(min(y for _, y in points))), math.ceil(math.log10(most) + 1e-9)

    def place(x: float, y: float) -> str:
        return (f"{left + wide * (math.log10(x) - low) / (top_x - low):.1f} "
                f"{top + high * (1 - (math.log10(y) - y_low) / (y_high - y_low)):.1f}")

    parts = [f'<text x="{left}" y="24" font-size="15">{html.escape(title)}</text>',
             f'<text x="{left}" y="42" font-size="12">busbw (GB/s) over payload; line: fitted alpha and beta</text>']
    for power in range(y_low, y_high + 1):
        x, y = place(points[0][0], 10.0**power).split()
        parts.append(f'<path d="M{x} {y}h{wide}" stroke="#d8dee4"/><text x="{left - 6}" y="{float(y) + 4:.1f}" '
                     f'text-anchor="end" font-size="12">{10.0**(power - 9):g}</text>')
    for index, (size, _) in enumerate(points):
        if index % max(1, round(len(points) / 7)) == 0:
            parts.append(f'<text x="{place(size, 10.0**y_low).split()[0]}" y="{top + high + 18}" text-anchor="middle" '
                         f'font-size="12">{show_size(size)}</text>')
    if fit:
        xs = [10 ** (low + (top_x - low) * step / 100) for step in range(101)]
        curve = [(x, fit["busbw_limit"] * x / (x + fit["knee"])) for x in xs]
        line = "L".join(place(x, y) for x, y in curve if y >= 10.0**y_low)
        parts.append(f'<path d="M{line}" fill="none" stroke="#e69f00" stroke-width="2"/>')
        if points[0][0] <= fit["knee"] <= points[-1][0]:
            x = place(fit["knee"], 10.0**y_low).split()[0]
            parts.append(f'<path d="M{x} {top}v{high}" stroke="#59636e" stroke-dasharray="4 4"/><text x="{float(x) + 6:.1f}" y="{top + high - 8}" '
                         f'font-size="12">knee {show_size(fit["knee"])}</text>')
    for point in points:
        x, y = place(*point).split()
        parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#0072b2"/>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 430" font-family="sans-serif" fill="#1f2328">'
            f'<rect width="720" height="430" fill="#ffffff"/>{"".join(parts)}</svg>\n')


# ---------------------------------------------------------------- ... to here; below, ranks and devices

class Report:
    """What rank 0 knows so far: printed row by row, and written whole at the end, however it ends."""

    def __init__(self, args: argparse.Namespace, header: dict):
        self.args, self.header, self.rows, self.ranks = args, header, [], header["ranks"]
        self.closed = threading.Lock()      # the guard thread may end the run while the main thread prints

    def begin(self) -> None:
        """Print the header."""
        head, count = self.header, len(self.header["hosts"])
        say(f"# all-reduce of {head['dtype']}, {head['ranks']} ranks on {count} host{'s' * (count > 1)}: " + ", ".join(
            f"{host} x {ranks}" for host, ranks in list(head["hosts"].items())[:8]) + (", ..." if count > 8 else ""))
        say(f"# {head['device']}; {head['backend']}; PyTorch {head['torch']}; {head['started']}")
        say(f"# {self.args.trials} trials after {self.args.warmup} warm-up calls; time of the slowest rank")
        for name, value in head["variables"].items():
            say(f"# {name}={value}")
        for warning in head["warnings"]:
            say(f"# warning: {warning}")
        say(f"{'payload':>10} {'calls':>5} {'median':>10} {'min':>10} {'p95':>10} {'algbw':>9} {'busbw':>9}  values")
        say(f"{'':>10} {'':>5} {'':>10} {'':>10} {'':>10} {'GB/s':>9} {'GB/s':>9}")

    def add(self, size: int, calls: int, times: list[float], wrong: int) -> None:
        """Print a row; `times` are seconds a call, one a trial."""
        median = quantile(times, 0.5)
        row = {"size": size, "calls": calls, "median": median, "min": min(times), "p95": quantile(times, 0.95),
               "algbw": size / median, "busbw": size / median * busbw_factor(self.ranks), "wrong": wrong}
        self.rows.append(row)
        say(f"{show_size(size):>10} {calls:>5} {show_time(median):>10} {show_time(row['min']):>10} {show_time(row['p95']):>10} "
            f"{row['algbw'] / 1e9:>9.3f} {row['busbw'] / 1e9:>9.3f}  {'right' if not wrong else f'{wrong} WRONG'}")

    def end(self, stopped: str | None) -> int:
        """Print the fit, write the files, and return the exit status. Only the first call does anything."""
        if not self.closed.acquire(blocking=False):
            time.sleep(60)                  # the other thread is ending the process
        rows, status = self.rows, 1 if stopped else 0
        fit = fit_alpha_beta([row["size"] for row in rows], [row["median"] for row in rows], self.ranks)
        if fit:
            say(f"fit: alpha {show_time(fit['alpha'])} a step (an empty all-reduce takes {show_time(fit['floor'])}), "
                f"1/beta {fit['busbw_limit'] / 1e9:.4g} GB/s, knee {show_size(fit['knee'])}; "
                f"worst point off by a factor of {fit['error']:.2f}")
        elif len(rows) > 2:
            say("fit: these sizes do not make a line with positive alpha and beta; take more sizes, or more trials")
        half = half_point([row["size"] for row in rows], [row["busbw"] for row in rows]) if rows else None
        if half:
            say(f"half of the best busbw is reached at {show_size(half)}")
        if stopped:
            say(f"stopped: {stopped}" + (f"; the {len(rows)} sizes above are complete" if rows else "; nothing was measured"))
        if any(row["wrong"] for row in rows):
            status = 1
            say("FAILED: reduced values are wrong; take the nodes out of service and test pairs of them")
        best = max((row["busbw"] for row in rows), default=0.0)
        if self.args.min_busbw and rows and not stopped:
            status = status or int(best / 1e9 < self.args.min_busbw)
            say(f"best busbw {best / 1e9:.4g} GB/s, asked for {self.args.min_busbw:g}: "
                f"{'ok' if best / 1e9 >= self.args.min_busbw else 'FAILED'}")
        result = {**self.header, "trials": self.args.trials, "warmup": self.args.warmup, "rows": rows, "fit": fit, "half_point": half,
                  "complete": not stopped, "stopped": stopped}
        title = f"all-reduce, {self.ranks} ranks, {self.header['backend']}, {self.header['started'][:10]}"
        for path, text in ((self.args.json, lambda: json.dumps(result, indent=1) + "\n"),
                           (self.args.plot, lambda: svg_plot(rows, fit, title))):
            if path and (rows or path == self.args.json):
                try:
                    Path(path).write_text(text(), "utf-8")
                except OSError as error:
                    status = 1
                    complain(f"cannot write {path}: {error.strerror}; the table above is complete, the file is not")
        return status


class Guard(threading.Thread):
    """End the process on Ctrl-C, SIGTERM or silence, even while the main thread is stuck inside a collective.

    The signals are blocked in every thread and waited for here: a Python handler would run only after the stuck call returns.
    """

    def __init__(self, timeout: float):
        super().__init__(daemon=True)
        self.timeout, self.what, self.on_end, self.on_silence = timeout, "start-up", None, None
        self.beat(self.what)

    def beat(self, what: str, more: float = 0) -> None:
        """Say what is being waited for, and begin to wait anew."""
        self.what, self.deadline = what, time.monotonic() + self.timeout + more + 1

    def run(self) -> None:
        while True:
            caught = signal.sigtimedwait({signal.SIGINT, signal.SIGTERM}, 0.2)
            if caught:
                self.leave(f"{signal.Signals(caught.si_signo).name}", quiet=True)
            if time.monotonic() > self.deadline:
                self.deadline = math.inf
                silent = self.on_silence() if self.on_silence else ""
                self.leave(f"{self.what} has not ended after {self.timeout:g} s{silent}")

    def leave(self, reason: str, quiet: bool = False) -> None:
        if self.on_end:
            leave(self.on_end(reason))
        if not quiet:
            complain(reason)
        leave(1)


def say(text: str) -> None:
    """Print a line of results; end quietly if nobody reads them any more."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os._exit(1)
    except OSError as error:
        complain(f"cannot print results: {error.strerror}")
        os._exit(1)


def complain(text: str) -> None:
    """Print a line on stderr that names this rank and host."""
    rank = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "?"))
    sys.stderr.write(f"all_reduce_bench: rank {rank} on {socket.gethostname()}: {text}\n")
    sys.stderr.flush()


def leave(status: int) -> None:
    """End without waiting for threads of a communicator that is broken."""
    sys.stderr.flush()
    os._exit(status)


def first_line(error: BaseException) -> str:
    """Return the first line of an error that says something, without the addresses of C++ frames."""
    text = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text.split(" Exception raised from")[0].strip()


class Ranks:
    """The other ranks, seen through a small key-value store, so that every failure becomes everybody's."""

    def __init__(self, dist, rank: int, ranks: int, timeout: float):
        self.dist, self.rank, self.ranks, self.timeout, self.round = dist, rank, ranks, timeout, 0
        self.host, self.port = os.environ["MASTER_ADDR"], os.environ.get("MASTER_PORT", "29500")
        if not self.port.isdigit() or not 0 < int(self.port) < 65536:
            raise Stop(f"MASTER_PORT={self.port} is not a port", 2)
        # Under torchrun the store is the launcher's, and rank 0 is a client like the others.
        serve = rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
        try:
            self.store = self._connect(serve, timeout)
        except Exception as error:
            if serve and re.search("EADDRINUSE|in use", str(error)):
                raise Stop(f"port {self.port} is in use on this host: set MASTER_PORT to a free one on every rank "
                           f"(ss -ltnp 'sport = :{self.port}' shows who has it)", 2) from None
            raise Stop(f"no answer from {self.host}:{self.port} in {timeout:g} s ({first_line(error)}): is rank 0 running "
                       "there, does the name resolve to it, is the port open?") from None
        self.second = self._connect(False, SLACK)      # the main thread may be stuck inside a call on the first one

    def _connect(self, serve: bool, timeout: float):
        store = self.dist.TCPStore(self.host, int(self.port), None, serve, timedelta(seconds=timeout), wait_for_workers=False)
        return self.dist.PrefixStore(f"all_reduce_bench/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)

    def roll_call(self, mine: dict) -> list[dict]:
        """Return what each rank says of itself, on rank 0; raise Stop everywhere when one is missing, twice there or unfit."""
        if self.store.add(f"claim/{self.rank}", 1) > 1:
            mine = {**mine, "fault": "is not alone: two processes have this rank; check node ranks, and for old processes"}
        if "fault" in mine:
            self.store.set("fault", f"rank {self.rank} on {mine['host']} {mine['fault']}")
        self.store.set(f"here/{self.rank}", json.dumps(mine))
        said: dict[int, dict] = {}
        if self.rank == 0:
            deadline, absent, verdict = time.monotonic() + self.timeout, list(range(self.ranks)), ""
            while absent and time.monotonic() < deadline and not self.store.check(["fault"]):
                for rank in [rank for rank in absent if self.store.check([f"here/{rank}"])]:
                    said[rank] = json.loads(self.store.get(f"here/{rank}"))
                    absent.remove(rank)
                time.sleep(0.02)
            asked = {json.dumps(each["asked"]) for each in said.values()}
            if self.store.check(["fault"]):
                verdict = self.store.get("fault").decode()
            elif absent:
                verdict = (f"{len(absent)} of {self.ranks} ranks did not report within {self.timeout:g} s, missing: "
                           f"{show_ranks(absent)}. Reported: " + ", ".join(sorted({each["host"] for each in said.values()})))
            elif len(asked) > 1:
                verdict = "ranks were started with different arguments: " + " and ".join(sorted(asked)[:2])
            self.store.set("verdict", verdict or "go")
        verdict = self._wait("verdict", "the roll call", 5).decode()
        if verdict != "go":
            self.farewell(self.ranks)
            # One voice a fault: rank 0 for the group; a rank with a fault of its own has said so already.
            raise Stop(verdict if self.rank == 0 and "status" not in mine else "", mine.get("status", 1))
        return [said[rank] for rank in range(self.ranks)] if self.rank == 0 else []

    def agree(self, fault: str = "") -> str:
        """Return the first fault that any rank reports at this point, after every rank has come here."""
        self.round += 1
        key = f"round/{self.round}"
        if fault:
            self.store.set(f"{key}/fault", fault)
            self.store.add(f"{key}/faults", 1)
        if self.store.add(f"{key}/came", 1) == self.ranks:
            bad = self.store.add(f"{key}/faults", 0)
            self.store.set(f"{key}/go", self.store.get(f"{key}/fault") if bad else "")
        return self._wait(f"{key}/go", "the other ranks").decode()

    def _wait(self, key: str, what: str, more: float = 0) -> bytes:
        try:
            self.store.wait([key], timedelta(seconds=self.timeout + more))
            return self.store.get(key)
        except Exception as error:
            raise Stop(f"waited for {what}: {first_line(error)}{self.silent()}") from None

    def silent(self) -> str:
        """Report as alive, wait a little, and name the ranks that did not; rank 0 alone gives names."""
        try:
            self.second.set(f"alive/{self.rank}", "1")
            if self.rank:
                return ""
            deadline = time.monotonic() + SLACK
            absent = list(range(self.ranks))
            while absent and time.monotonic() < deadline:
                absent = [rank for rank in absent if not self.second.check([f"alive/{rank}"])]
                time.sleep(0.05)
            hosts = sorted({json.loads(self.second.get(f"here/{rank}"))["host"] for rank in absent})
            return f"; silent: {show_ranks(absent)} on {', '.join(hosts)}" if absent else ""
        except Exception:       # the store went with its host: there is nobody to ask
            return ""

    def farewell(self, ranks: int) -> None:
        """Let rank 0, which may hold the store, go last: it waits until `ranks` ranks have come here."""
        self.store.add("bye", 1)
        deadline = time.monotonic() + SLACK
        while self.rank == 0 and self.store.add("bye", 0) < ranks and time.monotonic() < deadline:
            time.sleep(0.02)


def show_ranks(ranks: list[int]) -> str:
    """Return ranks in words, runs shortened: rank 3, ranks 4-7."""
    runs: list[list[int]] = []
    for rank in sorted(ranks):
        if runs and rank == runs[-1][1] + 1:
            runs[-1][1] = rank
        else:
            runs.append([rank, rank])
    return f"rank{'s' * (len(ranks) > 1)} " + ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)


class Pattern:
    """Values whose sum over the ranks is known and exact in every type, and in which every rank's part shows.

    Element i gets 1 + i mod 61 from one rank and 64 from its neighbour, the pair moving on with i; the others add 0.
    """

    def __init__(self, torch, rank: int, ranks: int, dtype, device):
        self.torch = torch
        index = torch.arange(61 * ranks * max(1, 2**16 // (61 * ranks)), device=device)
        turn, value = (index + rank) % ranks, 1 + index % 61
        self.mine = (torch.where(turn == 0, value, 0) + torch.where(turn == 1, 64, 0)).to(dtype)
        self.sum = (value + 64).to(dtype)

    def fill(self, buffer) -> None:
        """Write this rank's values."""
        for part, want in self._parts(buffer, self.mine):
            part.copy_(want)

    def wrong(self, buffer) -> int:
        """Count the elements that are not the sum."""
        return sum(int(self.torch.count_nonzero(part != want)) for part, want in self._parts(buffer, self.sum))

    def _parts(self, buffer, period):
        # Slices keep the comparison's temporary small beside a payload that may fill the memory.
        length, step = period.numel(), period.numel() * max(1, 2**24 // period.numel())
        for start in range(0, buffer.numel(), step):
            part = buffer[start:start + step]
            whole = part.numel() // length * length
            if whole:
                yield part[:whole].view(-1, length), period
            if whole < part.numel():
                yield part[whole:], period[:part.numel() - whole]


class Bench:
    """One rank's device, communicator and stop-watch."""

    def __init__(self, args: argparse.Namespace, rank: int, ranks: int, local: int, guard: Guard):
        try:
            # The C++ side logs each failed attempt to connect; the message below says it once.
            os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
            import torch
            import torch.distributed as dist
        except ImportError as error:
            raise Stop(f"cannot import PyTorch ({error}): install torch 2.6 or later in {sys.executable}", 2) from None
        self.args, self.rank, self.ranks, self.torch, self.dist, self.guard = args, rank, ranks, torch, dist, guard
        self.dtype = getattr(torch, args.dtype)
        fault, status = None, 1
        try:
            self.device, self.backend = self._choose(local)
            self._check_interfaces()
        except Stop as stop:        # tell the others before leaving, or they wait for nothing
            fault, status = str(stop), stop.status
            complain(fault)
        try:
            self.others = Ranks(dist, rank, ranks, min(args.timeout, 10) if fault else args.timeout)
        except Stop:
            if not fault:
                raise
            raise Stop("", status) from None      # the others left for the same reason
        guard.on_silence = self.others.silent
        mine = {"host": socket.gethostname(), "torch": torch.__version__, "asked": vars(args) | {"json": None, "plot": None}}
        if fault:
            mine |= {"fault": f"cannot take part: {fault}", "status": status}
        else:
            mine |= {"device": self._device_name(), "library": self._library()}
        guard.beat("the roll call", 6)
        self.roll = self.others.roll_call(mine)
        guard.beat("making the communicator", SLACK)
        extra = {"device_id": self.device} if self.device.type == "cuda" else {}
        try:
            # Gloo raises when its time is up. NCCL's own watchdog would abort the process, so ours comes first.
            dist.init_process_group(self.backend, store=dist.PrefixStore("group", self.others.store), rank=rank, world_size=ranks,
                                    timeout=timedelta(seconds=args.timeout + (0 if self.backend == "gloo" else 60)), **extra)
            self.pattern = Pattern(torch, rank, ranks, self.dtype, self.device)
            warm = torch.zeros(16, dtype=self.dtype, device=self.device)
            dist.all_reduce(warm)
            self.synchronize()
        except Exception as error:
            raise Stop(f"cannot make a {self.backend} communicator: {first_line(error)}{self.others.silent()}; "
                       + ("NCCL_DEBUG=INFO says more" if self.backend == "nccl" else "GLOO_SOCKET_IFNAME chooses the interface")
                       ) from None

    def _choose(self, local: int):
        torch, args = self.torch, self.args
        found = torch.accelerator.current_accelerator() if hasattr(torch, "accelerator") and torch.accelerator.is_available() else None
        kind = (found.type if found else "cpu") if args.device == "auto" else args.device
        if kind != "cpu":
            module = getattr(torch, kind, None)
            count = module.device_count() if module is not None and module.is_available() else 0
            if not count:
                raise Stop(f"PyTorch {torch.__version__} sees no {kind} device here: check the driver and that this build "
                           f"supports {kind}, or take --device cpu", 2)
            if local >= count:
                raise Stop(f"local rank {local} but only {count} {kind} device(s): start at most {count} processes on this host", 2)
            module.set_device(local)
        backend = BACKENDS.get(kind, "gloo") if args.backend == "auto" else args.backend
        if backend == BACKENDS.get(kind, "") or backend in ("gloo", "mpi"):
            if self.dist.is_backend_available(backend):
                return torch.device(kind, local) if kind != "cpu" else torch.device("cpu"), backend
            raise Stop(f"this PyTorch ({torch.__version__}) is built without {backend}", 2)
        raise Stop(f"backend {backend} cannot reduce {kind} tensors: leave --backend out, or take {BACKENDS.get(kind, 'gloo')}", 2)

    def _check_interfaces(self) -> None:
        variable = {"gloo": "GLOO_SOCKET_IFNAME", "nccl": "NCCL_SOCKET_IFNAME"}.get(self.backend, "")
        folder = Path("/sys/class/net")
        if os.environ.get(variable) and folder.is_dir():
            states = {each.name: (each / "operstate").read_text().strip() for each in folder.iterdir() if (each / "operstate").exists()}
            if fault := interface_fault(variable, os.environ[variable], states):
                raise Stop(fault, 2)

    def _device_name(self) -> str:
        if self.device.type != "cpu":
            return getattr(self.torch, self.device.type).get_device_name(self.device)
        return f"CPU, {os.cpu_count()} cores"

    def _library(self) -> str:
        return "nccl " + ".".join(map(str, self.torch.cuda.nccl.version())) if self.backend == "nccl" else self.backend

    def header(self) -> dict:
        """Return what a reader must know to repeat the run."""
        hosts: dict[str, int] = {}
        for each in self.roll:
            hosts[each["host"]] = hosts.get(each["host"], 0) + 1
        warnings = [f"ranks differ in {what}: " + " and ".join(sorted({each[what] for each in self.roll}))
                    for what in ("torch", "library", "device") if len({each[what] for each in self.roll}) > 1]
        if len(set(hosts.values())) > 1:
            warnings.append("hosts have different numbers of ranks: " + ", ".join(f"{host} {n}" for host, n in hosts.items()))
        return {"tool": "all_reduce_bench", "started": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC"),
                "ranks": self.ranks, "hosts": hosts, "device": self.roll[0]["device"], "backend": self.roll[0]["library"],
                "torch": self.torch.__version__, "dtype": self.args.dtype, "warnings": warnings,
                "variables": {name: os.environ[name] for name in sorted(os.environ) if name.startswith(VARIABLES)}}

    def synchronize(self) -> None:
        """Wait until the device has finished."""
        if self.device.type != "cpu":
            getattr(self.torch, self.device.type).synchronize()

    def allocate(self, size: int):
        """Return a buffer of `size` bytes and no fault, or None and why not."""
        try:
            if self.device.type == "cpu":      # Linux promises memory that it has not got, and kills whoever uses it
                free = re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text()) if Path("/proc/meminfo").exists() else None
                neighbours = int(os.environ.get("LOCAL_WORLD_SIZE", os.environ.get("SLURM_NTASKS_PER_NODE", "1")))
                if free and size * neighbours > int(free[1]) * 1024:
                    raise MemoryError(f"{show_size(int(free[1]) * 1024)} available for {neighbours} ranks")
            return self.torch.empty(size // self.dtype.itemsize, dtype=self.dtype, device=self.device), ""
        except (RuntimeError, MemoryError) as error:      # OutOfMemoryError is a RuntimeError
            return None, (f"{show_size(size)} did not fit into memory on rank {self.rank} on {socket.gethostname()} "
                          f"({first_line(error)[:160]}); lower --max-size")

    # --8<-- [start:measure]
    def measure(self, buffer) -> tuple[int, list[float], int]:
        """Return calls a batch, seconds a call by trial (slowest rank), wrong values."""
        wrong = self.check(buffer)
        for _ in range(self.args.warmup):
            self.batch(buffer, 1)
        one = min(self.slowest([self.batch(buffer, 1) for _ in range(3)]))
        # Sums grow by n with each call back to back; stop before the type overflows.
        largest = self.torch.finfo(self.dtype).max
        most = 1 + math.log(largest / PEAK) / math.log(self.ranks)
        calls = max(1, min(int(most), int(1e-3 / one)))
        times = [self.batch(buffer, calls) / calls for _ in range(self.args.trials)]
        return calls, self.slowest(times), wrong + self.check(buffer)

    def batch(self, buffer, calls: int) -> float:
        """Return the seconds that `calls` all-reduces take after a common start."""
        self.pattern.fill(buffer)
        self.dist.barrier()
        self.synchronize()
        self.guard.beat(f"all-reduce of {show_size(buffer.nbytes)}", SLACK)
        start = time.perf_counter()
        for _ in range(calls):
            self.dist.all_reduce(buffer)
        self.synchronize()
        return time.perf_counter() - start
    # --8<-- [end:measure]

    def slowest(self, times: list[float]) -> list[float]:
        """Return the largest time over the ranks, trial by trial."""
        shared = self.torch.tensor(times, dtype=self.torch.float32, device=self.device)
        self.dist.all_reduce(shared, op=self.dist.ReduceOp.MAX)
        return shared.tolist()

    def check(self, buffer) -> int:
        """Return how many reduced values are wrong, over all ranks."""
        self.batch(buffer, 1)
        wrong = self.torch.tensor([float(self.pattern.wrong(buffer))], device=self.device)
        self.dist.all_reduce(wrong)
        return int(wrong.item())

    def run(self, sizes: list[int], report: Report | None) -> str | None:
        """Measure each size; return why the sweep was cut short, if it was."""
        for size in sizes:
            self.guard.beat(f"memory for {show_size(size)}", SLACK)
            buffer, fault = self.allocate(size)
            if fault := self.others.agree(fault):
                return fault
            try:
                calls, times, wrong = self.measure(buffer)
            except Exception as error:
                raise Stop(f"all-reduce of {show_size(size)} failed: {first_line(error)}{self.others.silent()}. "
                           "A peer died or cannot be reached: look for the first rank that complains") from None
            del buffer
            if report:
                report.add(size, calls, times, wrong)
        return None


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Return the command line, checked."""
    parser = argparse.ArgumentParser(
        description="Measure all-reduce over payload sizes: time, algbw, busbw, fitted alpha and beta.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  torchrun --nproc-per-node=2 all_reduce_bench.py --device cpu --max-size 16M\n"
               "  srun --ntasks-per-node=8 python all_reduce_bench.py --json result.json --min-busbw 300\n"
               "    (export MASTER_ADDR first: the host of rank 0)")
    parser.add_argument("--min-size", default="1K", help="first payload in bytes; K, M, G are powers of 1024 (default %(default)s)")
    parser.add_argument("--max-size", help="last payload (default 4G, on a CPU 64M)")
    parser.add_argument("--factor", type=float, default=4, help="from one payload to the next (default %(default)s)")
    parser.add_argument("--sizes", help="payloads instead of a sweep: 1K,64K,1G")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16", "float16"), help="default %(default)s")
    parser.add_argument("--trials", type=int, default=20, help="timed batches a size (default %(default)s)")
    parser.add_argument("--warmup", type=int, default=5, help="calls before them (default %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, xpu, npu, hpu (default %(default)s)")
    parser.add_argument("--backend", default="auto", help="auto, or nccl, xccl, hccl, gloo (default %(default)s)")
    parser.add_argument("--timeout", type=float, default=120, help="seconds to wait for other ranks, each time (default %(default)s)")
    parser.add_argument("--min-busbw", type=float, metavar="GB/s", help="exit 1 if the best busbw is lower")
    parser.add_argument("--json", metavar="FILE", help="write results for programs")
    parser.add_argument("--plot", metavar="FILE", help="write busbw over payload as SVG")
    args = parser.parse_args(argv)
    try:
        low, high = parse_size(args.min_size), parse_size(args.max_size) if args.max_size else None
        wanted = sorted({parse_size(size) for size in args.sizes.split(",")}) if args.sizes else []
    except ValueError as error:
        parser.error(str(error))
    element = 4 if args.dtype == "float32" else 2
    uneven = [size for size in [*wanted, *([] if wanted else [low, high or low])] if size < element or size % element]
    for bad, why in ((uneven, f"{uneven} bytes: not a multiple of the {element} bytes of {args.dtype}"),
                     (high is not None and high < low, "--max-size is below --min-size"),
                     (args.factor < 1.1, "--factor must be 1.1 or more"), (args.trials < 1, "--trials must be 1 or more"),
                     (args.warmup < 0, "--warmup must not be negative"), (args.timeout <= 0, "--timeout must be above 0")):
        if bad:
            parser.error(why)
    args.min_size, args.max_size, args.sizes = low, high, wanted
    return args


def main() -> None:
    """Run one rank and exit with the status of the group."""
    args = arguments()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    guard = Guard(args.timeout)
    guard.start()
    report = None
    try:
        rank, ranks, local = launch(dict(os.environ))
        for path in (args.json, args.plot) if rank == 0 else ():
            if path:
                try:        # better now than after ten minutes; what is in the file stays until there is something new
                    open(path, "a").close()
                except OSError as error:
                    raise Stop(f"cannot write {path}: {error.strerror}", 2) from None
        guard.beat("start-up", 30)       # importing PyTorch from a cold network disk takes its time
        bench = Bench(args, rank, ranks, local, guard)
        if rank == 0:
            report = Report(args, bench.header())
            guard.on_end = report.end
            report.begin()
        largest = args.max_size or (64 * UNITS["M"] if bench.device.type == "cpu" else 4 * UNITS["G"])
        sizes = args.sizes or sweep(args.min_size, max(largest, args.min_size), args.factor)
        stopped = bench.run(sizes, report)
        guard.beat("the last results", 60)
        status = report.end(stopped) if report else 0
        # Every rank leaves with rank 0's verdict: a launcher may look at any of them.
        status = int(bench.others.agree(str(status) if status else "") or 0)
        bench.dist.destroy_process_group()
        bench.others.farewell(ranks)
        leave(status)
    except Stop as stop:
        if report:
            leave(report.end(str(stop)))
        if str(stop):
            complain(str(stop))
        leave(stop.status)
    except Exception as error:      # most of all a store that went away with rank 0
        reason = f"{type(error).__name__}: {first_line(error)}"
        if report:
            leave(report.end(reason))
        complain(reason)
        leave(1)


if __name__ == "__main__":
    main()
