"""The home pages say what the PDFs are, and a PDF is not made anew because they do."""

import json

import pytest

from openbook.pdf.announce import announce, without_announcement
from openbook.pdf.order import Made

HOME = '<p><a href="{}pdf/b.en.pdf">PDF</a> <span class="x" data-pdf="en"></span> <span data-pdf="zh"></span></p>'


@pytest.fixture
def site(tmp_path):
    languages = [{"code": code, "tag": code, "root": root, "title": "Book", "pdf": f"pdf/b.{code}.pdf"} for code, root in (("en", ""), ("zh", "zh/"))]
    manifest = {"format": 1, "version": "1", "date": "2026-11-22", "license": {"name": "L", "url": "https://example.org"},
                "languages": languages, "parts": [], "chapters": []}
    (tmp_path / "book.json").write_text(json.dumps(manifest))
    (tmp_path / "zh").mkdir()
    (tmp_path / "index.html").write_text(HOME.format(""))
    (tmp_path / "zh/index.html").write_text(HOME.format("../"))
    return tmp_path


def made(path, pages=412):
    return Made(path, pages, 4_960_000, True, 1.0)


def test_both_home_pages_say_pages_size_and_day_in_their_language(site):
    announce(site, "zh", made(site / "pdf/b.zh.pdf"))
    assert '<span class="x" data-pdf="en"></span> <span data-pdf="zh">412 pages, 5.0 MB, 2026-11-22</span>' in (site / "index.html").read_text()
    assert '<span data-pdf="zh">412 页，5.0 MB，2026-11-22</span>' in (site / "zh/index.html").read_text()


def test_a_later_pdf_takes_the_place_of_the_last_one_and_the_same_one_writes_nothing(site):
    announce(site, "en", made(site / "pdf/b.en.pdf"))
    announce(site, "en", made(site / "pdf/b.en.pdf", pages=500))
    assert (site / "index.html").read_text().count("pages") == 1 and "500 pages" in (site / "index.html").read_text()
    written = (site / "index.html").stat().st_mtime_ns
    announce(site, "en", made(site / "pdf/b.en.pdf", pages=500))
    assert (site / "index.html").stat().st_mtime_ns == written
    assert sorted(path.name for path in site.iterdir()) == ["book.json", "index.html", "zh"]


@pytest.mark.parametrize("name", ["pdf/b.en.preview.pdf", "pdf/b.en.b5.pdf"])
def test_a_preview_or_another_paper_size_is_not_announced(site, name):
    announce(site, "en", made(site / name))
    assert (site / "index.html").read_text() == HOME.format("")


def test_what_is_announced_is_no_part_of_what_a_pdf_is_made_from(site):
    before = (site / "index.html").read_bytes()
    announce(site, "en", made(site / "pdf/b.en.pdf"))
    after = (site / "index.html").read_bytes()
    assert after != before and without_announcement(after) == before
