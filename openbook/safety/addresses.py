"""Tell where an address leads as a browser does: with entities decoded, and without the characters that it drops."""

from __future__ import annotations

import html
import posixpath
import re

#: The schemes that the book links with; `book` leads to its own PDF, copy and data.
SCHEMES = ("http", "https", "mailto", "book")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
DROPPED = re.compile(r"[\t\n\r]")
LEADING = re.compile(r"^[\x00-\x20]+")
MEND = "Link to http:, https: or mailto:, or to a file by its path."


def wrong_scheme(target: str) -> str | None:
    """Return what is wrong with the scheme of a link's target, None if nothing is."""
    plain = LEADING.sub("", DROPPED.sub("", html.unescape(target)))
    if plain.startswith(("//", "\\\\", "/\\", "\\/")):
        return "has no scheme and yet names a host"
    found = SCHEME.match(plain)
    return f"has the scheme `{found[1].lower()}:`" if found and found[1].lower() not in SCHEMES else None


def leads_out(path: str) -> bool:
    """Say whether a path that is meant to be below docs/ leads out of it; there are no symbolic links in docs/ (files.py)."""
    plain = posixpath.normpath(path.replace("\\", "/"))
    return plain.startswith("/") or plain == ".." or plain.startswith("../") or "\0" in path

