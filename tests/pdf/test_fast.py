"""What is remembered instead of worked out again changes nothing: the same bytes as from WeasyPrint's own functions.

Only the digits of its numbers are fewer, and it writes moves by nothing.
"""

import re
import subprocess
import sys
from pathlib import Path

import pydyf
import pytest

from openbook.bench.baseline import segments
from openbook.pdf import render, weasy, weasy_fast
from openbook.pdf.edition import cache_folder
from openbook.pdf.fonts import find_faces
from openbook.pdf.order import Order
from openbook.pdf.style import style_sheet


@pytest.fixture
def stock(monkeypatch):
    """Take WeasyPrint's own functions wherever ours only save work."""

    def switch():
        monkeypatch.setattr(weasy_fast, "install", weasy_fast.restore)
        monkeypatch.setattr(pydyf.Stream, "show_text", lambda self, text: self.stream.append(f"[{shortened(text)}] TJ".encode()))
        monkeypatch.setattr(pydyf.Stream, "set_text_matrix", lambda self, *values: self.stream.append(
            b" ".join(pydyf._to_bytes(round(value, 3)) for value in values) + b" Tm"))
        monkeypatch.setattr(render, "_sheets", {})

    yield switch
    monkeypatch.undo()
    weasy.install()


def shortened(shown):
    """Write the moves between glyphs with three decimal places, and none that moves nothing."""
    def move(found):
        value = round(float(found[1]), 3) if "." in found[1] else int(found[1])
        return f">{value}{found[2]}" if value else "" if found[2] else ">"

    return re.sub(r">(-?[\d.]+)(<|$)", move, shown).replace("><", "").replace("<>", " ")


def lay_all_out(order, folder):
    folder.mkdir()
    sheet = style_sheet(find_faces(cache_folder()), order.paper, order.code)
    for number, segment in enumerate(segments(order)):
        render.lay_out(f"{number}", segment, sheet, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def compare(order, tmp_path, stock):
    ours = lay_all_out(order, tmp_path / "ours")
    stock()
    assert lay_all_out(order, tmp_path / "theirs") == ours


@pytest.mark.parametrize("code", ["en", "zh"])
def test_pages_have_the_bytes_that_weasyprint_alone_gives(site, tmp_path, stock, code):
    compare(Order(site, code, tmp_path), tmp_path, stock)


def test_every_function_in_the_way_is_put_back():
    weasy.install()
    assert all(getattr(holder, name) is ours for holder, name, ours in weasy_fast.places())
    weasy_fast.restore()
    assert not any(getattr(holder, name) is ours for holder, name, ours in weasy_fast.places())
    weasy.install()


LAY_OUT = """
import sys
from pathlib import Path
from openbook.bench.baseline import segments
from openbook.pdf import render
from openbook.pdf.edition import cache_folder
from openbook.pdf.fonts import find_faces
from openbook.pdf.order import Order
from openbook.pdf.style import style_sheet
order = Order(Path(sys.argv[1]), "en", Path(sys.argv[2]))
found = [segment for segment in segments(order) if "<img" not in segment.body]    # Pillow looks for its formats when it is needed
sheet = style_sheet(find_faces(cache_folder()), "a4", "en")
render.prepare(sheet)
before = set(sys.modules)
for segment in found:
    render.lay_out("one", segment, sheet, Path(sys.argv[2]))
print(sorted(set(sys.modules) - before))
"""


def test_a_chapter_without_photographs_imports_nothing_that_its_process_was_not_forked_with(site, tmp_path):
    done = subprocess.run([sys.executable, "-c", LAY_OUT, site, tmp_path], cwd=Path(__file__).parents[2],
                          capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
