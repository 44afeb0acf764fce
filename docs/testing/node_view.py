"""Print what this rank believes about nodes and ranks, and check that all ranks can add. Start with torchrun; needs torch."""

import os
import socket
from datetime import timedelta

import torch
import torch.distributed as dist

dist.init_process_group("gloo", timeout=timedelta(seconds=30))
total = torch.ones(1)
dist.all_reduce(total)
env = os.environ
print(f"rank {env['RANK']} of {env['WORLD_SIZE']}: node {env['GROUP_RANK']}, local rank {env['LOCAL_RANK']} of {env['LOCAL_WORLD_SIZE']}, "
      f"host {socket.gethostname()}, sum {total.item():.0f}", flush=True)
dist.destroy_process_group()
