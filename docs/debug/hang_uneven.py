"""One rank has a batch more than the others and waits for partners that are through. Run: torchrun --nproc-per-node 2 hang_uneven.py"""

import argparse
import os
from datetime import timedelta

import torch
import torch.distributed as dist

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--fixed", action="store_true", help="run the mended program")
args = parser.parse_args()
dist.init_process_group("gloo", timeout=timedelta(seconds=4))
rank, world = dist.get_rank(), dist.get_world_size()
files = [f"shard-{i}" for i in range(7)][rank::world]       # seven shards for two ranks: four and three


# --8<-- [start:broken]
def steps():
    return len(files)
# --8<-- [end:broken]


# --8<-- [start:fixed]
def steps_fixed():
    count = torch.tensor([len(files)])
    dist.all_reduce(count, op=dist.ReduceOp.MIN)            # all stop at the shortest (or pad up to MAX)
    return int(count)
# --8<-- [end:fixed]


try:
    for step in range(steps_fixed() if args.fixed else steps()):
        dist.all_reduce(torch.ones(4))
        print(f"rank {rank}: step {step}", flush=True)
    print(f"rank {rank}: epoch done", flush=True)
    dist.broadcast(torch.zeros(1), src=0)
except RuntimeError as error:
    print(f"rank {rank}: {error}", flush=True)
    os._exit(1)
dist.destroy_process_group()
