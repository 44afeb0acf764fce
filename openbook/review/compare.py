"""Compare two snapshots of the book: pages that changed, Chinese sections that fell behind, PDFs that grew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from openbook.findings import BookError, Finding
from openbook.review.comment import comment
from openbook.review.snapshot import FORMAT, snapshot


def write_snapshot(root: Path, file: Path) -> Iterator[str]:
    """Write a snapshot of what is built in `root` and yield a line that says so."""
    found = snapshot(root)
    file.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    yield f"Wrote {file}: {len(found['pages'])} pages, {len(found['pdfs'])} PDFs."


def tell(old: Path, new: Path, data: Path | None) -> Iterator[str]:
    """Yield what differs between two snapshots, in Markdown, and write it as data for another machine to tell."""
    changes = compare(read_snapshot(old) if old.is_file() else None, read_snapshot(new))
    if data:
        data.write_text(json.dumps(changes, ensure_ascii=False) + "\n", "utf-8")
    yield comment(changes).rstrip("\n")


def read_snapshot(path: Path) -> dict:
    """Return a snapshot from its file; raise BookError where it is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BookError([Finding(str(path), 1, "snapshot", f"this snapshot cannot be read: {error}",
                                 "Make it with `openbook snapshot FILE`.")]) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BookError([Finding(str(path), 1, "snapshot", f"this is no snapshot of format {FORMAT}",
                                 "Make it again with `openbook snapshot FILE` of this program.")])
    return found


def compare(old: dict | None, new: dict) -> dict:
    """Return what differs between two snapshots as plain data; without an old one, only what is there now."""
    before = old or new
    return {"format": FORMAT, "old": old and old["commit"], "new": new["commit"],
            "pages": list(_pages(before["pages"], new["pages"])),
            "behind": [{"file": file, "id": name, "title": title} for file, sections in new["behind"].items()
                       for name, title in sections.items() if old and name not in before["behind"].get(file, {})],
            "pdfs": [{"name": name, "old": (old or {"pdfs": {}})["pdfs"].get(name), "new": new["pdfs"].get(name)}
                     for name in {**before["pdfs"], **new["pdfs"]}]}


def _pages(old: dict, new: dict) -> Iterator[dict[str, str]]:
    for name in {**old, **new}:
        if old.get(name, {}).get("print") == new.get(name, {}).get("print"):
            continue
        state = "changed" if name in old and name in new else "added" if name in new else "removed"
        page = new.get(name) or old[name]
        yield {"state": state, "language": name.partition("/")[0], "title": page["title"], "source": page["source"]}
