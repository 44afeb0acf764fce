"""Formulas are rendered while the book is built."""

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


def test_an_operator_that_is_a_word_is_one_word_to_a_screen_reader():
    assert '<mo lspace="0.22em" rspace="0.22em">mod</mo>' in render(r"7 \bmod 3", False)


def test_wrong_tex_is_named():
    with pytest.raises(TexError, match=r"cannot read the formula `\\nosuch`: Undefined control sequence"):
        render(r"\nosuch", False)


def test_the_style_sheet_names_fonts_that_are_there():
    names = {path.name for path in font_files()}
    assert "KaTeX_Main-Regular.woff2" in names
    assert style_sheet().count("src:url(") == len(names)
