"""Read the site's manifest (book.json) into the chapters of one language, in book order."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import PdfError
from .flatten_quotes import curl

FORMAT = 1
REBUILD = "run `make site`, then this again"


@dataclass(frozen=True)
class Heading:
    """One heading of a chapter as the site's manifest lists it."""

    level: int
    id: str
    title: str


@dataclass(frozen=True)
class Chapter:
    """One chapter in one language; `number` is None for front and back matter."""

    path: str
    id: str
    number: int | None
    part: int | None
    title: str
    url: str
    html: Path
    language: str
    source: str = ""
    headings: tuple[Heading, ...] = ()
    attachments: tuple[str, ...] = ()
    translated: bool = True
    behind: int = 0


@dataclass(frozen=True)
class Part:
    """A numbered group of chapters; `url` is the address of its page on the web, which is a page of its own in print too."""

    number: int
    id: str
    title: str
    url: str = ""


@dataclass(frozen=True)
class Book:
    """Everything one language's edition is made from."""

    site: Path
    code: str
    tag: str
    root: str
    title: str
    subtitle: str
    author: str
    description: str
    keywords: tuple[str, ...]
    pdf: str
    version: str
    commit: str | None
    date: str
    site_url: str
    repo_url: str | None
    license_name: str
    license_url: str
    parts: tuple[Part, ...]
    chapters: tuple[Chapter, ...]

    def front(self) -> tuple[Chapter, ...]:
        """List the chapters without a part that come before the first part."""
        first = next((i for i, c in enumerate(self.chapters) if c.part is not None), len(self.chapters))
        return self.chapters[:first]

    def part_of(self, chapter: Chapter) -> Part | None:
        """Find the part a chapter belongs to; None for front and back matter."""
        return next((p for p in self.parts if p.number == chapter.part), None)

    def keep(self, paths: list[str]) -> Book:
        """Keep only the named chapters; raise PdfError, with near names, for one that is not in the book."""
        known = {c.path: c for c in self.chapters}
        wanted = set()
        for given in paths:
            path = given.removeprefix("./").removeprefix("docs/").replace(".zh.md", ".md")
            if path not in known:
                near = difflib.get_close_matches(path, known, n=3, cutoff=0.3) or sorted(known)[:5]
                raise PdfError(f"no chapter {given} in the book", str(self.site / "book.json"),
                               "name one of: " + ", ".join(near))
            wanted.add(path)
        return replace(self, chapters=tuple(c for c in self.chapters if c.path in wanted))


def read_manifest(site: Path) -> dict[str, Any]:
    """Read book.json; raise PdfError when it is absent, malformed or of another format."""
    path = site / "book.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PdfError("the site is not built: it has no book.json", str(path), REBUILD) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PdfError(f"book.json cannot be read: {error}", str(path), REBUILD) from None
    except json.JSONDecodeError as error:
        raise PdfError(f"book.json is not JSON: {error.msg}", f"{path}, line {error.lineno}", REBUILD) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = data.get("format") if isinstance(data, dict) else type(data).__name__
        raise PdfError(f"book.json is of format {found}, this program reads format {FORMAT}", str(path), REBUILD)
    return data


def language_codes(site: Path) -> list[str]:
    """List the languages the site was built in, in the manifest's order."""
    try:
        return [language["code"] for language in read_manifest(site)["languages"]]
    except (KeyError, TypeError) as error:
        raise _malformed(site, error) from None


def collect(site: Path, code: str) -> Book:
    """Read one language's book from the built site; raise PdfError for whatever is missing or malformed."""
    data = read_manifest(site)
    try:
        language = next((item for item in data["languages"] if item["code"] == code), None)
        if language is None:
            codes = ", ".join(item["code"] for item in data["languages"])
            raise PdfError(f"the site has no language {code}", str(site / "book.json"), f"use one of: {codes}")
        book = _book(site, data, language)
    except (KeyError, TypeError, AttributeError) as error:
        raise _malformed(site, error) from None
    for chapter in book.chapters:
        if not chapter.html.is_file():
            raise PdfError(f"the page of {chapter.path} is missing", str(chapter.html), REBUILD)
        for path in chapter.attachments:
            if not (site / path).is_file():
                raise PdfError(f"the file {path} that {chapter.path} shows is missing", str(site / path), REBUILD)
    return book


def _malformed(site: Path, error: Exception) -> PdfError:
    """Describe a manifest that lacks a key or has a value of the wrong kind."""
    what = f"lacks the key {error}" if isinstance(error, KeyError) else f"has an unexpected value ({error})"
    return PdfError(f"book.json {what}", str(site / "book.json"), REBUILD)


def _book(site: Path, data: dict[str, Any], language: dict[str, Any]) -> Book:
    """Turn the manifest's plain data into a Book of one language."""
    code = language["code"]
    return Book(
        site=site, code=code, tag=language["tag"], root=language["root"], title=_printed(language["title"], code),
        subtitle=_printed(language.get("subtitle") or "", code), author=language.get("author") or "",
        description=language.get("description") or "", keywords=tuple(language.get("keywords") or ()),
        pdf=language["pdf"], version=data["version"], commit=data.get("commit"), date=data["date"],
        site_url=data.get("site_url") or "", repo_url=data.get("repo_url"),
        license_name=data["license"]["name"], license_url=data["license"]["url"],
        parts=tuple(Part(p["number"], p["id"], _printed(p["title"][code], code), p.get("urls", {}).get(code, "")) for p in data["parts"]),
        chapters=tuple(_chapter(site, item, code) for item in data["chapters"] if item.get("print", True)),
    )


def _printed(title: str, language: str) -> str:
    """Return a title as print has it: the chapters' quotation marks are curled too."""
    return title if language == "zh" else curl(title)


def _chapter(site: Path, item: dict[str, Any], code: str) -> Chapter:
    """Turn one chapter of the manifest into a Chapter of one language."""
    here = item["languages"].get(code)
    if here is None:
        raise PdfError(f"the site has no {code} page for {item['path']}", str(site / "book.json"),
                       "write the chapter, or take it out of the navigation, and run `make site`")
    language = here.get("language") or code
    return Chapter(
        path=item["path"], id=item["id"], number=item["number"], part=item["part"], title=_printed(here["title"], language),
        url=here["url"], html=site / here["html"], language=language,
        source=here.get("source") or item["path"],
        headings=tuple(Heading(h["level"], h["id"], _printed(h["title"], language)) for h in here.get("headings", ())),
        attachments=tuple(item.get("attachments", ())),
        translated=all(page.get("language", other) == other for other, page in item["languages"].items()),
        behind=max((int(page.get("behind", 0)) for page in item["languages"].values()), default=0),
    )
