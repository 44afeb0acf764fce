"""Every item that the book owes its readers is answered: the pages named for it in inventory.tsv claim it in their front matter."""

import csv
from pathlib import Path

import pytest

from openbook.reading.source import scan

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
with (HERE / "inventory.tsv").open(encoding="utf-8", newline="") as _file:
    ITEMS = {row["id"]: row["pages"].split() for row in csv.DictReader(_file, delimiter="\t", quoting=csv.QUOTE_NONE)}
CLAIMS = {str(path.relative_to(DOCS)): scan(path.name, path.read_text("utf-8")).meta.get("covers") or []
          for path in sorted(DOCS.rglob("*.md")) if not path.name.endswith(".zh.md")}


@pytest.mark.parametrize("page", CLAIMS)
def test_a_page_claims_exactly_the_items_it_is_named_for(page):
    assert sorted(CLAIMS[page]) == sorted(name for name, pages in ITEMS.items() if page in pages)


def test_what_is_still_owed_is_listed_by_its_id():
    """A page that does not exist yet stands in owed.tsv with the items that wait for it, and nothing else does."""
    with (HERE / "owed.tsv").open(encoding="utf-8", newline="") as file:
        owed = {row["id"]: row["pages"].split() for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    missing = {name: [page for page in pages if page not in CLAIMS] for name, pages in ITEMS.items()}
    assert owed == {name: pages for name, pages in missing.items() if pages}
