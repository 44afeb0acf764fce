"""Collect the parts of one SVG: text, lines and shapes with classes, in the book's colours and type."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

from openbook.figures.text import text_width

#: Screens may lack the font that text was measured in; theirs is up to a seventh wider.
ROOM = 1.15
PRINT_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "5 5", "1 4")
#: The width of the dashed line that textures a piece of a bar, 0 for the bar's own; the first two differ in brightness.
TEXTURES = (None, None, 0, 3, 2, 0)
TEXTURE_DASHES = ("", "", "1.5 4.5", "0.1 6", "", "3.5 3.5")
#: Steps of a heat map from low to high: lighter to darker on paper; screens have their own.
HEAT = ("#eff6fa", "#d1e5f1", "#add2e6", "#86bbda", "#4f9cc8", "#005f96")


@dataclass
class Drawing:
    """An SVG that grows part by part; `size` is that of its letters."""

    width: float
    size: float
    height: float = 0
    parts: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def measure(self, text: str) -> float:
        return text_width(text, self.size) * ROOM

    def text(self, x: float, y: float, words: str, *classes: str, extra: str = "") -> None:
        """Set words with their baseline at y; the class `m` centres them on x, `e` ends them there."""
        self.parts.append(f"<text{self._classes(classes)} x=\"{number(x)}\" y=\"{number(y)}\"{extra}>{html.escape(words, False)}</text>")

    def plate(self, x: float, y: float, words: str) -> None:
        """Hide the grid behind words that will begin at x with their baseline at y."""
        self.path(f"M{number(x - 1)} {number(y - self.size * 0.85)}h{number(self.measure(words) + 2)}v{number(self.size * 1.1)}h{number(-self.measure(words) - 2)}z", "w")

    def circle(self, x: float, y: float, radius: float, *classes: str) -> None:
        self.parts.append(f'<circle{self._classes(classes)} cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>')

    def path(self, d: str, *classes: str) -> None:
        self.parts.append(f'<path{self._classes(classes)} d="{d}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, *classes: str) -> None:
        self.path(f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}", *classes)

    def bar(self, x1: float, x2: float, y: float, height: float, colour: int, textured: bool = False) -> None:
        """Draw a bar from x1 to x2; pieces of one bar are textured, so that they are told apart without colour."""
        x1, x2 = sorted((x1, x2))
        x2 = max(x2, x1 + 1)
        self.path(f"M{number(x1)} {number(y)}H{number(x2)}v{number(height)}H{number(x1)}z", f"f{colour + 1}", *(["o"] if textured else []))
        if textured and (width := TEXTURES[colour]) is not None and x2 - x1 > 3:
            self.parts.append(f'<path{self._classes(("t", f"t{colour + 1}"))} stroke-width="{number(width or height)}" '
                              f'd="M{number(x1 + 2)} {number(y + height / 2)}H{number(x2 - 1)}"/>')

    def legend(self, names: list[str], x: float, y: float, right: float, draw) -> float:
        """Set a key of marks and names from x on, in as many lines as it takes; return the y below it.

        `draw(index, x, y)` draws the mark of a name, twelve wide, its middle at y.
        """
        at = x
        for index, name in enumerate(names):
            width = 18 + self.measure(name)
            if at > x and at + width > right:
                at, y = x, y + self.size * 1.6
            draw(index, at, y - self.size * 0.33)
            self.text(at + 18, y, name)
            at += width + 16
        return y + self.size * 0.6

    def _classes(self, classes: tuple[str, ...]) -> str:
        self.used.update(classes)
        return f' class="{" ".join(classes)}"' if classes else ""

    def svg(self, name: str, title: str, desc: str, kind: str) -> str:
        """Return the SVG element with its style, which names only what is used; `kind` is its class in the page."""
        rules = [f"text{{font-family:var(--fig-font,sans-serif);font-size:{number(self.size)}px;fill:var(--fig-ink,#1f2328)}}"]
        rules += [f".{key}{{{rule}}}" for key, rule in STYLE.items() if key in self.used]
        scope = "".join(f"#{name} {rule}" for rule in rules)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" class="{kind}" role="img" data-search-exclude="yes" aria-labelledby="{name}-title {name}-desc" '
                f'viewBox="0 0 {number(self.width)} {number(self.height)}"><title id="{name}-title">{html.escape(title, False)}</title>'
                f'<desc id="{name}-desc">{html.escape(desc, False)}</desc><style>{scope}</style>{"".join(self.parts)}</svg>')


STYLE = {"q": "fill:var(--fig-muted,#59636e)", "m": "text-anchor:middle", "e": "text-anchor:end", "b": "font-weight:600",
         "g": "stroke:var(--fig-grid,#d8dee4);stroke-width:1;fill:none",
         "ax": "stroke:var(--fig-line,#8c959f);stroke-width:1;fill:none",
         "d": "stroke:var(--fig-line,#8c959f);stroke-width:1;stroke-dasharray:4 4;fill:none",
         "o": "stroke:var(--fig-bg,#ffffff);stroke-width:1",
         "k": "fill:none;stroke-width:2.2",
         "t": "fill:none;stroke:var(--fig-bg,#ffffff)",
         "w": "fill:var(--fig-bg,#ffffff)"}
STYLE |= {f"f{index + 1}": f"fill:var(--fig-c{index + 1},{colour})" for index, colour in enumerate(PRINT_COLOURS)}
STYLE |= {f"s{index + 1}": f"stroke:var(--fig-c{index + 1},{colour})" + (f";stroke-dasharray:{dash}" if dash else "")
          for index, (colour, dash) in enumerate(zip(PRINT_COLOURS, DASHES))}
STYLE |= {f"t{index + 1}": f"stroke-dasharray:{dash}" + (";stroke-linecap:round" if dash.startswith("0.1") else "")
          for index, dash in enumerate(TEXTURE_DASHES) if dash}
STYLE |= {f"h{index + 1}": f"fill:var(--fig-h{index + 1},{colour})" for index, colour in enumerate(HEAT)}


def number(value: float) -> str:
    """Return a coordinate with one decimal at most."""
    return f"{round(value, 1) + 0:g}"


def marker(drawing: Drawing, index: int, x: float, y: float, radius: float = 4.5) -> None:
    """Draw the mark of a series: colour and shape differ, so that it is told apart in black and white."""
    r = radius * (1, 0.9, 1.15, 1.15, 1.15, 1)[index]
    if index == 0:
        drawing.circle(x, y, r, "f1", "o")
        return
    shapes = (f"M{number(x - r)} {number(y - r)}h{number(2 * r)}v{number(2 * r)}h{number(-2 * r)}z",
              f"M{number(x)} {number(y - r)}L{number(x + r)} {number(y + 0.8 * r)}H{number(x - r)}z",
              f"M{number(x)} {number(y - r)}l{number(r)} {number(r)}l{number(-r)} {number(r)}l{number(-r)} {number(-r)}z",
              f"M{number(x)} {number(y + r)}L{number(x + r)} {number(y - 0.8 * r)}H{number(x - r)}z",
              f"M{number(x - r)} {number(y - 0.5 * r)}h{number(2 * r)}v{number(r)}h{number(-2 * r)}z")
    drawing.path(shapes[index - 1], f"f{index + 1}", "o")
