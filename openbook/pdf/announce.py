"""Tell the site's home pages what the finished PDFs are: how many pages, how large, of which day.

The site is built before the PDFs, so its home pages leave a marked place for each. What stands there is filled in when
the PDFs are made; it is no part of what a PDF is made from.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from .collect import collect, language_codes
from .errors import PdfError
from .order import Made
from .words import word

MARK = re.compile(rb'(<span\b[^>]*\bdata-pdf="([a-z]+)"[^>]*>)[^<]*(</span>)')


def without_announcement(page: bytes) -> bytes:
    """Return a page as the site's build left it, with empty places for what is known of the PDFs."""
    return MARK.sub(rb"\1\3", page)


def announce(site: Path, code: str, made: Made) -> None:
    """Write on every home page what the PDF of one language is; only for the book itself, not for previews.

    Raise PdfError when a page cannot be written; the page is then as it was.
    """
    book = collect(site, code)
    if made.path.resolve() != (site / book.pdf).resolve():
        return
    for language in language_codes(site):
        home = collect(site, language)
        _fill(site / home.root / "index.html", code, facts(made, book.date, language))


def facts(made: Made, date: str, language: str) -> str:
    """Say in a language how many pages a PDF has, how large it is, and of which day."""
    return word(language, "announced").format(pages=made.pages, size=made.size / 1e6, date=date)


def _fill(page: Path, code: str, text: str) -> None:
    """Put a text into the places for one language's PDF; leave a page alone that has none or says so already."""
    def filled(found: re.Match[bytes]) -> bytes:
        return found[1] + text.encode() + found[3] if found[2] == code.encode() else found[0]

    if not page.is_file():
        return
    old = page.read_bytes()
    new = MARK.sub(filled, old)
    if new == old:
        return
    scratch = page.with_name(f".{page.name}.{os.getpid()}")
    try:
        scratch.write_bytes(new)
        scratch.replace(page)
    except OSError as error:
        raise PdfError(f"the home page cannot be written: {error.strerror or error}", str(page),
                       "free space on the disk, or mend the file's permissions") from None
    finally:
        scratch.unlink(missing_ok=True)
