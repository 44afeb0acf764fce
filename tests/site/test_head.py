"""What a page says of itself to search engines, feed readers and those it is shared with."""

import json

import pytest
from lxml import html


def head(site, path):
    return html.fromstring((site / path).read_bytes()).xpath("/html/head")[0]


def structured(site, path):
    (block,) = head(site, path).xpath("script[@type='application/ld+json']/text()")
    return json.loads(block)


PAIR = [("en", "https://example.org/book/a/"), ("zh-Hans", "https://example.org/book/zh/a/"), ("x-default", "https://example.org/book/a/")]


@pytest.mark.parametrize("path, own", [("a/index.html", PAIR[0][1]), ("zh/a/index.html", PAIR[1][1])])
def test_both_languages_of_a_page_name_themselves_and_each_other(published, path, own):
    links = head(published, path)
    assert links.xpath("link[@rel='canonical']/@href") == [own]
    assert [(link.get("hreflang"), link.get("href")) for link in links.xpath("link[@rel='alternate'][@hreflang]")] == PAIR


def test_the_home_pages_are_a_pair_too(published):
    found = [link.get("href") for link in head(published, "zh/index.html").xpath("link[@rel='alternate'][@hreflang]")]
    assert found == ["https://example.org/book/", "https://example.org/book/zh/", "https://example.org/book/"]


def test_without_an_address_a_page_names_none(small_site):
    page = head(small_site / "site", "zh/a/index.html")
    assert page.xpath("link[@rel='canonical' or @hreflang]") == []
    assert page.xpath("meta[@property='og:url' or @property='og:image']") == []
    assert page.xpath("meta[@property='og:title']/@content") == ["甲"]
    assert "url" not in structured(small_site / "site", "zh/a/index.html")


def test_titles_and_descriptions_are_all_different(published):
    pages = [head(published, path.relative_to(published)) for path in published.rglob("index.html")]
    assert len(pages) == 10    # three chapters and two parts, in two languages
    for asked in ("title/text()", "meta[@name='description']/@content"):
        assert len({page.xpath(asked)[0] for page in pages}) == 10


def test_a_chapter_is_an_article_of_the_book(published):
    assert structured(published, "zh/a/index.html") == {
        "@context": "https://schema.org", "@type": "TechArticle", "headline": "甲", "description": "甲。", "inLanguage": "zh-Hans",
        "license": "https://creativecommons.org/licenses/by-sa/4.0/", "isAccessibleForFree": True,
        "author": {"@type": "Organization", "name": "全体贡献者"}, "datePublished": "2026-11-20", "dateModified": "2026-11-20",
        "isPartOf": {"@type": "Book", "name": "《机器学习工程》开放书籍", "url": "https://example.org/book/zh/"}, "position": 1,
        "url": "https://example.org/book/zh/a/", "image": "https://example.org/book/assets/share/a.zh.png",
        "translationOfWork": {"@type": "TechArticle", "inLanguage": "en", "url": "https://example.org/book/a/"}}


def test_the_home_page_is_the_book(published):
    book = structured(published, "index.html")
    assert (book["@type"], book["name"], book["url"]) == ("Book", "Machine Learning Engineering Open Book", "https://example.org/book/")
    assert book["workExample"]["url"] == "https://example.org/book/pdf/ml-engineering.en.pdf"


def test_the_map_of_the_site_pairs_the_languages(published):
    text = (published / "sitemap.xml").read_text("utf-8")
    assert text.count("<loc>") == 10
    assert 'hreflang="zh" href="https://example.org/book/zh/a/"' in text or 'hreflang="zh-Hans" href="https://example.org/book/zh/a/"' in text
