"""Keep the tree of tags small: a span that says nothing gives what it holds to the tag around it.

WeasyPrint makes a tag for every piece of text of every line. A reader that follows the tree hears the same without them, and
they were two thirds of a PDF's objects. The marks in a page's content are joined likewise, from one tag to the next.
"""

from __future__ import annotations

from typing import Any

import pydyf

#: What this file relies on beside the tags: an object's number is its place, and a mark is three entries of the content.
original = {"add_object": pydyf.PDF.add_object, "begin_marked_content": pydyf.Stream.begin_marked_content}
SILENT = {"/Span", "/NonStruct"}
#: Tags that may hold text themselves.
HOLDERS = {*(f"/H{level}" for level in range(1, 7)), "/P", "/Span", "/NonStruct", "/Link", "/Lbl", "/LBody", "/TD", "/TH",
           "/Code", "/Formula", "/Caption", "/Note"}
#: What every tag has: one with more says something, as its language.
BARE = {"Type", "S", "K", "Pg", "P"}


class Numbers:
    """Gives new objects of a PDF the numbers of those that were taken out."""

    def __init__(self, out: Any):
        self.out, self.free, self.add = out, [], out.add_object
        out.add_object = self._add

    def _add(self, item: Any) -> None:
        """Add an object."""
        if not self.free:
            self.add(item)
            return
        item.number = self.free.pop()
        self.out.objects[item.number] = item

    def close(self) -> None:
        """Fill what is still free with empty objects, and let the PDF number its objects itself again."""
        for number in self.free:
            self.out.objects[number] = filler = pydyf.Dictionary()
            filler.number = number
        del self.out.add_object


def object_of(out: Any, kid: Any) -> Any:
    """Give the object that a tag's kid refers to; None for a piece of the page's content."""
    return out.objects[int(kid.partition(b" ")[0])] if isinstance(kid, bytes) else None


def dissolve(node: Any, out: Any, owners: dict[int, bytes], free: list[int]) -> None:
    """Put in place of a tag's silent spans what they hold; `owners` says which tag a piece of the page belongs to."""
    if node["S"] not in HOLDERS:
        return
    kept = pydyf.Array()
    for kid in node["K"]:
        span = object_of(out, kid)
        if span is None or not _silent(span, out):
            kept.append(kid)
            continue
        for held in span["K"]:
            inner = object_of(out, held)
            if inner is None:
                owners[held] = node.reference
            else:
                inner["P"] = node.reference
            kept.append(held)
        free.append(span.number)
    node["K"] = kept


def _silent(span: Any, out: Any) -> bool:
    """Say whether a tag says nothing; one that stands for a link on the page does."""
    return (span.get("S") in SILENT and not span.keys() - BARE
            and not any(inner is not None and "S" not in inner for inner in (object_of(out, kid) for kid in span["K"])))


def join(out: Any, owners: list[bytes], stream: Any) -> None:
    """Join the marks of a page that follow one another and belong to one tag, and number what is left anew.

    `owners` lists the tags by mark; it is changed in place.
    """
    marks = {mark: (start, end) for mark, start, end in stream.__dict__.get("marks", ())}
    content, dropped, numbers = stream.stream, set(), {}
    for mark, owner in enumerate(owners):
        start, end = marks[mark]
        if mark and owners[mark - 1] == owner and marks[mark - 1][1] == start:
            dropped.update(range(start - 1, start + 3))  # the end of the one before; name, number and start of this one
            if content[start - 2] == b"ET" and content[start + 3] == b"BT":
                dropped.update((start - 2, start + 3))
            continue
        content[start + 1]["MCID"] = numbers[mark] = len(numbers)
    stream.stream = [item for at, item in enumerate(content) if at not in dropped]
    for owner in dict.fromkeys(owners):
        node = object_of(out, owner)
        node["K"] = pydyf.Array(numbers.get(kid, kid) for kid in node["K"] if isinstance(kid, bytes) or kid in numbers)
    owners[:] = [owner for mark, owner in enumerate(owners) if mark in numbers]
