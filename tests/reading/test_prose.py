"""Prose: what a reader sees of a line, and where each character of it stands in the source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbook.reading.prose import OPAQUE, REFERENCE, pieces


@pytest.mark.parametrize("line, shown", [
    ("Plain words.", ["Plain words."]),
    ("## A *title* {#id}", ["A title"]),
    ("- item with **strong** text", ["item with strong text"]),
    ("1. [text](a.md#b \"title\") after", ["text after"]),
    ("run `make` in $x$ now", [f"run {OPAQUE} in {OPAQUE} now"]),
    ("a claim [@one; @two].", ["a claim."]),
    ("see <https://example.org/a>, `b`", [f"see {OPAQUE}, {OPAQUE}"]),
    ("[图](#fig-a) 与[表](../x.md#tab-b)", [f"图{REFERENCE} 与表{REFERENCE}"]),
    ("![A ring.](figures/a.svg){#fig-a}", ["A ring."]),
    ("| a | `b` \\| c |", ["a", f"{OPAQUE} | c"]),
    ("|---|:--|", []),
    ("!!! note \"A title\"", ["A title"]),
    ("!!! warning", []),
    ("=== \"NVIDIA\"", ["NVIDIA"]),
    ("    - [ ] task", ["task"]),
    ("five \\* six \\$7", ["five * six $7"]),
    ("<span class=\"x\">in</span> a note[^1]", ["in a note"]),
    ("`**not strong**`", [OPAQUE]),
    ("[^1]: The note.", ["The note."]),
])
def test_marks_are_left_out_and_code_is_one_word(line, shown):
    assert [piece.text for piece in pieces(line)] == shown


def test_fences_formulas_and_front_matter_are_no_prose():
    text = "---\ndescription: What it is.\ncovers: [x]\n---\n# T\n\n```bash\necho\n```\n\n$$\nx\n$$\n\nEnd.\n"
    assert [(piece.line, piece.text) for piece in pieces(text)] == [(2, "What it is."), (5, "T"), (15, "End.")]


def test_each_character_knows_its_place():
    line = "  - run `make` **now**"
    (piece,) = pieces(line)
    assert piece.text == f"run {OPAQUE} now"
    assert [line[start:end] for start, end in zip(piece.starts, piece.ends)] == ["r", "u", "n", " ", "`make`", " ", "n", "o", "w"]


@given(st.text(alphabet="中文图a1 ,.:()[]*`$|\\\n\"#-：，！“{}<>@&~=?!", max_size=80))
def test_any_text_has_pieces_with_places_in_order(text):
    lines = text.split("\n")
    for piece in pieces(text):
        assert len(piece.text) == len(piece.starts) == len(piece.ends)
        assert all(start < end <= after for start, end, after in zip(piece.starts, piece.ends, [*piece.starts[1:], len(lines[piece.line - 1])]))
        assert all(shown in (OPAQUE, REFERENCE) or shown == lines[piece.line - 1][end - 1]
                   for shown, end in zip(piece.text, piece.ends))
