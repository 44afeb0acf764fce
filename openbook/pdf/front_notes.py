"""Tell what an edition is made of: how far its translation has come, and the files attached to it."""

from __future__ import annotations

import html
import posixpath
from collections.abc import Iterable

from .collect import Book, Chapter
from .flatten_links import SCHEME
from .render import Segment
from .words import chapter_label, word

FILES = "attached-files"


def translation_state(book: Book) -> str:
    """Say of every chapter whether its translation is up to date, behind, or still to come; as HTML."""
    code = book.code
    missing = [chapter for chapter in book.chapters if not chapter.translated]
    behind = [chapter for chapter in book.chapters if chapter.translated and chapter.behind]
    current = [chapter for chapter in book.chapters if chapter.translated and not chapter.behind]
    lines = []
    if current:
        lines.append(word(code, "current").format(_chapters(code, current)))
    for chapter in behind:
        lines.append(word(code, "behind").format(chapter.behind, _chapters(code, [chapter])))
    if missing:
        lines.append(word(code, "untranslated").format(_chapters(code, missing)))
    return "<br/>".join(map(html.escape, lines))


def _chapters(code: str, chapters: Iterable[Chapter]) -> str:
    """Name chapters by their numbers, neighbours as a range."""
    chapters = list(chapters)
    numbers = sorted(chapter.number for chapter in chapters if chapter.number)
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    comma = word(code, "comma")
    names = [word(code, "chapters").format(comma.join("–".join(map(str, span)) for span in spans))] if spans else []
    if any(not chapter.number for chapter in chapters):
        names.append(word(code, "other"))
    return comma.join(names)


def attached(book: Book) -> dict[str, tuple[str, Chapter]]:
    """Name the files to attach: by name in the PDF, their path in the site and the chapter that they belong to."""
    shown_in: dict[str, list[Chapter]] = {}
    for chapter in book.chapters:
        for path in chapter.attachments:
            shown_in.setdefault(path, []).append(chapter)
    plain = [path.rpartition("/")[2] for path in shown_in]
    return {(path.replace("/", "-") if plain.count(path.rpartition("/")[2]) > 1 else path.rpartition("/")[2]): (path, _home(path, chapters))
            for path, chapters in shown_in.items()}


def _home(path: str, chapters: list[Chapter]) -> Chapter:
    """Return that of the chapters which show a file that stands beside it, else in a folder of that name, else the first numbered one."""
    folder = posixpath.dirname(path)

    def distance(chapter: Chapter) -> tuple[bool, bool, bool]:
        own = posixpath.dirname(chapter.path)
        return own != folder, posixpath.basename(own) != posixpath.basename(folder), chapter.number is None

    return min(chapters, key=distance)


def files_segment(book: Book, paper: str) -> Segment:
    """Write the page that lists the attached files."""
    code, rows = book.code, []
    for name, (_, chapter) in attached(book).items():
        label = f"{chapter_label(code, chapter.number)}　" if chapter.number else ""
        label = label if code == "zh" else label.replace("　", "  ")
        rows.append(f'<tr><td><code>{html.escape(name)}</code></td><td><a href="{SCHEME}{chapter.id}">{label}'
                    f"{html.escape(chapter.title)}</a></td></tr>")
    title = word(code, "files")
    body = (f'<section class="chapter plain" id="{FILES}"><h1 class="chapter-title" data-part="" data-chapter="{title}">{title}</h1>'
            f'<p>{word(code, "files_note")}</p><table><thead><tr><th scope="col">{word(code, "file")}</th>'
            f'<th scope="col">{word(code, "shown")}</th></tr></thead><tbody>{"".join(rows)}</tbody></table></section>')
    return Segment(FILES, title, book.tag, body, (), paper)
