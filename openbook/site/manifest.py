"""Write the manifest site/book.json: what the book is, for every step after the site."""

from __future__ import annotations

import hashlib
import json
import os
import datetime
import shutil
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from openbook import LANGUAGES
from openbook.book import Chapter
from openbook.git import ask, tracked
from openbook.reading.library import Library
from openbook.reading.programs import attachments

FORMAT = 1
LICENSE = {"name": "CC BY-SA 4.0", "url": "https://creativecommons.org/licenses/by-sa/4.0/"}
TAGS = {"en": "en", "zh": "zh-Hans"}
ROOTS = {"en": "", "zh": "zh/"}
PDF = "pdf/ml-engineering.{}.pdf"
OFFLINE = "ml-engineering.zip"
#: Characters of a commit's name.
COMMIT = 10


@dataclass
class Collected:
    """What the plugin learned of each page while the site was built: `pages[path, lang]`."""

    pages: dict[tuple[str, str], dict] = field(default_factory=dict)


def git_state(root: Path) -> tuple[str | None, str | None]:
    """Return the short commit and its day, or (None, None) where there is no history."""
    if not (shown := ask(root, "log", "-1", "--format=%H %cs")) or not tracked(root):
        return None, None
    commit, day = shown.split()
    return commit[:COMMIT], day    # git's own short form is longer in a clone with more objects


def edition_date(commit_day: str | None) -> str:
    """Return the date that the edition carries: SOURCE_DATE_EPOCH, else the last commit's, else today's, in UTC."""
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).date().isoformat()
    return commit_day or datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def printed(library: Library, chapter: Chapter) -> bool:
    """Say whether a page goes into the PDF: not where its English front matter says `print: false`."""
    source = library.source(chapter, "en")
    return source is None or source.meta.get("print") is not False


def copy_attachments(content: dict, docs: Path, site_dir: Path, more: list[str]) -> None:
    """Put the programs that chapters show, and more that tables link, into the site, where readers and the PDF step find them."""
    for path in {*more, *(path for chapter in content["chapters"] for path in chapter["attachments"])}:
        (site_dir / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(docs / path, site_dir / path)


def manifest(library: Library, collected: Collected, texts: dict, root: Path, site_url: str, repo_url: str | None) -> dict:
    """Return the manifest; `texts` holds title, subtitle, author, description and keywords of each language."""
    book, docs = library.book, library.docs
    commit, day = git_state(root)
    return {
        "format": FORMAT, "version": version("openbook"), "commit": commit, "date": edition_date(day),
        "site_url": site_url, "repo_url": repo_url, "license": LICENSE,
        "languages": [{"code": lang, "tag": TAGS[lang], "root": ROOTS[lang], **texts[lang],
                       "pdf": PDF.format(lang)} for lang in LANGUAGES],
        "parts": [{"number": part.number, "id": part.id, "title": part.title,
                   "urls": {lang: ROOTS[lang] + part.page.removesuffix("index.md") for lang in LANGUAGES},
                   "chapters": [chapter.path for chapter in part.chapters]} for part in book.parts],
        "chapters": [{"path": chapter.path, "id": chapter.id, "number": chapter.number, "part": chapter.part,
                      "print": printed(library, chapter), "attachments": attachments(library, chapter),
                      "languages": {lang: _page(collected.pages[chapter.path, lang], docs) for lang in LANGUAGES
                                    if (chapter.path, lang) in collected.pages}}
                     for chapter in book.chapters],
    }


def _page(page: dict, docs: Path) -> dict:
    source = docs / page["file"]
    fields = {key: value for key, value in page.items() if key != "file"}
    return {**fields, "source": f"docs/{page['file']}", "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest()}


def write_manifest(content: dict, site_dir: Path) -> None:
    """Write book.json into the site."""
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    (site_dir / "book.json").write_text(text, "utf-8")
