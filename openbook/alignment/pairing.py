"""Pair two sequences in order, as alike as possible, and find what was left out, added or moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from openbook.alignment.features import Features

GAP = 0.75
MOVED = 0.5
#: A single word that two texts do not share says little.
DOUBT = 0.5
T = TypeVar("T")


@dataclass(frozen=True)
class Pair:
    """Indices of counterparts; None where a side has none. `moved` pairs stand at different places."""

    here: int | None
    there: int | None
    moved: bool = False


def likeness(here: Features, there: Features) -> float:
    """Return from 0 to 1 how much of what two texts have in language-neutral parts they share; the fewer, the nearer to one half."""
    shared = len(here.neutral & there.neutral) + 0.5 * len(here.latin & there.latin)
    most = max(len(here.neutral), len(there.neutral)) + 0.5 * len(here.latin)
    return (shared + DOUBT / 2) / (most + DOUBT)


def difference(here: Features, there: Features) -> float:
    """Return the cost of taking two texts for each other's translation: what they do not share, and their lengths."""
    lengths = abs(math.log((here.size + 20) / (there.size + 20)))
    return 1 - likeness(here, there) + min(0.4, 0.25 * lengths)


def pair_up(here: Sequence[T], there: Sequence[T], cost: Callable[[T, T], float], gap: float = GAP) -> list[Pair]:
    """Return the cheapest pairing that keeps both orders; a `cost` above two gaps leaves both alone."""
    rows, columns = len(here), len(there)
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows, -1, -1):
        for j in range(columns, -1, -1):
            if i < rows and j < columns:
                best[i][j] = min(cost(here[i], there[j]) + best[i + 1][j + 1], gap + best[i + 1][j], gap + best[i][j + 1])
            else:
                best[i][j] = gap * (rows - i + columns - j)
    pairs, i, j = [], 0, 0
    while i < rows or j < columns:
        if i < rows and j < columns and math.isclose(best[i][j], cost(here[i], there[j]) + best[i + 1][j + 1]):
            pairs.append(Pair(i, j))
            i, j = i + 1, j + 1
        elif i < rows and math.isclose(best[i][j], gap + best[i + 1][j]):
            pairs.append(Pair(i, None))
            i += 1
        else:
            pairs.append(Pair(None, j))
            j += 1
    return pairs


def find_moved(pairs: list[Pair], here: Sequence[T], there: Sequence[T], alike: Callable[[T, T], float]) -> list[Pair]:
    """Return the pairs with those that have no counterpart in place joined to one elsewhere that is clearly theirs."""
    lonely = [pair.there for pair in pairs if pair.here is None]
    joined: dict[int, int] = {}
    for pair in pairs:
        if pair.there is None and lonely:
            nearest = max(lonely, key=lambda index: alike(here[pair.here], there[index]))
            if alike(here[pair.here], there[nearest]) > MOVED:
                joined[pair.here] = nearest
                lonely.remove(nearest)
    taken = set(joined.values())
    return [Pair(pair.here, joined[pair.here], True) if pair.here in joined else pair for pair in pairs
            if not (pair.here is None and pair.there in taken)]
