"""An exception on one rank is caught and the batch skipped: that rank is one collective behind for ever after.

Run: torchrun --nproc-per-node 2 hang_exception.py
"""

import argparse
import os
from datetime import timedelta

import torch
import torch.distributed as dist

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--fixed", action="store_true", help="run the mended program")
args = parser.parse_args()
dist.init_process_group("gloo", timeout=timedelta(seconds=4))
rank = dist.get_rank()


def forward(step):
    if rank == 1 and step == 1:
        raise ValueError("corrupt sample")
    return torch.tensor([float(step)])          # every rank sends the number of its step, so a shift is visible


# --8<-- [start:broken]
def train(step):
    try:
        loss = forward(step)
    except ValueError as error:
        print(f"rank {rank}: step {step} skipped, {error}", flush=True)
        return                                  # the other ranks do not skip theirs
    dist.all_reduce(loss)
    print(f"rank {rank}: step {step} sum {loss.item():g}", flush=True)
# --8<-- [end:broken]


# --8<-- [start:fixed]
def train_fixed(step):
    try:
        loss, bad = forward(step), torch.zeros(1)
    except ValueError:
        loss, bad = None, torch.ones(1)
    dist.all_reduce(bad, op=dist.ReduceOp.MAX)  # all ranks take the same decision
    if bad.item():
        print(f"rank {rank}: step {step} skipped by all", flush=True)
        return
    dist.all_reduce(loss)
    print(f"rank {rank}: step {step} sum {loss.item():g}", flush=True)
# --8<-- [end:fixed]


try:
    for step in range(4):
        (train_fixed if args.fixed else train)(step)
    print(f"rank {rank}: done", flush=True)
    dist.barrier()
except RuntimeError as error:
    print(f"rank {rank}: {error}", flush=True)
    os._exit(1)
dist.destroy_process_group()
