"""Load YAML with libyaml where PyYAML has it, which is ten times as fast, and explain mistakes as PyYAML does.

A few lines of YAML can fill the memory (aliases of aliases) or end the process (libyaml's composer calls itself for
each level), so both are looked for first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import yaml

QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
T = TypeVar("T")

#: Levels of nesting; the book's files have at most seven.
DEEPEST = 60
#: Values of a document with its aliases written out; the book's largest file has 7,000.
MOST_VALUES = 200_000
BRACKET = re.compile(r"[\[\]{}]")
#: Levels without brackets: by indentation, and several on one line.
DEEP_LINE = re.compile(rf"^ {{{4 * DEEPEST},}}\S|^ *(?:[-?:][ \t]+){{{DEEPEST},}}", re.MULTILINE)
ALIAS = re.compile(r"(?:^|[\s,\[{:-])\*[^\s,\[\]{}*]", re.MULTILINE)


def with_loader(text: str, use: Callable[[yaml.SafeLoader], T]) -> T:
    """Return what `use` makes of a loader of `text`; raise YAMLError with PyYAML's words and place.

    A text that is nested too deep, or too long once its aliases are written out, is no YAML for us.
    """
    refuse_depth(text)
    if ALIAS.search(text):
        _used(QUICK, text, _refuse_bomb)
    try:
        return _used(QUICK, text, use)
    except yaml.YAMLError:
        return _used(yaml.SafeLoader, text, use)


def load_yaml(text: str) -> object:
    """Return the value of a YAML text; raise YAMLError when it is none."""
    return with_loader(text, lambda loader: loader.get_single_data())


def refuse_depth(text: str) -> None:
    """Raise YAMLError at the line where a text is nested deeper than any file of the book has a reason to be."""
    found = DEEP_LINE.search(text)
    place, depth = (found.start() if found else -1), 0
    for bracket in BRACKET.finditer(text):
        depth = depth + 1 if bracket[0] in "[{" else max(depth - 1, 0)
        if depth > DEEPEST:
            place = bracket.start() if place < 0 else min(place, bracket.start())
            break
    if place >= 0:
        raise _error(f"this is nested more than {DEEPEST} levels deep", text.count("\n", 0, place))


def _refuse_bomb(loader: yaml.SafeLoader) -> None:
    """Raise YAMLError if the document, its aliases written out, is endless or has too many values."""
    sizes: dict[int, int] = {}
    open_ones: set[int] = set()

    def size(node: yaml.Node) -> int:
        if id(node) in open_ones:
            raise _error("an alias stands inside what it names", node.start_mark.line)
        if id(node) not in sizes:
            open_ones.add(id(node))
            children = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else (
                node.value if isinstance(node, yaml.SequenceNode) else [])
            sizes[id(node)] = 1 + sum(size(child) for child in children)
            open_ones.discard(id(node))
            if sizes[id(node)] > MOST_VALUES:
                raise _error(f"with its aliases written out this has more than {MOST_VALUES:,} values", node.start_mark.line)
        return sizes[id(node)]

    root = loader.get_single_node()
    if root is not None:
        size(root)


def _error(problem: str, line: int) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=yaml.Mark("", 0, line, 0, None, None))


def _used(kind: type, text: str, use: Callable[[yaml.SafeLoader], T]) -> T:
    loader = kind(text)
    try:
        return use(loader)
    finally:
        loader.dispose()
