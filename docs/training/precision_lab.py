#!/usr/bin/env python3
"""Train one tiny language model on a CPU in eight precisions and compare the losses.

    fp32           everything in FP32
    bf16-mixed     FP32 weights, BF16 matrix products (autocast)
    bf16-pure      BF16 weights and moments, updates rounded to nearest
    bf16-sr        the same, weights rounded stochastically
    fp16-unscaled  FP32 weights, FP16 matrix products, no loss scale
    fp16-scaled    the same with a dynamic loss scale (torch.amp.GradScaler)
    mxfp8          emulated: inputs, weights and gradients of linear layers in MXFP8 (E4M3, 32 a scale), products exact
    mxfp4          emulated: the same in MXFP4 (E2M1)

The text comes from a Markov chain over 64 tokens; AdamW, rate 0.003 falling to 1e-5 along a cosine. The loss is divided by
--ranks, as data parallelism divides gradients before it sums them: that is what pushes FP16 gradients towards zero (AdamW
without eps does not see the factor). A tiny model shows the mechanisms. It says nothing about where a 70B model breaks.

Needs PyTorch 2.6 or newer and Python 3.11. Exit status: 0 done, 1 a file cannot be written or a run was interrupted, 2 usage.

Examples:
  python precision_lab.py --recipes fp32,bf16-mixed,bf16-pure --steps 200
  python precision_lab.py --seeds 3 --json precision.json
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

VOCAB, HIDDEN, LAYERS, SEQ, BATCH, RATE = 64, 64, 2, 32, 16, 0.003
RECIPES = ("fp32", "bf16-mixed", "bf16-pure", "bf16-sr", "fp16-unscaled", "fp16-scaled", "mxfp8", "mxfp4")


# --8<-- [start:stochastic]
def stochastic_bf16(x, dice):
    """Return an FP32 tensor in BF16, rounded so that its mean stays."""
    import torch
    # Noise in the 16 bits that BF16 drops carries into those that it keeps.
    noise = torch.randint(1 << 16, x.shape, generator=dice, dtype=torch.int32)
    bits = (x.contiguous().view(torch.int32) + noise) & -65536
    return bits.view(torch.float32).bfloat16()
# --8<-- [end:stochastic]


# --8<-- [start:mx]
def mx(x, largest, mantissa, least):
    """Return x as an MX format gives it back: runs of 32 along the last dimension share a power of two, rounded up."""
    runs = x.unflatten(-1, (-1, 32))
    scale = (runs.abs().amax(-1, keepdim=True) / largest).clamp_min(2.0**-126).log2().ceil().exp2()
    y = runs / scale
    step = (y.abs().clamp_min(2.0**least).log2().floor() - mantissa).exp2()
    return ((y / step).round() * step * scale).flatten(-2)
# --8<-- [end:mx]


def mx_linear(largest, mantissa, least):
    """Return a linear function whose three matrix products see operands in an MX format, blocks along the summed dimension."""
    import torch

    class Linear(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return mx(x, largest, mantissa, least) @ mx(w, largest, mantissa, least).T

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            gx = mx(g, largest, mantissa, least) @ mx(w.T.contiguous(), largest, mantissa, least).T
            rows, cols = g.flatten(0, -2).T.contiguous(), x.flatten(0, -2).T.contiguous()
            return gx, mx(rows, largest, mantissa, least) @ mx(cols, largest, mantissa, least).T
    return Linear.apply


def build(seed: int, linear):
    """Return a decoder of two layers; linear is the function of its projections."""
    import torch
    from torch import nn
    from torch.nn.functional import gelu, scaled_dot_product_attention
    torch.manual_seed(seed)

    class Projection(nn.Linear):
        def forward(self, x):
            return linear(x, self.weight)

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.RMSNorm(HIDDEN), nn.RMSNorm(HIDDEN)
            self.qkv, self.out = Projection(HIDDEN, 3 * HIDDEN, bias=False), Projection(HIDDEN, HIDDEN, bias=False)
            self.up, self.down = Projection(HIDDEN, 4 * HIDDEN, bias=False), Projection(4 * HIDDEN, HIDDEN, bias=False)

        def forward(self, x):
            b, t, _ = x.shape
            q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, 4, -1).permute(2, 0, 3, 1, 4)
            x = x + self.out(scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, HIDDEN))
            return x + self.down(gelu(self.up(self.norm2(x))))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.place = nn.Embedding(VOCAB, HIDDEN), nn.Embedding(SEQ, HIDDEN)
            self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
            self.norm, self.head = nn.RMSNorm(HIDDEN), nn.Linear(HIDDEN, VOCAB, bias=False)

        def forward(self, ids):
            x = self.embed(ids) + self.place.weight[: ids.shape[1]]
            for layer in self.layers:
                x = layer(x)
            return self.head(self.norm(x))

    return Model()


def batches(seed: int, steps: int):
    """Yield batches of a Markov chain with four successors a token."""
    import torch
    random = torch.Generator().manual_seed(1234)
    successors = torch.stack([torch.randperm(VOCAB, generator=random)[:4] for _ in range(VOCAB)])
    chances = torch.tensor([0.7, 0.15, 0.1, 0.05])
    random = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        ids = torch.randint(VOCAB, (BATCH, 1), generator=random)
        for _ in range(SEQ):
            pick = torch.multinomial(chances, BATCH, replacement=True, generator=random)
            ids = torch.cat([ids, successors[ids[:, -1], pick][:, None]], 1)
        yield ids


def train(recipe: str, steps: int, seed: int, ranks: int) -> dict:
    """Train once; return losses, the share of gradients that were exactly zero at the last step, and the loss scale."""
    import torch
    from torch.nn.functional import cross_entropy, linear
    formats = {"mxfp8": (448.0, 3, -6), "mxfp4": (6.0, 1, 0)}
    model = build(seed, mx_linear(*formats[recipe]) if recipe in formats else linear)
    if recipe in ("bf16-pure", "bf16-sr"):
        model.bfloat16()
    half = torch.float16 if recipe.startswith("fp16") else torch.bfloat16
    mixed = recipe == "bf16-mixed" or recipe.startswith("fp16")
    scaler = torch.amp.GradScaler("cpu", enabled=recipe == "fp16-scaled")
    masters = [p.detach().float().requires_grad_() if recipe == "bf16-sr" else p for p in model.parameters()]
    optimizer = torch.optim.AdamW(masters, lr=RATE, betas=(0.9, 0.95), eps=1e-30, weight_decay=0.0)
    dice = torch.Generator().manual_seed(seed)
    losses = []
    for step, ids in enumerate(batches(seed, steps)):
        for group in optimizer.param_groups:
            group["lr"] = min(1, (step + 1) / 10) * (1e-5 + (RATE - 1e-5) * 0.5 * (1 + math.cos(math.pi * step / steps)))
        with torch.autocast("cpu", dtype=half, enabled=mixed):
            logits = model(ids[:, :-1])
        loss = cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())
        model.zero_grad(set_to_none=True)
        scaler.scale(loss / ranks).backward()
        if recipe == "bf16-sr":
            for master, p in zip(masters, model.parameters()):
                master.grad = p.grad.float()
            optimizer.step()
            with torch.no_grad():
                for master, p in zip(masters, model.parameters()):
                    p.copy_(stochastic_bf16(master, dice))
                    master.copy_(p)                          # nothing is kept beyond the BF16 weight
        else:
            scaler.step(optimizer)
            scaler.update()
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            break
    grads = torch.cat([p.grad.flatten() for layer in model.layers for p in layer.parameters()])
    return {"recipe": recipe, "seed": seed, "losses": losses, "zero": (grads == 0).float().mean().item(), "scale": scaler.get_scale()}


def final(run: dict) -> float:
    """Return the mean loss of the last tenth of the steps; infinity if the run broke off."""
    tail = run["losses"][-max(1, len(run["losses"]) // 10):]
    mean = sum(tail) / len(tail)
    return mean if math.isfinite(mean) else math.inf


def table(runs: list[dict]) -> str:
    """Return a line a recipe: median and range of the final loss, difference to FP32, gradients that became zero."""
    lines = [f"{'recipe':15}{'loss':>7}  {'range':15}{'to fp32':>8}  {'zero gradients':>14}  loss scale"]
    base = None
    for recipe in dict.fromkeys(run["recipe"] for run in runs):
        mine = [run for run in runs if run["recipe"] == recipe]
        ends = sorted(map(final, mine))
        loss = ends[len(ends) // 2]
        base = loss if recipe == "fp32" else base
        difference = f"{100 * (loss / base - 1):+.1f}%" if base else ""
        zero = sorted(run["zero"] for run in mine)[len(mine) // 2]
        scale = f"{mine[0]['scale']:g}" if recipe == "fp16-scaled" else ""
        lines.append(f"{recipe:15}{loss:7.3f}  {ends[0]:.3f} to {ends[-1]:.3f} {difference:>8}  {100 * zero:13.1f}%  {scale}".rstrip())
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = line.add_argument
    add("--recipes", default=",".join(RECIPES), metavar="A,B", help=f"of {', '.join(RECIPES)} (default: all)")
    add("--steps", type=int, default=400, metavar="N")
    add("--seeds", type=int, default=1, metavar="N")
    add("--ranks", type=int, default=4096, metavar="N", help="what the loss is divided by (default 4096)")
    add("--threads", type=int, default=1, metavar="N", help="CPU threads of torch (default 1)")
    add("--json", type=Path, metavar="FILE", help="write the runs")
    return line


def main(argv: list[str] | None = None) -> int:
    """Train, print the table, write the file."""
    line = parser()
    options = line.parse_args(argv)
    recipes = [name for name in options.recipes.split(",") if name]
    if unknown := [name for name in recipes if name not in RECIPES]:
        line.error(f"--recipes: no recipe called {unknown[0]}; there are {', '.join(RECIPES)}")
    if not recipes or min(options.steps, options.seeds, options.ranks, options.threads) < 1:
        line.error("give at least one recipe, step, seed, rank and thread")
    try:
        import torch
    except ImportError:
        print("precision_lab.py needs PyTorch 2.6 or newer: pip install torch", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    runs, status = [], 0
    try:
        for recipe in recipes:
            runs += [train(recipe, options.steps, seed, options.ranks) for seed in range(options.seeds)]
    except KeyboardInterrupt:
        print("interrupted; what is done:", file=sys.stderr)
        status = 1
    print(f"{options.steps} steps, PyTorch {torch.__version__}, CPU; last loss, {options.seeds} seed(s)")
    print(table(runs))
    if options.json:
        try:
            options.json.write_text(json.dumps({"runs": runs}) + "\n", "utf-8")
        except OSError as error:
            print(f"precision_lab.py: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
            return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
