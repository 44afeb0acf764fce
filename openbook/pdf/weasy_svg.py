"""Draw the centred and right-set texts of a drawing straight onto the page.

To shift such a text by its width, WeasyPrint draws it as a group of its own, and makes that a transparency group: a viewer
then draws the words on a bitmap apart, and on a screen their first letter is cut or set off.
"""

from __future__ import annotations

from typing import Any

import weasyprint.svg as svg

original = {"svg_text": svg.text}
_LEFT = {("start", "ltr"), ("end", "rtl")}


def install() -> None:
    """Put this function in the place of WeasyPrint's."""
    svg.TAGS.update((name, _text) for name, draw in svg.TAGS.items() if draw is svg.text)
    svg.text = _text


def _text(drawing: Any, node: Any, font_size: float) -> None:
    """Draw a text; the stream of one that is shifted is its own."""
    if (node.get("text-anchor", "start"), node.get("direction", "ltr")) not in _LEFT:
        drawing.stream.extra.pop("Group", None)
    original["svg_text"](drawing, node, font_size)
