"""Read YAML and remember the line of every value, so that a finding can point at it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from openbook.findings import Finding
from openbook.reading.quick_yaml import with_loader

Keys = tuple[str | int, ...]
TEXT = "tag:yaml.org,2002:str"
USUAL = "Mend the line; indentation, a missing colon or a missing quote are the usual causes."
#: What collections are without a tag of their own.
PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True)
class Located:
    """A YAML document as plain Python values, and the line (from 1) of the value at each path."""

    value: object
    lines: dict[Keys, int]

    def line(self, *path: str | int) -> int:
        """Return the line of the value at `path`, or of the nearest enclosing value that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class LocatedError(ValueError):
    """The text is not the YAML we read: what is wrong and on which line."""

    def __init__(self, line: int, message: str):
        super().__init__(message)
        self.line = line


def load_located(text: str) -> Located:
    """Parse `text`; raise LocatedError for malformed YAML and for a key given twice."""
    try:
        return with_loader(text, _located)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise LocatedError((mark.line if mark else 0) + 1, str(getattr(error, "problem", None) or error)) from None


def read_located(path: Path, shown: str, rule: str, mend: str = USUAL) -> tuple[Located | None, list[Finding]]:
    """Return the document of a file, or None and the finding that says why it is none; `shown` is the file's name in it."""
    try:
        return load_located(path.read_text("utf-8")), []
    except LocatedError as error:
        return None, [Finding(shown, error.line, rule, f"this is not the YAML we read: {error}", mend)]
    except UnicodeDecodeError as error:
        return None, [Finding(shown, 1, rule, f"this is not UTF-8 text: {error.reason}", "Save the file as UTF-8.")]


def _located(loader: yaml.SafeLoader) -> Located:
    node = loader.get_single_node()
    lines: dict[Keys, int] = {}
    return Located(_build(loader, node, (), lines) if node else None, lines)


def _build(loader: yaml.SafeLoader, node: yaml.Node, path: Keys, lines: dict[Keys, int]) -> object:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.CollectionNode) and node.tag not in PLAIN:
        raise LocatedError(node.start_mark.line + 1, f"could not determine a constructor for the tag {node.tag!r}")
    if isinstance(node, yaml.MappingNode):
        result = {}
        for key_node, value_node in node.value:
            key = key_node.value if key_node.tag == TEXT else loader.construct_object(key_node)
            line = key_node.start_mark.line + 1
            if key in result:
                raise LocatedError(line, f"the key {key!r} is given twice")
            result[key] = _build(loader, value_node, (*path, key), lines)
            lines[*path, key] = line
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, child, (*path, index), lines) for index, child in enumerate(node.value)]
    if node.tag == TEXT:
        return node.value    # most values are texts, and the loader's own way to one is long
    return loader.construct_object(node)
