"""Break real chapters in every way we can think of: each break is found on its line, and harmless edits find nothing.

A mutation is a pattern and what replaces it, in the Chinese file unless it says otherwise. Mutations and chapters are dealt out
to each other anew when chapters change: each mutation is tried on several chapters, each chapter with several mutations.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from openbook.alignment.check import check_alignment
from openbook.alignment.features import features, of_section
from openbook.book import read_book
from openbook.copyedit.check import check_copy
from openbook.reading.blocks import sections_of, split_blocks

ROOT = Path(__file__).parent.parent.parent


#: On so many chapters each mutation is tried, and each harmless edit.
MUTATED, EDITED = 8, 14
CHINESE, ENGLISH = 1, 2


@cache
def pairs() -> list[tuple[str, str, str]]:
    """The path of every chapter of the book that is in both languages, its Chinese and its English text."""
    docs = ROOT / "docs"
    return [(chapter.path, (docs / chapter.twin).read_text("utf-8"), (docs / chapter.path).read_text("utf-8"))
            for chapter in read_book(ROOT).chapters if (docs / chapter.twin).is_file()]


@cache
def dealt(patterns: tuple[str, ...], chapters: int, side: int = CHINESE, told: frozenset[str] = frozenset()) -> dict[str, list]:
    """Return for each pattern, with numbers, chapters that have a place for it: those that were dealt the fewest so far."""
    tried: Counter[str] = Counter()
    able = {pattern: [pair for pair in pairs() if places(pair[side], pattern, pattern in told)] for pattern in patterns}
    found = {}
    for pattern in sorted(patterns, key=lambda pattern: len(able[pattern])):    # the rare ones first
        least = sorted(able[pattern], key=lambda pair: tried[pair[0]])[:chapters]
        tried.update(path for path, _, _ in least)
        found[pattern] = list(enumerate(least))
    return found


@dataclass(frozen=True)
class Mutation:
    """What is broken; the finding stands on the line of the match plus `line`, under one of `rules`.

    With `told`, only lines are changed that numbers, code, links or names tell from each other: of words alone nobody can say
    which of two lines translates which.
    """

    name: str
    pattern: str
    to: str
    rules: str
    line: int | tuple[int, ...] = 0
    told: bool = False


@cache
def spans(text: str, kind: str) -> list[tuple[int, int]]:
    """Where the blocks of one kind begin and end."""
    place, found = 0, []
    for block in split_blocks(text):
        if block.kind == kind:
            found.append((place, place + len(block.text)))
        place += len(block.text)
    return found


def is_in(text: str, match: re.Match, kind: str) -> bool:
    return any(start <= match.start() < end for start, end in spans(text, kind))


@cache
def places(text: str, pattern: str, told: bool = False) -> list[re.Match]:
    """The matches outside the front matter."""
    return [match for match in re.finditer(pattern, text, re.MULTILINE) if not is_in(text, match, "meta") and (not told or are_told(match[0]))]


def are_told(text: str) -> bool:
    """Whether each line of a text has parts that both languages share, and none the same as another."""
    found = [features(line).neutral for line in text.split("\n") if re.search(r"\w", line)]
    return all(found) and len(set(found)) == len(found)


def one(text: str, pattern: str, number: int, told: bool = False) -> re.Match:
    """One of the matches: of some chapters the first, of others one in the middle or the last."""
    found = places(text, pattern, told)
    return found[(0, len(found) // 2, -1)[number % 3]]


def replaced(text: str, match: re.Match, to: str) -> str:
    return text[:match.start()] + match.expand(to) + text[match.end():]


PROSE = r"^(?![|#`$!:<\[]|caption|columns)"    # a line of prose, not of code, a table or a heading

MUTATIONS = [
    Mutation("a digit changed", r"(?<=[^\d.,{}$A-Za-z\-/=_*+^])([3-9]),(\d{3})(?= [A-Z\u4e00-\u9fff])", r"1,\2", "number"),
    Mutation("a digit added", r"(?<= )(\d\d\d) (GB/s|TFLOPS)", r"\g<1>7 \2", "number"),
    Mutation("a decimal point lost", r"(?<=[ \u4e00-\u9fff])(\d+)\.(\d+) (TB/s|GB|s|%|倍)", r"\1\2 \3", "number code"),
    Mutation("a percentage changed", r"(?<=[ \u4e00-\u9fff])(\d)\d%", r"\g<1>3.5%", "number"),
    Mutation("a percent sign lost", r"^([^%\n`|$]*[ \u4e00-\u9fff]\d\d)%(?=[^%\n]*$)", r"\1 ", "number"),
    Mutation("GB becomes GiB", r"(\d) GB(?![/\w])", r"\1 GiB", "number fence code formula"),
    Mutation("GB/s becomes Gb/s", r"(\d) GB/s", r"\1 Gb/s", "number fence code formula"),
    Mutation("Gb/s becomes GB/s", r"(\d) Gb/s", r"\1 GB/s", "number fence code formula"),
    Mutation("TFLOPS becomes PFLOPS", r"(\d) TFLOPS", r"\1 PFLOPS", "number"),
    Mutation("microseconds become milliseconds", r"(\d) µs", r"\1 ms", "number"),
    Mutation("万 becomes 亿", r"(\d) 万(?!亿|卡|维)", r"\1 亿", "number"),
    Mutation("a year changed", r"(?<![\d-])202[1-5] 年", "2019 年", "number"),
    Mutation("a month changed", r"(202\d) 年 (?:[2-9]|1[0-2]) 月", r"\1 年 1 月", "number"),
    Mutation("a version changed", r"(?<= )0\.(\d+)\.(\d+)(?= )", r"0.\1.99", "number"),
    Mutation("a count in words changed", r"^(?![|`!:c])(?!.*八.*八)(?!.*8)(.*(?<![一二三四五六七八九十第几两每]))八(?=[块台张条个卡])", r"\1九", "number"),
    Mutation("another product", r"(?<=[\u4e00-\u9fff] )H100(?=[ ，、。])", "H123", "name"),
    Mutation("another data type", r"(?<=[ ，、。])BF16(?=[ ，、。])", "BF17", "name"),
    Mutation("a bullet dropped", r"(^- .*\n)^- .*\n(?=- )", r"\1", "block", told=True),
    Mutation("a bullet added", r"^(- .*\n)(?=- )", r"\1- 多出来的一条。\n", "block", 1),
    Mutation("a step dropped", r"(^2\. .*\n)^3\. .*\n(?=4\. )", r"\1", "block"),
    Mutation("a bullet becomes numbered", r"^- (\*\*)", r"1. \1", "block"),
    Mutation("an extra heading", r"^(## .*)$", r"## 多出来的一节\n\n没有原文的一段话。\n\n\1", "heading", (0, 4)),    # it or the one below: of words alone
    Mutation("a heading lost", r"^### .*\n\n(?=[^`|!])", "", "heading", -2),
    Mutation("a heading at another level", r"^### (?=.*\n\n[^`])", "## ", "heading"),
    Mutation("a paragraph added", rf"{PROSE}(.+)\n\n(?=##)", r"\1\n\n这一段英文里没有。\n\n", "block", 2),
    Mutation("a paragraph left out", r"(^[\u4e00-\u9fff*][^\n]+\n\n)^[\u4e00-\u9fff][^\n]+\n\n(?=[\u4e00-\u9fff*])", r"\1", "block", told=True),
    Mutation("two paragraphs joined", r"^((?!表：)[\u4e00-\u9fff][^\n]+)\n\n(?=[\u4e00-\u9fff][^\n]+\n)", r"\1", "number block citation name link code formula", told=True),
    Mutation("a code line changed", r"^(```\s?(?:bash|\{ \.bash)[^\n]*\n)([a-z]\w+) ", r"\1sudo \2 ", "fence", 1),
    Mutation("a flag changed", r"(?<= )--nproc[_-]per[_-]node", "--nnodes", "fence code"),
    Mutation("a flag's value changed", r"(--?[a-z][\w-]*[= ])(\d+)$", r"\g<1>77", "fence"),
    Mutation("a code line lost", r"(^```\s?(?:bash|\{ \.bash|\{ \.python|python)[^\n]*\n(?!\s*#)[^\n#]+\n)(?!```)(?!\s*#)[^\n#]+\n(?=[^`#\n]+\n)", r"\1", "fence", 2),
    Mutation("a block of another language", r"^``` \{ \.bash", "``` { .python", "fence"),
    Mutation("a block no longer tested", r"^``` \{ \.bash \.tested \}", "``` { .bash }", "fence"),
    Mutation("an output changed", r"^(``` \{ \.text \.output \}\n)(\S)", r"\1x\2", "fence", 1),
    Mutation("a code block left out", r"(^[^\n]+\n\n)^```(?!table)[^`]*```\n\n", r"\1", "block"),
    Mutation("inline code changed", r"`([A-Z][A-Z_]{5,})`", r"`\1_X`", "code"),
    Mutation("a link to another anchor", r"(\.md#)[\w-]+\)", r"\1elsewhere)", "link"),
    Mutation("a link to another page", r"\((?:\.\./)+(\w[\w/-]+)\.md", r"(\1.md", "link"),
    Mutation("a link lost", r"(?<!!)\[([^\[\]@\n`]+)\]\([^()\s]+\)", r"\1", "link"),
    Mutation("a link with another address", r"\]\(https://", "](http://", "link"),
    Mutation("a citation left out", r" \[@[a-z0-9-]+\]", "", "citation"),
    Mutation("another source", r"\[@[a-z0-9-]+\]", "[@some-other]", "citation"),
    Mutation("a figure left out", r"(^[^\n]+\n\n)^!\[[^\n]+\{#fig-[^\n]+\n\n", r"\1", "block"),
    Mutation("another figure", r"^(!\[[^\n]+\]\(figures/)[\w-]+\.svg", r"\1other.svg", "block"),
    Mutation("a figure with another id", r"\{#fig-([\w-]+)\}", r"{#fig-\1-2}", "block"),
    Mutation("a table of facts with other columns", r"^columns: \[(\w+), ", "columns: [", "fence"),
    Mutation("a table of facts from other data", r"^(```table\nid: [^\n]+\n)data: (\w+)", r"\1data: other", "fence", 2),
    Mutation("a row lost", r"^(\|[-|: ]+\|\n\|[^\n]+\n)^\|[^\n]+\n(?=\|)", r"\1", "table", 1, told=True),
    Mutation("a row added", r"^(\|[-|: ]+\|\n\|)([^\n|]+)(\|[^\n]+\n)", r"\1\2\3|新的一行\3", "table", (1, 2), told=True),
    Mutation("a column lost", r"^\|([^\n|]+)\|([^\n|$`\[]+)\|([^\n|]+\|)(?=\n\|-)", r"|\1|\3", "table"),
    Mutation("two rows swapped", r"^(\|[-|: ]+\|\n)(\|[^\n]*[\d`\[][^\n]*\n)(\|[^\n]*[\d`\[][^\n]*\n)", r"\1\3\2", "number name code link citation formula attribute", 1, told=True),
    Mutation("a caption left out", r"(^\|[^\n]+\n)\n^表：[^\n]+\n", r"\1", "block", 0),
    Mutation("a caption with another id", r"\{#tab-([\w-]+)\}", r"{#tab-\1-2}", "block"),
    Mutation("another kind of note", r"^!!! warning", "!!! danger", "block"),
    Mutation("a note folded", r"^!!! (\w+)", r"??? \1", "block"),
    Mutation("a note left out", r"(^[^\n]+\n\n)^(?:!!!|\?\?\?) [^\n]+\n(?:    [^\n]*\n|\n(?=    ))+\n?", r"\1", "block"),
    Mutation("a tab missing", r"(^    [^\n]+\n\n)^=== \"[^\n]+\n\n(?:    [^\n]*\n|\n(?=    ))+\n(?==== )", r"\1", "block"),
    Mutation("a formula changed", r"^(\$\$\n.*)=", r"\1\\approx", "formula"),
    Mutation("an inline formula changed", r"\$([A-Za-z])\$", r"$\1'$", "formula"),
    Mutation("a formula left out", r"(^[^\n]+\n\n)^\$\$\n[^$]+\n\$\$\n\n", r"\1", "block"),
    Mutation("HTML with another class", r"class=\"home-", 'class="house-', "tag"),
    Mutation("a snippet of another file", r"--8<-- \"([\w/]+)", r'--8<-- "\1x', "fence"),
]


def mutated() -> dict[str, list]:
    return dealt(tuple(mutation.pattern for mutation in MUTATIONS), MUTATED,
                 told=frozenset(mutation.pattern for mutation in MUTATIONS if mutation.told))


def edited() -> dict[str, list]:
    return dealt(tuple(edit.pattern for edit in HARMLESS), EDITED)


def test_every_chapter_is_mutated_and_edited_in_several_ways():
    for found in (mutated(), edited()):
        tried = Counter(pair[0] for able in found.values() for _, pair in able)
        counts = sorted(tried[path] for path, _, _ in pairs())
        assert counts[0] >= 1 and counts[len(counts) // 4] >= 6, tried    # on the shortest pages little can be broken


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_mutation_is_found_on_its_line(mutation):
    chapters = mutated()[mutation.pattern]
    assert chapters, "no chapter has anything that this mutation changes"
    for number, (path, chinese, english) in chapters:
        match = one(chinese, mutation.pattern, number, mutation.told)
        start = chinese[:match.start()].count("\n") + 1
        lines = [start + offset for offset in (mutation.line if isinstance(mutation.line, tuple) else (mutation.line,))]
        rules = {*mutation.rules.split(), *(["fence"] if is_in(chinese, match, "fence") else [])}
        findings = check_alignment("zh", replaced(chinese, match, mutation.to), "en", english)
        assert [finding for finding in findings if finding.line in lines and finding.rule in rules], (
            f"{path}: `{match[0]!r}` on line {lines}: only found {[(f.line, f.rule, f.message) for f in findings]}")


@pytest.mark.parametrize("chapter", range(len(pairs())), ids=[path for path, _, _ in pairs()])
def test_swapped_sections_are_found_at_one_of_the_two(chapter):
    path, chinese, english = pairs()[chapter]
    parts = re.split(r"(?m)^(?=## )", chinese)
    for place in {1, len(parts) // 2, len(parts) - 2} & set(range(1, len(parts) - 1)):
        if not all(of_section(section).neutral for section in sections_of(split_blocks(parts[place]) + split_blocks(parts[place + 1]))):
            continue    # of words alone nobody can tell which translates which
        swapped = "".join([*parts[:place], parts[place + 1], parts[place], *parts[place + 2:]])
        first = "".join(parts[:place]).count("\n") + 1
        second = first + parts[place + 1].count("\n")
        findings = check_alignment("zh", swapped, "en", english)
        assert [finding for finding in findings if finding.rule == "heading" and finding.line in (first, second)], (
            f"{path}: lines {first} and {second}: only found {[(f.line, f.rule, f.message) for f in findings]}")


IN_ENGLISH = [
    ("a number changed", r"(?<=[a-z] )([2-9])(\d\d)(?= [a-z]{3,})", r"1\2.5"), ("a unit changed", r"(\d) GB/s", r"\1 GiB/s"),
    ("another product", r"(?<= )H100(?=[ ,.])", "H123"), ("inline code changed", r"`([A-Z][A-Z_]{5,})`", r"`\1_X`"),
    ("a citation added", r"( \[@[a-z0-9-]+)\]", r"\1; @some-other]"), ("a link to another anchor", r"(\.md#)[\w-]+\)", r"\1elsewhere)"),
    ("a bullet added", r"^(- .*\n)(?=- )", r"- One more, of which the Chinese knows nothing.\n\1"), ("a formula changed", r"\$([A-Za-z])\$", r"$\1'$"),
    ("a heading added", r"^(## .*)$", r"## One more section\n\nWith a paragraph.\n\n\1"), ("another kind of note", r"^!!! warning", "!!! danger"),
    ("a code line changed", r"^(```\s?(?:bash|\{ \.bash)[^\n]*\n)([a-z]\w+) ", r"\1sudo \2 "),
    ("a table of facts with other rows", r"^(```table\n)", r"\1sort: -name\n"), ("a cell changed", r"^(\|[^\n|]+\|) ?\d[^\n|]*\|", r"\1 77 |"),
]


@pytest.mark.parametrize("name, pattern, to", IN_ENGLISH, ids=[name for name, _, _ in IN_ENGLISH])
def test_what_changes_in_english_is_found_with_its_line_there(name, pattern, to):
    chapters = dealt(tuple(pattern for _, pattern, _ in IN_ENGLISH), MUTATED, ENGLISH)[pattern]
    assert chapters, "no chapter has anything that this mutation changes"
    for number, (path, chinese, english) in chapters:
        match = one(english, pattern, number)
        first = english[:match.start()].count("\n") + 1
        lines = {f"(en:{line})" for line in range(first, first + match.expand(to).count("\n") + 2)}
        findings = check_alignment("zh", chinese, "en", replaced(english, match, to))
        assert [finding for finding in findings if finding.message.split()[-1] in lines], f"{path}: {match[0]!r} on line {first}: {findings}"


COPY = [("a full-width digit", r"(?<=[\u4e00-\u9fff] )8(?= )", "８"), ("a full-width unit", r"(?<=\d )GB(?=[，。；])", "ＧＢ"),
        ("a half-width comma", r"(?<=[\u4e00-\u9fff])，(?=[\u4e00-\u9fff])", ","), ("no space before a unit", r"(?<=[\u4e00-\u9fff]) (?=\d)", "")]


@pytest.mark.parametrize("name, pattern, to", COPY, ids=[name for name, _, _ in COPY])
def test_what_is_not_a_matter_of_facts_is_found_by_the_copy_rules(tmp_path, name, pattern, to):
    chapters = dealt(tuple(pattern for _, pattern, _ in COPY), MUTATED)[pattern]
    assert chapters, "no chapter has anything that this mutation changes"
    for number, (path, chinese, _) in chapters:
        match = next(match for match in places(chinese, pattern)[number:] + places(chinese, pattern) if not is_in(chinese, match, "fence"))
        (tmp_path / "x.zh.md").write_text(replaced(chinese, match, to), "utf-8")
        line = chinese[:match.start()].count("\n") + 1
        findings = list(check_copy(tmp_path, ["x.zh.md"]))
        assert line in [finding.line for finding in findings], f"{path}: line {line}: only found {findings}"


@dataclass(frozen=True)
class Edit:
    """What may be written otherwise, everywhere but in code; with `code`, everywhere."""

    name: str
    pattern: str
    to: str
    code: bool = False


HARMLESS = [
    Edit("other words", r"(?<=[\u4e00-\u9fff])的(?=[\u4e00-\u9fff])", "之"),
    Edit("a sentence turned round", r"^((?!表：)[\u4e00-\u9fff][^\n，。`$\[*“（]+)，([^\n，。`$\[*“（]+)。", r"\2，\1。"),
    Edit("text in bold", r"(?<=[\u4e00-\u9fff])([\u4e00-\u9fff]{2})(?=[，。])", r"**\1**"),
    Edit("no bold", r"\*\*([\u4e00-\u9fff]+)\*\*", r"\1"),
    Edit("a space at the end", r"([^\n])$", r"\1 "),
    Edit("another empty line", r"\n\n(?=[\u4e00-\u9fff#])", "\n\n\n"),
    Edit("a paragraph on two lines", r"^((?!表：)[\u4e00-\u9fff][^\n`$\[]{10,})，(?=[\u4e00-\u9fff])", r"\1，\n"),
    Edit("asterisks for bullets", r"^- ", "* "),
    Edit("another title of a note", r"^(!!! \w+ \")[^\"`\d三四五六七八九十]+\"", r'\1别的标题"'),
    Edit("an explicit thousands sign left out", r"(?<=[\u4e00-\u9fff ])(\d{1,3}),(\d{3})(?= [A-Z\u4e00-\u9fff])", r"\1\2"),
    Edit("no space before a unit", r"(\d) (GB/s|TFLOPS|ms|µs|Gb/s)(?![\w/])", r"\1\2"),
    Edit("a unit spelled out", r"(\d) 字节", r"\1 B"),
    Edit("Gb/s as Gbps", r"(\d) Gb/s", r"\1 Gbps"),
    Edit("hours spelled another way", r"(\d) 小时", r"\1 h"),
    Edit("a full-width percent sign", r"^([\u4e00-\u9fff][^\n`$]*?\d)%", r"\1％"),
    Edit("half in words", r"(?<= )50%", "一半"),
    Edit("a month as a number", r"(202\d) 年 (1[0-2]) 月(?! ?\d)", r"\1-\2"),
    Edit("万 written out", r"(\d),(\d{3}) 万(?=[\u4e00-\u9fff ])", r"\g<1>\g<2>0000"),
    Edit("a comment in the code reworded", r"^(\s*# )…… 训练，", r"\1在此训练，", code=True),
    Edit("a comment behind code", r"^(```\s?(?:bash|\{ \.bash)[^\n]*\n[a-z][^\n#'\"\\]+[^\\\n])$", r"\1    # 说明", code=True),
    Edit("a comment line added", r"^(```\s?(?:bash|\{ \.bash)[^\n]*\n)", r"\1# 说明\n", code=True),
    Edit("a caption reworded", r"^(caption: )[^\n\d`$\[A-Za-z三四五六七八九十]+$", r"\1另一句话。", code=True),
    Edit("a figure's words", r"^!\[([^\n\]]+)\]", r"![\1又一句。]"),
    Edit("spaces in a formula", r"^(\$\$\n[^\n]*) = ", r"\1=  "),
    Edit("a heading reworded", r"^(#+ )(?!.*[三四五六七八九十])[\u4e00-\u9fff？，、]+$", r"\1别的说法"),
    Edit("an explicit English id", r"^(## [^\n{]+)$", r"\1 "),
    Edit("a typo", r"([\u4e00-\u9fff&&[^一二两三四五六七八九十百千万亿半]])([\u4e00-\u9fff])(?=。)".replace("&&[^一二两三四五六七八九十百千万亿半]", ""), r"\2\1"),
    Edit("a comment for translators", r"^([\u4e00-\u9fff])", r"<!-- 待润色 -->\n\1"),
    Edit("an excuse nobody reads", r"^(## )", r"<!-- todo: polish -->\n\n\1"),
]


@pytest.mark.parametrize("edit", HARMLESS, ids=lambda edit: edit.name)
def test_harmless_edits_find_nothing(edit):
    """All places of a chapter are edited at once."""
    changed = 0
    for _, (path, chinese, english) in edited()[edit.pattern]:
        new = chinese
        for match in reversed(places(chinese, edit.pattern)):
            if edit.code or not is_in(chinese, match, "fence"):
                new = replaced(new, match, edit.to)
        changed += new != chinese
        assert check_alignment("zh", new, "en", english) == [], path
    assert changed, "no chapter has anything that this edit changes"


def test_the_tables_are_long_enough():
    assert len(MUTATIONS) >= 40 and len(HARMLESS) >= 20
