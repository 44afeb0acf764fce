"""A DataLoader worker is forked while a thread holds a lock, and waits for that lock for ever.

Run: torchrun --nproc-per-node 2 hang_dataloader.py [--worker-timeout 3]
"""

import argparse
import os
import threading
import time
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--worker-timeout", type=float, default=0, help="DataLoader(timeout=...), 0 waits for ever")
parser.add_argument("--timeout", type=float, default=20, help="seconds a collective may take")
parser.add_argument("--fixed", action="store_true", help="run the mended program")
args = parser.parse_args()
dist.init_process_group("gloo", timeout=timedelta(seconds=args.timeout))
rank = dist.get_rank()
cache_lock = threading.Lock()


# --8<-- [start:broken]
class Cached(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        with cache_lock:                # inherited locked; its owner stays behind
            return torch.tensor([float(i)])
# --8<-- [end:broken]


# --8<-- [start:fixed]
class CachedFixed(Cached):
    lock = None

    def __getitem__(self, i):
        if self.lock is None:
            self.lock = threading.Lock()        # made in the worker, after the fork
        with self.lock:
            return torch.tensor([float(i)])
# --8<-- [end:fixed]


def refresh_cache():
    with cache_lock:
        time.sleep(3600)


if rank == 1:
    threading.Thread(target=refresh_cache, daemon=True).start()
    time.sleep(0.3)
try:
    for batch in DataLoader(CachedFixed() if args.fixed else Cached(), batch_size=2, num_workers=1,
                            timeout=args.worker_timeout, multiprocessing_context="fork"):
        dist.all_reduce(batch)
    print(f"rank {rank}: done", flush=True)
    status = 0
except RuntimeError as error:
    print(f"rank {rank}: {error}", flush=True)
    status = 1
dist.destroy_process_group()
os._exit(status)                                # the stuck worker must not keep this process
