#!/usr/bin/env python3
"""Delete old checkpoints by a rule, and never the one that a restart needs.

Python 3.11 or later, standard library only. Nothing is deleted without --delete. Examples:

    python ckpt_gc.py /tmp --last 3 --every 10000
    python ckpt_gc.py /tmp --last 3 --every 10000 --delete

A checkpoint is a folder whose name ends in its step: step_1200, global_step1200, iter_0001200, checkpoint-1200.
It is complete when it holds one of the marker files (--marker; by default what the common writers leave last).
Kept are: the newest --last complete ones, every complete one whose step is a multiple of --every, the one that
a file or link named `latest` points to, any that holds a file named KEEP, and incomplete ones younger than
--grace hours, because one of them is being written now. A folder is renamed before it is removed, so a run that
starts meanwhile never sees half a checkpoint.

Exit codes: 0 done, 1 something could not be deleted or there is no complete checkpoint, 2 wrong usage.
"""

import argparse
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(r"^(?:step|global_step|iter|checkpoint|epoch)[-_]?0*(\d+)$")
MARKERS = (".metadata", "manifest.json", "metadata.json", "COMPLETE", "trainer_state.json")


@dataclass(frozen=True)
class Checkpoint:
    """A folder with its step, its size in bytes, its age in hours and whether it is complete."""

    path: Path
    step: int
    size: int
    age_h: float
    complete: bool


def find(folder: Path, markers: tuple[str, ...], now: float) -> list[Checkpoint]:
    """Return the checkpoints in a folder, oldest step first; sizes count every file below them."""
    found = []
    for path in folder.iterdir():
        match = NAME.match(path.name)
        if match and path.is_dir() and not path.is_symlink():
            files = [file.stat() for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
            newest = max([path.stat().st_mtime, *(file.st_mtime for file in files)])
            found.append(Checkpoint(path, int(match[1]), sum(file.st_size for file in files), (now - newest) / 3600,
                                    any((path / marker).exists() for marker in markers)))
    return sorted(found, key=lambda item: item.step)


def latest_name(folder: Path) -> str | None:
    """Return the folder name that `latest` names, as a link or as text, or None."""
    latest = folder / "latest"
    if latest.is_symlink():
        return Path(os.readlink(latest)).name
    return latest.read_text("utf-8").strip() if latest.is_file() else None


# --8<-- [start:plan]
def plan(found: list[Checkpoint], last: int, every: int, latest: str | None, grace_h: float) -> list[tuple[Checkpoint, str]]:
    """Return each checkpoint with the reason to keep it; an empty reason means that it may go."""
    newest = {item.step for item in [item for item in found if item.complete][-last:]}
    chosen = []
    for item in found:
        if item.path.name == latest:
            reason = "latest points to it"
        elif (item.path / "KEEP").exists():
            reason = "holds KEEP"
        elif not item.complete:
            reason = "may be being written" if item.age_h < grace_h else ""
        elif item.step in newest:
            reason = f"among the newest {last}"
        elif every and item.step % every == 0:
            reason = f"multiple of {every}"
        else:
            reason = ""
        chosen.append((item, reason))
    return chosen
# --8<-- [end:plan]


def remove(path: Path) -> None:
    """Take a checkpoint out of sight at once, then remove it; raise OSError."""
    hidden = path.with_name(f".deleted-{path.name}-{os.getpid()}")
    path.rename(hidden)
    shutil.rmtree(hidden)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder that holds the checkpoints of one run")
    parser.add_argument("--last", type=int, default=3, help="newest complete ones to keep (default 3)")
    parser.add_argument("--every", type=int, default=0, help="also keep every multiple of this step (default 0: none)")
    parser.add_argument("--grace", type=float, default=6, help="hours before an incomplete one counts as debris (default 6)")
    parser.add_argument("--marker", action="append", help="file that only a complete checkpoint holds; may be given again")
    parser.add_argument("--delete", action="store_true", help="really delete; without it the plan is only shown")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        print(f"ckpt_gc: {arguments.folder} is not a folder; name the one that holds the checkpoints", file=sys.stderr)
        return 2
    if arguments.last < 1 or arguments.every < 0:
        print("ckpt_gc: --last must be 1 or more and --every 0 or more", file=sys.stderr)
        return 2
    try:
        found = find(arguments.folder, tuple(arguments.marker or MARKERS), time.time())
        chosen = plan(found, arguments.last, arguments.every, latest_name(arguments.folder), arguments.grace)
    except OSError as error:
        print(f"ckpt_gc: cannot read {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    for item, reason in chosen:
        state = "" if item.complete else "incomplete, "
        print(f"{'keep  ' if reason else 'delete'}  {item.path.name:22} {item.size / 1e9:10.3f} GB  {state}{reason or 'no rule keeps it'}")
    if not any(item.complete for item in found):
        print(f"ckpt_gc: no complete checkpoint in {arguments.folder}; nothing is deleted. If yours end with another file, name it with --marker.", file=sys.stderr)
        return 1
    doomed = [item for item, reason in chosen if not reason]
    failed = 0
    if arguments.delete:
        for item in doomed:
            try:
                remove(item.path)
            except KeyboardInterrupt:
                print("ckpt_gc: stopped; what was renamed to .deleted-* may be removed by hand.", file=sys.stderr)
                return 1
            except OSError as error:
                failed += 1
                print(f"ckpt_gc: cannot delete {item.path}: {error.strerror}", file=sys.stderr)
    freed = sum(item.size for item in doomed) / 1e9
    print(f"{len(doomed) - failed} of {len(found)} {'deleted' if arguments.delete else 'would go (add --delete)'}, {freed:.3f} GB")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
