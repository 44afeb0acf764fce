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

    run = Run(torch)  # a restart at step 250 misses one block in the checkpoint and keeps its first values
    for i in range(STEPS):
        if i == 250:
            saved = run.save()
            saved["model"].update({k: v for k, v in build(torch).state_dict().items() if k.startswith("blocks.0.")})
            run.load(saved)
        run.step(schedule(i))
    curves["resume step"] = run.losses

    curves["grokking train"], curves["grokking validation"] = grok(torch)
    return curves
# --8<-- [end:patterns]


def grok(torch, modulus: int = 29, steps: int = 1500) -> tuple[list[float], list[float]]:
    """Return training and validation loss of addition modulo a prime, every fifth step of a full-batch run."""
    from torch import nn
    torch.manual_seed(0)
    pairs = torch.cartesian_prod(torch.arange(modulus), torch.arange(modulus))
    sums = (pairs[:, 0] + pairs[:, 1]) % modulus
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0))
    seen, unseen = order[: len(order) * 3 // 5], order[len(order) * 3 // 5:]
    table = nn.Embedding(modulus, 64)
    head = nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, modulus))
    optimizer = torch.optim.AdamW([*table.parameters(), *head.parameters()], lr=1e-2, betas=(0.9, 0.98), weight_decay=1.0)

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


# Ways out of a divergence ---------------------------------------------------------------------------------------------

# --8<-- [start:rescue]
def rescue(torch, steps: int = 160, seen_at: int = 360) -> list[tuple[str, float, float]]:
    """Let a run diverge, then return (what was done, loss right after, loss at the end) for five ways to go on from step `seen_at`."""
    def heat(i: int) -> float:  # the run of the panel "divergence": the warm-up never ends, and nothing is clipped
        return (i / 40) ** 2

    def half(i: int) -> float:
        return heat(i) / 2

    def cool(i: int) -> float:
        return 0.5

    run = Run(torch, clip=1e9)
    checkpoints = {}
    for i in range(seen_at):
        if i in (120, 300):
            checkpoints[i] = run.save()
        run.step(heat(i))
    broken = run.save()

    def go_on(name: str, state: dict, scale, skip: int = 0) -> tuple[str, float, float]:
        run.load(state)
        for _ in range(skip):
            batch(torch, run.table, run.draw)
        begin = len(run.losses)
        for i in range(begin, begin + steps):
            run.step(scale(i))
        after = run.losses[begin:]
        return name, sum(after[:20]) / 20, sum(after[-20:]) / 20

    return [
        go_on("wait", broken, heat),
        go_on("half the rate, go on", broken, half),
        go_on("back to 300, skip its data", checkpoints[300], heat, skip=100),
        go_on("back to 300, low rate", checkpoints[300], cool),
        go_on("back to 120, low rate", checkpoints[120], cool),
    ]
# --8<-- [end:rescue]


# The figure -----------------------------------------------------------------------------------------------------------

PANELS = [
    ("healthy", "Healthy", "健康"), ("fast spike", "Fast spike", "快尖峰"), ("slow spike", "Slow spike", "慢尖峰"),
    ("no recovery", "No recovery", "不恢复"), ("divergence", "Divergence", "发散"), ("plateau", "Plateau", "平台"),
    ("sawtooth", "Sawtooth", "锯齿"), ("resume step", "Step at resume", "续训台阶"), ("grokking validation", "Grokking", "顿悟"),
]
STYLE = (".t{font-family:var(--fig-font,sans-serif);font-size:14px;font-weight:600;fill:var(--fig-ink,#1f2328)}.s{font-family:var(--fig-font,sans-serif);font-size:12px;"
         "fill:var(--fig-muted,#59636e)}.a{stroke:var(--fig-line,#8c959f);stroke-width:1;fill:none}"
         ".f{stroke:var(--fig-c3,#009e73);stroke-width:1.2;stroke-dasharray:2 3;fill:none}"
         ".c{stroke:var(--fig-c1,#0072b2);stroke-width:1.6;fill:none;stroke-linejoin:round}"
         ".d{stroke:var(--fig-c4,#d55e00);stroke-width:1.6;stroke-dasharray:5 3;fill:none;stroke-linejoin:round}"
         ".m{stroke:var(--fig-muted,#59636e);stroke-width:1;stroke-dasharray:1 3}")


def thin(values: list[float], size: int = 5) -> list[tuple[float, float]]:
    """Return (position from 0 to 1, value): the median of every `size`, and the highest where it stands out."""
    points = []
    for start in range(0, len(values), size):
        part = values[start:start + size]
        middle, top = sorted(part)[len(part) // 2], max(part)
        points.append(((start + len(part) / 2) / len(values), middle))
        if top > middle + 0.8:
            points.append(((start + part.index(top) + 0.5) / len(values), top))
    return sorted(points)


def draw(curves: dict[str, list[float]], entropy: float) -> str:
    """Return the figure of nine panels as SVG, both languages in one."""
    def both(x: float, y: float, kind: str, english: str, chinese: str, anchor: str = "start") -> str:
        at = f'class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}"'
        return f'<switch><text {at} systemLanguage="zh">{chinese}</text><text {at}>{english}</text></switch>'

    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 528">',
           '<title lang="en">Nine loss curves of tiny training runs</title><title lang="zh">九种损失曲线，均来自极小的训练</title>',
           '<desc lang="en">Loss against step: healthy, fast spike, slow spike, no recovery, divergence, plateau, sawtooth, step at resume, grokking.</desc>',
           '<desc lang="zh">损失随步数变化：健康、快尖峰、慢尖峰、不恢复、发散、平台、锯齿、续训台阶、顿悟。</desc>', f"<style>{STYLE}</style>"]
    for k, (name, english, chinese) in enumerate(PANELS):
        x, y, width, height = 30 + 234 * (k % 3), 30 + 164 * (k // 3), 204, 116
        low, high = (0.0, 9.5) if name.startswith("grokking") else (1.4, 3.8)
        if name in ("fast spike", "no recovery"):
            high = 4.8

        def path(values: list[float], x=x, y=y, low=low, high=high) -> str:
            return "M" + "L".join(f"{x + p * width:.1f} {y + height - (min(v, high) - low) / (high - low) * height:.1f}" for p, v in thin(values))

        out.append(both(x, y - 8, "t", english, chinese))
        out.append(f'<path class="a" d="M{x} {y}v{height}h{width}"/>')
        for value in (2, 3, 4) if high < 9 else (0, 4, 8):
            if value <= high:
                level = y + height - (value - low) / (high - low) * height
                out.append(f'<path class="a" d="M{x - 4} {level:.1f}h4"/><text class="s" x="{x - 7}" y="{level + 4:.1f}" text-anchor="end">{value}</text>')
        if name.startswith("grokking"):
            out.append(f'<path class="c" d="{path(curves["grokking train"])}"/><path class="d" d="{path(curves[name])}"/>')
            out.append(both(x + width, y + 16, "s", "validation", "验证", "end") + both(x + width, y + height - 8, "s", "training", "训练", "end"))
        else:
            level = y + height - (entropy - low) / (high - low) * height
            if name != "sawtooth":  # its text comes from many sources, and repeats
                out.append(f'<path class="f" d="M{x} {level:.1f}h{width}"/>')
            if name in ("fast spike", "slow spike", "no recovery", "resume step"):
                out.append(f'<path class="m" d="M{x + width / 2} {y}v{height}"/>')
            out.append(f'<path class="c" d="{path(curves[name])}"/>')
        last = (len(curves[name]) * 5 if name.startswith("grokking") else len(curves[name]))
        out.append(f'<text class="s" x="{x}" y="{y + height + 16}">0</text>')
        out.append(both(x + width, y + height + 16, "s", f"step {last:,}", f"第 {last:,} 步", "end"))
    out.append(both(30, 520, "s", "Loss in nats a token, medians of five. Dotted green: the text's entropy. Dotted vertical: the fault.",
                    "纵轴：每 token 损失（nat），五步中位数。绿色点线：文本的熵。竖点线：故障处。"))
    return "\n".join([*out, "</svg>", ""])


# Command line ---------------------------------------------------------------------------------------------------------

def write_csv(curves: dict[str, list[float]], entropy: float, path: Path) -> None:
    """Write one column a curve; the header of the first column holds the entropy."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f"step (entropy {entropy:.4f} nats)", *curves])
        for i in range(max(map(len, curves.values()))):
            writer.writerow([i, *(f"{c[i]:.3f}" if i < len(c) else "" for c in curves.values())])


def read_csv(path: Path) -> tuple[dict[str, list[float]], float]:
    """Return the curves and the entropy that write_csv wrote."""
    with path.open(encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    return {name: [float(row[k]) for row in rows if row[k]] for k, name in enumerate(head) if k}, float(head[0].split()[2])


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patterns", type=Path, metavar="CSV", help="train the nine runs and write their losses")
    parser.add_argument("--figure", type=Path, metavar="SVG", help="draw the nine panels")
    parser.add_argument("--from", dest="source", type=Path, default=HERE / "loss_patterns.csv", metavar="CSV", help="losses to draw")
    parser.add_argument("--rescue", action="store_true", help="diverge, then try five ways out")
    options = parser.parse_args()
    if not (options.patterns or options.figure or options.rescue):
        parser.error("say what to do: --patterns, --figure or --rescue")
    try:
        if options.patterns or options.rescue:
            try:
                import torch
            except ImportError:
                print("instability_lab.py needs PyTorch for this: pip install torch", file=sys.stderr)
                return 2
            torch.set_num_threads(1)
        if options.patterns:
            write_csv(patterns(torch), source(torch, 7, 2.0)[1], options.patterns)
        if options.figure:
            options.figure.write_text(draw(*read_csv(options.patterns or options.source)), encoding="utf-8")
    except OSError as error:
        print(f"instability_lab.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    if not options.rescue:
        return 0
    rows = rescue(torch)
    print(f"the text's entropy is {source(torch, 7, 2.0)[1]:.2f} nats; ln {VOCAB} = {math.log(VOCAB):.2f}")
    print(f"{'what was done at step 360':<28}{'next 20 steps':>14}{'after 160':>11}")
    for name, soon, late in rows:
        print(f"{name:<28}{soon:>14.2f}{late:>11.2f}")
    return int(min(late for _, _, late in rows[3:]) >= rows[0][2])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(2)
