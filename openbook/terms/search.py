"""Help readers find a section by words it does not use: the terms' other language, and what readers type instead."""

from __future__ import annotations

import re
from dataclasses import dataclass

import rjieba

from openbook.terms.find import GAP, Finder, chinese_finder, english_finder
from openbook.terms.load import Term

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")


@dataclass(frozen=True)
class SearchWords:
    """The words of one language's index: how Chinese is cut, and by a term's id what is added where it stands."""

    cutter: rjieba.Jieba | None
    finder: Finder
    added: dict[str, list[str]]

    def cut(self, run: str) -> list[str]:
        """Return a run of Chinese characters as words, the book's terms whole; for the Chinese index alone."""
        return self.cutter.cut(run)

    def others(self, text: str) -> str:
        """Return the words by which readers look for the terms of `text` without finding them in it."""
        words: dict[str, None] = {}
        for name in dict.fromkeys(found.term.id for found in self.finder.find(text)):
            words |= dict.fromkeys(self.added[name])
        return " ".join(word for word in words if word not in text)


def search_words(terms: tuple[Term, ...], lang: str) -> SearchWords:
    """Return the search words of the index of `lang`."""
    finder = english_finder(terms) if lang == "en" else chinese_finder(
        terms, lambda term: [form for form in (*term.zh, *term.forms) if len(form) > 1])
    return SearchWords(_cutter(terms) if lang == "zh" else None, finder, {term.id: _other_words(term, lang) for term in terms})


def _cutter(terms: tuple[Term, ...]) -> rjieba.Jieba:
    """Return what cuts Chinese into words and leaves the terms whole; it takes a tenth of a second to make."""
    cutter = rjieba.Jieba()
    for term in terms:
        for form in (*term.zh, *term.avoid, *term.typed):
            if len(form) > 1 and HAN.fullmatch(form):
                cutter.add_word(form, cutter.suggest_freq(form), "n")
    return cutter


def _other_words(term: Term, lang: str) -> list[str]:
    english = [*dict.fromkeys((term.word, *term.forms))]
    chinese = [form for form in (*term.zh, *term.avoid) if len(form) > 1]
    # `allreduce` beside `all-reduce`, whose two words are cut apart.
    joined = [GAP.sub("", form) for form in english if "-" in form]
    words = [*english, *joined, *chinese, *term.typed]
    if lang == "zh":    # a term stays whole in the text: its parts find it too
        words += [part for form in chinese for run in HAN.findall(form) for part in rjieba.cut(run) if len(part) > 1]
    return words
