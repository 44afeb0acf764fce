"""A 2-D mesh on four ranks: FSDP2 down the columns, tensor parallelism along the rows, the same loss as one process.

Start it with: torchrun --standalone --nproc-per-node 4 mesh_lab.py
"""

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

WIDTH, BATCH, STEPS = 32, 16, 5


def build():
    """Return the same small model on every rank, and the whole batch."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.ReLU(), nn.Linear(4 * WIDTH, WIDTH))
    return model, torch.randn(BATCH, WIDTH), torch.randn(BATCH, WIDTH)


def train(model, x, y):
    """Return the loss of each step on this rank's part of the batch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(STEPS):
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


torch.set_num_threads(1)
alone = train(*build())

# --8<-- [start:mesh]
mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("dp", "tp"))
dp, tp = mesh["dp"], mesh["tp"]
model, x, y = build()
parallelize_module(model, tp, {"0": ColwiseParallel(), "2": RowwiseParallel()})
fully_shard(model, mesh=dp)  # after tensor parallelism: it shards the shards
mine = dp.get_local_rank()   # the batch is split over dp only: tp ranks see the same rows
losses = train(model, x.chunk(2)[mine], y.chunk(2)[mine])
# --8<-- [end:mesh]

rank = dist.get_rank()
held = sum(p.to_local().numel() for p in model.parameters())
facts = [None] * 4
dist.all_gather_object(facts, (rank, mine, tp.get_local_rank(), dist.get_process_group_ranks(dp.get_group()),
                               dist.get_process_group_ranks(tp.get_group()), held, losses))
if rank == 0:
    for r, d, t, column, row, held, _ in facts:
        print(f"rank {r}: dp {d} tp {t}, sums gradients with {column}, activations with {row}, holds {held} parameters")
    together = [(a + b) / 2 for a, b in zip(facts[0][6], facts[2][6])]  # one rank of each dp row
    print("one process ", " ".join(f"{loss:.4f}" for loss in alone))
    print("2 x 2 mesh  ", " ".join(f"{loss:.4f}" for loss in together))
    assert all(abs(a - b) < 1e-4 for a, b in zip(alone, together)), "the mesh computes something else"
dist.destroy_process_group()
