"""Make one language's PDF, from the built site to a checked file in its place."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import fonts as font_files
from .bind import Mark, Piece, bind, page_label, place
from .bind_fonts import Lookup
from .collect import Book, Chapter, Part, collect
from .errors import PdfError
from .flatten import Flat, check_links, flatten
from .flatten_links import Links
from .front import FRONT, Row, contents_rows, front_segment, part_segment
from .preflight import preflight
from .render import Rendered, Renderer, check_rendered
from .style import FOLDER, style_sheet
from .words import part_label

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Order:
    """What to make: a language of a site, some or all chapters, on a paper, into a folder."""

    site: Path
    code: str
    output: Path
    chapters: tuple[str, ...] = ()
    paper: str = "a4"
    jobs: int = 2
    force: bool = False


@dataclass(frozen=True)
class Made:
    """What was made: the file, its pages and bytes; `fresh` is false when it was up to date."""

    path: Path
    pages: int
    size: int
    fresh: bool
    seconds: float


@dataclass(frozen=True)
class Step:
    """A finished chapter, for the progress shown to a person."""

    code: str
    number: int
    total: int
    title: str
    pages: int
    seconds: float
    cached: bool


def cache_folder() -> Path:
    """Give the folder of everything that can be made again: OPENBOOK_CACHE, or .cache in the repository."""
    return Path(os.environ.get("OPENBOOK_CACHE") or ROOT / ".cache") / "pdf"


def make(order: Order, progress: Callable[[Step], None] = lambda _: None) -> Made:
    """Make one PDF, unless it is up to date; raise PdfError, leaving the last one in place, if that fails."""
    try:
        return _make(order, progress)
    except OSError as error:
        raise PdfError(f"a file cannot be read or written: {error.strerror or error}", str(error.filename or ""),
                       "free space on the disk, or mend the file's permissions") from None


def _make(order: Order, progress: Callable[[Step], None]) -> Made:
    """Make one PDF; errors of the file system come as they are."""
    started = time.monotonic()
    book = collect(order.site, order.code)
    chosen = book.keep(list(order.chapters)) if order.chapters else book
    cache = _writable(cache_folder(), "the cache")
    target = _writable(order.output, "the output folder") / _name(book, order)
    faces = font_files.find_faces(cache)
    sheet = style_sheet(faces, order.paper, order.code)
    environment = _environment(faces)
    stamp = cache / "editions" / f"{hashlib.sha256(str(target.resolve()).encode()).hexdigest()[:16]}.json"
    key = _inputs(order, book, sheet, environment)
    if not order.force and (kept := _up_to_date(stamp, key, target)):
        return Made(target, kept["pages"], target.stat().st_size, False, time.monotonic() - started)
    renderer = Renderer(sheet, environment, cache, order.jobs)
    maker = _Maker(book, chosen, order, renderer, font_files.by_key(faces), progress)
    pages = maker.write(target)
    renderer.prune()
    _remember(stamp, {"key": key, "sha256": _digest(target), "pages": pages})
    return Made(target, pages, target.stat().st_size, True, time.monotonic() - started)


class _Maker:
    """The steps from flattened chapters to a bound file."""

    def __init__(self, book: Book, chosen: Book, order: Order, renderer: Renderer, lookup: Lookup,
                 progress: Callable[[Step], None]):
        self.book, self.chosen, self.order, self.renderer = book, chosen, order, renderer
        self.lookup, self.progress = lookup, progress
        self.preview = bool(order.chapters)

    def write(self, target: Path) -> int:
        """Lay out, bind and check the book beside its place, then put it there; return its pages."""
        links = Links(self.book)
        flats = [flatten(self.book, chapter, links, self.order.paper) for chapter in self.book.chapters]
        check_links(flats)
        wanted = {chapter.id for chapter in self.chosen.chapters}
        flats = [flat for flat in flats if flat.chapter.id in wanted]
        rendered = self._render(flats)
        pieces, marks, rows = self._assemble(flats, rendered)
        printed: dict[str, str] = {}
        if not self.preview:
            printed = self._front(pieces, rows)
        self._check_targets(flats, pieces)
        scratch = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            bind(self.book, pieces, marks, self.lookup, self.order.paper, self.renderer.cache.parent, scratch, self._web)
            pages = preflight(scratch, marks, printed)
            scratch.replace(target)
        except OSError as error:
            raise PdfError(f"the PDF cannot be written: {error.strerror or error}", str(target),
                           "free space on the disk, or name another folder with --output") from None
        finally:
            scratch.unlink(missing_ok=True)
        return pages

    def _render(self, flats: list[Flat]) -> dict[str, Rendered]:
        """Lay out the chapters and the part pages, telling of each chapter as it is done."""
        titles = {flat.chapter.id: flat.chapter for flat in flats}
        parts = [] if self.preview else [part_segment(self.book, part, self.order.paper) for part in self._parts(flats)]
        count = 0

        def done(item: Rendered) -> None:
            nonlocal count
            if chapter := titles.get(item.id):
                count += 1
                self.progress(Step(self.order.code, count, len(flats), chapter.title, item.pages, item.seconds, item.cached))

        results = self.renderer.render([flat.segment for flat in flats] + parts, done)
        for item in results:
            chapter = titles.get(item.id)
            check_rendered(item, chapter.source if chapter else item.id)
        return {item.id: item for item in results}

    def _parts(self, flats: list[Flat]) -> list[Part]:
        """List the parts that have a chapter here."""
        numbers = {flat.chapter.part for flat in flats}
        return [part for part in self.book.parts if part.number in numbers]

    def _assemble(self, flats: list[Flat], rendered: dict[str, Rendered]) -> tuple[list[Piece], list[Mark], list[Row]]:
        """Put chapters and part pages in order, and write the bookmarks and rows of the contents."""
        pieces: list[Piece] = []
        marks: list[Mark] = []
        front = {chapter.id for chapter in self.book.front()}
        part, under = None, marks
        for flat in flats:
            chapter, item = flat.chapter, rendered[flat.chapter.id]
            of = self.book.part_of(chapter)
            if of is None:
                under = marks
            elif of != part and not self.preview:
                part = of
                gap = "　" if self.book.code == "zh" else "  "
                mark = Mark(f"{part_label(self.book.code, of.number)}{gap}{of.title}", of.id)
                marks.append(mark)
                under = mark.children
                pieces.append(Piece(rendered[of.id], "part", of.title, {of.id: of.title}))
            kind = "front" if chapter.id in front and not self.preview else "body"
            pieces.append(Piece(item, kind, chapter.title, _titles(flat, item)))
            under.append(_chapter_mark(flat))
        return pieces, marks, contents_rows(self.book, flats)

    def _front(self, pieces: list[Piece], rows: list[Row]) -> dict[str, str]:
        """Lay out cover and contents until their own length fits the numbers they print; return the numbers."""
        length = 4
        for _ in range(4):
            blank = Rendered(FRONT, Path(), length, {}, {})
            cover = Piece(blank, "cover", self.book.title, {})
            trial = [cover, *pieces]
            front = place(trial)
            pages = _page_labels(trial, front)
            printed = {row.target: pages[row.target] for row in rows if row.kind != "part"}
            item = self.renderer.render([front_segment(self.book, rows, printed, self.order.paper)])[0]
            check_rendered(item, "cover and contents")
            if item.pages + item.pages % 2 == length + length % 2:
                cover.rendered = item
                cover.titles = {name: self.book.title for name in item.anchors}
                pieces.insert(0, cover)
                return printed
            length = item.pages
        raise PdfError("the contents do not settle on a length", "contents", "report this with the site folder")

    def _check_targets(self, flats: list[Flat], pieces: list[Piece]) -> None:
        """Raise PdfError for a link to something that is in the page but not on paper."""
        on_paper = {name for piece in pieces for name in piece.rendered.anchors}
        bound = {flat.chapter.id for flat in flats}
        for flat in flats:
            for target, href in flat.wanted:
                if target.partition("--")[0] in bound and target not in on_paper:
                    raise PdfError(f"a link leads to {href}, which is not printed", flat.chapter.source,
                                   "link to a heading, figure or table")

    def _web(self, target: str) -> str:
        """Give the web address of a name of the book; nothing when the site's address is not known."""
        chapter_id, _, fragment = target.partition("--")
        chapter = next((c for c in self.book.chapters if c.id == chapter_id), None)
        if chapter is None or not self.book.site_url:
            return ""
        return self.book.site_url.rstrip("/") + "/" + chapter.url + (f"#{fragment}" if fragment else "")


def _titles(flat: Flat, item: Rendered) -> dict[str, str]:
    """Name every place of a chapter: headings by their text, the rest by the chapter's title."""
    headings = {name: title for _, name, title in flat.headings}
    return {name: headings.get(name, flat.chapter.title) for name in item.anchors}


def _chapter_mark(flat: Flat) -> Mark:
    """Write a chapter's bookmark with those of its sections and their subsections."""
    chapter: Chapter = flat.chapter
    title = f"{chapter.number}  {chapter.title}" if chapter.number else chapter.title
    mark = Mark(title, chapter.id)
    for level, name, text in flat.headings:
        under = mark.children[-1].children if level == 3 and mark.children else mark.children
        under.append(Mark(text, name))
    return mark


def _page_labels(pieces: list[Piece], front: int) -> dict[str, str]:
    """Give the printed page of every name in the pieces."""
    return {name: page_label(piece.start + number, front)
            for piece in pieces for name, (number, _, _) in piece.rendered.anchors.items()}


def _name(book: Book, order: Order) -> str:
    """Name the file: a preview never takes the place of the book, nor B5 that of A4."""
    stem = Path(book.pdf).name.removesuffix(".pdf")
    paper = "" if order.paper == "a4" else f".{order.paper}"
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


def _environment(faces: list[font_files.Face]) -> str:
    """Describe the tools and fonts that shape every page."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    code = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("weasyprint", "pydyf", "pikepdf", "uharfbuzz")]
    return "\n".join([code, *versions, *sorted({face.sha256 for face in faces})])


def _inputs(order: Order, book: Book, sheet: str, environment: str) -> str:
    """Give the digest of everything an edition is made from."""
    digest = hashlib.sha256()
    text = [environment, sheet, order.paper, repr(sorted(order.chapters)), os.environ.get("SOURCE_DATE_EPOCH", "")]
    digest.update("\0".join(text).encode())
    digest.update((order.site / "book.json").read_bytes())
    digest.update((FOLDER / "cover.svg").read_bytes() if (FOLDER / "cover.svg").is_file() else b"")
    for chapter in book.chapters:
        page = chapter.html.read_bytes()
        digest.update(page)
        for source in sorted(set(re.findall(rb'<img[^>]*\ssrc="?([^">\s]+)', page))):
            picture = chapter.html.parent / source.decode(errors="replace")
            digest.update(picture.read_bytes() if picture.is_file() else b"-")
    return digest.hexdigest()


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
