"""Find the formulas of a Markdown file with their lines, as the arithmatex extension will."""

from __future__ import annotations

import re
from dataclasses import dataclass

from openbook.reading.source import CODE_SPAN, FENCE

INLINE = re.compile(r"(?<!\\)(?<!\$)\$(?!\s)([^$\n]+?)(?<![\s\\])\$(?!\$)")


@dataclass(frozen=True)
class Formula:
    """TeX with the lines it begins and ends on."""

    line: int
    tex: str
    display: bool
    end: int


def formulas_in(text: str, body_line: int = 1) -> list[Formula]:
    """Return the inline `$...$` and displayed `$$` formulas outside code, in order."""
    found: list[Formula] = []
    fence = ""
    display: tuple[int, list[str]] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if number < body_line:
            continue
        mark = FENCE.match(line)
        if fence:
            if mark and mark["mark"].startswith(fence) and not mark["info"].strip():
                fence = ""
            continue
        if mark and display is None:
            fence = mark["mark"]
            continue
        stripped = line.strip()
        if display is not None:
            if stripped == "$$":
                found.append(Formula(display[0], "\n".join(display[1]).strip(), True, number))
                display = None
            else:
                display[1].append(stripped)
        elif stripped == "$$":
            display = (number, [])
        elif stripped.startswith("$$") and stripped.endswith("$$") and len(stripped) > 4:
            found.append(Formula(number, stripped[2:-2].strip(), True, number))
        else:
            prose = CODE_SPAN.sub(lambda code: " " * len(code[0]), line)
            found += [Formula(number, tex[1].strip(), False, number) for tex in INLINE.finditer(prose)]
    return found
