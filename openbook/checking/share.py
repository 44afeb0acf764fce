"""Check only the chapters that are asked for, and share many chapters among processes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from openbook.book import Chapter, english_path
from openbook.findings import Finding
from openbook.reading.library import Library

MANY = 16
"""Fewer chapters are checked sooner than a second process starts."""


def with_twins(paths: list[str]) -> list[str]:
    """Return paths as findings write them, with the other language's file beside each chapter's."""
    plain = [path.removeprefix("./").rstrip("/") for path in paths]
    twins = [english_path(path) if path.endswith(".zh.md") else path.removesuffix(".md") + ".zh.md" for path in plain if path.endswith(".md")]
    return plain + [twin for twin in twins if twin not in plain]


def is_under(path: str, wanted: list[str]) -> bool:
    """Tell whether a path is one of `wanted` or stands in one of them; nothing wanted means everything."""
    return not wanted or any(path == other or path.startswith(other + "/") for other in wanted)


def narrowed(library: Library, wanted: list[str]) -> Library:
    """Return a library that holds only the texts of the chapters under `wanted`; all of them if none is."""
    chapters = [chapter for chapter in library.book.chapters if any(is_under(f"docs/{chapter.file(lang)}", wanted) for lang in ("en", "zh"))]
    return only(library, {chapter.path for chapter in chapters}) if chapters else library


def only(library: Library, paths: set[str]) -> Library:
    """Return a library that holds only the texts of the chapters of these paths; what it knows of the whole book stays."""
    return Library(library.book, library.docs, {key: library.sources[key] for key in library.sources if key[0] in paths}, library.numbers)


def shared(library: Library, check: Callable[[Library], list[Finding]]) -> list[Finding]:
    """Return what `check` finds in a library, looked at by as many processes as there are processors."""
    chapters = sorted({path for path, _ in library.sources})
    workers = min(_processors(), 8)
    # Only a process with one thread may be copied, and only Linux copies reliably.
    if len(chapters) < MANY or workers < 2 or threading.active_count() > 1 or not sys.platform.startswith("linux"):
        return check(library)
    sizes = {path: sum((library.docs / library.sources[key].path).stat().st_size for key in library.sources if key[0] == path) for path in chapters}
    shares: list[list[Chapter]] = [[] for _ in range(workers)]
    weights = [0] * workers
    for path in sorted(chapters, key=lambda path: (-sizes[path], path)):
        lightest = weights.index(min(weights))
        shares[lightest].append(library.book.by_path[path])
        weights[lightest] += sizes[path]
    import multiprocessing    # here, because most runs need none of it
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(workers - 1, mp_context=multiprocessing.get_context("fork")) as pool:
        waiting = [pool.submit(check, only(library, {chapter.path for chapter in share})) for share in shares[1:]]
        findings = check(only(library, {chapter.path for chapter in shares[0]}))
        return findings + [finding for future in waiting for finding in future.result()]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
