"""Tell the caption of a `table` or `chart` fence, which each language has of its own, from its code, which both share."""

from __future__ import annotations

from openbook.reading.source import FACTS_FENCES


def split_caption(body: list[str], language: str) -> tuple[list[str], list[tuple[int, str]]]:
    """Return a fence's lines with its caption emptied, and the caption with the index of its line; other fences have none."""
    if language not in FACTS_FENCES:
        return body, []
    captions = [(index, line.split(":", 1)[1]) for index, line in enumerate(body) if line.lstrip().startswith("caption:")]
    taken = {index for index, _ in captions}
    return ["" if index in taken else line for index, line in enumerate(body)], captions
