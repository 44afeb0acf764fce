"""Begin a chapter: a pair of files that passes the checks, named in the navigation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from openbook.book import read_book
from openbook.findings import BookError, Finding
from openbook.freshness.prints import originals_in
from openbook.freshness.record import with_record
from openbook.writing import write_file

NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
#: What a chapter looks like, with a hint in each section; hints are comments, which no reader sees.
TEMPLATE = Path(__file__).parent / "template"
SECTION = re.compile(r"^  - (?P<quote>[\"']?)(?P<title>[^\n]+?)(?P=quote):\s*(?P<rest>\[\])?\s*$")


def new_chapter(root: Path, place: str, english: str, chinese: str) -> Iterator[str]:
    """Write a chapter's two files and its line of the navigation; yield what was written."""
    folder, _, name = place.strip("/").rpartition("/")
    if not folder or not all(NAME.fullmatch(part) for part in place.strip("/").split("/")):
        raise _mistake(place, "a chapter is named PART/NAME, in lower-case letters, digits and hyphens", "For example: training/checkpoints.")
    path = f"{folder}/{name}.md"
    files = {f"docs/{path}": _page(english, "en"), f"docs/{folder}/{name}.zh.md": _page(chinese, "zh")}
    for taken in files:
        if (root / taken).exists():
            raise _mistake(taken, "the file is already there", "Choose another name.")
    navigation = _with_chapter(root, folder, path)
    prints = {original.id: original.print for original in originals_in(files[f"docs/{path}"])}
    files[f"docs/{folder}/{name}.zh.md"] = with_record(files[f"docs/{folder}/{name}.zh.md"], prints)
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, "utf-8", newline="\n")
        yield f"Wrote {file}."
    write_file(root / "mkdocs.yml", navigation, "mkdocs.yml")
    yield "Added the chapter to `nav` in mkdocs.yml."
    yield "The comments in both files say what each section is for: write in their place. The description is for search engines."
    yield f"Leave out sections that would be empty. When the Chinese is right: openbook accept docs/{folder}/{name}.zh.md"


def _mistake(path: str, message: str, mend: str) -> BookError:
    return BookError([Finding(path, 1, "new", message, mend)])


def _page(title: str, lang: str) -> str:
    description = title.rstrip(".。?？!！") + ("." if lang == "en" else "。")
    if re.match(r"[\W\d]", description) or re.search(r": | #", description):    # YAML would read these otherwise
        description = json.dumps(description, ensure_ascii=False)
    template = (TEMPLATE / ("chapter.md" if lang == "en" else "chapter.zh.md")).read_text("utf-8")
    return template.replace("DESCRIPTION", description, 1).replace("TITLE", title, 1)


def _with_chapter(root: Path, folder: str, path: str) -> str:
    """Return mkdocs.yml with the chapter at the end of its part: where the folder's chapters are, or the part named so."""
    book = read_book(root)
    text = (root / "mkdocs.yml").read_text("utf-8")
    lines = text.split("\n")
    start = next(number for number, line in enumerate(lines) if re.match(r"nav:\s*$", line)) + 1
    end = next((number for number in range(start, len(lines)) if lines[number] and not lines[number][0].isspace()
                and not lines[number].startswith("#")), len(lines))
    neighbour = next((chapter.path for chapter in reversed(book.chapters) if chapter.path.startswith(folder.split("/")[0] + "/")), None)
    titles = [(number, found) for number in range(start, end) if (found := SECTION.match(lines[number]))]
    if neighbour:
        place = max(number for number in range(start, end) if neighbour in lines[number])
        indent = lines[place][:len(lines[place]) - len(lines[place].lstrip())]
        lines.insert(place + 1, f"{indent}- {path}")
        return "\n".join(lines)
    wanted = folder.split("/")[0]
    for number, found in titles:
        if wanted in re.findall(r"[a-z]+(?:-[a-z]+)?", found["title"].lower()):
            if found["rest"]:
                lines[number] = lines[number][:lines[number].rindex("[")].rstrip()
            after = number + 1
            while after < end and lines[after].startswith("      "):
                after += 1
            lines.insert(after, f"      - {path}")
            return "\n".join(lines)
    raise _mistake("mkdocs.yml", f"no part of the book is called or holds `{wanted}`",
                   f"Parts are: {', '.join(found['title'] for _, found in titles)}. Take a word of the title, or a folder that a part has.")
