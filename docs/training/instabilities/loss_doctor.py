#!/usr/bin/env python3
"""Find spikes, divergence, plateaus and resume jumps in a log of the loss, and say what to do about each.

Python 3.11 or later, standard library only. Examples that work as they stand:

    python loss_doctor.py --demo
    python loss_doctor.py --score --seed 1

On your own log: `loss_doctor.py train.csv`, `loss_doctor.py train.jsonl --resume 1200,2400`, or live:
`tail -n +1 -f main_log.txt | loss_doctor.py - --follow`. A CSV or TSV needs a header with step and loss; a JSONL line
the same keys; any other line is searched for "iteration N" and "lm loss: X" as Megatron writes them. A gradient norm
is used if it is there. A step number that goes back is a restart; restarts without one are named with --resume.

The rules, with sigma the noise of one logged loss, 1.4826 median |x - median(x)| / sqrt(2) over the last 100 differences
x, and base the median of the last 20 losses (both frozen while something is wrong):

    spike        a loss above base + max(6 sigma, 2%); over when the median of 10 is below base + max(2 sigma, 0.5%)
    no recovery  a spike that is not over after --patience logged losses; `divergence` if it also keeps rising
    divergence   without a jump: three medians of 50 above the lowest so far by max(1.5 sigma, 0.5%), the last highest
    plateau      the last quarter of the run falls less than a quarter of what the quarter before it did
    resume jump  a spike within ten losses of a restart, or a mean of those ten off base by max(5 errors, 1%), up or down
    non-finite   NaN or infinity

Exit codes: 0 nothing that needs you (a spike that healed included), 1 something that does, 2 wrong usage.
"""

import argparse
import csv
import json
import math
import random
import re
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ADVICE = {
    "spike": "healed: note the step, look at its data, do nothing",
    "open spike": "not over yet: wait, keep the checkpoint before it, watch the gradient norm",
    "no recovery": "stop; go back to a checkpoint from before it, skip that data",
    "divergence": "stop; go back to before it began, lower the learning rate",
    "plateau": "compare the evaluations, check the learning rate and the data order",
    "resume jump": "some state was not restored: step counter, schedule, data position or RNG",
    "non-finite": "stop; load the last checkpoint, find the first module with a NaN",
}


@dataclass
class Event:
    """One finding; steps as logged, losses in the log's unit; last is None while it goes on."""

    kind: str
    first: int
    last: int | None = None
    base: float | None = None
    peak: float | None = None
    grad_lead: int | None = None  # steps by which the gradient norm rose before the loss

    def needs_you(self) -> bool:
        """Say whether somebody has to act."""
        return self.kind != "spike"


def noise(values: list[float]) -> float:
    """Return the standard deviation of one value, from differences, so that a trend or a few outliers do not count."""
    moves = [b - a for a, b in zip(values, values[1:])]
    middle = statistics.median(moves)
    return 1.4826 * statistics.median(abs(m - middle) for m in moves) / math.sqrt(2)


def fall(values: list[float], sigma: float) -> tuple[float, float]:
    """Return by how much a straight line through the values falls over their range, and its standard error."""
    n, mean, middle = len(values), statistics.fmean(values), (len(values) - 1) / 2
    spread = sum((i - middle) ** 2 for i in range(n))
    slope = sum((i - middle) * (v - mean) for i, v in enumerate(values)) / spread
    return -slope * n, sigma / math.sqrt(spread) * n


class Doctor:
    """Reads losses in the order of training; `events` holds what was found, the last one perhaps unfinished."""

    def __init__(self, patience: int = 300, resumes: set[int] = frozenset()):
        self.patience, self.resumes = patience, resumes
        self.events: list[Event] = []
        self.points: list[tuple[int, float]] = []  # what is trusted as baseline: (step, loss)
        self.norms: list[tuple[int, float]] = []
        self.blocks: list[tuple[int, float]] = []  # median of each 50 points, for what is slow
        self.block_from = 0                        # points before this index are not compared with later ones
        self.trouble: Event | None = None          # spike or resume jump that is not over
        self.during: list[tuple[int, float]] = []
        self.after_restart: list[tuple[int, float]] | None = None
        self.flat: Event | None = None             # plateau that goes on
        self.flat_for = 0                          # blocks for which it has looked so
        self.rising: Event | None = None           # slow divergence that goes on
        self.ceiling: float | None = None          # level before a jump down; coming back to it is no divergence
        self.sigma = 0.0
        self.previous_bad: int | None = None
        self.last_step: int | None = None

    def feed(self, step: int, loss: float, norm: float | None = None) -> None:
        """Take the next logged loss."""
        if self.last_step is not None and (step <= self.last_step or step in self.resumes):
            self._restart(step)
        self.last_step = step
        if norm is not None and math.isfinite(norm):
            self.norms = [*self.norms[-200:], (step, norm)]
        if not math.isfinite(loss):
            self._nonfinite(step)
        elif self.trouble:
            self._in_trouble(step, loss)
        elif len(self.points) < 30 or not self._starts_trouble(step, loss):
            self._trust(step, loss)

    # --8<-- [start:rules]
    def _starts_trouble(self, step: int, loss: float) -> bool:
        base, sigma = self._baseline()
        restarted = self.after_restart
        if restarted is not None:
            restarted.append((step, loss))
            if len(restarted) == 10:
                self.after_restart = None
                off = statistics.fmean(v for _, v in restarted) - self.before_restart
                error = math.hypot(sigma / math.sqrt(10), 1.25 * sigma / math.sqrt(20))
                if abs(off) > max(5 * error, 0.01 * self.before_restart):
                    self._open("resume jump", restarted[0][0], self.before_restart, loss)
                    if off < 0:  # the same data again, or a different loss: no baseline survives that
                        self.trouble.last, self.trouble = step, None
                        self._forget()
                        self.ceiling = self.before_restart
                        return False
                    self.points = self.points[:-9]
                    self.during = list(restarted)
                    return True
        if loss < base + max((15 if self.rising else 6) * sigma, 0.02 * abs(base)):
            return False
        kind, first = ("resume jump", restarted[0][0]) if restarted else ("spike", step)
        self._open(kind, first, base, loss)
        self.during = [(step, loss)]
        return True

    def _in_trouble(self, step: int, loss: float) -> None:
        event, sigma = self.trouble, self.sigma
        self.during.append((step, loss))
        event.peak = max(event.peak, loss)
        recent = [v for _, v in self.during[-10:]]
        if len(recent) >= 6 and statistics.median(recent) < event.base + max(2 * sigma, 0.005 * abs(event.base)):
            high = [s for s, v in self.during if v > event.base + 3 * sigma]
            event.last, self.trouble = (high or [step])[-1], None
            self.points += [p for p in self.during if p[0] > event.last]
        elif len(self.during) >= self.patience:
            values = [v for _, v in self.during]
            now, early = statistics.median(values[-50:]), statistics.median(values[20:70])
            if event.kind == "spike":
                event.kind = "divergence" if now > early + max(2 * sigma, 0.01 * abs(early)) else "no recovery"
            self.points += self.during[-100:]  # judge what comes next by the new level
            self.trouble, self.rising = None, event if event.kind == "divergence" else self.rising
            self._forget()
    # --8<-- [end:rules]

    def _baseline(self) -> tuple[float, float]:
        base = statistics.median(v for _, v in self.points[-20:])
        if not self.sigma or len(self.points) % 10 == 0:  # noise changes slowly, and takes time to compute
            self.sigma = max(noise([v for _, v in self.points[-101:]]), 1e-4 * abs(base))
        return base, self.sigma

    def _open(self, kind: str, first: int, base: float, loss: float) -> None:
        self.after_restart = None
        self.trouble = Event(kind, first, None, base, loss, self._lead(first))
        self.events.append(self.trouble)

    def _lead(self, step: int) -> int | None:
        """Return how many steps before the loss the gradient norm left its own range, or None."""
        before = [v for s, v in self.norms[-150:-20]]
        if len(before) < 30:
            return None
        usual = statistics.median(before)
        early = [s for s, v in self.norms[-20:] if s < step and v > 3 * usual]
        return step - early[0] if early else 0

    def _trust(self, step: int, loss: float) -> None:
        self.points.append((step, loss))
        if (len(self.points) - self.block_from) % 50 == 0 and len(self.points) > self.block_from:
            part = self.points[-50:]
            self.blocks.append((part[-1][0], statistics.median(v for _, v in part)))
            self._slow_rise()
            self._plateau()

    def _slow_rise(self) -> None:
        _, sigma = self._baseline()
        step, level = self.blocks[-1]
        if self.rising:
            self.rising.peak = max(self.rising.peak, level)
            if level < self.rising.base + max(1.5 * sigma, 0.005 * abs(level)) or level < self.rising.peak - 6 * sigma:
                self.rising.last, self.rising = step, None
                self._forget()
            return
        if self.ceiling:
            if level < self.ceiling - 2 * sigma and len(self.blocks) < 20:
                return
            self.ceiling, self.blocks = None, self.blocks[-1:]
        if len(self.blocks) < 6:
            return
        low_step, low = min(self.blocks, key=lambda b: b[1])
        last = [v for _, v in self.blocks[-3:]]
        if low_step < self.blocks[-3][0] and min(last) > low + max(1.5 * sigma, 0.005 * abs(low)) and last[2] == max(last):
            if self.flat and self.flat_for < 10:  # it was the turn of the curve
                self.events.remove(self.flat)
                self.flat = None
            self.rising = Event("divergence", low_step, None, low, last[2])
            self.events.append(self.rising)

    def _plateau(self) -> None:
        values = [v for _, v in self.blocks]
        n = len(values)
        if n < 24 or self.rising:
            return
        error = 1.25 * self._baseline()[1] / math.sqrt(50)
        if self.flat:  # over when it falls again
            self.flat_for += 1
            if max(values[-2:]) < self.flat.base - 5 * error:
                self.flat.last, self.flat = self.blocks[-2][0], None
            return
        now, error_now = fall(values[-n // 4:], error)
        before, error_before = fall(values[n * 9 // 16:n * 3 // 4], error)
        looks_flat = before > 5 * error_before and -3 * error_now < now < before / 4 and now + 2 * error_now < before / 2
        self.flat_for = self.flat_for + 1 if looks_flat else 0
        if self.flat_for == 3:
            level = statistics.median(values[-n // 4:])
            first = next((self.blocks[i + 1][0] for i in range(n - 2, -1, -1) if values[i] > level + 4 * error), self.blocks[0][0])
            self.flat = Event("plateau", first, None, level, None, None)
            self.events.append(self.flat)

    def _forget(self) -> None:
        """Compare nothing slow with what came before this point."""
        self.blocks, self.block_from, self.flat_for = [], len(self.points), 0
        if self.flat:
            self.flat.last, self.flat = self.last_step, None

    def _restart(self, step: int) -> None:
        self.points = [p for p in self.points if p[0] < step]
        self.norms = [p for p in self.norms if p[0] < step]
        self.blocks = [b for b in self.blocks if b[0] < step]
        self.block_from = min(self.block_from, len(self.points))
        if self.trouble:  # somebody went back: what was wrong is over, whatever it was
            self.trouble.kind = "open spike" if self.trouble.kind == "spike" else self.trouble.kind
            self.trouble.last, self.trouble = self.last_step, None
        if len(self.points) >= 30:
            self.before_restart = self._baseline()[0]
            self.after_restart = []

    def _nonfinite(self, step: int) -> None:
        if self.events and self.events[-1].kind == "non-finite" and self.events[-1].last == self.previous_bad:
            self.events[-1].last = self.previous_bad = step
            return
        self.events.append(Event("non-finite", step, step))
        self.previous_bad = step

    def finish(self) -> list[Event]:
        """Return all findings; what is not over is named so."""
        if self.trouble and self.trouble.kind == "spike":
            self.trouble.kind = "open spike"
        return self.events


# Reading logs ---------------------------------------------------------------------------------------------------------

MEGATRON = re.compile(r"iteration\s+(\d+)\s*/.*?(?:lm )?loss:\s*([-+0-9.eE]+|nan|inf)", re.IGNORECASE)
NORM = re.compile(r"grad norm:\s*([-+0-9.eE]+|nan|inf)", re.IGNORECASE)


def parse(line: str, header: list[str] | None) -> tuple[int, float, float | None] | None:
    """Return (step, loss, gradient norm) of a line of any known form, None for a line that holds no loss."""
    row = None
    if line.lstrip().startswith("{"):
        try:
            row = json.loads(line)
        except ValueError:
            return None
    elif header:
        cells = next(csv.reader([line], delimiter="\t" if "\t" in line else ","))
        row = dict(zip(header, cells)) if len(cells) == len(header) else None
    if row is None:
        found, norm = MEGATRON.search(line), NORM.search(line)
        return (int(found[1]), float(found[2]), float(norm[1]) if norm else None) if found else None
    step = next((row[k] for k in ("step", "iteration", "global_step", "iter") if k in row), None)
    loss = next((row[k] for k in ("loss", "train_loss", "lm_loss", "train/loss", "lm loss") if k in row), None)
    norm = next((row[k] for k in ("grad_norm", "grad norm", "train/grad_norm") if k in row), None)
    if step in (None, "") or loss in (None, ""):
        return None
    try:
        return int(float(step)), float(loss), float(norm) if norm not in (None, "") else None
    except (TypeError, ValueError):
        return None


def header_of(line: str) -> list[str] | None:
    """Return the names of the columns if the line is the header of a CSV or TSV."""
    cells = [c.strip().lower() for c in re.split(r"[,\t]", line.strip())]
    return cells if len(cells) > 1 and any(c in cells for c in ("step", "iteration", "global_step", "iter")) else None


# Series with known events ---------------------------------------------------------------------------------------------

# --8<-- [start:synthetic]
def synthetic(kinds: tuple[str, ...], seed: int, points: int = 4000) -> tuple[list[tuple[int, float]], list[tuple[str, int, int]]]:
    """Return a made-up run of `points` losses, one a step, and its events as (kind, first step, last step)."""
    draw = random.Random(seed)
    floor, height, power = draw.uniform(1.5, 2.2), draw.uniform(5, 9), draw.uniform(0.25, 0.4)
    sigma = draw.uniform(0.01, 0.04)
    slots = [(1000 + 1000 * i, 1000 + 1000 * i + draw.randrange(0, 250)) for i in range(len(kinds))]
    truth, extra, frozen = [], [0.0] * points, None
    for kind, (_, at) in zip(kinds, slots):
        if kind == "spike":
            size, half = draw.uniform(0.4, 4), draw.uniform(3, 40)
            for i in range(at, points):
                extra[i] += size * 0.5 ** ((i - at) / half)
            truth.append((kind, at, at + int(3 * half)))
        elif kind == "resume jump":
            size, half = draw.choice((-1, 1)) * draw.uniform(0.15, 0.6), draw.uniform(30, 80)
            for i in range(at, points):
                extra[i] += size * 0.5 ** ((i - at) / half)
            truth.append((kind, at, at + int(3 * half)))
        elif kind == "no recovery":
            size, rest = draw.uniform(1, 4), draw.uniform(0.4, 1.5)
            for i in range(at, points):
                extra[i] += rest + size * 0.5 ** ((i - at) / 20)
            truth.append((kind, at, points))
        elif kind == "divergence":
            pace = draw.uniform(0.8, 4) / 1000
            for i in range(at, points):
                extra[i] += pace * (i - at)
            truth.append((kind, at, points))
        elif kind == "plateau":
            frozen = at
            truth.append((kind, at, points))
    losses = []
    for i in range(points):
        t = min(i, frozen) if frozen is not None else i
        losses.append(floor + height * (t + 10) ** -power + extra[i] + draw.gauss(0, sigma))
    return list(enumerate(losses)), truth
# --8<-- [end:synthetic]


def score(seed: int, runs: int) -> dict:
    """Return hits, misses and false alarms for each kind of event over many made-up runs."""
    plans = [(), ("spike",), ("spike", "spike", "spike"), ("resume jump",), ("resume jump", "spike"), ("no recovery",), ("divergence",),
             ("spike", "plateau"), ("plateau",), ("spike", "resume jump", "divergence"), ("spike", "no recovery")]
    table: dict[str, list[int]] = {}
    for run in range(runs):
        series, truth = synthetic(plans[run % len(plans)], seed * 100_000 + run)
        doctor = Doctor(resumes={first for kind, first, _ in truth if kind == "resume jump"})
        for step, loss in series:
            doctor.feed(step, loss)
        found = doctor.finish()
        used = set()
        for kind, first, last in truth:
            near = 400 if kind in ("plateau", "divergence") else 20
            hit = next((i for i, e in enumerate(found) if i not in used and e.kind == kind and first - near <= e.first <= first + 3 * near), None)
            row = table.setdefault(kind, [0, 0, 0])
            row[0 if hit is not None else 1] += 1
            used.add(hit)
        for i, event in enumerate(found):
            if i not in used:
                table.setdefault(event.kind, [0, 0, 0])[2] += 1
    return {kind: {"found": hit, "missed": miss, "false": false} for kind, (hit, miss, false) in sorted(table.items())}


def precision_recall(table: dict) -> tuple[float, float]:
    """Return precision and recall over all kinds."""
    found, missed, false = (sum(row[k] for row in table.values()) for k in ("found", "missed", "false"))
    return found / max(1, found + false), found / max(1, found + missed)


# Command line ---------------------------------------------------------------------------------------------------------

def show(event: Event) -> str:
    """Return one line for people."""
    until = "goes on" if event.last is None else f"to {event.last}"
    levels = "" if event.base is None else f"{event.base:.3f}" + ("" if event.peak is None else f" -> {event.peak:.3f}")
    lead = f"; gradient norm {event.grad_lead} steps earlier" if event.grad_lead else ""
    return f"{event.kind:<12} {event.first:>8} {until:<11} {levels:<16} {ADVICE[event.kind]}{lead}"


def read_all(doctor: Doctor, lines, follow: bool) -> int:
    """Feed every line to the doctor, printing findings as they come if `follow`; return how many losses there were."""
    header, seen, told = None, 0, 0
    for number, line in enumerate(lines):
        if header is None and number < 5 and (header := header_of(line)):
            continue
        if found := parse(line, header):
            doctor.feed(*found)
            seen += 1
        if follow:
            for event in doctor.events[told:]:
                print(show(event), flush=True)
            told = len(doctor.events)
    return seen


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", nargs="?", help="CSV, TSV, JSONL or a text log; - for standard input")
    parser.add_argument("--demo", action="store_true", help="judge a made-up run with a spike, a resume jump and a divergence")
    parser.add_argument("--score", action="store_true", help="measure precision and recall on made-up runs")
    parser.add_argument("--runs", type=int, default=110, help="how many runs for --score (default 110)")
    parser.add_argument("--seed", type=int, default=0, help="of --demo and --score (default 0)")
    parser.add_argument("--patience", type=int, default=300, help="logged losses to wait for a spike to end (default 300)")
    parser.add_argument("--resume", default="", metavar="STEP,...", help="steps at which training was resumed")
    parser.add_argument("--follow", action="store_true", help="print findings as they come")
    parser.add_argument("--json", metavar="FILE", help="also write the findings here")
    options = parser.parse_args(arguments)
    if sum((bool(options.log), options.demo, options.score)) != 1:
        parser.error("give one log, or --demo, or --score")
    if options.runs < 11 or options.patience < 80:
        parser.error("--runs takes 11 or more, --patience 80 or more")
    try:
        resumes = {int(s) for s in options.resume.split(",") if s.strip()}
    except ValueError:
        parser.error(f"--resume takes step numbers like 1200,2400, not {options.resume!r}")
    if options.score:
        table = score(options.seed, options.runs)
        precision, recall = precision_recall(table)
        print(f"{'event':<14}{'found':>6}{'missed':>8}{'false':>7}")
        for kind, row in table.items():
            print(f"{kind:<14}{row['found']:>6}{row['missed']:>8}{row['false']:>7}")
        print(f"{options.runs} runs of 4,000 losses: precision {precision:.3f}, recall {recall:.3f}")
        result, code = {"table": table, "precision": precision, "recall": recall}, int(min(precision, recall) < 0.95)
    else:
        doctor = Doctor(options.patience, resumes)
        if options.demo:
            series, truth = synthetic(("spike", "resume jump", "divergence"), options.seed)
            doctor.resumes = {first for kind, first, _ in truth if kind == "resume jump"}
            for step, loss in series:
                doctor.feed(step, loss)
            seen = len(series)
            print("put in: " + ", ".join(f"{kind} at {first}" for kind, first, _ in truth))
        else:
            try:
                with (sys.stdin if options.log == "-" else open(options.log, encoding="utf-8", errors="replace")) as lines:
                    seen = read_all(doctor, lines, options.follow)
            except OSError as error:
                parser.error(f"cannot read {options.log}: {error.strerror}")
            except KeyboardInterrupt:
                seen = len(doctor.points)
        if seen < 31:
            print(f"loss_doctor.py: {seen} losses found in {options.log}; it takes 31 for a first opinion. The header of a CSV "
                  "must name step and loss.", file=sys.stderr)
            return 2
        events = doctor.finish()
        print(f"{seen} losses, last {doctor.points[-1][1] if doctor.points else math.nan:.3f}, noise of one {getattr(doctor, 'sigma', 0):.3f}")
        print("\n".join(show(event) for event in events) if events else "nothing found: smooth, and still falling")
        result, code = {"losses": seen, "events": [asdict(e) for e in events]}, int(any(e.needs_you() for e in events))
    if options.json:
        try:
            Path(options.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            parser.error(f"cannot write {options.json}: {error.strerror}")
    return code


if __name__ == "__main__":
    sys.exit(main())
