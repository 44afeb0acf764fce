"""Tell readers how fresh a translation is: a notice and marks on pages with sections behind, and the table of all chapters."""

from __future__ import annotations

import html
import posixpath
import re

from openbook.book import Chapter
from openbook.freshness.state import SectionState, states_of
from openbook.reading.library import Library
from openbook.reading.source import Source

FENCE = re.compile(r"(?m)^```status[ \t]*\n```[ \t]*$")
HEADING = r'(<h{level}[^>]* id="{id}"[^>]*>.*?</h{level}>)'
TITLE = re.compile(r"</h1>")

WORDS = {
    "en": {
        "head": ("Chapter", "Chinese edition", "Sections to look at"), "fresh": "up to date", "unknown": "not recorded",
        "untranslated": "not translated yet", "behind": "{} of {} sections behind", "turned": "up to date, arranged differently",
        "parts": {"title": "title", "words": "words", "numbers": "numbers", "code": "code"}, "and": ", ", "changed": "{} changed",
        "missing": "not translated", "moved": "moved", "renamed": "renamed", "split": "split", "merged": "merged", "gone": "no longer in the English",
        "ahead": "only in Chinese", "unknown-section": "not recorded", "colon": ": ", "stop": "; ", "none": "–"},
    "zh": {
        "head": ("章", "中文版", "待处理的小节"), "fresh": "与英文一致", "unknown": "没有记录",
        "untranslated": "尚未翻译", "behind": "{1} 节中有 {0} 节落后", "turned": "与英文一致，编排不同",
        "parts": {"title": "标题", "words": "文字", "numbers": "数字", "code": "代码"}, "and": "、", "changed": "{}有改动",
        "missing": "尚未翻译", "moved": "位置变了", "renamed": "改了名", "split": "拆成了几节", "merged": "合并了", "gone": "英文已删去",
        "ahead": "只有中文", "unknown-section": "没有记录", "colon": "：", "stop": "；", "none": "–"},
}


#: The last states of each chapter, by its path, and of which files they are.
_STATES: dict[str, tuple[tuple[Source, Source], list[SectionState]]] = {}


def chapter_states(library: Library, chapter: Chapter) -> list[SectionState]:
    """Return the states of a chapter's sections; none where a language is missing."""
    scanned = library.source(chapter, "zh"), library.source(chapter, "en")
    if not all(scanned):
        return []
    # A chapter's own page, the table of all chapters in both languages and its copy in Markdown ask for the same.
    known, states = _STATES.get(chapter.path, (None, []))
    if known is None or any(ours is not theirs for ours, theirs in zip(known, scanned)):
        states = states_of(*((library.docs / source.path).read_text("utf-8") for source in scanned), scanned)
        _STATES[chapter.path] = scanned, states
    return states


def section_titles(library: Library, chapter: Chapter) -> dict[str, str]:
    """Return the Chinese titles of a chapter's sections by id; none while the two files have not the same headings."""
    english, chinese = (library.source(chapter, lang) for lang in ("en", "zh"))
    if not chinese or len(english.headings) != len(chinese.headings):
        return {}
    return {ours.id: theirs.text for ours, theirs in zip(english.headings, chinese.headings)}


def said(state: SectionState, lang: str) -> str:
    """Return in words what became of a section."""
    words = WORDS[lang]
    if state.state == "changed":
        return words["changed"].format(words["and"].join(words["parts"][part] for part in state.parts))
    return words["unknown-section" if state.state == "unknown" else state.state]


# a page with sections behind ------------------------------------------------------------------------

def mark_behind(content: str, states: list[SectionState], titles: dict[str, str], english: str | None) -> str:
    """Return a Chinese page's content with a notice under its title and a mark under each heading that is behind.

    `titles` are the Chinese titles by id; `english` is the address of the English page, None where it is not built.
    """
    behind = [state for state in states if state.behind]
    if not behind:
        return content
    for state in behind:
        if state.state == "missing":
            continue
        mark = f'<p class="untranslated behind" data-search-exclude>这一节落后于英文版：{said(state, "zh")}{_see(english, state.id)}。</p>'
        level = state.original.section.level
        content = re.sub(HEADING.format(level=level, id=re.escape(state.id)), lambda found: found[1] + mark, content, count=1, flags=re.DOTALL)
    items = "".join(f"<li>{_item(state, titles, english)}</li>" for state in behind)
    notice = (f'<div class="untranslated behind-notice" data-search-exclude role="note"><p>本页有 {len(behind)} 节落后于英文版，尚未重新核对：</p>'
              f"<ul>{items}</ul></div>")
    return _below_title(content, notice)


def say_untranslated(content: str) -> str:
    """Return an English chapter's content for Chinese readers: with a notice under its title."""
    return _below_title(content, '<p class="untranslated" lang="zh-Hans" data-search-exclude>本页尚无中文版，以下为英文原文。</p>')


def _below_title(content: str, notice: str) -> str:
    return TITLE.sub(lambda found: found[0] + notice, content, count=1) if TITLE.search(content) else notice + content


def _item(state: SectionState, titles: dict[str, str], english: str | None) -> str:
    if state.state == "missing":
        return f'<span lang="en">{html.escape(state.title)}</span>：{said(state, "zh")}{_see(english, state.id)}'
    name = html.escape(titles.get(state.id, state.title))
    return f'<a href="#{html.escape(state.id)}">{name}</a>：{said(state, "zh")}'


def _see(english: str | None, anchor: str) -> str:
    """Return a link to the English section, for the web alone: the PDF of one language holds no page of the other."""
    if english is None:
        return ""
    address = html.escape(f"{english}#{anchor}")
    return f'<span class="only-web">，见<a href="{address}" hreflang="en">英文原文</a></span>'


# the table of all chapters ------------------------------------------------------------------------

def fill_status(text: str, library: Library, path: str, lang: str) -> str:
    """Return Markdown with its `status` fence replaced by a table of every chapter's state."""
    return FENCE.sub(lambda found: status_table(library, path, lang), text)


def status_table(library: Library, path: str, lang: str) -> str:
    """Return a Markdown table, on the page `path`, of what the Chinese edition is like, chapter by chapter."""
    rows = [WORDS[lang]["head"], ("---", "---", "---")]
    rows += [_row(library, chapter, path, lang) for chapter in library.book.chapters if library.source(chapter, "en")]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(library: Library, chapter: Chapter, path: str, lang: str) -> tuple[str, str, str]:
    words = WORDS[lang]
    titles = section_titles(library, chapter) if lang == "zh" else {}
    heading = next(iter(library.source(chapter, "en").headings), None)
    target = posixpath.relpath(chapter.path, posixpath.dirname(path) or ".")
    name = f"[{_title(heading.id, heading.text, titles, lang) if heading else chapter.path}]({target})"
    states = chapter_states(library, chapter)
    open_ones = [state for state in states if state.state != "fresh"]
    behind = sum(state.behind for state in states)
    if not states:
        return name, words["untranslated"], words["none"]
    if all(state.state == "unknown" for state in states):
        return name, words["unknown"], words["none"]
    verdict = (words["behind"].format(behind, len(states)) if behind else words["fresh"] if not open_ones
               else words["unknown"] if any(state.state == "unknown" for state in open_ones) else words["turned"])
    return name, verdict, words["stop"].join(_section(state, target, titles, lang) for state in open_ones) or words["none"]


def _section(state: SectionState, target: str, titles: dict[str, str], lang: str) -> str:
    title = state.title if state.state == "ahead" else _title(state.id, state.title, titles, lang)
    return (f"[{title}]({target}#{state.id})" if state.original else title) + WORDS[lang]["colon"] + said(state, lang)


def _title(name: str, english: str, titles: dict[str, str], lang: str) -> str:
    """Return a title in the page's language, or the English one, marked as such."""
    shown = (titles.get(name) or english).replace("|", "\\|").replace("[", "\\[").replace("]", "\\]")
    return shown if lang == "en" or name in titles else f'<span lang="en">{shown}</span>'
