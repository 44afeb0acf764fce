"""A tiny built site in two languages, and the books made from it once for all tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pikepdf
import pytest

from openbook.pdf.edition import Made, Order, make

PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title></head><body>
<nav class="md-nav">Navigation</nav><main><article class="md-content__inner md-typeset">
<a href="https://example.org/edit" class="md-content__button md-icon">Edit</a>
{body}
<form class="md-feedback"><button>Helpful?</button></form></article></main></body></html>"""

HOME = """<h1 id="home">Home<a class="headerlink" href="#home">#</a></h1>
<p class="only-web">Take the PDF.</p><p class="only-print">You hold the printed book.</p>
<p>Begin with <a href="alpha/#speed">the speed of links</a>.</p>"""

ALPHA_EN = """<h1 id="links">Links and nodes<a class="headerlink" href="#links">#</a></h1>
<h2 id="speed">How fast is one link?<a class="headerlink" href="#speed">#</a></h2>
<p>A link moves 900 GB/s, see <a href="../beta/#cost">the cost</a>, <a href="#tab-links">Table 1.1</a> and
<a href="https://example.org/spec/sheet?id=7">the data sheet</a> <sup class="cite"><a href="#src-acme">1</a></sup>.
A second claim.<sup id="fnref:a"><a class="footnote-ref" href="#fn:a">1</a></sup></p>
<h3 id="signs">Signs</h3>
<p>Arrows ↔ → ⇒, sets ∈ ∇ ≡ ≤ ≈, marks ✗ ✓ ●, <em>Greek αβθ → here</em>, <code>├── └── │ torch.distributed.checkpoint</code>, <code>--tb=short</code>.</p>
<figure class="book-figure" id="fig-ring"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 60" id="fig-ring-svg">
<title>A ring of two nodes</title><desc>Two boxes.</desc>
<style>#fig-ring-svg .box{fill:var(--fig-c1,#0072b2)}#fig-ring-svg .t{font:14px var(--fig-font,sans-serif);fill:var(--fig-ink,#1f2328)}</style>
<rect class="box" x="10" y="10" width="60" height="40"/><text class="t" x="80" y="35">Node one</text></svg>
<figcaption><span class="caption-number">Figure 1.1</span> A ring.</figcaption></figure>
<figure class="book-table" id="tab-links"><figcaption><span class="caption-number">Table 1.1</span> Links.</figcaption>
<div class="table-wrap"><table><thead><tr><th>Link</th><th class="num">GB/s</th></tr></thead><tbody>
<tr><td>NVLink</td><td class="num">900</td></tr><tr><td><a href="https://example.org/ib">InfiniBand</a></td><td class="num">50</td></tr>
</tbody></table></div><p class="table-notes">One direction.</p></figure>
<div class="math"><span class="katex"><span class="katex-mathml"><math><semantics><mi>t</mi>
<annotation encoding="application/x-tex">t = n / b</annotation></semantics></math></span>
<span class="katex-html" aria-hidden="true"><span class="base"><span class="mord mathnormal">t</span><span class="mrel">=</span>
<span class="mord mathnormal">n</span><span class="mord">/</span><span class="mord mathnormal">b</span></span></span></span></div>
<div class="highlight tested"><span class="filename">ring.py</span><pre><span></span><code><span class="kn">import</span><span class="w"> </span><span class="nn">torch</span>
<span class="c1"># a long comment that does not fit one line of the page and therefore wraps onto the next line of it</span>
</code></pre></div>
<div class="admonition warning"><p class="admonition-title">Warning</p><p>Count one direction.</p></div>
<details class="question"><summary>Why a ring?</summary><p>It is bandwidth optimal.</p></details>
<div class="tabbed-set tabbed-alternate" data-tabs="1:2"><input checked id="t1" name="t" type="radio"><input id="t2" name="t" type="radio">
<div class="tabbed-labels"><label for="t1">NVIDIA</label><label for="t2">AMD</label></div><div class="tabbed-content">
<div class="tabbed-block"><p>Use NCCL.</p></div><div class="tabbed-block"><p>Use RCCL.</p></div></div></div>
<ul class="task-list"><li class="task-list-item"><label class="task-list-control"><input type="checkbox" disabled checked>
<span class="task-list-indicator"></span></label> Measured</li></ul>
<p><img src="../assets/dot.png" alt="A dot"> <a href="ring.py">the script</a></p>
<div class="footnote"><hr><ol><li id="fn:a"><p>A note at the foot.&#160;<a class="footnote-backref" href="#fnref:a">↩</a></p></li></ol></div>
<h2 id="sources">Sources</h2><ol class="sources"><li id="src-acme">Acme, <a href="https://example.org/acme">Sheet</a>, 2026.</li></ol>"""

BETA_EN = """<h1 id="b">Budgets</h1><h2 id="cost">What does an hour cost?</h2>
<p>In Chinese the word is 成本.</p>
<p>Back to <a href="../alpha/#fig-ring">Figure 1.1</a> and to <a href="../">the beginning</a>.</p>"""

ALPHA_ZH = """<h1 id="links">链路与节点</h1><h2 id="speed">一条链路有多快？</h2>
<p>训练大模型要先算清楚通信的账：一条 NVLink 每秒搬运 900 GB 数据，见<a href="../beta/#cost">成本一节</a>；跨节点的
带宽只有它的几十分之一（“瓶颈”就在这里），所以<em>张量并行</em>留在节点之内，<strong>数据并行</strong>走节点之间。</p>
<h3 id="signs">符号</h3><p>箭头 ↔ → ⇒，集合 ∈ ∇，标记 ✗ ✓ ●。</p>
<div class="highlight"><pre><span></span><code><span class="c1"># 全归约</span>
</code></pre></div>
<figure class="book-figure" id="fig-ring"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 60" id="fig-ring-svg"><title>环</title>
<style>#fig-ring-svg .t{font-family:var(--fig-font,sans-serif);font-size:14px}</style><text class="t" x="80" y="35">节点一</text></svg>
<figcaption><span class="caption-number">图 1.1</span> 环。</figcaption></figure>
<h2 id="sources">参考来源</h2><ol class="sources"><li id="src-acme">Acme，规格书：The Complete Data Sheet of Links，2026。</li></ol>"""

BETA_ZH = '<p class="untranslated">本页尚未翻译。</p><div lang="en">' + BETA_EN + "</div>"

HEADINGS = {
    "en": [(2, "speed", "How fast is one link?"), (3, "signs", "Signs"), (2, "sources", "Sources")],
    "zh": [(2, "speed", "一条链路有多快？"), (3, "signs", "符号"), (2, "sources", "参考来源")],
}
DOT = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301"
                    "0100c9fe92ef0000000049454e44ae426082")


def chapter(path: str, name: str, number: int | None, part: int | None, titles: dict, languages: dict, headings: dict) -> dict:
    """Write one chapter of the manifest."""
    url = "" if name == "home" else f"{name}/"
    return {"path": path, "id": name, "number": number, "part": part, "languages": {
        code: {"title": titles[code], "url": root + url, "html": f"{root}{url}index.html", "source": f"docs/{path}",
               "language": languages[code], "description": "",
               "headings": [{"level": level, "id": anchor, "title": title} for level, anchor, title in headings[code]]}
        for code, root in (("en", ""), ("zh", "zh/"))}}


def manifest() -> dict:
    """Write the manifest of the tiny book."""
    cost = [(2, "cost", "What does an hour cost?")]
    both = {"en": "en", "zh": "zh"}
    return {
        "format": 1, "version": "0.1.0", "commit": "abc1234", "date": "2026-11-21", "site_url": "https://book.example/",
        "repo_url": None, "license": {"name": "CC BY-SA 4.0", "url": "https://creativecommons.org/licenses/by-sa/4.0/"},
        "languages": [
            {"code": "en", "tag": "en", "root": "", "title": "Tiny Book", "subtitle": "On links", "author": "the contributors",
             "description": "A tiny book.", "keywords": ["links", "nodes"], "pdf": "pdf/tiny.en.pdf"},
            {"code": "zh", "tag": "zh-Hans", "root": "zh/", "title": "《小书》", "subtitle": "谈链路", "author": "全体贡献者",
             "description": "一本小书。", "keywords": ["链路"], "pdf": "pdf/tiny.zh.pdf"}],
        "parts": [{"number": 1, "id": "part-1", "title": {"en": "Hardware", "zh": "硬件"},
                   "chapters": ["alpha/index.md", "beta/index.md"]}],
        "chapters": [
            chapter("index.md", "home", None, None, {"en": "Home", "zh": "首页"}, both, {"en": [], "zh": []}),
            chapter("alpha/index.md", "alpha", 1, 1, {"en": "Links and nodes", "zh": "链路与节点"}, both, HEADINGS),
            chapter("beta/index.md", "beta", 2, 1, {"en": "Budgets", "zh": "Budgets"}, {"en": "en", "zh": "en"},
                    {"en": cost, "zh": cost})],
    }


def write_site(folder: Path) -> Path:
    """Write the tiny book's site as `mkdocs build` would."""
    pages = {"": HOME, "alpha/": ALPHA_EN, "beta/": BETA_EN, "zh/": HOME, "zh/alpha/": ALPHA_ZH, "zh/beta/": BETA_ZH}
    for url, body in pages.items():
        path = folder / url / "index.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        lang = "zh-Hans" if url.startswith("zh") else "en"
        path.write_text(PAGE.format(lang=lang, title="Tiny", body=body), encoding="utf-8")
    (folder / "assets").mkdir()
    (folder / "assets" / "dot.png").write_bytes(DOT)
    (folder / "book.json").write_text(json.dumps(manifest(), ensure_ascii=False), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """Keep one cache for all tests, away from the repository's."""
    folder = tmp_path_factory.mktemp("cache")
    patch = pytest.MonkeyPatch()
    patch.setenv("OPENBOOK_CACHE", str(folder))
    patch.delenv("SOURCE_DATE_EPOCH", raising=False)
    yield folder
    patch.undo()


@pytest.fixture
def site(tmp_path, cache) -> Path:
    """Give a test a site of its own to break."""
    return write_site(tmp_path / "site")


@pytest.fixture(scope="session")
def made(tmp_path_factory, cache) -> dict[str, Made]:
    """Make the tiny book in both languages."""
    folder = write_site(tmp_path_factory.mktemp("book") / "site")
    return {code: make(Order(folder, code, folder / "pdf", jobs=2)) for code in ("en", "zh")}


@pytest.fixture(scope="session")
def pdfs(made) -> dict[str, pikepdf.Pdf]:
    """Open the made books."""
    opened = {code: pikepdf.open(item.path) for code, item in made.items()}
    yield opened
    for pdf in opened.values():
        pdf.close()


@pytest.fixture(scope="session")
def texts(made) -> dict[str, list[str]]:
    """Read the made books back, page by page."""
    found = {}
    for code, item in made.items():
        out = subprocess.run(["pdftotext", "-raw", str(item.path), "-"], capture_output=True, check=True)
        found[code] = out.stdout.decode().split("\f")
    return found
