"""Check what strangers wrote: the Markdown and front matter of each chapter, and the files that it shows."""

from __future__ import annotations

from collections.abc import Iterator

from openbook.findings import Finding
from openbook.reading.library import Library
from openbook.reading.source import FENCE
from openbook.safety.addresses import leads_out
from openbook.safety.front_matter import line_of, wrong_fields
from openbook.safety.markup import faults_in


def check_markup(library: Library) -> Iterator[Finding]:
    """Yield findings about the front matter, the HTML and the addresses of the chapters."""
    for source in library.sources.values():
        path, text = f"docs/{source.path}", (library.docs / source.path).read_text("utf-8")
        for key, message, mend in wrong_fields(source.meta):
            yield Finding(path, line_of(text, key), "front-matter", message, mend)
        yield from (Finding(path, fault.line, fault.rule, fault.message, fault.mend) for fault in faults_in(text))


def check_shown(library: Library) -> Iterator[Finding]:
    """Yield findings about files that would end the code block in which a chapter shows them."""
    shown = {snippet.split(":")[0]: source.path for source in library.sources.values() for _, snippet in source.snippets}
    for name, path in sorted(shown.items()):
        if not leads_out(name) and (library.docs / name).is_file() and (line := _fence_line(library, name)):
            yield Finding(f"docs/{name}", line, "snippet", f"this line would end the code block in which docs/{path} shows the file",
                          "Write it otherwise: no line may begin with ``` or ~~~.")


def _fence_line(library: Library, name: str) -> int | None:
    """Return the line of a file that Markdown would take for the end of a code block."""
    text = (library.docs / name).read_text("utf-8")
    if "```" not in text and "~~~" not in text:
        return None
    return next((number for number, line in enumerate(text.split("\n"), 1) if FENCE.match(line)), None)
