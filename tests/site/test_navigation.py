"""The sidebar: a chapter by its number and its short name, as on the home page's map."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import Environment, FileSystemLoader
from lxml import html

OVERRIDES = Path(__file__).parents[2] / "overrides"


def place(title: str, number: int | None = None, **more: object) -> SimpleNamespace:
    """A page in the navigation as MkDocs hands it to the theme."""
    meta = {"chapter": {"number": number}} if number else {}
    return SimpleNamespace(**{"title": title, "url": "x/", "meta": meta, "is_page": True, "is_index": False, "active": False, "children": None, **more})


def shown(item: SimpleNamespace) -> list[str]:
    """Return the text of each link of an item, its words divided by single spaces."""
    environment = Environment(loader=FileSystemLoader(OVERRIDES))
    environment.filters["url"] = str
    template = environment.get_template("partials/nav-item.html")
    markup = template.make_module({"page": None, "features": ["navigation.indexes"]}).render(item, "__nav_1", 1)
    return [" ".join(link.text_content().split()) for link in html.fromstring(markup).xpath("//a")]


@pytest.mark.parametrize("item, text", [
    (place("Number Formats: From FP32 to FP4", 14), "14 Number Formats"),
    (place("数值格式：从 FP32 到 FP4", 14), "14 数值格式"),
    (place("Where the Memory Goes", 15), "15 Where the Memory Goes"),
    (place("Build the Book Yourself"), "Build the Book Yourself")])
def test_a_page_is_named_by_its_number_and_what_stands_before_the_colon(item, text):
    assert shown(item) == [text]


def test_a_part_keeps_its_whole_name_and_leads_to_its_page():
    part = place("Development: Debugging and Testing", is_page=False, children=[
        place("Development: Debugging and Testing", is_index=True, url="parts/development/"), place("Debugging Method: Where to Begin", 28)])
    assert shown(part) == ["Development: Debugging and Testing", "28 Debugging Method"]
