"""Alignment: small pairs that show each rule, its line, its counterpart and its remedy."""

import pytest
from hypothesis import given, strategies

from openbook.alignment.check import check_alignment
from openbook.alignment.excuses import without_excuses
from tests.reading.test_blocks import PIECES


def found(chinese, english):
    return [(finding.line, finding.rule, finding.message) for finding in check_alignment("docs/a.zh.md", chinese, "docs/a.md", english)]


@pytest.mark.parametrize("english, chinese, expected", [
    ("# T\n\nIt runs at 80 GB.\n", "# 题\n\n它有 80 GiB。\n", (3, "number", "the numbers: here `80 GiB`, there `80 GB` (docs/a.md:3)")),
    ("# T\n\nOne.\n\nTwo.\n", "# 题\n\n一。\n", (3, "block", "the paragraph `Two.` is missing after this line (docs/a.md:5)")),
    ("# T\n\nOne two three.\n", "# 题\n\n- 一\n", (3, "block", "this list item has no counterpart there (docs/a.md:1)")),
    ("# T\n\n```bash\nrun -n 4    # four\n```\n", "# 题\n\n```bash\nrun -n 8    # 四\n```\n",
     (4, "fence", "the line `run -n 4` is `run -n 8` here (docs/a.md:4)")),
    ("# T\n\n```bash\nrun    # on 4 nodes\n```\n", "# 题\n\n```bash\nrun    # 用 5 个节点\n```\n",
     (4, "number", "the numbers: here `5`, there `4` (docs/a.md:4)")),
    ("# T\n\n```bash\n#SBATCH --nodes=4\n```\n", "# 题\n\n```bash\n#SBATCH --nodes=5\n```\n",
     (4, "fence", "the line `#SBATCH --nodes=4` is `#SBATCH --nodes=5` here (docs/a.md:4)")),
    ("# T\n\n```python\nx = \"# 4\"\n```\n", "# 题\n\n```python\nx = \"# 5\"\n```\n", (4, "fence", 'the line `x = "# 4"` is `x = "# 5"` here (docs/a.md:4)')),
    ("# T\n\n- [x] Done\n", "# 题\n\n- [ ] 完成\n", (3, "block", "the task is [x], here it is [ ] (docs/a.md:3)")),
    ("# T\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "# 题\n\n| a |\n|---|\n| 1 |\n", (3, "table", "the row has 2 cells, here it has 1 (docs/a.md:3)")),
    ("# T\n\n!!! note\n    Body.\n", "# 题\n\n!!! tip\n    正文。\n", (3, "block", "the note is `!!! note`, here it is `!!! tip` (docs/a.md:3)")),
    ("# T\n\n!!! note\n    Body.\n", "# 题\n\n!!! note\n\n正文。\n", (5, "block", "this paragraph is indented by 4 there, here by 0 (docs/a.md:4)")),
    ("# T\n\nSee $x^2$.\n", "# 题\n\n见 $x^3$。\n", (3, "formula", "the formulas: here `x^3`, there `x^2` (docs/a.md:3)")),
    ("# T\n\nA note[^1].\n\n[^1]: The note.\n", "# 题\n\n注[^2]。\n\n[^2]: 注。\n", (5, "block", "the reference is [^1]:, here it is [^2]: (docs/a.md:5)")),
])
def test_what_differs_is_named(english, chinese, expected):
    assert expected in found(chinese, english)


@pytest.mark.parametrize("english, chinese", [
    ("# T\n\n$$\nx = \\text{bytes per step}\n$$\n", "# 题\n\n$$\nx = \\text{每步字节数}\n$$\n"),
    ("# T\n\n```bash\n# say\nrun    # what\n```\n", "# 题\n\n```bash\nrun    # 什么\n```\n"),
    ("# T\n\n```bash title=\"Run\"\nrun\n```\n", "# 题\n\n```bash title=\"运行\"\nrun\n```\n"),
    ("# T\n\n```table\nid: tab-x\ndata: x\ncaption: Words, 4 of them.\n```\n", "# 题\n\n```table\nid: tab-x\ndata: x\ncaption: 四个词。\n```\n"),
    ("# T\n\n<div class=\"a\" title=\"Words\">x</div>\n", "# 题\n\n<div class=\"a\" title=\"词\">甲</div>\n"),
    ("# T\n\n| a \\| b | `c | d` |\n|---|---|\n", "# 题\n\n| 甲 \\| 乙 | `c | d` |\n|---|---|\n"),
])
def test_what_may_differ_is_left_alone(english, chinese):
    assert found(chinese, english) == []


def test_an_excuse_with_a_reason_allows_one_rule_for_one_block():
    english = "# T\n\nA dozen and 13.\n\nThen 14.\n"
    excused = "# 题\n\n<!-- differs: number: Chinese has no such saying -->\n\n十几。\n\n然后 15。\n"
    assert found(excused, english) == [(7, "number", "the numbers: here `15`, there `14` (docs/a.md:5)")]


def test_an_excuse_may_stand_in_its_line():
    assert found("# 题\n\n- 甲 <!-- differs: link: the target exists in English only -->\n", "# T\n\n- [a](a.md)\n") == []


@pytest.mark.parametrize("excuse, message", [
    ("<!-- differs: number -->", "the excuse gives no reason"), ("<!-- differs: numbr: x -->", "no rule is called `numbr`"),
    ("<!-- differs: number: once it did -->", "nothing differs here any more")])
def test_an_idle_excuse_is_a_finding(excuse, message):
    assert (3, "excuse", message) in found(f"# 题\n\n{excuse}\n正文。\n", "# T\n\nBody.\n")


def test_readers_do_not_get_the_excuses():
    text = "# 题\n\n<!-- differs: number: why -->\n正文 <!-- differs: link: why -->。<!-- kept -->\n"
    assert without_excuses(text) == "# 题\n\n正文 。<!-- kept -->\n"


lines = strategies.lists(strategies.one_of(strategies.sampled_from([piece for piece in PIECES if "differs" not in piece]),
                                           strategies.text(max_size=20)), max_size=20).map("\n".join)


@given(lines)
def test_any_file_agrees_with_itself(text):
    assert found(text, text) == []


@given(lines, lines)
def test_no_two_files_crash_the_comparison(chinese, english):
    count = chinese.count("\n") + 1
    assert all(1 <= line <= count for line, _, _ in found(chinese, english))
