"""Tips: once a chapter, at the first use in running text, never in headings, links, code or tables."""

from xml.etree import ElementTree

import markdown
import pytest

from openbook.terms.load import Term
from openbook.terms.tooltips import add_tips, tip_finder

TERMS = (
    Term("all-reduce", "all-reduce", ("all-reduce",), ("全归约",), define={"en": "A sum.", "zh": "求和。"}),
    Term("reduce-scatter", "reduce-scatter", ("reduce-scatter",), ("归约分发",)),
    Term("reduce", "reduce", ("reduce",), ("归约",), define={"en": "To one.", "zh": "归到一处。"}),
    Term("token", "token", ("token",), ("token",), define={"en": "A piece.", "zh": "一小段。"}, tip=False),
)


def tips(text, lang="en"):
    """The text that leads to each tip, with the whole page's HTML."""
    page = markdown.markdown(text, extensions=["admonition", "tables", "attr_list"])
    root = ElementTree.fromstring(f"<div>{page}</div>")
    add_tips(root, tip_finder(TERMS, lang), "deep/index.md", "glossary.md")
    return [(link.text, link.get("href")) for link in root.iter("a") if link.get("class") == "term"], root


def test_the_first_use_leads_to_the_glossary_and_says_what_it_is():
    found, root = tips("First an all-reduce. Then **all-reduce** again, and reduce.")
    assert found == [("all-reduce", "../glossary.md#all-reduce"), ("reduce", "../glossary.md#reduce")]
    assert "".join(root.find("p").itertext()) == "First an all-reduce全归约 A sum.. Then all-reduce again, and reduce归约 To one.."
    tip = root.find(".//span[@role='tooltip']")
    assert (tip.get("id"), root.find(".//a").get("aria-describedby")) == ("tip-all-reduce", "tip-all-reduce")
    assert tip.get("data-search-exclude") == "yes" and "only-web" in tip.get("class"), "in neither the index nor the PDF"


@pytest.mark.parametrize("text", [
    "# An all-reduce",
    "[an all-reduce](x.md)",
    "`all-reduce`",
    "    all-reduce\n",
    "| all-reduce |\n|---|\n| all-reduce |\n",
    '!!! note "An all-reduce"\n',
    "a token, an all-reducer",
])
def test_headings_links_code_tables_and_titles_are_left_alone(text):
    assert tips(text)[0] == []


def test_the_first_use_in_running_text_counts_after_one_in_a_heading():
    assert tips("# All-reduce\n\nAn all-reduce, in *all-reduce*.")[0] == [("all-reduce", "../glossary.md#all-reduce")]


def test_a_term_within_a_longer_one_is_not_explained():
    found, root = tips("归约分发之后做全归约，再归约。", "zh")
    assert [word for word, _ in found] == ["全归约", "归约"]
    assert root.find(".//span[@role='tooltip']/b").get("lang") == "en"
