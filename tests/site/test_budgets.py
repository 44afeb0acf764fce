"""What a reader of a chapter downloads before the text is there, compressed, without figures: at most 120 kB."""

import gzip
import re

from lxml import html

BUDGET = 120_000
FIGURES = re.compile(r"<svg\b.*?</svg>", re.DOTALL)


def compressed(content: bytes) -> int:
    return len(gzip.compress(content, 6))


def test_every_page_keeps_to_the_budget(real_site):
    site, weights = real_site / "site", {}
    assets: dict[str, int] = {}
    for path in site.rglob("index.html"):
        text = path.read_text("utf-8")
        loaded = html.fromstring(text).xpath("//script/@src | //link[@rel='stylesheet']/@href")
        for name in loaded:
            file = (path.parent / name).resolve()
            assets.setdefault(str(file), compressed(file.read_bytes()))
        weights[path.relative_to(site).as_posix()] = compressed(FIGURES.sub("", text).encode()) + sum(
            assets[str((path.parent / name).resolve())] for name in loaded)
    assert len(weights) > 80
    assert {name: weight for name, weight in weights.items() if weight > BUDGET} == {}


def test_styles_come_before_scripts_and_no_script_holds_the_text_up(real_site):
    for place in ("network/index.html", "zh/tables/index.html"):
        page = html.fromstring((real_site / "site" / place).read_text("utf-8"))
        assert [script.get("src") for script in page.xpath("/html/head/script[@src][not(@defer)][not(@async)]")] == []
        (article,) = page.xpath("//article")
        before = article.xpath("preceding::script[@src][not(@defer)]/@src")
        assert before == []
