"""Fixtures: small books written into a temporary folder, file by file, so that a test shows its whole input."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from openbook.site.build import KEY, build_site, input_key

ROOT = Path(__file__).parent.parent

# The same examples on every machine, and no deadline: a slow machine is no mistake in the book.
settings.register_profile("book", deadline=None, database=None, derandomize=True)
settings.load_profile("book")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no worker is left alone with them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture
def root() -> Path:
    """The repository itself."""
    return ROOT


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write files given as {path: text} into a fresh folder and return the folder."""
    def write_files(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
        return tmp_path

    return write_files


NAV = """
    site_name: Small Book
    nav:
      - index.md
      - Insights:
          - a.md
      - Hardware: []
      - Training:
          - deep/index.md
    plugins:
      - i18n:
          languages:
            - {locale: en, default: true}
            - {locale: zh, nav_translations: {Insights: 洞见, Training: 训练}}
"""

SMALL_BOOK = {
    "mkdocs.yml": NAV,
    "docs/index.md": "---\ndescription: Home.\n---\n# Home\n\nSee [alpha](a.md#how).\n",
    "docs/index.zh.md": "---\ndescription: 首页。\n---\n# 首页\n\n见[甲](a.md#how)。\n",
    "docs/a.md": "---\ndescription: Alpha.\n---\n# Alpha\n\n## How it works {#how}\n\nA claim [@nv-sheet].\n",
    "docs/a.zh.md": "---\ndescription: 甲。\n---\n# 甲\n\n## 原理\n\n一个论断 [@nv-sheet]。\n",
    "docs/deep/index.md": "---\ndescription: Deep.\n---\n# Deep\n\nBack to [alpha](../a.md).\n",
    "docs/deep/index.zh.md": "---\ndescription: 深。\n---\n# 深\n\n回到[甲](../a.md)。\n",
    "docs/data/sources.yml": """
        nv-sheet: {title: Data sheet, publisher: NVIDIA, url: "https://example.org/sheet", kind: datasheet, accessed: 2026-11-21}
        amd-sheet: {title: Brochure, publisher: AMD, url: "https://example.org/amd", kind: datasheet, published: 2026-06, accessed: 2026-11-21}
        """,
    "docs/data/chips.yml": """
        title: {en: Chips, zh: 芯片}
        columns:
          name: {type: text, en: Chip, zh: 芯片}
          year: {type: int, en: Year, zh: 年份}
          bf16: {type: number, unit: TFLOPS, en: BF16, zh: BF16, sourced: true}
          bw: {type: number, unit: TB/s, en: Bandwidth, zh: 带宽, sourced: true}
          ridge: {type: number, unit: FLOP/B, digits: 0, en: Ridge point, zh: 脊点, compute: bf16 / bw}
        rows:
          - {id: h100, src: nv-sheet, checked: 2026-11-21, name: H100, year: 2022, bf16: 989.4, bw: 3.35}
          - {id: mi300x, src: amd-sheet, checked: 2026-10-02, name: MI300X, year: 2023, bf16: 1307.4}
        """,
}


@pytest.fixture
def small_book(write) -> Path:
    """A book of three pages in both languages without a mistake in it."""
    return write(SMALL_BOOK)


RICH_PAGE = {
    "docs/a.md": """
        ---
        description: Alpha.
        ---
        # Alpha

        ## How it works {#how}

        With $x^2$ and [Equation](#eq-sum), a claim [@nv-sheet; @amd-sheet] and [Table](#tab-chips), [Figure](#fig-ring), [Table](#tab-hand). Get the [PDF](book:pdf).

        $$
        s = a + b
        $$
        {#eq-sum}

        ![A ring of four.](figures/ring.svg){#fig-ring}

        ```table
        id: tab-chips
        data: chips
        columns: [name, bf16]
        caption: Peaks.
        ```

        | a | b |
        |---|---|
        | 1 | 2 |

        Table: By hand. {#tab-hand}

        !!! warning
            Watch out.

        ## How fast is NCCL? {#nccl}

        It measures an all-reduce.
        """,
    "docs/a.zh.md": """
        ---
        description: 甲。
        ---
        # 甲

        ## 原理

        公式 $x^2$，[公式](#eq-sum)，论断 [@nv-sheet; @amd-sheet]，[表](#tab-chips)、[图](#fig-ring)、[表](#tab-hand)。下载 [PDF](book:pdf)。**要点。**显存不够时用张量并行。

        $$
        s = a + b
        $$
        {#eq-sum}

        ![四个节点的环。](figures/ring.svg){#fig-ring}

        ```table
        id: tab-chips
        data: chips
        columns: [name, bf16]
        caption: 峰值。
        ```

        | a | b |
        |---|---|
        | 1 | 2 |

        表：手工。 {#tab-hand}

        !!! warning
            小心。

        ## NCCL 有多快？

        它测一次全归约（all-reduce）。
        """,
    "docs/figures/ring.svg": """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40"><title lang="en">Ring</title><title lang="zh">环</title>
        <style>.t{fill:var(--fig-ink,#1f2328)}</style>
        <switch><text class="t" y="20" systemLanguage="zh">一步</text><text class="t" y="20">one step</text></switch></svg>
        """,
}


def with_site_settings(root: Path) -> Path:
    """Give the small book in `root` the real site's settings and theme, with its own navigation."""
    settings = (ROOT / "mkdocs.yml").read_text("utf-8")
    before, rest = settings.split("\nnav:\n", 1)
    after = rest[rest.index("\nexclude_docs:"):]
    nav = "  - Home: index.md\n  - Insights:\n      - a.md\n  - Hardware: []\n  - Training:\n      - deep/index.md\n"
    (root / "mkdocs.yml").write_text(f"{before}\nnav:\n{nav}{after}", "utf-8")
    if not (root / "overrides").exists():
        shutil.copytree(ROOT / "overrides", root / "overrides")
    return root


@pytest.fixture(scope="session")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The website of a small book with every kind of content, built for real; returns its repository."""
    root = tmp_path_factory.mktemp("small-site")
    for name, text in {**SMALL_BOOK, **RICH_PAGE}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
    build_site(with_site_settings(root))
    return root


def is_made() -> bool:
    """Say whether `make` has built the site of just these sources."""
    made = ROOT / "site" / KEY
    return made.is_file() and made.read_text() == input_key(ROOT)


@pytest.fixture(scope="session")
def real_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The website of the book itself in a temporary folder, as `make` has just built it, or built anew; returns its repository."""
    root = tmp_path_factory.mktemp("real-site")
    for name in ("docs", "overrides"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "mkdocs.yml", root / "mkdocs.yml")
    if is_made():
        shutil.copytree(ROOT / "site", root / "site")
    else:
        build_site(root)
    return root
