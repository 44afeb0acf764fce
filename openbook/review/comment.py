"""Tell a reviewer what a change does to the book: `python3 -m openbook.review.comment CHANGES`.

The data comes from a build of a stranger's pull request, and the comment is written with rights that the stranger has
not: each value is checked for what it must be, and words are shown as code, where no link, mention or tag works.
Only Python's own library is used, so that nothing need be installed where the rights are.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import unicodedata
from pathlib import Path

LIMIT = 4_000_000
SHOWN = 40
TITLE = 100
STATES = {"changed": "changed · 有改动", "added": "new · 新增", "removed": "removed · 删除"}
PREVIEWS = {"ml-engineering.en.pdf": "PDF, English", "ml-engineering.zh.pdf": "PDF，中文", "site": "website · 网站 (zip)"}
COMMIT, ID = re.compile(r"[0-9a-f]{4,64}"), re.compile(r"[\w.:-]{1,200}")
SOURCE = re.compile(r"docs/[\w./-]{1,200}\.md", re.ASCII)
PDF = re.compile(r"[a-z0-9.-]{1,60}\.pdf")
RUN = re.compile(r"https://[\w.-]+/[\w.-]+/[\w.-]+/actions/runs/\d+", re.ASCII)


class Refused(Exception):
    """The data is not what the comparison writes."""


def comment(changes: object, run: str | None = None, artifacts: object = None) -> str:
    """Return the comment in Markdown; raise Refused when a value is not what it must be."""
    fields = _fields(changes, "format", "old", "new", "pages", "behind", "pdfs")
    old, new = (commit if commit is None else _matched(commit, COMMIT) for commit in (fields["old"], fields["new"]))
    lines = ["### What this changes · 这次改了什么", ""]
    lines += [f"Compared with `{old}` · 与 `{old}` 相比。" if old else
              "There is no build of the base to compare with. · 没有可以比较的旧版。", ""]
    lines += [*_pdfs(fields["pdfs"]), *_pages(fields["pages"]), *_behind(fields["behind"]), *_previews(run, artifacts)]
    lines += [f"Built from `{new}`. · 构建自 `{new}`。"] if new else []
    return "\n".join(lines).rstrip() + "\n"


def _pdfs(pdfs: object) -> list[str]:
    rows = []
    for pdf in _list(pdfs):
        found = _fields(pdf, "name", "old", "new")
        sides = [side and _fields(side, "pages", "size") for side in (found["old"], found["new"])]
        pages, size = ([side and _number(side[name]) for side in sides] for name in ("pages", "size"))
        rows.append(f"| `{_matched(found['name'], PDF)}` | {_step(pages, '{}', '{:+}')} | "
                    f"{_step([value and value / 1e6 for value in size], '{:.2f} MB', '{:+.2f}')} |")
    return ["| PDF | pages · 页数 | size · 大小 |", "|---|---|---|", *rows, ""] if rows else []


def _step(values: list, shown: str, by: str) -> str:
    """Return how a number moved, such as `12 → 14 (+2)`; a side without the PDF is a dash."""
    if None not in values and values[0] == values[1]:
        return shown.format(values[1])
    words = " → ".join("–" if value is None else shown.format(value) for value in values)
    return words if None in values else f"{words} ({by.format(values[1] - values[0])})"


def _pages(pages: object) -> list[str]:
    items = []
    for page in _list(pages):
        found = _fields(page, "state", "language", "title", "source")
        if found["state"] not in STATES or found["language"] not in ("en", "zh"):
            raise Refused("a page is in no known state or language")
        place = f"{found['language']}, `{_matched(found['source'], SOURCE)}`"
        items.append(f"- {STATES[found['state']]}: {_code(found['title'])} ({place})")
    return _listed(f"**Pages · 页面: {len(items)}**", items)


def _behind(sections: object) -> list[str]:
    items = []
    for section in _list(sections):
        found = _fields(section, "file", "id", "title")
        items.append(f"- `{_matched(found['file'], SOURCE)}#{_matched(found['id'], ID)}`: {_code(found['title'])}")
    return _listed(f"**Chinese sections that fall behind · 落后于英文的中文小节: {len(items)}**", items,
                   "This does not stop a merge: the page tells its readers. After translating, "
                   "run `openbook accept` with the names above. · "
                   "这不妨碍合并：页面会告诉读者。译好之后，用上面的名字运行 `openbook accept`。")


def _listed(title: str, items: list[str], after: str = "") -> list[str]:
    if not items:
        return []
    more = [f"- … {len(items) - SHOWN} more · 另有 {len(items) - SHOWN} 项"] if len(items) > SHOWN else []
    return [title, "", *items[:SHOWN], *more, "", *([after, ""] if after else [])]


def _previews(run: str | None, artifacts: object) -> list[str]:
    """Return links to what the build left, by the numbers that the host gave them."""
    if not run:
        return []
    links = {}
    for artifact in _list(_fields(artifacts, "total_count", "artifacts")["artifacts"]):
        if isinstance(artifact, dict) and artifact.get("name") in PREVIEWS:
            address = f"{_matched(run, RUN)}/artifacts/{_number(artifact.get('id'), 1 << 62)}"
            links[artifact["name"]] = f"[{PREVIEWS[artifact['name']]}]({address})"
    if not links:
        return []
    return [f"Preview · 预览: {', '.join(links[name] for name in PREVIEWS if name in links)}. "
            "It holds what the pull request put there: treat it as a stranger's file. · "
            "预览的内容出自该 pull request，请当作陌生人的文件对待。", ""]


# what a value must be ---------------------------------------------------------------------------------

def _fields(value: object, *names: str) -> dict:
    if not isinstance(value, dict) or any(name not in value for name in names):
        raise Refused(f"an object with {', '.join(names)} is missing")
    return value


def _list(value: object) -> list:
    if not isinstance(value, list) or len(value) > 10_000:
        raise Refused("a list is missing, or longer than any book's")
    return value


def _matched(value: object, pattern: re.Pattern) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Refused(f"{str(value)[:60]!r} is not of the form {pattern.pattern}")
    return value


def _number(value: object, limit: int = 10 ** 10) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
        raise Refused(f"{str(value)[:60]!r} is not a plausible number")
    return value


def _code(value: object) -> str:
    """Return words as code: on one line, without characters that end it, hide or turn the text."""
    if not isinstance(value, str):
        raise Refused("a title is not a text")
    kept = (" " if char.isspace() else char for char in value
            if char.isspace() or unicodedata.category(char)[0] != "C")
    words = " ".join("".join(kept).replace("`", "'").split())
    return f"`{words[:TITLE] + ('…' if len(words) > TITLE else '') or '?'}`"


def main(arguments: list[str] | None = None) -> int:
    """Print the comment; return 1 with a reason when the data is refused."""
    parser = argparse.ArgumentParser(prog="openbook.review.comment", description=__doc__.split("\n")[0])
    parser.add_argument("changes", type=Path, help="what `openbook compare` wrote with --json")
    parser.add_argument("--run", help="the address of the build's run; needs --artifacts")
    parser.add_argument("--artifacts", type=Path, help="the host's list of what the run left, as JSON")
    options = parser.parse_args(arguments)
    try:
        if options.changes.stat().st_size > LIMIT:
            raise Refused("it is larger than any comparison")
        changes = json.loads(options.changes.read_text("utf-8"))
        artifacts = json.loads(options.artifacts.read_text("utf-8")) if options.artifacts else None
        print(comment(changes, options.run, artifacts), end="")
    except (Refused, OSError, ValueError, RecursionError) as error:
        print(f"{options.changes}: refused: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
