"""Search: one index a language, with Chinese cut into words that a reader can type."""

from __future__ import annotations

import html
import json
import logging
import re

from openbook.terms.search import HAN, SearchWords

SEPARATOR = r"[\s\u200b\u3000\-、。，．？！；：（）()“”《》/]+"
TAG = re.compile(r"<[^>]+>")
# What is found in `named` and `also` is not shown: the theme shows titles and texts. The theme's own weight of 1000 for
# titles lets one word of a question that stands in a title outweigh all its others in a text.
FIELDS = {"title": {"boost": 10.0}, "named": {"boost": 5.0}, "text": {"boost": 1.0}, "also": {"boost": 1.0}}
logging.getLogger("rjieba").setLevel(logging.WARNING)


def cut_chinese(text: str, words: SearchWords) -> str:
    """Return `text` with a zero-width space between Chinese words, at which the index separates terms."""
    return HAN.sub(lambda run: "\u200b" + "\u200b".join(words.cut(run[0])) + "\u200b", text).strip("\u200b")


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
