"""What a stranger's pull request must not bring is one finding with file, line and rule; what only looks like it passes."""

import os

import pytest

from openbook.checking.run import check_repository
from tests.conftest import SMALL_BOOK

META = "---\ndescription: D.\n---\n"
HEAD = META + "# Home\n\n"    # what follows begins on line 6


def found(root, *paths):
    return [(finding.path, finding.line, finding.rule) for finding in check_repository(root) if not paths or finding.path in paths]


def in_page(write, body):
    """Check the small book with a text on its home page, the same in both languages; return what is found in the English file."""
    root = write({**SMALL_BOOK, "docs/index.zh.md": HEAD + body + "\n"})
    (root / "docs/index.md").write_text(HEAD + body + "\n", "utf-8")
    return [(line, rule) for _, line, rule in found(root, "docs/index.md")]


ON_LINE_6 = [
    "<script>alert(1)</script>", "Words <ScRiPt src=x>.", '<img src="x" onerror="alert(1)">', "<svg/onload=alert(1)>", "<p\n onclick=x>",
    "<br onclick=x>", '<iframe src="x"></iframe>', '<form action="x">', "<style>body{display:none}</style>", '<base href="x">', "<textarea>",
    '<meta http-equiv="refresh" content="0">', '<div style="position:fixed">', '<div class="md-overlay" markdown>', "</article>",
    "<!DOCTYPE x>", "<?php x ?>", "<!-- a --!> <script>b</script> -->", "<!-- ` --> <script> `", "\\`<script>\\`", "<javascript:alert(1)>",
    "> <script>", "[^1]: <script>\n\nA note[^1].", '!!! note "A <script>"\n    Text.', '??? question "A <script>"\n    Text.',
    '=== "A <script>"\n    Text.', "[x](a.md){ onclick=alert(1) }", '*x*{: style="position:fixed" }', "`x`{ onmouseover=x }",
    "## A {#__config}", "## A { #b onclick=x }", "``` { .bash onclick=x }\nls\n```", "``` {.python #__config}\nx\n```"]
BELOW = [
    (7, "A `\n<script> `b"), (7, "- one\n- two <b onclick=x>"), (7, "Words\n{: onclick=x }"), (7, "Words\n{: .md-overlay }"),
    (8, "| a | b |\n|---|---|\n| 1 | <script> |")]


@pytest.mark.parametrize("line, body", [*((6, body) for body in ON_LINE_6), *BELOW])
def test_html_and_attributes_that_the_book_does_not_use_are_one_finding(write, line, body):
    assert [place for place in in_page(write, body) if place[1] == "html"] == [(line, "html")]


@pytest.mark.parametrize("body, line", [
    ("[x](javascript:alert(1))", 6), ("[x](JaVaScript:alert(1))", 6), ("[x](&#106;avascript:alert(1))", 6),
    ("[x](jav&#x09;ascript:alert(1))", 6),
    ("[x](java\tscript:alert(1))", 6), ("[x](\njavascript:alert(1))", 7), ("[x][y]\n\n[y]: javascript:alert(1)", 8),
    ("[x](vbscript:x)", 6),
    ("[x](data:text/html,x)", 6), ("[x](file:///etc/passwd)", 6), ("[x](//example.org/)", 6), ('[x](data:x "A title")', 6),
    ("![x](javascript:x)", 6),
])
def test_a_link_with_another_scheme_is_one_finding(write, body, line):
    assert [place for place in in_page(write, body) if place[1] == "scheme"] == [(line, "scheme")]


@pytest.mark.parametrize("body, line, rule", [
    ("![x](https://example.org/x.png)", 6, "image"), ("![x][y]\n\n[y]: https://example.org/x.png", 6, "image"),
    ("![x](../../../etc/passwd)", 6, "image"),
    ("[x](../../../etc/passwd)", 6, "link"), ("[x](http://[a)", 6, "link"),
    ('```text\n--8<-- "../../etc/passwd"\n```', 7, "snippet"), ('```text\n--8<-- "/etc/passwd"\n```', 7, "snippet"),
    ('--8<-- "a.md"', 6, "snippet"),
    ("> " * 7 + "deep", 6, "limit"), ("- " * 9 + "deep", 6, "limit"), ("|" + "a|" * 2000 + "\n|" + "-|" * 2000, 6, "limit"),
    ("[" * 500, 6, "limit"), ("![x](javascript:x)", 6, "scheme"),
    ("$\\rule{1000em}{1000em}$", 6, "formula"), ("$\\def\\a#1{\\a{#1#1}}\\a{x}$", 6, "formula"),
    ("$" + "{" * 900 + "x" + "}" * 900 + "$", 6, "formula"),
    ("```bash\n<script>", 6, "fence"), ("a\u202eb", 6, "character"), ("a\u200bb", 6, "character"), ("a\x1bb", 6, "character"),
    ("a\0b", 6, "character"),
])
def test_what_leads_elsewhere_hides_or_is_too_deep_is_one_finding(write, body, line, rule):
    assert in_page(write, body) == [(line, rule)]


@pytest.mark.parametrize("body", [
    "`<script>alert(1)</script>` in code", "```html\n<script>alert(1)</script>\n```",
    "The word javascript: in prose, and data: too.", "a < b, c > d, a<1, a <- b",
    "One<br>two, H<sub>2</sub>O, <kbd>Ctrl</kbd>", "<https://example.org/a?b=c>", "[x](https://example.org/)",
    "[x](mailto:a@example.org)", "[x](a.md#how)",
    "Braces {x=1} in a sentence", "<!-- a <script> nobody sees -->", "$a<b$ and $$c<d$$", "$$\na <b\n$$", "&lt;script&gt;",
    '[x](a.md "javascript: the language")',
    "`[x](javascript:y)` and `{: onclick=x }`", "## A {#b}", "``` { .text .output }\n<b>\n```",
    "```python title=\"a.py\" hl_lines=\"1\"\nx\n```",
    "I <3 U", "> one\n> > two\n> > > three", "- one\n    - two\n        - three", "`` `<b>` ``", "a &lt;b", "a --8<-- b"])
def test_what_only_looks_dangerous_passes(write, body):
    assert [place for place in in_page(write, body) if place[1] not in ("copy", "heading", "headings")] == []


@pytest.mark.parametrize("field, rule_line", [
    ("author: '\"><script>'", 3), ("title: </title><script>", 3), ("template: main.html", 3), ("hide: [footer]", 3),
    ("search: {boost: <script>}", 3),
    ("covers: !ENV HOME", 3), ("covers: !!python/object/apply:os.system [ls]", 3), ("covers: &a [*a]", 3),
    ("covers: " + "[" * 5000, 3),
    ("covers: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(f"x{n}: &{b} [{','.join(['*' + a] * 10)}]\n" for n, (a, b) in enumerate(zip("abcdef", "bcdefg"))), 8),
])
def test_front_matter_that_the_book_does_not_use_is_named(write, field, rule_line):
    page = "---\ndescription: D.\n" + field.rstrip("\n") + "\n---\n# Home\n"
    root = write({**SMALL_BOOK, "docs/index.zh.md": META + "# 首页\n"})
    (root / "docs/index.md").write_text(page, "utf-8")
    places = found(root, "docs/index.md")
    assert ("docs/index.md", rule_line, "front-matter") in places and {rule for _, _, rule in places} == {"front-matter"}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi"))
TABLE = "title: T\ncolumns:\n  name: {type: text, en: N, zh: N}\n  to: {type: link, en: L, zh: L}\nrows:\n"


@pytest.mark.parametrize("data, line, rule", [
    (BOMB, 6, "facts"), ("a: &a [*a]\n", 1, "facts"),
    ("title: !!python/object/apply:os.system [ls]\ncolumns: {}\nrows: []\n", 1, "facts"),
    ("title: " + "[" * 100_000, 1, "facts"), ("- " * 3000 + "a", 1, "facts"),
    ("title: !ENV HOME\ncolumns: {}\nrows: []\n", 1, "facts"),
    (TABLE + "  - {id: a, name: <script>alert(1)</script>}\n", 6, "html"),
    (TABLE + "  - {id: a, name: \"[x](javascript:y)\"}\n", 6, "scheme"),
    (TABLE + "  - {id: a, to: {label: x, url: \"javascript:alert(1)\"}}\n", 6, "scheme"),
    (TABLE + "  - {id: a, to: {label: x, url: \"JavaScript:alert(1)\"}}\n", 6, "scheme"),
    (TABLE + "  - {id: a, to: {label: x, url: ../../mkdocs.yml}}\n", 6, "link"),
    (TABLE + "  - {id: a, name: '=HYPERLINK(\"https://example.org\")'}\n", 6, "facts"),
    (TABLE + "".join(f"  - {{id: r{n}}}\n" for n in range(6000)), 5, "limit"),
    ("title: T\ncolumns:\n  n: {type: int, en: N, zh: N, compute: ((9 ** 999) ** 999) ** 999}\nrows:\n  - {id: a}\n", 1, None),
])
def test_data_that_the_book_does_not_use_is_named(write, data, line, rule):
    root = write({**SMALL_BOOK, "docs/data/more.yml": data})
    assert found(root) == ([("docs/data/more.yml", line, rule)] if rule else [])


def test_an_address_of_a_source_is_one_on_the_web(write):
    source = "nv: {title: T, publisher: N, url: \"javascript:alert(1)\", kind: doc, accessed: 2026-11-21}\n"
    root = write({**SMALL_BOOK, "docs/data/sources.yml": SMALL_BOOK["docs/data/sources.yml"].lstrip("\n").replace("        ", "") + source})
    assert ("docs/data/sources.yml", 3, "scheme") in found(root)


@pytest.mark.parametrize("kind", ["table", "chart"])
def test_the_caption_of_facts_is_markdown_without_html(write, kind):
    more = "kind: bars\nx: bf16\ny: name\n" if kind == "chart" else "columns: [name]\n"
    body = f"```{kind}\nid: {'fig' if kind == 'chart' else 'tab'}-x\ndata: chips\n{more}caption: <script>alert(1)</script>\n```"
    assert in_page(write, body) == [(6, "html")]


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9"{}>\n<title lang="en">x</title><title lang="zh">x</title>\n{}</svg>'


@pytest.mark.parametrize("drawing, line", [
    (SVG.format(' width="9999"', ""), 1), (SVG.format(' class="md-overlay"', ""), 1),
    (SVG.format("", "<script>alert(1)</script>"), 3), (SVG.format(' onload="alert(1)"', ""), 1),
    (SVG.format("", '<rect onclick="x"/>'), 3),
    (SVG.format("", "<foreignObject/>"), 3), (SVG.format("", '<image href="https://example.org/x.png"/>'), 3),
    (SVG.format("", '<use xlink:href="https://example.org/x#y"/>'), 3),
    (SVG.format("", '<a href="javascript:x"/>'), 3), (SVG.format("", '<style>@import "https://example.org/x.css";</style>'), 3),
    (SVG.format("", "<style>.a{fill:url(https://example.org/x)}</style>"), 3),
    (SVG.format("", "<style>.a{fill:u\\72l(x)}</style>"), 3),
    (SVG.format("", "<style>.a ~ *{fill:none}</style>"), 3),
    (SVG.format("", "<style>.a{fill:red}/*}*/body{display:none}</style>"), 3),
    (SVG.format("", "<style>.a{position:fixed}</style>"), 3), (SVG.format(' style="position:fixed"', ""), 1),
    (SVG.format("", '<animate attributeName="x"/>'), 3),
    (SVG.format("", '<html xmlns="http://www.w3.org/1999/xhtml"/>'), 3), (SVG.format("", "<svg/>"), 3),
    (SVG.format("", "<g>" * 300 + "</g>" * 300), 3),
    ("<!DOCTYPE svg [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]>\n" + SVG.format("", "<text>&b;</text>"), 1),
    ('<?xml-stylesheet href="x"?>' + SVG.format("", ""), 1),
])
@pytest.mark.parametrize("shown", [True, False], ids=["shown", "only published"])
def test_a_figure_with_more_than_a_drawing_is_one_finding(write, drawing, line, shown):
    root = write({**SMALL_BOOK, "docs/f.svg": drawing})
    if shown:
        for name in ("docs/index.md", "docs/index.zh.md"):
            (root / name).write_text(HEAD + "![x](f.svg){#fig-f}\n", "utf-8")
    assert {place for place in found(root)} == {("docs/f.svg", line, "figure")}


def test_a_figure_keeps_comments_classes_and_marks_of_its_own(write):
    drawing = SVG.format("", '<!-- a note --><style>/* a note */ .a, g .b{fill:var(--fig-ink,#000);marker-end:url(#m)}</style><defs><marker id="m"/></defs><g class="a"/>')
    assert found(write({**SMALL_BOOK, "docs/f.svg": drawing})) == []


@pytest.mark.parametrize("name, content, line, rule", [
    ("docs/evil.html", b"<script>alert(1)</script>", 1, "file"), ("docs/evil.js", b"alert(1)", 1, "file"),
    ("docs/CNAME", b"example.org", 1, "file"),
    ("docs/a b.md", b"# A\n", 1, "file"), ("docs/a\n::warning::b.md", b"# A\n", 1, "file"), ("docs/-rf.py", b"", 1, "file"),
    ("docs/x\u202eyp.md", b"", 1, "file"),
    ("docs/index.md", b"---\ndescription: D.\n---\n# \xff\n", 4, "file"),
    ("docs/index.md", b"# A\n\n" + b"x" * 10_001, 3, "limit"),
    ("docs/index.md", b"word\n" * 10_000_000, 1, "limit"), ("docs/data/big.yml", b"- {id: a}\n" * 300_000, 1, "limit"),
    ("docs/f.svg", b" " * 2_000_000, 1, "limit"),
    ("docs/tool.py", b"x = 1\nif level != 'user\xe2\x80\xae \xe2\x81\xa6': pass\n", 2, "character"),
    ("docs/tool.py", b"x = 1\ny\xe2\x80\x8b = 2\n", 2, "character"),
])
def test_a_file_that_the_book_has_no_use_for_is_one_finding(small_book, name, content, line, rule):
    (small_book / name).write_bytes(content)
    shown = name.replace("\n", "\\n").replace("\u202e", "\\u202e")
    first = found(small_book)[0]
    assert first == (shown, line, rule)
    assert {place[2] for place in found(small_book)} == {rule}


@pytest.mark.parametrize("name", ["docs/x.md", "docs/x.svg", "docs/x.py", "docs/data/x.yml", "docs/x.png", "docs/folder", "docs/.x.svg"])
@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
def test_a_symbolic_link_is_not_followed(small_book, tmp_path_factory, name, inside):
    target = small_book / "docs/a.md" if inside else tmp_path_factory.mktemp("elsewhere")
    (small_book / name).symlink_to(target)
    assert found(small_book) == [(name, 1, "file")]


def test_what_editors_and_systems_leave_is_no_part_of_the_book(write):
    assert found(write({**SMALL_BOOK, "docs/.DS_Store": "\0", "docs/.a.md.swp": "\0", "docs/.cache/x.html": "x", "docs/__pycache__/x.pyc": "x"})) == []


def test_a_pipe_is_not_read(small_book):
    os.mkfifo(small_book / "docs/x.md")
    assert found(small_book) == [("docs/x.md", 1, "file")]


def test_a_shown_file_does_not_end_its_code_block(write):
    body = '```python\n--8<-- "tool.py"\n```'
    files = {**SMALL_BOOK, "docs/tool.py": "x = 1\n```\n<script>alert(1)</script>\n", "docs/index.md": HEAD + body, "docs/index.zh.md": HEAD + body}
    assert found(write(files)) == [("docs/tool.py", 2, "snippet")]


@pytest.mark.parametrize("moves", ["../../evil.md: a.md\n", "old.md: ../../a.md\n", "/tmp/evil.md: a.md\n"])
def test_a_page_does_not_move_out_of_the_site(write, moves):
    assert found(write({**SMALL_BOOK, "docs/data/moved.yml": moves})) == [("docs/data/moved.yml", 1, "moved")]


@pytest.mark.parametrize("line", ["x: !!python/object/apply:os.system [ls]", "x: !<tag:yaml.org,2002:python/object/new:os.system> [ls]", "x: " + "[" * 5000])
def test_settings_that_run_a_program_or_end_it_are_named(write, line):
    settings = SMALL_BOOK["mkdocs.yml"].replace("    site_name:", f"    {line}\n    site_name:")
    assert found(write({**SMALL_BOOK, "mkdocs.yml": settings})) == [("mkdocs.yml", 1, "config")]


def test_a_chapter_is_under_docs(write):
    root = write({**SMALL_BOOK, "mkdocs.yml": SMALL_BOOK["mkdocs.yml"].replace("- index.md", "- ../secret.md"), "secret.md": "# Secret\n"})
    assert ("mkdocs.yml", 3, "missing-page") in found(root)
    assert "Secret" not in str(check_repository(root))
