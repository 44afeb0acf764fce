"""Freshness: what happened to the English since a section was translated, told from the record alone."""

import pytest
from hypothesis import given, strategies

from openbook.freshness.prints import originals_in
from openbook.freshness.record import with_record
from openbook.freshness.state import states_of

ENGLISH = """\
# Chapter

## One {#one}

It needs 80 GB.

```bash
run --nodes=4
```

## Two {#two}

First paragraph.

Second paragraph.

## Three {#three}

The end.
"""
CHINESE = "---\ndescription: 章。\n---\n# 章\n\n## 一\n\n要 80 GB。\n\n```bash\nrun --nodes=4\n```\n\n## 二\n\n第一段。\n\n第二段。\n\n## 三\n\n完。\n"


def recorded(chinese=CHINESE, english=ENGLISH):
    return with_record(chinese, {original.id: original.print for original in originals_in(english)})


def told(english, chinese=None):
    """What is not fresh, as (id, state, parts or former ids)."""
    return [(state.id, state.state, state.parts or state.was) for state in states_of(chinese or recorded(), english) if state.state != "fresh"]


def test_what_was_just_recorded_is_fresh():
    assert told(ENGLISH) == []


def test_without_a_record_everything_is_unknown():
    assert {state.state for state in states_of(CHINESE, ENGLISH)} == {"unknown"}


@pytest.mark.parametrize("old, new, expected", [
    ("80 GB", "90 GB", [("one", "changed", ("numbers",))]),
    ("--nodes=4", "--nodes=8", [("one", "changed", ("code",))]),
    ("It needs", "It takes", [("one", "changed", ("words",))]),
    ("It needs 80", "It takes 90", [("one", "changed", ("words", "numbers"))]),
    ("## One {", "## The first {", [("one", "changed", ("title",))]),
    ("## One {#one}", "## One {#first}", [("first", "renamed", ("one",))]),
    ("# Chapter", "# A better title", [("a-better-title", "renamed", ("chapter",))]),
    ("First paragraph.\n\n", "First paragraph.\n\n## Between {#between}\n\n", [("two", "split", ("two",)), ("between", "split", ("two",))]),
    ("## Three {#three}\n\n", "", [("two", "merged", ("two", "three"))]),
    ("Second paragraph.\n", "Second\nparagraph. \n", []),
    ("First paragraph.\n", "<!-- differs: number: why -->\nFirst paragraph.\n", []),
], ids=["a number", "code", "words", "words and a number", "a heading's words", "another id", "another title of the page", "split in two",
        "two made one", "wrapped otherwise", "a comment"])
def test_each_change_of_the_english_is_told(old, new, expected):
    english = ENGLISH.replace(old, new)
    chinese = recorded().replace("## 三\n\n", "") if expected and expected[0][1] == "merged" else recorded()
    if expected and expected[0][1] == "split":
        chinese = chinese.replace("第二段", "## 之间\n\n第二段")
    assert told(english, chinese) == expected


def test_a_section_that_moved_is_moved_and_not_old():
    one, two = ENGLISH.index("## One"), ENGLISH.index("## Two")
    moved = ENGLISH[:one] + ENGLISH[two:] + "\n" + ENGLISH[one:two]
    assert told(moved) == [("one", "moved", ())]
    assert not any(state.behind for state in states_of(recorded(), moved))


def test_a_new_section_is_missing_in_the_chinese():
    states = states_of(recorded(), ENGLISH + "\n## Four {#four}\n\nNew words about `NCCL_DEBUG` [@x].\n")
    assert [(state.id, state.behind) for state in states if state.state == "missing"] == [("four", True)]


def test_a_section_that_the_english_lost_is_gone():
    assert told(ENGLISH.replace("## Three {#three}\n\nThe end.\n", ""), recorded()[:recorded().index("## 三")]) == [("three", "gone", ())]


def test_a_chapter_translated_ahead_says_where():
    ahead = recorded() + "\n## 四\n\n英文还没有的 `NCCL_ALGO` 一节 [@y]。\n"
    assert [(state.title, state.state) for state in states_of(ahead, ENGLISH) if state.state != "fresh"] == [("四", "ahead")]


def test_mending_the_chinese_makes_nothing_fresh():
    english = ENGLISH.replace("80 GB", "90 GB")
    before = told(english, recorded())
    assert told(english, recorded().replace("要 80", "需要 90")) == before != []


def test_a_record_that_cannot_be_read_is_unknown_and_never_fresh():
    broken = recorded().replace("  two: ", "  two: x")
    assert told(ENGLISH, broken) == [("two", "unknown", ())]


@pytest.mark.parametrize("front, kept", [
    ("---\ndescription: 章。\n---\n# 章\n", "---\ndescription: 章。\n"),
    ("---\ntranslated_from:\n  old: 65d9-e3b0c44298-e3b0c4-e3b0c4\n\ndescription: 章。\n---\n# 章\n", "description: 章。\n---\n# 章\n"),
    ("# 章\n", "# 章\n")])
def test_writing_the_record_touches_nothing_else(front, kept):
    written = recorded(front)
    assert kept in written and "  one: " in written and "old:" not in written
    assert recorded(written) == written
    assert written.endswith(front[front.index("# 章"):])


@given(strategies.text(max_size=60), strategies.text(max_size=60))
def test_any_two_texts_have_states(chinese, english):
    assert all(state.state != "fresh" for state in states_of(chinese.replace("translated_from", ""), "# T\n" + english))
