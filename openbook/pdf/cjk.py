"""Set Chinese lines: full justification without rivers, and punctuation that fits line edges and neighbours.

WeasyPrint stretches spaces only, so Chinese with a few Latin words gets rivers. Here the slack of a line is
shared by all gaps beside Chinese characters. A closing mark at the line's end and an opening mark at its
start lose their empty half, and so does the first of two marks that meet (`）。`, `：“`). Spaces in code stay as they are.
Nothing is added to the text: copying and searching in the PDF see what was written.
"""

from __future__ import annotations

import re
from typing import Any

from . import weasy
from .flatten_code import JOIN
from .flatten_marks import CLOSING, OPENING

HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
MARKS = "\u3001-\u3003\u3008-\u3011\u3014-\u301b\uff01-\uff0f\uff1a-\uff1f\uff3b\uff3d\uff5b\uff5d\uff5e"
#: Pairs that are one sign and are never pulled apart.
ONE_SIGN = {"——", "……"}
#: How much more a space takes of the slack than a gap between characters.
SPACE_WEIGHT = 3
#: The widest gap, in em; a line that needs more, before a long word, is left ragged by the rest.
WIDEST = 0.15
#: The same for the spaces of lines without Chinese.
WIDEST_SPACE = 0.9

_chinese = re.compile(f"[{HAN}{MARKS}“”‘’—…·]")
_han = re.compile(f"[{HAN}]")
_meeting = re.compile(f"([{CLOSING}])(?=[{CLOSING}{OPENING}{JOIN}])|(?<=[{OPENING}{JOIN}])([{OPENING}])")


def install() -> None:
    """Hand these rules to WeasyPrint."""
    weasy.set_line_hooks(justify, squeezes)


def squeezes(text: str, lang: str) -> list[tuple[int, int]]:
    """Find the marks that lose their empty half because another mark follows or precedes, as byte ranges."""
    if not lang.lower().startswith("zh"):
        return []
    return [(len(text[:m.start()].encode()), len(text[:m.end()].encode())) for m in _meeting.finditer(text)]


def gaps(text: str, last: bool) -> list[tuple[int, int]]:
    """List the gaps of a text that may be stretched: index of the character before it, and its weight.

    `last` says that the text ends the line, so that nothing may be stretched after its last character.
    """
    found = []
    for i, char in enumerate(text):
        following = text[i + 1] if i + 1 < len(text) else ""
        if not following and last:
            break
        if char == JOIN:  # a mark stands in the text beside this one, which counts the gap
            continue
        if char in " \u00a0":
            found.append((i, SPACE_WEIGHT))
        elif following in (" ", "\u00a0") and following:
            continue
        elif _chinese.match(char) or _chinese.match(following):
            if char + following not in ONE_SIGN:
                found.append((i, 1))
    return found


def justify(context: Any, line: Any, extra: float) -> bool:
    """Justify a Chinese line whose slack is `extra` CSS pixels; say whether nothing is left to do.

    Of other lines only the loosest are taken, those that a long word before the break left half empty: they stay
    ragged.
    """
    texts = [box for box in _texts(line) if box.text]
    chinese = (line.style["lang"] or "").lower().startswith("zh") and any(_han.search(box.text) for box in texts)
    if not chinese:
        spaces = sum(map(weasy.expandable, texts))
        return spaces > 0 and extra / spaces > WIDEST_SPACE * line.style["font_size"]
    first, last = texts[0], texts[-1]
    shift = 0.0
    if last.text[-1] in CLOSING and last is _edge(line, -1):
        extra += last.style["font_size"] / 2
    if first.text[0] in OPENING and first is _edge(line, 0):
        shift = -first.style["font_size"] / 2
        extra -= shift
    plan = {id(box): gaps(box.text, box is last) for box in texts if box.element_tag != "code"}
    total = sum(weight for found in plan.values() for _, weight in found)
    if total:
        _spread(context, line, plan, min(extra / total, WIDEST * line.style["font_size"]), shift)
    return True


def _texts(box: Any) -> Any:
    """Walk the text boxes of a line."""
    if isinstance(box, weasy.boxes.TextBox):
        yield box
    elif isinstance(box, (weasy.boxes.LineBox, weasy.boxes.InlineBox)):
        for child in box.children:
            if child.is_in_normal_flow():
                yield from _texts(child)


def _edge(box: Any, index: int) -> Any:
    """Find the innermost box at a line's start (0) or end (-1)."""
    while isinstance(box, (weasy.boxes.LineBox, weasy.boxes.InlineBox)):
        flow = [child for child in box.children if child.is_in_normal_flow()]
        if not flow:
            return None
        box = flow[index]
    return box


def _spread(context: Any, box: Any, plan: dict[int, list[tuple[int, int]]], unit: float, x: float) -> float:
    """Move a box by `x` and widen its gaps by `unit` a weight; return how far what follows must move."""
    if isinstance(box, weasy.boxes.TextBox):
        box.position_x += x
        if found := plan.get(id(box)):
            offsets = {i: len(box.text[:i].encode()) for i, _ in found}
            weasy.stretch(context, box, {offsets[i]: weight * unit for i, weight in found})
            added = sum(weight for _, weight in found) * unit
            box.width += added
            x += added
    elif isinstance(box, (weasy.boxes.LineBox, weasy.boxes.InlineBox)):
        box.position_x += x
        start = x
        for child in box.children:
            if child.is_in_normal_flow():
                x = _spread(context, child, plan, unit, x)
        box.width += x - start
    else:
        box.translate(x, 0)
    return x
