"""Facts that load well may still be implausible, old, or rest on what nobody cites."""

import pytest

from openbook.checking.facts import check_age, check_ranges, check_tex, check_use
from openbook.checking.run import check_repository
from openbook.facts.load import load_facts
from openbook.reading.library import Library
from openbook.site.build import build_site
from tests.conftest import SMALL_BOOK, with_site_settings

HEAD = """
    title: {en: Chips, zh: 芯片}
    columns:
      bf16: {type: number, min: 10, max: 5000, unit: TFLOPS, en: BF16, zh: BF16}
      bw: {type: number, unit: TB/s, en: BW, zh: 带宽}
      ridge: {type: number, max: 1000, en: Ridge, zh: 脊点, compute: bf16 / bw}
    rows:
"""
SOURCES = 'nv: {title: T, publisher: N, url: "https://example.org", kind: doc, accessed: 2026-11-21}\n'


def facts_of(write, rows: str, sources: str = SOURCES, more: dict | None = None):
    root = write({"docs/data/sources.yml": sources, "docs/data/chips.yml": HEAD + rows, **(more or {})})
    facts, findings = load_facts(root / "docs/data", root)
    assert findings == []
    return facts


@pytest.mark.parametrize("rows, found", [
    ("      - {id: a, bf16: 10}\n      - {id: b, bf16: 5000}\n", []),
    ("      - {id: a, bf16: 989400}\n", [(7, "`bf16` of `a` is 989400, outside of 10 to 5000 (TFLOPS)")]),
    ("      - {id: a, bf16: {value: 990, also: [{value: 0.99}]}}\n", [(7, "`bf16` of `a` is 0.99, outside of 10 to 5000 (TFLOPS)")]),
    ("      - {id: a, bf16: 900, bw: 0.3}\n", [(7, "`ridge` of `a` is 3000, outside of … to 1000")]),
])
def test_a_number_outside_of_its_columns_range_is_named(write, rows, found):
    assert [(finding.line, finding.message) for finding in check_ranges(facts_of(write, rows))] == found


def test_a_formula_that_katex_cannot_read_is_named_once_with_its_row(write):
    facts = facts_of(write, "", more={"docs/data/rules.yml": r"""
        title: {en: Rules, zh: 法则}
        columns:
          rule: {type: text, en: Rule, zh: 法则}
        rows:
          - {id: a, rule: "$6 N D$ and `$JOB`"}
          - id: b
            rule: {value: "$\\nosuch$", note: {en: "$x$", zh: "$\\frac$"}}
        """})
    found = [(finding.path, finding.line, finding.rule, finding.message.partition(":")[0]) for finding in check_tex(facts)]
    assert found == [("docs/data/rules.yml", 6, "formula", "KaTeX cannot read the formula `\\nosuch`"),
                     ("docs/data/rules.yml", 6, "formula", "KaTeX cannot read the formula `\\frac`")]


def test_a_joined_column_is_judged_once(write):
    joined = "title: T\njoin: chips\ncolumns:\n  x: {type: int, en: X, zh: X}\nrows:\n  - {id: a, x: 1}\n"
    facts = facts_of(write, "      - {id: a, bf16: 1}\n", more={"docs/data/more.yml": joined})
    assert [finding.path for finding in check_ranges(facts)] == ["docs/data/chips.yml"]


def test_a_bound_on_words_is_a_finding(write):
    root = write({"docs/data/chips.yml": "title: T\ncolumns:\n  name: {type: text, min: 3, en: N, zh: N}\nrows: []\n"})
    _, findings = load_facts(root / "docs/data", root)
    assert [(finding.line, finding.message) for finding in findings] == [(3, "column `name`: `3` bounds no number")]


@pytest.mark.parametrize("day, rows", [("2026-05-25", []), ("2026-05-24", ["a"]), ("2026-05", ["a"]), ("2025-11-21", ["a"])])
def test_cells_older_than_180_days_before_the_newest_date_are_named(write, day, rows):
    facts = facts_of(write, f"      - {{id: a, src: nv, checked: {day}, bf16: 990}}\n      - {{id: b, src: nv, checked: 2026-11-01, bf16: 990}}\n")
    found = [finding.message for finding in check_age(facts)]
    assert found == [f"values of 1 row were checked before 2026-05-25, 180 days before 2026-11-21: {row}" for row in rows]


def test_facts_without_a_date_have_no_age(write):
    assert list(check_age(facts_of(write, "      - {id: a, bf16: 990}\n", sources=""))) == []


def test_a_source_is_used_by_a_row_a_cell_a_note_or_a_chapter(write):
    sources = "".join(SOURCES.replace("nv:", f"{name}:") for name in ("row", "cell", "also", "note", "page", "nobody"))
    rows = ("      - {id: a, src: row, bf16: {value: 990, src: cell, note: {en: \"See [@note].\", zh: \"见 [@note]。\"}, "
            "also: [{value: 991, src: also}]}}\n")
    facts = facts_of(write, rows, sources)
    library = Library(None, None)
    library.sources["a.md", "en"] = type("Page", (), {"citations": [(3, "page")]})()
    assert [(finding.path, finding.line, finding.message) for finding in check_use(library, facts)] == [
        ("docs/data/sources.yml", 6, "nobody cites the source `nobody`")]


def test_old_facts_are_named_by_the_check_and_do_not_stop_the_build(write):
    root = with_site_settings(write({**SMALL_BOOK, "docs/data/chips.yml": SMALL_BOOK["docs/data/chips.yml"].replace("2026-10-02", "2026-01-02")}))
    assert [finding.rule for finding in check_repository(root)] == ["stale"]
    assert build_site(root) == 0
