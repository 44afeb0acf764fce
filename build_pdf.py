"""Make the book's PDFs from the built site: `python build_pdf.py [--lang en] [--chapter PATH]`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from openbook.building import behave_as_command, building
from openbook.pdf.collect import language_codes
from openbook.pdf.errors import PdfError

ROOT = Path(__file__).resolve().parent


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", help="one language (default: all the site has)")
    parser.add_argument("--chapter", action="append", default=[], metavar="PATH",
                        help="only this chapter, as a preview; may be given more than once")
    parser.add_argument("--paper", choices=["a4", "b5"], default="a4", help="paper size (default: a4)")
    parser.add_argument("--screen", action="store_true", help="for reading on a screen: no footnotes with the addresses of links")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="chapters laid out at a time (default: one a processor)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder of the PDFs (default: SITE/pdf)")
    parser.add_argument("--site", type=Path, default=ROOT / "site", metavar="DIR", help="the built site (default: site)")
    parser.add_argument("--force", action="store_true", help="bind again even if nothing changed")
    return parser.parse_args(arguments)


def show(step) -> None:
    """Tell a person that a chapter is done."""
    took = "cached" if step.cached else f"{step.seconds:.1f} s"
    pages = "1 page" if step.pages == 1 else f"{step.pages} pages"
    print(f"{step.code}  {step.number}/{step.total}  {step.title}  {pages}  {took}", flush=True)


def build(options: argparse.Namespace) -> None:
    """Make each PDF that was asked for."""
    from openbook.pdf.announce import announce
    from openbook.pdf.edition import Order, make

    # A site that is built meanwhile would give a book of old and new pages.
    with building(options.site):
        for code in [options.lang] if options.lang else language_codes(options.site):
            made = make(Order(options.site, code, options.output or options.site / "pdf", tuple(options.chapter),
                              options.paper, options.jobs, options.force, options.screen), show)
            announce(options.site, code, made)
            if made.fresh:
                print(f"{made.path}  {made.pages} pages  {made.size / 1e6:.1f} MB  {made.seconds:.1f} s", flush=True)
            else:
                print(f"{made.path.name} is up to date", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    if arguments is None:
        behave_as_command()
    try:
        build(parse(sys.argv[1:] if arguments is None else arguments))
    except PdfError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the last PDF is still in place", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
