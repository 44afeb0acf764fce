"""Make listings cheap to lay out: one span a run of one colour, one block a line, long lines cut and marked."""

from __future__ import annotations

import re

from lxml import etree
from lxml.html import HtmlElement

from .flatten_lines import DEEPEST, Line, fit, indent, size_for, text_of

#: Colour classes of the print style by Pygments' short class names.
COLOURS = {name: colour for colour, names in {
    "c": "c ch cm c1 cs cp cpf", "k": "k kc kd kn kr kt ow", "s": "s s1 s2 sb sd sa si se sh sr ss dl",
    "m": "m mi mf mh mo mb il", "f": "nf fm nc nd", "b": "nb bp", "v": "nv vc vg vi na nt nl", "d": "gd", "i": "gi",
    "p": "gp", "e": "err gr",
}.items() for name in names.split()}
#: Characters of the monospaced font that fit a line, by paper; wide characters count two.
COLUMNS = {"a4": 84, "b5": 83}
#: Columns that what stands around a listing takes of them.
NARROWER = {"li": 4, "blockquote": 6, "admonition": 5}
#: Characters without width or ink: a line may break at the first and not at the second. An element `wbr` would not do:
#: WeasyPrint then breaks inside the word behind it. Neither is drawn, so neither is copied or searched.
BREAK, JOIN = "\u200b", "\u2060"
#: A listing up to this many lines is kept on one page.
SHORT = 10

_break = re.compile(r"(?<=[^\s._/=,:@+][._/=,:@+])(?=[^._/=,:@+\s])|(?<=[)\]}])(?=\w)|(?<=\w)(?=[(\[{])")
_lead = re.compile(r"(?<![\w-])--?(?=\w)|(?<!\S)/(?=\w)")


def flatten_code(root: HtmlElement, paper: str) -> None:
    """Rewrite every listing under `root` for print."""
    for div in root.xpath('.//div[contains(concat(" ",@class," ")," highlight ")]'):
        code = div.find(".//code")
        if code is None:
            continue
        lines, columns, size = split_lines(runs(code)), _measure(div, COLUMNS[paper]), ""
        classes = div.get("class").split()
        kept = [name for name in classes if name in ("highlight", "tested", "output")]
        if "output" in kept or "language-text" in classes:  # tables of a terminal, which no longer are when their lines are cut
            size, columns = size_for(lines, columns)
        fitted = fit(lines, columns)
        _write_lines(code, fitted)
        short = "short" if sum(map(len, fitted)) <= SHORT else ""
        div.set("class", " ".join(name for name in (*kept, short, size) if name))
        pre = div.find(".//pre")
        for empty in pre.findall("span"):
            if not len(empty) and not empty.text:
                pre.remove(empty)
    for code in root.xpath(".//code[not(ancestor::pre)]"):
        break_long_words(code)


def runs(code: HtmlElement) -> list[tuple[str, str]]:
    """Read a listing as runs of (colour class, text), neighbours of one colour joined."""
    found: list[list[str]] = []

    def add(colour: str, text: str | None) -> None:
        if not text:
            return
        if found and (found[-1][0] == colour or not text.strip()):
            found[-1][1] += text
        else:
            found.append([colour, text])

    def walk(element: HtmlElement, colour: str) -> None:
        own = colour
        if element is not code and element.get("class"):
            own = next((COLOURS[name] for name in element.get("class").split() if name in COLOURS), colour)
        add(own, element.text)
        for child in element:
            if isinstance(child.tag, str):
                walk(child, own)
            add(own, child.tail)

    walk(code, "")
    return [(colour, text) for colour, text in found]


def split_lines(found: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Cut runs at line ends; the empty line after the last line end is dropped."""
    lines: list[list[tuple[str, str]]] = [[]]
    for colour, text in found:
        for i, piece in enumerate(text.split("\n")):
            if i:
                lines.append([])
            if piece:
                lines[-1].append((colour, piece))
    while len(lines) > 1 and not "".join(t for _, t in lines[-1]).strip():
        lines.pop()
    return lines


def _measure(div: HtmlElement, columns: int) -> int:
    """Count the columns a listing has where it stands."""
    around = [name for above in div.iterancestors() for name in (above.tag, *(above.get("class") or "").split())]
    return columns - sum(NARROWER.get(name, 0) for name in around)


def _write_lines(code: HtmlElement, lines: list[list[Line]]) -> None:
    """Write lines back into a code element: one block span each, and in it one for each piece that hangs."""
    for child in list(code):
        code.remove(child)
    code.text = None
    for first, *more in lines:
        row = etree.SubElement(code, "span")
        if not text_of(first).strip():
            row.set("class", "cl blank")
            row.text = "\u00a0"
            continue
        row.set("class", "cl")
        _write_runs(row, first)
        for piece in more:
            hung = etree.SubElement(row, "span")
            hung.set("class", "more")
            if deep := min(indent(text_of(first)), DEEPEST):
                hung.set("style", f"padding-left:{deep}ch")
            _write_runs(hung, piece)


def _write_runs(row: HtmlElement, line: Line) -> None:
    """Write runs of text into a line, those with a colour as spans."""
    last = None
    for colour, piece in line:
        if colour:
            last = etree.SubElement(row, "span")
            last.set("class", colour)
            last.text = piece
        elif last is None:
            row.text = (row.text or "") + piece
        else:
            last.tail = (last.tail or "") + piece


def break_long_words(code: HtmlElement, least: int = 14) -> None:
    """Let a long inline code span break after its punctuation and before its brackets, but not after an option's dashes or a path's slash."""
    long = len("".join(code.itertext())) >= least
    for text in code.xpath(".//text()"):
        host = text.getparent()
        marked = _break.sub(BREAK, text) if long else str(text)
        marked = _lead.sub(lambda found: "".join(sign + JOIN for sign in found[0]), marked)
        if text.is_text:
            host.text = marked
        else:
            host.tail = marked
