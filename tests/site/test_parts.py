"""The parts of the book: the map on the home page and a page for each part, made from the navigation."""

import json

import pytest
from lxml import html

from openbook.book import book_from_nav, read_book
from openbook.reading.library import read_library
from openbook.site.parts import fill_parts, part_map, with_part_pages

ABOUT = {"Insights": {"en": "What limits a run.", "zh": "一次训练受什么限制。"}, "Hardware": {"en": "What <chips> do.", "zh": "芯片。"}}


@pytest.fixture
def library(small_book):
    return read_library(small_book / "docs", read_book(small_book))


def test_the_map_shows_every_part_in_order_and_links_those_that_have_chapters(library):
    parts = html.fromstring(part_map(library, ABOUT, "en")).xpath("./li")
    assert [part.xpath("string(p[@class='part-name'])") for part in parts] == ["Insights", "Hardware", "Training"]
    assert [part.xpath(".//a/@href") for part in parts] == [
        ["book:docs/parts/insights/index.md", "book:docs/a.md"], [], ["book:docs/parts/training/index.md", "book:docs/deep/index.md"]]
    assert parts[0].xpath("string(p[@class='part-about'])") == "What limits a run."
    assert parts[1].xpath("string(p[@class='part-about'])") == "What <chips> do."
    assert parts[1].xpath("string(p[@class='part-none'])") == "No chapter in this edition yet."


def test_the_map_is_in_the_readers_language_and_marks_what_is_not(library, small_book):
    (small_book / "docs/deep/index.zh.md").unlink()
    parts = html.fromstring(part_map(read_library(small_book / "docs", library.book), ABOUT, "zh")).xpath("./li")
    assert [part.xpath("string(p[@class='part-name'])") for part in parts] == ["洞见", "Hardware", "训练"]
    assert [(link.text, link.get("lang")) for link in (part.xpath("./ul//a")[0] for part in (parts[0], parts[2]))] == [("甲", None), ("Deep", "en")]


@pytest.mark.parametrize("lang, title, shown", [
    ("en", "Slurm: the cluster's queue", "Slurm"), ("zh", "调度：集群的队列", "调度"), ("en", "Ratios like 2:1", "Ratios like 2:1")])
def test_the_map_names_a_chapter_by_what_stands_before_the_colon(small_book, lang, title, shown):
    name = "a.md" if lang == "en" else "a.zh.md"
    (small_book / "docs" / name).write_text(f"# {title}\n", "utf-8")
    library = read_library(small_book / "docs", read_book(small_book))
    assert html.fromstring(part_map(library, {}, lang)).xpath("./li[1]/ul/li/a/text()") == [shown]


def test_only_an_empty_parts_fence_becomes_the_map(library):
    text = "Before\n\n```parts\n```\n\nAfter, in code: `parts`"
    assert fill_parts(text, library, {}, "en") == f"Before\n\n{part_map(library, {}, 'en')}\n\nAfter, in code: `parts`"


def test_the_navigation_gets_a_page_for_each_part_and_loses_the_empty_ones():
    nav = ["index.md", {"Insights": ["a.md"]}, {"Hardware": []}, {"About": ["x.md"]}]
    assert with_part_pages(nav, book_from_nav(nav, {})) == [
        "index.md", {"Insights": ["parts/insights/index.md", "a.md"]}, {"About": ["x.md"]}]


@pytest.mark.parametrize("root, part, about, chapter, description", [
    ("", "Insights", "What limits a run, in which order, and how to reckon it in your head.", "Alpha", "Alpha."),
    ("zh/", "洞见", "一次训练受什么限制、先后次序如何、怎样心算。", "甲", "甲。")])
def test_a_parts_page_lists_its_chapters_with_their_descriptions(small_site, root, part, about, chapter, description):
    document = html.fromstring((small_site / f"site/{root}parts/insights/index.html").read_text("utf-8"))
    page = document.xpath("//article")[0]
    assert page.xpath("string(h1)").startswith(part) and page.xpath("string(h1/@id)") == "insights"
    assert document.xpath("//meta[@name='description']/@content") == [about]
    item, = page.xpath("ol[@class='part-chapters']/li")
    assert item.xpath("string(a)") == chapter and item.xpath("string(p)") == description
    assert (small_site / f"site/{root}parts/insights" / item.xpath("string(a/@href)") / "index.html").resolve() == (
        small_site / f"site/{root}a/index.html").resolve()


@pytest.mark.parametrize("root, label", [("", "Part III"), ("zh/", "第三部分")])
def test_a_part_is_numbered_as_in_the_pdf(small_site, root, label):
    document = html.fromstring((small_site / f"site/{root}parts/training/index.html").read_text("utf-8"))
    assert document.xpath("//article/p[contains(@class, 'chapter-number')]/text()") == [label]


@pytest.mark.parametrize("place, trail", [
    ("a/index.html", ["Home", "Insights"]), ("zh/a/index.html", ["首页", "洞见"]), ("parts/insights/index.html", ["Home"])])
def test_a_page_says_where_it_stands(small_site, place, trail):
    document = html.fromstring((small_site / "site" / place).read_text("utf-8"))
    links = document.xpath("//nav[@class='md-path']//a")
    assert [link.text_content().strip() for link in links] == trail
    for link in links:
        assert ((small_site / "site" / place).parent / link.get("href") / "index.html").resolve().is_file()


def test_a_parts_page_is_no_chapter_and_is_not_searched(small_site):
    book = json.loads((small_site / "site/book.json").read_text("utf-8"))
    assert [chapter["path"] for chapter in book["chapters"]] == ["index.md", "a.md", "deep/index.md"]
    assert [part["urls"] for part in book["parts"]] == [
        {"en": "parts/insights/", "zh": "zh/parts/insights/"}, {"en": "parts/training/", "zh": "zh/parts/training/"}]
    for root in ("", "zh/"):
        index = json.loads((small_site / f"site/{root}search/search_index.json").read_text("utf-8"))
        assert [entry["location"] for entry in index["docs"] if "parts/" in entry["location"]] == []
