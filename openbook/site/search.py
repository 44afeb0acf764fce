"""Search: one index a language, with Chinese cut into words that a reader can type."""

from __future__ import annotations

import html
import json
import logging
import re

from openbook.formulas.katex import FORMULA
from openbook.terms.search import HAN, SearchWords

SEPARATOR = r"[\s\u200b\u3000\-、。，．？！；：（）()“”《》/]+"
LEFT_OUT = re.compile(r"<(?!h[1-6]\b)([a-z]+)(?=\s)[^>]*\sdata-search-exclude\b[^>]*>")
HEADING_LINK = re.compile(r'<a class="headerlink".*?</a>', re.DOTALL)
#: Tags that the theme's indexer does not keep: those within a word or a sentence, and all others, which part words.
JOINING = re.compile(r"</?(?:a|abbr|b|em|i|kbd|small|span|strong|time|wbr)\b[^>]*>")
PARTING = re.compile(r"(?:<(?!/?(?:h[1-6]|p|code|pre|li|ol|ul|su[bp]|script|style|object)\b)[^>]*>\s*)+")
MARKS = re.compile(r' data-search-\w+="[^"]+"')
TAG = re.compile(r"<[^>]+>")
# What is found in `named` and `also` is not shown: the theme shows titles and texts. The theme's own weight of 1000 for
# titles lets one word of a question that stands in a title outweigh all its others in a text.
FIELDS = {"title": {"boost": 10.0}, "named": {"boost": 5.0}, "text": {"boost": 1.0}, "also": {"boost": 1.0}}
logging.getLogger("rjieba").setLevel(logging.WARNING)


def cut_chinese(text: str, words: SearchWords) -> str:
    """Return `text` with a zero-width space between Chinese words, at which the index separates terms."""
    return HAN.sub(lambda run: "\u200b" + "\u200b".join(words.cut(run[0])) + "\u200b", text).strip("\u200b")


def searchable(content: str) -> str:
    """Return a page's content, formulas not yet set, with those tags alone that the theme's indexer keeps.

    It is slow in tags, runs the words of neighbouring cells together, and takes the rest of an excluded element in
    again behind the first element of the same name inside it. A heading stays: it excludes its whole section.
    """
    kept, at = [], 0
    while left_out := LEFT_OUT.search(content, at):
        kept.append(content[at:left_out.start()])
        at = _end_of(left_out[1], content, left_out.start())
    content = FORMULA.sub(_formula, "".join([*kept, content[at:]]))
    return PARTING.sub(" ", JOINING.sub("", HEADING_LINK.sub("", content)))


def _formula(found: re.Match) -> str:
    """Return what a result shows in place of a short formula in a sentence: its TeX if that reads as text, else an ellipsis."""
    tex = found["tex"].strip()
    if found["element"] == "div":
        return ""
    return "…" if re.search(r"[\\&]", tex) or len(tex) > 40 else re.sub("[{}]", "", tex)


def _end_of(name: str, content: str, start: int) -> int:
    """Return where the element ends that starts at `start`."""
    depth = 0
    for tag in re.compile(rf"<(/?){name}\b[^>]*>").finditer(content, start):
        depth += -1 if tag[1] else 1
        if not depth:
            return tag.end()
    return len(content)


def index_json(entries: list[dict], root: str, lang: str, words: SearchWords) -> str:
    """Return the search index of one language; `root` is its prefix in locations ("" or "zh/")."""
    documents = []
    for entry in entries:
        document = {**entry, "location": entry["location"].removeprefix(root)}
        for field, other in (("title", "named"), ("text", "also")):
            if added := words.others(html.unescape(TAG.sub(" ", entry[field]))):
                document[other] = added
            if lang == "zh":
                document[field] = cut_chinese(entry[field], words)
        documents.append(document)
    # No stemmer: the theme looks for words that begin with what is typed, and `dragonfli` does not begin with `dragonfly`.
    config = {"lang": [lang], "separator": SEPARATOR, "fields": FIELDS, "pipeline": ["stopWordFilter"]}
    return json.dumps({"config": config, "docs": documents}, ensure_ascii=False, separators=(",", ":"))
