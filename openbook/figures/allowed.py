"""What a figure may hold: shapes, words and their style. A browser runs whatever else an SVG in a page has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = frozenset((
    "svg title desc switch g defs style rect circle ellipse line polyline polygon path text tspan marker pattern "
    "clipPath mask linearGradient radialGradient stop").split())
#: Properties of drawing, as attributes and in style; those that place boxes on a page are not among them.
PROPERTIES = frozenset((
    "fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-dasharray stroke-dashoffset stroke-linecap "
    "stroke-linejoin stroke-miterlimit opacity color stop-color stop-opacity clip-path clip-rule mask marker-start "
    "marker-mid marker-end paint-order vector-effect shape-rendering text-rendering transform transform-origin "
    "font-family font-size font-style font-weight font-variant font-variant-numeric font-feature-settings letter-spacing "
    "word-spacing text-anchor text-decoration dominant-baseline alignment-baseline baseline-shift writing-mode "
    "white-space").split())
ATTRIBUTES = PROPERTIES | frozenset((
    "id class style lang role systemLanguage viewBox preserveAspectRatio x y dx dy x1 y1 x2 y2 cx cy r rx ry fx fy "
    "width height d points rotate textLength lengthAdjust pathLength offset gradientUnits gradientTransform "
    "spreadMethod patternUnits patternContentUnits patternTransform clipPathUnits maskUnits maskContentUnits "
    "markerWidth markerHeight markerUnits refX refY orient aria-hidden aria-label aria-labelledby aria-describedby "
    "version {http://www.w3.org/XML/1998/namespace}lang {http://www.w3.org/XML/1998/namespace}space").split())
FUNCTIONS = frozenset("var calc rgb rgba hsl translate scale rotate skewX skewY matrix min max".split())
FUNCTION = re.compile(r"([\w-]*)\(")
INSIDE = re.compile(r"url\(\s*#[\w.-]+\s*\)")
#: Comments in styles could hide a rule's end from the ids that are put before it.
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
RULE = re.compile(r"\s*(?P<selectors>[^{}]+)\{(?P<body>[^{}]*)\}\s*")
#: One thing in the figure by its element, class or id, or one inside another.
COMPOUND = re.compile(r"\*|[A-Za-z]+(?:[.#][\w-]+)*|(?:[.#][\w-]+)+")
DECLARATION = re.compile(r"\s*(?P<name>[A-Za-z-]+)\s*:(?P<value>[^;]*)")

Fault = tuple[int, str]


def faults_of(root: etree._Element) -> Iterator[Fault]:
    """Yield the line and the nature of everything in an SVG that no figure needs."""
    if root.getroottree().docinfo.doctype:
        yield 1, "the figure has a DOCTYPE"
    if root.get("width") or root.get("height"):
        yield root.sourceline or 1, "the figure has a size"
    for element in (*root.itersiblings(preceding=True), *root.itersiblings()):
        if not isinstance(element, etree._Comment):
            yield element.sourceline or 1, f"`{_named(element)}` is not of a figure"
    for element in root.iter():
        if isinstance(element, etree._Comment):
            continue
        line = element.sourceline or 1
        if not isinstance(element.tag, str) or element.tag.removeprefix(SVG) not in ELEMENTS or not element.tag.startswith(SVG):
            yield line, f"`{_named(element)}` is not of a figure"
            continue
        if element.tag == SVG + "svg" and element is not root:
            yield line, "one `<svg>` stands inside the other"
        if element.tag == SVG + "style":
            yield from ((line, fault) for fault in _style_faults("".join(element.itertext())))
        for name, value in element.attrib.items():
            yield from ((line, fault) for fault in _attribute_faults(name, value))


def _named(element: etree._Element) -> str:
    return f"<{element.tag.rpartition('}')[2]}>" if isinstance(element.tag, str) else "".join(str(element).split("\n")[0][:40])


def _attribute_faults(name: str, value: str) -> Iterator[str]:
    shown = name.rpartition("}")[2]
    if name not in ATTRIBUTES:
        yield f"the attribute `{shown}` is not of a figure"
    elif shown == "class" and any(part.startswith("md-") for part in value.split()):
        yield f"the class `{value[:40]}` is one of the theme"
    elif shown == "style":
        yield from _declaration_faults(value)
    elif shown in PROPERTIES and (fault := _value_fault(value)):
        yield f"`{shown}` {fault}"


def _style_faults(text: str) -> Iterator[str]:
    """Yield what is wrong with a style sheet: what is no plain rule, and rules for more than the figure."""
    place, text = 0, COMMENT.sub("", text)
    while place < len(text.rstrip()):
        rule = RULE.match(text, place)
        if rule is None or any(char in rule["selectors"] for char in "@\\\"'[<"):
            yield f"`{' '.join(text[place:place + 40].split())}` is no plain rule of style"
            return
        if not all(_is_inside(selector) for selector in rule["selectors"].split(",")):
            yield f"`{' '.join(rule['selectors'].split())[:40]}` may choose more than what is in the figure"
        yield from _declaration_faults(rule["body"])
        place = rule.end()


def _is_inside(selector: str) -> bool:
    """Say whether a selector with the figure's id before it can choose nothing but what is in the figure."""
    parts = selector.replace(">", " > ").split()
    return bool(parts) and parts[-1] != ">" and all(COMPOUND.fullmatch(part) for part in parts if part != ">")


def _declaration_faults(text: str) -> Iterator[str]:
    for part in COMMENT.sub("", text).split(";"):
        if not part.strip():
            continue
        found = DECLARATION.fullmatch(part)
        if found is None or found["name"].lower() not in PROPERTIES and not found["name"].startswith("--fig-"):
            yield f"the style `{' '.join(part.split())[:40]}` is not of a figure"
        elif fault := _value_fault(found["value"]):
            yield f"`{found['name']}` {fault}"


def _value_fault(value: str) -> str | None:
    """Return what is wrong with a value: it asks for something from elsewhere, or hides what it asks for."""
    if any(char in value for char in "\\@<") or "/*" in value:
        return f"has the value `{' '.join(value.split())[:40]}`"
    for name in FUNCTION.findall(INSIDE.sub("", value)):
        if name not in FUNCTIONS:
            return f"calls `{name}(`"
    return None
