"""One rank is slow, and every rank's step looks slow. Who waits least is to blame. Run: torchrun --nproc-per-node 4 slow_rank.py"""

import argparse
import json
import statistics
import time
from datetime import timedelta

import torch
import torch.distributed as dist

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, default=10)
parser.add_argument("--extra-ms", type=float, default=60, help="what rank 2 does besides, in milliseconds a step")
parser.add_argument("--fixed", action="store_true", help="run without the extra work")
parser.add_argument("--json", metavar="FILE")
args = parser.parse_args()
dist.init_process_group("gloo", timeout=timedelta(seconds=60))
rank = dist.get_rank()


# --8<-- [start:measure]
def timed_step(work):
    """Return (seconds of own work, seconds spent waiting for the others); on a GPU synchronize before each reading."""
    begin = time.perf_counter()
    work()
    ready = time.perf_counter()
    dist.barrier()                              # what is spent here is the wait for the slowest rank
    return ready - begin, time.perf_counter() - ready
# --8<-- [end:measure]


def work():
    time.sleep(0.02 + (args.extra_ms / 1e3 if rank == 2 and not args.fixed else 0))


dist.barrier()
times = [timed_step(work) for _ in range(args.steps)]
mine = torch.tensor([statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)])
everyone = [torch.zeros(2) for _ in range(dist.get_world_size())]
dist.all_gather(everyone, mine)
if rank == 0:
    own, wait = ([float(t[i]) * 1e3 for t in everyone] for i in (0, 1))
    print("rank   own ms  wait ms  step ms")
    for r in range(len(own)):
        print(f"{r:>4} {own[r]:8.0f} {wait[r]:8.0f} {own[r] + wait[r]:8.0f}")
    slow = own.index(max(own))
    ratio = own[slow] / statistics.median(own)
    print(f"rank {slow} works {ratio:.1f} times the median and waits least" if ratio > 1.5 else "no rank stands out")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"own_ms": own, "wait_ms": wait, "slow": slow if ratio > 1.5 else None}, file)
dist.destroy_process_group()
