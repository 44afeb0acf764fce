"""fs-watchdog.py sees space, inodes, a forecast, a failing write and a mount that does not answer."""

import argparse
import errno
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import pytest

TOOL = Path(__file__).parents[2] / "docs/training/fault-tolerance/fs-watchdog.py"


def run(*arguments, **settings) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True, timeout=60, **settings)


@pytest.fixture
def watchdog(monkeypatch):
    spec = importlib.util.spec_from_file_location("fs_watchdog", TOOL)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fs_watchdog", module)
    spec.loader.exec_module(module)
    return module


LIMITS = argparse.Namespace(warn=80, critical=92, min_free=0, forecast=12, window=2, probe=False, slow=5, timeout=0.5)


def disk(used=50, files_used=10, files=100):
    """A disk of 100 blocks of 1 GB, none of them reserved, and `files` inodes."""
    return SimpleNamespace(f_blocks=100, f_bfree=100 - used, f_bavail=100 - used, f_frsize=10**9,
                           f_files=files, f_ffree=files - files_used, f_favail=files - files_used)


@pytest.mark.parametrize("state, level, words", [
    (disk(used=50), "ok", "fine"),
    (disk(used=85), "warn", "space 85.0% used"),
    (disk(used=95), "critical", "space 95.0% used"),
    (disk(files_used=99), "critical", "inodes 99.0% used"),
    (disk(files=0, files_used=0), "ok", "fine"),
])
def test_space_and_inodes_are_judged(watchdog, monkeypatch, tmp_path, state, level, words):
    monkeypatch.setattr(watchdog.os, "statvfs", lambda path: state)
    assert watchdog.check(tmp_path, deque(), LIMITS)[:2] == (level, words)


def test_the_forecast_is_a_straight_line(watchdog):
    # 10 GB less every 600 s, 40 GB left: full in 2,400 s.
    history = [watchdog.Sample(at, 0, None, free * 10**9, 100 * 10**9) for at, free in ((0, 70), (600, 60), (1200, 50), (1800, 40))]
    assert watchdog.hours_to_full(history) == pytest.approx(2400 / 3600)
    assert watchdog.judge(history[-1], 2400 / 3600, LIMITS) == ("warn", "full in 0.7 h at this rate")
    assert watchdog.hours_to_full(list(reversed(history))[:1]) is None
    emptying = [watchdog.Sample(at, 0, None, free, 100) for at, free in ((0, 10), (600, 20), (1200, 30))]
    assert watchdog.hours_to_full(emptying) is None


def test_a_mount_that_does_not_answer_is_critical(watchdog, monkeypatch, tmp_path):
    answer = threading.Event()

    def hang(path):
        answer.wait()
        raise OSError(errno.EIO, "gone")

    monkeypatch.setattr(watchdog.os, "statvfs", hang)
    try:
        assert watchdog.check(tmp_path, deque(), LIMITS) == ("critical", "no answer in 0.5 s: the mount hangs", None)
    finally:
        answer.set()


@pytest.mark.parametrize("number, words", [(errno.EDQUOT, "over quota"), (errno.EROFS, "mounted read-only"), (errno.ESTALE, "stale file handle: mount it again")])
def test_the_probe_finds_what_statvfs_cannot_see(watchdog, monkeypatch, tmp_path, number, words):
    def refuse(handle):
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(watchdog.os, "fsync", refuse)
    limits = argparse.Namespace(**{**vars(LIMITS), "probe": True})
    assert watchdog.check(tmp_path, deque(), limits)[:2] == ("critical", words)
    assert os.listdir(tmp_path) == []


def test_once_reports_runs_the_alert_and_ends_with_1(tmp_path):
    alert = 'echo "$FS_LEVEL $FS_PATH" > "$FS_PATH/alert"'
    done = run(tmp_path, "--once", "--min-free", 1e12, "--on-alert", alert, "--json", tmp_path / "state.json")
    assert done.returncode == 1 and "CRITICAL" in done.stdout
    assert (tmp_path / "alert").read_text() == f"critical {tmp_path}\n"
    assert json.loads((tmp_path / "state.json").read_text())[str(tmp_path)]["level"] == "critical"


def test_an_alert_that_fails_does_not_stop_the_watch(tmp_path):
    done = run(tmp_path, "--once", "--min-free", 1e12, "--on-alert", "exit 3")
    assert done.returncode == 1 and "--on-alert failed" in done.stderr and "Traceback" not in done.stderr


def test_one_file_alone_watches_until_it_is_stopped(tmp_path):
    shutil.copy(TOOL, tmp_path)
    process = subprocess.Popen([sys.executable, "-S", "fs-watchdog.py", ".", "--every", "0.1", "--warn", "100", "--critical", "100", "--json", "state.json"],
                               cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 20
    while not (tmp_path / "state.json").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("arguments, words", [(["nowhere"], "does not exist"), ([".", "--warn", "95"], "--warn <= --critical"), ([".", "--every", "0"], "above 0")])
def test_wrong_usage_ends_with_2(arguments, words):
    done = run(*arguments)
    assert done.returncode == 2 and words in done.stderr
