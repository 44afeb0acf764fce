#!/usr/bin/env python3
"""Number formats of training and serving, from FP32 to FP4: limits, bits, rounding and five experiments.

A float of bias b with m mantissa bits stores (-1)^s 2^(e-b) (1 + f/2^m), or for e = 0 a subnormal (-1)^s 2^(1-b) f/2^m.
The distance of neighbours, one unit in the last place, is ulp(x) = 2^(max(floor(log2 |x|), 1-b) - m). Nearest rounding
breaks ties to even; stochastic rounding goes up with probability (x - below) / ulp, so that its mean is x. Each format is
worked out from its bits in exact arithmetic (Python's own floats are FP64). What the top exponent means differs:

    ieee    infinity and NaN (FP32, TF32, FP16, BF16, E5M2)      fnuz    no infinity, no -0, one NaN in the place of -0
    fn      no infinity, all ones is NaN (E4M3)                  finite  numbers only (E3M2, E2M3, E2M1)

A block format shares a scale: MX 32 elements and a power of two (E8M0), NVFP4 16 elements and an E4M3 number, times one
FP32 number a tensor. SNR is 10 log10(sum x^2 / sum (x - q)^2) in dB; 6 dB are one bit.

Needs Python 3.11, nothing else. Exit status: 0 done, 1 a file cannot be written, 2 wrong usage.

Examples:
  python dtype_explorer.py limits
  python dtype_explorer.py show 0.1 70000 --formats fp16,bf16,e4m3
  python dtype_explorer.py blocks --json blocks.json
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from pathlib import Path
from typing import NamedTuple


# --8<-- [start:formats]
class Format(NamedTuple):
    """A format of single numbers."""
    name: str
    sign: int
    exp: int
    man: int
    bias: int
    special: str      # ieee, fn, fnuz, finite, scale (powers of two only) or int

    @property
    def bits(self) -> int:
        return self.sign + self.exp + self.man

    @property
    def largest(self) -> float:
        if self.special == "int":
            return 2.0 ** (self.bits - 1) - 1
        top = 2**self.exp - (2 if self.special in ("ieee", "scale") else 1) - self.bias    # ieee keeps a code for inf and NaN
        lost = {"fn": 2, "scale": 2**self.man}.get(self.special, 1)                        # E4M3 gives one mantissa to NaN
        return (2 - lost * 2.0**-self.man) * 2.0**top

    @property
    def least_normal(self) -> float:
        return 1.0 if self.special == "int" else 2.0 ** ((self.special != "scale") - self.bias)

    @property
    def least(self) -> float:
        return self.least_normal * (1 if self.special in ("int", "scale") else 2.0**-self.man)

    @property
    def eps(self) -> float:
        return 2.0**-self.man if self.special != "int" else 1.0


FORMATS = {f.name: f for f in (
    Format("fp32", 1, 8, 23, 127, "ieee"), Format("tf32", 1, 8, 10, 127, "ieee"), Format("fp16", 1, 5, 10, 15, "ieee"),
    Format("bf16", 1, 8, 7, 127, "ieee"), Format("e5m2", 1, 5, 2, 15, "ieee"), Format("e4m3", 1, 4, 3, 7, "fn"),
    Format("e5m2fnuz", 1, 5, 2, 16, "fnuz"), Format("e4m3fnuz", 1, 4, 3, 8, "fnuz"), Format("e3m2", 1, 3, 2, 3, "finite"),
    Format("e2m3", 1, 2, 3, 1, "finite"), Format("e2m1", 1, 2, 1, 1, "finite"), Format("e8m0", 0, 8, 0, 127, "scale"),
    Format("int8", 1, 0, 7, 0, "int"), Format("int4", 1, 0, 3, 0, "int"))}
# --8<-- [end:formats]


# --8<-- [start:round]
def ulp(x: float, f: Format) -> float:
    """Return the distance from |x| to the next larger number of the format."""
    if f.special == "int":
        return 1.0
    exponent = math.frexp(x)[1] - 1 if x else -1100
    return 2.0 ** (max(exponent, 1 - f.bias) - f.man)


def rounded(x: float, f: Format, dice=None, saturate: bool = True) -> float:
    """Return what x becomes: the nearest, ties to even; with dice, stochastically."""
    if math.isnan(x):
        return x
    if f.special == "scale":          # a power of two, not below x
        fraction, exponent = math.frexp(max(x, f.least))
        exponent -= fraction == 0.5
        return f.largest if x >= f.largest else 2.0**exponent
    if math.isinf(x):
        keep = f.special == "ieee" and not saturate
        return x if keep else math.copysign(f.largest, x)
    step = ulp(x, f)
    below = math.floor(x / step)
    n = below + (dice.random() < x / step - below) if dice else round(x / step)
    y = math.copysign(n * step, x)
    if abs(y) <= f.largest:
        return y
    if saturate or f.special in ("finite", "int"):
        return math.copysign(f.largest, x)
    return math.copysign(math.inf, x) if f.special == "ieee" else math.nan
# --8<-- [end:round]


def pattern(x: float, f: Format) -> str:
    """Return the bits of a number of the format, with spaces between sign, exponent and mantissa."""
    if math.isnan(x) and f.special in ("finite", "int"):
        return "no code for it"
    if f.special == "int":
        return format(int(x) & (2**f.bits - 1), f"0{f.bits}b")
    if math.isnan(x) or math.isinf(x):
        if f.special == "scale":
            return "1" * f.exp
        ones = {"ieee": "1" * f.exp + " " + ("0" if math.isinf(x) else "1") * f.man, "fn": "1" * f.exp + " " + "1" * f.man}
        return f"{int(x == -math.inf)} {ones[f.special]}" if f.special in ones else "1 " + "0" * f.exp + " " + "0" * f.man
    sign = int(math.copysign(1, x) < 0 and not (f.special == "fnuz" and x == 0))
    if f.special == "scale":
        return format(round(math.log2(x)) + f.bias, f"0{f.exp}b")
    x = abs(x)
    code = 0 if x < f.least_normal else math.frexp(x)[1] - 1 + f.bias
    whole = x / 2.0 ** (max(code, 1) - f.bias)                     # in [1, 2), or below 1 for a subnormal
    mantissa = round((whole - (code > 0)) * 2**f.man)
    return f"{sign} {code:0{f.exp}b} {mantissa:0{f.man}b}"


def number(x: float) -> str:
    """Return a number as text: six digits near 1, four far from it."""
    return f"{x:.6g}" if 1e-3 <= abs(x) < 1e6 else f"{x:.4g}"


def table(head: list[str], rows: list[list], left: int = 1) -> str:
    """Return lines with the first columns left, the others right."""
    cells = [head, *[[one if isinstance(one, str) else number(one) for one in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) if i < left else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
                     for row in cells)


def limits(options) -> tuple[str, list]:
    """Tabulate largest and smallest numbers and the step at 1."""
    rows = [[f.name, str(f.bits), f"{f.sign}+{f.exp}+{f.man}", f.largest, f.least_normal, f.least, f.eps] for f in chosen(options)]
    return table(["format", "bits", "s+e+m", "largest", "least normal", "least", "step at 1"], rows), rows


def show(options) -> tuple[str, list]:
    """Show what each value becomes in each format."""
    rows = []
    for text in options.values:
        for f in chosen(options):
            x = float(text)
            y = rounded(x, f, saturate=False)
            error = abs(y - x) / abs(x) if x and math.isfinite(y) else 0.0 if y == x else math.inf
            rows.append([text, f.name, pattern(y, f), f"{y:.9g}", f"{error:.1e}"])
    return table(["value", "format", "bits", "becomes", "relative error"], rows, left=3), rows


# --8<-- [start:study]
def study(options) -> tuple[str, list]:
    """Put FP16 and BF16 to the same seven questions."""
    def plus(f, x, y):
        return rounded(rounded(x, f) + rounded(y, f), f, saturate=False)

    def times(f, x, y):
        return rounded(rounded(x, f) * rounded(y, f), f, saturate=False)

    def running_sum(f, x, n):
        total = 0.0
        for _ in range(n):
            total = plus(f, total, x)
        return total

    questions = (("282 + 1", 283, lambda f: plus(f, 282, 1)), ("1 + 0.003", 1.003, lambda f: plus(f, 1, 0.003)),
                 ("300 x 300", 9e4, lambda f: times(f, 300, 300)), ("exp(12)", math.exp(12), lambda f: rounded(math.exp(12), f, saturate=False)),
                 ("1e-4 x 1e-4", 1e-8, lambda f: times(f, 1e-4, 1e-4)), ("1e-9 x 65536", 6.5536e-5, lambda f: times(f, 1e-9, 65536)),
                 ("sum of 10,000 x 0.01", 100, lambda f: running_sum(f, 0.01, 10000)))
    rows = [[name, exact, ask(FORMATS["fp16"]), ask(FORMATS["bf16"])] for name, exact, ask in questions]
    return table(["question", "exact", "fp16", "bf16"], rows), rows
# --8<-- [end:study]


# --8<-- [start:updates]
def updates(options) -> tuple[str, list]:
    """Add 0.0001 to a weight of 1 a thousand times."""
    runs = [("fp32", FORMATS["fp32"], False), ("fp16", FORMATS["fp16"], False), ("bf16", FORMATS["bf16"], False),
            ("bf16, stochastic", FORMATS["bf16"], True)]
    rows = []
    for name, f, stochastic in runs:
        ends = []
        for seed in range(options.seed, options.seed + (100 if stochastic else 1)):
            weight, dice = 1.0, random.Random(seed) if stochastic else None
            for _ in range(1000):
                weight = rounded(weight + 1e-4, f, dice)
            ends.append(weight)
        mean = sum(ends) / len(ends)
        rows.append([name, mean, math.sqrt(sum((x - mean) ** 2 for x in ends) / len(ends)), f"{100 * (mean - 1) / 0.1:.0f}%"])
    return table(["weight kept in", "ends at", "spread", "of the way"], rows), rows
# --8<-- [end:updates]


def sums(options) -> tuple[str, list]:
    """Average gradients over ranks as a ring does, each partial sum rounded; relative error, root mean square over 50 elements."""
    dice, rows = random.Random(options.seed), []
    for ranks in (8, 64, 512, 2048):
        square = {"bf16": 0.0, "fp16": 0.0, "fp32": 0.0, "bf16, summed in fp32": 0.0}
        exact_square = 0.0
        for _ in range(50):
            mean = dice.gauss(0, 1)
            values = [rounded(mean + dice.gauss(0, 3), FORMATS["bf16"]) for _ in range(ranks)]   # noise three times the signal
            exact = math.fsum(values)
            exact_square += exact * exact
            for name in square:
                f = FORMATS["fp32" if "fp32" in name else name]
                total = 0.0
                for x in values:
                    total = rounded(total + x, f)
                if "summed" in name:
                    total = rounded(total, FORMATS["bf16"])
                square[name] += (total - exact) ** 2
        rows.append([str(ranks), *(f"{100 * math.sqrt(one / exact_square):.3g}%" for one in square.values())])
    return table(["ranks", "in bf16", "in fp16", "in fp32", "in fp32, sent as bf16"], rows), rows


def scaling(options) -> tuple[str, list]:
    """Scale the loss: how many of 20,000 gradients become zero or infinite in FP16; gradients around 1e-8, a factor of 30 each way."""
    dice = random.Random(options.seed)
    gradients = [10 ** dice.gauss(-8, 1.5) for _ in range(20000)]
    rows = []
    for name, power in (("fp16", 0), ("fp16", 8), ("fp16", 16), ("fp16", 24), ("bf16", 0)):
        stored = [rounded(g * 2.0**power, FORMATS[name], saturate=False) for g in gradients]
        rows.append([name, f"2^{power}", f"{100 * sum(x == 0 for x in stored) / len(stored):.2f}%",
                     f"{100 * sum(0 < x < FORMATS[name].least_normal for x in stored) / len(stored):.2f}%",
                     f"{100 * sum(math.isinf(x) for x in stored) / len(stored):.2f}%"])
    return table(["format", "scale", "zero", "subnormal", "infinite"], rows), rows


# --8<-- [start:blocks]
def quantize(values: list[float], f: Format, block: int, kind: str) -> list[float]:
    """Return the values as a block format gives them back: each block divided by its scale, rounded, multiplied again.

    kind is the scale of a block: fp32 (exact), mx (power of two, rounded up), ocp (power of two, the exponent of the
    largest value less that of the format), nv (E4M3 under one FP32 scale of the tensor) or none.
    """
    whole = max(map(abs, values)) / (f.largest * FORMATS["e4m3"].largest) if kind == "nv" else 1.0
    out = []
    for start in range(0, len(values), block):
        part = values[start:start + block]
        top = max(map(abs, part))
        if kind == "none" or top == 0:
            scale = 1.0
        elif kind == "fp32":
            scale = top / f.largest
        elif kind == "mx":
            scale = rounded(top / f.largest, FORMATS["e8m0"])
        elif kind == "ocp":
            scale = 2.0 ** (math.frexp(top)[1] - math.frexp(f.largest)[1])
        else:
            scale = whole * max(rounded(top / f.largest / whole, FORMATS["e4m3"]), FORMATS["e4m3"].least)
        out += [rounded(x / scale, f) * scale for x in part]
    return out
# --8<-- [end:blocks]


BLOCKS = (("FP8 E4M3, unscaled", "e4m3", 0, "none"), ("FP8 E4M3, one scale a tensor", "e4m3", 0, "fp32"),
          ("FP8 E5M2, one scale a tensor", "e5m2", 0, "fp32"), ("INT8, one scale a tensor", "int8", 0, "fp32"),
          ("FP8 E4M3, blocks of 128", "e4m3", 128, "fp32"), ("MXFP8 E4M3", "e4m3", 32, "mx"), ("MXFP8 E5M2", "e5m2", 32, "mx"),
          ("MXFP6 E2M3", "e2m3", 32, "mx"), ("MXFP6 E3M2", "e3m2", 32, "mx"), ("INT4, blocks of 32", "int4", 32, "fp32"),
          ("MXFP4, scale up", "e2m1", 32, "mx"), ("MXFP4, scale as in OCP", "e2m1", 32, "ocp"), ("NVFP4", "e2m1", 16, "nv"))


def blocks(options) -> tuple[str, list]:
    """Quantize 16,384 normal numbers, without and with one outlier in 1,000 that is 50 times as large."""
    dice = random.Random(options.seed)
    plain = [rounded(dice.gauss(0, 0.02), FORMATS["bf16"]) for _ in range(16384)]
    spiky = [rounded(x * (50 if dice.random() < 0.001 else 1), FORMATS["bf16"]) for x in plain]
    rows = []
    for name, element, block, kind in BLOCKS:
        f, size = FORMATS[element], block or len(plain)
        bits = f.bits + {"mx": 8, "ocp": 8, "nv": 8, "fp32": 32, "none": 0}[kind] / size
        row = [name, f"{bits:.2f}"]
        for values in (plain, spiky):
            out = quantize(values, f, size, kind)
            usual = [(x, y) for x, y in zip(values, out) if abs(x) < 0.12]          # outliers would drown the error of the rest
            noise = sum((x - y) ** 2 for x, y in usual)
            row += [f"{10 * math.log10(sum(x * x for x, _ in usual) / noise):.1f}"]
        row.append(f"{100 * sum(y == 0 != x for x, y in usual) / len(usual):.1f}%")
        rows.append(row)
    return table(["format", "bits", "SNR, dB", "with outliers", "to zero"], rows), rows


DRAWN = (("fp32", "FP32"), ("tf32", "TF32"), ("fp16", "FP16"), ("bf16", "BF16"), ("e5m2", "FP8 E5M2"), ("e4m3", "FP8 E4M3"), ("e2m1", "FP4 E2M1"),
         ("e8m0", "E8M0"), ("int8", "INT8"))


def scientific(x: float) -> tuple[str, str]:
    """Return a number as people write it, its power of ten apart: ("448", ""), ("65,504", ""), ("3.403 × 10", "38")."""
    if x == 0 or 1e-3 <= abs(x) < 1e5:
        return f"{x:,.7g}", ""
    mantissa, exponent = f"{x:.3e}".split("e")
    return f"{mantissa}\u00a0×\u00a010", f"{int(exponent)}".replace("-", "−")


def figure() -> str:
    """Return the bit layouts as an SVG in both languages."""
    def both(at, en, zh, kind="t"):
        return f'<switch><text {at} class="{kind}" systemLanguage="zh">{zh}</text><text {at} class="{kind}">{en}</text></switch>'

    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 326">', '<title lang="en">Bit layouts of nine number formats</title>',
           '<title lang="zh">九种数值格式的位布局</title>',
           '<desc lang="en">Sign, exponent and mantissa bits, largest number and step at 1; written by dtype_explorer.py.</desc>',
           '<desc lang="zh">符号位、指数位、尾数位，最大值和 1 处的步长；由 dtype_explorer.py 生成。</desc>',
           "<style>.t{font-family:var(--fig-font,sans-serif);font-size:13px;fill:var(--fig-ink,#1f2328)}"
           ".h{font-family:var(--fig-font,sans-serif);font-size:12px;fill:var(--fig-muted,#59636e)}"
           ".b{font-family:var(--fig-font,sans-serif);font-size:11px;fill:var(--fig-ink,#1f2328)}"
           ".u{font-size:11px}.d{fill:#1f2328}.s{fill:var(--fig-c5,#cc79a7)}.e{fill:var(--fig-c6,#56b4e9)}.m{fill:var(--fig-bg2,#f6f8fa)}"
           ".s,.e,.m{stroke:var(--fig-line,#8c959f);stroke-width:1}</style>",
           both('x="618" y="22" text-anchor="end"', "largest", "最大值", "h") + both('x="708" y="22" text-anchor="end"', "step at 1", "1 处的步长", "h")]
    width, left = 13, 96
    letter = {"s": "b d", "e": "b d", "m": "b"}    # dark on a colour, whatever the page's
    for i, (name, label) in enumerate(DRAWN):
        f, y = FORMATS[name], 32 + 29 * i
        out.append(f'<text x="86" y="{y + 15}" text-anchor="end" class="t">{label}</text>')
        for j in range(f.bits):
            kind = "s" if j < f.sign else "e" if j < f.sign + f.exp else "m"
            out.append(f'<rect class="{kind}" x="{left + j * width}" y="{y}" width="{width}" height="22"/>'
                       f'<text x="{left + j * width + width / 2:g}" y="{y + 15}" text-anchor="middle" class="{letter[kind]}">{kind}</text>')
        step = "1" if f.special == "int" else "×2" if f.special == "scale" else "2"
        power = f"−{f.man}" if step == "2" else ""
        for x, (base, raised) in ((618, scientific(f.largest)), (708, (step, power))):
            raised = raised and f'<tspan dy="-4" class="u">{raised}</tspan>'
            out.append(f'<text x="{x}" y="{y + 15}" text-anchor="end" class="t">{base}{raised}</text>')
    y = 32 + 29 * len(DRAWN) + 6
    for x, kind, en, zh in ((96, "s", "sign", "符号"), (190, "e", "exponent: range", "指数：决定范围"), (370, "m", "mantissa: precision", "尾数：决定精度")):
        out.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="16"/><text x="{x + 6.5}" y="{y + 12}" text-anchor="middle" class="{letter[kind]}">{kind}</text>'
                   + both(f'x="{x + 20}" y="{y + 13}"', en, zh))
    return "\n".join([*out, "</svg>", ""])


def is_number(text: str) -> bool:
    """Return whether Python reads the text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def chosen(options) -> list[Format]:
    """Return the formats that --formats names."""
    return [FORMATS[name] for name in options.formats]


EXPERIMENTS = {"limits": limits, "show": show, "study": study, "updates": updates, "sums": sums, "scaling": scaling, "blocks": blocks}


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = line.add_argument
    add("experiment", choices=EXPERIMENTS, nargs="?", default="limits", help="; ".join(f"{k}: {v.__doc__.splitlines()[0].rstrip('.')}" for k, v in EXPERIMENTS.items()))
    add("values", nargs="*", metavar="NUMBER", help="numbers for show")
    add("--formats", default=",".join(FORMATS), metavar="A,B", help="formats for limits and show (default: all)")
    add("--seed", type=int, default=0, metavar="N")
    add("--json", type=Path, metavar="FILE", help="write the rows")
    add("--svg", type=Path, metavar="FILE", help="write the figure of bit layouts")
    return line


def main(argv: list[str] | None = None) -> int:
    """Run one experiment, print its table, write the files."""
    line = parser()
    words = [f" {word}" if word.startswith("-") and is_number(word) else word for word in (sys.argv[1:] if argv is None else argv)]
    options = line.parse_intermixed_args(words)              # the space keeps -1e9 from being taken for an option
    options.formats = [name for name in options.formats.lower().split(",") if name]
    if unknown := [name for name in options.formats if name not in FORMATS]:
        line.error(f"--formats: no format called {unknown[0]}; there are {', '.join(FORMATS)}")
    if (options.experiment == "show") != bool(options.values):
        line.error("give numbers to show: python dtype_explorer.py show 0.1")
    options.values = [text.strip() for text in options.values]
    if wrong := [text for text in options.values if not is_number(text)]:
        line.error(f"not a number: {wrong[0]}")
    try:
        text, rows = EXPERIMENTS[options.experiment](options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
    print(text)
    try:
        if options.json:
            safe = [[str(x) if isinstance(x, float) and not math.isfinite(x) else x for x in row] for row in rows]
            options.json.write_text(json.dumps({"experiment": options.experiment, "seed": options.seed, "rows": safe}, indent=1) + "\n", "utf-8")
        if options.svg:
            options.svg.write_text(figure(), "utf-8")
    except OSError as error:
        print(f"dtype_explorer.py: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
