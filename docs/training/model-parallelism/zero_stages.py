#!/usr/bin/env python3
"""What one rank holds and sends under DDP, ZeRO-1, ZeRO-2 and ZeRO-3 (FSDP), and the figure of it.

N parameters, n data-parallel ranks, m micro-batches a step, BF16 weights (2 bytes), gradients of g bytes (2 or 4) and
AdamW's FP32 state (4 master + 4 + 4 moments = 12). P = 2N and G = gN are the bytes of weights and gradients.

    stage   bytes a parameter        sent a rank and step
    0       2 + g + 12               2 G (n-1)/n               gradients all-reduced after the last micro-batch
    1       2 + g + 12/n             (G + P) (n-1)/n           reduce-scatter, all-gather of the new weights
    2       2 + (g + 12)/n           (m G + P) (n-1)/n         gradients leave after every micro-batch
    3       (2 + g + 12)/n           m (2 P + G) (n-1)/n       weights gathered forward and backward, each micro-batch

Source of the stages: Rajbhandari et al., ZeRO (arXiv:1910.02054). Activations, gathered units, buffers and what the
allocator wastes are not in it. Ring collectives: (n-1)/n of the payload for all-gather and reduce-scatter.

Needs Python 3.11. Exit status: 0 done, 2 wrong usage.

Examples:
  python zero_stages.py --params 8e9 --ranks 64
  python zero_stages.py --params 70e9 --ranks 64 --grad-bytes 4 --micro-batches 8 --json stages.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

OPTIMIZER = 12  # bytes a parameter: FP32 master weights and two moments
NAMES = {0: "DDP", 1: "ZeRO-1", 2: "ZeRO-2", 3: "ZeRO-3"}


# --8<-- [start:formulas]
def held(stage: int, ranks: int, grad_bytes: float = 2) -> dict[str, float]:
    """Return the bytes a parameter that one rank holds, by part."""
    return {"weights": 2 / (ranks if stage >= 3 else 1),
            "gradients": grad_bytes / (ranks if stage >= 2 else 1),
            "optimizer": OPTIMIZER / (ranks if stage >= 1 else 1)}


def sent(stage: int, ranks: int, grad_bytes: float = 2,
         micro_batches: int = 1) -> float:
    """Return the bytes a parameter that one rank sends in a step, by rings."""
    m, g, w = micro_batches, grad_bytes, 2
    moved = {0: 2 * g, 1: g + w, 2: m * g + w, 3: m * (2 * w + g)}[stage]
    return moved * (ranks - 1) / ranks
# --8<-- [end:formulas]


def table(params: float, ranks: int, grad_bytes: float, micro_batches: int) -> list[dict[str, float | str]]:
    """Return a row for each stage; sizes in GB (1e9 bytes)."""
    rows = []
    for stage, name in NAMES.items():
        parts = held(stage, ranks, grad_bytes)
        rows.append({"stage": name, **{part: params * size / 1e9 for part, size in parts.items()},
                     "total": params * sum(parts.values()) / 1e9,
                     "sent": params * sent(stage, ranks, grad_bytes, micro_batches) / 1e9})
    return rows


STYLE = """text{font-family:var(--fig-font,sans-serif);font-size:13px;fill:var(--fig-ink,#1f2328)}
.s{font-size:12px;fill:var(--fig-muted,#59636e)}.b{font-weight:600}.e{text-anchor:end}
.w{fill:var(--fig-c1,#0072b2)}.g{fill:var(--fig-c2,#e69f00)}.o{fill:var(--fig-bg2,#f6f8fa);stroke:var(--fig-line,#8c959f)}
.h{fill:url(#zs-dots);stroke:var(--fig-line,#8c959f)}.d{fill:var(--fig-line,#8c959f)}.l{stroke:var(--fig-c4,#d55e00);stroke-width:1.5;stroke-dasharray:5 4}"""


def svg(params: float, counts: tuple[int, int] = (8, 64), card: float = 80) -> str:
    """Return the figure: bars for every stage at two rank counts, against a card of `card` GB."""
    left, width, top, row = 150, 460, 64, 26
    full = params * 16 / 1e9
    scale = width / full

    def text(x: float, y: float, en: str, zh: str = "", css: str = "") -> str:
        attributes = f'x="{x:g}" y="{y:g}"' + (f' class="{css}"' if css else "")
        if not zh:
            return f"<text {attributes}>{en}</text>"
        return f'<switch><text systemLanguage="zh" {attributes}>{zh}</text><text {attributes}>{en}</text></switch>'

    size = f"{params / 1e9:g}"
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 322">',
           '<title lang="en">Bytes a rank holds by ZeRO stage</title><title lang="zh">各级 ZeRO 每个 rank 的显存</title>',
           f'<desc lang="en">Weights, gradients and optimizer state of {size}B parameters on one rank, for DDP and ZeRO 1 to 3, '
           f'on {counts[0]} and {counts[1]} ranks.</desc>',
           f'<desc lang="zh">{size}B 参数的权重、梯度与优化器状态在一个 rank 上占多少，DDP 与 ZeRO 1 至 3，{counts[0]} 与 {counts[1]} 个 rank。</desc>',
           f"<style>{STYLE}</style>",
           '<defs><pattern id="zs-dots" width="6" height="6" patternUnits="userSpaceOnUse">'
           '<circle cx="3" cy="3" r="1.2" class="d"/></pattern></defs>']
    legend = [("w", "weights, BF16", "权重，BF16"), ("g", "gradients, BF16", "梯度，BF16"),
              ("h", "optimizer: FP32 master, two moments", "优化器：FP32 主权重与一、二阶矩")]
    for (css, en, zh), x in zip(legend, (left, left + 140, left + 285)):
        if css == "h":
            out.append(f'<rect x="{x}" y="14" width="13" height="13" class="o"/>')
        out.append(f'<rect x="{x}" y="14" width="13" height="13" class="{css}"/>{text(x + 19, 25, en, zh)}')
    y = float(top)
    for stage, name in NAMES.items():
        out.append(text(16, y + 30, name, "", "b"))
        for ranks in counts:
            x = float(left)
            for (part, value), css in zip(held(stage, ranks).items(), "wgh"):
                length = value * params / 1e9 * scale
                if css == "h":
                    out.append(f'<rect x="{x:.1f}" y="{y:g}" width="{length:.1f}" height="19" class="o"/>')
                out.append(f'<rect x="{x:.1f}" y="{y:g}" width="{length:.1f}" height="19" class="{css}"/>')
                x += length
            out.append(text(left - 8, y + 14, f"{ranks} ranks", f"{ranks} 个 rank", "s e"))
            out.append(text(max(x + 7, 0), y + 14, f"{sum(held(stage, ranks).values()) * params / 1e9:.1f} GB"))
            y += row - 2
        y += 12
    mark = left + card * scale
    out.append(f'<path d="M{mark:.1f} 48V{y - 6:g}" class="l"/>')
    out.append(text(mark + 6, y + 8, f"{card:g} GB card", f"{card:g} GB 显存", "s"))
    out.append(text(16, y + 8, f"{size}B parameters, AdamW; activations not included", f"{size}B 参数，AdamW；不含激活值", "s"))
    return "\n".join([*out, "</svg>", ""])


def main(argv: list[str] | None = None) -> int:
    """Print the table; write the figure or JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", type=float, default=8e9, metavar="N")
    parser.add_argument("--ranks", type=int, default=64, metavar="n", help="data-parallel ranks")
    parser.add_argument("--grad-bytes", type=int, choices=(2, 4), default=2)
    parser.add_argument("--micro-batches", type=int, default=1, metavar="m", help="micro-batches a step")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the figure of 8 and 64 ranks")
    args = parser.parse_args(argv)
    for name in ("params", "ranks", "micro_batches"):
        if not 1 <= getattr(args, name) < 1e15:
            parser.error(f"--{name.replace('_', '-')} must be at least 1 and finite")
    rows = table(args.params, args.ranks, args.grad_bytes, args.micro_batches)
    print(f"{args.params / 1e9:g}B parameters, {args.ranks} ranks, {args.micro_batches} micro-batches, GB a rank")
    print(f"{'':8}{'weights':>9}{'grads':>9}{'optim':>9}{'total':>9}{'sent a step':>13}")
    for r in rows:
        print(f"{r['stage']:8}{r['weights']:9.2f}{r['gradients']:9.2f}{r['optimizer']:9.2f}{r['total']:9.2f}{r['sent']:13.2f}")
    try:
        if args.json:
            args.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
        if args.svg:
            args.svg.write_text(svg(args.params), "utf-8")
    except OSError as error:
        print(f"zero_stages.py: cannot write {error.filename}: {error.strerror}; the table above is complete", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
