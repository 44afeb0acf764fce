"""What an edition carries beside its chapters: attached programs, the state of its translation, the screen edition."""

import json
import os
import subprocess
from dataclasses import replace

import pikepdf
import pytest

from openbook.pdf.collect import collect
from openbook.pdf.edition import make
from openbook.pdf.front_notes import attached, translation_state
from openbook.pdf.order import Order


def edit(site, change):
    data = json.loads((site / "book.json").read_text())
    change({chapter["id"]: chapter for chapter in data["chapters"]})
    (site / "book.json").write_text(json.dumps(data))


def with_programs(site):
    (site / "alpha" / "ring.py").write_text("for i in range(2):\n    print(i)\n")
    (site / "beta" / "ring.py").write_text("print('other')\n")
    edit(site, lambda chapters: (chapters["alpha"].update(attachments=["alpha/ring.py"]),
                                 chapters["beta"].update(attachments=["beta/ring.py", "alpha/ring.py"])))


def test_programs_are_attached_and_listed(site, tmp_path):
    with_programs(site)
    made = make(Order(site, "en", tmp_path, jobs=2))
    with pikepdf.open(made.path) as pdf:
        assert set(pdf.attachments) == {"alpha-ring.py", "beta-ring.py"}
        assert pdf.attachments["alpha-ring.py"].get_file().read_bytes() == b"for i in range(2):\n    print(i)\n"
        assert len(pdf.Root.AF) == 2
        with pdf.open_outline() as outline:
            assert outline.root[-1].title == "Programs of this book"
        names = dict(pikepdf.NameTree(pdf.Root.Names.Dests))
        last = next(page for page in pdf.pages if page.obj.objgen == names["attached-files"][0].objgen)
        assert {str(note.Dest) for note in last.obj.Annots} == {"alpha", "beta"}
    assert make(Order(site, "en", tmp_path, jobs=2)).fresh is False
    (site / "alpha" / "ring.py").write_text("print(3)\n")
    assert make(Order(site, "en", tmp_path, jobs=2)).fresh is True


def test_files_of_one_name_keep_their_folders(site):
    with_programs(site)
    book = collect(site, "en")
    assert {name: (path, chapter.id) for name, (path, chapter) in attached(book).items()} == {
        "alpha-ring.py": ("alpha/ring.py", "alpha"), "beta-ring.py": ("beta/ring.py", "beta")}


@pytest.mark.parametrize("path, home", [
    ("network/bench/ring.py", "network/bench/index.md"),    # beside the file
    ("debug/probe.py", "network/debug/index.md"),           # in a folder of its name
    ("storage/scan.py", "insights/cloud.md"),               # the first with a number
    ("data/logs.yml", "index.md")])                         # the only one
def test_a_file_is_listed_with_the_chapter_it_belongs_to_not_the_first_that_names_it(site, path, home):
    book = collect(site, "en")
    shows = {"index.md": ("network/bench/ring.py", "debug/probe.py", "storage/scan.py", "data/logs.yml"),
             "insights/cloud.md": ("network/bench/ring.py", "debug/probe.py", "storage/scan.py"),
             "network/bench/index.md": ("network/bench/ring.py", "storage/scan.py"), "network/debug/index.md": ("debug/probe.py",)}
    chapters = tuple(replace(book.chapters[0], path=name, number=number or None, attachments=files)
                     for number, (name, files) in enumerate(shows.items()))
    (found, chapter), = [value for value in attached(replace(book, chapters=chapters)).values() if value[0] == path]
    assert (found, chapter.path) == (path, home)


def test_the_state_of_each_translation_is_told(site):
    assert translation_state(collect(site, "en")) == "up to date: chapters 1, front matter<br/>not translated yet: chapters 2"
    edit(site, lambda chapters: chapters["alpha"]["languages"]["zh"].update(behind=3))
    assert translation_state(collect(site, "zh")) == ("与英文一致：前言部分<br/>3 个小节落后于英文：第 1 章<br/>尚未翻译：第 2 章")


def test_the_screen_edition_prints_no_addresses_and_keeps_the_links(site, tmp_path, made):
    screen = make(Order(site, "en", tmp_path, jobs=2, screen=True))
    assert screen.path.name == "tiny.en.screen.pdf"

    def read(path):
        with pikepdf.open(path) as pdf:
            addresses = {str(note.A.URI) for page in pdf.pages for note in page.obj.get("/Annots", []) if "/A" in note}
            kinds = [str(item.S) for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/S" in item and "/Pg" in item]
        return addresses, kinds.count("/Note")

    (on_screen, fewer), (on_paper, more) = read(screen.path), read(made["en"].path)
    assert on_screen == on_paper and fewer < more


def test_a_page_that_is_not_printed_leads_to_the_web(site, tmp_path):
    edit(site, lambda chapters: chapters["beta"].update(print=False, number=None, part=None))
    made = make(Order(site, "en", tmp_path, jobs=2))
    with pikepdf.open(made.path) as pdf:
        with pdf.open_outline() as outline:
            assert [child.title for child in outline.root[-1].children] == ["1  Links and nodes"]
        names = set(pikepdf.NameTree(pdf.Root.Names.Dests).keys())
        addresses = [str(note.A.URI) for page in pdf.pages for note in page.obj.get("/Annots", []) if "/A" in note]
    assert not any(name.startswith("beta") for name in names)
    assert addresses.count("https://book.example/beta/#cost") == 1
    text = subprocess.run(["pdftotext", str(made.path), "-"], capture_output=True, check=True).stdout.decode()
    assert "book.example/beta/#cost" in text and "Budgets" not in text
    assert translation_state(collect(site, "en")) == "up to date: chapters 1, front matter"


def test_what_no_edition_has_used_for_a_month_leaves_the_cache(site, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBOOK_CACHE", str(tmp_path / "cache"))
    cache = tmp_path / "cache" / "pdf"
    order = Order(site, "en", tmp_path / "out", jobs=2, force=True)
    make(order)
    kept = [path for folder in ("segments", "subsets", "verdicts", "editions") for path in sorted((cache / folder).iterdir())]
    assert {path.parent.name for path in kept} == {"segments", "subsets", "verdicts", "editions"}
    lost = [cache / folder / "unused" for folder in ("segments", "subsets", "verdicts", "editions")]
    for path in lost:
        path.touch()
    for path in kept + lost:
        os.utime(path, (0, 0))
    make(order)
    assert all(path.exists() for path in kept) and not any(path.exists() for path in lost)
