"""The built site: two languages with one set of ids, numbers and sources."""

import json
import posixpath
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lxml import html

from openbook.site.build import build_site
from openbook.site.pages import finish_page, without_blank_lines


def page(repository: Path, path: str):
    return html.fromstring((repository / "site" / path).read_text("utf-8"))


def article(repository: Path, path: str):
    return page(repository, path).xpath("//article")[0]


def test_both_languages_have_the_same_ids(small_site):
    def ids(path):
        return article(small_site, path).xpath(".//*[self::h1 or self::h2 or self::h3 or self::figure]/@id")

    assert ids("a/index.html") == ["alpha", "how", "fig-ring", "tab-chips", "tab-hand", "nccl", "sources"]
    assert ids("zh/a/index.html") == ids("a/index.html")


@pytest.mark.parametrize("path, tag, title", [
    ("a/index.html", "en", "Alpha - Machine Learning Engineering Open Book"),
    ("zh/a/index.html", "zh-Hans", "甲 - 《机器学习工程》开放书籍")])
def test_each_page_says_its_language_and_title(small_site, path, tag, title):
    document = page(small_site, path)
    assert document.get("lang") == tag
    assert document.xpath("/html/head/title/text()") == [title]


@pytest.mark.parametrize("path, labels, captions", [
    ("a/index.html", ["Equation 1.1", "Table 1.1", "Figure 1.1", "Table 1.2"], ["Figure 1.1 A ring of four.", "Table 1.1 Peaks.", "Table 1.2 By hand."]),
    ("zh/a/index.html", ["公式 1.1", "表 1.1", "图 1.1", "表 1.2"], ["图 1.1 四个节点的环。", "表 1.1 峰值。", "表 1.2 手工。"])])
def test_references_and_captions_carry_the_same_numbers(small_site, path, labels, captions):
    content = article(small_site, path)
    assert content.xpath(".//a[@class='xref']/text()") == labels
    assert [caption.text_content() for caption in content.xpath(".//figcaption")] == captions


def test_figures_stand_inline_in_the_pages_language(small_site):
    assert article(small_site, "a/index.html").xpath("string(.//figure//*[local-name()='text'])") == "one step"
    assert article(small_site, "zh/a/index.html").xpath("string(.//figure//*[local-name()='text'])") == "一步"


def test_sources_are_listed_in_reading_order(small_site):
    content = article(small_site, "zh/a/index.html")
    assert content.xpath(".//ol[@class='sources']/li/@id") == ["src-nv-sheet", "src-amd-sheet"]
    assert content.xpath("string(.//h2[@id='sources'])").startswith("参考来源")


def test_strong_text_may_end_with_chinese_punctuation(small_site):
    assert article(small_site, "zh/a/index.html").xpath(".//strong/text()") == ["要点。"]


def test_notes_and_navigation_are_translated(small_site):
    assert article(small_site, "zh/a/index.html").xpath("string(.//p[@class='admonition-title'])") == "警告"
    navigation = page(small_site, "zh/a/index.html").xpath("string(//nav[contains(@class, 'md-nav--primary')])")
    assert "洞见" in navigation and "训练" in navigation and "Insights" not in navigation
    assert "硬件" not in navigation, "a part without a chapter is not shown"


def test_the_header_leads_to_the_other_language_and_the_pdf(small_site):
    links = page(small_site, "zh/deep/index.html").xpath("//a[contains(@class, 'book-button')]/@href")
    assert links == ["../../deep/", "../../pdf/ml-engineering.zh.pdf"]
    assert page(small_site, "deep/index.html").xpath("//a[contains(@class, 'book-button')]/@href") == [
        "../zh/deep/", "../pdf/ml-engineering.en.pdf"]
    assert article(small_site, "zh/a/index.html").xpath(".//a[text()='PDF']/@href") == ["../../pdf/ml-engineering.zh.pdf"]


def test_the_page_for_missing_pages_speaks_both_languages(small_site):
    text = (small_site / "site/404.html").read_text("utf-8")
    assert "this page is not here" in text and "找不到这一页" in text
    assert not (small_site / "site/zh/404.html").exists()


@pytest.mark.parametrize("place, words", [("a/index.html", "Equation 1.1"), ("zh/a/index.html", "公式 1.1")])
def test_an_equation_is_numbered_and_referred_to(small_site, place, words):
    document = page(small_site, place)
    equation = document.get_element_by_id("eq-sum")
    assert [child.get("class") for child in equation] == ["math", "equation-number"]
    assert equation[1].text_content() == "(1.1)"
    assert [link.text_content() for link in document.xpath("//a[@href='#eq-sum']")] == [words]


def test_a_table_of_facts_can_be_downloaded_in_the_pages_language(small_site):
    for place, name in (("a/index.html", "chips.en.csv"), ("zh/a/index.html", "chips.zh.csv")):
        link, = page(small_site, place).xpath("//figure[@data-table='chips']//a[@download]/@href")
        file = (small_site / "site" / place).parent / link
        assert file.name == name
        assert file.read_bytes().startswith(b"\xef\xbb\xbfid,")


def test_the_script_of_tables_is_loaded_where_there_is_one(small_site):
    scripts = {place: [script for script in page(small_site, place).xpath("//script/@src") if script.endswith("tables.js")]
               for place in ("a/index.html", "zh/a/index.html", "index.html")}
    assert scripts == {"a/index.html": ["../assets/js/tables.js"], "zh/a/index.html": ["../../assets/js/tables.js"], "index.html": []}


def test_the_manifest_says_what_the_book_is(small_site):
    book = json.loads((small_site / "site/book.json").read_text("utf-8"))
    assert book["format"] == 1
    assert [(part["number"], part["title"]["zh"], part["chapters"]) for part in book["parts"]] == [
        (1, "洞见", ["a.md"]), (3, "训练", ["deep/index.md"])]
    assert [(chapter["path"], chapter["number"]) for chapter in book["chapters"]] == [
        ("index.md", None), ("a.md", 1), ("deep/index.md", 2)]
    chinese = book["chapters"][1]["languages"]["zh"]
    assert chinese["title"] == "甲" and chinese["html"] == "zh/a/index.html" and chinese["source"] == "docs/a.zh.md"
    assert [heading["id"] for heading in chinese["headings"]] == ["alpha", "how", "nccl", "sources"]
    assert re.fullmatch("[0-9a-f]{64}", chinese["source_sha256"])
    for chapter in book["chapters"]:
        for entry in chapter["languages"].values():
            assert (small_site / "site" / entry["html"]).is_file()


def internal_links(site: Path):
    """Every (page, target file, anchor) of the built pages' articles and navigation."""
    for path in sorted(site.rglob("*.html")):
        if path.name == "404.html":
            continue
        document = html.fromstring(path.read_text("utf-8"))
        for target in document.xpath("//a/@href"):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            place = path.relative_to(site).as_posix()
            resolved = posixpath.normpath(posixpath.join(posixpath.dirname(place), unquote(parts.path))) if parts.path else place
            yield place, resolved, unquote(parts.fragment)


@pytest.mark.parametrize("site", ["small_site", "real_site"])
def test_every_link_inside_the_site_lands(site, request):
    folder = request.getfixturevalue(site) / "site"
    documents = {path.relative_to(folder).as_posix(): html.fromstring(path.read_text("utf-8")) for path in folder.rglob("*.html")}
    broken, seen = [], 0
    for place, target, anchor in internal_links(folder):
        seen += 1
        file = target if target in documents else posixpath.normpath(posixpath.join(target, "index.html"))
        if file not in documents:
            if not (folder / target).is_file() and not target.startswith(("pdf/ml-engineering.", "ml-engineering.zip")):
                broken.append((place, target))
        elif anchor and not documents[file].xpath(f'//*[@id="{anchor}"]'):
            broken.append((place, f"{target}#{anchor}"))
    assert broken == []
    assert seen > 50


@pytest.mark.parametrize("site", ["small_site", "real_site"])
def test_pages_ask_no_other_host(site, request):
    folder = request.getfixturevalue(site) / "site"
    loads = "//script/@src | //link[@rel='stylesheet' or @rel='preconnect' or @rel='icon']/@href | //img/@src | //iframe/@src"
    foreign = [(path.name, address) for path in folder.rglob("*.html") for address in html.fromstring(path.read_text("utf-8")).xpath(loads)
               if urlsplit(address).netloc]
    assert foreign == []


def test_without_a_repository_there_are_no_edit_links(small_site):
    assert page(small_site, "a/index.html").xpath("//*[@rel='edit'] | //*[contains(@class, 'page-end')]") == []


def test_with_a_repository_and_an_address_every_page_says_both(small_site, tmp_path, monkeypatch):
    monkeypatch.setenv("SITE_URL", "https://example.org/book/")
    monkeypatch.setenv("REPO_URL", "https://example.org/us/book")
    fork = tmp_path / "fork"
    shutil.copytree(small_site, fork, ignore=shutil.ignore_patterns("site", ".cache"))
    build_site(fork)
    document = page(fork, "zh/a/index.html")
    assert document.xpath("//link[@rel='canonical']/@href") == ["https://example.org/book/zh/a/"]
    assert document.xpath("//*[contains(@class, 'page-end')]/a/@href") == [
        "https://example.org/us/book/issues/new?title=%E7%94%B2%3A%20&body=a.zh.md", "https://example.org/us/book/edit/main/docs/a.zh.md"]
    assert "https://example.org/book/zh/a/" in (fork / "site/sitemap.xml").read_text("utf-8")
    assert not (small_site / "site/sitemap.xml").exists()


def test_blank_lines_of_templates_go_and_those_of_code_stay():
    assert without_blank_lines("<p>a\n\n   b</p>\n \n<pre>x\n\n  y</pre>\n\n<p>") == "<p>a\nb</p>\n<pre>x\n\n  y</pre>\n<p>"


@pytest.mark.parametrize("written, kept", [
    ('<input type="checkbox" id="__search" autocomplete="off">', '<input type="checkbox" id="__search">'),
    ('<input type="text" name="query" autocomplete="off">', '<input type="text" name="query" autocomplete="off">')])
def test_what_html_does_not_allow_is_not_taken_over_from_the_theme(written, kept):
    assert finish_page(written, "en", None) == kept
