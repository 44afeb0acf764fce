"""The commands of translators: `status` says what is behind and shows it, `accept` records "read, still right"."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from openbook.book import Chapter, read_book
from openbook.findings import BookError, Finding
from openbook.freshness.history import History
from openbook.freshness.prints import Original, Print, originals_in
from openbook.freshness.record import record_of, with_record
from openbook.freshness.state import SectionState, states_of
from openbook.reading.source import scan
from openbook.writing import write_file

SAID = {"moved": "stands at another place in the English", "gone": "is no longer in the English", "missing": "is not in the Chinese file",
        "unknown": "has no record", "ahead": "is only in the Chinese file"}


def status(root: Path, paths: list[str]) -> Iterator[str]:
    """Yield the lines of a report: which sections of which chapters are behind, since when, with the English before and after."""
    chapters = [chapter for chapter in read_book(root).chapters if not paths or _named(chapter, paths)]
    if not chapters:
        raise BookError([Finding(paths[0], 1, "path", "this names no chapter", "Name a chapter's file, or a folder of chapters.")])
    totals = {"up to date": 0, "with something to do": 0, "untranslated": 0}
    for chapter in chapters:
        english, chinese = (root / "docs" / chapter.file(lang) for lang in ("en", "zh"))
        if not english.is_file():
            continue
        if not chinese.is_file():
            totals["untranslated"] += 1
            yield f"docs/{chapter.path}: not translated"
            continue
        states = states_of(chinese.read_text("utf-8"), english.read_text("utf-8"))
        open_ones = [state for state in states if state.state != "fresh"]
        totals["with something to do" if open_ones else "up to date"] += 1
        yield from _chapter_lines(root, chapter, states, open_ones)
    yield ", ".join(f"{count} {name}" for name, count in totals.items()) + "."


def _named(chapter: Chapter, paths: list[str]) -> bool:
    files = (f"docs/{chapter.path}", f"docs/{chapter.twin}")
    wanted = [path.removeprefix("./").rstrip("/").split("#")[0] for path in paths]
    return any(file == path or file.startswith(path + "/") for file in files for path in wanted)


def _chapter_lines(root: Path, chapter: Chapter, states: list[SectionState], open_ones: list[SectionState]) -> Iterator[str]:
    path = f"docs/{chapter.twin}"
    if not open_ones:
        yield f"{path}: up to date, {len(states)} section{'s' * (len(states) != 1)}"
        return
    if all(state.state == "unknown" for state in states):
        yield f"{path}: unknown, nothing is recorded"
        yield f"    When you have compared it with the English: openbook accept {path}"
        return
    yield f"{path}: {len(open_ones)} of {len(states)} sections to look at"
    history = History(root, f"docs/{chapter.path}")
    record = record_of(scan(path, (root / path).read_text("utf-8")))
    for state in open_ones:
        yield from _section_lines(chapter, state, history, record)


def _section_lines(chapter: Chapter, state: SectionState, history: History, record: dict) -> Iterator[str]:
    name = f"#{state.id}" if state.id else f"`{state.title}`"
    place = f" (docs/{chapter.path}:{state.line})" if state.original else ""
    if state.state == "changed":
        past = history.past(state.id, record[state.id])
        if past.before is None and past.complete:
            yield f"  {name} ahead: translated from an English text that is not in the history{place}"
            return
        since = f" since {past.since}" if past.since else " and not committed" if past.before else ""
        yield f"  {name} {_listed(state.parts)} changed{since}{place}"
        if past.before:
            yield from _before_and_after(past.before, state.original)
    elif state.was:
        yield f"  {name} {state.state}, once {_listed(tuple('#' + was for was in state.was))}{place}"
    elif state.state == "gone" and history.versions() and not history.knows(state.id):
        yield f"  {name} ahead: the English never had this section"
    else:
        yield f"  {name} {SAID[state.state]}{place}"


def _listed(parts: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _before_and_after(before: Original, after: Original) -> Iterator[str]:
    """Yield the changed blocks of a section, the old ones with a minus, the new ones with a plus."""
    texts = [[original.section.heading.text, *(block.text for block in original.section.blocks)] for original in (before, after)]
    lines = [[line for text in side for line in text.rstrip("\n").split("\n")] for side in texts]
    for line in difflib.unified_diff(*lines, n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield f"    {line[0]} {line[1:]}"


def accept(root: Path, targets: list[str]) -> Iterator[str]:
    """Record that Chinese sections are right for the English as it is now, and yield a line for each file."""
    by_file: dict[str, list[str]] = {}
    for target in targets:
        path, _, name = target.removeprefix("./").partition("#")
        by_file.setdefault(path, []).append(name)
    for path, names in by_file.items():
        chapter = next((chapter for chapter in read_book(root).chapters if path == f"docs/{chapter.twin}"), None)
        if chapter is None or not (root / path).is_file() or not (root / "docs" / chapter.path).is_file():
            raise BookError([Finding(path, 1, "path", "this is not the Chinese file of a chapter",
                                     "Name it as `docs/x.zh.md`, or one of its sections as `docs/x.zh.md#section`.")])
        yield _accept_file(root, chapter, names)


def _accept_file(root: Path, chapter: Chapter, names: list[str]) -> str:
    path = root / "docs" / chapter.twin
    originals = originals_in((root / "docs" / chapter.path).read_text("utf-8"))
    known = {original.id: original for original in originals}
    for name in names:
        if name and name not in known:
            near = difflib.get_close_matches(name, known, 3) or list(known)[:3]
            raise BookError([Finding(f"docs/{chapter.twin}", 1, "section", f"the English has no section #{name}",
                                     f"Did you mean {' or '.join('#' + other for other in near)}?")])
    text = path.read_text("utf-8")
    old = record_of(scan("", text))
    whole = "" in names
    accepted = [original.id for original in originals if whole or original.id in names]
    if whole:
        record = {original.id: original.print for original in originals}
    else:
        record = _inserted(old, {name: known[name].print for name in accepted}, list(known))
    write_file(path, with_record(text, record), f"docs/{chapter.twin}")
    return f"docs/{chapter.twin}: recorded {len(accepted)} section{'s' * (len(accepted) != 1)} as right for the English of now"


def _inserted(old: dict[str, Print], accepted: dict[str, Print], order: list[str]) -> dict[str, Print]:
    """Return a record with accepted sections at their English places; all others stay as and where they were."""
    names = [name for name in old if name not in accepted]
    for name in accepted:
        before = [other for other in order[:order.index(name)] if other in names]
        names.insert(names.index(before[-1]) + 1 if before else 0, name)
    return {name: accepted.get(name) or old[name] for name in names}
