"""Make listings cheap to lay out: one span a run of one colour, one block a line, long lines marked."""

from __future__ import annotations

import re

from lxml import etree
from lxml.html import HtmlElement

#: Colour classes of the print style by Pygments' short class names.
COLOURS = {name: colour for colour, names in {
    "c": "c ch cm c1 cs cp cpf", "k": "k kc kd kn kr kt ow", "s": "s s1 s2 sb sd sa si se sh sr ss dl",
    "m": "m mi mf mh mo mb il", "f": "nf fm nc nd", "b": "nb bp", "v": "nv vc vg vi na nt nl", "d": "gd", "i": "gi",
    "p": "gp", "e": "err gr",
}.items() for name in names.split()}
#: Characters of the monospaced font that fit a line, by paper; wide characters count two.
COLUMNS = {"a4": 85, "b5": 84}
#: Characters without width or ink: a line may break at the first and not at the second. An element `wbr` would not do:
#: WeasyPrint then breaks inside the word behind it. Neither is drawn, so neither is copied or searched.
BREAK, JOIN = "\u200b", "\u2060"
#: A listing up to this many lines is kept on one page.
SHORT = 10

_break = re.compile(r"(?<=[._/=,:@+])(?=[^._/=,:@+\s])|(?<=[)\]}])(?=\w)|(?<=\w)(?=[(\[{])")
_dashes = re.compile(r"(?<![\w-])--?(?=\w)")


def flatten_code(root: HtmlElement, paper: str) -> None:
    """Rewrite every listing under `root` for print."""
    for div in root.xpath('.//div[contains(concat(" ",@class," ")," highlight ")]'):
        code = div.find(".//code")
        if code is None:
            continue
        lines = split_lines(runs(code))
        _write_lines(code, lines, COLUMNS[paper])
        kept = [name for name in div.get("class").split() if name in ("highlight", "tested", "output")]
        div.set("class", " ".join(kept + (["short"] if len(lines) <= SHORT else [])))
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


def width(text: str) -> int:
    """Count the columns of a text in the monospaced font; Chinese characters take two."""
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)


def _write_lines(code: HtmlElement, lines: list[list[tuple[str, str]]], columns: int) -> None:
    """Write lines back into a code element, one block span each."""
    for child in list(code):
        code.remove(child)
    code.text = None
    for line in lines:
        text = "".join(piece for _, piece in line)
        row = etree.SubElement(code, "span")
        row.set("class", "cl w" if width(text) > columns - 1 else "cl")
        if not text.strip():
            row.text = "\u00a0"
            continue
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
    """Let a long inline code span break after its punctuation and before its brackets, but not after an option's dashes."""
    long = len("".join(code.itertext())) >= least
    for text in code.xpath(".//text()"):
        host = text.getparent()
        marked = _break.sub(BREAK, text) if long else str(text)
        marked = _dashes.sub(lambda found: "".join(dash + JOIN for dash in found[0]), marked)
        if text.is_text:
            host.text = marked
        else:
            host.tail = marked
