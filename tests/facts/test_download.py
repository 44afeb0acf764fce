"""A table downloads as CSV: plain values, with notes, other sources' values, addresses and dates."""

import csv
import io

import pytest

from openbook.facts.download import csv_name, csv_text
from openbook.facts.load import load_facts

FILES = {
    "docs/data/sources.yml": """
        nv: {title: T, publisher: NVIDIA, url: "https://example.org/nv", kind: doc, accessed: 2026-11-21}
        amd: {title: T, publisher: AMD, url: "https://example.org/amd", kind: doc, accessed: 2026-11-21}
        pypi: {title: T, publisher: PyPI, kind: package, accessed: 2026-11-21}
        """,
    "docs/data/chips.yml": """
        title: {en: Chips, zh: 芯片}
        columns:
          name: {type: text, en: Chip, zh: 芯片}
          kind: {type: choice, en: Kind, zh: 类型, choices: {gpu: {en: graphics, zh: 图形}}}
          bf16: {type: number, unit: TFLOPS, en: BF16, zh: BF16, sourced: true}
          half: {type: number, digits: 1, en: Half, zh: 一半, compute: bf16 / 2}
          page: {type: link, en: Page, zh: 页面}
        rows:
          - id: h100
            src: nv
            checked: 2026-11-21
            name: {en: "H100 `SXM` [@nv], $n_a < 8$", zh: "H100 `SXM`，$n_a < 8$"}
            kind: gpu
            bf16: {value: 1979.5, src: amd, checked: 2026-10-01, note: {en: "Dense, see [@pypi].", zh: 稠密。}, also: [{value: 1980, src: pypi}]}
            page: {label: page, url: "https://example.org/page"}
          - {id: b, src: nv, checked: 2026-11-20, name: B}
        """}


@pytest.mark.parametrize("lang, rows", [
    ("en", [["id", "Chip", "Kind", "BF16 (TFLOPS)", "Half", "Page", "Notes", "Sources", "Checked"],
            ["h100", "H100 SXM, $n_a < 8$", "graphics", "1979.5", "989.8", "https://example.org/page",
             "BF16: Dense, see. | BF16: or 1980 (pypi)", "https://example.org/nv https://example.org/amd pypi", "2026-11-21"],
            ["b", "B", "", "", "", "", "", "https://example.org/nv", "2026-11-20"]]),
    ("zh", [["id", "芯片", "类型", "BF16 (TFLOPS)", "一半", "页面", "注释", "来源", "核对日期"],
            ["h100", "H100 SXM，$n_a < 8$", "图形", "1979.5", "989.8", "https://example.org/page",
             "BF16：稠密。 | BF16：或 1980（pypi）", "https://example.org/nv https://example.org/amd pypi", "2026-11-21"],
            ["b", "B", "", "", "", "", "", "https://example.org/nv", "2026-11-20"]])])
def test_every_row_and_column_in_one_language(write, lang, rows):
    root = write(FILES)
    facts, findings = load_facts(root / "docs/data", root)
    assert findings == []
    assert list(csv.reader(io.StringIO(csv_text(facts.tables["chips"], facts, lang)))) == rows


def test_the_file_is_named_by_table_and_language():
    assert csv_name("chips", "zh") == "assets/data/chips.zh.csv"
