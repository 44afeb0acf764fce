"""Search: each language finds its own pages only."""

import json

from openbook.site.search import cut_chinese, index_json, searchable
from openbook.terms.load import Term
from openbook.terms.search import search_words

ALL_REDUCE = Term("all-reduce", "all-reduce", ("all-reduce",), ("全归约",), avoid=("全规约",))


def test_chinese_is_cut_into_words_and_latin_is_left_alone():
    assert cut_chinese("显存不够，用 NCCL", search_words((), "zh")) == "显存\u200b不够\u200b，\u200b用\u200b NCCL"


def test_terms_are_not_cut():
    assert cut_chinese("一次全归约", search_words((), "zh")).split("\u200b") == ["一次", "全", "归约"]
    assert cut_chinese("一次全归约", search_words((ALL_REDUCE,), "zh")).split("\u200b") == ["一次", "全归约"]


def test_a_section_is_found_by_the_words_it_does_not_use():
    entries = [{"location": "zh/a/#how", "title": "全归约", "text": "<p>显存不够</p>"},
               {"location": "zh/b/", "title": "乙", "text": "<p>做<b>全归约</b>，即 all-reduce</p>"}]
    named, said = json.loads(index_json(entries, "zh/", "zh", search_words((ALL_REDUCE,), "zh")))["docs"]
    assert named["named"] == "all-reduce allreduce 全规约 规约" and "also" not in named
    assert said["also"] == "allreduce 全规约 规约"


def test_the_indexer_is_spared_what_it_leaves_out():
    page = ('<h2 id="a" data-search-exclude="yes">A<a class="headerlink" href="#a">¶</a></h2>'
            r'<p>As <span class="arithmatex">\(10^{9}\)</span>, <span class="arithmatex">\(\ln x\)</span>, '
            '<span data-search-exclude="yes"><span>x</span>y</span><a href="b/"><em>her</em>e</a>'
            '<sup class="cite" data-search-exclude="yes"><a href="#s">1</a></sup>.</p>'
            r'<div class="arithmatex">\[y\]</div>'
            '<pre><code><span class="n">x</span> = 1</code></pre><ol data-search-exclude><li><ol><li>in</li></ol></li></ol><p>after</p>')
    assert searchable(page) == '<h2 id="a" data-search-exclude="yes">A</h2><p>As 10^9, …, here.</p><pre><code>x = 1</code></pre><p>after</p>'


def test_words_of_neighbouring_cells_and_labels_stay_apart():
    page = ('<figure><figcaption>Peaks.</figcaption><table><tr><th>Chip</th><th>TFLOPS</th></tr><tr><td>H100</td><td>989<sup>a</sup></td></tr></table></figure>'
            '<svg><title>Ring</title><text>one</text><text>two</text></svg><p>a<br>b</p>')
    assert searchable(page) == " Peaks. Chip TFLOPS H100 989<sup>a</sup> Ring one two <p>a b</p>"


def test_locations_are_relative_to_the_languages_root():
    entries = [{"location": "zh/a/#how", "title": "原理", "text": "显存不够"}]
    index = json.loads(index_json(entries, "zh/", "zh", search_words((), "zh")))
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
