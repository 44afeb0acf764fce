"""Tell the words of a `table` or `chart` fence, which each language has of its own, from its code, which both share."""

from __future__ import annotations

import re

from openbook.reading.source import FACTS_FENCES

LABELLED = re.compile(r"^\s*(marks|guides):")
KEY = re.compile(r'"([^"]*)"(?=\s*:)')


def split_words(body: list[str], language: str) -> tuple[list[str], list[tuple[int, str]]]:
    """Return a fence's lines without its words, and the words with the index of their line.

    Words are the caption, and the labels (quoted keys) of `marks` and `guides`; other fences have none.
    """
    if language not in FACTS_FENCES:
        return body, []
    code, words = [], []
    for index, line in enumerate(body):
        if line.lstrip().startswith("caption:"):
            words.append((index, line.split(":", 1)[1]))
            code.append("")
        elif LABELLED.match(line):
            words += [(index, label) for label in KEY.findall(line)]
            code.append(KEY.sub('""', line))
        else:
            code.append(line)
    return code, words
