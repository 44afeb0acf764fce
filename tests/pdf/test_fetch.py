"""A layout opens the pictures of its chapter and nothing else of this machine or the network."""

import logging

import pytest
from PIL import Image

from openbook.pdf.errors import PdfError
from openbook.pdf.fetch import Pictures
from openbook.pdf.render import Rendered, check_rendered
from openbook.pdf.weasy import weasyprint


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a picture.png"
    Image.new("RGB", (2, 2)).save(path)
    return path


def test_a_picture_of_the_chapter_is_opened(picture):
    opened = Pictures([picture]).fetch(picture.as_uri())
    assert opened.read() == picture.read_bytes()
    opened.close()


@pytest.mark.parametrize("address", ["file:///etc/hostname", "FILE:///etc/hostname", "http://127.0.0.1:9/x.png", "https://example.org/x.png",
                                     "ftp://example.org/x"])
def test_another_address_is_refused(picture, address):
    with pytest.raises(ValueError, match="only the pictures of the chapter"):
        Pictures([picture]).fetch(address)


def test_a_picture_is_no_way_to_its_neighbours(picture):
    with pytest.raises(ValueError, match="only the pictures of the chapter"):
        Pictures([picture]).fetch(picture.as_uri() + "/../other.png")


@pytest.mark.parametrize("markup", [
    '<img src="file:///etc/hostname">', '<object data="file:///etc/hostname"></object>',
    '<p style="background:url(file:///etc/hostname)">x</p>',
    """<img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><image href='file:///etc/hostname' width='9' height='9'/></svg>">""",
    '<link rel="stylesheet" href="file:///etc/hostname">', '<style>@import "http://127.0.0.1:9/x.css";</style>'])
def test_what_could_not_be_opened_stops_the_pdf(markup, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, logger="weasyprint"):
        weasyprint.HTML(string=markup, url_fetcher=Pictures(())).write_pdf()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1 and "only the pictures of the chapter may be opened" in said[0]
    with pytest.raises(PdfError, match="only the pictures of the chapter may be opened"):
        check_rendered(Rendered("a", tmp_path, 1, {}, {}, said), "A chapter")
