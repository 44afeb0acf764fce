"""Print HTML that is kept: the same as made anew, and made again as soon as anything it is made from has changed."""

import json

import pytest

from openbook.pdf import flats
from openbook.pdf.collect import collect
from openbook.pdf.errors import PdfError
from openbook.pdf.flats import Flats
from openbook.pdf.flatten import flatten
from openbook.pdf.flatten_links import Links
from openbook.pdf.order import Order


def shelf(site, cache, code="en", environment="code", **order):
    return Flats(collect(site, code), Order(site, code, site / "pdf", **order), environment, cache)


def made(kept):
    """Give the chapters whose print HTML is not there."""
    return [chapter.id for chapter in kept.book.chapters if kept.take(chapter) is None]


def ready():
    """Make nothing ready."""


@pytest.mark.parametrize("code", ["en", "zh"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_kept_is_what_was_made(site, tmp_path, code, jobs):
    first = shelf(site, tmp_path, code, jobs=jobs)
    anew = [flatten(first.book, chapter, Links(first.book), "a4") for chapter in first.book.chapters]
    assert first.all(ready) == anew
    again = shelf(site, tmp_path, code, jobs=jobs)
    pictured = ["alpha"] if code == "en" else []
    assert made(again) == pictured, "whether a picture is there is looked up each time"
    assert again.all(ready) == anew


def test_an_edited_page_alone_is_made_again(site, tmp_path, monkeypatch):
    shelf(site, tmp_path).all(ready)
    page = site / "beta" / "index.html"
    page.write_text(page.read_text().replace("Back to", "Now back to"))
    asked = []
    monkeypatch.setattr(flats, "flatten", lambda book, chapter, *rest: asked.append(chapter.id) or flatten(book, chapter, *rest))
    monkeypatch.setattr(flats, "Aside", AtOnce)
    again = shelf(site, tmp_path).all(ready)
    assert sorted(asked) == ["alpha", "beta"]
    assert "Now back to" in again[2].segment.body and [flat.chapter.id for flat in again] == ["home", "alpha", "beta"]


class AtOnce:
    """Stands in for another process, so that calls can be counted."""

    def __init__(self, work, *arguments):
        self.given = work(*arguments)

    def result(self):
        return self.given

    def stop(self):
        pass


@pytest.mark.parametrize("change", [{"environment": "other code"}, {"paper": "b5"}, {"screen": True}])
def test_print_html_is_made_again_for_other_code_and_paper(site, tmp_path, change):
    shelf(site, tmp_path).all(ready)
    assert made(shelf(site, tmp_path, **change)) == ["home", "alpha", "beta"]


@pytest.mark.parametrize("change, again", [({"date": "2027-01-01", "commit": "def5678"}, ["alpha"]),
                                           ({"site_url": "https://other.example/"}, ["home", "alpha", "beta"])])
def test_a_new_commit_alone_makes_nothing_again_but_the_rest_of_the_manifest_does(site, tmp_path, change, again):
    shelf(site, tmp_path).all(ready)
    data = json.loads((site / "book.json").read_text())
    (site / "book.json").write_text(json.dumps(data | change))
    assert made(shelf(site, tmp_path)) == again


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": 1}', "\x00"])
def test_a_damaged_file_is_made_again(site, tmp_path, text):
    kept = shelf(site, tmp_path)
    right = kept.all(ready)
    (tmp_path / "flats" / "en.a4" / "beta.json").write_text(text)
    assert made(kept) == ["alpha", "beta"] and shelf(site, tmp_path).all(ready) == right


def test_a_fault_is_told_of_again_and_nothing_is_kept_of_it(site, tmp_path):
    page = site / "beta" / "index.html"
    page.write_text(page.read_text().replace('id="cost"', ""))
    for _ in range(2):
        with pytest.raises(PdfError, match="a heading has no id"):
            shelf(site, tmp_path).all(ready)
