"""Tell what has happened to the English of each section since it was translated, from the record alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from openbook.alignment.check import section_cost
from openbook.alignment.pairing import pair_up
from openbook.freshness.prints import Original, Print, originals_in, print_of
from openbook.freshness.record import record_of
from openbook.reading.blocks import Section, sections_of, split_blocks
from openbook.reading.source import Source, scan


@dataclass(frozen=True)
class SectionState:
    """What became of a section.

    fresh: as translated. changed: `parts` tells what (title, words, numbers, code). moved: the same at another place.
    renamed, split, merged: the same text under other headings, once that of `was`. missing: not in the Chinese file.
    unknown: nothing is recorded. gone: recorded, and not in the English any more. ahead: only the Chinese has it.
    """

    id: str
    title: str
    state: str
    line: int
    parts: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    original: Original | None = field(default=None, repr=False, compare=False)

    @property
    def behind(self) -> bool:
        """Tell whether readers should know; a new title alone does not make the text below it old."""
        return self.state == "missing" or (self.state == "changed" and self.parts != ("title",))


def states_of(chinese: str, english: str, scanned: tuple[Source, Source] | None = None) -> list[SectionState]:
    """Return the state of every section of a chapter, in the order of the English file.

    `scanned` are the same two texts, in this order, for who has them scanned.
    """
    ours, theirs = scanned or (scan("", chinese), scan("", english))
    originals, record = originals_in(english, theirs), record_of(ours)
    missing, ahead = _unpaired(chinese, originals)
    explained = _explain(originals, record)
    moved = _moved([original.id for original in originals], list(record))
    states = []
    for place, original in enumerate(originals):
        state, parts, was = explained.get(original.id) or _plain_state(original, record, moved)
        if place in missing:
            state, parts, was = "missing", (), ()
        states.append(SectionState(original.id, original.title, state, original.line, parts, was, original))
    told = {name for state in states for name in state.was} | {original.id for original in originals}
    states += [SectionState(name, name, "gone", 0) for name in record if name not in told]
    return states + [SectionState("", section.heading.first.lstrip("# "), "ahead", section.line) for section in ahead]


def _plain_state(original: Original, record: dict[str, Print], moved: set[str]) -> tuple[str, tuple, tuple]:
    if original.id not in record:
        return "unknown", (), ()
    if parts := original.print.changed_from(record[original.id]):
        return "changed", parts, ()
    return ("moved" if original.id in moved else "fresh"), (), ()


def _unpaired(chinese: str, originals: list[Original]) -> tuple[set[int], list[Section]]:
    """Return the places of English sections without a Chinese one, and the Chinese sections without an English one."""
    here = [section for section in sections_of(split_blocks(chinese)) if section.heading]
    there = [original.section for original in originals]
    if len(here) == len(there):
        return set(), []
    pairs = pair_up(here, there, section_cost, gap=1.0)
    # Only the side with more sections certainly has new ones.
    surplus = len(here) - len(there)
    missing = [pair.there for pair in pairs if pair.here is None]
    ahead = [here[pair.here] for pair in pairs if pair.there is None]
    return (set(missing) if surplus < 0 else set()), (ahead if surplus > 0 else [])


def _explain(originals: list[Original], record: dict[str, Print]) -> dict[str, tuple[str, tuple, tuple]]:
    """Return the states of sections whose text is all there, under other headings than it was translated from."""
    found: dict[str, tuple[str, tuple, tuple]] = {}
    present = {original.id for original in originals}
    gone = {name: recorded for name, recorded in record.items() if name not in present}
    for place, original in enumerate(originals):
        recorded = record.get(original.id)
        if recorded is None:
            same = [name for name, other in gone.items() if other.body == original.print.body]
            # Two empty sections are alike without being one, but the title of a page is its title.
            if same and (original.section.blocks or (place == 0 and same[0] == next(iter(record)))) and original.id not in found:
                found[original.id] = ("renamed", (), (same[0],))
            continue
        if original.print.body == recorded.body:
            continue
        for end in range(place + 2, len(originals) + 1):
            parts = originals[place:end]
            if any(part.id in record for part in parts[1:]):
                break
            if print_of([part.section for part in parts], original.title).body == recorded.body:
                found |= {part.id: ("split", (), (original.id,)) for part in parts}
        for name, other in gone.items():
            for cut in range(1, len(original.section.blocks)):
                first, rest = (Section(None, blocks) for blocks in (original.section.blocks[:cut], original.section.blocks[cut:]))
                if print_of([first], "").body == recorded.body and print_of([rest], "").body == other.body:
                    found[original.id] = ("merged", (), (original.id, name))
    return found


def _moved(now: list[str], then: list[str]) -> set[str]:
    """Return the ids that have changed places: those outside the longest run that kept its order."""
    order = [then.index(name) for name in now if name in then]
    names = [name for name in now if name in then]
    length, before = [1] * len(order), [-1] * len(order)
    for i in range(len(order)):
        for j in range(i):
            if order[j] < order[i] and length[j] + 1 > length[i]:
                length[i], before[i] = length[j] + 1, j
    place = max(range(len(order)), key=lambda i: length[i], default=-1)
    kept = set()
    while place >= 0:
        kept.add(names[place])
        place = before[place]
    return set(names) - kept
