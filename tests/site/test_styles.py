"""The theme's style sheet without what no page can use."""

import re

import pytest

from openbook.site.styles import classes_in, trimmed, without_comments


@pytest.mark.parametrize("sheet, kept", [
    (".a{color:red}.b{color:red}", ".a{color:red}"),
    (".a,.b,.a .b,.a>.c{color:red}", ".a,.a>.c{color:red}"),
    (".a:not(.b):is(.x,.y) p{color:red}", ".a:not(.b):is(.x,.y) p{color:red}"),
    ("[data-md-color-primary=red]{top:0}[data-md-color-primary=custom] .a{top:0}", "[data-md-color-primary=custom] .a{top:0}"),
    ("[dir=ltr] .a{left:0}[dir=rtl] .a{right:0}", "[dir=ltr] .a{left:0}"),
    ("@media print{.b{color:red}}@media screen{.a,.b{color:red}p{margin:0}}", "@media screen{.a{color:red}p{margin:0}}"),
    ("@supports (a:b){@media screen{.b{color:red}}}", ""),
    ("@keyframes x{0%{top:0}to{top:1px}}:root{--i:url('data:image/svg+xml;charset=utf-8,<svg/>')}",
     "@keyframes x{0%{top:0}to{top:1px}}:root{--i:url('data:image/svg+xml;charset=utf-8,<svg/>')}"),
    ('@charset "UTF-8";html{margin:0}', '@charset "UTF-8";html{margin:0}')])
def test_rules_for_unknown_classes_go(sheet, kept):
    assert trimmed(sheet, {"a", "c", "primary=custom"}) == kept


def test_classes_are_those_of_elements():
    assert classes_in('<p class="a b-c"><code>class=x</code><i data-class="no">') == {"a", "b-c"}
    assert classes_in('<body data-md-color-scheme="default" data-md-color-primary="custom">') == {"scheme=default", "primary=custom"}


def test_the_site_keeps_what_its_pages_and_scripts_use(small_site):
    (sheet,) = (small_site / "site/assets/stylesheets").glob("main.*.min.css")
    text = sheet.read_text("utf-8")
    assert text.startswith('@charset "UTF-8";html{') and text.count("{") == text.count("}")
    for used in (".md-search-result__item", ".md-code__button", ".md-typeset .admonition", ".md-typeset summary", ".md-nav__link--active"):
        assert used in text
    for unused in ("[dir=rtl]", ".md-consent", ".md-tabs"):
        assert unused not in text
    assert not re.search(r"[,}]\{", text.replace("}}", "}"))


@pytest.mark.parametrize("suffix, source, shipped", [
    (".css", "/* Why,\n   at length. */\n\n/* b */ .b { margin: 0; }\n.a { color: red; }    /* red */\n", "/* b */ .b { margin: 0; }\n.a { color: red; }    /* red */\n"),
    (".js", "// Why.\nrun();    // now\n\n  // then\n  open('https://x');\n", "run();    // now\n  open('https://x');\n")])
def test_comments_with_lines_of_their_own_are_not_shipped(suffix, source, shipped):
    assert without_comments(source, suffix) == shipped


def test_the_palette_holds_the_books_colours_alone(small_site):
    (sheet,) = (small_site / "site/assets/stylesheets").glob("palette.*.min.css")
    text = sheet.read_text("utf-8")
    assert "[data-md-color-scheme=slate]{" in text and text.count("{") == text.count("}")
    assert not re.search("data-md-color-(primary|accent)=(?!custom)", text)


def test_the_books_scripts_have_no_text_over_several_lines(root):
    for path in (root / "overrides/assets/js").glob("*.js"):
        assert [line for line in path.read_text("utf-8").splitlines() if line.count("`") % 2] == [], path.name
