"""Set English quotation marks and apostrophes as print has them: curly in prose and figures, straight in code and formulas."""

from __future__ import annotations

import re
from typing import Any

from lxml.html import HtmlElement

from .flatten_markup import set_text

BLOCKS = frozenset(("p", "li", "td", "th", "dt", "dd", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "div", "summary", "blockquote",
                    "article", "text"))  # `text` is that of a figure
CODE = frozenset(("pre", "code", "kbd", "samp", "svg"))
_marked = './/text()[(contains(.,"\'") or contains(.,\'"\')) and not(ancestor::pre or ancestor::code)]'
#: What stands before a mark that opens.
_opens = re.compile(r"[\s(\[{/=—–‘“]")


def curl_quotes(root: HtmlElement) -> None:
    """Curl the marks of every block under `root`; a mark may close what another element of the block opened."""
    for block in dict.fromkeys(_place(text)[0] for text in root.xpath(_marked)):
        texts = [(text, kept) for text in block.xpath(".//text()") for host, kept in [_place(text)] if host is block]
        curled = curl("".join(text for text, _ in texts), [kept for text, kept in texts for _ in text])
        at = 0
        for text, _ in texts:
            set_text(text, curled[at:at + len(text)])
            at += len(text)


def curl(text: str, kept: list[bool] | None = None) -> str:
    """Curl the marks of a text but for the characters to be `kept`; a double mark that opens and closes nothing stays straight."""
    found, opened = list(text), -1
    for at, mark in enumerate(text):
        if mark not in "'\"" or kept and kept[at]:
            continue
        before, after = text[at - 1:at] or " ", text[at + 1:at + 2]
        if mark == '"':
            if opened >= 0:
                found[opened], found[at], opened = "“", "”", -1
            elif _opens.match(before) or before == "'":
                opened = at
        elif _opens.match(before) or before == '"':
            found[at] = "‘" if after.isalpha() and re.search(r"[^\s]'(?!\w)", text[at + 1:]) else "’"
        elif not before.isdigit() or after.isalpha():
            found[at] = "’"
    return "".join(found)


def _place(text: Any) -> tuple[HtmlElement, bool]:
    """Find the block that a text of the tree stands in, and whether its marks are kept: in code, in a formula, in another language."""
    host, kept = text.getparent(), False
    if text.is_tail:
        host = host.getparent()
    while host.tag not in BLOCKS:
        kept = kept or host.tag in CODE or bool(host.get("lang")) or "katex" in (host.get("class") or "")
        host = host.getparent()
    return host, kept
