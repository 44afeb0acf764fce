"""Check the Chinese files against the copy rules, and mend in place what is safe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from openbook.copyedit.rules import Problem, problems
from openbook.findings import Finding
from openbook.reading.prose import Piece, pieces
from openbook.terms.load import Term
from openbook.writing import write_file

RULE = "copy"
ROUNDS = 20
MEND_ALL = " `openbook check --fix` does it."


def check_copy(docs: Path, names: list[str]) -> Iterator[Finding]:
    """Yield findings about the Chinese files `names` under docs/."""
    for name in names:
        text = (docs / name).read_text("utf-8")
        for line, problem in _problems(text):
            yield Finding(f"docs/{name}", line, RULE, problem.message, problem.mend + (MEND_ALL if problem.edits else ""))


def check_definitions(terms: tuple[Term, ...], path: str) -> Iterator[Finding]:
    """Yield findings about the Chinese definitions of terms."""
    for term in terms:
        if term.define:
            text = term.define["zh"]
            places = tuple(range(len(text)))
            for problem in problems(Piece(term.line, text, places, tuple(place + 1 for place in places)), text):
                yield Finding(path, term.line, RULE, f"{problem.message} in the definition of `{term.id}`", problem.mend)


def mended(text: str) -> tuple[str, int]:
    """Return a Chinese file's text with all safe edits made, and how many mistakes they mend."""
    count, lines = 0, text.split("\n")
    # One mend can uncover another (a bracket, then the space beside it): a few rounds leave nothing.
    for _ in range(ROUNDS):
        edits: dict[int, list[tuple[int, int, str]]] = {}
        for line, problem in _problems("\n".join(lines)):
            if problem.edits and not any(_meet(one, other) for one in problem.edits for other in edits.get(line, ())):
                edits.setdefault(line, []).extend(problem.edits)
                count += 1
        if not edits:
            break
        for line, changes in edits.items():
            for start, end, new in sorted(changes, reverse=True):
                lines[line - 1] = lines[line - 1][:start] + new + lines[line - 1][end:]
    return "\n".join(lines), count


def mend_files(docs: Path, names: list[str]) -> dict[str, int]:
    """Write the safe edits into the Chinese files `names` under docs/; return how many each took."""
    done = {}
    for name in names:
        path = docs / name
        text = path.read_bytes().decode("utf-8")
        new, count = mended(text)
        if count:
            write_file(path, new, f"docs/{name}")
            done[name] = count
    return done


def _problems(text: str) -> list[tuple[int, Problem]]:
    lines = text.split("\n")
    return [(piece.line, problem) for piece in pieces(text) for problem in problems(piece, lines[piece.line - 1])]


def _meet(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    """Whether two edits touch: the second is left for the next round."""
    return one[0] <= other[1] and other[0] <= one[1]
