"""Search: one index a language, with Chinese cut into words that a reader can type."""

from __future__ import annotations

import html
import json
import logging
import re

from openbook.terms.search import HAN, SearchWords

SEPARATOR = r"[\s\u200b\u3000\-、。，．？！；：（）()“”《》/]+"
TAG = re.compile(r"<[^>]+>")
# What is found in these fields is not shown: the theme shows titles and texts. A title's other name counts as a title.
OTHER_FIELDS = {"named": {"boost": 500.0}, "also": {"boost": 1.0}}
logging.getLogger("rjieba").setLevel(logging.WARNING)


def cut_chinese(text: str, words: SearchWords) -> str:
    """Return `text` with a zero-width space between Chinese words, at which the index separates terms."""
    return HAN.sub(lambda run: "\u200b" + "\u200b".join(words.cut(run[0])) + "\u200b", text).strip("\u200b")


def index_json(entries: list[dict], root: str, lang: str, fields: dict, words: SearchWords) -> str:
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
    config = {"lang": [lang], "separator": SEPARATOR, "fields": {**fields, **OTHER_FIELDS},
              "pipeline": ["stopWordFilter"] if lang == "zh" else ["stemmer", "stopWordFilter"]}
    return json.dumps({"config": config, "docs": documents}, ensure_ascii=False, separators=(",", ":"))
