"""Resolve a bilingual SVG to one language, ready to stand inline in a page with other figures."""

from __future__ import annotations

import re

from lxml import etree

from openbook.figures.allowed import COMMENT, faults_of

SVG = "http://www.w3.org/2000/svg"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
RULE = re.compile(r"(^|\})\s*([^{}@]+)\{")


class FigureError(ValueError):
    """The SVG cannot be used; the text says why."""

    def __init__(self, line: int, message: str, mend: str):
        super().__init__(message)
        self.line, self.mend = line, mend


def read_figure(text: bytes, lang: str) -> etree._Element:
    """Return the root of an SVG with the texts of `lang` only; raise FigureError when it is not SVG.

    A `<switch>` keeps the first child whose systemLanguage fits, or the first without one.
    """
    try:
        root = etree.fromstring(text, etree.XMLParser(remove_comments=True, remove_blank_text=True, resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise FigureError(error.lineno or 1, f"this is not well-formed XML: {error.msg}", "Mend the element.") from None
    if root.tag != _svg("svg") or not root.get("viewBox"):
        raise FigureError(1, "the root element is not an <svg> with a viewBox", "Give it viewBox and no width or height.")
    for line, message in faults_of(root):
        raise FigureError(line, message, "A figure has shapes, words and their style: take it out, or draw it otherwise.")
    for switch in list(root.iter(_svg("switch"))):
        _resolve_switch(switch, lang)
    return root


def resolve(text: bytes, lang: str, name: str) -> str:
    """Return the SVG with the texts of `lang` only, ids and style rules prefixed by `name`.

    Raises FigureError when the file is not SVG, or lacks a title in `lang`.
    """
    root = read_figure(text, lang)
    labels = [_keep_label(root, tag, lang, name) for tag in ("title", "desc")]
    _prefix_ids(root, name)
    root.set("aria-labelledby", " ".join(label for label in labels if label))
    root.set("role", "img")
    root.set("id", name)
    for style in root.iter(_svg("style")):
        style.text = RULE.sub(lambda rule: rule[1] + ",".join(
            f"#{name} {selector.strip()}" for selector in rule[2].split(",")) + "{", COMMENT.sub("", style.text or "").strip())
    etree.cleanup_namespaces(root)
    return etree.tostring(root, encoding="unicode")


def _svg(tag: str) -> str:
    return f"{{{SVG}}}{tag}"


def _fits(tags: str, lang: str) -> bool:
    return any(tag.strip().lower().split("-")[0] == lang for tag in tags.split(","))


def _resolve_switch(switch: etree._Element, lang: str) -> None:
    parent = switch.getparent()
    chosen = next((child for child in switch
                   if child.get("systemLanguage") is None or _fits(child.get("systemLanguage"), lang)), None)
    if chosen is None:
        parent.remove(switch)
        return
    chosen.attrib.pop("systemLanguage", None)
    chosen.tail = None
    parent.replace(switch, chosen)


def _keep_label(root: etree._Element, tag: str, lang: str, name: str) -> str | None:
    """Keep the title or desc in `lang`, drop the others, and return its id."""
    found = [child for child in root if child.tag == _svg(tag)]
    kept = next((child for child in found if _fits(child.get("lang", "en"), lang)), None)
    if kept is None and tag == "title":
        raise FigureError(root.sourceline or 1, f"the figure has no <title lang=\"{lang}\">",
                          "Add a title in each language as the first children of <svg>.")
    for child in found:
        if child is not kept:
            root.remove(child)
    if kept is None:
        return None
    kept.attrib.pop("lang", None)
    kept.set("id", tag)
    return f"{name}-{tag}"


def _prefix_ids(root: etree._Element, name: str) -> None:
    """Make ids unique in a page that holds many figures."""
    ids = {element.get("id") for element in root.iter() if element.get("id")}
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, f"{name}-{value}")
            elif key in ("href", XLINK_HREF) and value.removeprefix("#") in ids:
                element.set(key, f"#{name}-{value[1:]}")
            elif "url(#" in value:
                element.set(key, re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", value))
        if element.tag == _svg("style") and element.text:
            element.text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", element.text)
