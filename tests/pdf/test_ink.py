"""Reading what a page draws, on operators shown whole."""

import pytest

from openbook.pdf.ink import read_ink
from openbook.pdf.proof import found, plain, text_faults, texts

WIDTHS = {"F": {1: 500, 2: 600}}


def read(*rows):
    return read_ink("\n".join(rows).encode(), None, WIDTHS)


def test_a_run_has_the_place_and_width_of_its_glyphs():
    run, = read("q", "1 0 0 -1 0 800 cm", "BT", "/F 10 Tf", "1 0 0 -1 100 50 Tm", "[<0001>-1000<0002>] TJ", "ET", "Q").runs
    assert (run.font, run.glyphs, run.artifact, run.clip) == ("F", (1, 2), False, None)
    assert run.box == pytest.approx((100, 748, 121, 757))


def test_runs_follow_one_another_and_states_end():
    first, second = read("q", "BT", "/F 10 Tf", "[<0001>] TJ", "[<0002>] TJ", "ET", "Q").runs
    assert (first.box[2], second.box[0], second.box[2]) == pytest.approx((5, 5, 11))


def test_artifacts_clips_and_modes_are_noted():
    run, plain_run = read("q", "0 0 50 20 re", "W", "n", "/Artifact", "BMC", "BT", "/F 10 Tf", "3 Tr", "[<0001>] TJ", "ET", "EMC", "Q",
                          "/Span", "<</MCID 0>>", "BDC", "BT", "/F 10 Tf", "<0002> Tj", "ET", "EMC").runs
    assert (run.artifact, run.clip, run.mode) == (True, (0, 0, 50, 20), 3)
    assert (plain_run.artifact, plain_run.clip, plain_run.mode) == (False, None, 0)


def test_texts_are_compared_without_spaces_and_invisible_characters():
    assert plain("a\u00a0b\u200b c\u2010d ﬁ") == "abc-dfi"
    assert texts("<p>one <b>two</b></p><svg><title>no</title><text>yes</text></svg>") == ["one", "two", "yes"]


def test_a_lost_character_is_told_with_its_text():
    assert text_faults(["abc", "xyz"], "abcyz") == [
        ("characters of the chapter are not printed: x (U+0078)", -1, "xyz",
         "take out the style or attribute that hides them, or write them with other characters")]
    assert text_faults(["abc"], "1.abc→") == []


def test_a_text_cut_by_page_ends_is_found():
    assert found("onetwothree", "..onetwo..footnote..three..")
    assert not found("onetwothree", "..onetwo..")
    assert not found("no", "..yes..")
