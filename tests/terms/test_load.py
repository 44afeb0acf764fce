"""The file of terms: what it may say, and where it says something wrong."""

import pytest

from openbook.terms.load import load_terms


def findings(root):
    return [(finding.path, finding.line, finding.message) for finding in load_terms(root / "docs/data", root)[1]]


def test_a_term_has_its_forms_and_its_definition(write):
    root = write({"docs/data/terms.yml": """
        decode:
          en: decode (phase)
          forms: [decoding]
          zh: [解码阶段, 解码]
          define: {en: One token a step., zh: 每步一个 token。}
        """})
    (term,), found = load_terms(root / "docs/data", root)
    assert found == []
    assert (term.word, term.forms, term.zh) == ("decode", ("decoding",), ("解码阶段", "解码"))
    assert term.define["en"] == "One token a step." and term.check and term.tip and term.line == 1


def test_a_book_without_terms_has_none(write):
    assert load_terms(write({"docs/index.md": "# Home\n"}) / "docs/data", write({})) == ((), [])


@pytest.mark.parametrize("text, line, message", [
    ("x: {en: x}\n", 1, "the term `x` needs `en` and `zh`"),
    ("X y: {en: x, zh: 甲}\n", 1, "the id `X y` is not lower-case letters, digits and hyphens"),
    ("x:\n  en: x\n  zh: 甲\n  zhh: 乙\n", 4, "a term has no field `zhh`"),
    ("x:\n  en: x\n  zh: [甲, 2]\n", 3, "`zh` is a text or a list of texts"),
    ("x:\n  en: x\n  zh: 甲\n  check: maybe\n", 4, "`check` is true or false"),
    ("x:\n  en: x\n  zh: 甲\n  define: {en: Only.}\n", 4, "a definition has exactly `en` and `zh`"),
    ("x: {en: all-reduce, zh: 甲}\ny: {en: y, forms: [all-reduce], zh: 乙}\n", 2, "`all-reduce` is already a form of `x`"),
    ("x: {en: x, zh: 归约, avoid: [规约]}\ny: {en: y, zh: 规约}\n", 1, "`规约` is to avoid here and right in `y`"),
    ("- x\n", 1, "the terms are not a mapping of ids"),
    ("x: [\n", 2, "this is not the YAML we read: expected the node content, but found '<stream end>'"),
])
def test_each_mistake_is_named(write, text, line, message):
    assert (("docs/data/terms.yml", line, message)) in findings(write({"docs/data/terms.yml": text}))


def test_the_terms_are_no_table_of_facts(small_book, write):
    from openbook.facts.load import load_facts

    root = write({"docs/data/terms.yml": "x: {en: x, zh: 甲}\n"})
    facts, found = load_facts(root / "docs/data", root)
    assert found == [] and "terms" not in facts.tables


def test_the_books_own_terms_are_many_and_explained(root):
    terms, found = load_terms(root / "docs/data", root)
    assert found == []
    assert len(terms) >= 350
    assert sum(term.define is not None for term in terms) >= 120
    assert all(term.define["en"].endswith(".") and term.define["zh"].endswith("。") for term in terms if term.define)
