"""Look at a page's article as Markdown made it: every tag, attribute and address in it is one that the book uses.

`markup` says the same of the source, with lines. This is the last look, at what browsers will get: it does not matter by
which way something came in, a snippet, a cell of a table, an extension that was not thought of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from openbook.safety.markup import COMMENT

#: Where links lead, as it is written: a scheme that is allowed, or a path without anything that could be a scheme.
HREF = r"(?:(?:https?://|mailto:|book:)[^\"<>]*|(?!//)[^\"<>:&\\\x00-\x20]*(?:[#?][^\"<>]*)?)"
SRC = r"(?!//)[^\"<>:&\\\x00-\x20]+"
#: Names of the theme's own parts are not for chapters, nor ids that its scripts look for.
CLASS = r"(?!(?:[^\"]*\s)?md-)[^\"<>]*"
ID = r"(?:__tabbed_\d+_\d+|(?!__)[^\"<>\s]+)"
PATH = r"(?!/)(?:(?!\.\.?/)[\w.-]+/)*[\w.-]+"

TEXT = r"[^\"<>]*"

COMMON = (
    rf'class="{CLASS}"', rf'id="{ID}"', rf'title="{TEXT}"', r'lang="[\w-]+"', r'role="(?:tooltip|note)"', r'tabindex="0"',
    rf'aria-(?:hidden|label|describedby|labelledby)="{TEXT}"', rf'data-(?:cite|id|table|columns|tabs)="{TEXT}"',
    rf'data-figure="{PATH}"', rf'data-search-exclude(?:="{TEXT}")?')
ALIGN = r'style="text-align: (?:left|right|center);"'
#: Attributes that only some elements have.
OWN = {
    "a": (rf'href="{HREF}"', "download", "data-page"),
    "img": (rf'src="{SRC}"', rf'alt="{TEXT}"'),
    "input": (r'type="(?:checkbox|radio)"', r'name="__tabbed_\d+"', "disabled", r'checked(?:="checked")?'),
    "label": (r'for="__tabbed_\d+_\d+"',),
    "td": (ALIGN,),
    "th": (ALIGN, r'scope="(?:col|row)"'),
    "li": (r'value="\d+"',),
    "ol": (r'start="\d+"',),
    "details": ('open(?:="open")?',)}
PLAIN = ("abbr b blockquote br caption code dd del div dl dt em figcaption figure h[1-6] hr i kbd p pre s small span strong sub summary "
         "sup table tbody tfoot thead tr ul").split()
VOID = ("br", "hr", "img", "input")


def _pattern() -> re.Pattern:
    """Return what matches a tag that is not allowed; no text can hold a `<` that begins a tag."""
    common = "|".join(COMMON)
    names = "|".join((*PLAIN, *OWN))
    kinds = [f"{name}(?:\\s+(?:{'|'.join(own)}|{common}))*" for name, own in OWN.items()]
    kinds.append(f"(?:{'|'.join(PLAIN)})(?:\\s+(?:{common}))*")
    return re.compile(rf"<(?=[A-Za-z/!?])(?!(?:/(?:{names})|{'|'.join(kinds)})\s*/?>)")


WRONG = _pattern()
TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)")


def wrong_in(content: str, drawn: Iterable[str] = ()) -> Iterator[str]:
    """Yield each tag of an article that the book does not use, as it is written; `drawn` are pictures that the build made itself."""
    for drawing in drawn:
        content = content.replace(drawing, "")
    if "<!--" in content:
        content = COMMENT.sub("", content)
    wrong = False
    for found in WRONG.finditer(content):
        wrong, end = True, content.find(">", found.start())
        yield " ".join(content[found.start():min(end + 1 or len(content), found.start() + 120)].split())
    if not wrong and (tag := _unpaired(content)):
        yield tag


def _unpaired(content: str) -> str | None:
    """Return a tag that is not closed, or closes what is not open: with it, the rest of the page would move."""
    open_ones = []
    for end, name in TAG.findall(content):
        if not end:
            if name not in VOID:
                open_ones.append(name)
        elif not open_ones or open_ones.pop() != name:
            return f"</{name}>"
    return f"<{open_ones[-1]}>" if open_ones else None
