"""What readers see of an old translation: a notice, marks, English with a notice where nothing is translated, a table of all."""

import json

import pytest
from lxml import html

from openbook.cli import main
from openbook.site.build import build_site
from tests.conftest import SMALL_BOOK, with_site_settings

ENGLISH = SMALL_BOOK["docs/a.md"] + "\n## Why? {#why}\n\nBecause.\n"
CHINESE = SMALL_BOOK["docs/a.zh.md"] + "\n## 为什么？\n\n因为。\n"
HOME = SMALL_BOOK["docs/index.md"] + "\n```status\n```\n"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A small site with a section behind, an untranslated chapter, and a table of the chapters' states."""
    root = tmp_path_factory.mktemp("old")
    files = {**SMALL_BOOK, "docs/a.md": ENGLISH, "docs/a.zh.md": CHINESE, "docs/index.md": HOME,
             "docs/index.zh.md": SMALL_BOOK["docs/index.zh.md"] + "\n```status\n```\n",
             "docs/deep/index.md": SMALL_BOOK["docs/deep/index.md"].replace("---\n#", "translation: wanted\n---\n#")}
    del files["docs/deep/index.zh.md"]
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("\n".join(line.removeprefix("        ") for line in text.split("\n")), "utf-8")
    with_site_settings(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert main(["accept", "docs/a.zh.md"]) == 0
    (root / "docs/a.md").write_text(ENGLISH.replace("A claim", "Another claim"), "utf-8")
    build_site(root)
    return root


def article(book, path):
    return html.fromstring((book / "site" / path).read_text("utf-8")).xpath("//article")[0]


def test_a_page_with_a_section_behind_says_so_at_its_top_and_at_the_section(book):
    page = article(book, "zh/a/index.html")
    notice = page.xpath("./h1/following-sibling::*[not(contains(@class, 'page-facts'))][1]")[0]
    assert notice.text_content() == "本页有 1 节落后于英文版，尚未重新核对：原理：文字有改动"
    assert notice.xpath(".//a/@href") == ["#how"]
    mark = page.xpath(".//h2[@id='how']/following-sibling::*[1]")[0]
    assert mark.text_content() == "这一节落后于英文版：文字有改动，见英文原文。"
    assert mark.xpath(".//a/@href") == ["../../a/#how"] and mark.xpath(".//a/@hreflang") == ["en"]
    assert len(page.xpath(".//*[contains(@class, 'behind') and not(contains(@class, 'notice'))]")) == 1


def test_the_english_page_and_a_page_without_a_record_carry_no_marks(book):
    for path in ("a/index.html", "index.html", "zh/index.html"):
        assert article(book, path).xpath(".//*[contains(@class, 'behind')]") == []


def test_the_manifest_counts_the_sections_behind_for_the_imprint(book):
    chapters = json.loads((book / "site/book.json").read_text("utf-8"))["chapters"]
    assert {chapter["path"]: chapter["languages"]["zh"].get("behind") for chapter in chapters} == {
        "index.md": 0, "a.md": 1, "deep/index.md": None}


def test_notices_are_not_found_by_search(book):
    assert "落后于英文版" not in (book / "site/zh/search/search_index.json").read_text("utf-8").replace("\u200b", "")


def test_an_untranslated_chapter_is_english_with_a_notice(book):
    document = html.fromstring((book / "site/zh/deep/index.html").read_text("utf-8"))
    page = document.xpath("//article")[0]
    assert document.get("lang") == "zh-Hans"
    notice = page.xpath(".//h1/following-sibling::*[not(contains(@class, 'page-facts'))][1]")[0]
    assert notice.text_content() == "本页尚无中文版，以下为英文原文。" and notice.get("lang") == "zh-Hans"
    assert page.xpath(".//h1/ancestor::*[@lang][1]/@lang") == ["en"]
    assert page.xpath(".//*[contains(@class, 'page-facts') or contains(@class, 'chapter-number')]/@lang") == ["zh-Hans"] * 2
    assert page.xpath(".//*[contains(@class, 'book-both')]") == []


@pytest.mark.parametrize("path, rows", [
    ("index.html", [["Home", "not recorded", "–"], ["Alpha", "1 of 3 sections behind", "How it works: words changed"],
                    ["Deep", "not translated yet", "–"]]),
    ("zh/index.html", [["首页", "没有记录", "–"], ["甲", "3 节中有 1 节落后", "原理：文字有改动"], ["Deep", "尚未翻译", "–"]])])
def test_the_table_says_how_every_chapter_is(book, path, rows):
    found = [[cell.text_content() for cell in row.xpath("./td")] for row in article(book, path).xpath(".//tbody/tr")]
    assert found == rows


def test_an_english_title_in_the_chinese_table_says_its_language(book):
    assert article(book, "zh/index.html").xpath(".//tbody//*[@lang='en']/text()") == ["Deep"]


def test_the_table_leads_to_the_sections(book):
    assert article(book, "zh/index.html").xpath(".//tbody//a/@href") == ["./", "a/", "a/#how", "deep/"]
