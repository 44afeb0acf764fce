"""Compare a block with its counterpart: what must be the same in both languages, and what differs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from openbook.alignment import code
from openbook.alignment.features import WORDY, features, prose
from openbook.alignment.numbers import Number, unmatched
from openbook.alignment.pairing import difference, pair_up
from openbook.alignment.prose import fits, same_tex
from openbook.reading.blocks import CALLOUT, ITEM, REFERENCE, TAB, Block
from openbook.reading.fences import split_caption
from openbook.reading.source import CODE_SPAN, FENCE, FIGURE, TABLE_CAPTION, Fence

MENDS = {
    "link": "Link to the same targets in both languages; name the English file.",
    "image": "Show the same images in both languages.",
    "citation": "Cite the same sources in both languages.",
    "code": "Code in the text stays as it is in both languages.",
    "formula": "Give both languages the same formula; only words inside \\text may be translated.",
    "footnote": "Refer to the same footnotes in both languages.",
    "tag": "Use the same HTML in both languages.",
    "attribute": "Give both languages the same attributes.",
    "number": "Give both languages the same number and unit.",
    "name": "Name the same products, types and versions in both languages.",
}
TITLE = re.compile(r"\s*title=(?:\"[^\"]*\"|'[^']*')")
CELL_END = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Difference:
    """Something that is not the same: on which line here, with which line there, which rule, what, how to mend it."""

    line: int
    there: int
    rule: str
    message: str
    mend: str


def compare_blocks(here: Block, there: Block) -> Iterator[Difference]:
    """Yield what differs between two blocks of one kind."""
    if here.kind == "fence":
        yield from _fences(here, there)
    elif here.kind == "table":
        yield from _tables(here, there)
    elif here.kind == "formula":
        if not fits(same_tex(here.text), same_tex(there.text)):
            yield Difference(here.line, there.line, "formula", f"the formula is `{_short(there.text)}`", MENDS["formula"])
    else:
        yield from _marks(here, there)
        if here.kind in WORDY:
            yield from compare_prose(_words(here), _words(there), here, there)


def _words(block: Block) -> str:
    """Return a block's prose; the ids of headings, figures and captions are compared by themselves."""
    if block.kind == "caption":
        return TABLE_CAPTION.match(block.first)["text"]
    if block.kind == "figure":
        return FIGURE.match(block.first)["text"]
    if block.kind == "heading":
        return re.sub(r"\s*\{[^{}]*\}\s*$", "", block.first).lstrip("#")
    if block.kind in ("callout", "tab"):
        return (CALLOUT if block.kind == "callout" else TAB).match(block.first)["title"] or ""
    return ITEM.sub("", block.text, count=1) if block.kind == "item" else block.text


def _marks(here: Block, there: Block) -> Iterator[Difference]:
    """Compare what makes a block the kind it is: ids of captions, kinds of notes, marks of lists."""
    def differs(what: str, ours: str, theirs: str, mend: str) -> Iterator[Difference]:
        if ours != theirs:
            yield Difference(here.line, there.line, "block", f"{what} is {theirs}, here it is {ours}", mend)

    a, b = here.first, there.first
    if here.kind == "caption":
        yield from differs("the table's id", f"#{TABLE_CAPTION.match(a)['id']}", f"#{TABLE_CAPTION.match(b)['id']}",
                           "Give both languages the same id.")
    elif here.kind == "figure":
        ours, theirs = FIGURE.match(a), FIGURE.match(b)
        yield from differs("the figure", ours["target"], theirs["target"], "Show the same figure in both languages.")
        yield from differs("the figure's id", f"#{ours['id']}", f"#{theirs['id']}", "Give both languages the same id.")
    elif here.kind == "callout":
        ours, theirs = CALLOUT.match(a), CALLOUT.match(b)
        yield from differs("the note", f"`{ours['mark']} {ours['kind']}`", f"`{theirs['mark']} {theirs['kind']}`",
                           "Use the same kind of note; its name stays English, the build translates it.")
        yield from differs("the note's title", "set" if ours["title"] else "left out", "set" if theirs["title"] else "left out",
                           "Give the note a title in both languages or in neither.")
    elif here.kind == "item":
        ours, theirs = ITEM.match(a), ITEM.match(b)
        kinds = {True: "numbered", False: "a bullet"}
        yield from differs("the list item", kinds[ours["mark"][0].isdigit()], kinds[theirs["mark"][0].isdigit()],
                           "Use the same kind of list.")
        yield from differs("the task", (ours["task"] or "none").strip().lower(), (theirs["task"] or "none").strip().lower(),
                           "Tick the same tasks in both languages.")
    elif here.kind == "reference":
        yield from differs("the reference", REFERENCE.match(a)["mark"], REFERENCE.match(b)["mark"], "Keep the label as it is.")


# code ---------------------------------------------------------------------------------------------

def _fences(here: Block, there: Block) -> Iterator[Difference]:
    ours, theirs = _opening(here), _opening(there)
    if TITLE.sub("", ours.info) != TITLE.sub("", theirs.info):
        yield Difference(here.line, there.line, "fence", f"the block opens with `{theirs.info}`, here with `{ours.info}`",
                         "Give both blocks the same language and classes.")
    a, b = here.lines[1:-1], there.lines[1:-1]
    a, words_here = split_caption(a, ours.language)
    b, words_there = split_caption(b, ours.language)
    for (index, text), (other, theirs_text) in zip(words_here, words_there):
        yield from compare_prose(text, theirs_text, _line_of(here, index), _line_of(there, other))
    yield from _same_code(here, code.running_lines(a, ours.language), there, code.running_lines(b, theirs.language))
    remarks, originals = code.comments(a, ours.language), code.comments(b, ours.language)
    for (index, comment), (other, theirs_comment) in zip(remarks, originals) if len(remarks) == len(originals) else ():
        yield from compare_prose(comment, theirs_comment, _line_of(here, index), _line_of(there, other), only=("number",))


def _opening(block: Block) -> Fence:
    return Fence(block.line, " ".join(FENCE.match(block.first)["info"].split()), "")


def _line_of(block: Block, index: int) -> Block:
    """Return a line of a fence's body as a block of its own, for its place."""
    return Block("paragraph", block.line + 1 + index, block.lines[index + 1])


def _same_code(here: Block, ours: list[tuple[int, str]], there: Block, theirs: list[tuple[int, str]]) -> Iterator[Difference]:
    """Yield the first line where two pieces of code part."""
    mend = "Copy the code from the English file; only comments may be translated."
    for (index, line), (other, original) in zip(ours, theirs):
        if line != original:
            missing = len(ours) < len(theirs) and line in (text for _, text in theirs)
            what = "is missing before this one" if missing else f"is `{_short(line)}` here"
            yield Difference(here.line + 1 + index, there.line + 1 + other, "fence", f"the line `{_short(original)}` {what}", mend)
            return
    count = min(len(ours), len(theirs))
    if len(ours) > count:
        yield Difference(here.line + 1 + ours[count][0], there.line, "fence", f"the line `{_short(ours[count][1])}` is not in the block", mend)
    elif len(theirs) > count:
        last = here.line + 1 + ours[-1][0] if ours else here.line
        yield Difference(last, there.line + 1 + theirs[count][0], "fence", f"the line `{_short(theirs[count][1])}` is missing after this one", mend)


# tables -------------------------------------------------------------------------------------------

def cells_of(row: str) -> list[str]:
    """Return the cells of a row of a pipe table; a bar inside code or behind a backslash ends none."""
    held = CODE_SPAN.sub(lambda found: found[0].replace("|", "\x00"), row.strip())
    return [cell.strip().replace("\x00", "|") for cell in CELL_END.split(held.removeprefix("|").removesuffix("|"))]


def _tables(here: Block, there: Block) -> Iterator[Difference]:
    ours, theirs = here.lines, there.lines
    pairs = pair_up(ours, theirs, lambda a, b: difference(features(a), features(b))) if len(ours) != len(theirs) else None
    if pairs:
        for pair in pairs:
            if pair.there is None:
                yield Difference(here.line + pair.here, there.line, "table", f"the row `{_short(ours[pair.here])}` has no counterpart",
                                 "Remove the row, or add it to the English table.")
            elif pair.here is None:
                after = max((other.here for other in pairs if other.here is not None and other.there is not None
                             and other.there < pair.there), default=0)
                yield Difference(here.line + after, there.line + pair.there, "table",
                                 f"the row `{_short(theirs[pair.there])}` is missing after this one", "Translate the row.")
    together = [(pair.here, pair.there) for pair in pairs if None not in (pair.here, pair.there)] if pairs else list(enumerate(range(len(ours))))
    for index, other in together:
        a, b = cells_of(ours[index]), cells_of(theirs[other])
        lines = Block("table", here.line + index, ours[index]), Block("table", there.line + other, theirs[other])
        if len(a) != len(b):
            yield Difference(here.line + index, there.line + other, "table", f"the row has {len(b)} cells, here it has {len(a)}",
                             "Give both tables the same columns.")
            continue
        for cell, original in zip(a, b):
            yield from compare_prose(cell, original, *lines)


# prose --------------------------------------------------------------------------------------------

def compare_prose(ours: str, theirs: str, here: Block, there: Block, only: tuple[str, ...] = ()) -> Iterator[Difference]:
    """Yield the parts, numbers and names that only one of two pieces of prose has."""
    a, b = prose(ours), prose(theirs)
    extra, missing = a.parts - b.parts, b.parts - a.parts
    for kind, value in [key for key in extra if key[0] == "formula"]:
        if partner := next((key for key in missing if key[0] == "formula" and fits(value, key[1])), None):
            extra, missing = extra - Counter([(kind, value)]), missing - Counter([partner])
    kinds = dict.fromkeys(kind for kind, _ in [*extra.elements(), *missing.elements()])
    for kind in kinds if not only else ():
        yield _told(kind, [value for key, value in extra if key == kind], [value for key, value in missing if key == kind], here, there)
    numbers_here, numbers_there = unmatched(a.numbers, b.numbers)
    if numbers_here or numbers_there:
        yield _told("number", [_number(number) for number in numbers_here], [_number(number) for number in numbers_there], here, there)
    names_here, names_there = a.numbers.names - b.numbers.names, b.numbers.names - a.numbers.names
    if (names_here or names_there) and not only:
        yield _told("name", sorted(names_here), sorted(names_there), here, there)


def _number(number: Number) -> str:
    return number.shown


def _told(rule: str, ours: list[str], theirs: list[str], here: Block, there: Block) -> Difference:
    shown = [", ".join(f"`{_short(value)}`" for value in dict.fromkeys(values)) for values in (ours, theirs)]
    what = rule if len(ours) + len(theirs) == 1 else f"{rule}s"
    message = (f"the {what}: here {shown[0]}, there {shown[1]}" if ours and theirs
               else f"the {what} {shown[0]} not there" if ours else f"the {what} {shown[1]} missing here")
    return Difference(_place(here, ours), _place(there, theirs), rule, message, MENDS[rule])


def _place(block: Block, values: list[str]) -> int:
    """Return the line of a block that holds the first of the values, or else its first line."""
    return next((block.line + index for value in values for index, line in enumerate(block.lines) if value in line), block.line)


def _short(text: str, width: int = 60) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[:width - 1] + "…"
