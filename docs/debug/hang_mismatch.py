"""The ranks call different collectives: only rank 0 averages the loss. Run: torchrun --nproc-per-node 2 hang_mismatch.py"""

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


# --8<-- [start:broken]
def log_loss(loss):
    if rank == 0:                       # not every rank comes here
        dist.all_reduce(loss)
        print(f"mean loss {loss.item() / dist.get_world_size():.2f}", flush=True)
# --8<-- [end:broken]


# --8<-- [start:fixed]
def log_loss_fixed(loss):
    dist.all_reduce(loss)               # every rank calls it
    if rank == 0:
        print(f"mean loss {loss.item() / dist.get_world_size():.2f}", flush=True)
# --8<-- [end:fixed]


try:
    for step in range(2):
        gradient = torch.full((4,), float(rank))
        dist.all_reduce(gradient)
        (log_loss_fixed if args.fixed else log_loss)(torch.tensor([2.0 + rank]))
        weights = torch.zeros(4)
        dist.broadcast(weights, src=0)
    print(f"rank {rank}: done", flush=True)
except RuntimeError as error:
    print(f"rank {rank}: {error}", flush=True)
    os._exit(1)
dist.destroy_process_group()
