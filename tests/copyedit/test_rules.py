"""Copy rules of Chinese: what is wrong is named and, where it is safe, mended; what is right is left alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbook.copyedit.check import check_copy, check_definitions, mended
from openbook.copyedit.rules import is_traditional
from openbook.terms.load import Term

WRONG = [
    # the line, what is said, the line mended
    ("用NCCL通信", "a space is missing in `用NCCL`", "用 NCCL 通信"),
    ("共8块", "a space is missing in `共8块`", "共 8 块"),
    ("占30%的", "a space is missing in `占30%的`", "占 30% 的"),
    ("运行`make`即可", "a space is missing in `运行`…`即可`", "运行 `make` 即可"),
    ("其中$T$是批量", "a space is missing in `其中`…`是批量`", "其中 $T$ 是批量"),
    ("见[NCCL 文档](https://example.org/a)的说明", "a space is missing in `见NCCL`", "见 [NCCL 文档](https://example.org/a)的说明"),
    ("见[文档 A](x.md)的说明", "a space is missing in `文档 A的说明`", "见[文档 A](x.md) 的说明"),
    ("说**NCCL**好", "a space is missing in `说NCCL`", "说 **NCCL** 好"),
    ("[图](#fig-a)画的是环", "a space is missing in `图画的是环`", "[图](#fig-a) 画的是环"),
    ("快 ，稳", "a space stands beside full-width punctuation in `快 ，稳`", "快，稳"),
    ("**要点。** 后文", "a space stands beside full-width punctuation in `要点。 后文`", "**要点。**后文"),
    ("写着 “up to” 的", "a space stands beside full-width punctuation in `写着 “up `", "写着“up to”的"),
    ("共１２块", "full-width `１２` in Chinese: `共１２块`", "共 12 块"),
    ("用ＮＣＣＬ", "full-width `ＮＣＣＬ` in Chinese: `用ＮＣＣＬ`", "用 NCCL"),
    ("先量,再改", "half-width `,` in Chinese: `先量,再改`", "先量，再改"),
    ("为什么? 因为慢", "half-width `?` in Chinese: `为什么? 因为慢`", "为什么？因为慢"),
    ("用 NCCL, 再测", "half-width `,` in Chinese: `NCCL, 再测`", "用 NCCL，再测"),
    ("用 NCCL,再测", "half-width `,` in Chinese: `NCCL,再测`", "用 NCCL，再测"),
    ("结论: 快", "half-width `:` in Chinese: `结论: 快`", "结论：快"),
    ("测完了.", "half-width `.` in Chinese: `测完了.`", "测完了。"),
    ("全归约 (all-reduce) 求和", "half-width brackets in Chinese: `(all-reduce)`", "全归约（all-reduce）求和"),
    ("NCCL (英伟达的库)", "half-width brackets in Chinese: `(英伟达的库)`", "NCCL（英伟达的库）"),
    ("所谓\"屋顶\"是上限", "straight quotes in Chinese: `\"屋顶\"`", "所谓“屋顶”是上限"),
    ("所谓「屋顶」", "`「` is not a quotation mark of this book", "所谓“屋顶”"),
    ("重复 3-5 次", "a range without `–`: `重复 3-5 次`", "重复 3–5 次"),
    ("占 80%~90%", "a range without `–`: `占 80%~90%`", "占 80%–90%"),
    ("2 - 4 张卡", "a range without `–`: `2 - 4 张卡`", "2–4 张卡"),
    ("等等...", "`...` is not a Chinese ellipsis", "等等……"),
    ("快，，稳", "`，，` is written twice", "快，稳"),
    ("| 项 | 值 |\n|---|---|\n| 显存 | 共8块 |", "a space is missing in `共8块`", "| 项 | 值 |\n|---|---|\n| 显存 | 共 8 块 |"),
    ("!!! note \"用NCCL\"\n    正文用NCCL。", "a space is missing in `用NCCL`", "!!! note \"用 NCCL\"\n    正文用 NCCL。"),
    ("=== \"用NCCL\"\n    正文。", "a space is missing in `用NCCL`", "=== \"用 NCCL\"\n    正文。"),
    ("??? question \"共8块?\"\n    是。", "half-width `?` in Chinese: `共8块?`", "??? question \"共 8 块？\"\n    是。"),
    ("- [ ] 用NCCL", "a space is missing in `用NCCL`", "- [ ] 用 NCCL"),
    ("![用NCCL。](figures/a.svg){#fig-a}", "a space is missing in `用NCCL`", "![用 NCCL。](figures/a.svg){#fig-a}"),
]


@pytest.mark.parametrize("wrong, message, right", WRONG)
def test_each_mistake_is_named_and_mended(wrong, message, right, tmp_path):
    (tmp_path / "a.zh.md").write_text(wrong + "\n", "utf-8")
    assert message in [finding.message for finding in check_copy(tmp_path, ["a.zh.md"])]
    assert mended(wrong + "\n")[0] == right + "\n"
    assert mended(right + "\n") == (right + "\n", 0)


@pytest.mark.parametrize("text, message", [
    ("一個節點", "`個` is a Traditional character"),
    ("他说 NCCL. 然后走了", "half-width `.` in Chinese: `NCCL. 然后走了`"),
    ("完了。。", "`。。` is not a Chinese ellipsis"),
])
def test_what_is_not_safe_to_mend_is_only_named(text, message, tmp_path):
    (tmp_path / "a.zh.md").write_text(text + "\n", "utf-8")
    assert message in [finding.message for finding in check_copy(tmp_path, ["a.zh.md"])]
    assert mended(text) == (text, 0)


@pytest.mark.parametrize("text", [
    "全归约（all-reduce）把 $2(n-1)$ 份数据，每份 $S/n$ 字节，传一圈 [@a-source]。",
    "```python\nx = \"用NCCL,共8块\"  # 用NCCL\n```",
    "    ```bash\n    echo 用NCCL\n    ```",
    "$$\n\\text{用NCCL}\n$$",
    "用 `f(x), g(y)` 和 `a,b`，见 <https://example.org/a,b>。",
    "[说明](../a/b.md#c-d) 里，`x` 与 2026-11-21、2026-11 和 GPT-4 都不是范围，16:9 也不是。",
    "不分片。ZeRO-1：4 × 13 = 52 GB；Keras 3.15.1，2026-07。",
    "| 名称 |\n|---|\n| 规模 405B，H100 |",
    "共 (4 − 1) / (256 + 3) = 1.2%，即 f(x) 的值。",
    "<div class=\"home-lead\" markdown>",
    "| a | b |\n|:--|--:|\n| BF16, FP8 | “是”，否 |",
    "表：各种带宽。 {#tab-a}",
    "Plain English, with (brackets), \"quotes\" and 3-5 dashes.",
    "昇腾 910C，见“要点”一节；省略……也行。",
])
def test_what_is_right_is_left_alone(text, tmp_path):
    (tmp_path / "a.zh.md").write_text(text + "\n", "utf-8")
    assert [finding.message for finding in check_copy(tmp_path, ["a.zh.md"])] == []
    assert mended(text) == (text, 0)


def test_front_matter_is_left_alone_but_for_the_description(tmp_path):
    (tmp_path / "a.zh.md").write_text("---\ndescription: 用NCCL\ntested_on: 用NCCL\n---\n# 甲\n", "utf-8")
    assert [(finding.path, finding.line) for finding in check_copy(tmp_path, ["a.zh.md"])] == [("docs/a.zh.md", 2)]


def test_a_finding_says_whether_the_command_mends_it(tmp_path):
    (tmp_path / "a.zh.md").write_text("用NCCL\n\n一個\n", "utf-8")
    first, second = check_copy(tmp_path, ["a.zh.md"])
    assert first.mend.endswith("`openbook check --fix` does it.") and "--fix" not in second.mend


def test_definitions_of_terms_keep_the_rules_too():
    term = Term("x", "x", ("x",), ("甲",), define={"en": "x", "zh": "用NCCL。"}, line=7)
    (finding,) = check_definitions((term,), "docs/data/terms.yml")
    assert (finding.path, finding.line) == ("docs/data/terms.yml", 7)
    assert finding.message == "a space is missing in `用NCCL` in the definition of `x`"


@pytest.mark.parametrize("characters, traditional", [("個節點為這們說網開關", True), ("个节点为这们说网路开关昇后里面只干", False)])
def test_traditional_characters_are_told_apart(characters, traditional):
    assert [character for character in characters if is_traditional(character) != traditional] == []


@given(st.text(alphabet="中文图a1 ,.:()[]*`$|\\\n\"#-：，！“”（）{}<>@~=?!5６…", max_size=60))
def test_mending_ends_and_leaves_nothing_to_mend(text):
    once, _ = mended(text)
    assert mended(once) == (once, 0)
    assert text.count("\n") == once.count("\n")
    assert "".join(re.findall("[中文图a]", text)) == "".join(re.findall("[中文图a]", once)), "words are never changed"
