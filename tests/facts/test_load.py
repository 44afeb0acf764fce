"""Facts are read with their lines, and whatever breaks the schema is a finding."""

import textwrap

import pytest

from openbook.facts.compute import evaluate, names_in
from openbook.facts.load import load_facts
from openbook.facts.located import LocatedError, load_located

SOURCES = "nv: {title: T, publisher: NVIDIA, url: \"https://example.org\", kind: doc, accessed: 2026-11-21}\n"
HEAD = """
title: {en: Chips, zh: 芯片}
columns:
  name: {type: text, en: Chip, zh: 芯片}
  bf16: {type: number, unit: TFLOPS, en: BF16, zh: BF16, sourced: true}
  kind: {type: choice, en: Kind, zh: 类型, choices: {gpu: {en: GPU, zh: GPU}}}
rows:
"""


def load(write, rows: str, sources: str = SOURCES):
    root = write({"docs/data/sources.yml": sources, "docs/data/chips.yml": HEAD.lstrip("\n") + textwrap.indent(textwrap.dedent(rows).strip(), "  ") + "\n"})
    return load_facts(root / "docs/data", root)


def messages(findings):
    return [(finding.path, finding.line, finding.message) for finding in findings]


def test_a_good_table_has_no_findings(write):
    facts, findings = load(write, "- {id: h100, src: nv, checked: 2026-11-21, name: H100, bf16: 989.4, kind: gpu}")
    assert findings == []
    row = facts.tables["chips"].rows[0]
    assert row.cells["bf16"].value == 989.4
    assert row.cells["bf16"].src == "nv" and row.cells["bf16"].checked == "2026-11-21"
    assert row.cells["name"].value == {"en": "H100", "zh": "H100"}


@pytest.mark.parametrize("rows, line, message", [
    ("- {id: a, name: A, bf16: 1}", 7, "`bf16` needs a source and has none"),
    ("- {id: a, src: nv, name: A, bf16: 1}", 7, "`bf16` does not say when it was checked"),
    ("- {id: a, src: other, checked: 2026-11-21, bf16: 1}", 7, "the source `other` is not in sources.yml"),
    ("- {id: a, src: nv, checked: 2026-11-21, bf16: fast}", 7, "`bf16` is a number, not `fast`"),
    ("- id: a\n  kind: tpu", 8, "`tpu` is not a choice of `kind`"),
    ("- id: a\n  speed: 3", 8, "the row `a` has `speed`, which is no column"),
    ("- {id: a, name: A}\n- {id: a, name: B}", 8, "the row id `a` is given twice"),
    ("- name: A", 7, "a row has no id"),
    ("- {id: a, name: \"A [@other]\"}", 7, "the source `other` is not in sources.yml"),
    ("- {id: a, name: {en: A}}", 7, "a text is a string, or has exactly `en` and `zh`"),
])
def test_what_breaks_the_schema_is_named_with_its_line(write, rows, line, message):
    _, findings = load(write, rows)
    assert ("docs/data/chips.yml", line, message) in messages(findings)


def test_malformed_yaml_is_one_finding(write):
    _, findings = load(write, "- {id: a, name: [A}")
    assert [(finding.path, finding.line) for finding in findings] == [("docs/data/chips.yml", 7)]
    assert "not the YAML we read" in findings[0].message


def test_a_source_without_an_address_is_a_finding(write):
    _, findings = load(write, "- {id: a}", "nv: {title: T, publisher: N, kind: doc, accessed: 2026-11-21}\n")
    assert messages(findings) == [("docs/data/sources.yml", 1, "the source `nv` has no url")]


def test_a_source_may_be_named_in_both_languages(write):
    facts, findings = load(write, "- {id: a}", "nv: {title: A run, publisher: {en: this book, zh: 本书}, kind: measured, accessed: 2026-11-21}\n")
    assert findings == []
    assert (facts.sources["nv"].title, facts.sources["nv"].publisher) == ({"en": "A run", "zh": "A run"}, {"en": "this book", "zh": "本书"})
    _, findings = load(write, "- {id: a}", "nv: {title: A run, publisher: {en: this book}, kind: measured, accessed: 2026-11-21}\n")
    assert ("docs/data/sources.yml", 1, "a text is a string, or has exactly `en` and `zh`") in messages(findings)


def test_a_text_with_a_source_may_be_written_short(write):
    facts, findings = load(write, "- {id: a, name: {en: A, zh: 甲, src: nv}}")
    assert findings == []
    assert facts.tables["chips"].rows[0].cells["name"].src == "nv"


def test_joined_and_computed_columns(write):
    root = write({"docs/data/sources.yml": SOURCES, "docs/data/chips.yml": HEAD.lstrip("\n") +
                  "  - {id: a, src: nv, checked: 2026-11-21, bf16: 990}\n", "docs/data/memory.yml": """
        title: {en: Memory, zh: 显存}
        join: chips
        columns:
          bw: {type: number, unit: TB/s, en: BW, zh: 带宽}
          ridge: {type: number, en: Ridge, zh: 脊点, compute: bf16 / bw}
        rows:
          - {id: a, bw: 3.3}
          - {id: b, bw: 1}
        """})
    facts, findings = load_facts(root / "docs/data", root)
    assert messages(findings) == [("docs/data/memory.yml", 8, "the row `b` is not in chips.yml")]
    first, second = facts.tables["memory"].rows
    assert first.cells["ridge"].value == pytest.approx(300)
    assert "ridge" not in second.cells


SIZES = """
    title: {en: Sizes, zh: 规模}
    join: {recipes: recipe, models: model}
    columns:
      model: {type: text, en: Model, zh: 模型}
      recipe: {type: text, en: Recipe, zh: 方案}
      gb: {type: number, unit: GB, en: Memory, zh: 显存, compute: total * params}
    rows:
      - {id: small-a, model: small, recipe: a}
      - {id: large-a, model: large, recipe: a}
    """
RECIPES = """
    title: {en: Recipes, zh: 方案}
    columns:
      w: {type: number, en: W, zh: W}
      g: {type: number, en: G, zh: G}
      total: {type: number, en: Total, zh: 合计, compute: w + g}
    rows:
      - {id: a, w: 2, g: 4}
    """
MODELS = "title: Models\ncolumns:\n  params: {type: number, en: P, zh: P}\nrows:\n  - {id: small, params: 8}\n  - {id: large, params: 70}\n"


def joined(write, sizes: str = SIZES, recipes: str = RECIPES):
    # The name of the joining table comes first in the alphabet, so that order of files does not decide.
    root = write({"docs/data/a-sizes.yml": sizes, "docs/data/recipes.yml": recipes, "docs/data/models.yml": MODELS})
    return load_facts(root / "docs/data", root)


def test_a_table_may_join_several_by_columns_that_name_their_rows(write):
    facts, findings = joined(write)
    assert findings == []
    assert [row.cells["gb"].value for row in facts.tables["a-sizes"].rows] == [48, 420]
    assert facts.tables["a-sizes"].joined == {"w", "g", "total", "params"}


@pytest.mark.parametrize("old, new, line, message", [
    ("recipe: a}", "recipe: b}", 8, "the row `b` is not in recipes.yml"),
    (", recipe: a}", "}", 8, "the row `` is not in recipes.yml"),
    ("recipes: recipe", "recipes: method", 2, "`method`, which names the rows of recipes, is no column of type text"),
    ("recipes: recipe", "shapes: recipe", 2, "`join: shapes` names no table"),
])
def test_a_join_that_leads_nowhere_is_a_finding(write, old, new, line, message):
    _, findings = joined(write, SIZES.replace(old, new, 1))
    assert ("docs/data/a-sizes.yml", line, message) in messages(findings)


def test_tables_that_join_each_other_are_a_finding(write):
    _, findings = joined(write, recipes=RECIPES.replace("columns:", "join: a-sizes\n    columns:", 1))
    assert messages(findings) == [("docs/data/a-sizes.yml", 2, "`join` of a-sizes leads back to a-sizes")]


def test_a_key_given_twice_is_an_error():
    with pytest.raises(LocatedError) as error:
        load_located("a: 1\nb: 2\na: 3\n")
    assert error.value.line == 3


@pytest.mark.parametrize("expression, value", [("a * 1e12 / (b * 1e12)", 2.0), ("-a ** 2", -36), ("a / zero", None), ("a / missing", None)])
def test_arithmetic(expression, value):
    assert evaluate(expression, {"a": 6, "b": 3, "zero": 0}) == value


@pytest.mark.parametrize("expression", ["__import__('os')", "a.b", "a if b else c", "a +"])
def test_only_arithmetic_is_evaluated(expression):
    with pytest.raises(ValueError, match="arithmetic"):
        names_in(expression)
