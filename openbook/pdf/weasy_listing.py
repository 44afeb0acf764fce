"""End the box of a listing that goes on overleaf behind its last line, not at the foot of the page.

CSS lets a box that is cut by a page's end fill what is left of the page; for a listing, whose lines are kept together
by threes, that is a field of grey without text.
"""

from __future__ import annotations

from typing import Any

import weasyprint.layout.block as block

original = {"container": block.block_container_layout}


def install() -> None:
    """Put this function in the place of WeasyPrint's."""
    block.block_container_layout = _block_container_layout


def _block_container_layout(context: Any, box: Any, *rest: Any, **named: Any) -> Any:
    """Lay a block out; a listing that is cut ends with what it holds."""
    result = original["container"](context, box, *rest, **named)
    laid, resume_at = result[:2]
    if resume_at is not None and laid is not None and laid.children and _is_listing(box):
        last = laid.children[-1]
        laid.height = max(0, last.position_y + last.margin_height() - laid.content_box_y())
    return result


def _is_listing(box: Any) -> bool:
    """Say whether a box is a listing, or one of the two it consists of."""
    return box.element_tag in ("pre", "code") or (box.element_tag == "div" and "highlight" in (box.element.get("class") or "").split())
