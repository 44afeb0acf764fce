"""Fill lines that WeasyPrint breaks too early.

It lets a text end with a space beyond the measure, and yet takes one that does for a text whose first word is too long:
this word is then alone on its line. And it splits an element, such as code on its grey ground, without counting the
padding before its first word: what is split off is too wide by it, and the whole element goes to the next line.
"""

from __future__ import annotations

from typing import Any

from weasyprint.layout import inline

original = {"split_text_box": inline.split_text_box, "split_inline_box": inline.split_inline_box}


def install() -> None:
    """Put these functions in the place of WeasyPrint's."""
    inline.split_text_box = _split_text_box
    inline.split_inline_box = _split_inline_box


def _split_text_box(context: Any, box: Any, width: float | None, skip: int, is_line_start: bool = True) -> Any:
    """Split a line off a text; where it holds one word, see whether the whole text fits without its last space."""
    result = original["split_text_box"](context, box, width, skip, is_line_start=is_line_start)
    line, resume_at, _ = result
    if width is None or resume_at is None or line is None or not box.text.endswith(" ") or " " in line.text.strip(" "):
        return result
    whole = original["split_text_box"](context, box, width + box.style["font_size"], skip, is_line_start=is_line_start)
    if whole[1] is None and whole[0].width - inline.trailing_whitespace_size(context, whole[0]) <= width:
        return whole
    return result


def _split_inline_box(context: Any, box: Any, x: float, max_x: float, bottom_space: float, skip_stack: Any, *rest: Any) -> Any:
    """Split an element so that the padding before its first word fits too."""
    if skip_stack is None and (box.padding_left or box.margin_left or box.border_left_width):
        max_x -= box.padding_left + box.margin_left + box.border_left_width
    return original["split_inline_box"](context, box, x, max_x, bottom_space, skip_stack, *rest)
