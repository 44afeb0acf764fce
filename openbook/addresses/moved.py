"""Load docs/data/moved.yml: where pages and ids of a release went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openbook.facts.located import read_located
from openbook.findings import Finding, shown_path
from openbook.reading.library import Library
from openbook.safety.addresses import leads_out

FILE = "moved.yml"


@dataclass(frozen=True, order=True)
class Place:
    """A page by its English file under docs/, or an id on it."""

    path: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.path}#{self.id}" if self.id else self.path


@dataclass(frozen=True)
class Move:
    """What was at `old` is at `new`; `line` is that of moved.yml."""

    old: Place
    new: Place
    line: int = 1


def place_of(text: str) -> Place:
    """Return the place that `network/index.md` or `network/index.md#topology` names."""
    path, _, anchor = text.partition("#")
    return Place(path, anchor)


def load_moves(data_dir: Path, root: Path) -> tuple[tuple[Move, ...], list[Finding]]:
    """Return the moves in the order of the file, and what is wrong with its text."""
    path = data_dir / FILE
    if not path.is_file():
        return (), []
    shown = shown_path(path, root)
    located, findings = read_located(path, shown, "moved", "Write `old/page.md: new/page.md`, or `page.md#old: page.md#new`, each on a line.")
    if located is None or located.value is None:
        return (), findings
    if not isinstance(located.value, dict):
        return (), [Finding(shown, 1, "moved", "the moves are not a mapping", "Write `old/page.md: new/page.md`, each on a line.")]
    moves = []
    for old, new in located.value.items():
        move = Move(place_of(str(old)), place_of(str(new)), located.line(old))
        wrong = [place for place in (move.old, move.new) if not place.path.endswith(".md") or place.path.endswith(".zh.md") or leads_out(place.path)]
        findings += [Finding(shown, move.line, "moved", f"`{place}` is not an English file", "Name pages as the navigation does: network/index.md.")
                     for place in wrong]
        if not wrong:
            moves.append(move)
    return tuple(moves), findings


def exists(library: Library, place: Place) -> bool:
    """Say whether the book has a page or an id."""
    chapter = library.book.by_path.get(place.path)
    if chapter is None or not place.id:
        return chapter is not None and (chapter.path, "en") in library.sources
    source = library.source(chapter, "en")
    return source is not None and place.id in source.ids


def check_moves(library: Library, moves: tuple[Move, ...]) -> Iterator[Finding]:
    """Yield findings about moves that lead nowhere, or from what is there."""
    for move in moves:
        shown = f"docs/data/{FILE}"
        if exists(library, move.old):
            yield Finding(shown, move.line, "moved", f"docs/{move.old} is there: nothing leads away from it", "Take the line out.")
        if not exists(library, move.new):
            yield Finding(shown, move.line, "moved", f"docs/{move.new} is not there", "Name where it is now.")
        if move.old.id and not move.new.id:
            yield Finding(shown, move.line, "moved", f"{move.old} is an id, {move.new} a page", "Name the id where readers find it now.")


def target(moves: tuple[Move, ...], place: Place) -> Place:
    """Return where a place of a release is now: by a line of its own, by its page's line, else where it was."""
    found = {move.old: move.new for move in moves if move.old.path == place.path}
    if place in found:
        return found[place]
    page = found.get(Place(place.path))
    return Place(page.path, place.id) if page else place
