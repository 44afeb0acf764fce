"""Show the glossary: a `glossary` fence becomes the definitions, or the list of all words, in one language."""

from __future__ import annotations

import bisect
import html

from openbook import LANGUAGES
from openbook.reading.library import Library
from openbook.terms.load import Term

SHOWS = ("definitions", "words")
TAGS = {"en": "en", "zh": "zh-Hans"}
# The first characters of GB 2312 for each initial of pinyin: its common half is in that order.
INITIALS = "ABCDEFGHJKLMNOPQRSTWXYZ"
FIRST = "啊芭擦搭蛾发噶哈击喀垃妈拿哦啪期然撒塌挖昔压匝"
# GB 2312 knows one reading of a character, or puts it in its other half: how these words begin.
READ_AS = {"重": "虫", "长": "肠", "弹": "谈", "调优": "条", "校": "交", "行并": "杭", "蜻": "青"}


class GlossaryError(ValueError):
    """A `glossary` fence that asks for what there is not."""

    mend = "Write `show: definitions` or `show: words`."


def parse_request(body: str) -> str:
    """Return what a `glossary` fence asks to show; raise GlossaryError when it is neither."""
    key, _, value = body.strip().partition(":")
    if key.strip() != "show" or value.strip() not in SHOWS:
        raise GlossaryError(f"a glossary shows definitions or words, not `{body.strip()}`")
    return value.strip()


def glossary_path(library: Library) -> str | None:
    """Return the chapter whose English file shows the definitions; None if no chapter does."""
    for chapter in library.book.chapters:
        source = library.source(chapter, "en")
        if source and any(fence.language == "glossary" and "definitions" in fence.body for fence in source.fences):
            return chapter.path
    return None


def render(show: str, terms: tuple[Term, ...], lang: str) -> str:
    """Return the HTML of a glossary, in the alphabetical order of `lang`, under initials."""
    ordered = sorted(terms, key=lambda term: sort_key(term, lang))
    return _definitions(ordered, lang) if show == "definitions" else _words(ordered, lang)


def sort_key(term: Term, lang: str) -> tuple:
    """Return what a term is sorted by: its letters in English, its pinyin in Chinese."""
    if lang == "en":
        return (term.en.lower(),)
    return (initial(term, lang), _read(term.zh[0]).encode("gb18030"), term.en)


def initial(term: Term, lang: str) -> str:
    """Return the letter a term stands under."""
    first = term.en[0] if lang == "en" else _read(term.zh[0])[0]
    if first.isascii():
        return first.upper()
    return INITIALS[bisect.bisect_right(FIRST, first.encode("gb18030"), key=lambda letter: letter.encode("gb18030")) - 1]


def _read(word: str) -> str:
    """Return a Chinese word with a first character that sorts as the word is read."""
    return next((twin + word[1:] for start, twin in READ_AS.items() if word.startswith(start)), word)


def _by_initial(terms: list[Term], lang: str) -> dict[str, list[Term]]:
    groups: dict[str, list[Term]] = {}
    for term in terms:
        groups.setdefault(initial(term, lang), []).append(term)
    return groups


def _definitions(terms: list[Term], lang: str) -> str:
    other = next(code for code in LANGUAGES if code != lang)
    groups = _by_initial([term for term in terms if term.define], lang)
    jumps = "".join(f'<a href="#letter-{letter.lower()}">{letter}</a> ' for letter in groups)
    parts = [f'<p class="glossary-letters only-web" data-search-exclude="yes">{jumps}</p>']
    for letter, members in groups.items():
        parts.append(f'<p class="glossary-letter" id="letter-{letter.lower()}">{letter}</p>\n<dl class="glossary">')
        for term in members:
            shown, twin = (html.escape(text) for text in ((term.en, term.zh[0]) if lang == "en" else (term.zh[0], term.en)))
            second = f' <span lang="{TAGS[other]}">{twin}</span>' if twin != shown else ""
            parts.append(f'<dt id="{term.id}">{shown}{second}</dt>\n<dd>{html.escape(term.define[lang])}</dd>')
        parts.append("</dl>")
    return "\n".join(parts)


def _words(terms: list[Term], lang: str) -> str:
    rows = []
    for term in terms:
        english = f'<span lang="en">{html.escape(term.en)}</span>'
        chinese = f'<span lang="zh-Hans">{html.escape("；".join(term.zh))}</span>' if term.zh != (term.en,) else ""
        rows.append(f"<li>{' '.join(filter(None, (english, chinese) if lang == 'en' else (chinese, english)))}</li>")
    return f'<ul class="glossary-words">{"".join(rows)}</ul>'
