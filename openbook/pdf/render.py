"""Lay chapters out, several at a time, each as a PDF without fonts beside a record of what it used; keep both."""

from __future__ import annotations

import contextlib
import hashlib
import html
import itertools
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import PdfError
from .pool import Crew

POINTS = 0.75  # of a CSS pixel


@dataclass(frozen=True)
class Segment:
    """A piece of the book laid out as a document of its own."""

    id: str
    title: str
    lang: str
    body: str
    files: tuple[Path, ...] = ()
    paper: str = "a4"
    folded: tuple[tuple[str, str, str], ...] = ()  # tab panes and folded blocks of the page: kind, label, text


@dataclass
class Rendered:
    """What laying a segment out gave: a PDF without fonts, and its record.

    `anchors` maps an id to (page from 0, x, y) in points from the lower left corner; `sheets` and `faults` are
    what proof.py and overflow.py found on the pages.
    """

    id: str
    pdf: Path
    pages: int
    fonts: dict[str, dict[str, Any]]
    anchors: dict[str, tuple[int, float, float]]
    warnings: list[str] = field(default_factory=list)
    sheets: list[dict[str, Any]] = field(default_factory=list)
    faults: list[list[Any]] = field(default_factory=list)
    seconds: float = 0.0
    cached: bool = False


class Renderer:
    """Lays segments out with one style sheet, and keeps what it made under a key of all that shapes it."""

    def __init__(self, sheet: str, environment: str, cache: Path, jobs: int):
        self.sheet, self.cache, self.jobs = sheet, cache / "segments", max(1, jobs)
        self.cache.mkdir(parents=True, exist_ok=True)
        self.environment = hashlib.sha256((environment + sheet).encode()).hexdigest()
        self.crew = Crew(lay_out, self.jobs)

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.crew.stop()

    def key(self, segment: Segment) -> str:
        """Give the digest of everything that shapes a segment's pages."""
        digest = hashlib.sha256(self.environment.encode())
        for part in (segment.title, segment.lang, segment.paper, segment.body, repr(segment.folded)):
            digest.update(part.encode() + b"\0")
        for path in segment.files:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:32]

    def prepare(self) -> None:
        """Make ready what every layout needs, and the processes that have it."""
        prepare(self.sheet)
        self.crew.start()

    def render(self, segments: list[Segment], done: Callable[[Rendered], None] = lambda _: None,
               meanwhile: Callable[[], None] = lambda: None) -> list[Rendered]:
        """Lay the segments out, or take them from the cache; call `done` as each is finished, and `meanwhile` once.

        Raises PdfError when a segment uses a picture or a character that cannot be printed.
        """
        results: dict[str, Rendered] = {}
        waiting = []
        for segment in segments:
            key = self.key(segment)
            kept = load(self.cache / f"{key}.json", segment.id)
            if kept is None:
                waiting.append((key, segment))
            else:
                results[segment.id] = kept
        waiting.sort(key=lambda item: -len(item[1].body))
        with contextlib.closing(self._work(waiting)) as work:
            next(work)  # it is under way while the rest is attended to
            meanwhile()
            for result in itertools.chain(list(results.values()), work):
                results[result.id] = result
                done(result)
        return [results[segment.id] for segment in segments]

    def _work(self, waiting: list[tuple[str, Segment]]) -> Iterator[Rendered]:
        """Lay out what the cache lacks, in processes that find style and fonts ready; give None when that has begun."""
        if not waiting:
            yield None
            return
        self.prepare()
        work = self.crew.run((key, segment, self.sheet, self.cache) for key, segment in waiting)
        yield next(work)
        for key, segment_id, seconds in work:
            result = load(self.cache / f"{key}.json", segment_id)
            assert result is not None
            result.cached, result.seconds = False, seconds
            yield result


def load(path: Path, segment_id: str) -> Rendered | None:
    """Read a record from the cache; None when it or its PDF is not there."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    pdf = path.with_suffix(".pdf")
    if not pdf.is_file():
        return None
    for record in data["fonts"].values():
        record["glyphs"] = {int(glyph): text for glyph, text in record["glyphs"].items()}
        record["widths"] = {int(glyph): width for glyph, width in record["widths"].items()}
    for used in (path, pdf):
        os.utime(used)
    anchors = {name: tuple(place) for name, place in data["anchors"].items()}
    return Rendered(segment_id, pdf, data["pages"], data["fonts"], anchors, data["warnings"], data["sheets"],
                    data["faults"], 0.0, True)


#: A page with what most chapters have. Laying it out imports and opens, once for all processes forked later, what each chapter
#: would otherwise import and open for itself: a tenth of its time.
WARM = """<section class="chapter" id="warm"><h1 class="chapter-title">A</h1><h2>B</h2><h3>C</h3>
<p>A <b>b</b> <i>c</i> <b><i>d</i></b> <code>e</code> <a href="#warm">f</a><span class="footnote">g</span></p>
<p lang="zh-Hans">中，<b>“文”</b>。</p><ul><li>h</li></ul>
<div class="highlight"><pre><code><span class="k">i</span> <span class="c1"># j</span></code></pre></div>
<table><thead><tr><th>k</th></tr></thead><tbody><tr><td>l</td></tr></tbody></table>
<figure class="book-figure"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><style>.m{fill:red}</style>
<rect class="m" x="1" y="1" width="5" height="5"/><text x="1" y="5">n</text></svg><figcaption>o</figcaption></figure>
<div class="math"><span class="katex"><span class="katex-html"><span class="base"><span class="mord mathnormal">p</span>
<span class="mrel">=</span></span></span></span></div></section>"""

_sheets: dict[str, tuple[Any, Any]] = {}


def prepare(sheet: str) -> tuple[Any, Any]:
    """Make the style sheet and its fonts ready, once; processes forked from this one share them."""
    from . import cjk, weasy

    if sheet not in _sheets:
        weasy.install()
        cjk.install()
        fonts = weasy.open_fonts()
        _sheets.clear()
        _sheets[sheet] = weasy.weasyprint.CSS(string=sheet, font_config=fonts), fonts
        weasy.load_hyphens()
        with tempfile.TemporaryDirectory(prefix="openbook-warm-") as folder:
            lay_out("warm", Segment("warm", "Warm", "en", WARM), sheet, Path(folder))
    return _sheets[sheet]


class _Listener(logging.Handler):
    """Collects the warnings of WeasyPrint."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def lay_out(key: str, segment: Segment, sheet: str, cache: Path) -> tuple[str, str, float]:
    """Lay one segment out and write its PDF and record under the key; give key, id and seconds."""
    from . import markup, weasy
    from .fetch import Pictures
    from .overflow import overflow_faults
    from .proof import proof

    started = time.monotonic()
    logger = logging.getLogger("weasyprint")
    listener = _Listener()
    was, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [listener], False
    try:
        style, fonts = prepare(sheet)
        listener.messages.clear()
        page = (f'<html lang="{segment.lang}" class="{segment.paper}"><head><title>{html.escape(segment.title)}</title>'
                f"</head><body>{segment.body}</body></html>")
        options = {"pdf_tags": True, "pdf_version": "1.7"}
        laid = weasy.Page(markup.read(page), Pictures(segment.files)).render(stylesheets=[style], font_config=fonts, **options)
        scratch = cache / f"{key}.{os.getpid()}"
        laid.write_pdf(str(scratch), **options)
        used = weasy.font_records()
        sheets, faults = proof(scratch, used, segment.body, segment.folded)
        record = {
            "pages": len(laid.pages), "fonts": used, "warnings": sorted(set(listener.messages)),
            "anchors": _anchors(laid), "sheets": sheets, "faults": [*overflow_faults(laid), *faults],
        }
        scratch.replace(cache / f"{key}.pdf")
        scratch.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
        scratch.replace(cache / f"{key}.json")
    finally:
        logger.handlers, logger.propagate = was, propagate
    return key, segment.id, time.monotonic() - started


def _anchors(laid: Any) -> dict[str, tuple[int, float, float]]:
    """Find where every id lies: page, and x and y in points from the lower left corner."""
    found: dict[str, tuple[int, float, float]] = {}
    for number, page in enumerate(laid.pages):
        for name, (x, y, *_) in page.anchors.items():
            found.setdefault(name, (number, round(x * POINTS, 2), round((page.height - y) * POINTS, 2)))
    return found


def check_rendered(rendered: Rendered, title: str) -> None:
    """Raise PdfError for a fault that shows on a segment's own pages: pictures, characters, fonts, boxes."""
    for message in rendered.warnings:
        if message.startswith(("Failed to load", "Failed to render SVG", "Failed to get image")):
            raise PdfError(message, title, "make the file a complete PNG, JPEG or SVG")
    lost: dict[str, str] = {}
    for record in rendered.fonts.values():
        if not record["family"].startswith("Book "):
            sample = "".join(record["glyphs"].values())[:40]
            if sample.strip() and not set(record["missing"]) >= set(sample):
                raise PdfError(f"text is drawn with {record['family']}, which is not a font of the book",
                               f"{title}: “{sample}”", "name the book's own families, or none, in its style")
        for char in record["missing"]:
            if char.strip():
                lost.setdefault(char, record["family"])
    if lost:
        listing = ", ".join(f"{char} (U+{ord(char):04X})" for char in sorted(lost))
        raise PdfError(f"no font of the book has {listing}", title,
                       "write it with other characters, or add a font that has it to openbook/pdf/fonts.py")
    for what, page, text, mend in rendered.faults:
        place = f", page {page + 1} of the chapter" if page >= 0 else ""
        raise PdfError(what, f"{title}{place}: “{text}”", mend)
