"""The peer: mkdocs-to-pdf over the same book, in a throw-away environment beside ours."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PEER = "mkdocs-to-pdf==0.12.1"


def environment(folder: Path) -> Path:
    """Make a virtual environment with the peer, which finds our own packages behind its own; return its Python."""
    place = folder / "peer"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = place / "bin" / "python"
    where = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip())
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER], check=True)
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return python


def book(root: Path, folder: Path) -> Path:
    """Copy the book with the peer among its plugins; return its settings file."""
    copy = folder / "peer-book"
    for name in ("docs", "overrides"):
        shutil.copytree(root / name, copy / name, dirs_exist_ok=True)
    settings = (root / "mkdocs.yml").read_text("utf-8")
    # The theme's html and body are as high as the window, a page of paper here: what is beyond would not be printed.
    style = copy / "templates" / "styles.scss"
    style.parent.mkdir(exist_ok=True)
    style.write_text("html, body { height: auto !important; }\n", "utf-8")
    plugin = f"  - to-pdf: {{output_path: pdf/peer.pdf, toc_level: 2, custom_template_path: {style.parent}}}\n"
    target = copy / "mkdocs.yml"
    target.write_text(re.sub(r"(?ms)^plugins:\n.*?(?=^\S|\Z)", lambda found: found.group().rstrip("\n") + f"\n{plugin}\n", settings), "utf-8")
    return target


def command(python: Path, settings: Path, site: Path) -> list[str]:
    """Give the command that builds the peer's site and PDF of the language that BOOK_LOCALE names."""
    return [str(python), "-m", "mkdocs", "build", "--quiet", "--config-file", str(settings), "--site-dir", str(site)]
