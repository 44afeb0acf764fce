"""Find the book's terms in a text, in English by word and in Chinese by character, the longest first."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from openbook.terms.load import Term

SENTENCE_START = re.compile(r"(?:^|[.:;?!|/(“\"]|\d\.)[\s\"“(]*$")
# Latin words begin and end where no other letters stand; Chinese characters stand next to anything.
LATIN = {"en": r"\w", "zh": "[A-Za-z0-9]"}
HAN = r"[\u3400-\u9fff]"
WORD_START = {lang: rf"(?<!{latin})(?<!-){latin}+" for lang, latin in LATIN.items()}
WORD_END = {"en": re.compile(r"(?![\w-])"), "zh": re.compile(rf"(?<={HAN})|(?![A-Za-z0-9-])")}
GAP = re.compile(r"[-\s]")


@dataclass(frozen=True)
class Found:
    """A term in a text: which, and from where to where."""

    term: Term
    start: int
    end: int


@dataclass(frozen=True)
class Finder:
    """Finds terms in one language, by looking forms up: a pattern of all forms takes longer to make than to use.

    `starts` matches where one may begin, `lengths` tells how long it may be if it begins with a word or with two Chinese
    characters, `owners` its spelling and term by form: in lower case, with a space for each hyphen.
    """

    starts: re.Pattern[str]
    lengths: dict[str, list[int]]
    owners: dict[str, tuple[str, Term]]
    lang: str

    def find(self, text: str) -> Iterator[Found]:
        """Yield the terms of `text` in order; in English, a word capitalised within a sentence is a name, not a term."""
        place, small = 0, text.lower()
        spaced, ends = GAP.sub(" ", small), WORD_END[self.lang]
        for begin in self.starts.finditer(small):
            start = begin.start()
            if start < place:
                continue
            for length in self.lengths.get(begin[0] or spaced[start:start + 2], ()):
                form = spaced[start:start + length]
                end = start + len(form)
                if form not in self.owners or not ends.match(small, end):
                    continue
                spelling, term = self.owners[form]
                if _is_spelled(text, start, end, spelling):
                    place = end
                    yield Found(term, start, end)
                break


def english_finder(terms: tuple[Term, ...]) -> Finder:
    """Return the finder of English forms: plurals too, and hyphen or space alike."""
    forms = {form: term for term in terms for form in term.forms}
    return _finder({_plural(form): term for form, term in forms.items()} | forms, "en")


def chinese_finder(terms: tuple[Term, ...], forms: Callable[[Term], Iterable[str]] = lambda term: term.zh) -> Finder:
    """Return the finder of Chinese forms; of two terms with one form, the one with a definition wins."""
    owners: dict[str, Term] = {}
    for term in terms:
        for form in forms(term):
            if form not in owners or (term.define and not owners[form].define):
                owners[form] = term
    return _finder(owners, "zh")


def abbreviations(term: Term) -> list[str]:
    """Return the forms of a term that Chinese text uses as they are: MFU, HBM, FlashAttention."""
    return [form for form in term.forms if GAP.search(form) is None and form[1:] != form[1:].lower()]


def _finder(forms: dict[str, Term], lang: str) -> Finder:
    # Forms that differ in hyphens alone are one: of them, the last has the term.
    joined = {GAP.sub("", form).lower(): (form, term) for form, term in forms.items()}
    owners = {spaced: joined[spaced.replace(" ", "")] for form in forms for spaced in _spaced(form.lower())}
    lengths: dict[str, list[int]] = {}
    for spaced in sorted(owners, key=len, reverse=True):
        word = re.match(LATIN[lang] + "+", spaced)
        known = lengths.setdefault(word[0] if word else spaced[:2], [])
        if len(spaced) not in known:
            known.append(len(spaced))
    han = "".join({spaced[0] for spaced in owners if re.match(HAN, spaced)})
    starts = WORD_START[lang] + (f"|(?=[{han}])" if lang == "zh" and han else "")
    return Finder(re.compile(starts), lengths, owners, lang)


def _spaced(form: str) -> Iterator[str]:
    """Yield a form with spaces; what has a hyphen is also written as one word."""
    words = GAP.split(form)
    for gaps in itertools.product(("", " ") if "-" in form else (" ",), repeat=len(words) - 1):
        yield "".join(itertools.chain(*zip(words, (*gaps, ""))))


def _plural(form: str) -> str:
    if re.search(r"[^aeiou]y$", form):
        return form[:-1] + "ies"
    return form + ("es" if re.search(r"(?:[sxz]|ch|sh)$", form) else "s")


def _is_spelled(text: str, start: int, end: int, spelling: str) -> bool:
    """An abbreviation is spelled exactly so; other words have a capital only where a sentence begins."""
    word = text[start:end]
    if spelling != spelling.lower():
        return GAP.sub("", word) == GAP.sub("", spelling)
    if word == word.lower():
        return True
    return word[1:] == word[1:].lower() and bool(SENTENCE_START.search(text[:start]))
