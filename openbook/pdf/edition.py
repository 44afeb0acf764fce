"""Make one language's PDF, from the built site to a checked file in its place."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib.metadata
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from . import fonts as font_files
from .announce import without_announcement
from .assemble import Assembly
from .collect import Book, collect
from .errors import PdfError
from .flats import Flats
from .order import Made, Order, Step
from .render import Renderer
from .style import FOLDER, style_sheet

ROOT = Path(__file__).resolve().parents[2]
#: Files of this package that shape a chapter's pages beside its HTML: a change in another one lays nothing out again.
SHAPING = "render.py weasy*.py cjk.py proof.py ink.py overflow.py"
#: Days for which the cache keeps what is not used.
KEEP = 30


def cache_folder() -> Path:
    """Give the folder of everything that can be made again: OPENBOOK_CACHE, or .cache in the repository."""
    return Path(os.environ.get("OPENBOOK_CACHE") or ROOT / ".cache") / "pdf"


def make(order: Order, progress: Callable[[Step], None] = lambda _: None) -> Made:
    """Make one PDF, unless it is up to date; raise PdfError, leaving the last one in place, if that fails."""
    collected = gc.isenabled()
    gc.disable()  # what an edition is made from is needed to its end
    try:
        return _make(order, progress)
    except OSError as error:
        raise PdfError(f"a file cannot be read or written: {error.strerror or error}", str(error.filename or ""),
                       "free space on the disk, or mend the file's permissions") from None
    finally:
        if collected:
            gc.enable()


def _make(order: Order, progress: Callable[[Step], None]) -> Made:
    """Make one PDF; errors of the file system come as they are."""
    started = time.monotonic()
    book = collect(order.site, order.code)
    chosen = book.keep(list(order.chapters)) if order.chapters else book
    cache = _writable(cache_folder(), "the cache")
    target = _writable(order.output, "the output folder") / _name(book, order)
    faces = font_files.find_faces(cache)
    sheet = style_sheet(faces, order.paper, order.code)
    environment = _environment(faces, SHAPING)
    stamp = cache / "editions" / f"{hashlib.sha256(os.fsencode(target.resolve())).hexdigest()[:16]}.json"
    everything = _environment(faces, "*.py ../figures/allowed.py")
    key = _inputs(order, book, sheet, everything)
    if not order.force and (kept := _up_to_date(stamp, key, target)):
        return Made(target, kept["pages"], target.stat().st_size, False, time.monotonic() - started)
    flats = Flats(book, order, everything, cache)
    with Renderer(sheet, environment, cache, order.jobs) as renderer:
        pages = Assembly(book, chosen, order, flats, renderer, font_files.by_key(faces), progress).write(target)
    _prune(cache)
    _remember(stamp, {"key": key, "sha256": _digest(target), "pages": pages})
    return Made(target, pages, target.stat().st_size, True, time.monotonic() - started)


def _name(book: Book, order: Order) -> str:
    """Name the file: a preview never takes the place of the book, nor B5 that of A4."""
    stem = Path(book.pdf).name.removesuffix(".pdf")
    paper = ("" if order.paper == "a4" else f".{order.paper}") + (".screen" if order.screen else "")
    return f"{stem}{paper}{'.preview' if order.chapters else ''}.pdf"


def _writable(folder: Path, what: str) -> Path:
    """Make a folder; raise PdfError when it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe.{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise PdfError(f"{what} cannot be written: {error.strerror}", str(folder),
                       "mend its permissions, or name another folder") from None
    return folder


def _environment(faces: list[font_files.Face], sources: str) -> str:
    """Describe the tools and fonts that shape every page; `sources` are patterns of the files that do."""
    paths = sorted(path for pattern in sources.split() for path in Path(__file__).parent.glob(pattern))
    code = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("weasyprint", "pydyf", "pikepdf", "uharfbuzz", "lxml")]
    return "\n".join([code, *versions, *sorted({face.sha256 for face in faces})])


def _inputs(order: Order, book: Book, sheet: str, environment: str) -> str:
    """Give the digest of everything an edition is made from."""
    digest = hashlib.sha256()
    text = [environment, sheet, order.paper, repr(sorted(order.chapters)), repr(order.screen), os.environ.get("SOURCE_DATE_EPOCH", "")]
    digest.update("\0".join(text).encode())
    digest.update((order.site / "book.json").read_bytes())
    digest.update((FOLDER / "cover.svg").read_bytes() if (FOLDER / "cover.svg").is_file() else b"")
    for chapter in book.chapters:
        page = without_announcement(chapter.html.read_bytes())
        digest.update(page)
        for path in chapter.attachments:
            digest.update(path.encode() + (order.site / path).read_bytes())
        for source in sorted(set(re.findall(rb'<img[^>]*\ssrc="?([^">\s]+)', page))):
            picture = chapter.html.parent / source.decode(errors="replace")
            digest.update(picture.read_bytes() if picture.is_file() else b"-")
    return digest.hexdigest()


def _prune(cache: Path) -> None:
    """Remove from the cache what no edition has used for some days."""
    oldest = time.time() - KEEP * 86400
    for kept in ("segments/*", "subsets/*", "verdicts/*", "editions/*", "flats/*/*"):
        for path in cache.glob(kept):
            with contextlib.suppress(FileNotFoundError):    # another build with this cache removes the same
                if path.stat().st_mtime < oldest:
                    path.unlink()


def _up_to_date(stamp: Path, key: str, target: Path) -> dict | None:
    """Read what is known of the finished file, if it is still the one made from these inputs."""
    try:
        kept = json.loads(stamp.read_text(encoding="utf-8"))
        return kept if kept["key"] == key and kept["sha256"] == _digest(target) else None
    except (OSError, ValueError, KeyError):
        return None


def _digest(path: Path) -> str:
    """Give the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remember(stamp: Path, data: dict) -> None:
    """Write down what the finished file was made from."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps(data), encoding="utf-8")
