#!/usr/bin/env python3
"""Warn before a file system runs out of space or inodes, turns read-only, or stops answering.

Python 3.11 or later, standard library only. Examples that work as they stand:

    python fs-watchdog.py /tmp --once
    python fs-watchdog.py /tmp . --once --probe --warn 85 --critical 95

Use is what `df` shows: used / (used + available to you), in per cent, for bytes and for inodes. The forecast is
a straight line through the samples of the last --window hours. --probe writes 1 MiB and flushes it, which also
finds what statvfs cannot see: a quota, a read-only mount, a full storage target behind a half-empty total.

A level change prints one line and runs --on-alert (a shell command that finds FS_PATH, FS_LEVEL and FS_MESSAGE in
its environment). Exit codes: with --once 0 when all is well and 1 when not; else 0 when stopped; 2 wrong usage.
"""

import argparse
import errno
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

LEVELS = ("ok", "warn", "critical")
PROBE_BYTES = 1 << 20


@dataclass
class Sample:
    """Use of one file system at one time; per cent, bytes, seconds; inodes_pct is None where inodes are unlimited."""

    at: float
    space_pct: float
    inodes_pct: float | None
    free_bytes: int
    total_bytes: int
    probe_s: float | None = None


def read(path: Path, probe: bool) -> Sample:
    """Return one sample; raise OSError as the file system does."""
    space = os.statvfs(path)
    used = (space.f_blocks - space.f_bfree) * space.f_frsize
    free = space.f_bavail * space.f_frsize
    inodes = None
    if space.f_files:  # btrfs and some network file systems have no limit and say 0
        inodes = 100 * (space.f_files - space.f_ffree) / max(1, space.f_files - space.f_ffree + space.f_favail)
    sample = Sample(time.time(), 100 * used / max(1, used + free), inodes, free, used + free)
    if probe:
        begin = time.monotonic()
        with tempfile.NamedTemporaryFile(prefix=".fs-watchdog-", dir=path) as file:
            file.write(os.urandom(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
        sample.probe_s = time.monotonic() - begin
    return sample


# --8<-- [start:forecast]
def hours_to_full(history: list[Sample]) -> float | None:
    """Return hours until no space is left if use grows as in the history; None where it does not grow."""
    if len(history) < 3 or history[-1].at - history[0].at < 60:
        return None
    mean_t = sum(one.at for one in history) / len(history)
    mean_f = sum(one.free_bytes for one in history) / len(history)
    spread = sum((one.at - mean_t) ** 2 for one in history)
    slope = sum((one.at - mean_t) * (one.free_bytes - mean_f) for one in history) / spread  # B/s, negative while filling
    return history[-1].free_bytes / -slope / 3600 if slope < 0 else None
# --8<-- [end:forecast]


def judge(sample: Sample, hours: float | None, limits: argparse.Namespace) -> tuple[str, str]:
    """Return level and words for one sample."""
    reasons = []
    for name, value in (("space", sample.space_pct), ("inodes", sample.inodes_pct)):
        if value is not None and value >= limits.warn:
            reasons.append(("critical" if value >= limits.critical else "warn", f"{name} {value:.1f}% used"))
    if limits.min_free and sample.free_bytes < limits.min_free * 1e9:
        reasons.append(("critical", f"{sample.free_bytes / 1e9:.1f} GB free, less than {limits.min_free:g}"))
    if hours is not None and hours < limits.forecast:
        reasons.append(("warn", f"full in {hours:.1f} h at this rate"))
    if sample.probe_s is not None and sample.probe_s > limits.slow:
        reasons.append(("warn", f"writing 1 MiB took {sample.probe_s:.1f} s"))
    level = max((level for level, _ in reasons), key=LEVELS.index, default="ok")
    return level, ", ".join(words for _, words in reasons) or "fine"


def check(path: Path, history: deque, limits: argparse.Namespace) -> tuple[str, str, Sample | None]:
    """Sample a path within --timeout; return level, words and the sample, None where there is none."""
    box: list = []

    def worker() -> None:
        try:
            box.append(read(path, limits.probe))
        except OSError as error:
            box.append(error)

    thread = threading.Thread(target=worker, daemon=True)  # a dead server blocks the call for ever
    thread.start()
    thread.join(limits.timeout)
    if not box:
        return "critical", f"no answer in {limits.timeout:g} s: the mount hangs", None
    if isinstance(box[0], OSError):
        hints = {errno.EDQUOT: "over quota", errno.EROFS: "mounted read-only", errno.ENOSPC: "no space for 1 MiB",
                 errno.ESTALE: "stale file handle: mount it again"}
        return "critical", hints.get(box[0].errno, box[0].strerror or str(box[0])), None
    sample = box[0]
    while history and sample.at - history[0].at > limits.window * 3600:
        history.popleft()
    history.append(sample)
    return *judge(sample, hours_to_full(list(history)), limits), sample


def alert(command: str, path: Path, level: str, words: str) -> None:
    """Run the user's command; one that fails or hangs is reported and does not stop the watch."""
    environment = {**os.environ, "FS_PATH": str(path), "FS_LEVEL": level, "FS_MESSAGE": words}
    try:
        subprocess.run(command, shell=True, env=environment, timeout=60, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"fs-watchdog: --on-alert failed: {error}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, help="any folder on each file system to watch")
    parser.add_argument("--warn", type=float, default=80, help="per cent of space or inodes (default 80)")
    parser.add_argument("--critical", type=float, default=92, help="per cent of space or inodes (default 92)")
    parser.add_argument("--min-free", type=float, default=0, help="GB that must stay free: two checkpoints are a good value")
    parser.add_argument("--forecast", type=float, default=12, help="warn when full within so many hours (default 12)")
    parser.add_argument("--window", type=float, default=2, help="hours of samples that the forecast looks at (default 2)")
    parser.add_argument("--probe", action="store_true", help="also write and flush 1 MiB")
    parser.add_argument("--slow", type=float, default=5, help="seconds that the probe may take (default 5)")
    parser.add_argument("--timeout", type=float, default=20, help="seconds before a mount counts as hung (default 20)")
    parser.add_argument("--every", type=float, default=60, help="seconds between checks (default 60)")
    parser.add_argument("--once", action="store_true", help="check once and end")
    parser.add_argument("--on-alert", help="shell command to run when a level changes")
    parser.add_argument("--json", type=Path, help="also write the newest state to this file")
    limits = parser.parse_args()
    if not 0 < limits.warn <= limits.critical <= 100 or min(limits.every, limits.timeout, limits.window) <= 0:
        print("fs-watchdog: use 0 < --warn <= --critical <= 100, and times above 0", file=sys.stderr)
        return 2
    if missing := [path for path in limits.paths if not os.path.lexists(path)]:
        print(f"fs-watchdog: {missing[0]} does not exist; name a folder on the file system", file=sys.stderr)
        return 2
    histories = {path: deque() for path in limits.paths}
    before: dict[Path, str] = {}
    levels: list[str] = []
    try:
        while True:
            levels, state = [], {}
            for path in limits.paths:
                level, words, sample = check(path, histories[path], limits)
                levels.append(level)
                state[str(path)] = {"level": level, "message": words, **(asdict(sample) if sample else {})}
                if limits.once or before.get(path, "ok") != level:
                    free = f"{sample.free_bytes / 1e9:.1f} of {sample.total_bytes / 1e9:.1f} GB free" if sample else "no figures"
                    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {platform.node()} {level.upper():8} {path}: {words} ({free})", flush=True)
                if before.get(path, "ok") != level and limits.on_alert:
                    alert(limits.on_alert, path, level, words)
                before[path] = level
            if limits.json:
                try:  # a whole file or the old one: a reader never sees half
                    fresh = limits.json.with_name(limits.json.name + ".new")
                    fresh.write_text(json.dumps(state, indent=1) + "\n", "utf-8")
                    fresh.replace(limits.json)
                except OSError as error:
                    print(f"fs-watchdog: cannot write {limits.json}: {error.strerror}", file=sys.stderr)
            if limits.once:
                break
            time.sleep(limits.every)
    except KeyboardInterrupt:
        return 0
    sys.stdout.flush()
    os._exit(int(any(level != "ok" for level in levels)))  # also when a check still waits for a dead server


if __name__ == "__main__":
    sys.exit(main())
