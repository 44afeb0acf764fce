"""What each kind of chart consists of, part by part, without coordinates: `python -m tests.charts.test_reference` writes it anew."""

from itertools import groupby
from pathlib import Path

import pytest
from lxml import html

from openbook.charts.render import render_chart
from openbook.charts.request import parse_chart
from openbook.facts.load import load_facts
from tests.charts.test_chart import ALL, CHIPS, SOURCES

REFERENCE = Path(__file__).parent / "reference"


def outline(figure) -> str:
    """A figure's elements, a line each, indented by depth: tag, classes, own words. Equal neighbours are counted."""
    lines = []

    def walk(element, depth: int) -> None:
        classes = "".join(f".{name}" for name in (element.get("class") or "").split())
        words = "" if element.tag == "style" else " ".join((element.text or "").split())
        lines.append("  " * depth + element.tag + classes + (f" {words}" if words else ""))
        for child in element:
            walk(child, depth + 1)

    walk(figure, 0)
    counted = ((line, len(list(same))) for line, same in groupby(lines))
    return "".join(f"{line} × {count}\n" if count > 1 else f"{line}\n" for line, count in counted)


def drawn(kind: str, folder: Path) -> str:
    (folder / "sources.yml").write_text(SOURCES, "utf-8")
    (folder / "chips.yml").write_text(CHIPS, "utf-8")
    facts, findings = load_facts(folder, folder)
    assert findings == []
    return outline(html.fromstring(render_chart(parse_chart(ALL[kind], facts), "en", "Figure 1.1")))


@pytest.mark.parametrize("kind", ALL)
def test_a_kind_of_chart_consists_of_what_it_did(kind, tmp_path):
    assert drawn(kind, tmp_path) == (REFERENCE / f"{kind}.txt").read_text("utf-8")


def test_every_kind_has_a_reference():
    assert {path.stem for path in REFERENCE.glob("*.txt")} == set(ALL)


if __name__ == "__main__":
    import tempfile

    REFERENCE.mkdir(exist_ok=True)
    for name in ALL:
        with tempfile.TemporaryDirectory() as folder:
            (REFERENCE / f"{name}.txt").write_text(drawn(name, Path(folder)), "utf-8")
