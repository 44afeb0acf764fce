"""Do pieces of work side by side, each in a process of its own that starts from what this one has made ready.

Such a process has the libraries, the style sheet and the fonts from its first moment. It does one thing and ends without
tidying up: what it leaves to the system, Python would walk through object by object.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn

from .errors import PdfError

PR_SET_PDEATHSIG = 1


class Aside:
    """A piece of work under way in another process."""

    def __init__(self, work: Callable[..., Any], *arguments: Any):
        self.answer, theirs = Pipe()
        self.process = _fork()
        if not self.process:
            self.answer.close()
            _do(work, arguments, theirs)
        theirs.close()

    def result(self) -> Any:
        """Wait for the work and give what it gave; raise what it raised, and PdfError when its process was killed."""
        try:
            return _receive(self.answer)
        finally:
            self._wait()

    def stop(self) -> None:
        """End the work if it is still under way."""
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            self._wait()

    def _wait(self) -> None:
        self.answer.close()
        os.waitpid(self.process, 0)
        self.process = 0


class Crew:
    """Processes that do one kind of work, `jobs` pieces at a time, each piece in a process that they fork for it.

    They are forked while this process is small. To fork is to copy the tables of all pages that a process holds, and this one
    comes to hold the whole book: forked from here, each chapter of a longer book would cost more than one of a short book.
    """

    def __init__(self, work: Callable[..., Any], jobs: int):
        self.work, self.jobs = work, jobs
        self._members: dict[Connection, int] = {}

    def start(self) -> None:
        """Fork the processes, if they are not there; what this one makes ready later is not known to them."""
        while len(self._members) < self.jobs:
            ours, theirs = Pipe()
            process = _fork()
            if not process:
                for other in (ours, *self._members):
                    other.close()
                _serve(self.work, theirs)
            theirs.close()
            self._members[ours] = process

    def run(self, items: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """Do the work with each item's arguments; give None when the first are under way, then what is given as it comes.

        Raises what the work raises, and PdfError when a process was killed.
        """
        self.start()
        waiting = iter(items)
        busy = set()
        try:
            for member, item in zip(self._members, waiting, strict=False):
                busy.add(member)
                _send(member, item)
            yield None
            while busy:
                for member in wait(busy):
                    result = _receive(member)
                    if (item := next(waiting, None)) is not None:
                        _send(member, item)
                    else:
                        busy.remove(member)
                    yield result
        finally:
            if busy:
                self.stop()

    def stop(self) -> None:
        """End the processes, and what they are at."""
        while self._members:
            member, process = self._members.popitem()
            member.close()
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _fork() -> int:
    """Fork a process that ends when this one does, however that ends."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    process = os.fork()
    if not process:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.default_int_handler:
                signal.signal(number, signal.SIG_DFL)
        with contextlib.suppress(AttributeError):    # without it, as on macOS, the process ends with what it is at
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        # Layout makes millions of objects that live until the end: collecting them along the way is wasted.
        gc.disable()
    return process


def _serve(work: Callable[..., Any], theirs: Connection) -> NoReturn:
    """Fork a process for each item that comes, until one is killed or nothing can come any more."""
    with contextlib.suppress(EOFError, OSError):
        status = 0
        while not status:
            arguments = theirs.recv()
            process = _fork()
            if not process:
                _do(work, arguments, theirs)
            _, status = os.waitpid(process, 0)
    os._exit(0)


def _do(work: Callable[..., Any], arguments: tuple[Any, ...], theirs: Connection) -> NoReturn:
    """Do the work, hand over what it gives or raises, and end the process."""
    status = 1
    try:
        try:
            answer = work(*arguments), None
        except Exception as error:
            answer = None, error
        theirs.send(answer)
        status = 0
    finally:
        os._exit(status)


def _send(member: Connection, item: tuple[Any, ...]) -> None:
    """Hand over a piece of work; raise PdfError when the process that would do it was killed."""
    try:
        member.send(item)
    except OSError:
        raise _killed() from None


def _receive(answer: Connection) -> Any:
    """Wait for what a piece of work gives; raise what it raised, and PdfError when its process was killed."""
    try:
        value, error = answer.recv()
    except (EOFError, OSError):
        raise _killed() from None
    if error is not None:
        raise error
    return value


def _killed() -> PdfError:
    return PdfError("a process that lays chapters out was killed", "memory of this machine", "close other programs, or use --jobs 1")
