"""Rewrite the markup of a web page for paper: tabs, folded blocks, tasks, footnotes, and what must stay together."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree
from lxml.html import HtmlElement

_wide = "\u2014-\u2026\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef"
_newline = re.compile(f"(?<=[{_wide}])[ \t]*\n\\s*(?=[{_wide}])")
_stroke = "[KMGTPE]?i?[Bb]/s|[KMGTPE]?FLOPS?/(?:s|B|byte)|(?:tokens?|requests)/s"
_symbol = rf"(?:{_stroke}|[kKMGTPE]?i?B|GbE|[KMGTPE]?FLOPS?|TOPS|[kMG]?Hz|[kM]?Wh?|dB|[mµn]?s|min|h|d|%|token)"
#: What no line may part: a number and its unit, a unit with a stroke, a name and its number.
_together = re.compile(
    rf"((?<![\w.,/-])\d[\d.,]*[kMBT]? {_symbol}(?![A-Za-z0-9_/])|(?<![\w/.])(?:{_stroke})(?![\w/])|(?:图|(?<![代发])表|公式) \d[\d.]*|第 \d+(?: [章节步部条行页])?|"
    r"\b(?:Figure|Table|Equation|Part|Chapter) \d[\d.]*|\bLlama \d(?:\.\d)? \d+B\b|(?<![\w-])\d+-bit\b|\bCC BY(?:-[A-Z]{2})*)")
#: What a text has that holds one of these: a digit, a stroke, or the space before a unit.
_number_or_stroke = re.compile(r"\d|/|^ ", re.ASCII)
_in_cells = re.compile(rf"(?<![\w/.])({_stroke})(?![\w/])")
COLONS, STOPS = (":", "："), (".", "!", "?", "。", "！", "？")
#: How a Chinese paragraph begins that goes on after a formula.
EXPLAINING = ("其中", "式中", "这里", "即", "也就是")
#: The unit of a number that a formula ends with.
_after_formula = re.compile(rf"^( {_symbol}(?![A-Za-z0-9_/]))")
#: Runs in the other language: Chinese in English, and four Latin words or more in Chinese.
_foreign = {"en": re.compile(f"[{_wide}]*[\u3400-\u9fff][{_wide}]*"),
            "zh": re.compile(r"[A-Za-z][A-Za-z0-9,:;.'’&()/+-]*(?: [A-Za-z0-9(&][A-Za-z0-9,:;.'’&()/+-]*){3,}")}
_tags = {"en": "zh-Hans", "zh": "en"}


def drop(element: HtmlElement) -> None:
    """Remove an element and keep the text that follows it."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    if element.tail:
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def join_chinese_lines(root: HtmlElement) -> None:
    """Remove line ends between Chinese characters, which would print as spaces."""
    for element in root.iter():
        if not isinstance(element.tag, str) or "\n" not in f"{element.text}{element.tail}":
            continue
        listing = element.tag == "pre" or any(a.tag == "pre" for a in element.iterancestors())
        if element.text and not listing:
            element.text = _newline.sub("", element.text)
        if element.tail and (not listing or element.tag == "pre"):
            element.tail = _newline.sub("", element.tail)


def flatten_tabs(root: HtmlElement) -> None:
    """Set the panes of tabs one after another, each under its label."""
    for tabs in root.xpath('.//div[contains(concat(" ",@class," ")," tabbed-set ")]'):
        labels = ["".join(label.itertext()).strip() for label in tabs.xpath('./div[@class="tabbed-labels"]/label')]
        for element in tabs.xpath('./input|./div[@class="tabbed-labels"]'):
            drop(element)
        for label, block in zip(labels, tabs.xpath('.//div[@class="tabbed-block"]'), strict=False):
            if block.getparent().getparent() is not tabs:
                continue
            head = etree.Element("p")
            head.set("class", "tab-head")
            head.text = label
            head.tail, block.text = block.text, None
            block.insert(0, head)
        tabs.set("class", "tabs")
        tabs.attrib.pop("data-tabs", None)


def flatten_details(root: HtmlElement) -> None:
    """Set folded blocks open, as boxes with their summary as the title."""
    for details in root.iter("details"):
        details.tag = "div"
        details.attrib.pop("open", None)
        details.set("class", f'admonition {details.get("class") or "note"}')
        for summary in details.findall("summary"):
            summary.tag = "p"
            summary.set("class", "admonition-title")


def flatten_tasks(root: HtmlElement) -> None:
    """Draw the boxes of task lists."""
    for box in root.xpath('.//input[@type="checkbox"]'):
        mark = etree.Element("span")
        done = box.get("checked") is not None
        mark.set("class", "task done" if done else "task")
        mark.text = "✓" if done else "\u00a0"
        label = box.getparent()
        mark.tail, box.tail = box.tail, None
        label.replace(box, mark)
        item = next(mark.iterancestors("li"), None)
        if item is not None:
            item.set("class", "task-item")
    for element in root.xpath('.//label[contains(@class,"task-list-control")]'):
        element.tag = "span"
    for element in root.xpath(".//input"):
        drop(element)


def tighten_citations(root: HtmlElement) -> None:
    """Remove the space before a citation, and keep it on the line of the character it follows."""
    group = '*[contains(concat(" ",@class," ")," cites ")]'
    for cite in root.xpath(f'.//{group}|.//sup[contains(concat(" ",@class," ")," cite ")][not(ancestor::{group})]'):
        parent, before = cite.getparent(), cite.getprevious()
        text = ((before.tail if before is not None else parent.text) or "").rstrip(" \n")
        last = text[-1:]
        # Lines may break after a Chinese character or a closing bracket, but not after a letter or digit.
        breaks = bool(last) and (last > "\u2e7f" or not last.isalnum())
        if breaks:
            text = text[:-1]
        if before is not None:
            before.tail = text
        else:
            parent.text = text
        if breaks:
            keep = etree.Element("span")
            keep.set("class", "keep")
            keep.text, keep.tail, cite.tail = last, cite.tail, None
            cite.addprevious(keep)
            keep.append(cite)


def part_marks(root: HtmlElement) -> None:
    """Mark a raised mark that follows another without a space, so that a source's number and a note's letter stand apart."""
    for mark in root.xpath('.//sup|.//*[contains(concat(" ",@class," ")," cites ")]'):
        before = mark.getprevious()
        if before is None or (before.tail or "").strip():
            continue
        while before.tag != "sup" and len(before) and not before[-1].tail:
            before = before[-1]
        if before.tag == "sup":
            mark.set("class", f'{mark.get("class") or ""} apart'.strip())


def keep_units(root: HtmlElement) -> None:
    """Keep a number and its unit, and a figure's name and number, on one line; in the narrow cells of tables the unit alone.

    The space stays a space: a no-break space would be another character to those who search or copy.
    """
    for unit in root.xpath('.//th/span[@class="unit"]'):
        add_class(unit, "keep")    # of a column, whatever it is: 1/s, B/FLOP
    for text in root.xpath(".//text()"):
        if not _number_or_stroke.search(text) or not _in_prose(text):
            continue
        pieces = _pieces(text)
        if len(pieces) == 1:
            continue
        spans = []
        for unit, tail in zip(pieces[1::2], pieces[2::2], strict=True):
            span = etree.Element("span")
            span.set("class", "keep")
            span.text, span.tail = unit, tail
            spans.append(span)
        _replace(text, pieces[0], spans)


def _pieces(text: Any) -> list[str]:
    """Cut a text of the tree before and after what must stay together: odd items are such pieces."""
    host = text.getparent()
    if any(a.tag in ("td", "th") for a in (host, *host.iterancestors())):
        return _in_cells.split(text)
    formula = text.is_tail and "math" in (host.get("class") or "").split()
    unit = _after_formula.split(text) if formula else [text]
    return unit[:-1] + _together.split(unit[-1])


def keep_leads(root: HtmlElement) -> None:
    """Keep a paragraph on the page of the block it announces by a colon, or of the formula that its sentence goes on with."""
    for paragraph in root.iter("p"):
        following, ending = paragraph.getnext(), _ending(paragraph)
        if following is not None and following.tag in ("div", "ul", "ol", "figure", "table") \
                and (ending in COLONS or _is_formula(following) and ending not in STOPS):
            add_class(paragraph, "lead")


def join_sentences(root: HtmlElement) -> None:
    """Mark the paragraphs that go on after a formula: they explain its symbols, or no mark had ended the sentence before it."""
    for paragraph in root.iter("p"):
        before = paragraph.getprevious()
        if not _is_formula(before):
            continue
        while _is_formula(before):
            before = before.getprevious()
        is_open = before is not None and before.tag == "p" and _ending(before) not in (*COLONS, *STOPS)
        if is_open or _explains(paragraph):
            add_class(paragraph, "cont")


def _ending(paragraph: HtmlElement) -> str:
    """Return a paragraph's last character before its citations."""
    return "".join(paragraph.itertext()).rstrip(" 0123456789,–\n")[-1:]


def _is_formula(element: HtmlElement | None) -> bool:
    """Say whether an element is a formula on a line of its own."""
    return element is not None and element.tag == "div" and element.get("class") in ("equation", "math")


def _explains(paragraph: HtmlElement) -> bool:
    """Say whether a paragraph begins with the symbols of the formula before it, or with the words for that."""
    text = (paragraph.text or "").strip()
    return text.startswith(EXPLAINING) or not text and len(paragraph) > 0 and paragraph[0].get("class") == "math"


def add_class(element: HtmlElement, name: str) -> None:
    """Give an element one class more."""
    element.set("class", f'{element.get("class") or ""} {name}'.strip())


def flatten_footnotes(root: HtmlElement) -> None:
    """Move the text of footnotes to where they are called from; the page sets them at its foot."""
    notes = {item.get("id"): item for item in root.xpath('.//div[@class="footnote"]//li')}
    for call in root.xpath('.//sup[a[contains(@class,"footnote-ref")]]'):
        target = (call.xpath('./a[contains(@class,"footnote-ref")]/@href') or ["#"])[0].partition("#")[2]
        note = notes.get(target)
        if note is None:
            continue
        span = etree.Element("span")
        span.set("class", "fn")
        for i, paragraph in enumerate(note.findall("p") or [note]):
            text = ("" if i == 0 else " ") + (paragraph.text or "")
            if len(span):
                span[-1].tail = (span[-1].tail or "") + text
            else:
                span.text = (span.text or "") + text
            for child in list(paragraph):
                span.append(child)
        span.tail, call.tail = call.tail, None
        call.getparent().replace(call, span)
    for div in root.xpath('.//div[@class="footnote"]'):
        drop(div)


def mark_foreign(root: HtmlElement, language: str) -> None:
    """Say of runs in the other language which it is, so that they are read out and hyphenated as what they are."""
    for text in root.xpath(".//text()"):
        runs = list(_foreign[language].finditer(text))
        if not runs or not _in_prose(text, own=True):
            continue
        spans, ends = [], [run.start() for run in runs[1:]] + [len(text)]
        for run, end in zip(runs, ends, strict=True):
            span = etree.Element("span")
            span.set("lang", _tags[language])
            span.text, span.tail = run.group(), text[run.end():end]
            spans.append(span)
        _replace(text, text[:runs[0].start()], spans)


def _in_prose(text: Any, own: bool = False) -> bool:
    """Say whether a text of the tree stands in prose; with `own`, in prose of the chapter's language below its title."""
    host = text.getparent() if text.is_text else text.getparent().getparent()
    for above in (host, *host.iterancestors()):
        if above.tag in ("pre", "code", "svg") or "katex" in (above.get("class") or ""):
            return False
        if above.tag == "article":
            break
        if own and (above.tag == "h1" or above.get("lang")):
            return False
    return True


def _replace(text: Any, before: str, spans: list[HtmlElement]) -> None:
    """Put a shorter text and elements in the place of a text of the tree."""
    host = text.getparent()
    parent, at = (host, 0) if text.is_text else (host.getparent(), host.getparent().index(host) + 1)
    set_text(text, before)
    parent[at:at] = spans


def set_text(text: Any, new: str) -> None:
    """Put another text in the place of a text of the tree."""
    setattr(text.getparent(), "text" if text.is_text else "tail", new)
