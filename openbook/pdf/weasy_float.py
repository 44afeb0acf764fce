"""Let a figure that does not fit on a page stand behind the paragraph that follows it, instead of a white foot.

CSS has page floats for this; WeasyPrint does not know them. The figure changes places with the next paragraph in its
parent's list of boxes, again and again until the page is full, so that it opens the next page or follows a paragraph's end.
Tags, links and anchors follow the boxes. Nothing but paragraphs is passed: a figure stays in its section, before the
next list, table or figure, and with a paragraph that announces it by a colon; nor does a paragraph leave its formula.
"""

from __future__ import annotations

from typing import Any

import weasyprint.layout.block as block

original = {"in_flow": block._in_flow_layout}


def install() -> None:
    """Put this function in the place of WeasyPrint's."""
    block._in_flow_layout = _in_flow_layout


def _in_flow_layout(context: Any, box: Any, index: int, child: Any, laid: list[Any], page_is_empty: bool, absolute: Any,
                    fixed: Any, margins: list[Any], *rest: Any) -> Any:
    """Lay a block out; where a figure does not fit, the paragraph after it in its place."""
    place = child.position_x, child.position_y

    def attempt(block_box: Any) -> Any:
        block_box.position_x, block_box.position_y = place
        return original["in_flow"](context, box, index, block_box, list(laid), page_is_empty, absolute, fixed, list(margins), *rest)

    child = box.children[index]  # which may have changed places since the loop over the children began
    result = attempt(child)
    follower = box.children[index + 1] if index + 1 < len(box.children) else None
    beyond = box.children[index + 2] if index + 2 < len(box.children) else None
    if not _may_float(child) or not _may_lead(follower) or _is_formula(beyond) or not _is_left_over(result, laid, index):
        return result
    if _is_announcement(laid[-1]):
        return result
    box.children[index:index + 2] = [follower, child]
    turned = attempt(follower)
    if _is_left_over(turned, laid, index) or turned[0]:
        box.children[index:index + 2] = [child, follower]
        return result
    return turned


def _is_left_over(result: Any, laid: list[Any], index: int) -> bool:
    """Say whether a block was left for the next page, and nothing else with it."""
    abort, stop, resume_at, _, _, _, children, _ = result
    return not abort and stop and resume_at == {index: None} and len(laid) > 0 and children == laid


def _may_float(box: Any) -> bool:
    """Say whether a box is a figure, not a table with a caption."""
    return box.element_tag == "figure" and "book-table" not in _classes(box)


def _may_lead(box: Any) -> bool:
    """Say whether a box is a paragraph that may go before a figure: one without notes, which are laid out but once."""
    return (box is not None and box.element_tag == "p" and box.is_in_normal_flow() and not _is_announcement(box)
            and not any(element.get("class") == "fn" for element in box.element.iter()))


def _is_formula(box: Any) -> bool:
    """Say whether a box is a displayed formula, which ends the sentence of the paragraph before it."""
    return bool({"math", "equation"} & set(_classes(box)))


def _is_announcement(box: Any) -> bool:
    """Say whether a box is a paragraph that announces what follows."""
    return "lead" in _classes(box)


def _classes(box: Any) -> list[str]:
    """List the classes of a box's element."""
    element = getattr(box, "element", None)
    return (element.get("class") or "").split() if element is not None else []
