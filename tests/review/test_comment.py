"""The comment on a pull request is made from a stranger's data: nothing in it may work, and nothing odd may pass."""

import json
import subprocess
import sys

import pytest

from openbook.review.comment import Refused, comment, main

CHANGES = {
    "format": 1, "old": "abcd123", "new": "abcd124",
    "pages": [{"state": "changed", "language": "en", "title": "Networks", "source": "docs/network/index.md"}],
    "behind": [{"file": "docs/network/index.zh.md", "id": "link-speed", "title": "How fast is a link?"}],
    "pdfs": [{"name": "ml-engineering.en.pdf", "old": {"pages": 12, "size": 1_500_000}, "new": {"pages": 14, "size": 1_400_000}},
             {"name": "ml-engineering.zh.pdf", "old": None, "new": {"pages": 9, "size": 1_000_000}}]}
RUN = "https://github.com/reader/book/actions/runs/42"
ARTIFACTS = {"total_count": 3, "artifacts": [{"name": "site", "id": 7}, {"name": "ml-engineering.en.pdf", "id": 8}, {"name": "@everyone", "id": 9}]}


def test_the_whole_comment():
    assert comment(CHANGES, RUN, ARTIFACTS) == """\
### What this changes · 这次改了什么

Compared with `abcd123` · 与 `abcd123` 相比。

| PDF | pages · 页数 | size · 大小 |
|---|---|---|
| `ml-engineering.en.pdf` | 12 → 14 (+2) | 1.50 MB → 1.40 MB (-0.10) |
| `ml-engineering.zh.pdf` | – → 9 | – → 1.00 MB |

**Pages · 页面: 1**

- changed · 有改动: `Networks` (en, `docs/network/index.md`)

**Chinese sections that fall behind · 落后于英文的中文小节: 1**

- `docs/network/index.zh.md#link-speed`: `How fast is a link?`

This does not stop a merge: the page tells its readers. After translating, run `openbook accept` with the names above. · \
这不妨碍合并：页面会告诉读者。译好之后，用上面的名字运行 `openbook accept`。

Preview · 预览: [PDF, English](https://github.com/reader/book/actions/runs/42/artifacts/8), \
[website · 网站 (zip)](https://github.com/reader/book/actions/runs/42/artifacts/7). It holds what the pull request put there: \
treat it as a stranger's file. · 预览的内容出自该 pull request，请当作陌生人的文件对待。

Built from `abcd124`. · 构建自 `abcd124`。
"""


@pytest.mark.parametrize("title, shown", [
    ("`@everyone` <img src=x onerror=alert(1)>", "`'@everyone' <img src=x onerror=alert(1)>`"),
    ("two\nlines\r\n\r\n# and a heading", "`two lines # and a heading`"),
    ("turned \u202eback\u202c and \u200bhidden\x1b[31m", "`turned back and hidden[31m`"),
    ("line\u2028separator", "`line separator`"),
    ("```", "`'''`"), ("\x00", "`?`"), ("x" * 500, "`" + "x" * 100 + "…`")])
def test_a_title_is_code_on_one_line(title, shown):
    page = {**CHANGES["pages"][0], "title": title}
    line = next(line for line in comment({**CHANGES, "pages": [page]}).split("\n") if line.startswith("- changed"))
    assert line == f"- changed · 有改动: {shown} (en, `docs/network/index.md`)"


def test_a_long_list_is_cut_and_counted():
    text = comment({**CHANGES, "pages": CHANGES["pages"] * 100})
    assert text.count("- changed") == 40 and "- … 60 more · 另有 60 项" in text and "**Pages · 页面: 100**" in text


def changed(**fields):
    return {**CHANGES, **fields}


PAGE, SECTION, BOTH = CHANGES["pages"][0], CHANGES["behind"][0], {"pages": 1, "size": 1}


@pytest.mark.parametrize("changes", [
    [], None, {}, changed(old="main"), changed(new="abcd`123"), changed(pages={}), changed(pages=["x"]), changed(pages=[PAGE] * 10_001),
    changed(pages=[{**PAGE, "state": "<b>"}]), changed(pages=[{**PAGE, "language": "xx"}]), changed(pages=[{**PAGE, "title": 1}]),
    changed(pages=[{**PAGE, "source": "docs/a`.md"}]), changed(pages=[{**PAGE, "source": "docs/a.md\n"}]), changed(behind=[{**SECTION, "id": "a b"}]),
    changed(behind=[{**SECTION, "file": "https://example.org/a.md"}]), changed(pdfs=[{"name": "x.pdf", "old": BOTH, "new": {"pages": "1", "size": 1}}]),
    changed(pdfs=[{"name": "x.pdf", "old": None, "new": {"pages": True, "size": 1}}]), changed(pdfs=[{"name": "x`.pdf", "old": BOTH, "new": BOTH}]),
    changed(pdfs=[{"name": "x.pdf", "old": BOTH, "new": {"pages": 10 ** 12, "size": 1}}]),
    changed(pdfs=[{"name": "x.pdf", "old": BOTH, "new": {"pages": float("nan"), "size": 1}}])])
def test_what_the_comparison_never_writes_is_refused(changes):
    with pytest.raises(Refused):
        comment(changes)


@pytest.mark.parametrize("run, number", [("javascript:alert(1)", 8), (RUN + ")[x](https://example.org", 8), (RUN, "8)"), (RUN, None)])
def test_only_the_hosts_own_addresses_are_linked(run, number):
    with pytest.raises(Refused):
        comment(CHANGES, run, {"total_count": 1, "artifacts": [{"name": "site", "id": number}]})


@pytest.mark.parametrize("text, reason", [
    ("{", "Expecting property name"), ("[" * 200_000, "recursion"), ('{"x": "' + "x" * 4_000_000 + '"}', "larger than any comparison")])
def test_a_file_that_is_not_data_is_refused_with_one_message(tmp_path, capsys, text, reason):
    file = tmp_path / "changes.json"
    file.write_text(text)
    assert main([str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == "" and "refused: " in said.err and reason in said.err


def test_it_runs_with_nothing_installed(tmp_path, root):
    (tmp_path / "changes.json").write_text(json.dumps(CHANGES))
    done = subprocess.run([sys.executable, "-I", "-S", "-X", "utf8", "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n"
                           "from openbook.review.comment import main; sys.exit(main(['changes.json']))"],
                          cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout, done.stderr) == (0, comment(CHANGES), "")
