"""Split lines of code into what runs and what comments: a translation may change the comments alone."""

from __future__ import annotations

import re

HASH = frozenset("python bash sh shell console yaml yml toml ini dockerfile makefile slurm ruby r conf nix cmake".split())
SLASHES = frozenset("c cpp cuda cu js javascript ts typescript json5 jsonc rust go java".split())
DASHES = frozenset("sql lua".split())
DIRECTIVE = re.compile(r"#(?:!|SBATCH|PBS|BSUB|FLUX|\s*syntax=|\s*noqa|\s*type:)")


def marker_of(language: str) -> str | None:
    """Return what begins a comment in a language, or None where nothing does."""
    return "#" if language in HASH else "//" if language in SLASHES else "--" if language in DASHES else None


def split_comment(line: str, marker: str | None) -> tuple[str, str]:
    """Return the code of a line without spaces at its end, and its comment; a mark inside quotes begins none."""
    if marker is None or marker not in line:
        return line.rstrip(), ""
    quote = ""
    for place, char in enumerate(line):
        if quote:
            quote = "" if char == quote and line[place - 1] != "\\" else quote
        elif char in "'\"":
            quote = char
        elif line.startswith(marker, place) and (place == 0 or line[place - 1].isspace()) and not DIRECTIVE.match(line[place:]):
            return line[:place].rstrip(), line[place + len(marker):].strip()
    return line.rstrip(), ""


def running_lines(body: list[str], language: str) -> list[tuple[int, str]]:
    """Return the lines that run, each with its index; comments and empty lines are left out."""
    marker = marker_of(language)
    split = [(index, split_comment(line, marker)[0]) for index, line in enumerate(body)]
    return [(index, code) for index, code in split if code.strip()]


def comments(body: list[str], language: str) -> list[tuple[int, str]]:
    """Return the comments of a body, each with the index of its line."""
    marker = marker_of(language)
    found = [(index, split_comment(line, marker)[1]) for index, line in enumerate(body)]
    return [(index, comment) for index, comment in found if comment]
