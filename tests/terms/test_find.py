"""Finding terms in text: by word in English, by character in Chinese."""

import pytest

from openbook.terms.find import chinese_finder, english_finder
from openbook.terms.load import Term

TERMS = (
    Term("all-reduce", "all-reduce", ("all-reduce", "allreduce"), ("全归约",)),
    Term("reduce", "reduce", ("reduce",), ("归约",)),
    Term("data-parallelism", "data parallelism", ("data parallelism",), ("数据并行",)),
    Term("topology", "topology", ("topology",), ("拓扑",)),
    Term("batch", "batch", ("batch",), ("批",)),
    Term("bit", "bit", ("bit",), ("比特",)),
    Term("mfu", "MFU", ("MFU",), ("模型算力利用率",)),
    Term("kv-cache", "KV cache", ("KV cache",), ("KV 缓存",)),
    Term("rank", "rank", ("rank",), ("rank",)),
)


def words(finder, text):
    return [(found.term.id, text[found.start:found.end]) for found in finder.find(text)]


@pytest.mark.parametrize("text, expected", [
    ("an all-reduce, two all-reduces", [("all-reduce", "all-reduce"), ("all-reduce", "all-reduces")]),
    ("allreduce and all reduce", [("all-reduce", "allreduce"), ("all-reduce", "all reduce")]),
    ("topologies, batches", [("topology", "topologies"), ("batch", "batches")]),
    ("it bites; a two-bit code", []),
    ("Data parallelism helps. Topology: a ring", [("data-parallelism", "Data parallelism"), ("topology", "Topology")]),
    ("the Data Parallelism Guide and the Topology API", []),
    ("the MFU, not the mfu", [("mfu", "MFU")]),
    ("KV caches", [("kv-cache", "KV caches")]),
])
def test_english_terms_are_found_by_word(text, expected):
    assert words(english_finder(TERMS), text) == expected


@pytest.mark.parametrize("text, expected", [
    ("一次全归约", [("all-reduce", "全归约")]),
    ("先归约，再数据并行", [("reduce", "归约"), ("data-parallelism", "数据并行")]),
    ("用KV 缓存和 rank 0，ranking 不算", [("kv-cache", "KV 缓存"), ("rank", "rank")]),
])
def test_chinese_terms_are_found_the_longest_first(text, expected):
    assert words(chinese_finder(TERMS), text) == expected


def test_forms_that_differ_in_hyphens_are_one():
    finder = english_finder((Term("on-off", "on-off switch", ("on-off switch",), ("开关",)),))
    assert [text for _, text in words(finder, "on-off switch, on off\nswitches, onoff-switch, on--off switch, on-off switchgear")] == [
        "on-off switch", "on off\nswitches", "onoff-switch"]
