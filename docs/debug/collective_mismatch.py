#!/usr/bin/env python3
"""Record the collectives that each rank calls, and name the first call in which the ranks differ.

record  runs a training script and writes DIR/rank_N.jsonl: a line before each call of torch.distributed, with the
        operation, process group, shapes, dtype and the line of your code, and a line when it returns. Every line is
        flushed, so a rank that hangs or is killed leaves its last call behind. Calls made in C++, such as DDP's
        gradient buckets, do not pass through Python: for those read the flight recorder.
compare reads such a folder, or the dumps of PyTorch's flight recorder (one file a rank, pickle or JSON), and compares
        the calls of all ranks per process group, in order. Needs no torch, so it runs on a login node.

Exit status: 0 the ranks agree; 1 they differ (the first difference is printed), or the recorded script failed; 2 wrong usage.
"""

import argparse
import functools
import io
import json
import os
import pickle
import re
import runpy
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = """examples:
  torchrun --nproc-per-node 2 collective_mismatch.py record calls hang_mismatch.py
  python collective_mismatch.py compare calls
"""
# Operations whose tensors must have one size on every rank; for the others, such as all_to_all, sizes may differ.
SAME_SIZE = {"all_reduce", "allreduce", "broadcast", "reduce", "all_gather_into_tensor", "_all_gather_base", "reduce_scatter_tensor",
             "_reduce_scatter_base"}
RECORDED = ["all_gather", "all_gather_into_tensor", "all_gather_object", "all_reduce", "all_to_all", "all_to_all_single", "barrier",
            "broadcast", "broadcast_object_list", "gather", "gather_object", "monitored_barrier", "new_group", "reduce",
            "reduce_scatter", "reduce_scatter_tensor", "scatter", "scatter_object_list"]


@dataclass(frozen=True)
class Call:
    """One call of a collective on one rank."""

    op: str
    shapes: str
    dtype: str
    site: str
    returned: bool
    members: str = ""

    def differs_from(self, other: "Call") -> str:
        """Return in what this call cannot match the other ('' if it can)."""
        if self.op != other.op:
            return "operation"
        if self.members != other.members:
            return "members of the group"
        if self.op in SAME_SIZE and self.shapes != other.shapes:
            return "shape"
        if self.op in SAME_SIZE and self.dtype != other.dtype:
            return "dtype"
        return ""


# --8<-- [start:compare]
def first_difference(calls: dict[int, dict[str, list[Call]]]) -> tuple[str, int, str] | None:
    """Return (group, number of the call, in what the ranks differ) for the first call that not all ranks share.

    Calls are matched by their place in the sequence of their group, because that is all a communication library
    has: the third collective of one rank meets the third of every other, whatever they are.
    """
    groups = sorted({group for by_group in calls.values() for group in by_group})
    for group in groups:
        ranks = [rank for rank in calls if group in calls[rank]]
        members = {rank for rank in ranks for m in [calls[rank][group][0].members] for rank in parse_ranks(m)} or set(ranks)
        longest = max(len(calls[rank][group]) for rank in ranks)
        for i in range(longest):
            here = {rank: calls[rank][group][i] for rank in ranks if i < len(calls[rank][group])}
            absent = sorted((members & set(calls)) - set(here))
            if absent:
                return group, i, f"rank {', '.join(map(str, absent))} never made this call"
            first, *rest = here.values()
            for other in rest:
                if first.differs_from(other):
                    return group, i, f"{first.differs_from(other)} differs"
    return None
# --8<-- [end:compare]


def parse_ranks(members: str) -> list[int]:
    """Read the ranks out of '[0, 1]'."""
    return [int(number) for number in re.findall(r"\d+", members)]


# ---------------------------------------------------------------- record

def describe(value) -> tuple[list, str]:
    """Return the shapes and the first dtype of the tensors in a value, lists of tensors included."""
    import torch
    if isinstance(value, torch.Tensor):
        return [list(value.shape)], str(value.dtype).removeprefix("torch.")
    if isinstance(value, (list, tuple)):
        parts = [describe(item) for item in value]
        return [shape for shapes, _ in parts for shape in shapes], next((dtype for _, dtype in parts if dtype), "")
    return [], ""


def caller() -> str:
    """Return 'file:line in function' of the nearest frame outside torch and this file."""
    for frame in reversed(traceback.extract_stack()[:-2]):
        if frame.filename != __file__ and f"{os.sep}torch{os.sep}" not in frame.filename:
            return f"{os.path.basename(frame.filename)}:{frame.lineno} in {frame.name}"
    return "?"


def install(folder: Path, rank: int) -> None:
    """Wrap the collectives of torch.distributed so that each call is written to folder/rank_N.jsonl before it starts."""
    import torch.distributed as dist
    log = open(folder / f"rank_{rank}.jsonl", "w", encoding="utf-8", buffering=1)     # one flushed line at a time
    count, inside = 0, False

    def write(entry: dict) -> None:
        nonlocal log
        try:
            if log:
                log.write(json.dumps(entry) + "\n")
        except OSError as error:             # a full disk must not stop the training
            print(f"rank {rank}: recording ends, {error.strerror}", file=sys.stderr)
            log = None

    def wrap(name: str, function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            nonlocal count, inside
            if inside:                       # barrier() or all_gather_object() calling another collective: one entry is enough
                return function(*args, **kwargs)
            group = kwargs.get("group") or next((a for a in args if isinstance(a, dist.ProcessGroup)), None)
            shapes, dtype = describe(args)
            members = dist.get_process_group_ranks(group or dist.group.WORLD)
            number, count, inside = count, count + 1, True
            write({"n": number, "op": name, "group": (group or dist.group.WORLD).group_name, "members": members,
                   "shapes": shapes, "dtype": dtype, "site": caller()})
            try:
                result = function(*args, **kwargs)
            finally:
                inside = False
            write({"returned": number})
            return result
        return wrapped

    for name in RECORDED:
        setattr(dist, name, wrap(name, getattr(dist, name)))


def record(folder: str, script: str, arguments: list[str]) -> int:
    """Run the script as __main__ with recording on; return 1 when it fails."""
    rank = os.environ.get("RANK")
    if rank is None or not rank.isdigit():
        print("RANK is not set: start record with torchrun or srun (--help)", file=sys.stderr)
        return 2
    if not os.path.isfile(script):
        print(f"no script {script}", file=sys.stderr)
        return 2
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        install(Path(folder), int(rank))
    except ImportError:
        print("record needs torch: activate the environment that your training uses", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"rank {rank}: cannot write in {folder}: {error.strerror}", file=sys.stderr)
        return 2
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    runpy.run_path(script, run_name="__main__")      # its own exit status and traceback are the caller's business
    return 0


# ---------------------------------------------------------------- compare

class PlainUnpickler(pickle.Unpickler):
    """A pickle reader that builds lists, dicts, strings and numbers only: a dump can then not run code."""

    def find_class(self, module, name):
        """Refuse every class and function."""
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}: not a flight recorder dump")


def read_recording(text: str) -> dict[str, list[Call]]:
    """Read one rank_N.jsonl; a last line cut off by a kill is left out."""
    entries, returned = [], set()
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        returned.add(entry["returned"]) if "returned" in entry else entries.append(entry)
    calls: dict[str, list[Call]] = {}
    for e in entries:
        calls.setdefault(e["group"], []).append(
            Call(e["op"], str(e["shapes"]), e["dtype"], e["site"], e["n"] in returned, str(e["members"])))
    return calls


def read_flight_recorder(dump: dict) -> dict[str, list[Call]]:
    """Read one rank's flight recorder dump: collectives in the order of their sequence number."""
    calls: dict[str, list[Call]] = {}
    for e in sorted(dump.get("entries", []), key=lambda e: e["record_id"]):
        if e.get("is_p2p"):
            continue
        frames = [f for f in e.get("frames", []) if f"{os.sep}torch{os.sep}" not in f["filename"]]
        site = f"{os.path.basename(frames[0]['filename'])}:{frames[0]['line']} in {frames[0]['name']}" if frames else "line not recorded"
        calls.setdefault(str(e["process_group"][0]), []).append(
            Call(e["profiling_name"].split(":")[-1], str(e["input_sizes"]), str((e.get("input_dtypes") or [""])[0]), site,
                 bool(e.get("retired")) or e.get("state") == "completed"))
    return calls


def read_folder(folder: Path) -> dict[int, dict[str, list[Call]]]:
    """Read all ranks in a folder: rank_N.jsonl, or flight recorder dumps whose names end in the rank."""
    calls = {}
    for path in sorted(folder.iterdir()):
        found = re.search(r"(\d+)(\.jsonl|\.json|\.pickle|\.pkl)?$", path.name)
        if not found or not path.is_file():
            continue
        data = path.read_bytes()
        if path.suffix == ".jsonl":
            calls[int(found[1])] = read_recording(data.decode("utf-8", "replace"))
        else:
            dump = json.loads(data) if data[:1] == b"{" else PlainUnpickler(io.BytesIO(data)).load()
            calls[int(found[1])] = read_flight_recorder(dump)
    return calls


def compare(folder: str, output: str | None) -> int:
    """Compare the ranks in a folder, print the first difference with every rank's call, and return the exit status."""
    try:
        calls = read_folder(Path(folder))
    except OSError as error:
        print(f"cannot read {folder}: {error.strerror}", file=sys.stderr)
        return 2
    except (ValueError, KeyError, pickle.UnpicklingError, EOFError) as error:
        print(f"a file in {folder} is neither a recording nor a flight recorder dump: {error}", file=sys.stderr)
        return 2
    if len(calls) < 2:
        print(f"{folder} holds {len(calls)} rank(s): collect the files of all ranks first", file=sys.stderr)
        return 2
    for rank, groups in sorted(calls.items()):
        waiting = [call for group in groups.values() for call in group[-1:] if not call.returned]
        print(f"rank {rank}: {sum(map(len, groups.values()))} calls" + "".join(f", still in {c.op} at {c.site}" for c in waiting))
    found = first_difference(calls)
    if found:
        group, i, why = found
        print(f"FIRST DIFFERENCE: call {i + 1} of group {group}: {why}")
        for rank in sorted(calls):
            sequence = calls[rank].get(group, [])
            if i < len(sequence):
                call = sequence[i]
                print(f"  rank {rank}: {call.op} {call.shapes} {call.dtype} at {call.site}")
            else:
                print(f"  rank {rank}: nothing" + (f"; its last call is {sequence[-1].op} at {sequence[-1].site}" if sequence else ""))
    else:
        print("all ranks made the same calls in the same order")
    if output:
        try:
            Path(output).write_text(json.dumps({"agree": not found, "difference": found}), "utf-8")
        except OSError as error:
            print(f"cannot write {output}: {error.strerror}", file=sys.stderr)
            return 2
    return 1 if found else 0


def main() -> int:
    """Read the command line and record or compare."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    recording = actions.add_parser("record", help="run a script and record its collectives (start it with torchrun or srun)")
    recording.add_argument("folder")
    recording.add_argument("script")
    recording.add_argument("arguments", nargs=argparse.REMAINDER)
    comparing = actions.add_parser("compare", help="compare the ranks in a folder")
    comparing.add_argument("folder")
    comparing.add_argument("--json", metavar="FILE", help="write the verdict here")
    args = parser.parse_args()
    return record(args.folder, args.script, args.arguments) if args.action == "record" else compare(args.folder, args.json)


if __name__ == "__main__":
    sys.exit(main())
