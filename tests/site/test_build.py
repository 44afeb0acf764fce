"""Building the site: only when something changed, never over the last good one."""

import pytest

from openbook.findings import BookError
from openbook.site.build import build_site
from tests.conftest import SMALL_BOOK, with_site_settings


@pytest.fixture
def book(write):
    return with_site_settings(write(SMALL_BOOK))


def test_a_second_build_does_nothing_until_a_file_changes(book, write, capsys):
    assert build_site(book) == 0
    manifest = book / "site/book.json"
    built = manifest.stat().st_mtime_ns
    capsys.readouterr()
    assert build_site(book) == 0
    assert capsys.readouterr().out == "site/ is up to date: nothing has changed since it was built.\n"
    assert manifest.stat().st_mtime_ns == built
    write({"docs/a.md": SMALL_BOOK["docs/a.md"].replace("A claim", "Another claim")})
    build_site(book)
    assert "Another claim" in (book / "site/a/index.html").read_text("utf-8")


def test_a_mistake_leaves_the_last_good_site_and_its_pdfs(book, write):
    build_site(book)
    write({"site/pdf/ml-engineering.en.pdf": "a good PDF", "docs/a.md": "---\ndescription: D.\n---\n# A\n\n[x](gone.md)\n"})
    with pytest.raises(BookError, match="docs/gone.md is not a chapter"):
        build_site(book)
    assert "How it works" in (book / "site/a/index.html").read_text("utf-8")
    write({"docs/a.md": SMALL_BOOK["docs/a.md"]})
    build_site(book, force=True)
    assert (book / "site/pdf/ml-engineering.en.pdf").read_text() == "a good PDF"


def test_a_full_or_read_only_disk_is_one_clear_message(book, monkeypatch):
    build_site(book)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("openbook.site.build._run_mkdocs", full)
    with pytest.raises(BookError, match="the site could not be written: No space left on device"):
        build_site(book, force=True)
    assert (book / "site/book.json").is_file()


def test_what_mkdocs_warns_about_stops_the_build(book, write):
    settings = (book / "mkdocs.yml").read_text("utf-8")
    write({"mkdocs.yml": settings + "\nno_such_setting: true\n"})
    with pytest.raises(BookError, match="no_such_setting"):
        build_site(book)
    assert not (book / "site").exists()
