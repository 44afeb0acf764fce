"""Check a few chapters: of all the others is read only what these name, and of the facts only what these show."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from openbook import LANGUAGES
from openbook.addresses.released import check_addresses_on
from openbook.book import Book
from openbook.checking.links import check_links
from openbook.checking.pairs import check_doubles, check_pairs, said_of
from openbook.checking.share import only
from openbook.checking.texts import check_texts
from openbook.facts.on_demand import facts_on_demand
from openbook.findings import Finding
from openbook.reading.library import Library, open_library
from openbook.reading.source import split_front_matter
from openbook.terms.load import load_terms


def check_few(root: Path, book: Book, chapters: Collection[str]) -> list[Finding]:
    """Return the findings of the whole book's check about the files of some chapters, given by path, and maybe others."""
    library, facts = open_library(root / "docs", book), facts_on_demand(root / "docs/data", root)
    terms, _ = load_terms(root / "docs/data", root)
    return [*check_pairs(library, chapters), *check_doubles(_with_namesakes(library, chapters)),
            *check_links(library, facts, chapters), *check_addresses_on(library, root, chapters),
            *check_texts(only(library, set(chapters)), facts, terms)]


def _with_namesakes(library: Library, chapters: Collection[str]) -> Library:
    """Return a library of some chapters and of all files that may have the title or the description of one of them."""
    said = [(lang, said_of(source)) for chapter in chapters for lang in LANGUAGES if (source := library.sources.get((chapter, lang)))]
    return Library(library.book, library.docs, {
        (path, lang): library.sources[path, lang] for path, lang in library.sources if path in chapters
        or _may_say(library.docs / library.book.by_path[path].file(lang), [words for other, words in said if other == lang])})


def _may_say(path: Path, said: list[dict[str, str]]) -> bool:
    """Tell without reading its YAML whether a file may have one of some titles or descriptions; most have words of their own."""
    text = path.read_text("utf-8")
    head, _ = split_front_matter(text)
    headings = "\n".join(line for line in text.split("\n") if line.startswith("#"))
    signs = [(sign, place) for words in said for sign, place in ((_longest_word(words["description"]), head), (words["title"], headings))]
    return "\\" in head or any(sign and sign in place for sign, place in signs)


def _longest_word(text: str) -> str:
    """Return the longest word of a text that YAML writes as it is, however it quotes and folds the text."""
    return max((word for word in text.split() if "'" not in word and '"' not in word), key=len, default="")
