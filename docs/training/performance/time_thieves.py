#!/usr/bin/env python3
"""Steals time from a tiny training loop in eight known ways, and shows which counter gives each thief away.

One baseline, then the same training with one thing wrong at a time. For each: the median milliseconds of a step and what
of it was spent waiting for data, the share of tokens that are real, operator calls in a step (each is a kernel to launch
on an accelerator), reads of a value by Python (each makes the host wait for the device), passes of the garbage collector,
and useful tokens a second beside the baseline's.

Counts are exact and the same everywhere. Times depend on the machine and on what else runs on it; on a CPU there is
nothing asynchronous, so syncs and launches cost less than they do on an accelerator: read the counts.

Needs PyTorch 2.4 or newer. Exit status: 0 done or interrupted with partial results, 1 a file cannot be written, 2 wrong usage.

Examples:
  python time_thieves.py
  python time_thieves.py --only baseline,padding,packing --steps 10 --json thieves.json
"""

from __future__ import annotations

import argparse
import gc
import json
import queue
import statistics
import sys
import threading
import time
from pathlib import Path

HIDDEN, VOCAB, SEQ, BATCH, LAYERS = 64, 256, 64, 8, 2
LOAD = 0.02  # seconds that the slow loader takes for a batch

# What each variant changes; "prefetch" and "packing" are the cures of the two before them.
VARIANTS = {"baseline": "fixed length, fused AdamW, loss read every 10 steps",
            "slow data": f"each batch takes {LOAD * 1000:.0f} ms to load, in the loop",
            "prefetch": "the same loader, in a thread, four batches ahead",
            "padding": "documents of 8 to 64 tokens, padded to 64",
            "packing": "the same documents laid end to end",
            "micro-batches": "eight micro-batches of one sequence instead of one of eight",
            "small kernels": "AdamW one tensor at a time (foreach and fused off)",
            "chatty log": "loss and the norm of each gradient read every step",
            "garbage": "200,000 live objects, a full collection every step",
            "recompute": "activation checkpointing that memory did not ask for"}


def documents(seed: int, n: int) -> list:
    """Return n documents of 8 to SEQ tokens."""
    import torch
    random = torch.Generator().manual_seed(seed)
    lengths = torch.randint(8, SEQ + 1, (n,), generator=random).tolist()
    return [torch.randint(1, VOCAB, (length,), generator=random) for length in lengths]


# --8<-- [start:packing]
def padded(texts: list, length: int):
    """Return one row a document, filled with zeros, and how many tokens are real."""
    import torch
    rows = torch.stack([torch.nn.functional.pad(text, (0, length - len(text))) for text in texts])
    return rows, sum(map(len, texts))


def packed(texts: list, length: int):
    """Return documents laid end to end and cut into rows; the rest that fills no row is left for the next batch."""
    import torch
    stream = torch.cat(texts)
    rows = stream[: len(stream) // length * length].view(-1, length)
    return rows, rows.numel()
# --8<-- [end:packing]


def batches(variant: str, steps: int):
    """Yield (token rows, real tokens) for one variant; all rows have SEQ tokens."""
    import torch
    random = torch.Generator().manual_seed(0)
    texts = documents(1, BATCH * (steps + 2) * 3)
    at = 0
    for _ in range(steps):
        if variant in ("slow data", "prefetch"):
            time.sleep(LOAD)
        if variant == "padding":
            yield padded(texts[at:at + BATCH], SEQ)
            at += BATCH
        elif variant == "packing":
            some: list = []
            while sum(map(len, some)) < BATCH * SEQ:
                some.append(texts[at])
                at += 1
            rows, _ = packed(some, SEQ)
            yield rows[:BATCH], BATCH * SEQ
        else:
            yield torch.randint(1, VOCAB, (BATCH, SEQ), generator=random), BATCH * SEQ


# --8<-- [start:prefetch]
def prefetched(source, depth: int = 4):
    """Yield what a source yields, fetched by a thread up to `depth` ahead."""
    ready: queue.Queue = queue.Queue(depth)
    done = object()

    def fetch():
        try:
            for one in source:
                ready.put(one)
        finally:
            ready.put(done)  # also after an error, so that the loop ends instead of waiting for ever

    threading.Thread(target=fetch, daemon=True).start()
    while (one := ready.get()) is not done:
        yield one
# --8<-- [end:prefetch]


def build():
    """Return a small causal decoder."""
    import torch
    from torch import nn
    from torch.nn.functional import gelu, scaled_dot_product_attention

    torch.manual_seed(0)

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.qkv, self.out = nn.LayerNorm(HIDDEN), nn.Linear(HIDDEN, 3 * HIDDEN), nn.Linear(HIDDEN, HIDDEN)
            self.up, self.down = nn.Linear(HIDDEN, 4 * HIDDEN), nn.Linear(4 * HIDDEN, HIDDEN)

        def forward(self, x):
            b, s, _ = x.shape
            q, k, v = self.qkv(self.norm(x)).view(b, s, 3, 4, -1).permute(2, 0, 3, 1, 4)
            x = x + self.out(scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, s, -1))
            return x + self.down(gelu(self.up(x)))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(VOCAB, HIDDEN), nn.Linear(HIDDEN, VOCAB)
            self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

        def forward(self, ids, recompute: bool):
            from torch.utils.checkpoint import checkpoint
            x = self.embed(ids)
            for layer in self.layers:
                x = checkpoint(layer, x, use_reentrant=False) if recompute else layer(x)
            return self.head(x)

    return Model()


def call_counter():
    """Return a dispatch mode that counts operator calls, and reads of a value by Python."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Calls(TorchDispatchMode):
        def __init__(self):
            super().__init__()
            self.calls = self.reads = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            self.calls += 1
            self.reads += function._schema.name == "aten::_local_scalar_dense"
            return function(*args, **(kwargs or {}))

    return Calls()


def one_step(model, optimizer, rows, variant: str, step: int) -> None:
    """Train on one batch, with what the variant does wrong."""
    from torch.nn.functional import cross_entropy

    pieces = rows.split(1) if variant == "micro-batches" else [rows]
    for piece in pieces:
        logits = model(piece, variant == "recompute")
        loss = cross_entropy(logits[:, :-1].flatten(0, 1), piece[:, 1:].flatten(), ignore_index=0) / len(pieces)
        loss.backward()
    optimizer.step()
    if variant == "chatty log":
        _ = [parameter.grad.norm().item() for parameter in model.parameters()]
    if variant == "chatty log" or step % 10 == 0:
        loss.item()
    optimizer.zero_grad(set_to_none=True)
    if variant == "garbage":
        gc.collect()


def measure(variant: str, steps: int, warmup: int = 3) -> dict:
    """Return times, counts and useful tokens of one variant; medians over the steps after the warm-up."""
    import torch

    model = build()
    slow = {"foreach": False, "fused": False} if variant == "small kernels" else {"fused": True}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, **slow)
    ballast = [[i] for i in range(200_000)] if variant == "garbage" else []
    source = batches(variant, steps + warmup + 1)
    source = prefetched(source) if variant == "prefetch" else source
    waits, walls, real, total, passes = [], [], 0, 0, 0
    for step in range(-warmup, steps):
        before, collected = time.perf_counter(), sum(one["collections"] for one in gc.get_stats())
        rows, useful = next(source)
        got = time.perf_counter()
        one_step(model, optimizer, rows, variant, step)
        after = time.perf_counter()
        if step >= 0:
            waits.append(got - before)
            walls.append(after - before)
            real, total = real + useful, total + rows.numel()
            passes += sum(one["collections"] for one in gc.get_stats()) - collected
    rows, _ = next(source)
    with call_counter() as counter:      # counted apart, because counting costs time
        one_step(model, optimizer, rows, variant, 1)
    del ballast
    wall = statistics.median(walls)
    return {"variant": variant, "what": VARIANTS[variant], "ms": wall * 1e3, "data_ms": statistics.median(waits) * 1e3, "real": real / total,
            "calls": counter.calls, "reads": counter.reads, "gc": passes / steps, "useful_per_s": real / steps / wall}


def table(rows: list[dict]) -> str:
    """Return the table for people; rates relative to the first row."""
    lines = [f"{'':15}{'ms/step':>8}{'data ms':>9}{'real tokens':>12}{'calls':>7}{'reads':>7}{'GC/step':>8}{'useful tok/s':>13}"]
    lines += [f"{row['variant']:15}{row['ms']:8.1f}{row['data_ms']:9.1f}{row['real']:12.0%}{row['calls']:7}{row['reads']:7}{row['gc']:8.1f}"
              f"{row['useful_per_s'] / rows[0]['useful_per_s']:12.2f}x" for row in rows]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure the variants, print the table, write the file."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--only", default=",".join(VARIANTS), metavar="A,B", help=f"of {', '.join(VARIANTS)} (default: all)")
    line.add_argument("--steps", type=int, default=30, metavar="N")
    line.add_argument("--json", type=Path, metavar="FILE", help="write the result")
    options = line.parse_args(argv)
    names = [name.strip() for name in options.only.split(",") if name.strip()]
    if unknown := [name for name in names if name not in VARIANTS]:
        line.error(f"--only: nothing called {unknown[0]}; there are {', '.join(VARIANTS)}")
    if not names or options.steps < 1:
        line.error("give at least one variant and one step")
    try:
        import torch
    except ImportError:
        print("time_thieves.py needs PyTorch: pip install torch", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    enabled = gc.isenabled()
    gc.disable()  # so that the collector runs where a variant runs it and nowhere else
    rows: list[dict] = []
    try:
        for name in names:
            rows.append(measure(name, options.steps))
            gc.collect()
    except KeyboardInterrupt:
        print("interrupted; what is done:", file=sys.stderr)
    finally:
        if enabled:
            gc.enable()
    if rows:
        print(table(rows))
    try:
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1), "utf-8")
    except OSError as error:
        print(f"time_thieves.py: cannot write {options.json}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
