"""Write the Content-Security-Policy that the pages keep to: nothing from another host, no script but the site's own."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.DOTALL)
#: A block of data in a script element is not run.
DATA = re.compile(r'type="application/(?:ld\+)?json"')


def inline_scripts(page: str) -> set[str]:
    """Return the texts of a page's scripts that stand in the page itself and are run."""
    return {found["text"] for found in SCRIPT.finditer(page)
            if " src=" not in found["attributes"] and not DATA.search(found["attributes"])}


def policy(scripts: Iterable[str]) -> str:
    """Return a policy that allows the site's own files, and of inline scripts just these."""
    hashes = sorted(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in set(scripts))
    # Formulas are set by style attributes; the theme's icons are pictures inside its style sheets.
    rules = {"default-src": ["'none'"], "script-src": ["'self'", *hashes], "worker-src": ["'self'"], "style-src": ["'self'", "'unsafe-inline'"],
             "img-src": ["'self'", "data:"], "font-src": ["'self'"], "connect-src": ["'self'"], "manifest-src": ["'self'"],
             "base-uri": ["'none'"], "form-action": ["'self'"], "frame-ancestors": ["'self'"]}
    return "; ".join(f"{name} {' '.join(values)}" for name, values in rules.items())


def write_headers(site: Path, scripts: Iterable[str]) -> None:
    """Write the file `_headers`, which some hosts read and others copy from: a line for each header of every answer."""
    lines = ["/*", f"  Content-Security-Policy: {policy(scripts)}", "  X-Content-Type-Options: nosniff",
             "  Referrer-Policy: strict-origin-when-cross-origin"]
    (site / "_headers").write_text("\n".join(lines) + "\n", "utf-8")
