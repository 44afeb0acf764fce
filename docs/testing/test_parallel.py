"""Sharded data, tensor and pipeline parallelism on CPU ranks, each against one process. Needs torch; run by pytest."""

import torch
import torch.distributed as dist
from torch import nn

from testing_utils import assert_close_to_sum, fake_world


def sum_of_ranks():
    """Return the sum of all rank numbers, as a first sign of life."""
    total = torch.tensor(float(dist.get_rank()))
    dist.all_reduce(total)
    return total.item()


class Mlp(nn.Module):
    """Two layers whose sizes are all different, 24 -> 40 -> 16."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.up, self.down = nn.Linear(24, 40), nn.Linear(40, 16, bias=False)

    def forward(self, x):
        """Return (batch, 16) of x (batch, 24)."""
        return self.down(torch.relu(self.up(x)))


def batch():
    """Return inputs of eight rows."""
    return torch.randn(8, 24, generator=torch.Generator().manual_seed(1))


def expected():
    """Return output and gradients of one process."""
    model = Mlp()
    out = model(batch())
    out.square().mean().backward()
    return out.detach(), {name: p.grad for name, p in model.named_parameters()}


def full_gradients(model):
    """Return the gradients as plain arrays, gathered from all ranks where they are sharded."""
    whole = {name: p.grad.full_tensor() if hasattr(p.grad, "full_tensor") else p.grad for name, p in model.named_parameters()}
    return {name: g.numpy() for name, g in whole.items()}


# --8<-- [start:fsdp]
def fsdp_rank():
    """Run FSDP2 on this rank's rows and return whole gradients."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    model = Mlp()
    fully_shard(model, mesh=mesh)
    model(batch()[dist.get_rank()::2]).square().mean().backward()
    return full_gradients(model)


def test_fsdp_equals_one_process(on_ranks):
    _, reference = expected()
    for gradients in on_ranks(fsdp_rank, 2, timeout=30):
        for name, value in gradients.items():
            assert_close_to_sum(torch.from_numpy(value), reference[name], terms=8)
# --8<-- [end:fsdp]


# --8<-- [start:tp]
def tp_rank():
    """Split one layer by columns, the next by rows; return what comes out."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    model = parallelize_module(
        Mlp(),
        init_device_mesh("cpu", (dist.get_world_size(),)),
        {"up": ColwiseParallel(), "down": RowwiseParallel()},
    )
    out = model(batch())  # every rank sees all rows
    out.square().mean().backward()
    local = tuple(model.down.weight.to_local().shape)
    return out.detach().numpy(), full_gradients(model), local


def test_tensor_parallel_equals_one_process(on_ranks):
    reference, gradients = expected()
    for out, got, local in on_ranks(tp_rank, 2, timeout=30):
        assert local == (16, 20)  # really split: half of 40 columns
        assert_close_to_sum(torch.from_numpy(out), reference, terms=40)
        for name, value in got.items():
            assert_close_to_sum(torch.from_numpy(value), gradients[name], terms=40)
# --8<-- [end:tp]


# --8<-- [start:pp]
def pp_rank():
    """Run two stages over four micro-batches; return a gradient of this stage."""
    from torch.distributed.pipelining import PipelineStage, ScheduleGPipe

    whole, rank = Mlp(), dist.get_rank()
    part = nn.Sequential(whole.up, nn.ReLU()) if rank == 0 else whole.down
    stage = PipelineStage(part, rank, 2, torch.device("cpu"))
    schedule = ScheduleGPipe(
        stage,
        n_microbatches=4,
        loss_fn=lambda out, target: (out - target).square().mean(),
    )
    schedule.step(batch()) if rank == 0 else schedule.step(target=torch.zeros(8, 16))
    return next(part.parameters()).grad.numpy()


def test_pipeline_equals_one_process(on_ranks):
    _, reference = expected()
    first, second = on_ranks(pp_rank, 2, timeout=30)
    up, down = torch.from_numpy(first), torch.from_numpy(second)
    assert_close_to_sum(up, reference["up.weight"], terms=8 * 16)
    assert_close_to_sum(down, reference["down.weight"], terms=8 * 16)
# --8<-- [end:pp]


def test_a_world_of_1024_has_the_right_shapes():
    import fake_world_1024
    report = fake_world_1024.build(rank=517)
    assert report["coordinates"] == {"data": 64, "tensor": 5}
    assert not dist.is_initialized()
    with fake_world(3):
        assert dist.get_world_size() == 3
