"""Read and write the record in a Chinese file's front matter: which English text each section was translated from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from openbook.findings import Finding
from openbook.freshness.prints import Print, parse_print
from openbook.reading.library import Library
from openbook.reading.source import Source, split_front_matter

KEY = "translated_from"
PLAIN_KEY = re.compile(r"[a-z][a-z0-9_-]*[a-z0-9]|[a-z]")
YAML_WORDS = frozenset("y n yes no on off true false null".split())


def record_of(source: Source) -> dict[str, Print]:
    """Return the record of a Chinese file, in the order it is written; what cannot be read is left out."""
    written = source.meta.get(KEY)
    if not isinstance(written, dict):
        return {}
    return {str(name): parsed for name, value in written.items() if (parsed := parse_print(value))}


def with_record(text: str, record: dict[str, Print]) -> str:
    """Return a Chinese file with its record replaced, and not a letter else changed."""
    lines = text.split("\n")
    _, body_line = split_front_matter(text)
    if body_line == 1:
        return "\n".join(["---", *_lines(record), "---", *lines])
    head, rest = lines[:body_line - 2], lines[body_line - 2:]
    start = next((place for place, line in enumerate(head) if re.match(rf"{KEY}\s*:", line)), None)
    if start is not None:
        end = next((place for place in range(start + 1, len(head)) if head[place].strip() and not head[place][0].isspace()), len(head))
        head[start:end] = _lines(record)
    else:
        head += _lines(record)
    return "\n".join([*head, *rest])


def _lines(record: dict[str, Print]) -> list[str]:
    return [f"{KEY}:", *(f"  {_key(name)}: {value}" for name, value in record.items())] if record else []


def _key(name: str) -> str:
    return name if PLAIN_KEY.fullmatch(name) and name not in YAML_WORDS else json.dumps(name, ensure_ascii=False)


def check_records(library: Library) -> Iterator[Finding]:
    """Yield findings about records that cannot be read: an unreadable one must not pass for a fresh one."""
    for chapter in library.book.chapters:
        source = library.source(chapter, "zh")
        if source is None or KEY not in source.meta:
            continue
        written, mend = source.meta[KEY], f"Run `openbook accept docs/{chapter.twin}` when the translation is right."
        lines = (library.docs / source.path).read_text("utf-8").split("\n")[:source.body_line]
        if not isinstance(written, dict):
            yield Finding(f"docs/{source.path}", _line(lines, KEY), "freshness", f"`{KEY}` is not a list of sections", mend)
            continue
        for name, value in written.items():
            if parse_print(value) is None:
                yield Finding(f"docs/{source.path}", _line(lines, str(name)), "freshness", f"`{name}: {value}` is no record of a section", mend)


def _line(lines: list[str], name: str) -> int:
    return next((number for number, line in enumerate(lines, 1) if line.strip().strip('"').startswith(name)), 1)
