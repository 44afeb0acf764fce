"""The command: what it prints, what it leaves in place, and what it says of mistakes."""

import json
import os
import subprocess
import sys

import pikepdf
import pytest

import build_pdf
from openbook.pdf import fonts, render
from openbook.pdf.errors import PdfError


@pytest.fixture
def run(site, capsys):
    """Run the command on a site; give exit code, output and errors."""

    def command(*arguments):
        code = build_pdf.main(["--site", str(site), "--lang", "en", "--jobs", "1", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def edit(site, **changes):
    data = json.loads((site / "book.json").read_text())
    data.update(changes)
    (site / "book.json").write_text(json.dumps(data))


def test_progress_is_a_line_a_chapter_and_a_second_run_has_nothing_to_do(run, site, made):
    code, out, err = run()
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert sorted(line.split("  ")[1] for line in lines[:3]) == ["1/3", "2/3", "3/3"]
    assert lines[3].startswith(str(site / "pdf" / "tiny.en.pdf")) and " pages  " in lines[3] and " MB  " in lines[3]
    before = (site / "pdf" / "tiny.en.pdf").read_bytes()
    assert run() == (0, "tiny.en.pdf is up to date\n", "")
    code, out, _ = run("--force")
    assert code == 0 and out.count("cached") == 3
    assert (site / "pdf" / "tiny.en.pdf").read_bytes() == before, "the same inputs give the same bytes"


def test_a_preview_holds_the_chapter_alone_and_leads_to_the_web(run, site):
    code, out, _ = run("--chapter", "docs/beta/index.md")
    assert code == 0 and "tiny.en.preview.pdf" in out
    with pikepdf.open(site / "pdf" / "tiny.en.preview.pdf") as pdf:
        addresses = [str(note.A.URI) for page in pdf.pages for note in page.obj.get("/Annots", []) if "/A" in note]
    assert "https://book.example/alpha/#fig-ring" in addresses


def test_b5_has_its_own_file(run, site):
    assert run("--paper", "b5")[0] == 0
    with pikepdf.open(site / "pdf" / "tiny.en.b5.pdf") as pdf:
        assert [round(float(edge) / 72 * 25.4) for edge in pdf.pages[0].mediabox[2:]] == [176, 250]


def test_a_site_that_is_not_built(run, site):
    (site / "book.json").unlink()
    code, _, err = run()
    assert code == 1 and "the site is not built" in err and "make site" in err and "Traceback" not in err


@pytest.mark.parametrize(("text", "message"), [
    ("{", "book.json is not JSON"), ('{"format": 2}', "book.json is of format 2"), ("[]", "book.json is of format list"),
    ('{"format": 1}', "book.json lacks the key 'languages'")])
def test_a_manifest_that_cannot_be_used(run, site, text, message):
    (site / "book.json").write_text(text)
    code, _, err = run()
    assert code == 1 and message in err and "where:" in err and "mend:" in err


def test_an_unknown_chapter_lists_near_ones(run):
    code, _, err = run("--chapter", "alpha/indx.md")
    assert code == 1 and "no chapter alpha/indx.md in the book" in err and "alpha/index.md" in err


def test_an_unknown_language_lists_the_known(site, capsys):
    assert build_pdf.main(["--site", str(site), "--lang", "fr"]) == 1
    assert "the site has no language fr" in (err := capsys.readouterr().err) and "en, zh" in err


def test_a_missing_page_or_picture(run, site):
    (site / "assets" / "dot.png").unlink()
    code, _, err = run()
    assert code == 1 and "the picture ../assets/dot.png is missing" in err and "docs/alpha/index.md" in err
    (site / "beta" / "index.html").unlink()
    code, _, err = run()
    assert code == 1 and "the page of beta/index.md is missing" in err


def test_a_broken_link_or_character_leaves_the_last_good_pdf(run, site):
    assert run()[0] == 0
    good = (site / "pdf" / "tiny.en.pdf").read_bytes()
    page = site / "beta" / "index.html"
    whole = page.read_text()
    page.write_text(whole.replace("#fig-ring", "#nowhere"))
    code, _, err = run()
    assert code == 1 and "which does not exist" in err
    page.write_text(whole.replace("Back to", "\U00013080 to"))
    code, _, err = run()
    assert code == 1 and "no font of the book has" in err and "U+13080" in err and "docs/beta/index.md" in err
    assert (site / "pdf" / "tiny.en.pdf").read_bytes() == good
    assert [path.name for path in (site / "pdf").iterdir()] == ["tiny.en.pdf"]


def test_a_folder_that_cannot_be_written(run, site):
    (site / "pdf").write_text("a file in the way")
    code, _, err = run()
    assert code == 1 and "the output folder cannot be written" in err


def test_a_full_disk(run, site, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pikepdf.Pdf, "save", full)
    code, _, err = run()
    assert code == 1 and "No space left on device" in err
    assert list((site / "pdf").iterdir()) == []


def test_a_disk_that_fills_up_while_chapters_are_laid_out(run, site, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(render, "lay_out", full)
    page = site / "beta" / "index.html"
    page.write_text(page.read_text().replace("Back to", "Go back to"))
    code, _, err = run()
    assert code == 1 and "a file cannot be read or written: No space left on device" in err


def test_a_missing_font_names_the_family_and_the_packages(run, monkeypatch):
    known = {name: path for name, path in fonts._font_files().items() if "lxgw" not in name}
    monkeypatch.setattr(fonts, "_font_files", lambda: known)
    code, _, err = run()
    assert code == 1 and "the font LXGW WenKai is not installed" in err and "fonts-lxgw-wenkai" in err


def test_a_missing_pango_is_told(monkeypatch):
    import builtins
    import importlib

    import openbook.pdf.weasy as weasy

    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *args, **kwargs)

    source = importlib.util.find_spec(weasy.__name__).loader.get_source(weasy.__name__)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PdfError, match="Pango, which sets the type, is missing"):
        exec(compile(source, "weasy.py", "exec"), {"__name__": "openbook.pdf.again", "__package__": "openbook.pdf"})


def test_a_page_that_changed_is_laid_out_again_alone(run, site):
    assert run()[0] == 0
    page = site / "beta" / "index.html"
    page.write_text(page.read_text().replace("Back to", "Now back to"))
    code, out, _ = run()
    assert code == 0 and out.count("cached") == 2


def test_the_date_can_be_set_from_outside(run, site, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert run()[0] == 0
    with pikepdf.open(site / "pdf" / "tiny.en.pdf") as pdf:
        assert str(pdf.docinfo.CreationDate) == "D:19700101000000Z"


def test_temporary_files_do_not_stay(site, cache, tmp_path):
    for name in ("alpha", "beta"):
        page = site / name / "index.html"
        page.write_text(page.read_text().replace("<h2", "<p>Fresh.</p><h2"))
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, build_pdf.__file__, "--site", str(site), "--lang", "en", "--jobs", "2"]
    done = subprocess.run(command, env={**os.environ, "TMPDIR": str(tmp_path / "tmp")}, capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout.count("cached")) == (0, "", 1)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not [path for path in cache.rglob("*") if path.suffix.removeprefix(".").isdigit()]
