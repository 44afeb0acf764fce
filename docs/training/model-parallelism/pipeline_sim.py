#!/usr/bin/env python3
"""Simulate pipeline schedules: idle time, activations held, and a time line as SVG.

p stages, m micro-batches, v chunks of layers a rank (interleaved only). A stage computes a micro-batch forward in F,
the gradient of its input in B and of its weights in W; schedules that do not split the backward pass take B + W at once.
Every rank runs its operations in the order of the schedule and starts each as soon as its input is there; sending
takes C. Lengths are in any unit. Closed forms, for C = 0, with T = F + B + W:

    gpipe, 1f1b    total (m + p - 1) T                  bubble (p - 1)/(m + p - 1)
    interleaved    total m T + (p - 1) T/v              bubble (p - 1)/(v m + p - 1)
    zb1p           total m T + (p - 1) (F + B - W)      at F = B = W: bubble (p - 1)/(3 m + p - 1)
    any            total >= m T + (p - 1) F             the last rank cannot start earlier

The bubble is 1 - m T / total: what a step loses when all ranks wait for each other at its end, as they do for the norm
of the gradients. Idle is the same inside a rank's own first and last operation, the loss without that wait.
Held counts micro-batches whose forward is done and whose backward (split: weight gradient) is not, in activations of
a whole stage. Sources: Huang et al. (arXiv:1811.06965), Narayanan et al. (arXiv:2104.04473), Qi et al.
(arXiv:2401.10241) for the split backward pass; the orders of zb1p and zb2p are ours, with p and 2p - 1 held at most.

Needs Python 3.11. Exit status: 0 done, 2 wrong usage.

Examples:
  python pipeline_sim.py --stages 4 --micro-batches 8
  python pipeline_sim.py --stages 8 --micro-batches 32 --chunks 4 --comm 0.1 --schedule 1f1b interleaved
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

Op = tuple[str, int, int]  # kind (F, B or W), micro-batch, chunk


@dataclass(frozen=True)
class Costs:
    """Time of one micro-batch on one whole stage, and of one transfer."""

    f: float = 1.0
    b: float = 1.0
    w: float = 1.0
    comm: float = 0.0


@dataclass(frozen=True)
class Run:
    """A finished simulation: for every rank its operations with start and end."""

    name: str
    stages: int
    micro_batches: int
    chunks: int
    costs: Costs
    lines: list[list[tuple[float, float, Op]]]

    @property
    def work(self) -> float:
        """Return the time a rank computes."""
        return self.micro_batches * (self.costs.f + self.costs.b + self.costs.w)

    @property
    def total(self) -> float:
        """Return the time from the first operation to the last, over all ranks."""
        return max(line[-1][1] for line in self.lines)

    @property
    def bubble(self) -> float:
        """Return the share of the step that a rank waits, if ranks meet at its end."""
        return 1 - self.work / self.total

    @property
    def idle(self) -> float:
        """Return the largest share that a rank waits between its own first and last operation."""
        return max(1 - self.work / (line[-1][1] - line[0][0]) for line in self.lines)

    def held(self, rank: int) -> float:
        """Return the most micro-batches whose activations a rank holds, in whole stages."""
        free = "W" if any(op[0] == "W" for _, _, op in self.lines[rank]) else "B"
        now = most = 0
        for _, _, (kind, _, _) in self.lines[rank]:
            now += (kind == "F") - (kind == free)
            most = max(most, now)
        return most / self.chunks


# --8<-- [start:orders]
def gpipe(rank: int, p: int, m: int) -> list[Op]:
    """Return all forwards, then all backwards."""
    return [("F", i, 0) for i in range(m)] + [("B", i, 0) for i in range(m)]


def one_f_one_b(rank: int, p: int, m: int) -> list[Op]:
    """Return forwards to warm up, then forward and backward in turn."""
    warm = min(m, p - 1 - rank)
    order = [("F", i, 0) for i in range(warm)]
    for i in range(m - warm):
        order += [("F", warm + i, 0), ("B", i, 0)]
    return order + [("B", i, 0) for i in range(m - warm, m)]


def interleaved(rank: int, p: int, m: int, v: int) -> list[Op]:
    """Return 1F1B over v chunks a rank, p micro-batches of a chunk at a time."""
    forward = [("F", group * p + i, c)
               for group in range(m // p) for c in range(v) for i in range(p)]
    backward = [("B", i, v - 1 - c) for _, i, c in forward]
    warm = min(len(forward), 2 * (p - 1 - rank) + (v - 1) * p)
    order = forward[:warm]
    for i, op in enumerate(forward[warm:]):
        order += [op, backward[i]]
    return order + backward[len(forward) - warm:]


def zero_bubble(rank: int, p: int, m: int, warm: int, lag: int) -> list[Op]:
    """Return forwards, then B, W and F in turn; W is `lag` micro-batches late."""
    order = [("F", i, 0) for i in range(min(warm, m))]
    for i in range(m + lag):
        if i < m:
            order.append(("B", i, 0))
        if i >= lag:
            order.append(("W", i - lag, 0))
        if warm + i < m:
            order.append(("F", warm + i, 0))
    return order
# --8<-- [end:orders]


def needs(op: Op, rank: int, p: int, v: int) -> tuple[int, Op] | None:
    """Return the rank and operation whose result an operation waits for, if there is one."""
    kind, i, c = op
    if kind == "W":
        return rank, ("B", i, c)
    if kind == "F":
        if rank:
            return rank - 1, ("F", i, c)
        return (p - 1, ("F", i, c - 1)) if c else None
    if rank < p - 1:
        return rank + 1, ("B", i, c)
    return (0, ("B", i, c + 1)) if c < v - 1 else (rank, ("F", i, c))


# --8<-- [start:run]
def in_order(name: str, orders: list[list[Op]], m: int, v: int, costs: Costs) -> Run:
    """Run fixed orders: each operation starts when its rank is free and its input has come."""
    p = len(orders)
    split = any(op[0] == "W" for op in orders[0])
    length = {"F": costs.f / v, "B": (costs.b if split else costs.b + costs.w) / v, "W": costs.w / v}
    ends: dict[tuple[int, Op], float] = {}
    lines: list[list[tuple[float, float, Op]]] = [[] for _ in range(p)]
    left = sum(map(len, orders))
    while left:
        before = left
        for rank, order in enumerate(orders):
            while len(lines[rank]) < len(order):
                op = order[len(lines[rank])]
                source = needs(op, rank, p, v)
                if source and source not in ends:
                    break
                ready = ends[source] + costs.comm * (source[0] != rank) if source else 0.0
                start = max(ready, lines[rank][-1][1] if lines[rank] else 0.0)
                ends[rank, op] = start + length[op[0]]
                lines[rank].append((start, ends[rank, op], op))
                left -= 1
        if left == before:  # every rank waits for another: a real run would hang here
            raise ValueError(f"{name}: the schedule deadlocks")
    return Run(name, p, m, v, costs, lines)
# --8<-- [end:run]


def simulate(name: str, p: int, m: int, v: int, costs: Costs) -> Run:
    """Return the run of one schedule by its name."""
    if name == "gpipe":
        return in_order(name, [gpipe(r, p, m) for r in range(p)], m, 1, costs)
    if name == "1f1b":
        return in_order(name, [one_f_one_b(r, p, m) for r in range(p)], m, 1, costs)
    if name == "interleaved":
        if m % p:
            raise ValueError(f"interleaved needs micro-batches divisible by stages; {m} is not by {p}: use {math.ceil(m / p) * p}")
        return in_order(name, [interleaved(r, p, m, v) for r in range(p)], m, v, costs)
    double = name == "zb2p"  # it starts nearly twice as many forwards, and holds them
    orders = [zero_bubble(r, p, m, 2 * (p - r) - 1 if double else p - r, 2 * r if double else r) for r in range(p)]
    return in_order(name, orders, m, 1, costs)


SCHEDULES = ("gpipe", "1f1b", "interleaved", "zb1p", "zb2p")
TITLES = {"gpipe": "GPipe", "1f1b": "1F1B", "interleaved": "Interleaved 1F1B", "zb1p": "ZB1P", "zb2p": "ZB2P"}
STYLE = """text{font-family:var(--fig-font,sans-serif);font-size:13px;fill:var(--fig-ink,#1f2328)}
.n{font-size:11px;text-anchor:middle}.v{fill:var(--fig-bg,#ffffff)}.k{fill:#1f2328}.s{font-size:12px;fill:var(--fig-muted,#59636e)}.t{font-weight:600}
rect{stroke:var(--fig-bg,#ffffff);stroke-width:1}.F{fill:var(--fig-c1,#0072b2)}.F1{fill:var(--fig-c6,#56b4e9)}.B{fill:var(--fig-c2,#e69f00)}
.B1{fill:var(--fig-c2,#e69f00);fill-opacity:.45}.W{fill:url(#pp-w);stroke:var(--fig-line,#8c959f)}
.q{fill:var(--fig-bg2,#f6f8fa);stroke:none}.d{stroke:var(--fig-c3,#009e73);stroke-width:1.6}"""


#: How the numbers on a shade are printed: light on a dark colour, dark on a light one, whatever the page's own.
PRINT = {"F": "n v", "F1": "n k", "B": "n k"}


def svg(runs: list[Run]) -> str:
    """Return one panel a run, on a common time axis."""
    left, high, gap = 58, 15, 31
    scale = 648 / max(run.total for run in runs)
    out, y = [], 40.0

    def text(x: float, y: float, en: str, zh: str = "", css: str = "") -> str:
        attributes = f'x="{x:.1f}" y="{y:g}"' + (f' class="{css}"' if css else "")
        if not zh:
            return f"<text {attributes}>{en}</text>"
        return f'<switch><text systemLanguage="zh" {attributes}>{zh}</text><text {attributes}>{en}</text></switch>'

    for run in runs:
        chunks = f", v = {run.chunks}" if run.chunks > 1 else ""
        most = max(run.held(r) for r in range(run.stages))
        out.append(text(8, y + 12, f"{TITLES[run.name]}{chunks}", "", "t"))
        out.append(text(210, y + 12, f"bubble {run.bubble:.1%}, at most {most:g} micro-batches held",
                        f"气泡 {run.bubble:.1%}，最多持有 {most:g} 个微批", "s"))
        y += 20
        for rank, line in enumerate(run.lines):
            out.append(text(8, y + 12, f"rank {rank}", "", "s"))
            out.append(f'<rect x="{left}" y="{y:g}" width="{run.total * scale:.1f}" height="{high}" class="q"/>')
            for start, end, (kind, i, c) in line:
                x, width = left + start * scale, (end - start) * scale
                shade = kind + ("1" if c % 2 and kind in "FB" else "")
                out.append(f'<rect x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="{high}" class="{shade}"/>')
                if width > 8.5:
                    out.append(text(x + width / 2, y + 11.5, str(i + 1), "", PRINT.get(shade, "n")))
            y += high + 1
        y += gap - 20
    bottom = y - 5
    head = [("F", "forward", "前向", 58), ("B", "backward (ZB: of inputs)", "反向（ZB：对输入）", 150),
            ("W", "backward of weights", "对权重的反向", 340), ("F1", "", "", 510), ("B1", "second chunk", "第二块", 530)]
    legend = []
    for css, en, zh, x in head:
        legend.append(f'<rect x="{x}" y="14" width="15" height="15" class="{css}"/>')
        if en:
            legend.append(text(x + 21, 26, en, zh))
    names = ", ".join(TITLES[run.name] for run in runs)
    p, m = runs[0].stages, runs[0].micro_batches
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {bottom:g}">',
        '<title lang="en">Pipeline schedules on a time line</title><title lang="zh">流水线调度时间线</title>',
        f'<desc lang="en">{names}: {p} stages, {m} micro-batches, time to the right, a row a rank; the gaps are the bubble.</desc>',
        f'<desc lang="zh">{names.replace(", ", "、")}：{p} 个阶段、{m} 个微批，横轴为时间，一行一个 rank，空白处是气泡。</desc>',
        f"<style>{STYLE}</style>",
        '<defs><pattern id="pp-w" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path d="M0 0V5" class="d"/></pattern></defs>', *legend, *out, "</svg>", ""])


def main(argv: list[str] | None = None) -> int:
    """Simulate, print a table, write the figure or JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", type=int, default=4, metavar="p")
    parser.add_argument("--micro-batches", type=int, default=8, metavar="m")
    parser.add_argument("--chunks", type=int, default=2, metavar="v", help="chunks a rank of the interleaved schedule")
    parser.add_argument("--schedule", nargs="+", choices=SCHEDULES, default=list(SCHEDULES))
    for name, what in (("f", "forward"), ("b", "backward of inputs"), ("w", "backward of weights")):
        parser.add_argument(f"--{name}", type=float, default=1.0, metavar=name.upper(), help=f"time of the {what} of a stage")
    parser.add_argument("--comm", type=float, default=0.0, metavar="C", help="time of one transfer between stages")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the time lines")
    args = parser.parse_args(argv)
    for name in ("stages", "micro_batches", "chunks"):
        if not 1 <= getattr(args, name) <= 4096:
            parser.error(f"--{name.replace('_', '-')} must be from 1 to 4096")
    if args.stages * args.micro_batches * args.chunks > 200_000:
        parser.error("stages x micro-batches x chunks must be at most 200,000")
    costs = Costs(args.f, args.b, args.w, args.comm)
    if not all(math.isfinite(t) and t >= 0 for t in vars(costs).values()) or min(costs.f, costs.b, costs.w) <= 0:
        parser.error("--f, --b and --w must be above 0, --comm at least 0, all finite")
    try:
        runs = [simulate(name, args.stages, args.micro_batches, args.chunks, costs) for name in args.schedule]
    except ValueError as error:
        parser.error(str(error))
    print(f"{args.stages} stages, {args.micro_batches} micro-batches, F {costs.f:g}, B {costs.b:g}, W {costs.w:g}, transfer {costs.comm:g}")
    print(f"{'schedule':18}{'total':>8}{'bubble':>9}{'idle':>8}   held, rank 0 ... last")
    for run in runs:
        held = " ".join(f"{run.held(r):g}" for r in range(min(8, run.stages)))
        print(f"{TITLES[run.name]:18}{run.total:8.4g}{run.bubble:9.1%}{run.idle:8.1%}   {held}")
    rows = [{"schedule": run.name, "total": run.total, "bubble": run.bubble, "idle": run.idle,
             "held": [run.held(r) for r in range(run.stages)]} for run in runs]
    try:
        if args.json:
            args.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
        if args.svg:
            args.svg.write_text(svg(runs), "utf-8")
    except OSError as error:
        print(f"pipeline_sim.py: cannot write {error.filename}: {error.strerror}; the table above is complete", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
