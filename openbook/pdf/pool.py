"""Do pieces of work side by side, each in a process of its own that is forked from this one.

A forked process starts with the libraries, the style sheet and the fonts that this one has made ready. It does one thing and
ends without tidying up: what it leaves to the system, Python would walk through object by object.
"""

from __future__ import annotations

import gc
import itertools
import os
import pickle
import select
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .errors import PdfError


class Aside:
    """A piece of work under way in another process."""

    def __init__(self, work: Callable[..., Any], *arguments: Any):
        sys.stdout.flush()
        sys.stderr.flush()
        self.answer, write = os.pipe()
        self.process = os.fork()
        if not self.process:
            os.close(self.answer)
            _run(work, arguments, write)
        os.close(write)

    def fileno(self) -> int:
        """Give the descriptor that can be read when the work is done."""
        return self.answer

    def result(self) -> Any:
        """Wait for the work and give what it gave; raise what it raised, and PdfError when its process was killed."""
        with os.fdopen(self.answer, "rb") as answer:
            data = answer.read()
        _, status = os.waitpid(self.process, 0)
        self.process = 0
        if status or not data:
            raise PdfError("a process that lays chapters out was killed", "memory of this machine",
                           "close other programs, or use --jobs 1")
        value, error = pickle.loads(data)
        if error is not None:
            raise error
        return value

    def stop(self) -> None:
        """End the work if it is still under way."""
        if self.process:
            os.close(self.answer)
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)


def _run(work: Callable[..., Any], arguments: tuple[Any, ...], write: int) -> None:
    """Do the work in the forked process, hand over what it gives or raises, and end the process."""
    status = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.default_int_handler:
                signal.signal(number, signal.SIG_DFL)
        # Layout makes millions of objects that live until the end: collecting them along the way is wasted.
        gc.disable()
        try:
            answer = work(*arguments), None
        except Exception as error:
            answer = None, error
        with os.fdopen(write, "wb") as stream:
            stream.write(pickle.dumps(answer))
        status = 0
    finally:
        os._exit(status)


def side_by_side(work: Callable[..., Any], items: Iterable[tuple[Any, ...]], jobs: int) -> Iterator[Any]:
    """Call `work` with each item's arguments, `jobs` at a time; give None when the first are under way, then the results as they come.

    No process outlives the iterator.
    """
    waiting, running = iter(items), []
    try:
        running += [Aside(work, *item) for item in itertools.islice(waiting, jobs)]
        yield None
        while True:
            while len(running) < jobs and (item := next(waiting, None)) is not None:
                running.append(Aside(work, *item))
            if not running:
                return
            for done in select.select(running, [], [])[0]:
                running.remove(done)
                yield done.result()
    finally:
        for left in running:
            left.stop()
