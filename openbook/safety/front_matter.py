"""Look at a chapter's front matter: the theme writes some of its values into the page as they are, so it knows no others."""

from __future__ import annotations

from collections.abc import Iterator

KEYS = ("description", "tested_on", "covers", "print", "print_title", "hide", "search", "template", "translated_from", "translation")
HIDDEN = ("navigation", "toc", "path")


def wrong_fields(meta: dict) -> Iterator[tuple[str, str, str]]:
    """Yield (key, what is wrong, remedy) for each field that the book does not use, or not with this value."""
    for key, value in meta.items():
        if key not in KEYS:
            yield str(key), f"the front matter has no field `{_short(key)}`", f"Use {', '.join(KEYS)}."
        elif key == "template" and value != "home.html":
            yield key, f"`template: {_short(value)}` is no template of the book", "Take it out; only the home page has one."
        elif key == "hide" and not (isinstance(value, list) and set(map(str, value)) <= set(HIDDEN)):
            yield key, "`hide` is a list of parts of the page", f"Use {', '.join(HIDDEN)}."
        elif key == "search" and not (isinstance(value, dict) and all(
                isinstance(of, {"exclude": bool, "boost": (int, float)}.get(str(name), ())) for name, of in value.items())):
            yield key, "`search` has `exclude` (true or false) or `boost` (a number)", "Mend it, or take it out."
        elif key in ("description", "print_title") and not isinstance(value, str):
            yield key, f"`{key}` is one text", "Quote it if it looks like a number or a list."


def _short(value: object) -> str:
    return "".join(char for char in str(value)[:60] if char.isprintable())


def line_of(text: str, key: str) -> int:
    """Return the line on which a key of the front matter stands."""
    return next((number for number, line in enumerate(text.split("\n"), 1) if line.strip().strip("\"'").startswith(key)), 1)
