"""Tensor parallelism by hand on two CPU ranks: a norm and an MLP, a vocabulary-parallel loss, and a well-known bug.

Start it with: torchrun --standalone --nproc-per-node 2 tp_lab.py
"""

import datetime

import torch
import torch.distributed as dist
from torch.nn import functional as F

TOKENS, HIDDEN, VOCAB = 16, 32, 64
reduces = 0


def all_reduce(x, op=dist.ReduceOp.SUM):
    """Return the reduction over all ranks; count the call."""
    global reduces
    reduces += 1
    x = x.clone()
    dist.all_reduce(x, op)
    return x


# --8<-- [start:conjugates]
class Enter(torch.autograd.Function):
    """Identity forward; backward sums what all columns say of the input."""

    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, grad):
        return all_reduce(grad)


class Leave(torch.autograd.Function):
    """Forward sums the ranks' partial outputs; identity backward."""

    @staticmethod
    def forward(ctx, x):
        return all_reduce(x)

    @staticmethod
    def backward(ctx, grad):
        return grad


def mlp(x, a, b, enter=Enter.apply):
    """Return gelu(x A) B, with A split by columns and B by rows."""
    return Leave.apply(F.gelu(enter(x) @ a) @ b)
# --8<-- [end:conjugates]


# --8<-- [start:loss]
def vocab_parallel_loss(x, head, targets, first):
    """Return the mean cross-entropy; a rank has its columns of the logits alone."""
    logits = Enter.apply(x) @ head
    top = all_reduce(logits.detach().max(dim=1).values, dist.ReduceOp.MAX)
    logits = logits - top[:, None]  # so that exp cannot overflow
    norm = Leave.apply(logits.exp().sum(dim=1))
    mine = (targets >= first) & (targets < first + head.shape[1])
    column = (targets - first).clamp(0, head.shape[1] - 1)
    picked = logits.gather(1, column[:, None])[:, 0]
    return (norm.log() - Leave.apply(torch.where(mine, picked, 0.0))).mean()
# --8<-- [end:loss]


def weights():
    """Return the same leaves on every rank: norm scale, A, B, head, and inputs and targets."""
    g = torch.Generator().manual_seed(0)
    shapes = [(HIDDEN, 4 * HIDDEN), (4 * HIDDEN, HIDDEN), (HIDDEN, VOCAB)]
    scale = torch.ones(HIDDEN, requires_grad=True)
    matrices = [(torch.randn(*shape, generator=g) / shape[0] ** 0.5).requires_grad_() for shape in shapes]
    return scale, *matrices, torch.randn(TOKENS, HIDDEN, generator=g), torch.randint(VOCAB, (TOKENS,), generator=g)


def main():
    """Compare two ranks with one process, then leave out the all-reduce of the backward pass."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=60))
    rank, ranks = dist.get_rank(), dist.get_world_size()
    if (4 * HIDDEN) % ranks or VOCAB % ranks:
        raise SystemExit(f"tp_lab.py: {ranks} ranks do not divide {4 * HIDDEN} columns and {VOCAB} words; use 2 or 4")
    say = print if rank == 0 else (lambda *_: None)

    scale, a, b, head, x, targets = weights()
    normed = F.layer_norm(x, (HIDDEN,)) * scale
    alone = F.cross_entropy((x + F.gelu(normed @ a) @ b) @ head, targets)
    alone.backward()
    wanted = [scale.grad, a.grad.chunk(ranks, 1)[rank], b.grad.chunk(ranks, 0)[rank], head.grad.chunk(ranks, 1)[rank]]

    for name, enter in (("split", Enter.apply), ("split, Enter forgotten", lambda y: y)):
        global reduces
        reduces = 0
        scale, a, b, head, x, targets = weights()
        parts = [t.detach().chunk(ranks, d)[rank].clone().requires_grad_() for t, d in ((a, 1), (b, 0), (head, 1))]
        y = x + mlp(F.layer_norm(x, (HIDDEN,)) * scale, *parts[:2], enter)
        in_mlp = reduces
        loss = vocab_parallel_loss(y, parts[2], targets, rank * VOCAB // ranks)
        forward = reduces
        loss.backward()
        errors = [(p.grad - w).abs().max().item() for p, w in zip([scale, *parts], wanted)]
        worst = torch.tensor(errors)
        dist.all_reduce(worst, dist.ReduceOp.MAX)
        copies = [torch.zeros_like(scale) for _ in range(ranks)]
        dist.all_gather(copies, scale.grad)
        apart = max((copy - copies[0]).abs().max().item() for copy in copies)
        say(f"{name}: loss {loss.item():.4f}, alone {alone.item():.4f}; all-reduces: MLP {in_mlp}, loss {forward - in_mlp}, "
            f"backward {reduces - forward}")
        say("  largest error of the gradients:", ", ".join(f"{n} {e:.0e}" if e > 1e-5 else f"{n} ok"
                                                      for n, e in zip(("norm", "A", "B", "head"), worst.tolist())))
        say(f"  norm gradients of the ranks differ by {apart:.0e}" if apart > 1e-5 else "  norm gradients of the ranks are the same")
        assert name != "split" or (max(worst) < 1e-5 and apart < 1e-6), "the split computes something else"
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
