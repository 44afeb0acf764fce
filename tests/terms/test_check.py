"""Words that break with the terms: a form to avoid, a term that the Chinese leaves out."""

import pytest

from openbook.checking.run import check_repository

TERMS = """
    all-reduce: {en: all-reduce, zh: 全归约, avoid: [全规约]}
    interconnect: {en: interconnect, zh: 互连, avoid: [互联], allow: [互联网]}
    mfu: {en: MFU, forms: [model FLOPs utilization], zh: 模型算力利用率}
    feature: {en: feature, zh: 特征, check: false}
    batch: {en: batch (data), zh: 批}
    """
ENGLISH = "---\ndescription: D.\n---\n# A\n\n## How {#how}\n\n"
CHINESE = "---\ndescription: 描述。\n---\n# 甲\n\n## 原理\n\n"


def found(root):
    return [(finding.path, finding.line, finding.rule, finding.message) for finding in check_repository(root)
            if finding.rule.startswith("term")]


def pair(write, english, chinese):
    return write({"docs/data/terms.yml": TERMS, "docs/a.md": ENGLISH + english + "\n", "docs/a.zh.md": CHINESE + chinese + "\n"})


@pytest.mark.parametrize("english, chinese, line, message", [
    ("A sum.", "全规约。", 8, "`全规约` is not how the book says all-reduce"),
    ("A sum.", "- 互联网上的互联\n", 8, "`互联` is not how the book says interconnect"),
    ("A sum.", "!!! note \"全规约\"\n    正文。", 8, "`全规约` is not how the book says all-reduce"),
    ("An all-reduce.", "一次求和。", 6,
     "the English of this section says `all-reduce` (docs/a.md:8), the Chinese nowhere 全归约"),
    ("An all-reduce.", "一次 all-reduce。", 6,
     "the English of this section says `all-reduce` (docs/a.md:8), the Chinese nowhere 全归约"),
    ("The MFU.", "利用率。", 6, "the English of this section says `MFU` (docs/a.md:8), the Chinese nowhere 模型算力利用率"),
])
def test_each_mistake_is_named(small_book, write, english, chinese, line, message):
    findings = [(at, said) for _, at, _, said in found(pair(write, english, chinese))]
    assert (line, message) in findings


@pytest.mark.parametrize("english, chinese", [
    ("An all-reduce.", "一次全归约。"),
    ("The MFU.", "MFU 是比例。"),                                # an abbreviation stays
    ("The model FLOPs utilization.", "模型算力利用率。"),
    ("A feature of it, in batches.", "它的一个功能。"),           # too common to ask for, or of several senses
    ("Run `all-reduce` now.", "运行 `all-reduce`。"),             # code
    ("They call it \"all-reduce\".", "他们称之为“all-reduce”。"),    # other people's words
    ("Read [all-reduce in depth](https://example.org/x).", "读 [all-reduce in depth](https://example.org/x)。"),
    ("On the Interconnect Summit.", "在 Interconnect Summit 上。"),   # a name
    ("The internet.", "互联网。"),
])
def test_what_is_right_is_left_alone(small_book, write, english, chinese):
    assert found(pair(write, english, chinese)) == []
