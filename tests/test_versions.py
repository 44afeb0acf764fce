"""One version: in pyproject.toml, the citation, the changelog and the pages of changes; a release is refused where they differ."""

from importlib.metadata import version

import pytest

from openbook.cli import main
from openbook.versions import check_versions

FILES = {
    "pyproject.toml": '[project]\nname = "book"\nversion = "0.2.0"\n',
    "CITATION.cff": "cff-version: 1.2.0\nversion: 0.2.0\n",
    "CHANGELOG.md": "# Changelog\n\nWords.\n\n## 0.2.0 (2026-12-01)\n\nMore chapters.\n\n### Fixed\n\n- One.\n\n## 0.1.0 (2026-11-21)\n\nThe first.\n",
    "docs/about/changes.md": "# Changes\n\n## What stays? {#stays}\n\n## 0.2.0 {#v0-2-0}\n\n## 0.1.0 {#v0-1-0}\n",
    "docs/about/changes.zh.md": "# 变更\n\n## 什么不变？\n\n## 0.2.0\n\n## 0.1.0\n"}


def test_the_book_has_one_version(root):
    assert list(check_versions(root)) == []


def test_the_notes_of_a_release_are_its_section(write, monkeypatch, capsys):
    monkeypatch.chdir(write(FILES))
    assert main(["notes", "v0.2.0"]) == 0
    assert capsys.readouterr().out == "More chapters.\n\n### Fixed\n\n- One.\n"


@pytest.mark.parametrize("changed, tag, place, message", [
    ({}, "v0.1.0", "pyproject.toml:1", "the tag is v0.1.0, the version 0.2.0"), ({}, "0.2.0", "pyproject.toml:1", "the tag is 0.2.0, the version 0.2.0"),
    ({"CITATION.cff": "cff-version: 1.2.0\nversion: 0.1.0\n"}, "v0.2.0", "CITATION.cff:2", "the version is 0.1.0, in pyproject.toml 0.2.0"),
    ({"CHANGELOG.md": "# Changelog\n\n## 0.1.0\n"}, "v0.2.0", "CHANGELOG.md:3", "the version is 0.1.0, in pyproject.toml 0.2.0"),
    ({"docs/about/changes.zh.md": "# 变更\n"}, "v0.2.0", "docs/about/changes.zh.md:1", "the version is not given, in pyproject.toml 0.2.0")])
def test_a_release_of_another_version_is_refused(write, monkeypatch, capsys, changed, tag, place, message):
    monkeypatch.chdir(write({**FILES, **changed}))
    assert main(["notes", tag]) == 1
    assert capsys.readouterr().out.split("\n")[0] == f"{place}: {message} [version]"


@pytest.mark.parametrize("page", ["index.html", "zh/index.html", "a/index.html"])
def test_the_foot_of_each_page_gives_the_version(small_site, page):
    assert f"CC BY-SA 4.0</a> · {version('openbook')}" in (small_site / "site" / page).read_text("utf-8")
