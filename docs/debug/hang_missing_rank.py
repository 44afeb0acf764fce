"""One rank never arrives: it polls for a file that rank 0 wrote on another disk. Run: torchrun --nproc-per-node 2 hang_missing_rank.py"""

import argparse
import os
import sys
import tempfile
import time
from datetime import timedelta

import torch
import torch.distributed as dist

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--detect", action="store_true", help="name the missing rank with monitored_barrier")
parser.add_argument("--fixed", action="store_true", help="run the mended program")
args = parser.parse_args()
dist.init_process_group("gloo", timeout=timedelta(seconds=20))
rank = dist.get_rank()
disk = tempfile.mkdtemp()                       # each rank has its own, like a node's local disk


# --8<-- [start:broken]
def wait_for_index():
    path = os.path.join(disk, "index.ready")
    if rank == 0:
        open(path, "w").close()
    while not os.path.exists(path):     # never true on rank 1
        time.sleep(0.1)
# --8<-- [end:broken]


# --8<-- [start:fixed]
def wait_for_index_fixed():
    path = os.path.join(disk, "index.ready")
    if rank == 0:
        open(path, "w").close()
    dist.barrier()                      # over the network, not a disk
    if not os.path.exists(path):
        print(f"rank {rank}: index not on this disk, fetching it", flush=True)
# --8<-- [end:fixed]


try:
    (wait_for_index_fixed if args.fixed else wait_for_index)()
    if args.detect:
        dist.monitored_barrier(timeout=timedelta(seconds=3), wait_all_ranks=True)
    dist.all_reduce(torch.ones(4))
    print(f"rank {rank}: step done", flush=True)
except RuntimeError as error:
    print(f"rank {rank}: {error}", flush=True)
    sys.stdout.flush()
    os._exit(1)
dist.destroy_process_group()
