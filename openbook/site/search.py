"""Search: one index a language, with Chinese cut into words that a reader can type."""

from __future__ import annotations

import json
import logging
import re

import rjieba

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
SEPARATOR = r"[\s\u200b\u3000\-、。，．？！；：（）()“”《》/]+"
logging.getLogger("rjieba").setLevel(logging.WARNING)


def cut_chinese(text: str) -> str:
    """Return `text` with a zero-width space between Chinese words, at which the index separates terms.

    Long words are followed by their parts, so that 张量 finds 张量并行 and the whole word still counts.
    """
    def cut(found: re.Match) -> str:
        return "\u200b" + "\u200b".join(rjieba.cut(found[0])) + "\u200b"

    return HAN.sub(cut, text).strip("\u200b")


def index_json(entries: list[dict], root: str, lang: str, fields: dict) -> str:
    """Return the search index of one language; `root` is its prefix in locations ("" or "zh/")."""
    documents = []
    for entry in entries:
        document = {**entry, "location": entry["location"].removeprefix(root)}
        if lang == "zh":
            document["title"], document["text"] = cut_chinese(entry["title"]), cut_chinese(entry["text"])
        documents.append(document)
    config = {"lang": [lang], "separator": SEPARATOR, "fields": fields,
              "pipeline": ["stopWordFilter"] if lang == "zh" else ["stemmer", "stopWordFilter"]}
    return json.dumps({"config": config, "docs": documents}, ensure_ascii=False, separators=(",", ":"))
