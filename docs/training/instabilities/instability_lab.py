#!/usr/bin/env python3
"""Break the training of a tiny transformer in nine ways, and save a run that diverges.

Python 3.11 and PyTorch 2.6 or later; a CPU will do. Examples that work as they stand:

    python instability_lab.py --rescue
    python instability_lab.py --patterns /tmp/loss_patterns.csv --figure /tmp/loss-patterns.svg

The text is made by a random Markov source of second order, so the best loss that any model can reach is known: the
source's entropy, printed in nats. The model has two layers of width 48. Everything is seeded; another processor rounds
differently, so its numbers differ a little, and in a diverging run a lot.

--patterns trains the nine runs (1 to 3 minutes on two cores) and writes their losses; --figure draws those of --from,
or of the CSV beside this program. --rescue trains one run into a divergence, then tries five ways out of it.
Exit codes: 0 done, 1 a rescue did not end below where the waiting run ended, 2 wrong usage.
"""

import argparse
import csv
import math
import sys
from pathlib import Path

VOCAB, WIDTH, HEADS, LAYERS, CONTEXT, BATCH = 24, 48, 4, 2, 16, 16
STEPS = 500
HERE = Path(__file__).parent


# The model and its text -----------------------------------------------------------------------------------------------

def source(torch, seed: int, sharpness: float):
    """Return the probabilities of the next token given two, as a (VOCAB, VOCAB, VOCAB) tensor, and their entropy in nats."""
    draw = torch.Generator().manual_seed(seed)
    one, two = (torch.randn(VOCAB, VOCAB, generator=draw) for _ in range(2))  # what each of the two tokens favours
    table = (sharpness * (one[None] + 0.7 * two[:, None])).softmax(-1)
    state = torch.full((VOCAB, VOCAB), 1 / VOCAB**2)
    for _ in range(50):  # how often each pair occurs
        state = torch.einsum("ab,abc->bc", state, table)
    return table, float((state * -(table * table.log()).sum(-1)).sum())


def batch(torch, table, draw, size: int = BATCH):
    """Return (size, CONTEXT + 1) tokens drawn from the source."""
    tokens = torch.randint(VOCAB, (size, 2), generator=draw)
    for _ in range(CONTEXT - 1):
        step = torch.multinomial(table[tokens[:, -2], tokens[:, -1]], 1, generator=draw)
        tokens = torch.cat([tokens, step], 1)
    return tokens


def build(torch, qk_norm: bool = False):
    """Return the tiny transformer, the same on every call."""
    from torch import nn
    torch.manual_seed(0)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x):
            q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.qkv(self.before(x)).chunk(3, -1))
            if qk_norm:
                q, k = (nn.functional.rms_norm(t, t.shape[-1:]) for t in (q, k))
            mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(mixed.transpose(1, 2).flatten(-2))
            return x + self.down(nn.functional.gelu(self.up(self.between(x))))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.places = nn.Embedding(VOCAB, WIDTH), nn.Embedding(CONTEXT, WIDTH)
            self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
            self.last, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCAB)

        def forward(self, tokens):
            x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
            return self.head(self.last(self.blocks(x)))

    return Model()


class Run:
    """One training run that can be changed while it goes on; `losses` has one value a step."""

    def __init__(self, torch, lr: float = 3e-3, qk_norm: bool = False, clip: float = 1.0, seed: int = 1):
        self.torch, self.lr, self.clip = torch, lr, clip
        self.model = build(torch, qk_norm)
        self.fresh_optimizer()
        self.table, self.entropy = source(torch, 7, 2.0)
        self.draw = torch.Generator().manual_seed(seed)
        self.losses: list[float] = []

    def fresh_optimizer(self) -> None:
        """Start AdamW anew, as a restart does that saved only the weights."""
        self.optimizer = self.torch.optim.AdamW(self.model.parameters(), lr=self.lr, betas=(0.9, 0.95), weight_decay=0.1)

    def step(self, scale: float = 1.0, tokens=None) -> float:
        """Take one step at lr x scale on these tokens, or on new ones; return the loss."""
        tokens = batch(self.torch, self.table, self.draw) if tokens is None else tokens
        loss = self.torch.nn.functional.cross_entropy(self.model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * scale
        self.optimizer.step()
        self.losses.append(loss.item())
        return self.losses[-1]

    def save(self) -> dict:
        """Return all that a restart needs: weights, optimizer, position in the data."""
        import copy
        return copy.deepcopy({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "draw": self.draw.get_state(),
                              "losses": self.losses})

    def load(self, saved: dict) -> None:
        """Go back to what save() returned."""
        import copy
        saved = copy.deepcopy(saved)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.draw.set_state(saved["draw"])
        self.losses = saved["losses"]


def schedule(step: int, steps: int = STEPS, warmup: int = 40) -> float:
    """Return the share of the peak learning rate: linear warm-up, cosine to a tenth."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


# The nine patterns ----------------------------------------------------------------------------------------------------

# --8<-- [start:patterns]
def patterns(torch) -> dict[str, list[float]]:
    """Train the nine runs; return their losses by name, one value a step."""
    curves = {}

    run = Run(torch)
    curves["healthy"] = [run.step(schedule(i)) for i in range(STEPS)]

    run = Run(torch)  # three batches of noise
    noise = [torch.randint(VOCAB, (BATCH, CONTEXT + 1), generator=torch.Generator().manual_seed(i)) for i in range(3)]
    curves["fast spike"] = [run.step(schedule(i), noise[i - 250] if 250 <= i < 253 else None) for i in range(STEPS)]

    run = Run(torch)  # a bad shard: more and more of each batch comes from another source
    other, _ = source(torch, 8, 2.0)
    strange = torch.Generator().manual_seed(2)
    for i in range(STEPS):
        tokens = batch(torch, run.table, run.draw)
        part = int(BATCH * max(0, 0.5 - abs(i - 250) / 120))
        if part:
            tokens[:part] = batch(torch, other, strange, part)
        run.step(schedule(i), tokens)
    curves["slow spike"] = run.losses

    run = Run(torch)  # the learning rate is a hundred times too high for ten steps
    curves["no recovery"] = [run.step(100 if 250 <= i < 260 else schedule(i)) for i in range(STEPS)]

    run = Run(torch, clip=1e9)  # the warm-up never ends, and nothing is clipped
    curves["divergence"] = [run.step((i / 40) ** 2) for i in range(STEPS)]

    run = Run(torch)  # the schedule believes that the run has 100 steps
    curves["plateau"] = [run.step(schedule(i, 100) if i < 100 else 0.0) for i in range(STEPS)]

    run = Run(torch)  # the same 100 batches in the same order, from easy to hard
    sources = [source(torch, 7, 3.0 - 2.0 * k / 99)[0] for k in range(100)]
    epoch = [batch(torch, table, run.draw) for table in sources]
    curves["sawtooth"] = [run.step(schedule(i), epoch[i % 100]) for i in range(STEPS)]

    run = Run(torch)  # at step 250 the weights come back; the optimizer and the place in the schedule do not
    for i in range(STEPS):
        if i == 250:
            run.fresh_optimizer()
        run.step(schedule(i) if i < 250 else schedule(i - 210))
    curves["resume step"] = run.losses

    curves["grokking train"], curves["grokking validation"] = grok(torch)
    return curves
# --8<-- [end:patterns]


def grok(torch, modulus: int = 23, steps: int = 2500) -> tuple[list[float], list[float]]:
    """Return training and validation loss of addition modulo a prime, every fifth step of a full-batch run."""
    from torch import nn
    torch.manual_seed(0)
    pairs = torch.cartesian_prod(torch.arange(modulus), torch.arange(modulus))
    sums = (pairs[:, 0] + pairs[:, 1]) % modulus
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0))
    seen, unseen = order[: len(order) // 2], order[len(order) // 2:]
    table = nn.Embedding(modulus, 64)
    head = nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, modulus))
    optimizer = torch.optim.AdamW([*table.parameters(), *head.parameters()], lr=3e-3, betas=(0.9, 0.98), weight_decay=2.0)

    def loss_of(rows):
        return nn.functional.cross_entropy(head(table(pairs[rows]).flatten(1)), sums[rows])

    train, validation = [], []
    for step in range(steps):
        loss = loss_of(seen)
        if step % 5 == 0:
            train.append(loss.item())
            with torch.no_grad():
                validation.append(loss_of(unseen).item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return train, validation
