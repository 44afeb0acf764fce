"""GPipe and 1F1B on four CPU ranks: the gradients of one process, and how many micro-batches each rank holds.

Start it with: torchrun --standalone --nproc-per-node 4 pp_lab.py
"""

import datetime

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.pipelining import PipelineStage, Schedule1F1B, ScheduleGPipe

WIDTH, MICRO, ROWS, RANKS = 32, 8, 4, 4


def build():
    """Return the whole model, four blocks, and the whole batch: the same on every rank."""
    torch.manual_seed(0)
    blocks = [nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh()) for _ in range(RANKS)]
    return nn.Sequential(*blocks), torch.randn(MICRO * ROWS, WIDTH), torch.randn(MICRO * ROWS, WIDTH)


class Held:
    """Count the micro-batches whose forward is done and whose backward is not, by hooks on a stage."""

    def __init__(self, module):
        self.now = self.most = 0
        module.register_forward_hook(self.forward)

    def forward(self, module, inputs, output):
        self.now += 1
        self.most = max(self.most, self.now)
        output.register_hook(self.backward)

    def backward(self, grad):
        self.now -= 1


def main():
    """Run both schedules and compare with one process."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=60))
    rank = dist.get_rank()
    if dist.get_world_size() != RANKS:
        raise SystemExit(f"pp_lab.py needs {RANKS} ranks, got {dist.get_world_size()}: pass --nproc-per-node {RANKS}")
    model, x, y = build()
    alone = nn.functional.mse_loss(model(x), y)
    alone.backward()
    wanted = [p.grad for p in model[rank].parameters()]

    for kind in (ScheduleGPipe, Schedule1F1B):
        # --8<-- [start:pipe]
        model, x, y = build()
        block = model[rank]  # a real rank builds its own layers only
        held = Held(block)
        stage = PipelineStage(block, rank, RANKS, torch.device("cpu"))
        loss_fn = nn.functional.mse_loss
        schedule = kind(stage, n_microbatches=MICRO, loss_fn=loss_fn)
        losses = []
        if rank == 0:
            schedule.step(x)
        elif rank == RANKS - 1:
            schedule.step(target=y, losses=losses)
        else:
            schedule.step()
        # --8<-- [end:pipe]
        error = max((p.grad - w).abs().max().item() for p, w in zip(block.parameters(), wanted))
        facts = [None] * RANKS
        mean = torch.stack(losses).mean().item() if losses else None
        # What never came back is the run by which PyTorch learns the shapes: a forward without a backward.
        dist.all_gather_object(facts, (held.most - held.now, error, mean))
        if rank == 0:
            assert max(e for _, e, _ in facts) < 1e-6, f"the gradients differ by {max(e for _, e, _ in facts):.0e}"
            print(f"{kind.__name__:14} loss {facts[-1][2]:.6f}, alone {alone.item():.6f}, gradients the same; "
                  f"held, rank 0 to 3: {' '.join(str(most) for most, _, _ in facts)}")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
