"""A Markdown file is scanned into pieces with lines."""

import textwrap

import pytest
from hypothesis import given, strategies as st
from markdown.extensions.toc import slugify

from openbook.reading.formulas import formulas_in
from openbook.reading.library import read_library
from openbook.reading.source import scan, slug
from openbook.book import read_book


def scanned(text: str):
    return scan("x.md", textwrap.dedent(text).lstrip("\n"))


def test_front_matter_and_headings_have_lines_and_ids():
    source = scanned("""
        ---
        description: One.
        ---
        # Title

        ## How it works {#how}
        ### TFLOPS comparison table
        ### TFLOPS comparison table
    """)
    assert source.meta == {"description": "One."}
    assert [(heading.line, heading.level, heading.id) for heading in source.headings] == [
        (4, 1, "title"), (6, 2, "how"), (7, 3, "tflops-comparison-table"), (8, 3, "tflops-comparison-table_1")]


def test_code_is_not_prose():
    source = scanned("""
        # T

        ```markdown
        # no heading [no](link.md) [@no-cite]
        ```

        Inline `[no](link.md)` and [yes](a.md#b).
    """)
    assert [heading.text for heading in source.headings] == ["T"]
    assert [(link.line, link.target) for link in source.links] == [(7, "a.md#b")]
    assert source.citations == []
    assert source.fences[0].line == 3 and source.fences[0].language == "markdown"


def test_fences_inside_notes_lose_the_indentation():
    source = scanned("""
        !!! note

            ``` { .bash .tested }
            echo hi
            ```
    """)
    assert source.fences[0].body == "echo hi"
    assert source.fences[0].language == "bash"
    assert source.fences[0].classes == {"bash", "tested"}


def test_captions_citations_and_snippets_are_found():
    source = scanned("""
        ![A ring.](figures/ring.svg){#fig-ring}

        | a | b |
        |---|---|
        | 1 | 2 [@one; @two] |

        Table: Two numbers. {#tab-two}

        ```table
        id: tab-chips
        data: chips
        columns: [name]
        caption: Chips [@three].
        ```

        ```python
        --8<-- "x/ring.py:main"
        ```
    """)
    assert [(caption.line, caption.id) for caption in source.captions] == [(1, "fig-ring"), (7, "tab-two"), (10, "tab-chips")]
    assert source.citations == [(5, "one"), (5, "two"), (13, "three")]
    assert source.snippets == [(17, "x/ring.py:main")]
    assert source.tables == [(3, [2, 2, 2])]


def test_an_unclosed_fence_is_known_by_its_first_line():
    assert scanned("# T\n\n```bash\necho\n").unclosed_fence == 3


def test_malformed_front_matter_keeps_its_line():
    line, message = scanned("---\ndescription: a: b\n---\n# T\n").meta_error
    assert line == 2


@pytest.mark.parametrize("line, tex", [
    (r"costs \$5 and $x^2$ more", ["x^2"]), ("from $5 to $10 dollars", []), ("`$no$` but $a_1$", ["a_1"])])
def test_inline_formulas(line, tex):
    assert [formula.tex for formula in formulas_in(line)] == tex


def test_displayed_formulas_span_lines():
    (formula,) = formulas_in("# T\n\n$$\na = b\n$$\n")
    assert (formula.line, formula.tex, formula.display) == (3, "a = b", True)


def test_captions_are_numbered_by_chapter_and_kind(write, small_book):
    write({"docs/deep/index.md": "# Deep\n\n![f](f.svg){#fig-f}\n\n| a |\n|---|\n| 1 |\n\nTable: t. {#tab-t}\n\n![g](g.svg){#fig-g}\n",
           "docs/index.md": "# Home\n\n| a |\n|---|\n| 1 |\n\nTable: t. {#tab-home}\n"})
    library = read_library(small_book / "docs", read_book(small_book))
    assert library.label("deep/index.md", "fig-g", "en") == "Figure 2.2"
    assert library.label("deep/index.md", "tab-t", "zh") == "表 2.1"
    assert library.label("index.md", "tab-home", "en") == "Table 1"
    assert library.label("index.md", "tab-none", "en") is None


def test_equations_charts_and_tables_are_captions_in_reading_order():
    source = scanned("""
        $$
        a = b
        $$
        {#eq-sum}

        ```chart
        id: fig-peaks
        data: chips
        caption: Peaks [@three].
        ```

        ```yaml
        id: fig-no
        ```
    """)
    assert [(caption.line, caption.kind, caption.id) for caption in source.captions] == [(4, "eq", "eq-sum"), (7, "fig", "fig-peaks")]
    assert source.citations == [(9, "three")]


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Z"]), max_size=40))
def test_a_slug_is_what_the_toc_extension_makes(words):
    assert slug(words) == slugify(words, "-")
