"""Look at the files under docs/ before anything reads them: kinds, names, links, sizes, and characters that hide."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from openbook.findings import Finding
from openbook.reading.quick_yaml import refuse_depth

MIB = 1 << 20
#: The most bytes of a file by its kind; in the book the largest are 0.04, 0.13 and 0.05 MiB.
TEXT_SIZES = {".md": MIB, ".yml": 2 * MIB, ".svg": MIB}
#: Programs, settings and logs that readers take as files.
TEXTS = (".py .sh .slurm .fio .json .yaml .toml .cfg .ini .conf .csv .tsv .txt .log .c .h .cu .cpp .rs .go .patch .service .rules "
         ".j2").split()
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
OTHER_SIZE = 4 * MIB
LONGEST_LINE = 10_000
"""Characters of a line of Markdown; the book's longest has 1,000."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
#: Characters that nobody sees: they reorder a line, or make two names that look alike.
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"    # control characters, but for tabs and line ends
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"    # line ends of other kinds, and direction
    "\u00ad\u034f\u180b-\u180f\u200b-\u200d\u2060-\u2065\ufe00-\ufe0e\ufeff\ufff0-\ufffb"    # without width
    "\u115f\u1160\u17b4\u17b5\u3164\uffa0\U000e0000-\U000e0fff]"    # letters that are blank, and tags
    "|\r(?!\n)")
NAMES = {
    "\0": "a NUL byte", "\x1b": "an escape character", "\r": "a carriage return alone", "\u00ad": "a soft hyphen",
    "\ufeff": "a byte order mark",
    **dict.fromkeys("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
                    "a character that turns the direction of text"),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\u180e", "a character without width")}
#: A tag by which YAML calls a function; `!!python/name:` only names one.
PROGRAM = re.compile(r"!!python/(?!name:)[\w/.:]*|!<tag:yaml\.org,2002:python/[^>]*>|^%TAG\b", re.MULTILINE)
SHOWN = 3
"""Findings of one file about characters: who mends these sees the others."""


@dataclass(frozen=True)
class Seen:
    """What is wrong with the files; `barred` says whether one of them must not be read at all."""

    findings: tuple[Finding, ...]
    barred: bool


def look_at_files(root: Path, only: Collection[str] | None = None) -> Seen:
    """Return the findings about the files under docs/; those barred come alone, for nothing else was looked at.

    Characters that hide bar no file from being read; they are looked for in the files `only`, if these are named.
    """
    barred: list[Finding] = []
    others: list[Finding] = []
    if (root / "docs").is_symlink():
        return Seen(tuple(_kind(root / "docs", "docs")), True)
    barred += _settings(root / "mkdocs.yml")
    for path in _walk(root / "docs"):
        shown = _printable(path.relative_to(root).as_posix())
        found = list(_kind(path, shown))
        if found:
            barred += found
            continue
        if path.is_file() and path.suffix not in PICTURES:
            text = _text(path, shown)
            if isinstance(text, Finding):
                barred.append(text)
            elif only is None or shown in only:
                others += _hidden(text, shown)
    return Seen(tuple(sorted(barred or others)), bool(barred))


def _settings(path: Path) -> Iterator[Finding]:
    """Yield what would end or run a program when mkdocs.yml is read; other commands say what else is wrong with it."""
    try:
        text = path.read_text("utf-8")
        refuse_depth(text)
    except (OSError, UnicodeDecodeError):
        return
    except yaml.MarkedYAMLError as error:
        yield Finding(path.name, error.problem_mark.line + 1, "config", str(error.problem), "Mend the line.")
        return
    for found in PROGRAM.finditer(text):
        yield Finding(path.name, text.count("\n", 0, found.start()) + 1, "config", f"the tag {found[0]} runs a program",
                      "Write the value itself; of Python, settings may name a function and not call it.")


def _walk(folder: Path) -> Iterator[Path]:
    """Yield everything in a folder and below; links are not followed, and what MkDocs leaves out (`.DS_Store`) is no part of the book."""
    for at, folders, files in os.walk(folder):
        here = [Path(at, name) for name in (*sorted(folders), *sorted(files))]
        yield from (path for path in here if path.name != "__pycache__" and not path.name.startswith(".") or path.is_symlink())
        folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith("."))


def _printable(path: str) -> str:
    """Return a path that a terminal shows on one line."""
    return path if path.isprintable() else "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode() for char in path)


def _kind(path: Path, shown: str) -> Iterator[Finding]:
    """Yield what is wrong with an entry by its name and kind alone."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        yield Finding(shown, 1, "file", "this is a symbolic link", "Put the file itself there.")
    elif not NAME.fullmatch(path.name):
        yield Finding(shown, 1, "file", "the name has other characters than letters, digits, `.`, `_` and `-`, or is too long",
                      "Rename it: its name is part of an address.")
    elif stat.S_ISDIR(found.st_mode):
        return
    elif not stat.S_ISREG(found.st_mode):
        yield Finding(shown, 1, "file", "this is no regular file", "Take it out.")
    elif path.suffix not in (*TEXT_SIZES, *TEXTS, *PICTURES):
        yield Finding(shown, 1, "file", f"the book has no use for a file of kind `{path.suffix or 'none'}`",
                      "Everything under docs/ is published. Kinds are: " + " ".join((*TEXT_SIZES, *TEXTS, *PICTURES)) + ".")
    elif found.st_size > (most := TEXT_SIZES.get(path.suffix, OTHER_SIZE)):
        yield Finding(shown, 1, "limit", f"the file has {found.st_size / MIB:.1f} MiB; a {path.suffix} file has at most {most // MIB} MiB",
                      "Divide it, or take out what readers do not need.")


def _text(path: Path, shown: str) -> str | Finding:
    """Return the text of a file, or what bars it from being read."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object[:error.start].count(b"\n") + 1
        return Finding(shown, line, "file", f"this is not UTF-8 text: {error.reason}", "Save the file as UTF-8.")
    except OSError as error:
        return Finding(shown, 1, "file", f"the file cannot be read: {error.strerror}", "Mend its rights.")
    if path.suffix == ".md" and max(map(len, lines := text.split("\n"))) > LONGEST_LINE:
        line = next(number for number, line in enumerate(lines, 1) if len(line) > LONGEST_LINE)
        return Finding(shown, line, "limit", f"this line has more than {LONGEST_LINE:,} characters", "Divide it into paragraphs, or show a file.")
    return text


def _hidden(text: str, shown: str) -> list[Finding]:
    """Return what hides in a text, up to SHOWN findings."""
    hidden = []
    for found in HIDDEN.finditer(text):
        code = ord(found[0])
        hidden.append(Finding(shown, text.count("\n", 0, found.start()) + 1, "character",
                              f"here is {NAMES.get(found[0], 'a character that nobody sees')} (U+{code:04X})",
                              "Take it out; where code needs it, write it as an escape such as `\\u%04x`." % code))
        if len(hidden) == SHOWN:
            break
    return hidden
