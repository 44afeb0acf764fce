"""Find the book's terms in a text, in English by word and in Chinese by character, the longest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from openbook.terms.load import Term

SENTENCE_START = re.compile(r"(?:^|[.:;?!|/(“\"]|\d\.)[\s\"“(]*$")
# Latin words end where other letters do; Chinese characters stand next to anything.
WORD_START = {"en": re.compile(r"(?<![\w-])(?=\w)"), "zh": re.compile(r"(?<![A-Za-z0-9-])(?=[A-Za-z0-9])|(?=[\u3400-\u9fff])")}
WORD_END = {"en": r"(?![\w-])", "zh": r"(?:(?<=[\u3400-\u9fff])|(?![A-Za-z0-9-]))"}
GAP = re.compile(r"[-\s]")


@dataclass(frozen=True)
class Found:
    """A term in a text: which, and from where to where."""

    term: Term
    start: int
    end: int


@dataclass(frozen=True)
class Finder:
    """Finds terms in one language: by two initials lower-case forms as one pattern, and by form its spelling and term."""

    bodies: dict[str, str]
    owners: dict[str, tuple[str, Term]]
    lang: str
    patterns: dict[str, re.Pattern[str]] = field(default_factory=dict)

    def _make(self, initials: str) -> re.Pattern[str]:
        """Return the pattern of two initials, made when a text first has them."""
        return self.patterns.setdefault(initials, re.compile(self.bodies[initials]))

    def find(self, text: str) -> Iterator[Found]:
        """Yield the terms of `text` in order; in English, a word capitalised within a sentence is a name, not a term."""
        place, small = 0, text.lower()
        for begin in WORD_START[self.lang].finditer(small):
            start = begin.start()
            initials = small[start:start + 2]
            if start < place or initials not in self.bodies:
                continue
            match = (self.patterns.get(initials) or self._make(initials)).match(small, start)
            if match is None:
                continue
            spelling, term = self.owners[GAP.sub("", match[0])]
            if _is_spelled(text, start, match.end(), spelling):
                place = match.end()
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
    # One pattern of all forms is a hundred times slower than a small one for each pair of initials.
    initials: dict[str, list[str]] = {}
    for form in sorted(forms, key=lambda form: (-len(form), form)):
        initials.setdefault(form[:2].lower(), []).append(_pattern(form.lower()))
    return Finder({start: f"(?:{'|'.join(bodies)}){WORD_END[lang]}" for start, bodies in initials.items()},
                  {GAP.sub("", form).lower(): (form, term) for form, term in forms.items()}, lang)


def _pattern(form: str) -> str:
    words = [re.escape(word) for word in GAP.split(form)]
    return (r"[-\s]?" if "-" in form else r"[-\s]").join(words)


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
