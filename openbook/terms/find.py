"""Find the book's terms in a text, in English by word and in Chinese by character, the longest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from openbook.terms.load import Term

SENTENCE_START = re.compile(r"(?:^|[.:;?!|/(“\"]|\d\.)[\s\"“(]*$")
# Latin words begin and end where other letters do; Chinese characters stand next to anything. In the group is what forms are kept
# by: in English a word, in Chinese two characters.
WORD_START = {"en": re.compile(r"(?<![\w-])(?=(\w+))"),
              "zh": re.compile(r"(?:(?<![A-Za-z0-9-])(?=[A-Za-z0-9])|(?=[\u3400-\u9fff]))(?=(..?))", re.DOTALL)}
WORD_END = {"en": re.compile(r"(?![\w-])"), "zh": re.compile(r"(?<=[\u3400-\u9fff])|(?![A-Za-z0-9-])")}
GAP = re.compile(r"[-\s]")
WORD = re.compile(r"\w*")


@dataclass(frozen=True)
class Found:
    """A term in a text: which, and from where to where."""

    term: Term
    start: int
    end: int


@dataclass(frozen=True)
class Form:
    """A spelling of a term by its lower-case words; a hyphen between them may be left out, a space may not."""

    words: tuple[str, ...]
    hyphenated: bool

    def end(self, text: str, start: int) -> int:
        """Return where this form ends that begins at `start`, or -1 if none does."""
        place = start
        for word in self.words:
            if place > start:
                if text[place:place + 1] == "-" or text[place:place + 1].isspace():
                    place += 1
                elif not self.hyphenated:
                    return -1
            if not text.startswith(word, place):
                return -1
            place += len(word)
        return place


@dataclass(frozen=True)
class Finder:
    """Finds terms in one language: by how they begin the forms, the longest first, and by form its spelling and term."""

    forms: dict[str, list[Form]]
    owners: dict[str, tuple[str, Term]]
    lang: str

    def find(self, text: str) -> Iterator[Found]:
        """Yield the terms of `text` in order; in English, a word capitalised within a sentence is a name, not a term."""
        place, small = 0, text.lower()
        for begin in WORD_START[self.lang].finditer(small):
            start = begin.start()
            if start < place or not (forms := self.forms.get(begin[1])):
                continue
            end = next((end for form in forms if (end := form.end(small, start)) > 0 and WORD_END[self.lang].match(small, end)), None)
            if end is None:
                continue
            spelling, term = self.owners[GAP.sub("", small[start:end])]
            if _is_spelled(text, start, end, spelling):
                place = end
                yield Found(term, start, place)


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
    # Patterns would find them as quickly, but to compile these takes longer than to check a chapter with them.
    found: dict[str, list[Form]] = {}
    for spelling in sorted(forms, key=lambda form: (-len(form), form)):
        form = Form(tuple(GAP.split(spelling.lower())), "-" in spelling)
        for beginning in _beginnings(form) if lang == "en" else [spelling[:2].lower()]:
            found.setdefault(beginning, []).append(form)
    return Finder(found, {GAP.sub("", form).lower(): (form, term) for form, term in forms.items()}, lang)


def _beginnings(form: Form) -> Iterator[str]:
    """Yield the first words that a form may have in a text: that of `all-reduce` is `all` or `allreduce`."""
    joined = ""
    for word in form.words:
        joined += word
        yield WORD.match(joined)[0]
        if not form.hyphenated or WORD.match(joined)[0] != joined:
            return


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
