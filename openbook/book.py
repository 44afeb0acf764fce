"""Know what the book is: its parts and chapters in order, read from the navigation in mkdocs.yml."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from openbook.findings import BookError, Finding
from openbook.reading.quick_yaml import QUICK
from openbook.reading.source import slug


@dataclass(frozen=True)
class Chapter:
    """A page of the book in both languages; `number` and `part` are None for front and back matter."""

    path: str
    id: str
    number: int | None
    part: int | None

    @property
    def twin(self) -> str:
        """Return the path of the Chinese file."""
        return self.path.removesuffix(".md") + ".zh.md"

    def file(self, lang: str) -> str:
        """Return the path under docs/ of the chapter's file in `lang`."""
        return self.path if lang == "en" else self.twin


@dataclass(frozen=True)
class Part:
    """A part of the book: a number from 1, a title in each language, its chapters."""

    number: int
    title: dict[str, str]
    chapters: tuple[Chapter, ...]

    @property
    def id(self) -> str:
        return f"part-{self.number}"

    @property
    def page(self) -> str:
        """Return the path of the part's own page, which the build writes: it stays when parts are numbered anew."""
        return f"parts/{slug(self.title['en'])}/index.md"


@dataclass(frozen=True)
class Book:
    """All parts that have a chapter, all chapters in reading order, and the parts that wait for their first chapter."""

    parts: tuple[Part, ...]
    chapters: tuple[Chapter, ...]
    planned: tuple[Part, ...] = ()
    by_path: dict[str, Chapter] = field(repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.by_path.update({chapter.path: chapter for chapter in self.chapters})


def chapter_id(path: str) -> str:
    """Return the id that names a chapter in manifests and PDFs: `network/index.md` is `network`."""
    stem = path.removesuffix(".md").removesuffix("/index")
    return stem.replace("/", "-")


def english_path(file: str) -> str:
    """Return the path of a chapter's English file, given its file in either language."""
    return file.removesuffix(".zh.md") + ".md" if file.endswith(".zh.md") else file


def page_url(path: str) -> str:
    """Return the address of a page under its language's root: `network/` of network/index.md, `tables/` of tables.md."""
    stem = path.removesuffix(".md")
    return stem.removesuffix("index") if stem == "index" or stem.endswith("/index") else stem + "/"


def book_from_nav(nav: list, translations: dict[str, str], unnumbered: tuple[str, ...] = ("About",)) -> Book:
    """Return the book that a MkDocs `nav` describes.

    Top-level pages are front matter, top-level sections are parts, and sections named in
    `unnumbered` are back matter. A part without a chapter is only planned, but keeps its number.
    """
    parts: list[Part] = []
    planned: list[Part] = []
    chapters: list[Chapter] = []
    position = number = 0
    for item in nav:
        if isinstance(item, str):
            chapters.append(Chapter(item, chapter_id(item), None, None))
            continue
        ((title, children),) = item.items()
        if isinstance(children, str):
            chapters.append(Chapter(children, chapter_id(children), None, None))
            continue
        paths = list(_paths(children))
        if title in unnumbered:
            chapters += [Chapter(path, chapter_id(path), None, None) for path in paths]
            continue
        position += 1
        members = []
        for path in paths:
            number += 1
            members.append(Chapter(path, chapter_id(path), number, position))
        part = Part(position, {"en": title, "zh": translations.get(title, title)}, tuple(members))
        (parts if members else planned).append(part)
        chapters += members
    return Book(tuple(parts), tuple(chapters), tuple(planned))


def _paths(children) -> list[str]:
    for child in children if isinstance(children, list) else [children]:
        if isinstance(child, str):
            yield posixpath.normpath(child)
        else:
            for value in child.values():
                yield from _paths(value)


def _config_loader(base: type) -> type:
    """Return a loader of mkdocs.yml for its plain values; tags such as !ENV and !!python/name have none here."""
    loader = type("ConfigLoader", (base,), {})
    loader.add_multi_constructor("!", lambda loader, suffix, node: None)
    loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)
    return loader


def _load_config(text: str) -> dict:
    try:
        return yaml.load(text, _config_loader(QUICK)) or {}
    except yaml.YAMLError:
        return yaml.load(text, _config_loader(yaml.SafeLoader)) or {}    # it explains mistakes better


def read_book(root: Path) -> Book:
    """Return the book of the repository at `root`; raise BookError when mkdocs.yml cannot be read."""
    path = root / "mkdocs.yml"
    try:
        config = _load_config(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BookError([Finding("mkdocs.yml", 1, "config", "there is no mkdocs.yml here",
                                 "Run the command in the root of the repository.")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise BookError([Finding("mkdocs.yml", (mark.line if mark else 0) + 1, "config",
                                 f"this is not YAML: {getattr(error, 'problem', error)}",
                                 "Mend the line; indentation and colons are the usual cause.")]) from None
    return book_from_nav(config.get("nav") or [], nav_translations(config.get("plugins") or []))


def nav_translations(plugins: list) -> dict[str, str]:
    """Return the Chinese section titles from the i18n plugin's settings."""
    for plugin in plugins:
        if isinstance(plugin, dict) and "i18n" in plugin:
            for language in plugin["i18n"].get("languages", []):
                if language.get("locale") == "zh":
                    return language.get("nav_translations") or {}
    return {}
