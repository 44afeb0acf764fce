#!/usr/bin/env python3
"""Trains one tiny language model with twelve update rules on a CPU: loss, and the bytes of state each rule keeps.

Each rule is a function of gradient, state and step that returns the direction to move in, written from its paper; AdamW
and Muon are tested against torch.optim, Adafactor is torch.optim's own. The rule moves the matrices of the layers, in
FP32; embedding, head and norms are left to AdamW with its own rate, the same for all. For a matrix of m x n with m <= n,
rank r, blocks D and states of e bytes (here 4), the state in bytes a parameter is

    sgd 4    lion 4    muon 4    adamw 8    adamw-8bit 1 + 1 + 8/256    adafactor 4 (m + n)/mn    adam-mini 4 + 4/(length of a row)
    galore e (m r + 2 n r)/mn    apollo 2 e n r/mn, apollo-mini with r = 1    badam 8/D (4/D more for a master copy in BF16 training)

The text is drawn from a Markov chain over 64 tokens, and the second half of each sequence repeats the first. The rates
are the best of a sweep (--sweep) at 200 steps, with a linear warm-up over 10 steps and a cosine to a tenth. A tiny model
shows that a rule is right and what it keeps; it does not rank rules for your model.

Needs PyTorch 2.9 or newer (torch.optim.Muon); Python 3.11. Exit status: 0 done, 1 a loss is not finite or a state differs
from its formula, or a file cannot be written, 2 wrong usage.

Examples:
  python optimizers_lab.py --rules adamw,muon,apollo-mini --steps 60
  python optimizers_lab.py --seeds 3 --json lab.json --svg curves.svg
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

VOCAB, HIDDEN, HEADS, FFN, LAYERS, SEQ, BATCH = 64, 64, 4, 128, 4, 32, 16
RANK, GAP, BLOCK, SWITCH = 16, 50, 256, 10   # GaLore and APOLLO; steps between projections; 8-bit block; BAdam's steps a block


# --8<-- [start:adamw]
def adamw(g, s, t, b1=0.9, b2=0.95, eps=1e-8):
    """Return AdamW's direction; s keeps m and v."""
    m, v = zeros(s, "m", g), zeros(s, "v", g)
    m.lerp_(g, 1 - b1)
    v.lerp_(g * g, 1 - b2)
    return m / (1 - b1**t) / ((v / (1 - b2**t)).sqrt() + eps)
# --8<-- [end:adamw]


# --8<-- [start:eight_bit]
def adamw_8bit(g, s, t):
    """Return AdamW's direction from moments that are stored in 8 bits, each block of 256 values with its own maximum."""
    import torch
    full = {name: decode(s[name], s[name + "_max"], power).view_as(g) if name in s else torch.zeros_like(g)
            for name, power in (("m", 3), ("v", 5))}
    direction = adamw(g, full, t)
    for name, power in (("m", 3), ("v", 5)):
        s[name], s[name + "_max"] = encode(full[name], power)
    return direction


def encode(x, power):
    """Return int8 codes and a maximum a block; steps are fine near zero: x = max * (code / 127) ** power."""
    blocks = x.reshape(-1, BLOCK)
    top = blocks.abs().amax(1, keepdim=True).clamp_min(1e-30)
    code = (blocks / top).abs().pow(1 / power) * blocks.sign() * 127
    if power == 5:  # v stands under a root in the denominator: zero would blow the step up
        code = code.clamp_min(1)
    return code.round().char(), top


def decode(code, top, power):
    """Return the values that the codes stand for."""
    part = code.float() / 127
    return part.abs().pow(power) * part.sign() * top
# --8<-- [end:eight_bit]


# --8<-- [start:signs]
def sgd(g, s, t, momentum=0.9):
    """Return the running sum of gradients."""
    return zeros(s, "m", g).mul_(momentum).add_(g).clone()


def lion(g, s, t, b1=0.9, b2=0.99):
    """Return the sign of a mix of momentum and gradient: every entry moves by the rate."""
    m = zeros(s, "m", g)
    direction = (b1 * m + (1 - b1) * g).sign()
    m.lerp_(g, 1 - b2)
    return direction


def adam_mini(g, s, t, b1=0.9, b2=0.95, eps=1e-8):
    """Return AdamW's direction with one second moment a row, which is one output neuron."""
    m, v = zeros(s, "m", g), zeros(s, "v", g[:, :1])
    m.lerp_(g, 1 - b1)
    v.lerp_((g * g).mean(1, keepdim=True), 1 - b2)
    return m / (1 - b1**t) / ((v / (1 - b2**t)).sqrt() + eps)
# --8<-- [end:signs]


# --8<-- [start:muon]
def muon(g, s, t, momentum=0.95, coefficients=(3.4445, -4.7750, 2.0315), steps=5):
    """Return the orthogonalised momentum, longer by the root of the aspect ratio for tall matrices."""
    m = zeros(s, "m", g)
    m.lerp_(g, 1 - momentum)
    x = g.lerp(m, momentum).bfloat16()                     # Nesterov
    if tall := x.shape[0] > x.shape[1]:
        x = x.T
    x = x / x.norm().clamp_min(1e-7)                       # all singular values are now at most 1
    a, b, c = coefficients
    for _ in range(steps):                                 # sigma -> a sigma + b sigma^3 + c sigma^5
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(g.dtype) * max(1, g.shape[0] / g.shape[1]) ** 0.5
# --8<-- [end:muon]


# --8<-- [start:galore]
def galore(g, s, t, rank=RANK, gap=GAP, scale=0.25):
    """Return Adam's direction in the space of the r leading singular vectors of a recent gradient, projected back."""
    import torch
    if g.shape[0] > g.shape[1]:
        return galore(g.T, s, t, rank, gap, scale).T
    if (t - 1) % gap == 0:
        s["P"] = torch.linalg.svd(g, full_matrices=False)[0][:, :rank].contiguous()   # m x r
    return scale * s["P"] @ adamw(s["P"].T @ g, s, t)                                 # states are r x n
# --8<-- [end:galore]


# --8<-- [start:apollo]
def apollo(g, s, t, rank=RANK, gap=GAP, scale=1.0):
    """Return the raw gradient, each column scaled as Adam would scale it in a random space of r rows."""
    import torch
    if g.shape[0] > g.shape[1]:
        return apollo(g.T, s, t, rank, gap, scale).T
    random = torch.Generator().manual_seed((t - 1) // gap)        # drawn again each step instead of being stored
    low = torch.randn(rank, g.shape[0], generator=random) / rank**0.5 @ g             # r x n
    adapted = adamw(low, s, t)
    per = 0 if rank > 1 else None                                 # APOLLO-Mini: one factor for the whole matrix
    factor = adapted.norm(dim=per) / (low.norm(dim=per) + 1e-8)
    return limited(scale**0.5 * factor * g, s)


def limited(u, s, growth=1.01):
    """Return the update, its norm kept from growing by more than 1% a step."""
    norm = u.norm().item()
    kept = min(norm, growth * s.get("norm", norm))
    s["norm"] = kept
    return u * (kept / max(norm, 1e-30))


def apollo_mini(g, s, t):
    """Return APOLLO's direction at rank 1."""
    return apollo(g, s, t, rank=1, scale=128.0)
# --8<-- [end:apollo]


# Each rule with its rate, the best of --sweep. BAdam is AdamW on one layer at a time, see train().
RULES = {"sgd": (sgd, 3.0), "adamw": (adamw, 0.009), "adamw-8bit": (adamw_8bit, 0.009), "lion": (lion, 0.01),
         "adafactor": (None, 0.09), "adam-mini": (adam_mini, 0.009), "muon": (muon, 0.1), "galore": (galore, 0.1),
         "apollo": (apollo, 0.1), "apollo-mini": (apollo_mini, 0.03), "badam": (adamw, 0.03), "frozen": (None, 0.0)}
GRID = (0.1, 0.3, 1.0, 3.0, 10.0)


def zeros(s, name, like):
    """Return the state of this name, made as zeros the first time."""
    import torch
    if name not in s:
        s[name] = torch.zeros_like(like)
    return s[name]


def formula(rule: str, m: int, n: int) -> float:
    """Return the state in bytes a parameter for a matrix of m rows and n columns, states in FP32."""
    small, large = min(m, n), max(m, n)
    return {"sgd": 4, "lion": 4, "muon": 4, "adamw": 8, "adamw-8bit": 2 + 8 / BLOCK, "adafactor": 4 * (m + n) / (m * n),
            "adam-mini": 4 + 4 / n, "galore": 4 * (small + 2 * large) * RANK / (m * n), "apollo": 8 * large * RANK / (m * n),
            "apollo-mini": 8 * large / (m * n), "badam": 8 / LAYERS, "frozen": 0}[rule]


def build(seed: int):
    """Return the model: a decoder of four layers with tied nothing, so that every part has its own matrix."""
    import torch
    from torch import nn
    from torch.nn.functional import gelu, scaled_dot_product_attention

    torch.manual_seed(seed)

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.RMSNorm(HIDDEN), nn.RMSNorm(HIDDEN)
            self.q, self.k, self.v, self.o = (nn.Linear(HIDDEN, HIDDEN, bias=False) for _ in range(4))
            self.up, self.down = nn.Linear(HIDDEN, FFN, bias=False), nn.Linear(FFN, HIDDEN, bias=False)

        def forward(self, x):
            b, t, _ = x.shape
            q, k, v = (f(self.norm1(x)).view(b, t, HEADS, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
            x = x + self.o(scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, HIDDEN))
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
    """Yield token batches: a Markov chain with four successors a token, then the same half again."""
    import torch
    random = torch.Generator().manual_seed(1234)
    successors = torch.stack([torch.randperm(VOCAB, generator=random)[:4] for _ in range(VOCAB)])
    chances = torch.tensor([0.7, 0.15, 0.1, 0.05])
    random = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        ids = torch.randint(VOCAB, (BATCH, 1), generator=random)
        for _ in range(SEQ // 2):
            pick = torch.multinomial(chances, BATCH, replacement=True, generator=random)
            ids = torch.cat([ids, successors[ids[:, -1], pick][:, None]], 1)
        half = ids[:, 1:]
        yield torch.cat([half, half], 1)


def train(rule: str, rate: float, steps: int, seed: int) -> dict:
    """Train once; return the losses and the bytes of state a parameter of the layers' matrices, measured and by formula."""
    import torch
    from torch.nn.functional import cross_entropy

    model = build(seed)
    matrices = [(i, p) for i, layer in enumerate(model.layers) for p in layer.parameters() if p.ndim == 2]
    mine = {id(p) for _, p in matrices}
    rest = torch.optim.AdamW([p for p in model.parameters() if id(p) not in mine], lr=0.003, betas=(0.9, 0.95), weight_decay=0.0)
    direction, states = RULES[rule][0], {id(p): {} for _, p in matrices}
    theirs = torch.optim.Adafactor([p for _, p in matrices], lr=rate, weight_decay=0.0) if rule == "adafactor" else None
    losses, counts = [], {id(p): 0 for _, p in matrices}
    for step, ids in enumerate(batches(seed, steps)):
        active = step // SWITCH % LAYERS if rule == "badam" else None
        if rule == "badam":
            for i, p in matrices:
                p.requires_grad_(i == active)
        shape = min(1, (step + 1) / 10) * (0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))
        loss = cross_entropy(model(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        model.zero_grad(set_to_none=True)
        loss.backward()
        for group in rest.param_groups:
            group["lr"] = 0.003 * shape
        rest.step()
        if theirs:
            theirs.param_groups[0]["lr"] = rate * shape
            theirs.step()
        with torch.no_grad():
            for i, p in matrices:
                s = states[id(p)]
                if rule == "badam" and step % SWITCH == 0:   # a new block begins with fresh moments, the old ones are freed
                    s.clear()
                    counts[id(p)] = 0
                if direction is None or p.grad is None:
                    continue
                counts[id(p)] += 1
                p -= rate * shape * direction(p.grad, s, counts[id(p)])
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            break
    kept = states.values() if theirs is None else theirs.state.values()
    state = sum(v.numel() * v.element_size() for s in kept for v in s.values() if torch.is_tensor(v) and v.ndim)
    numbers = sum(p.numel() for _, p in matrices)
    expected = sum(formula(rule, *p.shape) * p.numel() for _, p in matrices) / numbers
    return {"rule": rule, "rate": rate, "seed": seed, "losses": losses, "state": state / numbers, "formula": expected}


def final(run: dict) -> float:
    """Return the mean loss of the last tenth of the steps; infinity if the run broke off."""
    tail = run["losses"][-max(1, len(run["losses"]) // 10):]
    mean = sum(tail) / len(tail)
    return mean if math.isfinite(mean) else math.inf


def summary(runs: list[dict]) -> list[dict]:
    """Return a row a rule: the median and the range of the final loss over seeds, and the state."""
    rows = []
    for rule in dict.fromkeys(run["rule"] for run in runs):
        mine = [run for run in runs if run["rule"] == rule]
        ends = sorted(final(run) for run in mine)
        rows.append({"rule": rule, "rate": mine[0]["rate"], "state": mine[0]["state"], "formula": mine[0]["formula"],
                     "loss": ends[len(ends) // 2], "low": ends[0], "high": ends[-1]})
    return rows


def table(rows: list[dict]) -> str:
    """Return the table for people."""
    lines = [f"{'rule':12}{'rate':>8}{'state, B':>10}{'formula':>9}{'loss':>8}   range over seeds"]
    lines += [f"{row['rule']:12}{row['rate']:8.3g}{row['state']:10.3f}{row['formula']:9.3f}{row['loss']:8.3f}   {row['low']:.3f} to {row['high']:.3f}"
              for row in rows]
    return "\n".join(lines)


# The curves that the chapter shows; colour and dash, so that they can be told apart in grey.
SHOWN = {"sgd": ("--fig-c6,#56b4e9", "2 3"), "adamw": ("--fig-c1,#0072b2", ""), "adafactor": ("--fig-c2,#e69f00", "8 3"),
         "galore": ("--fig-c3,#009e73", "8 3 2 3"), "muon": ("--fig-c4,#d55e00", ""), "badam": ("--fig-c5,#cc79a7", "4 3"),
         "frozen": ("--fig-muted,#59636e", "1 4")}
NAMES = {"sgd": "SGD", "adamw": "AdamW", "adafactor": "Adafactor", "galore": "GaLore", "muon": "Muon", "badam": "BAdam", "frozen": ("frozen layers", "各层冻结")}


def curves(runs: list[dict]) -> str:
    """Return an SVG in both languages: the loss of the first seed of each shown rule, averaged over ten steps."""
    lines = {}
    for run in runs:
        if run["rule"] in SHOWN and run["rule"] not in lines:
            loss = run["losses"]
            lines[run["rule"]] = [sum(loss[max(0, i - 9):i + 1]) / (i + 1 - max(0, i - 9)) for i in range(len(loss))]
    steps = max(len(line) for line in lines.values())
    low, high = 0.0, math.ceil(max(map(max, lines.values())) * 2) / 2

    def x(step):
        return 60 + 500 * step / steps

    def y(loss):
        return 330 - 290 * (loss - low) / (high - low)

    def both(at, en, zh, more='class="t"'):
        return f'<switch><text {at} {more} systemLanguage="zh">{zh}</text><text {at} {more}>{en}</text></switch>'

    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 385">',
           '<title lang="en">Loss of one tiny model under seven update rules</title>', '<title lang="zh">同一个小模型在七种更新规则下的 loss</title>',
           '<desc lang="en">Training loss over steps, averaged over ten steps; written by optimizers_lab.py.</desc>',
           '<desc lang="zh">训练 loss 随步数的变化，十步平均；由 optimizers_lab.py 生成。</desc>',
           "<style>.t{font-family:var(--fig-font,sans-serif);font-size:13px;fill:var(--fig-ink,#1f2328)}"
           ".a{font-family:var(--fig-font,sans-serif);font-size:12px;fill:var(--fig-muted,#59636e)}.g{stroke:var(--fig-grid,#d8dee4)}"
           ".l{fill:none;stroke-width:2}</style>"]
    value = low
    while value <= high + 1e-9:
        out += [f'<path class="g" d="M60 {y(value):.1f}H560"/>', f'<text class="a" x="52" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>']
        value += 0.5
    for step in range(0, steps + 1, max(1, steps // 4)):
        out.append(f'<text class="a" x="{x(step):.1f}" y="350" text-anchor="middle">{step}</text>')
    out += [both('x="310" y="375" text-anchor="middle"', "step", "步"), both('x="60" y="22"', "loss (nats per token)", "loss（nat/token）")]
    ends = sorted(lines, key=lambda rule: y(lines[rule][-1]))
    label = 0.0
    for rule in ends:
        colour, dash = SHOWN[rule]
        points = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(lines[rule]) if i % 2 == 0 or i == len(lines[rule]) - 1)
        label = max(label + 17, y(lines[rule][-1]))
        en, zh = NAMES[rule] if isinstance(NAMES[rule], tuple) else (NAMES[rule],) * 2
        out += [f'<polyline class="l" style="stroke:var({colour})" stroke-dasharray="{dash or "none"}" points="{points}"/>',
                f'<path style="stroke:var({colour})" stroke-width="1" d="M{x(len(lines[rule])):.1f} {y(lines[rule][-1]):.1f}L572 {label:.1f}"/>',
                f'<path class="l" style="stroke:var({colour})" stroke-dasharray="{dash or "none"}" d="M572 {label:.1f}H596"/>',
                both(f'x="606" y="{label + 4:.1f}"', en, zh)]
    return "\n".join([*out, "</svg>", ""])


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = line.add_argument
    add("--rules", default=",".join(RULES), metavar="A,B", help=f"of {', '.join(RULES)} (default: all)")
    add("--steps", type=int, default=200, metavar="N")
    add("--seeds", type=int, default=1, metavar="N")
    add("--sweep", action="store_true", help="try each rate times 0.1, 0.3, 1, 3 and 10 and keep the best")
    add("--threads", type=int, default=1, metavar="N", help="CPU threads of torch (default 1, so that sums keep their order)")
    add("--load", type=Path, metavar="FILE", help="read runs from --json's file instead of training")
    add("--json", type=Path, metavar="FILE", help="write the runs")
    add("--svg", type=Path, metavar="FILE", help="write the curves")
    return line


def main(argv: list[str] | None = None) -> int:
    """Train, print the table, write the files."""
    line = parser()
    options = line.parse_args(argv)
    rules = [name for name in options.rules.split(",") if name]
    if unknown := [name for name in rules if name not in RULES]:
        line.error(f"--rules: no rule called {unknown[0]}; there are {', '.join(RULES)}")
    if not rules or min(options.steps, options.seeds, options.threads) < 1:
        line.error("give at least one rule, step, seed and thread")
    runs: list[dict] = []
    if options.load:
        try:
            runs = json.loads(options.load.read_text("utf-8"))["runs"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            line.error(f"cannot read runs from {options.load}: {getattr(error, 'strerror', None) or error}")
    else:
        try:
            import torch
            torch.optim.Muon  # noqa: B018
        except (ImportError, AttributeError):
            print("optimizers_lab.py needs PyTorch 2.9 or newer: pip install torch", file=sys.stderr)
            return 2
        torch.set_num_threads(options.threads)
        try:
            for rule in rules:
                rate = RULES[rule][1]
                if options.sweep:
                    tries = [train(rule, rate * factor, options.steps, 0) for factor in GRID]
                    rate = min(tries, key=final)["rate"]
                    print(f"{rule}: " + ", ".join(f"{one['rate']:.3g} {final(one):.3f}" for one in tries), flush=True)
                runs += [train(rule, rate, options.steps, seed) for seed in range(options.seeds)]
        except KeyboardInterrupt:
            print("interrupted; what is done:", file=sys.stderr)
    rows = summary(runs)
    print(table(rows))
    try:
        if options.json:
            compact = [{**run, "losses": [round(one, 3) for one in run["losses"]]} for run in runs]
            options.json.write_text('{"rows": ' + json.dumps(rows) + ',\n "runs": [\n' + ",\n".join(map(json.dumps, compact)) + "\n]}\n", "utf-8")
        if options.svg and runs:
            options.svg.write_text(curves(runs), "utf-8")
    except OSError as error:
        print(f"optimizers_lab.py: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    wrong = [row["rule"] for row in rows if not math.isfinite(row["loss"]) or not math.isclose(row["state"], row["formula"], rel_tol=1e-6, abs_tol=1e-9)]
    if wrong and not options.load:
        print(f"a loss is not finite, or the state is not what its formula says: {', '.join(wrong)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
