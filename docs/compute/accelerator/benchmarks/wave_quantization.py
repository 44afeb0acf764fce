"""Predict how much of a device a matrix product can use when its tiles are dealt out in whole waves.

The result, M x N, is cut into tiles; each compute unit works on one tile at a time:

    tiles = ceil(M / tile_m) * ceil(N / tile_n)
    waves = ceil(tiles / units)
    efficiency = M * N / (waves * units * tile_m * tile_n)

The efficiency is at most 1 and has two losses in it: tile quantization (padding at the edges, M * N over the area of
all tiles) and wave quantization (units without a tile in the last wave, tiles over waves * units). It is a model of
the classic schedule, one tile a unit at a time; stream-K and split-K kernels lose less. Needs no PyTorch.

    python wave_quantization.py --units 132 --tile 128x256 4224x2048 4096x4096 4097x4096
    python wave_quantization.py --units 132 --tile 128x256 --m 4096 --sweep 1024:8192:32 --plot waves.svg

Exit codes: 0 done, 2 wrong usage or a file that cannot be written.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

EXAMPLES = """examples:
  python wave_quantization.py --units 132 --tile 128x256 4224x2048 4096x4096 4097x4096
  python wave_quantization.py --units 132 --tile 128x256 --m 4096 --sweep 1024:8192:32 --plot waves.svg"""


# --8<-- [start:waves]
def quantization(m: int, n: int, tile_m: int, tile_n: int, units: int) -> dict:
    """Return tiles, waves and the two efficiencies (0 to 1) of an M x N result on `units` compute units."""
    tiles = -(-m // tile_m) * -(-n // tile_n)      # ceil in integers
    waves = -(-tiles // units)
    edge = m * n / (tiles * tile_m * tile_n)
    tail = tiles / (waves * units)
    return {"tiles": tiles, "waves": waves, "edge": edge, "tail": tail, "efficiency": edge * tail}
# --8<-- [end:waves]


def pair(text: str) -> tuple[int, int]:
    """Read '128x256' as two positive sizes."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is not two sizes like 128x256")
    return int(match[1]), int(match[2])


def span(text: str) -> range:
    """Read 'start:stop:step' as a range that includes stop."""
    match = re.fullmatch(r"([1-9]\d*):([1-9]\d*):([1-9]\d*)", text)
    if not match or int(match[1]) >= int(match[2]):
        raise argparse.ArgumentTypeError(f"'{text}' is not start:stop:step with start below stop")
    return range(int(match[1]), int(match[2]) + 1, int(match[3]))


def sawtooth(m: int, sweep: range, tile: tuple[int, int], units: int) -> str:
    """Return an SVG in English and Chinese: efficiency over N, with the number of waves at each tooth."""
    points = [(n, quantization(m, n, *tile, units)) for n in sweep]
    left, right, top, bottom = 62, 700, 74, 330
    x = lambda n: left + (n - sweep[0]) / (sweep[-1] - sweep[0]) * (right - left)
    y = lambda share: bottom - share * (bottom - top)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 394">',
           '<title lang="en">Predicted use of the device over N</title>', '<title lang="zh">预测的器件利用比例随 N 的变化</title>',
           f'<desc lang="en">A sawtooth: with M {m:,}, tiles of {tile[0]} by {tile[1]} and {units} compute units, the share climbs and drops each time one more wave begins.</desc>',
           f'<desc lang="zh">锯齿形：M 为 {m:,}，分块 {tile[0]} 乘 {tile[1]}，{units} 个计算单元；每多开一个波次，比例就骤降一次。</desc>',
           "<style>", "text{font-family:var(--fig-font,sans-serif);font-size:13px;fill:var(--fig-ink,#1f2328)}",
           ".m{fill:var(--fig-muted,#59636e)}", ".b{font-weight:600;font-size:14px}", ".c{text-anchor:middle}", ".e{text-anchor:end}",
           ".g{stroke:var(--fig-grid,#d8dee4);stroke-width:1}", ".l{fill:none;stroke:var(--fig-c1,#0072b2);stroke-width:2.4;stroke-linejoin:round}",
           ".o{fill:var(--fig-c4,#d55e00)}", "</style>",
           f'<switch><text x="20" y="26" class="b" systemLanguage="zh">能用上的峰值比例（预测）</text><text x="20" y="26" class="b">Share of the peak that can be used (predicted)</text></switch>',
           f'<switch><text x="20" y="47" class="m" systemLanguage="zh">M = {m:,}，分块 {tile[0]} × {tile[1]}，{units} 个计算单元；圆点：波次正好填满处，旁注波次数</text>'
           f'<text x="20" y="47" class="m">M = {m:,}, tiles of {tile[0]} × {tile[1]}, {units} units; dots: fullest N of each wave count, with that count</text></switch>']
    for percent in (0, 25, 50, 75, 100):
        out.append(f'<line x1="{left}" y1="{y(percent / 100):g}" x2="{right}" y2="{y(percent / 100):g}" class="g"/>')
        out.append(f'<text x="{left - 8}" y="{y(percent / 100) + 4:g}" class="e m">{percent}%</text>')
    out.append('<polyline class="l" points="' + " ".join(f"{x(n):.1f},{y(q['efficiency']):.1f}" for n, q in points) + '"/>')
    for waves in sorted({q["waves"] for _, q in points}):
        n, q = max(((n, q) for n, q in points if q["waves"] == waves), key=lambda point: point[1]["efficiency"])
        out.append(f'<circle cx="{x(n):.1f}" cy="{y(q["efficiency"]):.1f}" r="4" class="o"/>')
        out.append(f'<text x="{x(n):.1f}" y="{y(q["efficiency"]) - 10:.1f}" class="c">{waves}</text>')
    for n in sweep:
        if n % 1024 == 0:
            out.append(f'<text x="{x(n):.1f}" y="{bottom + 20}" class="c m">{n:,}</text>')
    out.append(f'<text x="{(left + right) / 2:g}" y="{bottom + 46}" class="c">N</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def main(argv=None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description="Predict tile and wave quantization of a matrix product.",
                                     epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", nargs="*", type=pair, metavar="MxN", help="size of the result, for example 4096x4096")
    parser.add_argument("--units", type=int, required=True, help="compute units: SMs, CUs, cores (132 on an H100 SXM)")
    parser.add_argument("--tile", type=pair, default=(128, 256), metavar="MxN", help="tile of one unit (default 128x256)")
    parser.add_argument("--m", type=int, default=4096, help="M of --sweep (default 4096)")
    parser.add_argument("--sweep", type=span, metavar="START:STOP:STEP", help="N to sweep for --plot")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the sweep as SVG")
    args = parser.parse_args(argv)
    if args.units < 1 or args.m < 1:
        parser.error("--units and --m must be positive")
    if bool(args.plot) != bool(args.sweep):
        parser.error("--plot and --sweep go together")
    if not args.result and not args.plot:
        parser.error("give sizes like 4096x4096, or --sweep with --plot")
    if args.result:
        print(f"{'M':>6} {'N':>6} {'tiles':>6} {'waves':>6} {'edges':>7} {'waves full':>10} {'usable':>7}")
    for m, n in args.result:
        q = quantization(m, n, *args.tile, args.units)
        print(f"{m:6} {n:6} {q['tiles']:6} {q['waves']:6} {q['edge']:7.1%} {q['tail']:10.1%} {q['efficiency']:7.1%}")
    if args.plot:
        try:
            args.plot.write_text(sawtooth(args.m, args.sweep, args.tile, args.units), "utf-8")
        except OSError as error:
            print(f"wave_quantization: cannot write {args.plot}: {error.strerror}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
