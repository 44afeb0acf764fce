"""Find the highest matrix-multiplication rate that one device really reaches, and the shape that reaches it.

MAMF, the maximum achievable matmul FLOPS, is the best median rate over a search space of shapes:

    TFLOPS = 2 * M * N * K / t / 1e12        (t in seconds; a fused multiply-add is 2 FLOP)

for C = A B with A of M x K and B of K x N elements. How it measures:

- Operands are views into one pool of normally distributed random numbers larger than the caches, and each call takes
  the next view. So operands come from memory as in a training step, and the device is under load all the time.
- Shapes are visited in random order (fixed seed) and in several passes, so that a drifting clock or a neighbour's job
  does not favour one end of the table.
- Successive halving: every shape gets a few calls, then the better half twice as many, and so on. The finalists'
  numbers come from their last round alone: the maximum of many noisy numbers is biased upward, fresh samples are not.
- The result of the winner is compared with a product in double precision. A device that is fast and wrong fails.

Needs Python 3.10 or newer and PyTorch 2.6 or newer; --help and --from-json need no PyTorch.

    python mamf-finder.py --dtype bf16 --time-budget 60 --json mamf.json --plot mamf.svg
    python mamf-finder.py --device cpu --dtype fp32,bf16 --m 256,512 --n 256,512 --k 512 --time-budget 5

Exit codes: 0 done; 1 wrong result, rate below --min-tflops, interrupted or stalled; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import random
import re
import signal
import statistics
import sys
import threading
import time
from pathlib import Path

SCHEMA = 1
EXAMPLES = """examples:
  python mamf-finder.py --dtype bf16 --time-budget 60 --json mamf.json --plot mamf.svg
  python mamf-finder.py --device cpu --dtype fp32,bf16 --m 256,512 --n 256,512 --k 512 --time-budget 5

TFLOPS = 2*M*N*K / seconds / 1e12. Exit codes: 0 done, 1 failed or partial, 2 wrong usage."""
BYTES = {"fp64": 8, "fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2, "fp8": 1}
# What a device calls itself, and its row in accelerators.yml. The first match counts, so the special names stand first.
CHIPS = [(r"GH200", None), (r"GB300", "gb300"), (r"GB200", "gb200"), (r"B300", "b300"), (r"B200", "b200"),
         (r"H200 NVL", "h200-nvl"), (r"H200", "h200-sxm"), (r"H100 NVL", "h100-nvl"), (r"H100 PCIe", "h100-pcie"),
         (r"H100.*HBM3", "h100-sxm"), (r"A100.*80GB", "a100-80-sxm"), (r"A100.*40GB", "a100-40-sxm"),
         (r"MI355X", "mi355x"), (r"MI350X", "mi350x"), (r"MI325X", "mi325x"), (r"MI300X", "mi300x")]


class Refused(Exception):
    """A request that cannot be carried out; its text says what to change."""


# --8<-- [start:rate]
def tflops(m: int, n: int, k: int, seconds: float) -> float:
    """Return the rate of one M x K by K x N product in TFLOPS (1e12 FLOP/s)."""
    return 2 * m * n * k / seconds / 1e12
# --8<-- [end:rate]


# What to search ------------------------------------------------------------------------------------------------------

def sizes(text: str) -> list[int]:
    """Read '512,1024' or 'start:stop:step' (stop included) into a list of sizes."""
    try:
        if ":" in text:
            start, stop, step = (int(part) for part in text.split(":"))
            values = list(range(start, stop + 1, step))
        else:
            values = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a list (512,1024) nor a range (start:stop:step)") from None
    if not values or min(values) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' gives no positive size")
    return values


def shape(text: str) -> tuple[int, int, int]:
    """Read '4096x3648x32896' as (M, N, K)."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is not MxNxK, for example 4096x4096x4096")
    return tuple(int(part) for part in match.groups())


def near_square(units: int) -> tuple[int, int]:
    """Split a number of compute units into the two integer factors closest to each other."""
    low = next(f for f in range(math.isqrt(units), 0, -1) if units % f == 0)
    return units // low, low


def default_shapes(kind: str, units: int) -> list[tuple[int, int, int]]:
    """Return the search space for a device: a coarse grid, and shapes whose tiles fill `units` compute units exactly."""
    if kind == "cpu":
        edge, depth = [256, 512, 1024, 2048], [256, 1024, 2048]
    else:
        edge, depth = [1024, 2048, 4096, 6144, 8192, 12288, 16384], [1024, 4096, 8192, 16384]
    found = {(m, n, k) for m in edge for n in edge for k in depth}
    if kind != "cpu" and units > 1:
        a, b = near_square(units)
        # One tile a unit, for the usual tile edges; K a little off a power of two keeps addresses off one memory channel.
        found |= {(a * p, b * q, k) for p in (128, 192, 256) for q in (128, 192, 256) for k in (8192, 32768 + 128)}
        found |= {(b * p, a * q, k) for p in (128, 256) for q in (128, 256) for k in (8192, 32768 + 128)}
    return sorted(found)


# The peak ------------------------------------------------------------------------------------------------------------

def peaks_in(text: str) -> dict[str, dict[str, float]]:
    """Read the rows of accelerators.yml that hold numbers: {id: {column: number}}; knows just that file's plain form."""
    rows: dict[str, dict[str, float]] = {}
    row = None
    for line in text.splitlines():
        if start := re.match(r"\s*- id:\s*([\w.-]+)\s*$", line):
            row = rows.setdefault(start[1], {})
        elif row is not None and (cell := re.match(r"\s+(\w+):\s*(?:\{\s*value:\s*)?(-?\d+(?:\.\d+)?)\s*(?:[,}#].*)?$", line)):
            row[cell[1]] = float(cell[2])
    return rows


def find_peak(args, device_name: str, dtype: str) -> tuple[float | None, str]:
    """Return the dense peak in TFLOPS and where it comes from; None and the reason when there is none."""
    if args.peak:
        return args.peak, "--peak"
    here = Path(__file__).resolve()
    places = [args.accelerators] if args.accelerators else [here.parent / "accelerators.yml"] + [
        parent / "data" / "accelerators.yml" for parent in here.parents[1:5]]
    table = next((place for place in places if place.is_file()), None)
    if table is None:
        if args.accelerators:
            raise Refused(f"{args.accelerators} does not exist. Name the book's accelerators.yml or give --peak TFLOPS.")
        return None, "no accelerators.yml beside this file; give --peak TFLOPS"
    chip = args.chip or next((row for pattern, row in CHIPS if re.search(pattern, device_name, re.I)), None)
    rows = peaks_in(table.read_text("utf-8"))
    if args.chip and args.chip not in rows:
        raise Refused(f"{table.name} has no row '{args.chip}'. It has: {', '.join(sorted(rows))}.")
    if chip is None or dtype not in rows.get(chip, {}):
        return None, f"{table.name} has no {dtype} peak for '{chip or device_name}'; give --chip or --peak"
    return rows[chip][dtype], f"{table.name}, {chip}"


# The device ----------------------------------------------------------------------------------------------------------

def open_device(name: str):
    """Return (torch, device, description); raise Refused with one line when that device cannot be had."""
    try:
        import torch
    except ImportError as error:
        raise Refused(f"PyTorch cannot be imported ({error}). Install it, or redraw a result with --from-json.") from None
    if name == "auto":
        found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        device = torch.device(found.type, 0) if found else torch.device("cpu")
    else:
        try:
            device = torch.device(name)
        except RuntimeError:
            raise Refused(f"'{name}' is no device. Try cpu, cuda, cuda:1, xpu or auto.") from None
    if device.type == "cpu":
        model = next((line.split(":", 1)[1].strip() for line in read_text("/proc/cpuinfo").splitlines()
                      if line.startswith("model name")), platform.machine())
        return torch, device, {"name": model, "units": torch.get_num_threads(), "memory": None}
    backend = getattr(torch, device.type, None)
    if backend is None or not backend.is_available():
        raise Refused(f"PyTorch {torch.__version__} sees no '{device.type}' device. Install a build for it, check the driver, "
                      "or use --device cpu.")
    if (device.index or 0) >= backend.device_count():
        raise Refused(f"There is no {device}: {backend.device_count()} visible. Check CUDA_VISIBLE_DEVICES and --device.")
    device = torch.device(device.type, device.index or 0)
    backend.set_device(device)
    props = backend.get_device_properties(device) if hasattr(backend, "get_device_properties") else None
    units = next((getattr(props, field) for field in ("multi_processor_count", "gpu_subslice_count", "max_compute_units")
                  if hasattr(props, field)), 1)
    return torch, device, {"name": getattr(props, "name", device.type), "units": units,
                           "memory": getattr(props, "total_memory", None)}


def read_text(path: str) -> str:
    """Return a file's text, or nothing where it cannot be read."""
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""


class Bench:
    """Times products of one data type on one device."""

    def __init__(self, torch, device, dtype: str, layout: str, data: str, rotate_bytes: int, seed: int):
        self.torch, self.device, self.dtype, self.layout, self.data = torch, device, dtype, layout, data
        self.rotate_bytes, self.seed, self.pool = rotate_bytes, seed, None
        self.type = {"fp64": torch.float64, "fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16,
                     "fp16": torch.float16, "fp8": torch.float8_e4m3fn}[dtype]
        if dtype == "tf32" and device.type != "cuda":
            raise Refused("tf32 is a mode of NVIDIA's matrix engines; use fp32 on this device.")
        if dtype == "fp8" and layout != "nt":
            raise Refused("fp8 needs --layout nt (the second operand column-major).")
        # Otherwise fp32 on CUDA may silently run as TF32, at several times the rate.
        torch.set_float32_matmul_precision("high" if dtype == "tf32" else "highest")
        self.one = torch.ones((), device=device) if dtype == "fp8" else None

    def numbers(self, count: int):
        """Return `count` elements of the pool, made larger if it must be."""
        if self.pool is None or self.pool.numel() < count:
            self.pool = None          # free the old one before asking for the new one
            torch, generator = self.torch, self.torch.Generator(self.device).manual_seed(self.seed)
            pool, block = torch.empty(count, dtype=self.type, device=self.device), 1 << 24
            for start in range(0, count, block):      # in blocks, because fp8 is made from wider numbers
                part = min(block, count - start)
                values = {"randn": lambda: torch.randn(part, device=self.device, generator=generator),
                          "zeros": lambda: torch.zeros(part, device=self.device),
                          "ones": lambda: torch.ones(part, device=self.device)}[self.data]()
                pool[start:start + part] = values.to(self.type)
            self.pool = pool
        return self.pool

    def operands(self, m: int, n: int, k: int) -> list:
        """Return pairs (A, B) of views that together are larger than the caches."""
        pair = (m * k + k * n + 255) // 256 * 256
        copies = max(1, min(256, math.ceil(self.rotate_bytes / (pair * BYTES[self.dtype]))))
        pool, pairs = self.numbers(pair * copies), []
        for i in range(copies):
            a, b = pool[i * pair:i * pair + m * k], pool[i * pair + m * k:i * pair + m * k + k * n]
            pairs.append((a.view(k, m).t() if self.layout == "tn" else a.view(m, k),
                          b.view(n, k).t() if self.layout == "nt" else b.view(k, n)))
        return pairs

    def product(self, a, b, out):
        """Compute A B, into `out` where the operation allows it."""
        if self.dtype == "fp8":
            return self.torch._scaled_mm(a, b, self.one, self.one, out_dtype=self.torch.bfloat16)
        return self.torch.mm(a, b, out=out)

    def wait(self):
        """Wait until the device has done everything it was given."""
        if self.device.type != "cpu":
            getattr(self.torch, self.device.type).synchronize(self.device)

    # --8<-- [start:times]
    def times(self, m: int, n: int, k: int, calls: int, warmup: int) -> list[float]:
        """Return the seconds of `calls` products, after `warmup` that do not count."""
        pairs = self.operands(m, n, k)
        out = None if self.dtype == "fp8" else self.torch.empty(m, n, dtype=self.type, device=self.device)
        for i in range(warmup):
            self.product(*pairs[i % len(pairs)], out)
        self.wait()
        if self.device.type == "cpu":
            marks = [time.perf_counter()]
            for i in range(calls):
                self.product(*pairs[i % len(pairs)], out)
                marks.append(time.perf_counter())
            return [after - before for before, after in zip(marks, marks[1:])]
        # The queue stays full and each call lies between two marks on the device's own clock: the host is not timed.
        event = getattr(self.torch, self.device.type).Event
        marks = [event(enable_timing=True) for _ in range(calls + 1)]
        marks[0].record()
        for i in range(calls):
            self.product(*pairs[i % len(pairs)], out)
            marks[i + 1].record()
        self.wait()
        return [before.elapsed_time(after) / 1e3 for before, after in zip(marks, marks[1:])]
    # --8<-- [end:times]

    def error(self, m: int, n: int, k: int) -> float:
        """Return the largest relative error of a sample of results against double precision on the host."""
        a, b = self.operands(m, n, k)[0]
        out = None if self.dtype == "fp8" else self.torch.empty(m, n, dtype=self.type, device=self.device)
        got = self.product(a, b, out)
        rows, cols = slice(0, m, max(1, m // 4)), slice(0, n, max(1, n // 16))
        want = a[rows].cpu().double() @ b[:, cols].cpu().double()
        scale = want.abs().max().item() or 1.0
        worst = (got[rows, cols].cpu().double() - want).abs().max().item() / scale
        return worst if worst == worst else math.inf


class Stall:
    """Ends the process with a message when one shape takes longer than `limit` seconds: a hung device never returns."""

    def __init__(self, limit: float, report):
        self.limit, self.report, self.timer = limit, report, None

    def watch(self, what: str):
        """Start the clock for one shape, and stop the last one's."""
        self.stop()
        self.timer = threading.Timer(self.limit, self.end, [what])
        self.timer.daemon = True
        self.timer.start()

    def stop(self):
        """Stop the clock."""
        if self.timer:
            self.timer.cancel()

    def end(self, what: str):
        """Print what there is and leave; the main thread is stuck inside the device's library."""
        self.report()
        print(f"mamf-finder: {platform.node()}: {what} did not return within {self.limit:g} s. If the shape is not too large "
              "for this device, look for a hung device in the kernel log; --stall-timeout changes the limit.",
              file=sys.stderr, flush=True)
        os._exit(1)


# The search ----------------------------------------------------------------------------------------------------------

def summary(m: int, n: int, k: int, seconds: list[float], round_no: int) -> dict:
    """Return the record of one shape from its samples: rates in TFLOPS, `low` and `high` are the 20th and 80th percentile."""
    ordered = sorted(seconds)
    at = lambda q: ordered[round(q * (len(ordered) - 1))]
    return {"m": m, "n": n, "k": k, "median": tflops(m, n, k, statistics.median(ordered)), "low": tflops(m, n, k, at(0.8)),
            "high": tflops(m, n, k, at(0.2)), "best": tflops(m, n, k, ordered[0]), "calls": len(ordered), "round": round_no}


def is_memory_error(torch, error: BaseException) -> bool:
    """Tell whether the device or the host ran out of memory."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "allocate memory" in str(error) or "out of memory" in str(error)


def search(bench: Bench, shapes: list, args, stall: Stall, run: dict):
    """Measure the shapes by successive halving until a round of finalists is over or the time budget is spent.

    Fills run["shapes"], run["skipped"] and run["rounds"] as it goes, so that an interruption loses nothing.
    """
    done: dict[tuple, dict] = {}
    deadline, candidates, calls = time.monotonic() + args.time_budget, list(shapes), args.calls
    random.Random(args.seed).shuffle(candidates)
    for round_no in range(1, 100):
        seconds: dict[tuple, list[float]] = {key: [] for key in candidates}
        for m, n, k in candidates * args.passes:
            if (m, n, k) not in seconds:
                continue      # it failed in an earlier pass
            if time.monotonic() > deadline and done:
                return
            stall.watch(f"{args.device} {bench.dtype} {m}x{n}x{k}")
            try:
                seconds[m, n, k] += bench.times(m, n, k, calls, args.warmup)
            except Exception as error:
                if is_memory_error(bench.torch, error):
                    run["skipped"].append([m, n, k, "out of memory"])
                elif isinstance(error, RuntimeError):      # a type or shape that this device has no kernel for
                    run["skipped"].append([m, n, k, str(error).strip().splitlines()[0][:160]])
                else:
                    raise
                bench.pool = None
                del seconds[m, n, k]
                continue
            done[m, n, k] = summary(m, n, k, seconds[m, n, k], round_no)
            run["shapes"] = list(done.values())
        run["rounds"] = round_no
        candidates = sorted((key for key in candidates if key in done), key=lambda key: -done[key][args.stat])
        if not candidates or (round_no > 1 and len(candidates) <= args.finalists):
            return
        candidates, calls = candidates[:max(args.finalists, len(candidates) // 2)], min(calls * 2, 200)
        random.Random(args.seed + round_no).shuffle(candidates)


def best_of(run: dict) -> dict | None:
    """Return the fastest record (by run["stat"]) among the shapes that came through every completed round."""
    return max((r for r in run["shapes"] if r["round"] >= run["rounds"]), key=lambda r: r[run["stat"]], default=None)


def sustain(bench: Bench, record: dict, seconds: float, stall: Stall) -> dict:
    """Run one shape without pause and return its rate in the first and the last fifth of the time, in TFLOPS."""
    m, n, k = record["m"], record["n"], record["k"]
    calls = max(3, round(0.25 / (2 * m * n * k / record["median"] / 1e12)))
    end, rates = time.monotonic() + seconds, []
    while time.monotonic() < end or not rates:
        stall.watch(f"sustained {m}x{n}x{k}")
        rates.append(tflops(m, n, k, sum(bench.times(m, n, k, calls, 0)) / calls))
    fifth = max(1, len(rates) // 5)
    return {"seconds": seconds, "first": statistics.mean(rates[:fifth]), "last": statistics.mean(rates[-fifth:])}


# What is printed -----------------------------------------------------------------------------------------------------

def table(run: dict, top: int) -> str:
    """Return the result of one data type as text for people."""
    # Completed rounds come first: a shape that dropped out early was measured less, whatever its number says.
    records = sorted(run["shapes"], key=lambda r: (-min(r["round"], run["rounds"]), -r[run["stat"]]))
    peak, stat = run["peak"]["tflops"], run["stat"]
    lines = [f"{run['dtype']}: {len(records)} of {run['planned']} shapes measured, {len(run['skipped'])} skipped"]
    if records:
        lines.append(f"{'M':>7} {'N':>7} {'K':>7} {'median':>9} {'p20':>9} {'p80':>9} {'best':>9} {'calls':>6}" + ("   peak" if peak else ""))
    for r in records[:top]:
        lines.append(f"{r['m']:7} {r['n']:7} {r['k']:7} {r['median']:9.4g} {r['low']:9.4g} {r['high']:9.4g} {r['best']:9.4g} "
                     f"{r['calls']:6}" + (f" {r[stat] / peak:6.1%}" if peak else ""))
    if best := run["best"]:
        share = f", {best[stat] / peak:.1%} of {peak:g} ({run['peak']['from']})" if peak else f" (peak: {run['peak']['from']})"
        lines.append(f"MAMF {run['dtype']}: {best[stat]:.4g} TFLOPS ({stat}) at {best['m']}x{best['n']}x{best['k']}{share}")
    if run.get("error") is not None:
        lines.append(f"check: largest relative error {run['error']:.1e}")
    if run.get("sustained"):
        s = run["sustained"]
        lines.append(f"sustained {s['seconds']:g} s: first fifth {s['first']:.4g}, last fifth {s['last']:.4g} TFLOPS ({s['last'] / s['first'] - 1:+.1%})")
    reasons = {}
    for *_, why in run["skipped"]:
        reasons[why] = reasons.get(why, 0) + 1
    lines += [f"skipped {count}: {why}" for why, count in reasons.items()]
    return "\n".join(lines)


def heat_map(result: dict, dtype: str | None = None) -> str:
    """Return an SVG in English and Chinese: rows M, columns N, colour the best rate over K."""
    run = next((r for r in result["runs"] if dtype in (None, r["dtype"])), None)
    if run is None or not run["shapes"]:
        raise Refused(f"the result holds no measured shape{f' in {dtype}' if dtype else ''}: nothing to draw.")
    stat, zh_stat = run["stat"], {"median": "中位数", "best": "最快一次"}[run["stat"]]
    en_stat = {"median": "median", "best": "fastest call"}[stat]
    cells: dict[tuple[int, int], dict] = {}
    for r in run["shapes"]:
        if (r["m"], r["n"]) not in cells or r[stat] > cells[r["m"], r["n"]][stat]:
            cells[r["m"], r["n"]] = r
    rows, columns = sorted({m for m, _ in cells}), sorted({n for _, n in cells})
    left, top, width = 78, 74, 620
    w, h = width / len(columns), max(24, min(44, 380 / len(rows)))
    low, high = min(r[stat] for r in cells.values()), max(r[stat] for r in cells.values())
    bottom = top + h * len(rows)
    digits = 0 if high >= 100 else 1 if high >= 10 else 2 if high >= 1 else 3
    env, best = result["environment"], run["best"]
    where, _, where_zh = env["label"].partition("|")
    day, kind, depth = result["date"][:10], run["dtype"].upper(), sorted({r["k"] for r in run["shapes"]})
    en_k, zh_k = (f"K = {depth[0]:,}",) * 2 if len(depth) == 1 else ("best K", "取最好的 K")

    def both(x, y, cls, zh, en):
        place = f'x="{x:g}" y="{y:g}" class="{cls}"'
        return f'<switch><text {place} systemLanguage="zh">{zh}</text><text {place}>{en}</text></switch>'

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {bottom + 92:g}">',
           f'<title lang="en">Matrix multiplication rate by shape, {kind}</title>',
           f'<title lang="zh">不同形状的矩阵乘速率，{kind}</title>',
           f'<desc lang="en">{len(rows)} by {len(columns)} cells for M and N; the rate in TFLOPS rises from {low:.{digits}f} to {high:.{digits}f}.</desc>',
           f'<desc lang="zh">M 与 N 的 {len(rows)} 乘 {len(columns)} 个格子；速率从 {low:.{digits}f} 到 {high:.{digits}f} TFLOPS。</desc>',
           "<style>", "text{font-family:var(--fig-font,sans-serif);font-size:13px;fill:var(--fig-ink,#1f2328)}",
           ".m{fill:var(--fig-muted,#59636e)}", ".b{font-weight:600;font-size:14px}", ".c{text-anchor:middle}", ".e{text-anchor:end}",
           ".cell{fill:var(--fig-c1,#0072b2)}",
           ".frame{fill:none;stroke:var(--fig-c4,#d55e00);stroke-width:2.4}", "</style>",
           both(20, 26, "b", f"{kind} 矩阵乘实测速率，TFLOPS（{zh_stat}，{zh_k}）", f"Measured {kind} matmul rate, TFLOPS ({en_stat}, {en_k})"),
           both(20, 47, "m", f"{where_zh or where}，{day}", f"{where}, {day}")]
    for i, m in enumerate(rows):
        out.append(f'<text x="{left - 8}" y="{top + i * h + h / 2 + 5:g}" class="e">{m:,}</text>')
        for j, n in enumerate(columns):
            if r := cells.get((m, n)):
                share = (r[stat] - low) / (high - low) if high > low else 1.0
                x, y = left + j * w, top + i * h
                out.append(f'<rect x="{x + 1:.2f}" y="{y + 1:.2f}" width="{w - 2:.2f}" height="{h - 2:.2f}" rx="3" class="cell" '
                           f'fill-opacity="{0.06 + 0.58 * share:.2f}"/>')      # darker, and no text on it is legible
                if len(columns) <= 12:
                    out.append(f'<text x="{x + w / 2:.2f}" y="{y + h / 2 + 5:.2f}" class="c">{r[stat]:.{digits}f}</text>')
                if best and (m, n) == (best["m"], best["n"]):
                    out.append(f'<rect x="{x + 1:.2f}" y="{y + 1:.2f}" width="{w - 2:.2f}" height="{h - 2:.2f}" rx="3" class="frame"/>')
    every = math.ceil(len(columns) / 14)
    for j, n in enumerate(columns):
        if j % every == 0:
            out.append(f'<text x="{left + (j + 0.5) * w:.2f}" y="{bottom + 19:g}" class="c">{n:,}</text>')
    out.append(f'<text x="{left - 8}" y="{top - 8}" class="e m">M</text>')
    out.append(f'<text x="{left + width + 8}" y="{bottom + 19:g}" class="m">N</text>')
    out.append(f'<rect x="{left}" y="{bottom + 40:g}" width="14" height="14" rx="3" class="frame"/>')
    if best:
        size = f"{best['m']:,} × {best['n']:,} × {best['k']:,}"
        out.append(both(left + 22, bottom + 52, "m", f"最好：M × N × K = {size}，{best[stat]:.{digits}f} TFLOPS",
                        f"best: M × N × K = {size}, {best[stat]:.{digits}f} TFLOPS"))
    out.append(both(left, bottom + 76, "m", "颜色越浓越快；同一列只差 M，同一行只差 N。", "A stronger colour is faster; a column differs in M alone, a row in N alone."))
    return "\n".join([*out, "</svg>"]) + "\n"


def write(path: Path, text: str) -> bool:
    """Write a file whole or say in one line why not; a full disk must not cost the numbers already on the screen."""
    try:
        path.write_text(text, "utf-8")
        return True
    except OSError as error:
        print(f"mamf-finder: cannot write {path}: {error.strerror}. The result above is complete; choose another path.", file=sys.stderr)
        return False


# Command line --------------------------------------------------------------------------------------------------------

def arguments(argv=None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Find the best matrix-multiplication rate of one device (MAMF).",
                                     epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_argument_group("what to measure")
    where.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:3, xpu, ...")
    where.add_argument("--dtype", default="bf16", help="one or more of fp64,fp32,tf32,bf16,fp16,fp8 (default bf16)")
    where.add_argument("--m", type=sizes, help="rows of A: 512,1024 or start:stop:step")
    where.add_argument("--n", type=sizes, help="columns of B")
    where.add_argument("--k", type=sizes, help="the dimension that is summed over")
    where.add_argument("--shape", type=shape, action="append", help="just this MxNxK (may be repeated)")
    where.add_argument("--layout", choices=["nn", "nt", "tn"], default="nt", help="nt (default) is the layout of a linear layer")
    where.add_argument("--data", choices=["randn", "zeros", "ones"], default="randn", help="anything but randn flatters a power-limited chip")
    how = parser.add_argument_group("how to measure")
    how.add_argument("--time-budget", type=float, default=60, metavar="S", help="seconds of searching per data type (default 60)")
    how.add_argument("--calls", type=int, default=10, help="timed calls at each visit in the first round (default 10); doubles each round")
    how.add_argument("--passes", type=int, default=2, help="visits to each shape in a round, spread over its time (default 2)")
    how.add_argument("--warmup", type=int, default=3, help="calls before each of them that do not count (default 3)")
    how.add_argument("--finalists", type=int, default=4, help="shapes in the last round (default 4)")
    how.add_argument("--stat", choices=["median", "best"], default="median",
                     help="rank by the median (default), or by the fastest call on a machine that you share")
    how.add_argument("--rotate-mb", type=int, help="operands to cycle through, in MB (default 512; 64 on a CPU)")
    how.add_argument("--sustain", type=float, default=0, metavar="S", help="then run the best shape for S seconds and compare start and end")
    how.add_argument("--stall-timeout", type=float, default=120, metavar="S", help="give up when one shape takes longer (default 120)")
    how.add_argument("--seed", type=int, default=0)
    what = parser.add_argument_group("what to compare with, and where to write")
    what.add_argument("--peak", type=float, metavar="TFLOPS", help="dense peak of this device and data type")
    what.add_argument("--accelerators", type=Path, metavar="FILE", help="the book's accelerators.yml (found by itself inside the book)")
    what.add_argument("--chip", metavar="ID", help="row of that file, for example h100-sxm")
    what.add_argument("--min-tflops", type=float, metavar="X", help="exit with 1 when the result is lower")
    what.add_argument("--top", type=int, default=5, help="rows to print (default 5)")
    what.add_argument("--json", type=Path, metavar="FILE")
    what.add_argument("--plot", type=Path, metavar="FILE", help="heat map as SVG, M by N")
    what.add_argument("--label", help="what the heat map calls this machine, 'English|中文' (default: device and PyTorch)")
    what.add_argument("--from-json", type=Path, metavar="FILE", help="print and draw an earlier result; measures nothing")
    args = parser.parse_args(argv)
    args.dtypes = args.dtype.split(",")
    if unknown := [d for d in args.dtypes if d not in BYTES]:
        parser.error(f"--dtype: no '{unknown[0]}' here; choose from {','.join(BYTES)}")
    for name in ("time_budget", "calls", "passes", "finalists", "stall_timeout", "top"):
        if getattr(args, name) <= 0:
            parser.error(f"--{name.replace('_', '-')} must be positive")
    for name in ("peak", "min_tflops"):
        if getattr(args, name) is not None and (getattr(args, name) <= 0 or len(args.dtypes) > 1):
            parser.error(f"--{name.replace('_', '-')} must be positive and holds for one --dtype at a time")
    return args


def environment(torch, device, about: dict, args) -> dict:
    """Return what a reader needs to repeat the run."""
    facts = {"host": platform.node(), "device": about["name"], "device_index": str(device), "units": about["units"],
             "torch": torch.__version__, "python": platform.python_version(), "layout": args.layout, "data": args.data,
             "seed": args.seed, "load_at_start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
             "threads": torch.get_num_threads() if device.type == "cpu" else None,
             "runtime": torch.version.cuda or getattr(torch.version, "hip", None)}
    facts["label"] = args.label or f"{about['name']}, PyTorch {torch.__version__}"
    return facts


def measure(args, result: dict) -> int:
    """Run the search for each data type, filling `result` as it goes; return the exit code."""
    torch, device, about = open_device(args.device)
    result["environment"] = environment(torch, device, about, args)
    env = result["environment"]
    print("mamf-finder  " + "  ".join(f"{key}={env[key]}" for key in ("device", "units", "torch", "runtime", "layout", "data", "seed",
                                                                      "load_at_start") if env[key] is not None), flush=True)
    if device.type == "cpu" and (env["load_at_start"] or 0) > 0.5:
        print(f"note: load average {env['load_at_start']} before the start: other programs share this CPU, medians will be low.", flush=True)
    shapes = args.shape or default_shapes(device.type, about["units"])
    if args.m or args.n or args.k:
        m, n, k = ({s[i] for s in default_shapes(device.type, 1)} for i in range(3))
        shapes = sorted((a, b, c) for a in args.m or m for b in args.n or n for c in args.k or k)
    rotate = (args.rotate_mb or (64 if device.type == "cpu" else 512)) * 10**6
    code = 0
    for dtype in args.dtypes:
        peak, source = find_peak(args, about["name"], dtype)
        run = {"dtype": dtype, "stat": args.stat, "planned": len(shapes), "rounds": 0, "shapes": [], "skipped": [], "best": None, "peak": {"tflops": peak, "from": source}}
        result["runs"].append(run)
        stall = Stall(args.stall_timeout, lambda: report(args, result))
        try:
            bench = Bench(torch, device, dtype, args.layout, args.data, rotate, args.seed)
            if about["memory"]:      # leave a tenth for the library's workspaces
                fits = [s for s in shapes if (s[0] * s[2] + s[2] * s[1] + s[0] * s[1]) * BYTES[dtype] < 0.9 * about["memory"]]
                run["skipped"] = [[*s, "does not fit into memory"] for s in shapes if s not in set(fits)]
            else:
                fits = shapes
            search(bench, fits, args, stall, run)
            if best := best_of(run):
                stall.watch(f"check {best['m']}x{best['n']}x{best['k']}")
                run["best"], run["error"] = best, bench.error(best["m"], best["n"], best["k"])
                if args.sustain:
                    run["sustained"] = sustain(bench, best, args.sustain, stall)
        finally:
            stall.stop()
            run["best"] = run["best"] or best_of(run)
        limit = {"fp64": 1e-12, "fp32": 1e-5, "tf32": 1e-2, "bf16": 2e-2, "fp16": 5e-3, "fp8": 2e-2}[dtype]
        if run["best"] is None:
            print(f"mamf-finder: {env['host']}: no shape could be measured in {dtype}; the reasons stand above.", file=sys.stderr)
            code = 1
        elif run["error"] > limit:
            print(f"mamf-finder: {env['host']} {device}: WRONG RESULT in {dtype}: relative error {run['error']:.1e}, limit {limit:g}. "
                  "Take this device out of service and test it.", file=sys.stderr)
            code = 1
        elif args.min_tflops and run["best"][args.stat] < args.min_tflops:
            print(f"mamf-finder: {env['host']} {device}: {run['best'][args.stat]:.4g} TFLOPS, below --min-tflops {args.min_tflops:g}.", file=sys.stderr)
            code = 1
    return code


def report(args, result: dict) -> bool:
    """Print and write what there is; tell whether every file could be written."""
    for run in result["runs"]:
        print(table(run, args.top), flush=True)
    good = True
    if args.json:
        good = write(args.json, json.dumps(result, indent=1) + "\n")
    if args.plot and any(run["shapes"] for run in result["runs"]):
        good = write(args.plot, heat_map(result)) and good
    return good


def main(argv=None) -> int:
    """Run the command line; return its exit code."""
    args = arguments(argv)
    if args.from_json:
        try:
            result = json.loads(args.from_json.read_text("utf-8"))
            if args.label:
                result["environment"]["label"] = args.label
            return 0 if report(argparse.Namespace(top=args.top, json=None, plot=args.plot), result) else 1
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"mamf-finder: {args.from_json} is no result of --json: {error}", file=sys.stderr)
            return 2
    result = {"schema": SCHEMA, "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
              "argv": [str(a) for a in (argv if argv is not None else sys.argv[1:])], "environment": {}, "runs": [], "interrupted": False}

    def stop(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)      # what a scheduler sends before it kills
    try:
        code = measure(args, result)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)      # a second Ctrl-C must not cost the partial result
        result["interrupted"], code = True, 1
        print("\nmamf-finder: interrupted; what was measured so far:", file=sys.stderr, flush=True)
    except Refused as error:
        print(f"mamf-finder: {error}", file=sys.stderr)
        return 2
    return code if report(args, result) else 1


if __name__ == "__main__":
    sys.exit(main())
