#!/usr/bin/env python3
"""Expand and compress Slurm node lists, take nodes away, write host files. Needs no Slurm and no package.

    python nodelist.py expand 'node[01-03,07],gpu5'
    python nodelist.py hostfile 'node[1-2]' --slots 8

A list is names separated by commas; a pair of brackets holds numbers and ranges, with leading zeros kept:
node[08-11] is node08, node09, node10, node11. Several pairs multiply: r[1-2]n[1-2] is four nodes. This is
what Slurm prints in SLURM_JOB_NODELIST and takes after --nodelist and --exclude; that variable is used when
no list is given. Exit code 0: done; 1: the file of --json cannot be written; 2: not a node list.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator

MOST = 65536                      # names; a slip such as [1-99999999] should end with a message, not with the memory
NAME = re.compile(r"[A-Za-z0-9_.-]+")
RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")
DIGITS = tuple("0123456789")     # str.isdigit and \d also take the digits of other scripts
BRACKETS = re.compile(r"\[([^\[\]]*)\]")


# --8<-- [start:expand]
def split_list(text: str) -> list[str]:
    """Split at the commas that stand outside brackets; raises ValueError if a bracket has no partner."""
    parts, depth, start = [], 0, 0
    for i, character in enumerate(text):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if depth not in (0, 1):
            raise ValueError(f"brackets do not match in {text!r}")
        if character == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    if depth:
        raise ValueError(f"brackets do not match in {text!r}")
    return [part.strip() for part in [*parts, text[start:]]]


def numbers(text: str) -> Iterator[str]:
    """Yield the numbers of one pair of brackets, `08-11,20` as 08 09 10 11 20; raises ValueError."""
    for part in text.split(","):
        match = RANGE.fullmatch(part)
        if not match:
            raise ValueError(f"[{text}] should hold numbers and ranges such as 1-4,7")
        low, high = match[1], match[2] or match[1]
        if int(high) < int(low) or int(high) - int(low) >= MOST:
            raise ValueError(f"range {part} runs backwards or is longer than {MOST}")
        yield from (str(number).zfill(len(low)) for number in range(int(low), int(high) + 1))


def expand(text: str) -> list[str]:
    """Return the names of a node list, in its order, repeated names repeated; raises ValueError."""
    names: list[str] = []
    for part in split_list(text) if text.strip() else []:
        pieces = BRACKETS.split(part)              # words and bracket contents in turn
        choices = [list(numbers(piece)) if i % 2 else [piece] for i, piece in enumerate(pieces)]
        for combination in itertools.product(*choices):
            name = "".join(combination)
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a node name")
            names.append(name)
            if len(names) > MOST:
                raise ValueError(f"more than {MOST} names")
    return names
# --8<-- [end:expand]


def natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key that puts node2 before node10."""
    return [(1, int(piece), piece) if piece[:1] in DIGITS else (0, 0, piece) for piece in re.split(r"([0-9]+)", name) if piece]


def compress(names: Iterable[str]) -> str:
    """Return the shortest list with one pair of brackets a family of names; sorted, each name once."""
    families: dict[tuple[str, str, int], list[int]] = {}
    for name in sorted(set(names), key=natural):
        match = re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", name)     # the last number counts, as in rack3-node17
        if not match:
            families[(name, "", -1)] = []
            continue
        # Numbers with leading zeros are a family by width; without, 9 and 10 belong together.
        width = len(match[2]) if match[2].startswith("0") and len(match[2]) > 1 else 0
        families.setdefault((match[1], match[3], width), []).append(int(match[2]))
    join_padded(families)
    return ",".join(render(*family, found) for family, found in families.items())


def join_padded(families: dict[tuple[str, str, int], list[int]]) -> None:
    """Put node10 into the family of node08 and node09: it has their width, though no leading zero."""
    for (prefix, suffix, width), found in families.items():
        if width <= 0:
            continue
        plain = families.get((prefix, suffix, 0), [])
        same = [number for number in plain if len(str(number)) == width]
        found[:] = sorted({*found, *same})
        plain[:] = [number for number in plain if number not in same]
    for family in [family for family, found in families.items() if not found and family[2] == 0]:
        del families[family]


def render(prefix: str, suffix: str, width: int, found: list[int]) -> str:
    """Write one family as text."""
    if not found:
        return prefix
    runs: list[list[int]] = []
    for number in found:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [str(a).zfill(width) if a == b else f"{str(a).zfill(width)}-{str(b).zfill(width)}" for a, b in runs]
    body = texts[0] if len(texts) == 1 and "-" not in texts[0] else f"[{','.join(texts)}]"
    return f"{prefix}{body}{suffix}"


def host_file(names: list[str], slots: int, style: str) -> list[str]:
    """Return the lines of a host file: `slots` for DeepSpeed and Open MPI, `colon` for MPICH and Horovod, or `plain`."""
    form = {"slots": "{} slots={}", "colon": "{}:{}", "plain": "{}"}[style]
    return [form.format(name, slots) for name in dict.fromkeys(names)]


def default_slots() -> int | None:
    """Ranks a node as Slurm told this job: GPUs of the node, else tasks a node."""
    text = os.environ.get("SLURM_GPUS_ON_NODE") or os.environ.get("SLURM_NTASKS_PER_NODE") or ""
    return int(text) if text.isdigit() else None


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["expand", "compress", "count", "hostfile"])
    parser.add_argument("list", nargs="*", help="node lists or names; - reads them from standard input; default $SLURM_JOB_NODELIST")
    parser.add_argument("--minus", default="", metavar="LIST", help="nodes to take away")
    parser.add_argument("--slots", type=int, help="ranks a node in a host file; default from Slurm's variables")
    parser.add_argument("--style", choices=["slots", "colon", "plain"], default="slots", help="form of a host file")
    parser.add_argument("--json", metavar="FILE", help="also write {names, list, count} there")
    options = parser.parse_args(argv)
    given = options.list or [os.environ.get("SLURM_JOB_NODELIST", "")]
    try:
        texts = sys.stdin.read().split() if given == ["-"] else given
        gone = set(expand(options.minus))
        names = [name for text in texts for name in expand(text) if name not in gone]
    except ValueError as error:
        parser.exit(2, f"nodelist.py: {error}\n")
    if not any(texts):
        parser.exit(2, "nodelist.py: no node list given, and SLURM_JOB_NODELIST is not set\n")
    slots = options.slots if options.slots is not None else default_slots()
    if options.command == "hostfile" and options.style != "plain" and (slots is None or slots < 1):
        parser.exit(2, "nodelist.py: say how many ranks run on a node, for example --slots 8\n")
    lines = {"expand": lambda: names, "compress": lambda: [compress(names)], "count": lambda: [str(len(set(names)))],
             "hostfile": lambda: host_file(names, slots or 1, options.style)}[options.command]()
    try:
        print("\n".join(lines), flush=True)
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump({"names": names, "list": compress(names), "count": len(set(names))}, file, indent=1)
    except BrokenPipeError:               # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"nodelist.py: cannot write {options.json or 'the output'}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
