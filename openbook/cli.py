"""The `openbook` command: check the book, keep its translation fresh, begin chapters, build its site and the copy to read offline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from openbook.building import behave_as_command
from openbook.findings import BookError, Finding, annotation, summary

# What a command rests on is imported where it is run: to import it all takes as long as to check a chapter.


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 well or nothing but advice, 1 findings, 2 wrong usage."""
    if arguments is None:
        behave_as_command()
    parser = argparse.ArgumentParser(prog="openbook", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="print what is wrong in the book, with file, line and remedy")
    check.add_argument("paths", nargs="*", help="only findings in these files or folders")
    check.add_argument("--changed", action="store_true", help="only what differs from the last commit; if nothing does, the whole book")
    check.add_argument("--fix", action="store_true", help="first mend in place the Chinese copy where that is safe")
    check.add_argument("--format", choices=("text", "github"), default="text", help="github: as annotations of a pull request")
    status = commands.add_parser("status", help="say which translations are behind, since when, and show what changed")
    status.add_argument("paths", nargs="*", help="only these chapters")
    accept = commands.add_parser("accept", help="record that a translation is right for the English of now, without touching its text")
    accept.add_argument("targets", nargs="+", help="docs/x.zh.md for the whole file, docs/x.zh.md#section for a section")
    new = commands.add_parser("new", help="begin a chapter in both languages and add it to the navigation")
    new.add_argument("place", metavar="PART/NAME", help="where: a folder of docs/, or a word of the part's title, and the file's name")
    new.add_argument("english", metavar="ENGLISH_TITLE")
    new.add_argument("chinese", metavar="CHINESE_TITLE")
    site = commands.add_parser("site", help="build the website into site/, if anything changed")
    site.add_argument("--force", action="store_true", help="build even if nothing changed")
    commands.add_parser("links", help="ask every external link whether it still answers; those that did are left alone for a week")
    notes = commands.add_parser("notes", help="print the release notes of a tag, if the book has its version everywhere")
    notes.add_argument("tag", metavar="vVERSION")
    taken = commands.add_parser("snapshot", help="write down what the built site and PDFs hold, to compare it with another build")
    taken.add_argument("file", type=Path)
    compared = commands.add_parser("compare", help="say which pages, PDFs and translations differ between two snapshots")
    compared.add_argument("old", type=Path, help="if there is no such file, only what there is now is told")
    compared.add_argument("new", type=Path)
    compared.add_argument("--json", type=Path, metavar="FILE", help="write the same as data, too")
    commands.add_parser("addresses", help="at a release: list every page and id, so that none is lost later without a redirect")
    commands.add_parser("offline", help="pack the built site and its PDFs into one file to read without a network")
    options = parser.parse_args(arguments)
    root = Path.cwd()
    try:
        if options.command == "check":
            if options.fix:
                _fix(root, options.paths)
            if options.changed and not options.paths:
                return _check_changed(root, options.format)
            return _check(root, options.paths, options.format)
        if options.command in ("status", "accept"):
            from openbook.freshness.commands import accept as record, status as report
            return _say(report(root, options.paths) if options.command == "status" else record(root, options.targets))
        if options.command == "new":
            from openbook.scaffold import new_chapter
            return _say(new_chapter(root, options.place, options.english, options.chinese))
        if options.command == "links":
            from openbook.links.run import check_external
            return _report(check_external(root, lambda line: print(line, flush=True)))
        if options.command == "notes":
            from openbook.versions import release_notes
            return _say([release_notes(root, options.tag)])
        if options.command in ("snapshot", "compare"):
            from openbook.review.compare import tell, write_snapshot
            return _say(write_snapshot(root, options.file) if options.command == "snapshot" else tell(options.old, options.new, options.json))
        if options.command == "addresses":
            from openbook.addresses.released import list_addresses
            return _say(list_addresses(root))
        if options.command == "offline":
            from openbook.site.offline import pack
            return _say(pack(root))
        from openbook.site.build import build_site
        return build_site(root, force=options.force)
    except BookError as error:
        _print(error.findings)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _fix(root: Path, paths: list[str]) -> None:
    """Mend the Chinese files among `paths`, or all of them, and say what was done."""
    from openbook.book import read_book
    from openbook.checking.words import chinese_files
    from openbook.copyedit.check import mend_files
    from openbook.reading.library import read_library

    files = [name for name in chinese_files(read_library(root / "docs", read_book(root))) if _wanted(f"docs/{name}", paths)]
    for name, count in mend_files(root / "docs", files).items():
        print(f"docs/{name}: mended {count} mistake{'s' * (count > 1)}.")


def _wanted(path: str, paths: list[str]) -> bool:
    return not paths or path.startswith(tuple(given.removeprefix("./").rstrip("/") for given in paths))


def _check(root: Path, paths: list[str], style: str = "text") -> int:
    from openbook.checking.run import check_repository

    return _report(check_repository(root, paths), style)


def _check_changed(root: Path, style: str) -> int:
    """Check what differs from the last commit, and say that it was not the whole book."""
    from openbook.checking.changed import changed_files, check_changes, of_the_book

    files = of_the_book(changed_files(root))
    checked = check_changes(root, files) if files else None
    if checked is None:
        print("Checking the whole book" + (": what changed may concern any chapter." if files else ", for nothing of it differs from the last commit."))
        return _check(root, [], style)
    findings, chapters = checked
    print(f"Checked {len(files)} changed file{'s' * (len(files) > 1)}, in {len(chapters)} chapter{'s' * (len(chapters) != 1)}. "
          "`openbook check` checks the whole book.")
    return _report(findings, style)


def _report(findings: list[Finding], style: str = "text") -> int:
    _print(findings, style)
    return 1 if any(not finding.advice for finding in findings) else 0


def _say(lines: Iterable[str]) -> int:
    for line in lines:
        print(line)
    return 0


def _print(findings: list[Finding], style: str = "text") -> None:
    for finding in findings:
        print(annotation(finding) if style == "github" else finding)
    print(summary(findings), file=sys.stderr if findings else sys.stdout)
