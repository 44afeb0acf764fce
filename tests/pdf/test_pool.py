"""Pieces of work in processes of their own: where they start from, what they hand over, and that none is left behind."""

from __future__ import annotations

import os
import signal
import time

import pytest

from openbook.pdf.errors import PdfError
from openbook.pdf.pool import Aside, Crew

made_ready = "early"


def see(item):
    return item, made_ready, os.getpid()


def fail(item):
    raise PdfError(f"no {item}", "x", "y")


def be_killed(item):
    os.kill(os.getpid(), signal.SIGKILL)


def hang(folder):
    (folder / str(os.getpid())).touch()
    time.sleep(600)


@pytest.fixture
def crew():
    """Make crews that are stopped in the end."""
    crews = []

    def make(work, jobs=2):
        crews.append(Crew(work, jobs))
        return crews[-1]

    yield make
    for made in crews:
        made.stop()


def ended(pid):
    """Wait until a process has ended; say whether it did."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def hanging(folder, count):
    """Wait until so many processes hang; give their numbers."""
    until = time.monotonic() + 20
    while len(names := os.listdir(folder)) < count and time.monotonic() < until:
        time.sleep(0.01)
    assert len(names) == count
    return [int(name) for name in names]


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_each_item_is_done_once_in_a_process_of_its_own(crew, jobs):
    work = crew(see, jobs).run([(1,), (2,), (3,)])
    assert next(work) is None
    done = list(work)
    assert sorted(item for item, _, _ in done) == [1, 2, 3]
    assert len({process for _, _, process in done} | {os.getpid()}) == 4


def test_a_crew_works_again_from_what_was_ready_when_it_was_started(crew, monkeypatch):
    """It is forked before this process takes the book in, and stays small."""
    once = crew(see)
    once.start()
    monkeypatch.setattr(f"{__name__}.made_ready", "late")
    first, second = list(once.run([(1,)])), list(once.run([(2,)]))
    assert [(item, ready) for item, ready, _ in first[1:] + second[1:]] == [(1, "early"), (2, "early")]


@pytest.mark.parametrize("work, said", [(fail, "no 1"), (be_killed, "a process that lays chapters out was killed")])
def test_what_the_work_raises_is_raised_here_and_a_killed_process_is_told_of(crew, work, said):
    with pytest.raises(PdfError, match=said):
        list(crew(work).run([(1,), (1,)]))
    aside = Aside(work, 1)
    with pytest.raises(PdfError, match=said):
        aside.result()


def test_a_process_that_was_killed_before_it_got_its_work_is_told_of(crew):
    """The system kills whatever process it likes when memory runs out."""
    idle = crew(see)
    idle.start()
    for process in idle._members.values():
        os.kill(process, signal.SIGKILL)
        assert ended(process)
    with pytest.raises(PdfError, match="a process that lays chapters out was killed"):
        list(idle.run([(1,), (2,)]))


def test_work_that_is_left_is_ended(crew, tmp_path):
    work = crew(hang).run([(tmp_path,), (tmp_path,), (tmp_path,)])
    next(work)
    processes = hanging(tmp_path, 2)
    work.close()
    assert all(ended(process) for process in processes)


def test_work_ends_with_a_process_that_is_killed(tmp_path):
    """What a killed build left under way would keep the site locked for the next one."""

    def build():
        list(Crew(hang, 2).run([(tmp_path,), (tmp_path,)]))

    build = Aside(build)
    processes = hanging(tmp_path, 2)
    build.stop()
    assert all(ended(process) for process in processes)
