"""Formulas are rendered while the book is built."""

import re

import pytest

from openbook.formulas.katex import TexError, font_files, render, render_all, style_sheet


def test_a_formula_becomes_html_and_mathml():
    shown = render(r"\frac{2(n-1)}{n}\text{次}", True)
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in shown
    assert 'encoding="application/x-tex"' in shown and "次" in shown and "katex-html" in shown


def test_marked_formulas_are_rendered_in_place():
    content = r'<p>a <span class="arithmatex">\(x &lt; 1\)</span> b</p><div class="arithmatex">\[y\]</div>'
    shown = render_all(content)
    assert shown.startswith('<p>a <span class="math"') and "arithmatex" not in shown
    assert "x &lt; 1" in shown and '<div class="math"' in shown


@pytest.mark.parametrize(("text", "kept"), [
    (r'a <span class="arithmatex">\(x\)</span>, b', "X,"),
    (r'因为（<span class="arithmatex">\(x\)</span>）。可见', "（X）。"),
    (r'<span class="arithmatex">\(x\)</span><sup class="cite"><a href="#s">1</a></sup>. b', 'X<sup class="cite"><a href="#s">1</a></sup>.'),
    (r'a <span class="arithmatex">\(x\)</span> b', None),
    (r'a <span class="arithmatex">\(x\)</span>, <span class="arithmatex">\(a+b+c+d+e+f+g+h+i+j+k+l\)</span>; c', "X,"),     # too long
    (r'<div class="arithmatex">\[x\]</div>.', None),
])
def test_a_formula_is_kept_with_the_marks_around_it(text, kept):
    shown = render_all(text).replace(f'<span class="math">{render("x", False)}</span>', "X")
    assert re.findall(r'<span class="together">(X.*?|（X）。)</span>', shown) == ([kept] if kept else [])
    assert shown.count("together") == bool(kept)


def test_a_short_formula_in_pieces_is_kept_with_its_mark():
    assert render_all(r'<span class="arithmatex">\(I = 2B/2 = B\)</span>：').startswith('<span class="together"><span class="math">')


def test_an_operator_that_is_a_word_is_one_word_to_a_screen_reader():
    assert '<mo lspace="0.22em" rspace="0.22em">mod</mo>' in render(r"7 \bmod 3", False)


def test_wrong_tex_is_named():
    with pytest.raises(TexError, match=r"cannot read the formula `\\nosuch`: Undefined control sequence"):
        render(r"\nosuch", False)


def test_the_style_sheet_names_fonts_that_are_there():
    names = {path.name for path in font_files()}
    assert "KaTeX_Main-Regular.woff2" in names
    assert style_sheet().count("src:url(") == len(names)
