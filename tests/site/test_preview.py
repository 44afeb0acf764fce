"""The live preview builds what an edit touches, and nothing else."""

import os
import subprocess
import sys

import pytest
from jinja2 import Environment, FileSystemLoader

from openbook.book import read_book
from openbook.site.preview import Kept, Templates, Workshop
from tests.conftest import RICH_PAGE, SMALL_BOOK, with_site_settings


def test_what_was_made_of_a_file_is_kept_until_it_changes(tmp_path):
    file, kept, made = tmp_path / "a", Kept(), []
    for text in ("1", "1", "22"):
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
        kept.get("a", [file], lambda: made.append(file.read_text()))
    assert made == ["1", "22"]


@pytest.fixture
def workshop(small_book, write):
    write({**RICH_PAGE, "mkdocs.yml": SMALL_BOOK["mkdocs.yml"]})
    workshop = Workshop(small_book)
    assert workshop.touched(workshop.library(read_book(small_book)))[1] is None
    workshop.finished()
    return workshop


CHIPS = SMALL_BOOK["docs/data/chips.yml"]


@pytest.mark.parametrize("files, chapters", [
    ({}, set()), ({"docs/index.zh.md": SMALL_BOOK["docs/index.zh.md"] + "\n更多。\n"}, {"index.md"}),
    ({"docs/data/chips.yml": CHIPS.replace("989.4", "989.5")}, {"a.md"}), ({"docs/data/chips.yml": CHIPS + "\n# Said by nobody.\n"}, set()),
    ({"docs/data/sources.yml": SMALL_BOOK["docs/data/sources.yml"].replace("Data sheet", "Sheet")}, {"a.md"}),
    ({"docs/figures/ring.svg": RICH_PAGE["docs/figures/ring.svg"].replace("one step", "a step")}, {"a.md"}),
    ({"docs/data/terms.yml": "{}\n"}, None), ({"mkdocs.yml": SMALL_BOOK["mkdocs.yml"] + "# More.\n"}, None), ({"overrides/assets/css/book.css": "a{}\n"}, None)])
def test_the_chapters_that_an_edit_touches(workshop, write, files, chapters):
    write(files)
    assert workshop.touched(workshop.library(read_book(workshop.root)))[1] == chapters


def test_after_a_build_that_failed_its_edit_is_still_to_be_built(workshop, write):
    write({"docs/index.md": SMALL_BOOK["docs/index.md"] + "\nMore.\n"})
    for _ in range(2):
        assert workshop.touched(workshop.library(read_book(workshop.root)))[1] == {"index.md"}
    workshop.finished()
    assert workshop.touched(workshop.library(read_book(workshop.root)))[1] == set()


BUILDS = """
import os, sys
from pathlib import Path
from mkdocs.commands.build import build
from mkdocs.config import load_config

def once():
    config = load_config("mkdocs.yml", site_dir="preview")
    if not Path("preview").exists():
        config.plugins.on_startup(command="serve", dirty=True)
    config.site_url = "http://127.0.0.1:8000/"
    build(config, serve_url=config.site_url, dirty=True)

once()
times = {page: page.stat().st_mtime_ns for page in Path("preview").rglob("*.html")}
index = Path("preview/search/search_index.json").read_bytes()
page = Path("docs/a.zh.md")
page.write_text(page.read_text("utf-8").replace("要点", "新的要点") + "\\n[断](gone.md)\\n", "utf-8")
once()
print("built", *sorted(page.relative_to("preview").as_posix() for page, time in times.items() if page.stat().st_mtime_ns != time))
print("index", index == Path("preview/search/search_index.json").read_bytes())
"""


def test_an_edit_builds_its_page_with_the_titles_of_all_and_names_its_mistakes(tmp_path, write):
    root = with_site_settings(write({**SMALL_BOOK, **RICH_PAGE}))
    environment = {**os.environ, "BOOK_LOCALE": "zh", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run([sys.executable, "-c", BUILDS], cwd=root, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["built a/index.html", "index True"]
    page = (root / "preview/a/index.html").read_text("utf-8")
    assert "新的要点" in page and page.count("深") >= 2    # beside the text, in the navigation and below
    assert "docs/a.zh.md" in done.stderr and "docs/gone.md is not a chapter" in done.stderr and "dirty" not in done.stderr


def test_a_template_is_compiled_once_and_again_when_it_changes(tmp_path, monkeypatch):
    (tmp_path / "a.html").write_text("one {{ x }}")
    templates, compiled = Templates(), []
    for text in ("one {{ x }}", "one {{ x }}", "two {{ x }}"):
        (tmp_path / "a.html").write_text(text)
        environment = Environment(loader=FileSystemLoader(tmp_path), bytecode_cache=templates)
        compile_one = environment.compile
        monkeypatch.setattr(environment, "compile", lambda *args, **kwargs: compiled.append(1) or compile_one(*args, **kwargs))
        assert environment.get_template("a.html").render(x=3) == text.replace("{{ x }}", "3")
    assert len(compiled) == 2
