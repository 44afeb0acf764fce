"""Text that leaves a figure's viewBox is found in either language."""

from fractions import Fraction

import pytest

from openbook.figures.measure import overflows
from openbook.figures.svg import read_figure
from openbook.figures.text import text_width

LONG = "Attainable BF16 throughput (TFLOPS) " * 20


def outside(body: str, lang: str = "en", style: str = "text{font-size:10px}"):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40">\n<style>{style}</style>\n{body}\n</svg>'
    return [(text.line, text.words) for text in overflows(read_figure(svg.encode(), lang))]


def test_a_chinese_character_is_as_wide_as_it_is_high_and_a_letter_is_not():
    assert text_width("显存", 10) == 20
    assert 4 < text_width("n", 10) < 6 < text_width("M", 10) < 10
    assert text_width("wide", 10, bold=True) > text_width("wide", 10)


def test_a_long_text_is_exactly_as_wide_as_its_letters_together():
    """Python 3.11 and 3.12 round sums of fractions each in its own way, and charts are to have the same bytes."""
    letters = sum(Fraction(text_width(letter, 1)).limit_denominator(1000) for letter in LONG)
    assert text_width(LONG, 1) == float(letters)


@pytest.mark.parametrize("body, found", [
    ('<text x="5" y="20">a short one</text>', []),
    ('<text x="5" y="20">much too long to fit in here</text>', [(3, "much too long to fit in here")]),
    ('<text x="98" y="20" text-anchor="end">ends inside</text>', []),
    ('<text x="98" y="20" class="m">centred at the edge</text>', [(3, "centred at the edge")]),
    ('<text x="5" y="4">too high</text>', [(3, "too high")]),
    ('<text x="5" y="40">too low gy</text>', [(3, "too low gy")]),
    ('<g transform="translate(80 0)"><text x="5" y="20">moved out</text></g>', [(3, "moved out")]),
    ('<g transform="scale(0.5)"><text x="5" y="20">half as large, so it does fit</text></g>', []),
    ('<text transform="rotate(-90 10 38)" x="10" y="38">upright</text>', []),
    ('<text transform="rotate(-90 10 38)" x="10" y="38">upright too long</text>', [(3, "upright too long")]),
    ('<text x="5" y="20">two lines<tspan x="5" dy="1.2em">of a text</tspan></text>', []),
    ('<text x="5" y="20">one line <tspan class="b">of two</tspan> styles and on</text>', [(3, "one line of two styles and on")]),
    ('<defs><text x="500" y="20">not shown here</text></defs>', []),
])
def test_what_leaves_the_picture_is_found(body, found):
    assert outside(body, style="text{font-size:10px} .m{text-anchor:middle} .b{font-weight:700}") == found


def test_each_language_is_measured_by_its_own_text():
    both = '<switch><text x="5" y="20" systemLanguage="zh">中文里这句话太长放不下</text><text x="5" y="20">it fits</text></switch>'
    assert outside(both, "en") == []
    assert outside(both, "zh") == [(3, "中文里这句话太长放不下")]


def test_a_class_sets_the_size_over_the_element():
    assert outside('<text class="s" x="5" y="20">a longer text that fits when small</text>', style="text{font-size:10px}.s{font-size:5px}") == []
