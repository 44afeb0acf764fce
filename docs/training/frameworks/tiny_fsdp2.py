"""The tiny model under FSDP2: every rank holds a slice of each parameter."""

import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from tiny_common import start, train

model = start()
mesh = init_device_mesh("cpu", (dist.get_world_size(),))
for block in model.blocks:     # inner units first: each gathers its own
    fully_shard(block, mesh=mesh)
fully_shard(model, mesh=mesh)  # the root takes what is left: embedding, head
train(model, "fsdp2")          # builds the optimizer, so after sharding
