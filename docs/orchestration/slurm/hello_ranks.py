#!/usr/bin/env python3
"""Print who this rank is and check that all ranks can talk: the smallest job worth submitting.

    torchrun --nproc-per-node=2 hello_ranks.py
    srun --ntasks=2 python hello_ranks.py --no-torch

Takes the rank from torchrun's variables, or from Slurm's when a task is a rank. With torch it sums the
ranks over all processes (NCCL on GPUs, else Gloo) and checks n(n-1)/2; without, it only prints. Exit code
0: done; 1: the ranks cannot talk or the sum is wrong; 2: no rank in the environment.
"""

import argparse
import os
import socket
import sys
from datetime import timedelta


def first(*names: str) -> str | None:
    """Return the value of the first of these environment variables that is set."""
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-torch", action="store_true", help="only print; do not open a process group")
    parser.add_argument("--timeout", type=float, default=60, metavar="S", help="seconds to wait for the other ranks")
    options, _ = parser.parse_known_args()          # launchers add arguments of their own
    rank, world, local = first("RANK", "SLURM_PROCID"), first("WORLD_SIZE", "SLURM_NTASKS"), first("LOCAL_RANK", "SLURM_LOCALID")
    if rank is None or world is None:
        print("hello_ranks.py: neither RANK and WORLD_SIZE nor SLURM_PROCID and SLURM_NTASKS are set; start it with torchrun or srun", file=sys.stderr)
        return 2
    node = first("SLURMD_NODENAME") or socket.gethostname()
    line = f"rank {rank} of {world} (local {local}) on {node}, GPUs {os.environ.get('CUDA_VISIBLE_DEVICES', '-')}, CPUs {os.environ.get('SLURM_CPUS_PER_TASK', '-')}"
    if options.no_torch:
        print(line, flush=True)
        return 0
    import torch
    import torch.distributed as dist
    try:
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(int(local or 0) % torch.cuda.device_count())   # one visible GPU each, or all of them
        os.environ.update(RANK=rank, WORLD_SIZE=world)
        dist.init_process_group("nccl" if cuda else "gloo", timeout=timedelta(seconds=options.timeout))
        total = torch.tensor([int(rank)], device="cuda" if cuda else "cpu")
        dist.all_reduce(total)
        good = total.item() == int(world) * (int(world) - 1) // 2
        print(f"{line}, sum {total.item()} {'ok' if good else 'WRONG'}", flush=True)
        dist.destroy_process_group()
        return 0 if good else 1
    except (RuntimeError, ValueError) as error:      # torch's own errors are RuntimeErrors: time-out, refused, no such host
        print(f"{line}: cannot reach the others: {str(error).splitlines()[0]}", file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
