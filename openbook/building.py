"""One build at a time changes a site, and one that is killed at any moment leaves a whole site in place.

A new site is made in .cache beside the site and takes its place at once. Whoever changes the site, or reads it for
minutes as the PDF step does, holds a lock meanwhile; the system takes it back from a process that dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

AT_FDCWD, RENAME_EXCHANGE = -100, 2


@dataclass(frozen=True)
class Place:
    """A site and the folders beside it; `lock` is the descriptor that a process must inherit to be part of the build."""

    site: Path
    lock: int | None = None

    @property
    def cache(self) -> Path:
        return self.site.parent / ".cache"

    @property
    def fresh(self) -> Path:
        """Where a new site is made, and where a last one is taken apart."""
        return self.cache / "site-new"

    @property
    def last(self) -> Path:
        """Where the last site is while the new one takes its place, if the system cannot exchange two folders at once."""
        return self.cache / "site-old"

    @property
    def inherited(self) -> tuple[int, ...]:
        return () if self.lock is None else (self.lock,)

    def held(self) -> bool:
        """Say whether this build still has the folder for itself: `make clean` takes the lock away with all the rest."""
        try:
            return self.lock is None or os.path.samestat(os.fstat(self.lock), (self.cache / "lock").stat())
        except OSError:
            return False

    def put(self) -> None:
        """Make the fresh folder the site, and remove the last one; raise OSError and leave the last one if that fails."""
        if not self.site.exists():
            self.fresh.rename(self.site)
        elif not exchanged(self.fresh, self.site):
            self.site.rename(self.last)
            try:
                self.fresh.rename(self.site)
            except OSError:
                self.last.rename(self.site)
                raise
            self.last.rename(self.fresh)
        shutil.rmtree(self.fresh, ignore_errors=True)

    def mend(self) -> None:
        """Undo what a killed build left half done: bring back a site that had been moved aside."""
        if not self.last.is_dir():
            return
        if self.site.exists():
            shutil.rmtree(self.fresh, ignore_errors=True)
        # Under its own name it would pass for a whole site while it is being removed.
        self.last.rename(self.fresh if self.site.exists() else self.site)


@contextlib.contextmanager
def building(site: Path) -> Iterator[Place]:
    """Have a site for oneself; wait, and say so, while another build has it. It is in place again if a killed build had moved it.

    Without a folder .cache that can be written to, or on a file system without locks, nothing is locked.
    """
    site = Path(os.path.abspath(site))
    lock = _open(Place(site).cache / "lock", make=site.is_dir())
    try:
        if lock is not None:
            _wait_for(lock)
        place = Place(site, lock)
        with contextlib.suppress(OSError):
            place.mend()
        yield place
    finally:
        if lock is not None:
            os.close(lock)


def _open(path: Path, make: bool) -> int | None:
    try:
        if make:
            path.parent.mkdir(exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return None


def _wait_for(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another build of this book is under way: waiting until it ends ...", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:
        return    # a file system without locks


def exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, without a moment in which either is missing; return False where that cannot be done."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)    # Linux with glibc 2.28 or newer; not every file system
    return rename is not None and rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0


def behave_as_command() -> None:
    """End on SIGTERM and a closed terminal as on Ctrl-C, child processes too; print what the terminal lacks as question marks."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:    # under nohup a closed terminal is ignored
            signal.signal(number, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let a signal that would end this process come to it only at the end of the block."""
    came: list[int] = []
    held = {number: handler for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if callable(handler := signal.getsignal(number))}
    for number in held:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)
