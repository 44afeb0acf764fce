"""A small book with what the real one may lack for a while: sections behind, an untranslated page, a page that moved, and
every kind of Markdown on the untranslated one."""

import textwrap
from pathlib import Path

import pytest

from openbook.cli import main
from openbook.site.build import build_site
from tests.conftest import RICH_PAGE, SMALL_BOOK, with_site_settings

KINDS = """
    ## Every kind {#kinds}

    Press ++ctrl+c++, run `#!python print(1)`, see the note.[^1] H~2~ is ^^not^^ marked.

    [^1]: A footnote with `code`.

    - [x] a task that is done
    - [ ] one that is not

    Word
    :   What it means.

    === "One"

        ```python
        # A comment, a "text" and 0x10
        def add(a: int, b: float = 1.5) -> str:
            return f"{a + b}" if a is not None else "none"
        ```

    === "Two"

        ```bash
        export N=1; srun --nodes="$N" python train.py --lr 3e-4 | tee "out.log"   # run it
        ```

    ``` { .bash .tested }
    echo 1
    ```

    ``` { .text .output }
    1
    ```

    ```yaml
    model: {name: "tiny", layers: 2, tied: true}   # a map
    ```

    ```diff
    - gone
    + come
    ```

    ??? question "Why?"

        Because of [the sum](../a.md#eq-sum).

        !!! danger "Inside"

            | left | right |
            |:-----|------:|
            | a    | 1     |

    > A quotation.

    1. First

        ```text
        inside a list, a line of code that is long enough to scroll sideways on every screen that a reader may have, however wide it is, because it goes on and on
        ```

    2. Second

    !!! note

        Noted.

    !!! tip

        A tip.

    !!! example

        An example.
    """
DESCRIPTION = """description: 'A "quoted" word, <b> & more.'
translation: wanted
---
"""


def build_varied(root: Path) -> Path:
    """Build the varied book in `root` and return its folder `site`."""
    files = {name: textwrap.dedent(text).lstrip("\n") for name, text in {**SMALL_BOOK, **RICH_PAGE, "docs/data/moved.yml": "old.md: a.md\n"}.items()}
    files["docs/deep/index.md"] = files["docs/deep/index.md"].replace("description: Deep.\n---\n", DESCRIPTION) + textwrap.dedent(KINDS)
    del files["docs/deep/index.zh.md"]
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    with_site_settings(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert main(["accept", "docs/a.zh.md"]) == 0
    page = root / "docs/a.md"
    page.write_text(page.read_text("utf-8").replace("It measures an all-reduce.", "It measures an all-reduce, with care."), "utf-8")
    build_site(root)
    return root / "site"
