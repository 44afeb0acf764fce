"""Let code be copied without prompts: a block that begins with one copies its commands, not what they print."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

BLOCK = re.compile(r'<div class="([^"]*\bhighlight\b[^"]*)">(<pre\b.*?</pre>)', re.DOTALL)
TAG = re.compile(r"<[^>]+>")
PROMPTS = {"$ ": None, ">>> ": "... "}


def mark_commands(content: str) -> str:
    """Return a page's content whose blocks with prompts say what the copy button takes."""
    return BLOCK.sub(_marked, content)


def _marked(found: re.Match) -> str:
    if "$ " not in found[2] and "&gt;&gt;&gt;" not in found[2]:
        return found[0]
    commands = "\n".join(commands_in(html.unescape(TAG.sub("", found[2]))))
    return f'<div class="{found[1]}" data-copy="{html.escape(commands)}">{found[2]}' if commands else found[0]


def commands_in(text: str) -> Iterator[str]:
    """Yield the commands of a session with their continued lines; nothing if its first line is not a prompt."""
    lines = text.strip("\n").split("\n")
    prompt = next((prompt for prompt in PROMPTS if lines[0].startswith(prompt)), None)
    continued = False
    for line in lines if prompt else []:
        more = PROMPTS[prompt]
        if line.startswith(prompt):
            line = line.removeprefix(prompt)
        elif more and line.startswith(more.rstrip()):
            line = line.removeprefix(more.rstrip()).removeprefix(" ")
        elif not continued:
            continue
        continued = line.endswith("\\")
        yield line
