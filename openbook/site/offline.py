"""Pack the built site into one file to read without a network: opened from a disk, with its search."""

from __future__ import annotations

import datetime
import hashlib
import json
import posixpath
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from openbook.building import Place, building
from openbook.findings import BookError, Finding
from openbook.site.manifest import OFFLINE as NAME

FOLDER = "ml-engineering"
#: What only a server or the network has a use for.
LEFT_OUT = re.compile(r"\.|_headers$|404\.html$|sitemap\.xml|.*\.map$|assets/share/|assets/javascripts/(lunr|workers)/|" + re.escape(NAME) + "$")
#: What the theme's worker asks for when it reads an index; a worker without an address finds no files beside it.
WORKER = ("workers/search.*.min.js", "lunr/min/lunr.stemmer.support.min.js", "lunr/min/lunr.zh.min.js")
HERE = re.compile(r'(<(?:a|link)\b[^>]*? href=")([^"#?:]+)(?=["#?])')
LAZY = re.compile(r'<script src="([^"]*)assets/js/lazy\.js">')
BOTH = re.compile(r'<script[^>]* src="[^"]*assets/js/both\.js"[^>]*></script>')
ITSELF = re.compile(rf'<a [^>]*href="[^"]*{re.escape(NAME)}"[^>]*>(.*?)</a>', re.DOTALL)
INDEX = "search/search_index.json"


def pack(root: Path) -> Iterator[str]:
    """Write the site as a zip into itself, unless it is up to date; yield what was done. Raise BookError without a whole site."""
    with building(root / "site") as place:
        yield from _pack(place)


def _pack(place: Place) -> Iterator[str]:
    """Write the site as a zip into itself, with the folder for oneself."""
    started, site = time.monotonic(), place.site
    target, book = site / NAME, _book(site)
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file())
    names = [name for name in names if not LEFT_OUT.match(name)]
    key = _key(site, names)
    if _key_in(target) == key:
        yield f"site/{NAME} is up to date."
        return
    # Not beside its place: a run that is killed leaves nothing that would be published.
    fresh = place.cache / f"{NAME}.new"
    try:
        _write(fresh, site, names, datetime.date.fromisoformat(book["date"]), key)
        fresh.replace(target)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise BookError([Finding(f"site/{NAME}", 1, "output", f"the file could not be written: {error.strerror or error}",
                                 "Free disk space or mend the folder's rights, then run it again.")]) from None
    yield f"site/{NAME} is written: {len(names)} files, {target.stat().st_size / 1e6:.1f} MB, in {time.monotonic() - started:.1f} s."


def _book(site: Path) -> dict:
    """Read the manifest; raise BookError when the site is not there, or lacks what its pages link."""
    try:
        book = json.loads((site / "book.json").read_text("utf-8"))
    except OSError:
        raise BookError([Finding("site/book.json", 1, "site", "there is no built site", "Run `make site` first.")]) from None
    missing = [language["pdf"] for language in book["languages"] if not (site / language["pdf"]).is_file()]
    if missing:
        raise BookError([Finding(f"site/{name}", 1, "site", "the PDF that every page links is not there", "Run `make pdf` first.")
                         for name in missing])
    return book


def _key(site: Path, names: list[str]) -> str:
    """Return a hash of everything the file is made from, this program too."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in [*(site / name for name in names), *_worker_files(site)]:
        digest.update(f"{path.relative_to(site)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _key_in(target: Path) -> str | None:
    try:
        with zipfile.ZipFile(target) as packed:
            return packed.comment.decode("ascii")
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError):
        return None


def _write(target: Path, site: Path, names: list[str], day: datetime.date, key: str) -> None:
    """Write the archive: files in order, all of one day, so that the same site gives the same bytes."""
    with zipfile.ZipFile(target, "w") as packed:
        packed.comment = key.encode("ascii")
        for name, content in _contents(site, names):
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}", (day.year, day.month, day.day, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_STORED if name.endswith((".pdf", ".png", ".woff2")) else zipfile.ZIP_DEFLATED
            packed.writestr(entry, content)


def _contents(site: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield each file of the archive by its name: pages and indexes changed so that they work from a disk."""
    yield "assets/js/offline.js", f"self.bookSearchWorker = {json.dumps(worker_text(site), ensure_ascii=False)};\n".encode()
    for name in names:
        content = (site / name).read_bytes()
        if name.endswith(".html"):
            content = from_disk(content.decode()).encode()
        elif name.endswith(INDEX):
            name, content = name.removesuffix("on"), b"var __index = " + _index(json.loads(content)).encode()
        yield name, content


def from_disk(page: str) -> str:
    """Return a page whose links name files, since a disk serves no folder's index, and whose search can start."""
    page = HERE.sub(lambda found: found[1] + file_of(found[2]), page)
    # A page opened from a disk cannot read another one: the English under the Chinese needs a server.
    page = ITSELF.sub(r"\1", BOTH.sub("", page))
    return LAZY.sub(r'<script src="\1assets/js/offline.js"></script>\n\g<0>', page)


def file_of(address: str) -> str:
    """Return the file that a server answers with for a relative address."""
    if address.endswith("/"):
        return address + "index.html"
    return address + "/index.html" if posixpath.basename(address) in (".", "..") else address


def _index(index: dict) -> str:
    """Return a search index whose places name files."""
    for document in index["docs"]:
        page, mark, anchor = document["location"].partition("#")
        document["location"] = file_of(page or "./").removeprefix("./") + mark + anchor
    return json.dumps(index, ensure_ascii=False, separators=(",", ":"))


def _worker_files(site: Path) -> list[Path]:
    return [path for pattern in WORKER for path in sorted((site / "assets/javascripts").glob(pattern))]


def worker_text(site: Path) -> str:
    """Return the theme's search worker with all that it would load, as one script."""
    return "\n".join([*(path.read_text("utf-8") for path in _worker_files(site)), "self.importScripts = () => {};"])
