"""Write llms.txt: the book's contents for programs that read, each chapter with the address of its Markdown copy."""

from __future__ import annotations

from collections.abc import Iterator

from openbook import LANGUAGES
from openbook.book import Book, Chapter, page_url
from openbook.site.manifest import LICENSE, PDF, ROOTS

NAME = "llms.txt"
WORDS = {
    "en": {"about": "Each page has a Markdown copy beside it: its address with `index.md` behind. Facts are written out as tables, sources as notes. "
                    "Text, figures and data are under {}; name the book and its contributors.",
           "whole": "The whole book", "pdf": "PDF of all chapters", "data": "Manifest: parts, chapters, titles, headings and files, as JSON",
           "other": "中文版", "front": "Optional"},
    "zh": {"about": "每个页面旁边都有一份 Markdown：在页面地址后面加上 `index.md`。数据写成表格，来源写成脚注。文字、插图和数据采用 {} 许可；使用时请注明本书及其贡献者。",
           "whole": "整本书", "pdf": "全部章节的 PDF", "data": "清单（JSON）：部分、章节、标题、小节与文件", "other": "English edition", "front": "Optional"},
}


def llms_text(book: Book, pages: dict[tuple[str, str], dict], lang: str, texts: dict, site_url: str) -> str:
    """Return llms.txt of one language; `pages` holds title and description, without `site_url` addresses are relative to the file."""
    words, text = WORDS[lang], texts[lang]
    other = next(code for code in LANGUAGES if code != lang)

    def at(url: str) -> str:
        return site_url.rstrip("/") + "/" + url if site_url else ("../" if ROOTS[lang] else "") + url

    def listed(chapters: tuple[Chapter, ...]) -> Iterator[str]:
        for chapter in chapters:
            if page := pages.get((chapter.path, lang)):
                yield f"- [{page['title']}]({at(ROOTS[lang] + page_url(chapter.path) + 'index.md')}): {page['description']}"

    lines = [f"# {text['title']}", "", f"> {text['description']}", "", words["about"].format(LICENSE["name"]), ""]
    for part in book.parts:
        lines += [f"## {part.title[lang]}", "", *listed(part.chapters), ""]
    lines += [f"## {words['whole']}", "", f"- [PDF]({at(PDF.format(lang))}): {words['pdf']}", f"- [book.json]({at('book.json')}): {words['data']}",
              f"- [{words['other']}]({at(ROOTS[other] + NAME)})", ""]
    lines += [f"## {words['front']}", "", *listed(tuple(chapter for chapter in book.chapters if chapter.number is None)), ""]
    return "\n".join(lines)
