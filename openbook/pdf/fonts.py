"""Find the book's font files, take single faces out of collections, and name them for the print style."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import APT_LINE, PdfError

#: Where fonts lie when fontconfig's command line tools are not installed.
FOLDERS = [Path(p).expanduser() for p in (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts",
    "/opt/homebrew/share/fonts", "/Library/Fonts", "~/Library/Fonts", "/System/Library/Fonts")]
KATEX_FOLDERS = [Path(p) for p in (
    "/usr/share/javascript/katex", "/usr/share/nodejs/katex/dist", "/opt/homebrew/lib/node_modules/katex/dist",
    "/usr/local/lib/node_modules/katex/dist")]

#: Letters, digits and signs that Chinese text takes from the Latin font. Quotation marks, dashes,
#: ellipses and the middle dot are left out: in Chinese they are full-width and come from the Chinese font.
LATIN_BLOCKS = (range(0x20, 0xB7), range(0xB8, 0x300), range(0x370, 0x400), range(0x2010, 0x2014),
                range(0x2022, 0x2023), range(0x2032, 0x2034), range(0x2070, 0x20C0), range(0x2190, 0x2300))

CUTS = ((400, "normal", "Regular"), (400, "italic", "It"), (600, "normal", "Semibold"), (700, "normal", "Bold"),
        (700, "italic", "BoldIt"))


@dataclass(frozen=True)
class Face:
    """One font file under one family, weight and style of the print style."""

    family: str
    weight: int
    style: str
    path: Path
    sha256: str
    unicode_range: str = ""

    def css(self) -> str:
        """Write the face as an @font-face rule."""
        limit = f";unicode-range:{self.unicode_range}" if self.unicode_range else ""
        return (f'@font-face{{font-family:"{self.family}";font-weight:{self.weight};font-style:{self.style};'
                f"src:url({self.path.resolve().as_uri()}){limit}}}\n")


def find_faces(cache: Path) -> list[Face]:
    """Find every face of the book; raise PdfError naming the family that is missing.

    Faces taken out of collections and the digests of files are kept under `cache`.
    """
    shelf = _Shelf(cache)
    faces = _packaged(shelf) + _installed(shelf) + _katex(shelf)
    keys = [(face.family, face.weight, face.style) for face in faces]
    # Two files under one key would share glyph numbers in the PDF and print wrong letters.
    assert len(keys) == len(set(keys)), "two font files under one family, weight and style"
    shelf.save()
    return faces


def font_css(faces: list[Face]) -> str:
    """Write the @font-face rules of all faces."""
    return "".join(face.css() for face in faces)


def katex_css() -> str:
    """Read KaTeX's style sheet without its fonts, under the book's names for them."""
    path = _katex_folder() / "katex.min.css"
    text = path.read_text(encoding="utf-8")
    while (start := text.find("@font-face{")) >= 0:
        text = text[:start] + text[text.index("}", start) + 1:]
    # What KaTeX has no glyph for, such as µ, is drawn with the text face: "serif" would be any font of the machine.
    return text.replace("Times New Roman,serif", "Book Serif,Book Serif Zh").replace("KaTeX_", "Book KaTeX_")


class _Shelf:
    """Digests of font files and faces taken out of collections, kept between runs."""

    def __init__(self, cache: Path):
        self.folder = cache / "faces"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.index = self.folder / "digests.json"
        try:
            self.digests: dict[str, str] = json.loads(self.index.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.digests = {}
        self.before = dict(self.digests)

    def face(self, family: str, weight: int, style: str, path: Path, limit: str = "") -> Face:
        return Face(family, weight, style, path, self.digest(path), limit)

    def digest(self, path: Path) -> str:
        """Give the sha256 of a file, read again only when its size or time changed."""
        stat = path.stat()
        key = f"{path}|{stat.st_size}|{stat.st_mtime_ns}"
        if key not in self.digests:
            self.digests[key] = hashlib.sha256(path.read_bytes()).hexdigest()
        return self.digests[key]

    def single(self, path: Path, name: str) -> Path:
        """Take the face called `name` out of a collection into a file of its own."""
        if path.suffix.lower() not in (".ttc", ".otc"):
            return path
        target = self.folder / f"{name.replace(' ', '')}-{path.stem}-{self.digest(path)[:12]}.otf"
        if not target.exists():
            from fontTools.ttLib import TTCollection

            with TTCollection(path, lazy=True) as collection:
                face = next((f for f in collection.fonts if f["name"].getBestFamilyName() == name), None)
                if face is None:
                    raise _missing(name)
                face.recalcTimestamp = False
                scratch = target.with_suffix(f".{os.getpid()}")
                face.save(scratch, reorderTables=None)
            scratch.replace(target)
        return target

    def save(self) -> None:
        if self.digests != self.before:
            scratch = self.index.with_suffix(f".{os.getpid()}")
            scratch.write_text(json.dumps(self.digests, indent=0, sort_keys=True), encoding="utf-8")
            scratch.replace(self.index)


def _missing(family: str) -> PdfError:
    """Describe a font family that is not installed."""
    return PdfError(f"the font {family} is not installed", "fonts of this machine",
                    f"as root on Debian or Ubuntu: {APT_LINE}")


def _packaged(shelf: _Shelf) -> list[Face]:
    """Find the Latin faces that come as Python packages."""
    serif, sans = _package("font_source_serif_pro"), _package("font_source_sans_pro")
    cuts = [("Book Serif", serif / "SourceSerifPro", cut) for cut in CUTS if cut[0] != 600]
    cuts += [("Book Sans", sans / "SourceSansPro", cut) for cut in CUTS]
    faces = []
    for family, stem, (weight, style, end) in cuts:
        path = _file(stem.with_name(f"{stem.name}-{end}.ttf"))
        faces.append(shelf.face(family, weight, style, path))
        faces.append(shelf.face(f"{family} Zh", weight, style, path, latin_range(path)))
    return faces


def latin_range(path: Path) -> str:
    """Write a file's characters for Chinese text as a unicode-range.

    Only what the file has: WeasyPrint takes the range for the font's own and would print empty boxes for the rest.
    """
    import uharfbuzz as hb

    characters = hb.Face(hb.Blob.from_file_path(str(path))).unicodes
    found = sorted(c for c in characters if any(c in block for block in LATIN_BLOCKS))
    spans: list[list[int]] = []
    for code in found:
        if spans and code == spans[-1][1] + 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return ",".join(f"U+{first:04X}-{last:04X}" for first, last in spans)


def _package(name: str) -> Path:
    """Find the folder of font files in an installed Python package."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise PdfError(f"the Python package {name} is not installed", "this Python environment",
                       "run `make`, which installs what requirements.lock lists")
    return Path(next(iter(spec.submodule_search_locations))) / "files"


def packaged_font(stem: str) -> Path:
    """Find a file of Source Sans, such as SourceSansPro-Bold; raise PdfError when it is not installed."""
    return _file(_package("font_source_sans_pro") / f"{stem}.ttf")


def _file(path: Path) -> Path:
    """Give a path back; raise PdfError when no file is there."""
    if not path.is_file():
        raise _missing(path.stem)
    return path


def _installed(shelf: _Shelf) -> list[Face]:
    """Find the monospaced and Chinese faces that the system's fonts bring."""
    faces = [
        shelf.face("Book Mono", 400, "normal", locate("JetBrains Mono", "JetBrainsMono-Regular")),
        shelf.face("Book Mono", 400, "italic", locate("JetBrains Mono", "JetBrainsMono-Italic")),
        shelf.face("Book Mono", 700, "normal", locate("JetBrains Mono", "JetBrainsMono-Bold")),
        shelf.face("Book Kai", 400, "normal", locate("LXGW WenKai", "LXGWWenKai-Regular")),
    ]
    for ours, theirs, stem in (("Book Han Serif", "Noto Serif CJK SC", "NotoSerifCJK"),
                               ("Book Han Sans", "Noto Sans CJK SC", "NotoSansCJK")):
        for weight, end in ((400, "Regular"), (700, "Bold")):
            path = locate(theirs, f"{stem}-{end}", f"{stem}sc-{end}")
            faces.append(shelf.face(ours, weight, "normal", shelf.single(path, theirs)))
    return faces


def _katex(shelf: _Shelf) -> list[Face]:
    """Find the fonts of formulas."""
    folder = _katex_folder() / "fonts"
    faces = []
    for path in sorted(folder.glob("KaTeX_*.ttf")):
        family, _, end = path.stem.partition("-")
        weight = 700 if "Bold" in end else 400
        style = "italic" if "Italic" in end else "normal"
        faces.append(shelf.face(f"Book {family}", weight, style, path.resolve()))
    if not any(face.family == "Book KaTeX_Main" for face in faces):
        raise _missing("KaTeX")
    return faces


def _katex_folder() -> Path:
    """Find the folder of KaTeX's style sheet and fonts."""
    for folder in KATEX_FOLDERS:
        if (folder / "katex.min.css").is_file():
            return folder
    raise _missing("KaTeX")


def locate(family: str, *stems: str) -> Path:
    """Find a font file by the start of its file name; raise PdfError naming the family if there is none."""
    files = _font_files()
    for stem in stems:
        for suffix in (".ttf", ".otf", ".ttc", ".otc"):
            if found := files.get(f"{stem}{suffix}".lower()):
                return found
    raise _missing(family)


@functools.cache
def _font_files() -> dict[str, Path]:
    """List the font files of this machine by lower-case file name."""
    paths: list[Path] = []
    if shutil.which("fc-list"):
        listed = subprocess.run(["fc-list", "--format", "%{file}\\n"], capture_output=True, text=True, check=False)
        paths += [Path(line) for line in listed.stdout.splitlines() if line]
    if not paths:
        for folder in FOLDERS:
            paths += [p for p in folder.rglob("*") if p.suffix.lower() in (".ttf", ".otf", ".ttc", ".otc")]
    return {path.name.lower(): path for path in sorted(paths, reverse=True)}


def by_key(faces: list[Face]) -> Callable[[str, int, str], Face | None]:
    """Make a look-up of faces by family, weight and style as Pango describes them.

    Where a family lacks a style or weight, Pango takes the file it has and calls it oblique or emboldened; that
    file is found only if there is no doubt which one it was.
    """
    table = {(face.family, face.weight, face.style): face for face in faces}

    def find(family: str, weight: int, style: str) -> Face | None:
        style = "normal" if style == "oblique" else style
        if (family, weight, style) in table:
            return table[family, weight, style]
        near = [face for (name, _, slant), face in table.items() if name == family and slant == style]
        return near[0] if len(near) == 1 else None

    return find
