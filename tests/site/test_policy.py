"""The Content-Security-Policy: what the pages hold is all that it allows."""

import re

from openbook.site.policy import inline_scripts, policy


def test_data_and_scripts_in_files_are_no_inline_scripts():
    page = '<script src="x.js"></script><script type="application/ld+json">{}</script><script id="c" type="application/json">{}</script><script data-base="..">go()</script>'
    assert inline_scripts(page) == {"go()"}


def test_an_inline_script_is_allowed_by_its_hash_alone():
    # printf 'go()' | openssl dgst -sha256 -binary | base64
    assert "script-src 'self' 'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='" in policy(["go()"])


def test_the_policy_allows_every_script_of_the_site_and_no_other_host(small_site):
    site = small_site / "site"
    (line,) = [line for line in (site / "_headers").read_text("utf-8").split("\n") if "Content-Security-Policy" in line]
    scripts = {text for path in site.rglob("*.html") for text in inline_scripts(path.read_text("utf-8"))}
    assert line.strip() == f"Content-Security-Policy: {policy(scripts)}"
    assert len(scripts) == 3, "a hash for each inline script of the theme, the same on every page"
    assert "http" not in line and "unsafe" not in line.split("script-src")[1].split(";")[0]


def test_no_element_runs_a_script_from_its_attributes(small_site):
    handlers = [(path.name, found) for path in (small_site / "site").rglob("*.html")
                for found in re.findall(r'<[^>]+\son\w+="[^"]*"|href="javascript:[^"]*"', path.read_text("utf-8"))]
    assert handlers == []
