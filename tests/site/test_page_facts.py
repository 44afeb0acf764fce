"""What a page says of itself: minutes to read, the day of the last change, the days its sources were read."""

import os
import subprocess

import pytest
from lxml import html

from openbook.facts.model import Facts, Source
from openbook.site.dates import changes_of
from openbook.site.page_facts import days_of_change, last_change, reading_minutes, sources_read


@pytest.mark.parametrize("content, minutes", [
    ("<p>word</p>", 1),
    ("<p>" + "word " * 440 + "</p>", 2),
    ("<p>" + "word " * 441 + "</p>", 3),
    ("<p>" + "字" * 660 + "</p>", 2),
    ("<p>" + "字" * 330 + " word" * 220 + "</p>", 2),
    ("<p>word</p><pre><code>" + "code " * 900 + "</code></pre>", 1),
    ("<p>word</p><table><tr><td>" + "cell " * 900 + "</td></tr></table>", 1),
    ('<p>word <span class="arithmatex">\\(' + "x " * 900 + "\\)</span></p>", 1)])
def test_prose_is_read_and_code_tables_and_formulas_are_looked_up(content, minutes):
    assert reading_minutes(content) == minutes


def source(name, day):
    return Source(name, {"en": "Title", "zh": "标题"}, {"en": "Publisher", "zh": "出版者"}, "https://example.org", "doc", day)


def test_the_days_on_which_the_listed_sources_were_read():
    facts = Facts(sources={name: source(name, day) for name, day in (
        ("a", "2026-11-20"), ("b", "2026-10-02"), ("unlisted", "2026-01-01"))})
    listed = '<ol class="sources"><li id="src-a">A</li><li id="src-b">B</li></ol>'
    assert sources_read(listed, facts) == ("2026-10-02", "2026-11-20")
    assert sources_read("<p>No sources.</p>", facts) is None


def git(root, *arguments, day="2026-01-01"):
    stamp = f"{day}T12:00:00+0000"
    subprocess.run(["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments], check=True, capture_output=True,
                   env={**os.environ, "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp})


@pytest.fixture
def history(write):
    """A repository in which a.md changed last in March, and its table in May."""
    root = write({"docs/a.md": "one", "docs/a.zh.md": "一", "docs/data/chips.yml": "x: 1"})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first", day="2026-01-05")
    write({"docs/a.md": "two"})
    git(root, "commit", "-qam", "second", day="2026-03-07")
    write({"docs/data/chips.yml": "x: 2"})
    git(root, "commit", "-qam", "third", day="2026-05-09")
    return root


def test_the_day_of_the_last_change_comes_from_the_history(history):
    days = days_of_change(changes_of(history))
    assert days == {"a.md": "2026-03-07", "a.zh.md": "2026-01-05", "data/chips.yml": "2026-05-09"}
    assert last_change("a.md", set(), days) == "2026-03-07"
    assert last_change("a.md", {"chips"}, days) == "2026-05-09"
    assert last_change("new.md", set(), days) is None


def test_a_history_that_is_cut_off_says_nothing(history, tmp_path_factory):
    clone = tmp_path_factory.mktemp("clone") / "book"
    git(history, "clone", "-q", "--depth", "1", history.as_uri(), str(clone))
    assert days_of_change(changes_of(clone)) == {}


def test_without_a_history_nothing_is_said(write):
    assert days_of_change(changes_of(write({"docs/a.md": "one"}))) == {}


@pytest.mark.parametrize("root, words, pdf", [
    ("", ["1 min read", "Sources read 2026-11-21", "This chapter in the PDF"], "../pdf/ml-engineering.en.pdf#a"),
    ("zh/", ["约 1 分钟读完", "来源核对于 2026-11-21", "本章的 PDF"], "../../pdf/ml-engineering.zh.pdf#a")])
def test_a_chapter_says_so_under_its_title(small_site, root, words, pdf):
    document = html.fromstring((small_site / f"site/{root}a/index.html").read_text("utf-8"))
    line, = document.xpath("//article/h1/following-sibling::*[1][contains(@class, 'page-facts')]")
    assert [" ".join(item.text_content().split()) for item in line] == words
    assert line.xpath("a/@href") == [pdf]
