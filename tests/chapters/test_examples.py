"""Every block that a chapter marks as tested runs, and prints what the chapter says it prints."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openbook.alignment.code import running_lines
from openbook.reading.source import Fence, scan

DOCS = Path(__file__).parents[2] / "docs"
SHELL = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}


def blocks_marked_tested() -> list:
    """Every tested block of every chapter, with the output block that follows it; what differs in comments alone runs once."""
    blocks, known = [], set()
    for path in sorted(DOCS.rglob("*.md")):
        fences = scan(path.name, path.read_text("utf-8")).fences
        for fence, following in zip(fences, [*fences[1:], None]):
            if "tested" in fence.classes:
                output = following if following and "output" in following.classes else None
                same = (path.parent, str(running_lines(fence.body.split("\n"), fence.language)), output and output.body)
                if same in known:
                    continue
                known.add(same)
                marks = [pytest.mark.torch] if "torch" in fence.classes else []
                blocks.append(pytest.param(path, fence, output, marks=marks, id=f"{path.relative_to(DOCS)}:{fence.line}"))
    return blocks


def snippet_text(fence: Fence) -> str:
    """Return the code of a block, reading the file when the block shows one by snippet."""
    lines = fence.body.strip().split("\n")
    if len(lines) == 1 and lines[0].startswith("--8<--"):
        return (DOCS / lines[0].split('"')[1].split(":")[0]).read_text("utf-8")
    return fence.body


@pytest.mark.parametrize("path, fence, output", blocks_marked_tested())
def test_tested_blocks_run(path: Path, fence: Fence, output: Fence | None):
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*SHELL[fence.language], snippet_text(fence)], cwd=path.parent, env=environment, text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    # A training loop prints times and may round differently on another processor; plain arithmetic does not.
    if output is not None and "torch" not in fence.classes:
        assert done.stdout.strip() == output.body.strip()
