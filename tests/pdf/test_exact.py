"""What holds to the byte, the character and the page, whatever the machine does."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections import Counter

import pikepdf
import pytest

from openbook.bench.baseline import APART, document, segments
from openbook.pdf import assemble, cjk, edition, render, weasy
from openbook.pdf.bind_pages import _target
from openbook.pdf.collect import collect
from openbook.pdf.edition import cache_folder, make
from openbook.pdf.flatten import DROPPED, read_article
from openbook.pdf.flatten_links import Links, flatten_links
from openbook.pdf.flatten_markup import drop
from openbook.pdf.order import Order
from openbook.pdf.pool import Aside
from openbook.pdf.proof import plain, proof
from openbook.pdf.render import Renderer
from tests.conftest import ROOT, is_made

CODES = ("en", "zh")


def folder(tmp_path, name):
    (tmp_path / name).mkdir()
    return tmp_path / name


@pytest.mark.parametrize("code", CODES)
def test_cold_warm_and_rebuilt_editions_have_the_same_bytes(site, tmp_path, monkeypatch, code):
    monkeypatch.setenv("OPENBOOK_CACHE", str(folder(tmp_path, "cache")))
    cold = make(Order(site, code, tmp_path / "cold", jobs=2)).path.read_bytes()
    warm = make(Order(site, code, tmp_path / "warm", jobs=1)).path.read_bytes()
    page = site / {"en": "", "zh": "zh"}[code] / "beta" / "index.html"
    was = page.read_text()
    page.write_text(was.replace("Back to", "Now back to"))
    changed = make(Order(site, code, tmp_path / "warm", jobs=2)).path.read_bytes()
    page.write_text(was)
    rebuilt = make(Order(site, code, tmp_path / "warm", jobs=2)).path.read_bytes()
    monkeypatch.setenv("OPENBOOK_CACHE", str(folder(tmp_path, "another")))
    again = make(Order(site, code, tmp_path / "again", jobs=1)).path.read_bytes()
    assert cold == warm == rebuilt == again != changed


@pytest.mark.parametrize("guess", [0, 31])
def test_a_wrong_guess_of_the_length_of_the_contents_leaves_no_trace(site, tmp_path, monkeypatch, guess):
    """Roman numbers, named places, tags and labels of what stands before the body are as if the guess had been right."""
    right = make(Order(site, "en", tmp_path / "right", jobs=2)).path.read_bytes()
    monkeypatch.setattr(assemble, "guess_pages", lambda *_: guess)
    assert make(Order(site, "en", tmp_path / "wrong", jobs=2)).path.read_bytes() == right


def pages_apart(order, every):
    """Give the text of each page of every nth chapter and part page, laid out apart."""
    faces = edition.font_files.find_faces(cache_folder())
    # The cache of the editions: what another test laid out is not laid out again.
    environment = edition._environment(faces, edition.SHAPING)
    found = []
    with Renderer(edition.style_sheet(faces, order.paper, order.code), environment, cache_folder(), 2) as renderer:
        items = renderer.render(segments(order)[1::every])
    for item in items:
        pages = ["".join(text for *_, text in sheet["runs"]) for sheet in item.sheets]
        found += pages + [""] * (len(pages) % 2)
    return found


def pages_at_once(order, every, tmp_path):
    """Give the text of each page of one pass over the same HTML."""
    front, *rest = segments(order)
    html = document(front.lang, order.paper, "".join(segment.body for segment in (front, *rest[::every])))
    faces = edition.font_files.find_faces(cache_folder())
    weasy.install()
    cjk.install()
    fonts = weasy.open_fonts()
    style = weasy.weasyprint.CSS(string=edition.style_sheet(faces, order.paper, order.code) + APART, font_config=fonts)
    laid = weasy.weasyprint.HTML(string=html).render(stylesheets=[style], font_config=fonts, pdf_tags=True)
    laid.write_pdf(tmp_path / "once.pdf", pdf_tags=True)
    sheets, _ = proof(tmp_path / "once.pdf", weasy.font_records(), "", ())
    return ["".join(text for *_, text in sheet["runs"]) for sheet in sheets]


def compare(order, tmp_path, monkeypatch, every=1):
    """Compare every nth chapter laid out apart with one pass over them, page by page."""
    monkeypatch.setattr(render, "_sheets", {})
    once, apart = pages_at_once(order, every, tmp_path), pages_apart(order, every)
    front = len(once) - len(once[next(i for i, page in enumerate(once) if plain(page) == plain(apart[0])):])
    body = [plain(page) for page in once[front:]]
    body += [""] * (len(body) % 2)
    assert [plain(page) for page in apart] == body
    assert len(body) >= 6


@pytest.mark.parametrize("code", CODES)
def test_every_page_has_the_text_of_one_pass(site, tmp_path, monkeypatch, code):
    compare(Order(site, code, tmp_path), tmp_path, monkeypatch)


@pytest.fixture
def as_made(cache, monkeypatch, request):
    """Let a test of the real book use what `make` has made, with the cache of the repository; return the site."""
    monkeypatch.delenv("OPENBOOK_CACHE")
    return ROOT / "site" if is_made() else request.getfixturevalue("real_site") / "site"


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_pages_of_every_sixth_real_chapter_have_the_text_of_one_pass(as_made, tmp_path, monkeypatch, code):
    compare(Order(as_made, code, tmp_path), tmp_path, monkeypatch, every=6)


def web_text(book, chapter):
    """Read what a chapter's web page says, as far as it is meant for paper."""
    article = read_article(chapter)
    for element in article.xpath(f'{DROPPED}|.//*[@class="katex-mathml"]|.//*[local-name()="svg"]//*[local-name()="title" or '
                                 'local-name()="desc" or local-name()="style"]'):
        drop(element)
    if not chapter.number:
        drop(article.find(".//h1"))  # on paper the manifest's title takes its place
    return plain("".join(article.itertext()))


def check_characters(order):
    book, made = collect(order.site, order.code), make(order)
    out = subprocess.run(["pdftotext", "-raw", str(made.path), "-"], capture_output=True, check=True).stdout.decode()
    source = Counter("".join(web_text(book, chapter) for chapter in book.chapters))
    letters = {char for char in source if char.isalnum() or char > "\u2000"} - set("↩✔✘")
    lost = {char: n for char, n in (source - Counter(plain(out))).items() if char in letters}
    assert lost == {}


@pytest.mark.parametrize("code", CODES)
def test_no_character_of_the_web_page_is_missing_from_the_text_layer(site, tmp_path, code):
    check_characters(Order(site, code, tmp_path / "out"))


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_no_character_of_the_real_book_is_missing(as_made, code):
    check_characters(Order(as_made, code, as_made / "pdf"))


def check_links(order):
    """Compare the links of every chapter's page with those of its PDF."""
    book, made = collect(order.site, order.code), make(order)
    links = Links(book)
    wanted = Counter()
    for chapter in book.chapters:
        article = read_article(chapter)
        for element in article.xpath(DROPPED):
            drop(element)
        for gone in article.xpath('.//a[contains(@class,"footnote-ref")]'):
            drop(gone)  # a note at the foot needs no link
        flatten_links(article, chapter, links)
        wanted += Counter(link.get("href").removeprefix("#").removeprefix("x-book:") for link in article.xpath(".//a[@href]")
                          if "".join(link.itertext()).strip() or len(link))
    found = Counter()
    with pikepdf.open(made.path) as pdf:
        for page in pdf.pages:
            for note in page.obj.get("/Annots", []):
                found[_target(note) or str(note.A.URI)] += 1
    assert {target: n for target, n in (wanted - found).items() if target} == {}


@pytest.mark.parametrize("code", CODES)
def test_no_link_is_lost(site, tmp_path, code):
    check_links(Order(site, code, tmp_path / "out"))


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_no_link_of_the_real_book_is_lost(as_made, code):
    check_links(Order(as_made, code, as_made / "pdf"))


@pytest.mark.parametrize("code", CODES)
def test_every_number_of_the_contents_is_printed_on_the_page_it_names(made, pdfs, code):
    pdf = pdfs[code]
    names = {str(name): place for name, place in pikepdf.NameTree(pdf.Root.Names.Dests).items()}
    labels = {page.obj.objgen: page.label for page in pdf.pages}
    first = next(i for i, page in enumerate(pdf.pages, 1) if page.obj.objgen == names["contents"][0].objgen)
    out = subprocess.run(["pdftotext", "-layout", "-f", str(first), "-l", str(first), str(made[code].path), "-"],
                         capture_output=True, check=True).stdout.decode()
    printed = [row.split()[-1] for row in out.splitlines()[1:] if re.search(r"\s(\d+|[ivxl]+)$", row)]
    targets = []
    for note in pdf.pages[first - 1].obj.Annots:
        if not str(note.Dest).startswith("part-"):
            targets.append(labels[names[str(note.Dest)][0].objgen])
    assert printed[:len(targets)] == targets


@pytest.mark.parametrize("code", CODES)
def test_the_files_are_sound(pdfs, code):
    assert pdfs[code].check_pdf_syntax() == []


def killed(work, seconds):
    """Start work in a process group of its own and kill the group after a while."""

    def alone():
        os.setsid()
        work()

    child = Aside(alone)
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process, signal.SIGKILL)
    child.stop()


def test_killing_the_build_at_any_moment_leaves_the_last_good_pdf(site, tmp_path, made):
    target, page = site / "pdf" / "tiny.en.pdf", site / "beta" / "index.html"

    def build():
        make(Order(site, "en", site / "pdf", jobs=2))

    def edit(step):
        page.write_text(page.read_text().replace("</article>", f"<p>Edit {step}.</p></article>"))

    build()
    edit("first")
    started = time.monotonic()
    build()
    whole, good = time.monotonic() - started, target.read_bytes()
    for step in range(8):
        edit(step)
        killed(build, whole * (step + 1) / 9)
        if target.read_bytes() != good:
            with pikepdf.open(target) as pdf:
                assert pdf.check_pdf_syntax() == []
            good = target.read_bytes()
    edit("last")
    build()
    assert [path.name for path in (site / "pdf").iterdir()] == ["tiny.en.pdf"], "what a killed build left is cleared away"


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_a_real_chapter_has_the_same_bytes_from_a_cold_and_a_warm_cache(as_made, tmp_path, monkeypatch, code):
    chapter = "network/index.md"
    warm = make(Order(as_made, code, tmp_path / "warm", chapters=(chapter,), jobs=2)).path
    monkeypatch.setenv("OPENBOOK_CACHE", str(folder(tmp_path, "another")))
    cold = make(Order(as_made, code, tmp_path / "cold", chapters=(chapter,), jobs=1)).path
    assert cold.read_bytes() == warm.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_the_files_of_the_real_book_are_sound(as_made, code):
    with pikepdf.open(make(Order(as_made, code, as_made / "pdf")).path) as pdf:
        assert pdf.check_pdf_syntax() == []


@pytest.mark.slow
def test_real_chapters_on_the_smaller_paper_are_sound(as_made, tmp_path):
    chapters = ("compute/accelerator/index.md", "network/index.md", "training/memory.md", "inference/index.md")
    with pikepdf.open(make(Order(as_made, "en", tmp_path, chapters=chapters, paper="b5", jobs=2)).path) as pdf:
        assert pdf.check_pdf_syntax() == []
