#!/usr/bin/env python3
"""Seal, verify, look into and shrink checkpoints.

Python 3.11 or later. `seal`, `verify` and `show` need the standard library only, `shrink` needs PyTorch. Examples:

    python ckpt_tool.py seal /tmp/reshard/step_3       (after the two examples of dcp_reshard.py)
    python ckpt_tool.py verify /tmp/reshard/step_3

seal    writes manifest.json with the size and SHA-256 of every file, last and atomically: its presence means "complete"
verify  compares; names every file that is missing, has another size or another content
show    lists the tensors of a .safetensors file, or what unpickling a .pt file would import, without running any of it
shrink  takes the weights out of a .pt file, casts them to bf16 and writes .safetensors: 2 bytes a parameter

Exit codes: 0 done and right, 1 damaged, unsafe or failed, 2 wrong usage.
"""

import argparse
import hashlib
import json
import math
import os
import pickletools
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MANIFEST = "manifest.json"
CHUNK = 1 << 22
#: What the weights of a model need; anything else in a pickle is code that runs while it is loaded.
HARMLESS = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter", "torch Size"}
SIZES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}


class Damaged(Exception):
    """The file is not what it says it is."""


def digest(path: Path) -> tuple[int, str]:
    """Return size in bytes and SHA-256 of a file, read in chunks; hashing releases the interpreter lock."""
    state, total = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            state.update(chunk)
            total += len(chunk)
    return total, state.hexdigest()


# --8<-- [start:seal]
def seal(folder: Path, workers: int) -> dict:
    """Write the manifest of a folder, flushed and renamed into place; return it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    with ThreadPoolExecutor(workers) as pool:
        found = dict(zip((str(path.relative_to(folder)) for path in files), pool.map(digest, files)))
    manifest = {"algorithm": "sha256", "files": {name: {"bytes": size, "sha256": value} for name, (size, value) in found.items()}}
    draft = folder / (MANIFEST + ".tmp")
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / MANIFEST)
    return manifest


def verify(folder: Path, workers: int) -> list[str]:
    """Return a line for each file that differs from the manifest; raise Damaged where there is none."""
    try:
        files = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        raise Damaged(f"{folder} has no readable {MANIFEST}: the save did not finish, or was never sealed") from None
    wrong = []
    present = {name: folder / name for name in files if (folder / name).is_file()}
    with ThreadPoolExecutor(workers) as pool:
        actual = dict(zip(present, pool.map(digest, present.values())))
    for name, want in files.items():
        if name not in actual:
            wrong.append(f"{name}: missing")
        elif actual[name][0] != want["bytes"]:
            wrong.append(f"{name}: {actual[name][0]} bytes instead of {want['bytes']}")
        elif actual[name][1] != want["sha256"]:
            wrong.append(f"{name}: content changed")
    return wrong
# --8<-- [end:seal]


# --8<-- [start:header]
def header(path: Path) -> dict:
    """Return the header of a .safetensors file: name -> dtype, shape, byte range; raise Damaged if it does not add up."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = path.stat().st_size
        if not 2 <= length <= min(size - 8, 100_000_000):
            raise Damaged(f"{path}: not a safetensors file, or cut off inside its header")
        try:
            entries = json.loads(file.read(length))
        except ValueError:
            raise Damaged(f"{path}: the header is not JSON") from None
    end = 0
    for name, entry in sorted(((name, entry) for name, entry in entries.items() if name != "__metadata__"), key=lambda item: item[1]["data_offsets"]):
        begin, stop = entry["data_offsets"]
        if begin != end or stop - begin != math.prod(entry["shape"]) * SIZES.get(entry["dtype"], 0):
            raise Damaged(f"{path}: tensor {name} does not fit its byte range")
        end = stop
    if 8 + length + end != size:
        raise Damaged(f"{path}: {size} bytes instead of {8 + length + end}: cut off or padded")
    return entries
# --8<-- [end:header]


# --8<-- [start:globals]
def imports(path: Path) -> set[str]:
    """Return what unpickling a .pt file would import, from its opcodes, without running them."""
    if not zipfile.is_zipfile(path):
        raise Damaged(f"{path}: not a file of torch.save (or cut off: its directory stands at the end)")
    found = set()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".pkl"):
                strings: list[str] = []
                for opcode, argument, _ in pickletools.genops(archive.read(name)):
                    if opcode.name == "GLOBAL":
                        found.add(argument)
                    elif opcode.name == "STACK_GLOBAL":  # module and name are the last two strings pushed
                        found.add(" ".join(strings[-2:]))
                    elif isinstance(argument, str):
                        strings.append(argument)
    return found
# --8<-- [end:globals]


def show(path: Path) -> int:
    """Print what a checkpoint file holds; return 1 where loading it would run foreign code."""
    if path.suffix == ".safetensors":
        entries = {name: entry for name, entry in header(path).items() if name != "__metadata__"}
        for name, entry in entries.items():
            print(f"{name:40} {entry['dtype']:7} {'x'.join(map(str, entry['shape'])) or 'scalar'}")
        print(f"{len(entries)} tensors, {sum(math.prod(entry['shape']) for entry in entries.values()):,} elements, no code")
        return 0
    wanted = sorted(imports(path))
    unsafe = [name for name in wanted if name not in HARMLESS and not name.startswith("torch ") and not name.endswith("Storage")]
    for name in wanted:
        print(f"{'RUNS CODE' if name in unsafe else 'tensors  '}  {name.replace(' ', '.')}")
    print(f"{len(unsafe)} of {len(wanted)} imports are not needed for tensors" + ("; do not load this file with weights_only=False" if unsafe else ""))
    return int(bool(unsafe))


# --8<-- [start:shrink]
def shrink(source: Path, target: Path, key: str | None) -> tuple[int, int, float]:
    """Write the weights of a .pt file as bf16 safetensors; return parameters, bytes written, largest relative error."""
    import torch

    state = torch.load(source, map_location="cpu", mmap=True, weights_only=True)  # mmap: tensors are read one by one
    for part in key.split(".") if key else ():
        state = state[part]
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise Damaged(f"{source}: no tensors at the top level; name the entry that holds them with --key: {', '.join(map(str, state))[:200]}")
    entries, parts, end, error, seen = {}, [], 0, 0.0, {}
    metadata = {"format": "pt"}
    names = {torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32", torch.bool: "BOOL", torch.uint8: "U8", torch.int8: "I8"}
    for name, value in tensors.items():
        place = (value.untyped_storage().data_ptr(), value.storage_offset(), value.shape, value.stride())
        if place in seen and value.numel():
            metadata[name] = seen[place]  # tied weights: stored once, as Hugging Face does
            continue
        seen[place] = name
        small = value.to(torch.bfloat16) if value.is_floating_point() else value
        if value.is_floating_point() and value.numel():
            error = max(error, ((small.float() - value.float()).abs() / value.float().abs().clamp_min(1e-30)).max().item())
        raw = small.contiguous().reshape(-1).view(torch.uint8)
        entries[name] = {"dtype": names[small.dtype], "shape": list(small.shape), "data_offsets": [end, end + raw.numel()]}
        parts.append(raw)
        end += raw.numel()
    head = json.dumps({"__metadata__": metadata, **entries}).encode()
    head += b" " * (-len(head) % 8)
    draft = target.with_name(target.name + ".tmp")
    with open(draft, "wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for raw in parts:
            file.write(raw.numpy())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
    return sum(value.numel() for value in tensors.values()), 8 + len(head) + end, error
# --8<-- [end:shrink]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (("seal", "write the manifest of a checkpoint folder"), ("verify", "compare a folder with its manifest")):
        one = commands.add_parser(name, help=what)
        one.add_argument("path", type=Path)
        one.add_argument("--workers", type=int, default=min(8, os.cpu_count() or 1), help="files hashed at once")
    one = commands.add_parser("show", help="list what a file holds")
    one.add_argument("path", type=Path)
    one = commands.add_parser("shrink", help="weights only, in bf16")
    one.add_argument("path", type=Path, help="a .pt file")
    one.add_argument("target", type=Path, help="the .safetensors file to write")
    one.add_argument("--key", help="entry of the file that holds the weights, such as model or app.model")
    arguments = parser.parse_args()
    path: Path = arguments.path
    folder = arguments.command in ("seal", "verify")
    if not (path.is_dir() if folder else path.is_file()):
        print(f"ckpt_tool: {path} is not a {'folder' if folder else 'file'}", file=sys.stderr)
        return 2
    if folder and arguments.workers < 1:
        print("ckpt_tool: --workers must be 1 or more", file=sys.stderr)
        return 2
    try:
        if arguments.command == "seal":
            files = seal(path, arguments.workers)["files"]
            print(f"sealed {len(files)} files, {sum(file['bytes'] for file in files.values()):,} bytes")
        elif arguments.command == "verify":
            wrong = verify(path, arguments.workers)
            print("\n".join(wrong) or f"{path}: every file is as it was sealed")
            return int(bool(wrong))
        elif arguments.command == "show":
            return show(path)
        else:
            count, size, error = shrink(path, arguments.target, arguments.key)
            print(f"{count:,} parameters, {path.stat().st_size:,} -> {size:,} bytes ({path.stat().st_size / size:.1f} x smaller), largest relative rounding {error:.2%}")
    except KeyboardInterrupt:
        print("ckpt_tool: stopped; nothing was renamed into place", file=sys.stderr)
        return 1
    except ImportError:
        print("ckpt_tool: shrink needs PyTorch; install it, or run this where it is installed", file=sys.stderr)
        return 2
    except (Damaged, OSError, KeyError, ValueError, RuntimeError) as error:
        reason = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) and error.strerror else f"no entry {error} in the file" if isinstance(error, KeyError) else str(error).splitlines()[0]
        print(f"ckpt_tool: {reason}", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - torch.load raises an unpickling error of its own for unsafe files
        print(f"ckpt_tool: {type(error).__name__}: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
