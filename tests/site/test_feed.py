"""The feed of changes, the map of the site and llms.txt."""

import re

from lxml import etree

from openbook.book import book_from_nav
from openbook.site.dates import Change, changes_of
from openbook.site.feed import feed, sitemap
from openbook.site.head import Shown
from openbook.site.llms import llms_text

ATOM = {"a": "http://www.w3.org/2005/Atom"}
TEXTS = {"en": {"title": "Book & Co", "description": "D.", "author": "us"}, "zh": {"title": "书", "description": "述。", "author": "我们"}}
PAGES = (
    Shown("index.md", None, "en", "en", "./", "Home", "H.", (Change("2026-11-02", "Begin <again>"), Change("2026-11-02", "Begin"))),
    Shown("a.md", 1, "en", "en", "a/", "A", "About A.", (Change("2026-11-05", "Mend"), Change("2026-11-02", "Begin"))),
    Shown("a.md", 1, "zh", "zh", "zh/a/", "甲", "述甲。", (Change("2026-11-04", "Mend"),)),
    Shown("b.md", 2, "zh", "en", "zh/b/", "B", "About B.", (Change("2026-11-09", "Not translated"),)))


def entries(text):
    return [(entry.findtext("a:title", None, ATOM), entry.findtext("a:id", None, ATOM), entry.findtext("a:updated", None, ATOM),
             entry.findtext("a:content", None, ATOM)) for entry in etree.fromstring(text.encode()).findall("a:entry", ATOM)]


def test_each_day_of_a_page_is_an_entry_newest_first_in_reading_order():
    assert entries(feed(PAGES, "en", TEXTS, "https://example.org/book/", "2026-11-22")) == [
        ("A", "tag:example.org,2026-11-05:/a/", "2026-11-05T00:00:00Z", "Mend"),
        ("Home", "tag:example.org,2026-11-02:/", "2026-11-02T00:00:00Z", "Begin <again>\nBegin"),
        ("A", "tag:example.org,2026-11-02:/a/", "2026-11-02T00:00:00Z", "Begin")]


def test_each_language_has_its_own_and_no_page_that_is_not_translated():
    text = feed(PAGES, "zh", TEXTS, "https://example.org/book", "2026-11-22")
    assert [title for title, *_ in entries(text)] == ["甲"]
    root = etree.fromstring(text.encode())
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "zh-Hans"
    assert root.xpath("a:link/@href", namespaces=ATOM) == ["https://example.org/book/zh/feed.xml", "https://example.org/book/zh/"]
    assert root.findtext("a:updated", None, ATOM) == "2026-11-04T00:00:00Z"


def test_without_a_history_a_feed_is_empty_and_of_the_editions_day():
    text = feed((), "en", TEXTS, "https://example.org/", "2026-11-22")
    assert entries(text) == [] and "<updated>2026-11-22T00:00:00Z</updated>" in text


def test_the_map_says_when_each_page_changed():
    root = etree.fromstring(sitemap(PAGES, "https://example.org/book/").encode())
    found = [(url.findtext("{*}loc"), url.findtext("{*}lastmod"), [link.get("href") for link in url.findall("{*}link")]) for url in root]
    assert found[2] == ("https://example.org/book/zh/a/", "2026-11-04",
                        ["https://example.org/book/a/", "https://example.org/book/zh/a/", "https://example.org/book/a/"])
    assert len(found) == 4


def test_the_published_site_has_feeds_and_a_map_of_one_commit(published):
    for root in ("", "zh/"):
        assert len(entries((published / root / "feed.xml").read_text("utf-8"))) == 3
    assert re.findall("<lastmod>(.*?)</lastmod>", (published / "sitemap.xml").read_text("utf-8")) == ["2026-11-20"] * 6
    assert not (published / "sitemap.xml.gz").exists()


def test_without_an_address_there_is_neither(small_site):
    assert [name for name in ("feed.xml", "zh/feed.xml", "sitemap.xml", "assets/share") if (small_site / "site" / name).exists()] == []


def test_changes_are_those_of_the_files_under_docs(published):
    assert changes_of(published.parent)["a.zh.md"] == (Change("2026-11-20", "Begin the book"),)


def test_where_there_is_no_history_there_are_no_changes(tmp_path):
    assert changes_of(tmp_path / "nothing") == {}


BOOK = book_from_nav(["index.md", {"Hardware": ["a.md"]}], {"Hardware": "硬件"})
DESCRIBED = {("index.md", "zh"): {"title": "首页", "description": "述。"}, ("a.md", "zh"): {"title": "甲", "description": "述甲。"}}


def test_llms_txt_lists_the_copies_by_part():
    text = llms_text(BOOK, DESCRIBED, "zh", TEXTS, "https://example.org/book/")
    assert text.startswith("# 书\n\n> 述。\n\n")
    assert "## 硬件\n\n- [甲](https://example.org/book/zh/a/index.md): 述甲。\n" in text
    assert text.endswith("## Optional\n\n- [首页](https://example.org/book/zh/index.md): 述。\n")


def test_llms_txt_of_a_site_without_an_address_leads_from_where_it_stands():
    assert "](../zh/a/index.md)" in llms_text(BOOK, DESCRIBED, "zh", TEXTS, "")


def test_the_addresses_of_llms_txt_are_there(small_site):
    site = small_site / "site"
    for name in ("llms.txt", "zh/llms.txt"):
        targets = re.findall(r"\]\((.*?)\)", (site / name).read_text("utf-8"))
        assert len(targets) == 6
        assert [target for target in targets if not target.endswith(".pdf") and not ((site / name).parent / target).is_file()] == []
