"""The Markdown copies: every kind of block as plain Markdown, every link inside the site landing."""

import posixpath
import re

import pytest

from openbook.site.copies_html import list_markdown, table_markdown

CHINESE = """\
# 甲

## 原理 {#how}

公式 $x^2$，[公式 1.1](#eq-sum)，论断[^nv-sheet][^amd-sheet]，[表 1.1](#tab-chips)、[图 1.1](#fig-ring)、[表 1.2](#tab-hand)。下载 [PDF](../../pdf/ml-engineering.zh.pdf)。**要点。**显存不够时用张量并行。

$$
s = a + b
$$
(1.1) {#eq-sum}

![图 1.1. 四个节点的环。](../../figures/ring.svg) {#fig-ring}

**表 1.1.** 峰值。 {#tab-chips}

| 芯片 | BF16 TFLOPS |
|---|---|
| H100[^nv-sheet] | 989.4 |
| MI300X[^amd-sheet] | 1,307.4 |

数据核对于 2026-10 – 2026-11。

| a | b |
|---|---|
| 1 | 2 |

**表 1.2.** 手工。 {#tab-hand}

> **警告**
>
> 小心。

## NCCL 有多快？ {#nccl}

它测一次全归约（all-reduce）。

[^nv-sheet]: NVIDIA: Data sheet. https://example.org/sheet
[^amd-sheet]: AMD: Brochure (2026-06). https://example.org/amd

---

选自《机器学习工程》开放书籍，[CC BY-SA 4.0](https://creativecommons.org/licenses/by-sa/4.0/)。本页：https://example.org/book/zh/a/
"""


def test_a_copy_has_facts_numbers_sources_and_ids(published):
    text = (published / "zh/a/index.md").read_text("utf-8")
    assert text == CHINESE


def test_a_page_names_its_copy(small_site):
    page = (small_site / "site/zh/a/index.html").read_text("utf-8")
    assert '<link rel="alternate" type="text/markdown" href="index.md">' in page


LINK = re.compile(r"\]\(([^()\s]+)\)")
CODE = re.compile(r"(?ms)^([ >]*)```.*?^\1```$|`[^`\n]+`|\$\$.*?\$\$|\$[^$\n]+\$")


@pytest.mark.parametrize("site", ["small_site", "real_site"])
def test_every_link_inside_the_copies_lands(site, request):
    folder = request.getfixturevalue(site) / "site"
    broken, seen = [], 0
    for path in sorted(folder.rglob("index.md")):
        for target in LINK.findall(CODE.sub("", path.read_text("utf-8"))):
            if re.match(r"[a-z]+:|#", target):
                assert not target.startswith("book:"), (path, target)
                continue
            seen += 1
            place, _, anchor = target.partition("#")
            file = folder / posixpath.normpath(posixpath.join(path.parent.relative_to(folder).as_posix(), place))
            if not file.is_file() and not place.endswith((".pdf", ".zip")):
                broken.append((path.relative_to(folder).as_posix(), target))
            elif anchor and anchor not in ("sources",) and f"{{#{anchor}}}" not in file.read_text("utf-8"):
                broken.append((path.relative_to(folder).as_posix(), target))
    assert broken == [] and seen > 3


def test_no_fence_of_facts_and_no_citation_is_left_in_a_copy(real_site):
    left = [(path.relative_to(real_site).as_posix(), found[0]) for path in (real_site / "site").rglob("index.md")
            for found in re.finditer(r'(?m)^ *(?:```(?:table|chart|glossary|status|parts)\b|!!! |\?\?\? |=== "|--8<-- ).*|\[@[a-z]', path.read_text("utf-8"))]
    assert left == []


def test_a_table_of_the_facts_becomes_a_pipe_table():
    markup = ('<figure><figcaption><span class="caption-number">Table 1.2</span> Peaks.<sup class="cite" data-cite="s"></sup></figcaption><table><thead><tr>'
              '<th>Chip</th><th>TFLOPS <span class="unit">x</span></th></tr></thead><tbody><tr><th><a href="book:docs/a.md">H100</a></th>'
              '<td>1 <code>a|b</code><sup class="note">a</sup> <span class="also">or 2<sup class="cite" data-cite="t"></sup></span></td></tr></tbody></table>'
              '<p class="table-notes"><span><sup class="note">a</sup> Dense.</span></p></figure>')
    assert table_markdown(markup, lambda address: address.replace("book:docs/", "../"), " {#tab-x}") == (
        "**Table 1.2.** Peaks.[^s] {#tab-x}\n\n| Chip | TFLOPS x |\n|---|---|\n| [H100](../a.md) | 1 `a\\|b` (a) or 2[^t] |\n\n(a) Dense.")


def test_a_formula_of_the_facts_stays_tex():
    markup = r'<table><thead><tr><th>State</th></tr></thead><tbody><tr><td>about <span class="arithmatex">\(16 N/n &lt; \alpha\)</span> B</td></tr></tbody></table>'
    assert table_markdown(markup, str) == "| State |\n|---|\n| about $16 N/n < \\alpha$ B |"


def test_definitions_become_bullets_with_their_ids():
    assert list_markdown('<dl><dt id="r">rank <span>进程</span></dt>\n<dd>One process.</dd></dl>', str) == "- **rank 进程** {#r}: One process."
