"""A table of facts may offer files: they are in the site, and both languages' pages lead to them."""

import textwrap

import pytest
from lxml import html

from openbook.site.build import build_site
from openbook.site.pages import lead_inside
from tests.conftest import SMALL_BOOK, with_site_settings

TOOLS = """
    title: {en: Tools, zh: 工具}
    columns:
      name: {type: link, en: Program, zh: 程序}
      chapter: {type: link, en: Chapter, zh: 章节}
    rows:
      - id: ring
        name: {label: ring.py, url: deep/ring.py}
        chapter: {label: {en: Alpha, zh: 甲}, url: "a.md#how"}
    """
FENCE = "\n```table\nid: tab-tools\ndata: tools\ncolumns: [name, chapter]\ncaption: C\n```\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("tools")
    files = {**SMALL_BOOK, "docs/data/tools.yml": TOOLS, "docs/deep/ring.py": "print('ring')\n",
             "docs/deep/index.md": SMALL_BOOK["docs/deep/index.md"] + FENCE, "docs/deep/index.zh.md": SMALL_BOOK["docs/deep/index.zh.md"] + FENCE}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
    build_site(with_site_settings(root))
    return root / "site"


@pytest.mark.parametrize("page", ["deep/index.html", "zh/deep/index.html"])
def test_the_links_of_both_languages_lead_to_the_file_and_the_page(site, page):
    links = html.fromstring((site / page).read_text("utf-8")).xpath("//figure[@id='tab-tools']//tbody//a")
    program, chapter = links
    folder = (site / page).parent
    assert program.get("download") is not None and chapter.get("download") is None
    assert (folder / program.get("href")).resolve().read_text("utf-8") == "print('ring')\n"
    address, _, anchor = chapter.get("href").partition("#")
    target = (folder / address / "index.html").resolve()
    assert target == (site / ("zh/a" if page.startswith("zh") else "a") / "index.html").resolve()
    assert html.fromstring(target.read_text("utf-8")).xpath(f"//h2[@id='{anchor}']")


def test_the_table_to_download_names_the_file(site):
    assert "deep/ring.py" in (site / "assets/data/tools.en.csv").read_text("utf-8-sig")


@pytest.mark.parametrize("path, url", [
    ("a.md", "/zh/a/"), ("deep/index.md#x", "/zh/deep/#x"), ("index.md", "/zh/"), ("deep/ring.py", "/deep/ring.py")])
def test_a_place_in_the_book_becomes_an_address(path, url):
    assert lead_inside(f'<a href="book:docs/{path}">', "zh/", lambda address: "/" + address) == f'<a href="{url}">'


def test_a_page_whose_facts_have_no_source_ends_without_a_list_of_sources(site):
    assert 'id="sources"' not in (site / "deep/index.html").read_text("utf-8")
    assert 'id="sources"' in (site / "a/index.html").read_text("utf-8")
