"""FSDP2 on four CPU ranks: what is gathered when, what stays in memory, and whether the loss is that of DDP.

Start it with: torchrun --standalone --nproc-per-node 4 fsdp_lab.py
"""

import datetime
from collections import Counter

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel
from torch.utils._python_dispatch import TorchDispatchMode

WIDTH, BLOCKS, ROWS, STEPS, RANKS = 64, 4, 32, 3, 4


class Calls(TorchDispatchMode):
    """Count collectives and the bytes that a ring would send for them."""

    names = {"_allgather_base_": "gather", "reduce_scatter_single_": "scatter", "_reduce_scatter_base_": "scatter",
             "allreduce_": "reduce", "broadcast_": "cast"}

    def __init__(self):
        super().__init__()
        self.count, self.sent = Counter(), 0.0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kind = self.names.get(function._schema.name.removeprefix("c10d::"))
        if kind:
            tensors = [t for a in args for t in (a if isinstance(a, list) else [a]) if isinstance(t, torch.Tensor)]
            group = next(g for g in (dist.ProcessGroup.unbox(a) for a in args if isinstance(a, torch.ScriptObject)
                                     and "ProcessGroup" in str(a._type())))
            payload = max(t.nbytes for t in tensors)
            self.count[kind] += 1
            self.sent += (2 if kind == "reduce" else 1) * payload * (group.size() - 1) / group.size()
        return function(*args, **(kwargs or {}))


def build():
    """Return the same model on every rank: four blocks and a head."""
    torch.manual_seed(0)
    blocks = [nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.ReLU(), nn.Linear(4 * WIDTH, WIDTH)) for _ in range(BLOCKS)]
    return nn.Sequential(*blocks, nn.Linear(WIDTH, WIDTH))


# --8<-- [start:shard]
def shard(model, mesh, reshard):
    """Make each block a unit, then the root, which takes the head."""
    for block in list(model)[:BLOCKS]:
        fully_shard(block, mesh=mesh, reshard_after_forward=reshard)
    fully_shard(model, mesh=mesh)
    return model
# --8<-- [end:shard]


def local_bytes(tensors):
    """Return the bytes of the tensors' parts that live on this rank."""
    return sum((t.to_local() if hasattr(t, "to_local") else t).nbytes for t in tensors if t is not None)


def train(model, optimizer, micro_batches=1, accumulate=False):
    """Train a few steps; return the losses, the bytes held and the calls of the last step."""
    generator = torch.Generator().manual_seed(1)
    losses, parameters = [], list(model.parameters())
    for step in range(STEPS):
        x, y = torch.randn(2, ROWS, WIDTH, generator=generator)
        total = 0.0
        mine = [part.chunk(RANKS)[dist.get_rank()].chunk(micro_batches) for part in (x, y)]
        with Calls() as calls:
            for i, (a, b) in enumerate(zip(*mine)):
                last = i == micro_batches - 1
                # --8<-- [start:accumulate]
                if accumulate:  # keep weights and gradients whole till the last
                    model.set_reshard_after_backward(last)
                    model.set_requires_gradient_sync(last)
                # --8<-- [end:accumulate]
                loss = nn.functional.mse_loss(model(a), b) / micro_batches
                between = local_bytes(model.parameters())
                loss.backward()
                total += loss.item()
            gradients = local_bytes(p.grad for p in parameters)
            optimizer.step()
            optimizer.zero_grad()
        losses.append(total)
    inner = getattr(optimizer, "optim", optimizer)  # ZeRO-1 wraps the optimizer of its shard
    state = local_bytes(v for s in inner.state.values() for v in s.values() if v.dim())
    return losses, (between, local_bytes(parameters), gradients, state), calls


def main():
    """Run every mode on the same data and print one line for each."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=60))
    if dist.get_world_size() != RANKS:
        raise SystemExit(f"fsdp_lab.py needs {RANKS} ranks, got {dist.get_world_size()}: pass --nproc-per-node {RANKS}")
    flat, grid = init_device_mesh("cpu", (4,)), init_device_mesh("cpu", (2, 2), mesh_dim_names=("replicate", "shard"))
    size = sum(p.numel() for p in build().parameters())
    adamw = torch.optim.AdamW

    def fsdp(mesh, reshard, **how):
        model = shard(build(), mesh, reshard)
        return train(model, adamw(model.parameters(), lr=1e-2), **how)

    def ddp(make):
        model = DistributedDataParallel(build())
        return train(model, make(model.parameters()))

    modes = {"DDP": lambda: ddp(lambda p: adamw(p, lr=1e-2)),
             "DDP + ZeRO-1 optimizer": lambda: ddp(lambda p: ZeroRedundancyOptimizer(p, adamw, lr=1e-2)),
             "FSDP2, reshard True": lambda: fsdp(flat, True),
             "FSDP2, reshard False": lambda: fsdp(flat, False),
             "FSDP2, reshard 2": lambda: fsdp(flat, 2),
             "HSDP 2 x 2": lambda: fsdp(grid, True),
             "FSDP2, 4 micro-batches": lambda: fsdp(flat, True, micro_batches=4),
             "  kept whole between": lambda: fsdp(flat, False, micro_batches=4, accumulate=True)}
    lead = dist.get_rank() == 0
    if lead:
        print(f"{size} parameters, {RANKS} ranks, gloo, PyTorch {torch.__version__.split('+')[0]}, FP32; P = {4 * size} bytes")
        print(f"{'':24}{'bytes a parameter held':^31}{'calls a step':^29}".rstrip())
        print(f"{'':24}{'fwd->bwd':>9}{'weights':>8}{'grads':>7}{'optim':>7}{'gather':>8}{'scatter':>8}{'reduce':>7}{'cast':>5}{'sent/P':>8}")
    reference = None
    for name, run in modes.items():
        losses, bytes_held, calls = run()
        mean = torch.tensor(losses)
        dist.all_reduce(mean, op=dist.ReduceOp.SUM)
        mean /= RANKS
        reference = mean if reference is None else reference
        assert torch.allclose(mean, reference, atol=1e-4), f"{name} computes something else: {mean} against {reference}"
        if lead:
            between, weights, grads, optim = (b / size for b in bytes_held)
            c = calls.count
            print(f"{name:24}{between:9.2f}{weights:8.2f}{grads:7.2f}{optim:7.2f}{c['gather']:8}{c['scatter']:8}{c['reduce']:7}{c['cast']:5}"
                  f"{calls.sent / (4 * size):8.2f}")
    if lead:
        print(f"same loss in all of them: {reference[-1]:.4f}")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
