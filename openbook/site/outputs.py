"""Write what belongs to the whole site and to no page: indexes, headers, styles, tables to download."""

from __future__ import annotations

from pathlib import Path

from mkdocs.utils import write_file

from openbook import LANGUAGES
from openbook.facts.download import csv_name, csv_text
from openbook.facts.model import Facts
from openbook.formulas import katex
from openbook.site.manifest import ROOTS
from openbook.site.policy import write_headers
from openbook.site.styles import drop_comments, trim_theme


def write_indexes(site: Path, indexes: dict[str, str]) -> None:
    """Write the search index of each language; a preview of one language stands at the site's root."""
    for lang, text in indexes.items():
        write_file(text.encode(), str(site / (ROOTS[lang] if len(indexes) > 1 else "") / "search" / "search_index.json"))


def write_look(site: Path, scripts: set[str], classes: set[str] | None, has_formulas: bool) -> None:
    """Write the policy for the pages' scripts, styles without what no page uses (None: whole), and those of formulas."""
    write_headers(site, scripts)
    if classes is not None:
        trim_theme(site, classes)
        drop_comments(site)
    if has_formulas:
        write_file(katex.style_sheet().encode(), str(site / "assets/katex/katex.css"))
        for font in katex.font_files():
            write_file(font.read_bytes(), str(site / "assets/katex/fonts" / font.name))


def write_tables(site: Path, facts: Facts) -> None:
    """Write each table of facts in each language; the mark at the head tells spreadsheets that the file is UTF-8."""
    for table in facts.tables.values():
        for lang in LANGUAGES:
            write_file(csv_text(table, facts, lang).encode("utf-8-sig"), str(site / csv_name(table.name, lang)))
