"""The built pages hold nothing that the book does not use, also where nobody has checked the book."""

import pytest

from openbook.findings import BookError
from openbook.safety.article import wrong_in
from openbook.site.build import _run_mkdocs
from tests.conftest import SMALL_BOOK, with_site_settings

GOOD = ('<h2 id="how">How<a class="headerlink" href="#how" title="Permanent link">&para;</a></h2>\n<p>a &lt;b <a href="../x/?a=b#c">x</a>'
        '<a href="https://example.org/a:b">y</a> <img alt="a &gt; b" src="x.png" /><br /></p><!-- a <b> --><ul class="task-list"><li class="task-list-item">'
        '<input type="checkbox" disabled checked/> x</li></ul><table><tr><td style="text-align: right;">1</td></tr></table>')


def test_what_markdown_makes_is_good():
    assert list(wrong_in(GOOD)) == []


@pytest.mark.parametrize("tag", [
    "<script>", "<SCRIPT>", "<svg/onload=x>", '<p onclick="x">', "<p class=x>", '<p style="position:fixed">',
    '<p class="a md-overlay">', '<p id="__config">',
    '<a href="javascript:x">', '<a href="JavaScript:x">', '<a href="&#106;avascript:x">', '<a href=" javascript:x">',
    '<a href="jav\tascript:x">', '<a href="//example.org">',
    '<a href="\\\\example.org">', '<a href="data:x">', '<a target="_blank" href="x">', '<img src="https://example.org/x.png">',
    '<img src="x" srcset="y">', '<img src="data:x">',
    '<p title="<b>">', "<!DOCTYPE x>", "<!-- a --!>", "<?x?>", "<style>", "<iframe>", '<div data-md-component="search">',
    '<div data-figure="../../x.svg">', '<input type="image">',
])
def test_another_tag_is_named(tag):
    assert list(wrong_in(f"<p>Words</p>{tag}"))[0].split()[0] == tag.split()[0]


@pytest.mark.parametrize("content, tag", [("<div><p>a</div>", "</div>"), ("a</div><div>", "</div>"), ("<p>a<b>b</p>", "</p>"), ("<sub>a", "<sub>")])
def test_what_would_move_the_rest_of_the_page_is_named(content, tag):
    assert list(wrong_in(content)) == [tag]


def test_a_picture_that_the_build_drew_is_its_own():
    chart = '<svg xmlns="x"><style>.a{}</style></svg>'
    assert list(wrong_in(f"<figure>{chart}</figure>", [chart])) == []
    assert list(wrong_in(f"<figure>{chart}</figure>", []))[:2] == ['<svg xmlns="x">', "<style>"]


def test_the_strict_build_refuses_what_was_not_checked(write, tmp_path):
    """A file that a chapter shows ends its code block; a cell of a table holds HTML; the front matter has what the theme would write."""
    chips = SMALL_BOOK["docs/data/chips.yml"].replace("name: H100", "name: '<img src=x onerror=alert(2)>'")
    page = ('---\ndescription: Home.\ntitle: "</title><script>alert(4)</script>"\n---\n# Home\n\n[x](javascript:alert(3))\n\n'
            '```table\nid: tab-chips\ndata: chips\ncolumns: [name]\ncaption: Chips.\n```\n\n```text\n--8<-- "tool.txt"\n```\n')
    root = with_site_settings(write({**SMALL_BOOK, "docs/data/chips.yml": chips, "docs/index.md": page, "docs/tool.txt": "```\n<script>alert(1)</script>\n"}))
    with pytest.raises(BookError) as stopped:
        _run_mkdocs(root, tmp_path / "site")
    said = str(stopped.value)
    for tag in ("<script>", "<img src=x onerror=alert(2)>", '<a href="javascript:alert(3)">'):
        assert f"docs/index.md: the page holds `{tag}`" in said
    assert "docs/index.md: the front matter has no field `title`" in said
    assert not (tmp_path / "site").exists()


def test_the_build_reads_no_link_out_of_the_book(small_book, tmp_path):
    (small_book / "docs/x.md").symlink_to("/etc/hostname")
    with pytest.raises(BookError, match=r"docs/x.md:1: this is a symbolic link \[file\]"):
        _run_mkdocs(with_site_settings(small_book), tmp_path / "site")


def test_a_description_is_written_as_words(write, tmp_path):
    """The theme writes it into an attribute as it is; what stands in it is shown, not read as HTML."""
    page = SMALL_BOOK["docs/a.md"].replace("description: Alpha.", "description: 'The mark \"tested\" <script>alert(1)</script>'")
    _run_mkdocs(with_site_settings(write({**SMALL_BOOK, "docs/a.md": page})), tmp_path / "site")
    built = (tmp_path / "site/a/index.html").read_text("utf-8")
    assert '<meta name="description" content="The mark &#34;tested&#34; &lt;script&gt;alert(1)&lt;/script&gt;">' in built
    assert "<script>alert(1)" not in built and built.count("&lt;script&gt;alert(1)") == 2    # and of what is shared
