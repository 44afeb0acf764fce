"""Search: each language finds its own pages only."""

import json

from openbook.site.search import cut_chinese, index_json


def test_chinese_is_cut_into_words_and_latin_is_left_alone():
    assert cut_chinese("显存不够，用 NCCL") == "显存\u200b不够\u200b，\u200b用\u200b NCCL"


def test_locations_are_relative_to_the_languages_root():
    entries = [{"location": "zh/a/#how", "title": "原理", "text": "显存不够"}]
    index = json.loads(index_json(entries, "zh/", "zh", {"title": {"boost": 1000}}))
    assert index["config"]["lang"] == ["zh"]
    assert index["docs"][0]["location"] == "a/#how"
    assert "显存" in index["docs"][0]["text"].split("\u200b")


def test_each_index_holds_its_language(small_site):
    english = json.loads((small_site / "site/search/search_index.json").read_text("utf-8"))
    chinese = json.loads((small_site / "site/zh/search/search_index.json").read_text("utf-8"))
    assert {entry["location"] for entry in english["docs"]} == {"", "a/", "a/#how", "a/#nccl", "deep/"}
    assert {entry["location"] for entry in chinese["docs"]} == {"", "a/", "a/#how", "a/#nccl", "deep/"}
    assert "Alpha" in english["docs"][1]["title"] and "甲" in chinese["docs"][1]["title"]
    assert not any("\u4e00" <= character <= "\u9fff" for entry in english["docs"] for character in entry["text"])
