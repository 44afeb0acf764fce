"""Measure: paired ratios against one pass of WeasyPrint, how the cost grows with the book, and the search (`make bench`)."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf

from openbook.bench import peer
from openbook.bench.search import search
from openbook.pdf.collect import language_codes
from openbook.pdf.edition import cache_folder
from openbook.pdf.fonts import find_faces
from openbook.pdf.order import Order

ROOT = Path(__file__).resolve().parents[2]
#: Pages below which a PDF is not the book.
FEWEST = 200
ONE_PASS = """
import sys, weasyprint
from pathlib import Path
page, sheet, target = map(Path, sys.argv[1:])
fonts = weasyprint.text.fonts.FontConfiguration()
style = weasyprint.CSS(string=sheet.read_text(), font_config=fonts)
weasyprint.HTML(string=page.read_text(), base_url="about:").write_pdf(
    target, stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1", pdf_tags=True)
"""


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds by the clock and of all its processors, and the largest process in MB."""

    wall: float
    cpu: float
    memory: float


def measure(command: list[str], **environment: str) -> Cost:
    """Run a command to its end; raise SystemExit when it fails."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as said:
        child = os.posix_spawn(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT), **environment},
                               file_actions=[(os.POSIX_SPAWN_DUP2, said.fileno(), 1), (os.POSIX_SPAWN_DUP2, said.fileno(), 2)])
        _, status, used = os.wait4(child, 0)
        if status:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{said.read().decode()[-2000:]}")
    return Cost(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


class Bench:
    """One language of a built site, with a cache of its own."""

    def __init__(self, site: Path, code: str, folder: Path, jobs: int):
        self.site, self.code, self.folder, self.jobs = site, code, folder, jobs
        self.order = Order(site, code, folder)
        find_faces(cache_folder())

    def ours(self, cache: Path, site: Path | None = None, jobs: int | None = None) -> tuple[Cost, Path]:
        """Build the edition with a cache, beside which it goes; return its cost and its file."""
        made = cache.with_name(f"{cache.name}-made")
        cost = measure([sys.executable, str(ROOT / "build_pdf.py"), "--site", str(site or self.site), "--lang", self.code,
                        "--output", str(made), "--jobs", str(jobs or self.jobs)], OPENBOOK_CACHE=str(cache))
        return cost, next(made.glob(f"*.{self.code}.pdf"))

    def cold(self, name: str) -> Path:
        """Give an empty cache but for the faces taken out of collections, which both sides find ready."""
        cache = self.folder / name
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copytree(cache_folder() / "faces", cache / "pdf" / "faces")
        return cache

    def once(self, kind: str) -> tuple[Cost, Path]:
        """Lay a whole document out in one pass of WeasyPrint as it is; the document itself is written beforehand."""
        from openbook.bench import baseline

        more = baseline.APART if kind == "same" else baseline.APART + baseline.AS_BUILT
        page, sheet, target = (self.folder / f"{kind}.{end}" for end in ("html", "css", "pdf"))
        page.write_text(baseline.same_html(self.order) if kind == "same" else baseline.as_built(self.order), "utf-8")
        sheet.write_text(baseline.sheet(self.order, more), "utf-8")
        return measure([sys.executable, "-c", ONE_PASS, str(page), str(sheet), str(target)]), target


def edited(site: Path, code: str, folder: Path) -> Path:
    """Copy a site with a paragraph added to the chapter of middle length."""
    copy = folder / "edited"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(site, copy, ignore=shutil.ignore_patterns("pdf"))
    data = json.loads((copy / "book.json").read_text("utf-8"))
    pages = sorted((copy / c["languages"][code]["html"] for c in data["chapters"]), key=lambda page: page.stat().st_size)
    page = pages[len(pages) // 2]
    text = page.read_text("utf-8")
    page.write_text(text.replace("</article>", f"<p>Edited {time.time_ns()}.</p></article>"), "utf-8")
    return copy


def grown(site: Path, folder: Path, times: int) -> Path:
    """Copy a site that has its parts, and the appendices behind them, several times over."""
    copy = folder / f"grown-{times}"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(site, copy, ignore=shutil.ignore_patterns("pdf"))
    data = json.loads((copy / "book.json").read_text("utf-8"))
    first = next(at for at, chapter in enumerate(data["chapters"]) if chapter["number"])
    front, rest = data["chapters"][:first], data["chapters"][first:]
    numbered, parts = sum(chapter["number"] is not None for chapter in rest), len(data["parts"])

    def again(item: dict[str, Any], turn: int) -> dict[str, Any]:
        """Give a chapter or part its place in another turn."""
        more = {"number": numbered * turn, "part": parts * turn} if "part" in item else {"number": parts * turn}
        moved = {name: item[name] + by for name, by in more.items() if item[name] is not None}
        return {**item, **moved, "id": item["id"] + (f"-again-{turn}" if turn else "")}

    turns = range(times)
    data["parts"] = [again(part, turn) for turn in turns for part in data["parts"]]
    data["chapters"] = [*front, *(again(chapter, turn) for turn in turns for chapter in rest if chapter["part"]),
                        *(again(chapter, turn) for turn in turns for chapter in rest if not chapter["part"])]
    (copy / "book.json").write_text(json.dumps(data), "utf-8")
    return copy


def fonts_size(path: Path) -> int:
    """Add up the font programs of a PDF, in bytes."""
    with pikepdf.open(path) as pdf:
        return sum(len(item[key].read_raw_bytes()) for item in pdf.objects if isinstance(item, pikepdf.Dictionary)
                   for key in ("/FontFile2", "/FontFile3") if key in item)


def compare(bench: Bench, pairs: int) -> None:
    """Print the ratios of one language, each with what it is against."""
    rows: dict[str, list[float]] = {}

    def note(name: str, value: float, base: float) -> None:
        rows.setdefault(name, []).append(value / base)

    for turn in range(pairs):
        (same, once), (built, _) = bench.once("same"), bench.once("built")
        cache = bench.cold("cache")
        ours, made = bench.ours(cache)
        edit, _ = bench.ours(cache, edited(bench.site, bench.code, bench.folder))
        note("cold, wall, against one pass over the same HTML", ours.wall, same.wall)
        note("cold, CPU, against one pass over the same HTML", ours.cpu, same.cpu)
        note("cold, wall, against one pass over the HTML as built", ours.wall, built.wall)
        note("one chapter edited, wall, against one pass over the same HTML", edit.wall, same.wall)
        note("largest process, memory, against one pass over the same HTML", ours.memory, same.memory)
        note("size of the file, against one pass over the same HTML", made.stat().st_size, once.stat().st_size)
        print(f"  {bench.code} pair {turn + 1}: same HTML {same.wall:.1f} s, {same.cpu:.1f} s CPU, {same.memory:.0f} MB; as built "
              f"{built.wall:.1f} s; ours {ours.wall:.1f} s, {ours.cpu:.1f} s CPU, {ours.memory:.0f} MB; edited {edit.wall:.1f} s; load "
              f"{os.getloadavg()[0]:.1f}", flush=True)
    for name, values in rows.items():
        print(f"{bench.code}  {statistics.median(values):.3f}  ({min(values):.3f} to {max(values):.3f})  {name}")
    print(f"{bench.code}  {fonts_size(made) / 1e6:.2f} MB of fonts in the file", flush=True)


def grow(bench: Bench, sizes: list[int]) -> None:
    """Print how the cost of an edition grows with the book.

    Beside a longer book the book itself is made again and again, each with half of the jobs: what slows the machine for some
    minutes slows both.
    """
    half = max(1, bench.jobs // 2)
    for times in sizes:
        longer = grown(bench.site, bench.folder, times)
        own: list[Cost] = []
        with ThreadPoolExecutor(1) as aside:
            under_way = aside.submit(bench.ours, bench.cold("cache-longer"), longer, half)
            while not under_way.done():
                each, made = bench.ours(bench.cold("cache-own"), jobs=half)
                own.append(each)
            cost, long = under_way.result()
        own = own[:-1] or own    # the last had the machine to itself for a while
        pages, more = pages_of(made), pages_of(long)
        cpu, wall = (statistics.mean(getattr(one, what) for one in own) for what in ("cpu", "wall"))
        print(f"{bench.code}  book x{times}: {more / pages:.2f} times the pages ({more} and {pages}), {cost.cpu / cpu:.2f} times the CPU "
              f"({1000 * cost.cpu / more:.0f} and {1000 * cpu / pages:.0f} ms a page), {cost.wall / wall:.2f} times the time by the clock "
              f"({cost.wall:.0f} and {wall:.0f} s, {half} jobs each), {cost.memory:.0f} MB", flush=True)


def pages_of(path: Path) -> int:
    """Count the pages of a PDF."""
    with pikepdf.open(path) as pdf:
        return len(pdf.pages)


def against_peer(bench: Bench) -> None:
    """Print the ratio to mkdocs-to-pdf, both with the site build; ours builds the site in both languages."""
    quiet = {"NO_MKDOCS_2_WARNING": "1", "OPENBOOK_CHECKED": "1"}
    python, settings = peer.environment(bench.folder), peer.book(ROOT, bench.folder)
    theirs = measure(peer.command(python, settings, bench.folder / "peer-site"), BOOK_LOCALE=bench.code, **quiet)
    pages = pages_of(bench.folder / "peer-site" / "pdf" / "peer.pdf")
    if pages < FEWEST:
        raise SystemExit(f"{peer.PEER} printed {pages} pages of {bench.code}, which is not the book: there is nothing to compare. "
                         "Look at its PDF, and mend openbook/bench/peer.py.")
    site = bench.folder / "site"
    built = measure(peer.command(Path(sys.executable), ROOT / "mkdocs.yml", site), **quiet)
    ours, _ = bench.ours(bench.cold("cache-peer"), site)
    print(f"{bench.code}  {(built.wall + ours.wall) / theirs.wall:.3f} wall, {(built.cpu + ours.cpu) / theirs.cpu:.3f} CPU against "
          f"{peer.PEER}, both with the site build (theirs {theirs.wall:.1f} s, {theirs.cpu:.1f} s CPU, {theirs.memory:.0f} MB, {pages} "
          f"pages, no tags; ours {built.wall:.1f} + {ours.wall:.1f} s, {built.cpu:.1f} + {ours.cpu:.1f} s CPU, {ours.memory:.0f} MB)",
          flush=True)


def main() -> None:
    """Run the benches that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, default=ROOT / "site")
    parser.add_argument("--lang", action="append", help="one language (default: all)")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", choices=["ratios", "growth", "peer", "search"])
    parser.add_argument("--against-mkdocs-to-pdf", action="store_true", help=f"install {peer.PEER} aside and measure it too")
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, {options.jobs} jobs, load {os.getloadavg()[0]:.1f}")
    if options.only in (None, "search"):
        search(options.site)
    for code in () if options.only == "search" else options.lang or language_codes(options.site):
        with tempfile.TemporaryDirectory(prefix="openbook-bench-") as folder:
            bench = Bench(options.site, code, Path(folder), options.jobs)
            if options.only in (None, "ratios"):
                compare(bench, options.pairs)
            if options.only in (None, "growth"):
                grow(bench, [2, 4])
            if options.against_mkdocs_to_pdf or options.only == "peer":
                against_peer(bench)


if __name__ == "__main__":
    main()
