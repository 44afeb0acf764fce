"""The glossary: in the order of each language, with an address for every definition."""

import pytest
from lxml import html

from openbook.terms.glossary import GlossaryError, initial, parse_request, render
from openbook.terms.load import Term

TERMS = (
    Term("rank", "rank", ("rank",), ("rank",), define={"en": "A number & more.", "zh": "编号。"}),
    Term("all-reduce", "all-reduce", ("all-reduce",), ("全归约",), define={"en": "A sum.", "zh": "求和。"}),
    Term("recomputation", "recomputation", ("recomputation",), ("重计算",), define={"en": "Again.", "zh": "再算。"}),
    Term("dragonfly", "dragonfly", ("dragonfly",), ("蜻蜓拓扑",)),
)


@pytest.mark.parametrize("lang, letters, ids", [
    ("en", ["A", "R"], ["all-reduce", "rank", "recomputation"]),
    ("zh", ["C", "Q", "R"], ["recomputation", "all-reduce", "rank"])])
def test_definitions_stand_in_the_order_of_their_language(lang, letters, ids):
    shown = html.fragment_fromstring(render("definitions", TERMS, lang), create_parent="div")
    assert shown.xpath(".//p[@class='glossary-letter']/text()") == letters
    assert shown.xpath(".//dt/@id") == ids


def test_each_definition_shows_both_names():
    shown = html.fragment_fromstring(render("definitions", TERMS, "zh"), create_parent="div")
    entry = shown.get_element_by_id("all-reduce")
    assert entry.text_content() == "全归约 all-reduce" and entry.getnext().text_content() == "求和。"
    assert entry.xpath("./span/@lang") == ["en"]
    assert shown.get_element_by_id("rank").text_content() == "rank", "one name is not said twice"


def test_the_list_of_words_has_the_terms_without_a_definition_too():
    shown = html.fragment_fromstring(render("words", TERMS, "en"))
    assert [item.text_content() for item in shown.iter("li")] == [
        "all-reduce 全归约", "dragonfly 蜻蜓拓扑", "rank", "recomputation 重计算"]


@pytest.mark.parametrize("word, letter", [("全归约", "Q"), ("重计算", "C"), ("蜻蜓拓扑", "Q"), ("长上下文", "C"), ("调度器", "D"),
                                          ("调优", "T"), ("KV 缓存", "K"), ("作业", "Z"), ("按需", "A")])
def test_chinese_words_stand_under_their_pinyin(word, letter):
    assert initial(Term("x", "x", ("x",), (word,)), "zh") == letter


def test_a_fence_that_asks_for_something_else_is_named():
    with pytest.raises(GlossaryError, match="a glossary shows definitions or words, not `show: all`"):
        parse_request("show: all\n")
