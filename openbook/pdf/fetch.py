"""Let a layout open the pictures that its chapter shows, and nothing else of this machine or the network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from weasyprint.urls import URLFetcher


class Pictures(URLFetcher):
    """Opens some files by their `file:` addresses, and what is written out in the style sheet (`data:`).

    Anything else is refused, and WeasyPrint warns that it failed to load.
    """

    def __init__(self, files: Iterable[Path]):
        super().__init__(allowed_protocols=("file", "data"), allow_redirects=False)
        self._files = frozenset(path.as_uri() for path in files)

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Return an opened file; raise ValueError for an address that is none of the pictures."""
        if url not in self._files and not url.startswith("data:"):
            raise ValueError("only the pictures of the chapter may be opened")
        return super().fetch(url, headers)
