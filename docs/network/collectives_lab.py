#!/usr/bin/env python3
"""Run the eight collectives on ranks of this machine: what moves where, and how many bytes each rank sends.

Every rank starts with n chunks. Chunk c of rank r holds one bit of its own, so a sum shows who contributed to it.
The bytes are those that the kernel counts on each rank's TCP sockets (Linux: tcpi_bytes_acked), not those a
formula predicts. Beside them stands the factor that turns algbw into busbw, which is the least that the busiest
rank must send or receive, in units of the buffer S of n chunks:

    all-reduce 2(n-1)/n      broadcast, reduce 1      all-gather, reduce-scatter, all-to-all, gather, scatter (n-1)/n

(NVIDIA nccl-tests, doc/PERFORMANCE.md and src/gather.cu, src/scatter.cu.)

Needs Python 3.11 and PyTorch; starts its own ranks, needs no launcher and no port. Exit status: 0 done,
1 a wrong value or a rank that failed, 2 wrong usage.

Examples:
  python collectives_lab.py
  python collectives_lab.py --show all-to-all --ranks 4
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

OPERATIONS = ("broadcast", "scatter", "gather", "reduce", "all-gather", "reduce-scatter", "all-reduce", "all-to-all")
CHINESE = {"broadcast": "广播", "scatter": "分发", "gather": "收集", "reduce": "归约", "all-gather": "全收集",
           "reduce-scatter": "归约分发", "all-reduce": "全归约", "all-to-all": "全交换"}
Grid = list[list[int | None]]  # one row a rank, one cell a chunk; None: the rank holds nothing there


class RankFailed(Exception):
    """A rank died, timed out or raised; the message says which and why."""


# --8<-- [start:factors]
def busbw_factor(operation: str, n: int) -> float:
    """Return busbw / algbw for n ranks: bytes through the busiest rank, over S."""
    if operation == "all-reduce":
        return 2 * (n - 1) / n
    return 1.0 if operation in ("broadcast", "reduce") else (n - 1) / n


def ring_seconds(
    operation: str, n: int, size: float, alpha: float, beta: float
) -> float:
    """Return the seconds of a ring on `size` bytes; alpha s a step, beta s a byte."""
    steps = 2 * (n - 1) if operation == "all-reduce" else n - 1
    return steps * alpha + busbw_factor(operation, n) * size * beta
# --8<-- [end:factors]


def chunk_value(rank: int, chunk: int, n: int) -> int:
    """Return the one bit that marks chunk `chunk` of rank `rank`."""
    return 1 << (rank * n + chunk)


def contributors(value: int, n: int) -> tuple[list[int], list[int]]:
    """Return which ranks and which chunk numbers a value is the sum of."""
    pairs = [(r, c) for r in range(n) for c in range(n) if value & chunk_value(r, c, n)]
    return sorted({r for r, _ in pairs}), sorted({c for _, c in pairs})


# --8<-- [start:collectives]
def collective(operation: str, rank: int, n: int, chunks):
    """Run an operation with root 0 on an (n, length) tensor; return (given, left)."""
    import torch
    import torch.distributed as dist

    # PyTorch 2.13 renamed these two; older releases know only the second name.
    all_gather = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
    reduce_scatter = (getattr(dist, "reduce_scatter_single", None)
                      or dist.reduce_scatter_tensor)
    mine, root = chunks[rank].clone(), rank == 0
    given, left = chunks, torch.empty_like(chunks)
    if operation == "broadcast":
        given, left = (chunks, chunks.clone()) if root else (None, left)
        dist.broadcast(left, src=0)
    elif operation == "scatter":
        given, left = chunks if root else None, torch.empty_like(mine)
        dist.scatter(left, list(chunks) if root else None, src=0)
    elif operation == "gather":
        given, left = mine, left if root else None
        dist.gather(mine, list(left) if root else None, dst=0)
    elif operation == "reduce":
        left = chunks.clone()
        dist.reduce(left, dst=0)
        left = left if root else None  # the others' buffers are scratch space now
    elif operation == "all-gather":
        given = mine
        all_gather(left.view(-1), mine)
    elif operation == "reduce-scatter":
        left = torch.empty_like(mine)
        reduce_scatter(left, chunks.flatten())
    elif operation == "all-reduce":
        left = chunks.clone()
        dist.all_reduce(left)
    else:
        dist.all_to_all_single(left, chunks.contiguous())
    return given, left
# --8<-- [end:collectives]


def expected(operation: str, rank: int, n: int) -> list[int | None]:
    """Return what rank `rank` must hold afterwards, worked out without any communication."""
    total = [sum(chunk_value(r, c, n) for r in range(n)) for c in range(n)]
    alone: list[int | None] = [None] * n
    if operation == "broadcast":
        return [chunk_value(0, c, n) for c in range(n)]
    if operation == "scatter":
        return [chunk_value(0, rank, n) if c == rank else None for c in range(n)]
    if operation == "gather":
        return [chunk_value(c, c, n) for c in range(n)] if rank == 0 else alone
    if operation == "reduce":
        return list(total) if rank == 0 else alone
    if operation == "all-gather":
        return [chunk_value(c, c, n) for c in range(n)]
    if operation == "reduce-scatter":
        return [total[c] if c == rank else None for c in range(n)]
    if operation == "all-reduce":
        return list(total)
    return [chunk_value(source, rank, n) for source in range(n)]


def row(tensor, rank: int, n: int) -> list[int | None]:
    """Return the value of each chunk that a rank holds; refuse a chunk whose elements differ."""
    if tensor is None:
        return [None] * n
    one_chunk = tensor.dim() == 1
    cells: list[int | None] = [None] * n
    for place, chunk in enumerate([tensor] if one_chunk else list(tensor)):
        if int(chunk.min()) != int(chunk.max()):
            raise RankFailed(f"chunk {place} holds more than one value")
        cells[rank if one_chunk else place] = int(chunk[0])
    return cells


# --8<-- [start:wire]
def bytes_on_the_wire() -> tuple[int, int] | None:
    """Return the bytes that this process's TCP sockets have sent (and had acknowledged) and received; None if unknown."""
    sent = received = 0
    for number in os.listdir("/proc/self/fd") if sys.platform == "linux" else ():
        try:
            if not os.readlink(f"/proc/self/fd/{number}").startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(number))) as one:
                if one.type == socket.SOCK_STREAM and one.family in (socket.AF_INET, socket.AF_INET6):
                    info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                    sent += struct.unpack_from("=Q", info, 120)[0]  # tcpi_bytes_acked, Linux 4.1 and later
                    received += struct.unpack_from("=Q", info, 128)[0]  # tcpi_bytes_received
        except (OSError, struct.error):
            continue
    return (sent, received) if sent else None


def settled_bytes() -> tuple[int, int] | None:
    """Return the byte counts once they stand still: acknowledgements arrive a little after the data."""
    before, deadline = bytes_on_the_wire(), time.monotonic() + 1
    while sys.platform == "linux" and time.monotonic() < deadline:
        time.sleep(0.02)
        now = bytes_on_the_wire()
        if now is not None and now == before:
            return now
        before = now
    return before


# --8<-- [end:wire]


def rank_work(rank: int, n: int, operations: tuple[str, ...], length: int) -> dict[str, dict]:
    """Run the operations as one rank; return for each what the rank held before and after, and the bytes it sent."""
    import torch
    import torch.distributed as dist

    chunks = torch.tensor([chunk_value(rank, c, n) for c in range(n)]).repeat_interleave(length).reshape(n, length)
    done = {}
    for operation in operations:
        dist.barrier()
        start = settled_bytes() or (0, 0)  # on a busy machine nothing may be acknowledged yet, and little was sent
        dist.barrier()  # nobody sends payload before everybody has read the counter
        given, left = collective(operation, rank, n, chunks)
        dist.barrier()
        end = settled_bytes()
        size = chunks.numel() * chunks.element_size()
        sent, received = ((end[i] - start[i]) / size for i in (0, 1)) if end else (None, None)
        done[operation] = {"before": row(given, rank, n), "after": row(left, rank, n), "sent": sent, "received": received}
    return done


def rank_main(rank: int, n: int, folder: str, seconds: float, pipe, work: Callable, arguments: tuple) -> None:
    """Join the group, work, send the result to the parent; an error travels as text."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # gloo logs a dead peer from every rank; the parent says it once
    try:
        from datetime import timedelta

        import torch
        import torch.distributed as dist
        torch.set_num_threads(1)
        dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=n,
                                timeout=timedelta(seconds=seconds))
        pipe.send(("done", work(rank, n, *arguments)))
        dist.destroy_process_group()
    except Exception as error:  # noqa: BLE001: whatever it was, the parent must learn it
        pipe.send(("failed", f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"))


def hold_ctrl_c(held: bool) -> None:
    """Keep Ctrl-C waiting, or let it through."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK if held else signal.SIG_UNBLOCK, [signal.SIGINT])


def run_ranks(n: int, seconds: float, work: Callable, *arguments) -> list:
    """Run work(rank, n, *arguments) in n processes joined by gloo; return the results in rank order.

    Raises RankFailed if a rank raises, dies or takes longer than `seconds`; no process is left behind.
    """
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    # fork shares the parent's import of torch, which is most of the start-up time
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with tempfile.TemporaryDirectory() as folder:
        pipes, processes = [], []
        hold_ctrl_c(True)  # one that arrives in the middle of a fork would be lost
        for rank in range(n):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=rank_main, args=(rank, n, folder, seconds, theirs, work, arguments), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        try:
            hold_ctrl_c(False)
            return collect(pipes, processes, seconds)
        finally:
            for process in processes:
                process.kill()
            for process in processes:
                process.join()


def collect(pipes: list, processes: list, seconds: float) -> list:
    """Wait for one message from each rank; the first failure, death or the time-out ends the wait."""
    results: dict[int, object] = {}
    deadline = time.monotonic() + seconds
    while len(results) < len(pipes):
        waiting = [rank for rank in range(len(pipes)) if rank not in results]
        ready = multiprocessing.connection.wait([pipes[rank] for rank in waiting], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise RankFailed(f"no answer from rank {', '.join(map(str, waiting))} on {socket.gethostname()} within "
                             f"{seconds:g} s; raise --timeout, or use fewer --ranks on a busy machine")
        failures = []
        for pipe in ready:
            rank = pipes.index(pipe)
            try:
                state, value = pipe.recv()
            except EOFError:  # the end of a pipe without a message: the process is gone
                processes[rank].join(5)
                code = processes[rank].exitcode
                cause = f"signal {-code}" if code is not None and code < 0 else f"status {code}"
                raise RankFailed(f"rank {rank} on {socket.gethostname()} died ({cause}); out of memory? try a smaller --bytes") from None
            if state == "failed":
                failures.append(f"rank {rank} on {socket.gethostname()} failed: {value}")
            results[rank] = value
        if failures:
            # A survivor complains of a closed connection a moment before the death itself can be seen.
            time.sleep(0.3)
            for rank, process in enumerate(processes):
                if process.exitcode not in (None, 0):
                    raise RankFailed(f"rank {rank} on {socket.gethostname()} died (signal {-process.exitcode}); "
                                     "out of memory? try a smaller --bytes")
            raise RankFailed(failures[0])
    return [results[rank] for rank in range(len(pipes))]


def measure(operations: tuple[str, ...], n: int, size: int, seconds: float) -> dict[str, dict]:
    """Run the operations on n ranks with a buffer of about `size` bytes; return before, after, sent, received for each."""
    length = max(1, size // (8 * n))
    ranks = run_ranks(n, seconds, rank_work, operations, length)
    return {operation: {part: [rank[operation][part] for rank in ranks] for part in ("before", "after", "sent", "received")}
            for operation in operations}


def cell_text(value: int | None, n: int) -> str:
    """Return a cell as text: r2c0 is chunk 0 of rank 2, +c0 the sum of all ranks' chunk 0."""
    if value is None:
        return "."
    ranks, chunks = contributors(value, n)
    chunk = ",".join(map(str, chunks))
    return f"r{ranks[0]}c{chunk}" if len(ranks) == 1 else f"+c{chunk}" if len(ranks) == n else f"+{ranks}c{chunk}"


def show(operation: str, result: dict, n: int) -> str:
    """Return the buffers of every rank before and after, as text."""
    lines = [f"{operation}: r2c0 is chunk 0 of rank 2, +c0 the sum of every rank's chunk 0"]
    for rank in range(n):
        before, after = (" ".join(f"{cell_text(value, n):5}" for value in result[part][rank]) for part in ("before", "after"))
        lines.append(f"rank {rank}  {before} -> {after}".rstrip())
    return "\n".join(lines)


def table(results: dict[str, dict], n: int) -> str:
    """Return the table of bytes that each rank sent and that the busiest received, in units of the buffer."""
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    lines = [f"{'bytes / S':16}factor   sent by:" + "".join(f"{f'rank {rank}':>8}" for rank in range(n)) + "   most received"]
    for operation, result in results.items():
        sent = "".join(f"{number(value):>8}" for value in result["sent"])
        most = None if None in result["received"] else max(result["received"])
        lines.append(f"{operation:16}{busbw_factor(operation, n):6.2f}{'':11}{sent}   {number(most):>13}".rstrip())
    return "\n".join(lines)


STYLE = """text{font-family:var(--fig-font,sans-serif);font-size:13px;fill:var(--fig-ink,#1f2328)}
.m{fill:var(--fig-muted,#59636e)}
.b{font-weight:600}
.l{font-size:14px}
.c{text-anchor:middle}
.band{fill:var(--fig-bg2,#f6f8fa);stroke:var(--fig-grid,#d8dee4)}
.cell{fill:var(--fig-bg,#ffffff);stroke:var(--fig-line,#8c959f)}
.none{fill:none;stroke:var(--fig-grid,#d8dee4);stroke-dasharray:3 3}
.sum{fill:none;stroke:var(--fig-ink,#1f2328);stroke-width:2}
.ar{fill:none;stroke:var(--fig-muted,#59636e);stroke-width:1.5}
.hd{fill:var(--fig-muted,#59636e)}
.k0{fill:var(--fig-c1,#0072b2)}
.k1{fill:var(--fig-c2,#e69f00)}
.k2{fill:var(--fig-c3,#009e73)}
.k3{fill:var(--fig-c5,#cc79a7)}"""


def svg_cell(x: float, y: float, value: int | None, n: int) -> list[str]:
    """Draw one chunk: a bar with a stripe for each rank that contributed, and the chunk's number."""
    if value is None:
        return [f'<rect x="{x}" y="{y}" width="28" height="22" class="none" rx="3"/>']
    ranks, chunks = contributors(value, n)
    stripe = 18 / len(ranks)
    bars = [f'<rect x="{x + 2}" y="{y + 2 + place * stripe:g}" width="9" height="{stripe:g}" class="k{rank}"/>'
            for place, rank in enumerate(ranks)]
    outline = ['<rect x="{}" y="{}" width="28" height="22" class="sum" rx="3"/>'.format(x, y)] if len(ranks) > 1 else []
    return [f'<rect x="{x}" y="{y}" width="28" height="22" class="cell" rx="3"/>', *bars, *outline,
            f'<text x="{x + 19}" y="{y + 16}" class="c">{chunks[0]}</text>']


def both(x: float, y: float, zh: str, en: str, classes: str = "") -> str:
    """Draw a text in both languages."""
    mark = f' class="{classes}"' if classes else ""
    return f'<switch><text x="{x}" y="{y}"{mark} systemLanguage="zh">{zh}</text><text x="{x}" y="{y}"{mark}>{en}</text></switch>'


def svg(results: dict[str, dict], n: int) -> str:
    """Return the figure of what four ranks held before and after each operation, as an SVG in both languages."""
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 616">',
             '<title lang="en">Eight collectives on four ranks</title>', '<title lang="zh">四个 rank 上的八种集合通信操作</title>',
             '<desc lang="en">For each collective, the four chunks of every rank before the call and after it. The colour of a bar is the rank '
             "that the data comes from, the digit is the number of the chunk; a cell with four stripes is the sum over all ranks.</desc>",
             '<desc lang="zh">逐个画出每种集合通信操作调用前后各 rank 的四个数据块。色条表示数据来自哪个 rank，数字是块号；'
             "有四条色带的格子是所有 rank 之和。</desc>",
             f"<style>\n{STYLE}\n</style>",
             '<defs><marker id="head" viewBox="0 0 8 8" refX="6.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
             '<path d="M0 0.6 L7.4 4 L0 7.4 Z" class="hd"/></marker></defs>']
    for place, (operation, result) in enumerate(results.items()):
        left, top = 8 + 358 * (place % 2), 8 + 140 * (place // 2)
        name = operation.capitalize()
        parts.append(f'<rect x="{left}" y="{top}" width="346" height="134" class="band" rx="8"/>')
        parts.append(both(left + 12, top + 22, f"{CHINESE[operation]}（{operation}）", name, "b l"))
        for rank in range(n):
            y = top + 31 + 25 * rank
            parts.append(f'<text x="{left + 12}" y="{y + 16}" class="m">rank {rank}</text>')
            for chunk in range(n):
                parts += svg_cell(left + 60 + 31 * chunk, y, result["before"][rank][chunk], n)
                parts += svg_cell(left + 216 + 31 * chunk, y, result["after"][rank][chunk], n)
        parts.append(f'<path d="M{left + 189} {top + 80} H{left + 209}" class="ar" marker-end="url(#head)"/>')
    y = 586
    parts.append(both(20, y, "色条：数据来自哪个 rank", "Bar: the rank the data comes from"))
    for rank in range(n):
        parts.append(f'<rect x="{262 + 66 * rank}" y="{y - 12}" width="9" height="14" class="k{rank}"/>')
        parts.append(f'<text x="{276 + 66 * rank}" y="{y}" class="m">rank {rank}</text>')
    everyone = sum(chunk_value(rank, 0, n) for rank in range(n))
    parts += svg_cell(540, y - 16, everyone, n)
    parts.append(both(575, y, "所有 rank 之和", "sum over all ranks"))
    parts.append(both(20, y + 22, "数字是块号。虚线格：调用时不读或调用后不可用。有根的操作以 rank 0 为根。",
                      "Digit: chunk number. Dashed: not read, or undefined afterwards. Rooted operations use rank 0.", "m"))
    return "\n".join([*parts, "</svg>", ""])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=4, metavar="N", help="processes to start, 2 to 7 (default 4)")
    parser.add_argument("--bytes", type=int, default=2**22, metavar="S", help="size of the buffer (default 4 MiB)")
    parser.add_argument("--show", choices=OPERATIONS, help="also print every rank's buffers for one operation")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the figure of all eight operations (needs 4 ranks)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measurements")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="longest wait for any rank (default 60)")
    options = parser.parse_args(argv)
    if not 2 <= options.ranks <= 7:
        parser.error(f"--ranks {options.ranks}: use 2 to 7, each value is one bit of a 64-bit integer")
    if options.svg and options.ranks != 4:
        parser.error("--svg draws four ranks; leave out --ranks")
    if options.bytes < 64 * options.ranks or options.timeout <= 0:
        parser.error("--bytes must hold a few elements a chunk, and --timeout must be positive")
    try:
        import torch
    except ImportError:
        print("collectives_lab.py needs PyTorch: pip install torch", file=sys.stderr)
        return 2
    try:
        results = measure(OPERATIONS, options.ranks, options.bytes, options.timeout)
    except RankFailed as failure:
        print(f"collectives_lab.py: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("collectives_lab.py: interrupted; all ranks ended", file=sys.stderr)
        return 1
    print(f"{options.ranks} ranks, gloo, PyTorch {torch.__version__.split('+')[0]}, S = {options.bytes} bytes")
    print(table(results, options.ranks))
    if options.show:
        print(show(options.show, results[options.show], options.ranks))
    try:
        if options.svg:
            options.svg.write_text(svg(results, options.ranks), "utf-8")
        if options.json:
            options.json.write_text(json.dumps({"ranks": options.ranks, "bytes": options.bytes, "operations": results}, indent=1), "utf-8")
    except OSError as error:
        print(f"collectives_lab.py: cannot write {options.svg or options.json}: {error.strerror}", file=sys.stderr)
        return 1
    wrong = [f"{operation}, rank {rank}" for operation, result in results.items() for rank in range(options.ranks)
             if result["after"][rank] != expected(operation, rank, options.ranks)]
    if wrong:
        print(f"wrong values: {'; '.join(wrong)}", file=sys.stderr)
        return 1
    print("every value is right on every rank")
    return 0


if __name__ == "__main__":
    sys.exit(main())
