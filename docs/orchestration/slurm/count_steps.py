#!/usr/bin/env python3
"""A training loop as Slurm sees it: counts steps, saves on SIGTERM or SIGUSR1, goes on where it stopped.

    python count_steps.py --steps 5 --seconds 0.1 --state /tmp/step.txt
    srun --ntasks=2 python count_steps.py

Rank 0 owns the file. Exit code 0: all steps done, or asked to stop and saved; 1: the state cannot be written.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path


def save(path: Path, step: int) -> None:
    """Write the step so that a kill in the middle leaves the old file or the new one, never half of one."""
    new = path.with_suffix(".new")
    new.write_text(f"{step}\n", "utf-8")
    os.replace(new, path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.5, help="how long a step takes")
    parser.add_argument("--state", type=Path, default=Path("step.txt"))
    options = parser.parse_args()
    asked: list[int] = []
    for sign in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(sign, lambda number, frame: asked.append(number))   # only note it: a step must not be cut in two
    rank = int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", 0)))
    step = int(options.state.read_text("utf-8")) if options.state.exists() else 0
    first = step
    try:
        while step < options.steps and not asked:
            time.sleep(options.seconds)
            step += 1
        if rank == 0:
            save(options.state, step)
            print(f"steps {first} to {step}, saved{', asked to stop' if asked else ', done'}", flush=True)
    except OSError as error:
        print(f"count_steps.py: cannot write {options.state}: {error.strerror}; free some space or choose another --state", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
