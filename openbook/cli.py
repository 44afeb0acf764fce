"""The `openbook` command: check the book, build its site."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from openbook.checking.run import check_repository
from openbook.findings import BookError, Finding, summary


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 well, 1 findings, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="openbook", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="print what is wrong in the book, with file, line and remedy")
    check.add_argument("paths", nargs="*", help="only findings in these files or folders")
    site = commands.add_parser("site", help="build the website into site/, if anything changed")
    site.add_argument("--force", action="store_true", help="build even if nothing changed")
    options = parser.parse_args(arguments)
    root = Path.cwd()
    try:
        if options.command == "check":
            return _check(root, options.paths)
        from openbook.site.build import build_site
        return build_site(root, force=options.force)
    except BookError as error:
        _print(error.findings)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _check(root: Path, paths: list[str]) -> int:
    findings = check_repository(root)
    if paths:
        wanted = tuple(path.removeprefix("./").rstrip("/") for path in paths)
        findings = [finding for finding in findings if finding.path.startswith(wanted)]
    _print(findings)
    return 1 if findings else 0


def _print(findings: list[Finding]) -> None:
    for finding in findings:
        print(finding)
    print(summary(findings), file=sys.stderr if findings else sys.stdout)
