"""Links of the facts that lead into the book: to a page by its .md file, to anything else as a file to download."""

from __future__ import annotations

import re
from collections.abc import Iterator

from openbook.facts.model import Facts, Row, Table
from openbook.safety.addresses import leads_out

#: How a link into the book is written until the page that holds it is known.
PLACE = "book:docs/"
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def is_inside(url: str) -> bool:
    """Say whether a link names a path under docs/."""
    return not SCHEME.match(url)


def address(url: str) -> str:
    """Return the attributes of a link: where it leads, and whether to a page of the book or to a file to download."""
    if not is_inside(url):
        return f'href="{url}"'
    return f'href="{PLACE}{url}" {"data-page" if is_page(url) else "download"}'


def is_page(url: str) -> bool:
    return url.partition("#")[0].endswith(".md")


def links_inside(facts: Facts) -> Iterator[tuple[Table, Row, str]]:
    """Yield every link into the book, with the table and row that hold it."""
    for table in facts.tables.values():
        for row in table.rows:
            for name, cell in row.cells.items():
                if table.columns[name].type == "link" and name not in table.joined:
                    yield from ((table, row, url) for _, url in cell.value if is_inside(url))


def files_inside(facts: Facts) -> list[str]:
    """List the files that the facts offer for download, by their paths under docs/."""
    return list(dict.fromkeys(url for *_, url in links_inside(facts) if not is_page(url) and not leads_out(url)))
