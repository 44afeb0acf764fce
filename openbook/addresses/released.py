"""Hold the book to the addresses of its last release: none is gone without a word on where it went."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from openbook.addresses.moved import Move, Place, check_moves, exists, load_moves, place_of, target
from openbook.book import read_book
from openbook.findings import BookError, Finding
from openbook.reading.library import Library, read_library
from openbook.writing import write_file

FILE = "addresses.txt"
HEAD = "# Every page and id of the last release, which readers may link to. Written by `openbook addresses`."


def places(library: Library) -> list[Place]:
    """Return every page and id of the book, sorted."""
    return sorted(place for chapter in library.book.chapters if (source := library.source(chapter, "en"))
                  for place in (Place(chapter.path), *(Place(chapter.path, name) for name in source.ids)))


def released(data_dir: Path) -> list[tuple[int, Place]]:
    """Return the places of the last release, each with its line; none before the first."""
    path = data_dir / FILE
    lines = path.read_text("utf-8").split("\n") if path.is_file() else []
    return [(number, place_of(line.strip())) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]


def check_addresses(library: Library, root: Path) -> Iterator[Finding]:
    """Yield findings about moves, and about places of the last release that are gone."""
    moves, findings = load_moves(library.docs / "data", root)
    yield from findings
    yield from check_moves(library, moves)
    yield from _gone(library, moves, [place for _, place in released(library.docs / "data")])


def check_addresses_on(library: Library, root: Path, pages: Collection[str]) -> Iterator[Finding]:
    """Yield findings about ids of the last release that are gone from some pages, given by path."""
    moves, _ = load_moves(library.docs / "data", root)
    before = {*pages, *(move.old.path for move in moves if move.new.path in pages)}
    yield from _gone(library, moves, [place for _, place in released(library.docs / "data") if place.path in before])


def _gone(library: Library, moves: tuple[Move, ...], places: Iterable[Place]) -> Iterator[Finding]:
    """Yield findings about places of a release, all of their pages, that are gone."""
    lost = {place for place in places if not exists(library, target(moves, place))}
    for place in sorted(lost):
        if not place.id:
            yield Finding(f"docs/data/{FILE}", _line(library, place), "moved", f"the page docs/{place.path} of the last release is gone",
                          f"Say in docs/data/moved.yml where it went: `{place.path}: NEW/PAGE.md`.")
        elif Place(place.path) not in lost:
            there = target(moves, place)
            yield Finding(f"docs/{there.path}", 1, "moved", f"#{place.id} was here at the last release and is gone" if there == place else
                          f"#{place.id} of {place.path} was to be here and is not",
                          f"Write {{#{there.id}}} behind the heading that had it, or say in docs/data/moved.yml where it went: "
                          f"`{place}: PAGE.md#ID`.")


def _line(library: Library, place: Place) -> int:
    return next(number for number, found in released(library.docs / "data") if found == place)


def list_addresses(root: Path) -> Iterator[str]:
    """Write the places of the book of now as those of a release; yield what was done. Raise BookError if one would be lost."""
    library = read_library(root / "docs", read_book(root))
    if findings := sorted(check_addresses(library, root)):
        raise BookError(findings)
    before, now = {place for _, place in released(root / "docs/data")}, places(library)
    write_file(root / "docs/data" / FILE, "\n".join([HEAD, *map(str, now)]) + "\n", f"docs/data/{FILE}")
    new, moved = len(set(now) - before), len(before - set(now))
    yield f"docs/data/{FILE}: {len(now)} addresses, {new} of them new; {moved} of the last release moved."
