"""Builds that are killed at any step, or run at once, leave a whole site: the last one or the new one."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile

import build_pdf
import pytest

from openbook import building as module
from openbook.building import building, signals_held
from openbook.findings import BookError
from openbook.site import build
from openbook.site.build import KEY, build_site
from openbook.site.manifest import OFFLINE
from openbook.site.offline import pack
from tests.conftest import ROOT, SMALL_BOOK, with_site_settings

OLD, NEW = "<p>the last edition", "<p>the new edition"
#: What Python tells of before it does it: each is a step at which a build may be killed.
STEPS = ("open", "os.", "shutil.")
RUN_MKDOCS = build._run_mkdocs


def pages(text):
    return {"index.html": text, "zh/index.html": text, "assets/deep/style.css": text, "book.json": text}


def lay(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def found(folder):
    """Return the text of every page, whatever else lies beside them."""
    return {name: (folder / name).read_text("utf-8") for name in pages("") if (folder / name).is_file()}


@pytest.fixture
def book(write, monkeypatch):
    """A small book whose site MkDocs has built, its PDFs and its archive; the next build will find the text NEW."""
    root = with_site_settings(write(SMALL_BOOK))
    lay(root / "site", {**pages(OLD), "pdf/ml-engineering.en.pdf": "a PDF", "ml-engineering.zip": "an archive"})
    monkeypatch.setattr(build, "check_repository", lambda root: [])
    monkeypatch.setattr(build, "input_key", lambda root: "what the new edition is made from")
    monkeypatch.setattr(build, "_undated", lambda root: ())
    monkeypatch.setattr(build, "report", lambda root, last, fresh: ())
    monkeypatch.setattr(build, "_run_mkdocs", lambda root, target, inherited: lay(target, pages(NEW)))
    return root


def forked(work):
    """Do work in a process of its own; return how it ended, as os.waitstatus_to_exitcode has it."""
    process = os.fork()
    if not process:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def killed_at(step, work):
    """Do work in a process that is killed before the given step on files; return False when it has no so many."""
    def counting():
        count = 0

        def hook(event, arguments):
            nonlocal count
            if event.startswith(STEPS):
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        work()

    ended = forked(counting)
    assert ended in (0, -signal.SIGKILL)
    return ended != 0


@pytest.mark.parametrize("at_once", [True, False])
def test_a_build_killed_at_any_step_leaves_a_whole_site(book, monkeypatch, at_once):
    """Where the system cannot exchange two folders, the site may be gone until the next command, which brings it back."""
    if not at_once:
        monkeypatch.setattr(module, "exchanged", lambda one, other: False)
    site, seen, gaps = book / "site", set(), 0
    last = shutil.copytree(site, book / "kept")
    step = 1
    while killed_at(step, lambda: build_site(book)):
        gaps += not site.exists()
        with building(site):
            now = found(site)
            assert now in (pages(OLD), pages(NEW)), f"killed at step {step}"
            assert (site / "pdf/ml-engineering.en.pdf").read_text() == "a PDF" and (site / "ml-engineering.zip").read_text() == "an archive"
        seen.add(now["index.html"])
        if now == pages(NEW):
            shutil.rmtree(site)
            shutil.copytree(last, site)
        step += 1
    assert found(site) == pages(NEW) and seen == {OLD, NEW} and step > 30
    assert bool(gaps) == (not at_once)
    assert sorted(path.name for path in (book / ".cache").iterdir()) == ["lock"], "what killed builds left is cleared away"


def test_a_packing_killed_at_any_step_leaves_nothing_that_would_be_published(book):
    pdfs = {f"pdf/ml-engineering.{lang}.pdf": "a PDF" for lang in ("en", "zh")}
    lay(book / "site", {**pdfs, "book.json": json.dumps({"date": "2026-11-22", "languages": [{"pdf": name} for name in pdfs]})})
    before, step = names(book / "site"), 1
    while killed_at(step, lambda: list(pack(book))):
        assert names(book / "site") == before
        step += 1
    assert step > 20 and zipfile.ZipFile(book / "site" / OFFLINE).testzip() is None
    first = (book / "site" / OFFLINE).read_bytes()
    (book / "site" / OFFLINE).unlink()
    list(pack(book))
    assert (book / "site" / OFFLINE).read_bytes() == first


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@contextlib.contextmanager
def reader(work, *apart):
    """Do work in a process of its own that does not share some descriptors; give what it prints, line by line."""
    read, write = os.pipe()
    process = os.fork()
    if not process:
        try:
            for descriptor in apart:
                os.close(descriptor)
            sys.stdout = os.fdopen(write, "w")
            work()
            sys.stdout.flush()
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as says:
        yield says
    os.waitpid(process, 0)


def test_of_two_builds_the_second_waits_and_finds_the_work_done(book):
    with contextlib.ExitStack() as opened:
        with building(book / "site") as place:
            says = opened.enter_context(reader(lambda: build_site(book), place.lock))
            assert says.readline() == "Another build of this book is under way: waiting until it ends ...\n"
            assert found(book / "site") == pages(OLD)
            lay(book / "site", {**pages(NEW), KEY: build.input_key(book)})
        assert says.read() == "site/ is up to date: nothing has changed since it was built.\n"


def test_a_pdf_is_not_made_of_a_site_that_is_being_built(book, capfd):
    """Half of its pages would be old. Here there is no book to be made into one, which is said once the site is whole."""
    with contextlib.ExitStack() as opened:
        with building(book / "site") as place:
            says = opened.enter_context(reader(lambda: build_pdf.main(["--site", str(book / "site")]), place.lock))
            assert says.readline().startswith("Another build of this book is under way")
            assert capfd.readouterr().err == ""
        says.read()
    assert capfd.readouterr().err.startswith("error: book.json is not JSON")


def test_mkdocs_that_outlives_its_build_keeps_the_folder_to_itself(book, monkeypatch):
    """Else a new build and the rest of the old one would write into one folder. MkDocs is played by a script that reads a pipe."""
    os.mkfifo(book / "pipe")
    lay(book, {"mkdocs": f"#!/bin/sh\nexec cat '{book}/pipe'\n"})
    (book / "mkdocs").chmod(0o755)

    def first():
        with building(book / "site") as place:
            monkeypatch.setattr(sys, "executable", str(book / "mkdocs"))
            RUN_MKDOCS(book, place.fresh, place.inherited)

    killed = os.fork()
    if not killed:
        first()
        os._exit(0)
    with open(book / "pipe", "w") as pipe:    # it is open once MkDocs reads it
        os.kill(killed, signal.SIGKILL)
        os.waitpid(killed, 0)
        with reader(lambda: build_site(book), pipe.fileno()) as says:
            assert says.readline().startswith("Another build of this book is under way")
            assert found(book / "site") == pages(OLD)
            pipe.close()
            assert "site/ is built: 2 pages" in says.read()
    assert found(book / "site") == pages(NEW)


def test_make_clean_during_a_build_is_said_and_leaves_no_half_a_site(book, monkeypatch):
    def cleaned(root, target, inherited):
        lay(target, pages(NEW))
        subprocess.run(["make", "--silent", "-f", ROOT / "Makefile", "clean"], cwd=root, check=True)
        lay(target, {"index.html": NEW})

    monkeypatch.setattr(build, "_run_mkdocs", cleaned)
    with pytest.raises(BookError, match="the folder .cache was removed meanwhile"):
        build_site(book)
    assert not (book / "site").exists()


def test_a_site_that_is_a_link_is_not_replaced(book):
    (book / "site").rename(book / "elsewhere")
    (book / "site").symlink_to("elsewhere")
    with pytest.raises(BookError, match="site is a link"):
        build_site(book)
    assert found(book / "elsewhere") == pages(OLD)


def test_pdfs_of_a_site_in_a_folder_of_others_need_no_lock(tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    monkeypatch.setattr(os, "open", raising(PermissionError))
    with building(tmp_path / "site") as place:
        assert place.lock is None and place.held()


def raising(error):
    def call(*_):
        raise error

    return call


@pytest.mark.slow
def test_a_terminated_build_ends_mkdocs_too_and_the_next_one_is_whole(write):
    """The real program on a real book, ended when MkDocs has begun, started twice at once, and killed on its way."""
    root = with_site_settings(write(SMALL_BOOK))

    def start(*options):
        return subprocess.Popen([sys.executable, "-m", "openbook", "site", *options], cwd=root, stdout=subprocess.PIPE, text=True,
                                env={**os.environ, "PYTHONPATH": str(ROOT)})

    first, second = start(), start()
    said = [process.communicate()[0] for process in (first, second)]
    assert first.returncode == second.returncode == 0
    assert sorted("waiting until it ends" in text for text in said) == sorted("up to date" in text for text in said) == [False, True]
    good = files(root / "site")
    for number, code in ((signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)):
        process = start("--force")
        while not process.stdout.readline().startswith("Building"):
            pass
        process.send_signal(number)
        process.communicate()
        process.stdout.close()
        assert process.returncode == code and files(root / "site") == good
        with open(root / ".cache/lock") as lock:
            if number == signal.SIGTERM:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)    # raises if MkDocs goes on
    last = start("--force")
    last.communicate()
    assert last.returncode == 0 and files(root / "site") == good


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_signal_that_is_held_comes_at_the_end_of_the_block():
    went_on = False
    with pytest.raises(KeyboardInterrupt):
        with signals_held():
            signal.raise_signal(signal.SIGINT)
            went_on = True
    assert went_on and signal.getsignal(signal.SIGINT) is signal.default_int_handler
