"""Take stock of a built book: prints of pages, pages and sizes of PDFs, Chinese sections that are behind."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pikepdf

from openbook.findings import BookError, Finding
from openbook.freshness.state import states_of

FORMAT = 1
#: The chapter itself: without navigation, footer and addresses of scripts, which change when it does not.
ARTICLE = re.compile(r"<article[^>]*>(.*?)</article>", re.DOTALL)


def snapshot(root: Path) -> dict:
    """Return what the site and PDFs built in `root` hold; raise BookError when there is no built site."""
    site = root / "site"
    try:
        book = json.loads((site / "book.json").read_text("utf-8"))
    except FileNotFoundError:
        raise BookError([Finding("site/book.json", 1, "output", "there is no built site to look at",
                                 "Run `make` first.")]) from None
    return {"format": FORMAT, "commit": book["commit"], "version": book["version"],
            "pages": {f"{lang}/{chapter['path']}": {"title": page["title"], "source": page["source"],
                                                    "print": _print(site / page["html"])}
                      for chapter in book["chapters"] for lang, page in chapter["languages"].items()},
            "behind": {chapter["languages"]["zh"]["source"]: found for chapter in book["chapters"]
                       if "zh" in chapter["languages"] and (found := _behind(root, chapter))},
            "pdfs": {name: _pdf(site / "pdf" / name) for language in book["languages"]
                     if (site / "pdf" / (name := Path(language["pdf"]).name)).is_file()}}


def _print(page: Path) -> str:
    text = page.read_text("utf-8")
    article = ARTICLE.search(text)
    return hashlib.sha256((article[1] if article else text).encode()).hexdigest()[:16]


def _behind(root: Path, chapter: dict) -> dict[str, str]:
    """Return the English titles, by id, of the sections whose Chinese is older than the English."""
    files = [root / "docs" / chapter["path"], root / chapter["languages"]["zh"]["source"]]
    if files[0] == files[1]:
        return {}    # not translated: Chinese readers see the English file
    english, chinese = (file.read_text("utf-8") for file in files)
    return {state.id: state.title for state in states_of(chinese, english) if state.behind}


def _pdf(path: Path) -> dict[str, int]:
    with pikepdf.open(path) as pdf:
        return {"pages": len(pdf.pages), "size": path.stat().st_size}
