#!/usr/bin/env python3
"""Find the checkpoint interval that loses least time, and check the formula by simulation.

Python 3.11 or later, standard library only. Examples that work as they stand:

    python checkpoint_interval.py --save 120 --mtbf 3.1h
    python checkpoint_interval.py --save 10 120 --nodes 128 512 2048 --node-mtbf 264.5d --plot young-daly.svg

Times take s, m, h or d; a plain number is seconds. With tau the period from one save to the next (the save
included), delta the time a save blocks training, M the mean time between failures, R the time from a failure until
training runs again, and lag the time from the end of the block until the checkpoint is durable (0 when saving blocks
until it is written):

    M        = node MTBF / nodes
    tau      = sqrt(2 delta M)                                                   Young 1974, Daly 2006
    goodput  = 1 - delta/tau - (tau/2 + lag + R)/M                               first order
    goodput  = (tau - delta) exp(-(R + lag)/M) / (M (exp(tau/M) - 1))            exact, exponential failures

The exact form: work between two failures lasts M on average, a restart M (exp(R/M) - 1) because it may fail too, and
exp(-lag/M)/(exp(tau/M) - 1) saves are durable when the failure comes. The simulation draws failures and counts.

Exit codes: 0 done, 1 the interval given with --interval loses more than --tolerance against the best, 2 wrong usage.
"""

import argparse
import json
import math
import random
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> float:
    """Return seconds from 90, 90s, 5m, 3.1h or 47.7d; raise ValueError for anything else or below zero."""
    value = float(text[:-1]) * UNITS[text[-1]] if text[-1:] in UNITS else float(text)
    if not 0 <= value < math.inf:
        raise ValueError(text)
    return value


# --8<-- [start:formulas]
def young_daly(delta: float, mtbf: float) -> float:
    """Return the interval in seconds that is best to first order."""
    return math.sqrt(2 * delta * mtbf)


def goodput(tau: float, delta: float, mtbf: float, restart: float, lag: float = 0) -> float:
    """Return goodput to first order; may fall below zero where tau is not small against mtbf."""
    return 1 - delta / tau - (tau / 2 + lag + restart) / mtbf


def goodput_exact(tau: float, delta: float, mtbf: float, restart: float, lag: float = 0) -> float:
    """Return the expected goodput when failures come at random (exponentially), during restarts too."""
    return (tau - delta) * math.exp(-(restart + lag) / mtbf) / (mtbf * math.expm1(tau / mtbf))
# --8<-- [end:formulas]


def best_exact(delta: float, mtbf: float, restart: float, lag: float = 0) -> float:
    """Return the interval in seconds with the highest exact goodput, by golden section; never below the lag."""
    low, high = max(delta, lag, 1e-9), max(delta, lag) + 20 * mtbf
    ratio = (math.sqrt(5) - 1) / 2
    while high - low > 1e-6 * high:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if goodput_exact(left, delta, mtbf, restart, lag) < goodput_exact(right, delta, mtbf, restart, lag):
            low = left
        else:
            high = right
    return (low + high) / 2


# --8<-- [start:simulate]
def simulate(tau: float, delta: float, mtbf: float, restart: float, lag: float = 0, failures: int = 20_000, seed: int = 1) -> tuple[float, float]:
    """Return goodput and its standard error over `failures` random failures."""
    draw = random.Random(seed)
    batches = []
    for _ in range(20):
        useful = elapsed = 0.0
        for _ in range(max(1, failures // 20)):
            alive = draw.expovariate(1 / mtbf)
            elapsed += alive
            if alive >= lag:
                useful += (alive - lag) // tau * (tau - delta)  # what is durable; the rest is done again
            while (again := draw.expovariate(1 / mtbf)) < restart:  # a restart may fail as well
                elapsed += again
            elapsed += restart
        batches.append(useful / elapsed)
    return statistics.mean(batches), statistics.stdev(batches) / math.sqrt(len(batches))
# --8<-- [end:simulate]


@dataclass
class Case:
    """One line of the table; times in seconds, goodput as a share."""

    nodes: int
    mtbf: float
    delta: float
    tau: float
    tau_exact: float
    formula: float
    exact: float
    simulated: float
    error: float


def solve(nodes: int, mtbf: float, delta: float, arguments: argparse.Namespace) -> Case:
    """Return the best interval for one cluster and one save time, with three values of its goodput."""
    tau = max(young_daly(delta, mtbf), arguments.lag, delta * 1.001)  # a save cannot begin before the last is durable
    settings = (delta, mtbf, arguments.restart, arguments.lag)
    return Case(nodes, mtbf, delta, tau, best_exact(*settings), goodput(tau, *settings), goodput_exact(tau, *settings),
                *simulate(tau, *settings, arguments.failures, arguments.seed))


def words(value: float) -> str:
    """Return seconds as 472 s, 27.3 min or 3.1 h."""
    return f"{value:.0f} s" if value < 600 else f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


# ---------------------------------------------------------------- the figure

def figure(cases: list[Case], arguments: argparse.Namespace) -> str:
    """Return an SVG in English and Chinese: formula as lines, simulation as points, a tick at the best interval."""
    left, right, top, bottom, low, high = 56, 706, 84, 388, 60.0, 100.0
    first, last = 60.0, 21600.0
    nodes = sorted({case.nodes for case in cases})
    saves = sorted({case.delta for case in cases})

    def x(tau: float) -> float:
        return left + (right - left) * math.log(tau / first) / math.log(last / first)

    def y(share: float) -> float:
        return bottom - (bottom - top) * (100 * share - low) / (high - low)

    def text(px: float, py: float, en: str, zh: str | None = None, kind: str = "") -> str:
        head = f'<text x="{px:.1f}" y="{py:.1f}"' + (f' class="{kind}"' if kind else "")
        return f"{head}>{en}</text>" if zh is None else f'<switch>{head} systemLanguage="zh">{zh}</text>{head}>{en}</text></switch>'

    def mark(index: int, px: float, py: float) -> str:
        shapes = (f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.6"', f'<rect x="{px - 3.3:.1f}" y="{py - 3.3:.1f}" width="6.6" height="6.6"',
                  f'<path d="M{px:.1f} {py - 4.4:.1f}L{px + 4:.1f} {py + 3:.1f}L{px - 4:.1f} {py + 3:.1f}Z"')
        return f'{shapes[index % 3]} class="p{index % 3}"/>'

    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 440">',
             '<title lang="en">Goodput against the checkpoint interval</title>', '<title lang="zh">有效吞吐与检查点间隔</title>',
             '<desc lang="en">Curves of goodput over the interval for several numbers of nodes and two save times, with simulated points on them. More nodes and longer saves lower the curve; the best interval is where saving and lost work balance.</desc>',
             '<desc lang="zh">几种节点数、两种保存时间下，有效吞吐随间隔变化的曲线，点为模拟结果。节点越多、保存越久，曲线越低；保存与重做的代价持平处间隔最佳。</desc>',
             "<style>\ntext{font-family:var(--fig-font,sans-serif);font-size:13px;fill:var(--fig-ink,#1f2328)}\n.m{fill:var(--fig-muted,#59636e)}\n.c{text-anchor:middle;fill:var(--fig-muted,#59636e)}\n"
             ".e{text-anchor:end;fill:var(--fig-muted,#59636e)}\n.g{stroke:var(--fig-grid,#d8dee4);fill:none}\n.a{stroke:var(--fig-line,#8c959f);fill:none}\n"
             + "".join(f".l{index}{{stroke:var(--fig-c{index + 1},{colour});stroke-width:2;fill:none}}\n.p{index}{{fill:var(--fig-c{index + 1},{colour})}}\n"
                       for index, colour in enumerate(("#0072b2", "#e69f00", "#009e73"))) + ".d{stroke-dasharray:6 4}\n.t{stroke-width:4}\n</style>"]
    for share in range(60, 101, 10):
        parts += [f'<path d="M{left} {y(share / 100):.1f}H{right}" class="g"/>', text(left - 8, y(share / 100) + 4, f"{share}%", kind="e")]
    for tau, en, zh in ((60, "1 min", "1 分钟"), (300, "5 min", "5 分钟"), (900, "15 min", "15 分钟"), (3600, "1 h", "1 小时"), (10800, "3 h", "3 小时")):
        parts += [f'<path d="M{x(tau):.1f} {top}V{bottom}" class="g"/>', text(x(tau), bottom + 20, en, zh, "c")]
    parts += [f'<path d="M{left} {bottom}H{right}" class="a"/>', text((left + right) / 2, bottom + 42, "checkpoint interval", "检查点间隔", "c"),
              text(left - 40, top - 12, "goodput", "有效吞吐", "m")]
    for case in cases:
        index, dashed = nodes.index(case.nodes) % 3, case.delta != saves[0]
        settings = (case.delta, case.mtbf, arguments.restart, arguments.lag)
        grid = [first * (last / first) ** (step / 120) for step in range(121)]
        line = [(x(tau), y(goodput(tau, *settings))) for tau in grid if tau > case.delta and goodput(tau, *settings) * 100 >= low]
        parts.append('<path d="M' + "L".join(f"{px:.1f} {py:.1f}" for px, py in line) + f'" class="l{index}{" d" if dashed else ""}"/>')
        for step in range(0, 121, 10):
            tau = grid[step]
            if tau > case.delta:
                share = simulate(tau, *settings, arguments.failures, arguments.seed)[0]
                if low <= 100 * share:
                    parts.append(mark(index, x(tau), y(share)))
        if first < case.tau < last:
            parts.append(f'<path d="M{x(case.tau):.1f} {y(case.formula) - 9:.1f}v18" class="l{index} t"/>')
    at = left
    for index, count in enumerate(nodes):
        mtbf = next(case.mtbf for case in cases if case.nodes == count)
        parts += [f'<path d="M{at} 20h26" class="l{index % 3}"/>', mark(index % 3, at + 13, 20),
                  text(at + 34, 24, f"{count:,} nodes, M = {mtbf / 3600:.1f} h", f"{count:,} 节点，M = {mtbf / 3600:.1f} h")]
        at += 218
    at = left
    for index, delta in enumerate(saves[:2]):
        parts += [f'<path d="M{at} 44h26" class="l0{" d" if index else ""}"/>', text(at + 34, 48, f"a save takes {delta:g} s", f"保存一次 {delta:g} s")]
        at += 168
    parts += [mark(0, at + 8, 44), text(at + 22, 48, "simulated", "模拟"), f'<path d="M{at + 118} 35v18" class="l0 t"/>', text(at + 130, 48, "best by Young-Daly", "Young-Daly 最佳"), "</svg>"]
    return "\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", type=seconds, nargs="+", required=True, help="time that a save blocks training; several for a comparison")
    parser.add_argument("--mtbf", type=seconds, help="mean time between failures of the whole job")
    parser.add_argument("--node-mtbf", type=seconds, help="that of one node, divided by --nodes")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1], help="nodes of the job; several for a comparison")
    parser.add_argument("--restart", type=seconds, default=300, help="from a failure until training runs again (default 300)")
    parser.add_argument("--lag", type=seconds, default=0, help="from the end of the block until the checkpoint is durable (default 0)")
    parser.add_argument("--interval", type=seconds, help="the interval that you use now: compare it with the best")
    parser.add_argument("--tolerance", type=float, default=1.0, help="points of goodput that --interval may lose (default 1)")
    parser.add_argument("--step-time", type=seconds, help="also give the interval in steps")
    parser.add_argument("--failures", type=int, default=20_000, help="failures to simulate (default 20000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="write a figure (SVG)")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    arguments = parser.parse_args()
    if (arguments.mtbf is None) == (arguments.node_mtbf is None):
        return usage("give either --mtbf of the whole job, or --node-mtbf and --nodes")
    if min(arguments.save) <= 0 or (arguments.mtbf or arguments.node_mtbf) <= 0 or min(arguments.nodes) < 1 or arguments.failures < 20:
        return usage("--save, --mtbf and --nodes must be above 0, --failures 20 or more")
    if arguments.plot and (len(set(arguments.nodes)) > 3 or len(set(arguments.save)) > 2):
        return usage("--plot draws at most three --nodes and two --save")
    cases = []
    print(f"restart {words(arguments.restart)}, lag {words(arguments.lag)}, {arguments.failures:,} failures simulated, seed {arguments.seed}\n")
    print(f"{'nodes':>6} {'MTBF':>9} {'save':>8} {'interval':>9} {'exact':>9}  {'formula':>8} {'exact':>7} {'simulated':>9}")
    try:
        for nodes in arguments.nodes:
            for delta in arguments.save:
                mtbf = arguments.mtbf or arguments.node_mtbf / nodes
                case = solve(nodes, mtbf, delta, arguments)
                cases.append(case)
                print(f"{nodes:>6,} {words(mtbf):>9} {words(delta):>8} {words(case.tau):>9} {words(case.tau_exact):>9}  "
                      f"{case.formula:>8.2%} {case.exact:>7.2%} {case.simulated:>9.2%}")
                if case.tau + arguments.restart + arguments.lag > 0.3 * mtbf:
                    print("       the first-order formula is off here: interval, restart and lag are not small against the MTBF")
        if arguments.step_time:
            print("\n" + "\n".join(f"{case.nodes:,} nodes, save {words(case.delta)}: every {max(1, round(case.tau / arguments.step_time)):,} steps" for case in cases))
        failed = compare(cases[0], arguments) if arguments.interval else False
        if arguments.plot:
            arguments.plot.write_text(figure(cases, arguments), "utf-8")
        if arguments.json:
            arguments.json.write_text(json.dumps([asdict(case) for case in cases], indent=1) + "\n", "utf-8")
    except KeyboardInterrupt:
        print("checkpoint_interval: stopped; the lines above are complete", file=sys.stderr)
        return 1
    except OSError as error:
        return usage(f"cannot write {error.filename}: {error.strerror}")
    return int(failed)


def compare(case: Case, arguments: argparse.Namespace) -> bool:
    """Print what the interval in use costs against the best; return whether it loses more than is tolerated."""
    if arguments.interval <= case.delta:
        print(f"\nFAIL  {words(arguments.interval)}: shorter than the save itself")
        return True
    settings = (case.delta, case.mtbf, arguments.restart, arguments.lag)
    mine, top = goodput_exact(arguments.interval, *settings), goodput_exact(case.tau_exact, *settings)
    failed = 100 * (top - mine) > arguments.tolerance
    print(f"\n{'FAIL' if failed else 'PASS'}  every {words(arguments.interval)}: goodput {mine:.2%}, best {top:.2%} at {words(case.tau_exact)}, "
          f"{100 * (top - mine):.2f} points lost")
    return failed


def usage(message: str) -> int:
    """Print one line about wrong usage; return exit code 2."""
    print(f"checkpoint_interval: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
