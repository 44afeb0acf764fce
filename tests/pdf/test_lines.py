"""Where a line ends, on paragraphs of one width of type."""

from openbook.pdf import weasy

PAGE = "@page{size:600px 200px;margin:0}body{margin:0;font:12px/20px monospace}"


def lines(paragraph, style=""):
    """Give the text of each line of a paragraph."""
    weasy.install()
    page = weasy.weasyprint.HTML(string=f"<style>{PAGE}{style}</style>{paragraph}").render().pages[0]._page_box
    found = [line for line in page.descendants() if isinstance(line, weasy.boxes.LineBox)]
    return ["".join(box.text for box in line.descendants() if isinstance(box, weasy.boxes.TextBox)).strip() for line in found]


def test_a_text_that_fits_but_for_its_last_space_is_not_broken_after_its_first_word():
    assert lines("<p style='width:21.5ch'>between aaaa bbbb ccc <b>ddd</b></p>") == ["between aaaa bbbb ccc", "ddd"]
    assert lines("<p style='width:20.5ch'>between aaaa bbbb ccc <b>ddd</b></p>") == ["between aaaa bbbb", "ccc ddd"]


def test_code_is_broken_so_that_its_padding_fits_too():
    code = "<p style='width:12ch'>run <code>one two six</code></p>"
    padding = "code{font:inherit;padding:0 2ch;box-decoration-break:slice}"
    assert lines(code, padding.replace("2ch", "0")) == ["run one two", "six"]
    assert lines(code, padding) == ["run one", "two six"], "`two` does not fit behind the padding, but `one` does"
