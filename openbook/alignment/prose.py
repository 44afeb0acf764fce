"""Take the parts out of a piece of prose that both languages share: links, citations, code, formulas, marks."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from openbook.alignment.numbers import FULL_WIDTH, Numbers, numbers_in
from openbook.reading.formulas import INLINE
from openbook.reading.source import CITATION, CODE_SPAN

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+\"[^\"]*\")?\)")
REFERENCE = re.compile(r"\[(?P<text>[^\[\]]+)\]\[(?P<target>[^\[\]]+)\]")
FOOTNOTE = re.compile(r"\[\^[^\]]+\]")
ADDRESS = re.compile(r"<(?P<target>https?://[^>\s]+)>|(?P<bare>https?://[^\s)>，。；、）]+)")
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
SPOKEN = re.compile(r"\b(?:title|alt|aria-label|lang)=(?:\"[^\"]*\"|'[^']*')")
ATTRIBUTES = re.compile(r"\{:?\s*(?P<body>[#.][^{}]*|\w+=[^{}]*)\}")
#: A program's flag where nothing is set as code, such as in the title of a note.
FLAG = re.compile(r"(?<![\w-])--[A-Za-z][\w-]*")
PLAIN_FORMULA = re.compile(r"^(?:[=≈<>]|\\approx|\\to|\\sim|\\le|\\ge|\\times|\s)*(?P<number>[-−]?[\d.]+(?:(?:,|\{,\})\d{3})*(?:\.\d+)?)\s*(?:\\?%)?$")
TEX_TEXT = re.compile(r"\\(?:text|textbf|mathrm|operatorname)\s*\{([^{}]*)\}")
HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Prose:
    """What a piece of prose holds besides its words; `parts` counts (kind, value) pairs."""

    parts: Counter
    numbers: Numbers
    text: str


def read_prose(text: str) -> Prose:
    """Return the language-neutral parts of a piece of Markdown prose, and its words without marks."""
    parts: Counter = Counter()

    def took(kind: str, value: str, left: str = " ") -> str:
        parts[kind, value] += 1
        return left

    text = COMMENT.sub(" ", text)
    text = CODE_SPAN.sub(lambda found: took("code", found[2].strip()), text)
    text = INLINE.sub(lambda found: _formula(found[1], took), text)
    text = CITATION.sub(lambda found: " ".join(took("citation", name.strip()) for name in found["ids"].split(";")), text)
    for _ in range(2):    # an image may stand inside a link
        text = LINK.sub(lambda found: took("image" if found["image"] else "link", found["target"], found["text"]), text)
    text = FOOTNOTE.sub(lambda found: took("footnote", found[0]), text)
    text = REFERENCE.sub(lambda found: took("link", found["target"], found["text"]), text)
    text = ADDRESS.sub(lambda found: took("link", found["target"] or found["bare"]), text)
    text = TAG.sub(lambda found: took("tag", " ".join(SPOKEN.sub("", found[0]).split())), text)
    text = ATTRIBUTES.sub(lambda found: took("attribute", " ".join(sorted(found["body"].split()))), text)
    if "--" in text:
        text = FLAG.sub(lambda found: took("code", found[0]), text)
    return Prose(parts, numbers_in(text.replace("\\$", "$").translate(FULL_WIDTH)), text)


def _formula(tex: str, took) -> str:
    """A formula that is only a number may stand as plain text in the other language."""
    if plain := PLAIN_FORMULA.match(tex):
        return f" {plain['number'].replace('{,}', ',')}{'%' if '%' in tex else ''}"
    return took("formula", same_tex(tex))


def same_tex(tex: str) -> str:
    """Return TeX without what may differ: spaces, the style of thousands, Chinese words inside \\text."""
    words = TEX_TEXT.sub(lambda found: "\\text{*}" if HAN.search(found[1]) else found[0], tex)
    return re.sub(r"\s+", "", words).replace("\\,", "").replace("\\tfrac", "\\frac").replace("\\dfrac", "\\frac")


def fits(chinese: str, english: str) -> bool:
    """Tell whether an English formula is the Chinese one with the words inside \\text translated."""
    pattern = re.escape(chinese).replace(re.escape("\\text{*}"), r"\\text\{[^{}]*\}")
    return re.fullmatch(pattern, english) is not None
