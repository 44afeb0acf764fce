"""Take out of style sheets and scripts what no page of the book can use: they are loaded with every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

CLASSES = re.compile(r'class(?<!-class)="([^"]*)"')
#: A colour of the theme's that an element asks for, and that a selector is for.
ASKED = re.compile(r'data-md-color-((?:scheme|primary|accent)="[^"]*)"')
COLOUR = re.compile(r"\[data-md-color-(\w+)=([\w-]+)\]")
#: What stands in brackets behind a colon only narrows or negates: a rule is not judged by it.
BRACKETS = re.compile(r"\([^()]*\)")
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
#: Comments that stand on lines of their own; in a script no text runs over several lines.
COMMENTS = {".css": re.compile(r"(?ms)^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*\n"), ".js": re.compile(r"(?m)^[ \t]*//.*\n")}


def classes_in(page: str) -> set[str]:
    """Return the class names of a page, and the theme's colours that it asks for, such as `primary=custom`."""
    colours = {asked.replace('"', "") for asked in ASKED.findall(page)}
    return colours | {name for names in set(CLASSES.findall(page)) for name in names.split()}


def trim_theme(site: Path, classes: set[str]) -> None:
    """Write the theme's style sheets anew for pages that have `classes`, and those that the site's scripts give."""
    scripts = "".join(path.read_text("utf-8") for folder in ("javascripts", "js") for path in sorted((site / "assets" / folder).glob("*.js")))
    known = classes | set(re.findall(r"[\w-]+", scripts))
    for path in (site / "assets/stylesheets").glob("*.min.css"):
        path.write_text(trimmed(path.read_text("utf-8"), known), "utf-8")


def drop_comments(site: Path) -> None:
    """Write the book's own style sheets and scripts without what they say to those who read their source."""
    for folder in ("css", "js"):
        for path in (site / "assets" / folder).iterdir():
            if path.suffix in COMMENTS:
                path.write_text(without_comments(path.read_text("utf-8"), path.suffix), "utf-8")


def without_comments(text: str, suffix: str) -> str:
    """Return a style sheet (`.css`) or a script (`.js`) without the comments that have lines of their own."""
    return re.sub(r"\n{2,}", "\n", COMMENTS[suffix].sub("", text)).lstrip("\n")


def trimmed(sheet: str, known: set[str]) -> str:
    """Return a style sheet without selectors for unknown classes and colours, and for text from right to left."""
    kept = []
    for head, body in _rules(sheet):
        if head.startswith(("@media", "@supports")):
            body = trimmed(body, known)
        elif not head.startswith("@"):
            head = ",".join(selector for selector in _selectors(head) if _usable(selector, known))
        if head and body:
            kept.append(f"{head}{{{body}}}" if body != ";" else head + body)
    return "".join(kept)


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Yield what stands before each block and in it; a statement without a block has ";" for one."""
    at = 0
    while at < len(sheet):
        opening = re.compile(r"[{;]").search(sheet, at)
        if opening is None:
            break
        if opening[0] == ";":
            yield sheet[at:opening.start()], ";"
            at = opening.end()
            continue
        depth, end = 1, opening.end()
        for brace in re.compile(r"[{}]").finditer(sheet, end):
            depth += 1 if brace[0] == "{" else -1
            if not depth:
                end = brace.start()
                break
        yield sheet[at:opening.start()], sheet[opening.end():end]
        at = end + 1


def _selectors(head: str) -> list[str]:
    """Return the selectors of a rule; a comma in brackets separates none."""
    return re.split(r",(?![^(]*\))", head)


def _usable(selector: str, known: set[str]) -> bool:
    bare = selector
    while BRACKETS.search(bare):
        bare = BRACKETS.sub("", bare)
    asked = CLASS.findall(bare) + [f"{kind}={value}" for kind, value in COLOUR.findall(bare)]
    return "[dir=rtl]" not in selector and known.issuperset(asked)
