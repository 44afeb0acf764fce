"""Only the members create a process group; new_group wants every rank. Run: torchrun --nproc-per-node 3 hang_group.py"""

import argparse
import os
from datetime import timedelta

import torch
import torch.distributed as dist

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--fixed", action="store_true", help="run the mended program")
args = parser.parse_args()
limit = timedelta(seconds=4)                      # new_group does not take it over from the default group
dist.init_process_group("gloo", timeout=limit)
rank = dist.get_rank()
pairs = [[0, 1], [1, 2]]


# --8<-- [start:broken]
def make_groups():
    return [dist.new_group(pair, timeout=limit) for pair in pairs if rank in pair]
# --8<-- [end:broken]


# --8<-- [start:fixed]
def make_groups_fixed():
    groups = [dist.new_group(pair, timeout=limit) for pair in pairs]       # one order
    return [group for pair, group in zip(pairs, groups) if rank in pair]
# --8<-- [end:fixed]


try:
    for group in (make_groups_fixed if args.fixed else make_groups)():
        dist.all_reduce(torch.ones(1), group=group)
    print(f"rank {rank}: done", flush=True)
    dist.barrier()
except RuntimeError as error:
    print(f"rank {rank}: {type(error).__name__}: {error}", flush=True)
    os._exit(1)
dist.destroy_process_group()
