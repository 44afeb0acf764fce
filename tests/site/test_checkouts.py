"""Unusual checkouts: the same commit builds the same bytes, and what git cannot tell is left out and said."""

import os
import shutil
import subprocess
import sys

import pytest

from openbook.site.build import _undated, input_key
from openbook.site.dates import changes_of
from openbook.site.manifest import git_state
from tests.conftest import ROOT

FOREIGN = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "7"}


def git(root, *arguments):
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments], cwd=root, check=True, capture_output=True)


def clone(published, folder, *options):
    git("/", "clone", "-q", *options, published.parent.as_uri(), str(folder))
    return folder


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def state(folder):
    return {path.relative_to(folder): path.stat().st_mtime_ns for path in folder.rglob("*") if ".git" not in path.parts}


def test_a_strange_folder_locale_and_time_zone_with_read_only_sources_give_the_same_bytes(published, tmp_path):
    book = clone(published, tmp_path / "it's \"a\" $b 汉字")
    sources = [book / "docs", book / "overrides"]
    for path in [path for folder in sources for path in (folder, *folder.rglob("*"))]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = [state(folder) for folder in sources]
    environment = {**os.environ, **FOREIGN, "PYTHONPATH": str(ROOT), "SITE_URL": "https://example.org/book/",
                   "REPO_URL": "https://example.org/us/book"}
    done = subprocess.run([sys.executable, "-m", "openbook", "site"], cwd=book, env=environment, capture_output=True, umask=0o077)
    assert done.returncode == 0, done.stdout.decode()
    assert [state(folder) for folder in sources] == before
    ours, usual = files(book / "site"), files(published)
    assert {name for name in {**ours, **usual} if ours.get(name) != usual.get(name)} == set()


def test_a_usual_clone_says_nothing_and_knows_the_days(published, tmp_path):
    book = clone(published, tmp_path / "book")
    assert list(_undated(book)) == [] and git_state(book)[1] == "2026-11-20"
    assert changes_of(book)["a.md"][0].day == "2026-11-20"


def test_a_shallow_clone_names_its_commit_and_dates_no_page(published, tmp_path):
    book = clone(published, tmp_path / "book", "--depth", "1")
    assert list(_undated(book)) == ["Pages carry no day of their last change: the clone is shallow; `git fetch --unshallow` brings its history."]
    assert git_state(book) == git_state(published.parent) and changes_of(book) == {}
    before = input_key(book)
    git(book, "fetch", "-q", "--unshallow")
    assert input_key(book) != before, "the site is built again, with the days"


def without_git(book, monkeypatch):
    (book / "nothing").mkdir()
    monkeypatch.setenv("PATH", str(book / "nothing"))


def of_another_user(book, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")


def unpacked(book, monkeypatch):
    shutil.rmtree(book / ".git")


def unpacked_in_another_repository(book, monkeypatch):
    shutil.rmtree(book / ".git")
    git(book.parent, "init", "-q")
    git(book.parent, "commit", "-q", "--allow-empty", "-m", "Something else")


@pytest.mark.parametrize("spoil, why", [
    (without_git, "git is not installed"),
    (of_another_user, 'git reads no repository of another user; to trust this one: git config --global --add safe.directory "{book}"'),
    (unpacked, "the book is in no git repository"),
    (unpacked_in_another_repository, "the book is in no git repository")])
def test_without_a_history_no_day_is_made_up_and_a_line_says_why(published, tmp_path, monkeypatch, spoil, why):
    book = clone(published, tmp_path / "work" / "book")
    spoil(book, monkeypatch)
    assert git_state(book) == (None, None) and changes_of(book) == {}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795000000")
    assert list(_undated(book)) == [f"Pages carry no day of their last change: {why.format(book=book)}."]
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert "set SOURCE_DATE_EPOCH for another" in list(_undated(book))[1]


def test_settings_of_the_user_of_git_change_nothing(published, tmp_path, monkeypatch):
    book = clone(published, tmp_path / "book")
    usual = git_state(book), changes_of(book)
    settings = {"core.abbrev": "30", "log.showSignature": "true", "color.ui": "always", "i18n.logOutputEncoding": "UTF-16", "log.date": "relative"}
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for number, (name, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    assert (git_state(book), changes_of(book)) == usual
