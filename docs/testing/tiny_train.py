"""Training code small enough to read, to be tested by test_invariants.py. Set BUG to one of BUGS to break it on purpose."""

import os

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

BUG = os.environ.get("BUG", "")
BUGS = ["mask", "init", "stale", "detach", "padding", "accumulate", "seed", "dropout", "resume", "position", "shard", "average"]
VOCAB, WIDTH, HEADS, LENGTH, PAD = 32, 48, 4, 24, 0


class Block(nn.Module):
    """Attention and a feed-forward layer."""

    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x, cache=None):
        """Return x (batch, length, WIDTH) after one layer; `cache` is a list that keeps keys and values between calls."""
        batch, length, _ = x.shape
        q, k, v = self.qkv(self.norms[0](x)).view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        if cache:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
        if cache is not None:
            cache[:] = [k, v]
        causal = length > 1 and BUG != "mask"
        a = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        x = x + self.out(a.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norms[1](x))))


class Model(nn.Module):
    """A causal language model of two layers."""

    def __init__(self, seed: int = 0, dropout: float = 0.0):
        super().__init__()
        torch.seed() if BUG == "seed" else torch.manual_seed(seed)
        self.dropout = dropout
        self.token, self.place = nn.Embedding(VOCAB, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCAB, bias=False)
        nn.init.normal_(self.head.weight, std=1.0 if BUG == "init" else 0.02)

    def forward(self, tokens, caches=None):
        """Return logits (batch, length, VOCAB); with `caches`, of tokens that follow those seen before."""
        past = caches[0][0].shape[2] if caches and caches[0] and BUG != "position" else 0
        x = self.token(tokens) + self.place(torch.arange(past, past + tokens.shape[1]))
        x = F.dropout(x, self.dropout, training=self.training or BUG == "dropout")
        for i, block in enumerate(self.blocks):
            x = block(x.detach() if BUG == "detach" and i == 1 else x, caches[i] if caches else None)
        return self.head(self.norm(x))


def loss_sum(model, tokens):
    """Return the summed loss of predicting each next token, and how many were counted (padding is not)."""
    logits, targets = model(tokens[:, :-1]), tokens[:, 1:]
    counted = torch.ones_like(targets, dtype=torch.bool) if BUG == "padding" else targets != PAD
    return F.cross_entropy(logits[counted], targets[counted], reduction="sum"), counted.sum()


def backward(model, micro_batches):
    """Accumulate gradients over micro-batches, as if they were one batch; return the loss."""
    counts = [1 if BUG == "accumulate" else (batch[:, 1:] != PAD).sum() for batch in micro_batches]
    if BUG == "padding":
        counts = [batch[:, 1:].numel() for batch in micro_batches]
    loss = 0.0
    for batch in micro_batches:
        summed, counted = loss_sum(model, batch)
        part = summed / counted / len(counts) if BUG == "accumulate" else summed / sum(counts)
        part.backward()
        loss += part.item()
    return loss


def average_gradients(model):
    """Average the gradients over all ranks."""
    for parameter in model.parameters():
        dist.all_reduce(parameter.grad)
        if BUG != "average":
            parameter.grad /= dist.get_world_size()


def shard(count: int, rank: int, ranks: int, seed: int) -> list[int]:
    """Return the rows of one epoch that a rank reads, shuffled; together the ranks read each row once."""
    generator = torch.Generator().manual_seed(seed + (rank if BUG == "shard" else 0))
    return torch.randperm(count, generator=generator)[rank::ranks].tolist()


class Trainer:
    """Model, optimizer and place in the data: all that a checkpoint must hold."""

    def __init__(self, data, seed: int = 0, lr: float = 3e-3):
        self.data, self.step = data, 0
        self.model = Model(seed)
        parameters = Model(seed).parameters() if BUG == "stale" else self.model.parameters()
        self.optimizer = torch.optim.AdamW(parameters, lr=lr)

    def train(self, steps: int) -> list[float]:
        """Take some steps of 4 rows and return their losses."""
        losses = []
        for _ in range(steps):
            rows = [(4 * self.step + i) % len(self.data) for i in range(4)]
            self.model.zero_grad()
            losses.append(backward(self.model, [self.data[rows]]))
            self.optimizer.step()
            self.step += 1
        return losses

    def state(self) -> dict:
        """Return what a checkpoint holds."""
        kept = {"model": self.model.state_dict(), "step": self.step}
        return kept if BUG == "resume" else kept | {"optimizer": self.optimizer.state_dict()}

    def load(self, state: dict) -> None:
        """Go on from a checkpoint."""
        self.model.load_state_dict(state["model"])
        self.step = state["step"]
        if "optimizer" in state:
            self.optimizer.load_state_dict(state["optimizer"])
