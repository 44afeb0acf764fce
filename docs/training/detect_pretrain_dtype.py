#!/usr/bin/env python3
"""Tell from the bits of a checkpoint's weights on which number grid they last lived, whatever type the file says.

A cast to a wider type changes no value, so the narrower grid stays visible. Per matrix the program samples values and asks:

    significant bits  at most 8: BF16. At most 11 and every value a multiple of 2^-24: FP16. More: FP32 (or TF32 for 11).
    levels            at most 9 magnitudes in each run of 16: a 4-bit block format. At most 128 in 128 x 128, or at most 4
                      significant bits: an 8-bit one. (A scale a row, and no power of two, hides an 8-bit format.)
    FP16's footprint  below 2^-17 BF16 and FP32 have values between the multiples of 2^-24 that FP16 can hold; each such value
                      is one by chance with probability 1/2 or less. Ten of ten multiples: the weights went through FP16.

That is where weights were last rounded, not how matrix products were done: FP32 master weights look the same after BF16 and
FP8 training. Norms, biases and matrices under --min-size are left out, since ones and zeros lie on every grid.

Reads *.safetensors with Python 3.11 alone; *.pt, *.pth, *.bin need PyTorch (weights_only, memory-mapped). Exit status: 0 done,
1 the grid is not the one that --expect names, 2 wrong usage or a file that cannot be read.

Examples:
  python detect_pretrain_dtype.py --demo demo && python detect_pretrain_dtype.py demo/bf16-in-fp32.safetensors
  python detect_pretrain_dtype.py model.safetensors --cast fp16 --expect bf16 --json verdict.json
"""

from __future__ import annotations

import argparse
import json
import math
import random
import struct
import sys
from array import array
from collections import Counter
from pathlib import Path

BYTES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "F4": 0.5}
EDGE = 128               # rows and columns of a sampled block
GRIDS = ("fp32", "tf32", "fp16", "bf16", "8-bit", "4-bit")


class Unreadable(Exception):
    """A file is not what its name says."""


def safetensors(path: Path):
    """Yield (name, type, shape, function from (first element, count) to bytes) of each tensor of a safetensors file."""
    with path.open("rb") as file:
        try:
            size, = struct.unpack("<Q", file.read(8))
            if not 2 <= size <= 100_000_000:
                raise ValueError(f"a header of {size} bytes")
            header = json.loads(file.read(size))
            header.pop("__metadata__", None)
            entries = [(name, one["dtype"], one["shape"], one["data_offsets"][0]) for name, one in header.items()]
        except (struct.error, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise Unreadable(f"{path} is no safetensors file: {error}") from error
        for name, dtype, shape, begin in entries:
            def read(first, count, begin=begin, width=BYTES.get(dtype, 0), name=name):
                file.seek(8 + size + begin + int(first * width))
                data = file.read(int(count * width))
                if len(data) < int(count * width):
                    raise Unreadable(f"{path} ends inside {name}: the copy is not complete")
                return data
            yield name, dtype, shape, read


def torch_file(path: Path):
    """Yield the same for a file of torch.save."""
    try:
        import torch
    except ImportError as error:
        raise Unreadable(f"{path.name} needs PyTorch to be read: pip install torch, or convert it to safetensors") from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:      # pickle, zip and torch each have their own
        raise Unreadable(f"{path}: torch.load says: {str(error).splitlines()[0]}") from error
    names = {torch.float64: "F64", torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16",
             torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2"}
    while isinstance(state, dict) and not any(torch.is_tensor(one) for one in state.values()) and "model" in state:
        state = state["model"]
    for name, tensor in state.items() if isinstance(state, dict) else ():
        if torch.is_tensor(tensor):
            flat = tensor.detach().contiguous().view(-1)

            def read(first, count, flat=flat):
                return bytes(flat[int(first):int(first + count)].view(torch.uint8).tolist())
            yield name, names.get(tensor.dtype, str(tensor.dtype)), list(tensor.shape), read


def fp32_codes(data: bytes, dtype: str) -> array:
    """Return the values as the bits of FP32, which holds each of them exactly (FP64 is rounded)."""
    if dtype in ("F32", "BF16"):
        codes = array("I" if dtype == "F32" else "H", data)
        if sys.byteorder == "big":
            codes.byteswap()
        return codes if dtype == "F32" else array("I", [code << 16 for code in codes])
    letter = {"F16": "e", "F64": "d"}[dtype]
    values = struct.unpack(f"<{len(data) // BYTES[dtype]}{letter}", data)
    return array("I", struct.pack(f"={len(values)}f", *values))


def sample(shape: list[int], read, dtype: str, blocks: int) -> tuple[array, list[array]]:
    """Return sampled FP32 codes, and the same as blocks of up to 128 x 128 neighbours, spread over the matrix."""
    columns = shape[-1]
    rows = math.prod(shape[:-1])
    height, width = min(EDGE, rows), min(EDGE, columns) // 16 * 16
    across, places = columns // width, rows // height * (columns // width)      # aligned, as the scales of blocks are
    out = []
    for place in random.Random(0).sample(range(places), min(blocks, places)):
        top, left, block = place // across * height, place % across * width, array("I")
        for row in range(top, top + height):
            block += fp32_codes(read(row * columns + left, width), dtype)
        out.append(block)
    return array("I", [code for block in out for code in block]), out


# --8<-- [start:evidence]
def evidence(codes: array, blocks: list[array]) -> dict:
    """Return what the bits of sampled values say; codes are FP32 bits."""
    magnitudes = {code & 0x7FFFFFFF for code in codes} - {0}
    finite = [m for m in magnitudes if m < 0x7F800000]
    significant, coarse, small, off = 0, True, 0, 0
    for m in finite:
        exponent = (m >> 23) - 127
        mantissa = m & 0x7FFFFF | (0x800000 if m >> 23 else 0)
        zeros = (mantissa & -mantissa).bit_length() - 1
        significant = max(significant, mantissa.bit_length() - zeros)
        multiple = max(exponent, -126) - 23 + zeros >= -24   # the last one bit
        coarse &= multiple
        if exponent < -17:
            small += 1
            off += not multiple

    def levels(part):
        return len({code & 0x7FFFFFFF for code in part})
    runs = [levels(b[i:i + 16]) for b in blocks for i in range(0, len(b), 16)]
    full = [levels(b) for b in blocks if len(b) == EDGE * EDGE]
    return {"significant": significant, "multiples": coarse,
            "small": small, "off_fp16": off,
            "levels_16": max(runs, default=0), "levels_block": max(full, default=0),
            "largest": value(max(finite, default=0)),
            "least": value(min(finite, default=0)),
            "infinite": len(magnitudes) - len(finite), "sampled": len(codes)}


def grid(e: dict) -> str:
    """Return the narrowest grid that holds the sampled values."""
    if 0 < e["levels_16"] <= 9:
        return "4-bit"
    if 0 < e["levels_block"] <= 128 or e["significant"] <= 4:   # E4M3 has four
        return "8-bit"
    if e["significant"] <= 8:
        return "bf16"
    if e["significant"] <= 11:
        return "fp16" if e["multiples"] and e["largest"] <= 65504 else "tf32"
    return "fp32"


def footprint(e: dict) -> str:
    """Return whether the weights went through FP16; "?" for want of small values."""
    if grid(e) in ("8-bit", "4-bit"):
        return "-"
    if e["off_fp16"] or e["largest"] > 65504:
        return "no"
    return "yes" if e["small"] >= 10 else "?"
# --8<-- [end:evidence]


def value(code: int) -> float:
    """Return the number of which these are the FP32 bits."""
    return struct.unpack("=f", struct.pack("=I", code))[0]


def cast(codes: array, to: str) -> dict:
    """Return how many sampled values overflow or become zero in another type, and the signal to noise ratio in dB."""
    over = zero = 0
    signal = noise = 0.0
    for code in codes:
        x = value(code)
        if not math.isfinite(x):
            continue
        if to == "bf16":
            y = value(min(code + 0x7FFF + (code >> 16 & 1), 0xFFFFFFFF) & 0xFFFF0000)
        else:
            try:
                y = struct.unpack("<e", struct.pack("<e", x))[0]
            except OverflowError:
                y = math.inf
        over += not math.isfinite(y)
        zero += y == 0 != x
        if math.isfinite(y):
            signal += x * x
            noise += (x - y) ** 2
    return {"overflow": over, "to_zero": zero, "snr_db": 10 * math.log10(signal / noise) if noise and signal else None}


def examine(path: Path, options) -> list[dict]:
    """Return a row for each matrix of a file that is large enough to judge."""
    rows = []
    for name, dtype, shape, read in (safetensors if path.suffix == ".safetensors" else torch_file)(path):
        count = math.prod(shape)
        if len(shape) < 2 or count < options.min_size or shape[-1] < 16:
            continue
        row = {"tensor": name, "stored": dtype, "shape": shape, "count": count}
        if dtype in ("F8_E4M3", "F8_E5M2", "F4"):
            row |= {"grid": "4-bit" if dtype == "F4" else "8-bit", "fp16": "-"}
        elif dtype in ("F64", "F32", "BF16", "F16"):
            codes, blocks = sample(shape, read, dtype, options.blocks)
            found = evidence(codes, blocks)
            row |= found | {"grid": grid(found), "fp16": footprint(found)}
            if options.cast:
                row["cast"] = cast(codes, options.cast)
        else:
            continue        # integers: indices, packed weights
        rows.append(row)
    return rows


def report(rows: list[dict], options) -> tuple[str, dict]:
    """Return the table for people and the verdict."""
    head = f"{'tensor':28} {'stored':8} {'bits':>4} {'largest':>9} {'least':>9}  {'grid':6} FP16?"
    head += f"  {'inf':>6} {'to 0':>6} {'SNR dB':>6}" if options.cast else ""
    lines = [head]
    for row in rows[:options.top]:
        name = row["tensor"] if len(row["tensor"]) <= 28 else "..." + row["tensor"][-25:]
        line = f"{name:28} {row['stored']:8} "
        line += f"{row['significant']:4} {row['largest']:9.3g} {row['least']:9.2g}" if "significant" in row else f"{'':4} {'':9} {'':9}"
        line += f"  {row['grid']:6} {row['fp16']:5}"
        if "cast" in row:
            snr = row["cast"]["snr_db"]
            line += f"  {row['cast']['overflow']:6} {row['cast']['to_zero']:6} " + (f"{snr:6.1f}" if snr is not None else " exact")
        lines.append(line.rstrip())
    if len(rows) > options.top:
        lines.append(f"... and {len(rows) - options.top} more (--top)")
    weight = Counter()
    for row in rows:
        weight[row["grid"]] += row["count"]
    total = sum(weight.values())
    main, share = weight.most_common(1)[0]
    seen = {row["fp16"] for row in rows}
    verdict = {"grid": main, "share": weight[main] / total, "parameters": total, "shares": {k: n / total for k, n in weight.items()},
               "fp16": "no" if "no" in seen else "yes" if "yes" in seen else "?" if "?" in seen else "-"}
    stored = "/".join(sorted({row["stored"] for row in rows}))
    lines.append(f"{total:,} parameters in {len(rows)} matrices, stored as {stored}: {100 * verdict['share']:.0f}% on the {main} grid")
    lines.append({"yes": "went through FP16: every small value is a multiple of 2^-24", "no": "never rounded to FP16: values between its multiples of 2^-24, or beyond its range",
                  "?": "through FP16 or not: too few small values to say", "-": "weights of a quantized checkpoint"}[verdict["fp16"]])
    return "\n".join(lines), verdict


def demo(folder: Path) -> None:
    """Write six small checkpoints with known histories."""
    dice = random.Random(1)
    n = 256
    weights = [dice.gauss(0, 0.02) for _ in range(n * n)]

    def f32(x):
        return struct.unpack("<f", struct.pack("<f", x))[0]

    def f16(x):
        return struct.unpack("<e", struct.pack("<e", x))[0]

    def b16(x):
        code, = struct.unpack("<I", struct.pack("<f", x))
        return struct.unpack("<f", struct.pack("<I", code + 0x7FFF + (code >> 16 & 1) & 0xFFFF0000))[0]

    def blocked(size, largest, least, mantissa):
        out = []
        for i in range(0, len(weights), size):
            part = weights[i:i + size]
            scale = 2.0 ** math.ceil(math.log2(max(map(abs, part)) / largest))
            for x in part:
                step = 2.0 ** (max(math.frexp(x / scale)[1] - 1, least) - mantissa)
                out.append(round(x / scale / step) * step * scale)
        return out

    histories = {"fp32": ("F32", [f32(x) for x in weights]), "bf16-in-fp32": ("F32", [b16(x) for x in weights]),
                 "fp16-in-bf16": ("BF16", [b16(f16(x)) for x in weights]), "bf16-in-fp16": ("F16", [f16(b16(x)) for x in weights]),
                 "mxfp8-in-bf16": ("BF16", blocked(32, 448, -6, 3)), "mxfp4-in-bf16": ("BF16", blocked(32, 6, 0, 1))}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (dtype, values) in histories.items():
        if dtype == "BF16":
            data = b"".join(struct.pack("<f", x)[2:] for x in values)
        else:
            data = struct.pack(f"<{len(values)}{'f' if dtype == 'F32' else 'e'}", *values)
        header = json.dumps({"weight": {"dtype": dtype, "shape": [n, n], "data_offsets": [0, len(data)]}}).encode()
        header += b" " * (-len(header) % 8)
        (folder / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
    print(f"six checkpoints in {folder}: {', '.join(histories)}")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = line.add_argument
    add("files", nargs="*", type=Path, metavar="FILE", help="checkpoints, or folders of *.safetensors")
    add("--cast", choices=("fp16", "bf16"), help="also say what a cast to this type would lose")
    add("--expect", choices=GRIDS, help="exit with 1 unless 95%% of the parameters lie on this grid")
    add("--blocks", type=int, default=4, metavar="N", help="sampled blocks of 128 x 128 a matrix (default 4)")
    add("--min-size", type=int, default=4096, metavar="N", help="smallest matrix that is judged (default 4096 elements)")
    add("--top", type=int, default=20, metavar="N", help="lines to print (default 20)")
    add("--json", type=Path, metavar="FILE", help="write rows and verdict")
    add("--demo", type=Path, metavar="FOLDER", help="write six small checkpoints to try it on")
    return line


def main(argv: list[str] | None = None) -> int:
    """Examine the files, print the verdict."""
    line = parser()
    options = line.parse_args(argv)
    if options.demo is None and not options.files or min(options.blocks, options.min_size, options.top) < 1:
        line.error("give a checkpoint, and counts of at least 1; --demo FOLDER makes some")
    try:
        if options.demo:
            demo(options.demo)
        files = []
        for path in options.files:
            files += sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
        if options.files and not files:
            line.error(f"no *.safetensors in {options.files[0]}")
        rows = [row for path in files for row in examine(path, options)]
    except Unreadable as error:
        line.error(str(error))
    except OSError as error:
        line.error(f"{error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 1
    if not files:
        return 0
    if not rows:
        line.error("no floating-point matrix of that size in it; see --min-size")
    text, verdict = report(rows, options)
    print(text)
    if options.json:
        try:
            options.json.write_text(json.dumps({"verdict": verdict, "tensors": rows}, indent=1) + "\n", "utf-8")
        except OSError as error:
            print(f"detect_pretrain_dtype.py: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
            return 1
    if options.expect and (verdict["shares"].get(options.expect, 0) < 0.95):
        print(f"expected the {options.expect} grid", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
