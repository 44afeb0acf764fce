"""Draw the picture of each page that messengers and search engines show: its title over the drawing of the PDF's cover."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import rjieba
from lxml import etree
from PIL import Image, ImageDraw, ImageFont

from openbook.findings import BookError, Finding
from openbook.pdf.errors import PdfError
from openbook.pdf.fonts import locate, packaged_font
from openbook.site.share_paint import Frame, Painter
from openbook.terms.search import HAN

SIZE = (1200, 630)
LEFT, RIGHT = 84, 850
#: The drawing comes out of the dark between these.
FADE = (600, 880)
#: The part of the cover around the minimum, which comes to stand on the right.
WINDOW = Frame(-26.0, 142.0, 5.9)
DARK, DEEP, INK, PALE, GOLD = (10, 21, 34), (23, 54, 92), (255, 255, 255), (169, 193, 220), (245, 182, 66)
#: Sizes of titles from large to small, each with the most lines that it is tried with.
SIZES = ((76, 2), (66, 2), (58, 2), (58, 3), (50, 3), (44, 3), (38, 4))
#: Where a card has text.
TEXT = (LEFT, 122, RIGHT + 30, 576)
#: Chinese breaks between words, but not before and not behind these.
CLOSING = "，。、；：？！）》”’…％%"
OPENING = "（《“‘"


@dataclass(frozen=True)
class Card:
    """What a picture says: a small line over the title, the title, and the book at the foot."""

    lang: str
    label: str
    title: str
    book: str


@dataclass(frozen=True)
class Faces:
    """The font files of one language, and the face in a collection."""

    bold: Path
    regular: Path
    index: int = 0

    def font(self, size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(str(self.bold if bold else self.regular), size, index=self.index)


class Artist:
    """Draws cards over one background; pictures are kept in `cache` under all that shapes them."""

    def __init__(self, overrides: Path, cache: Path):
        self.drawings = {name: (overrides / name).read_bytes() for name in ("pdf/cover.svg", "assets/mark.svg")}
        self.cache = cache
        self.faces = {lang: find_faces(lang) for lang in ("en", "zh")}
        code = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("share.py", "share_paint.py"))
        fonts = [(face.bold.name, face.bold.stat().st_size) for face in self.faces.values()]
        self.key = hashlib.sha256(code + b"".join(self.drawings.values()) + repr(fonts).encode()).hexdigest()
        self.background: Image.Image | None = None
        self.paletted: Image.Image | None = None

    def write(self, cards: dict[str, Card], site: Path) -> None:
        """Write the picture of each card to its place in the site, and forget those in the cache that none asked for."""
        self.cache.mkdir(parents=True, exist_ok=True)
        used = set()
        for name, card in cards.items():
            kept = self.cache / f"{hashlib.sha256((self.key + repr(card)).encode()).hexdigest()[:32]}.png"
            used.add(kept)
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_bytes(self._picture(card, kept))
        for kept in set(self.cache.glob("*.png")) - used:
            kept.unlink(missing_ok=True)

    def _picture(self, card: Card, kept: Path) -> bytes:
        """Return a card's picture from the cache, or draw it; a preview may be using the same cache."""
        with contextlib.suppress(FileNotFoundError):
            return kept.read_bytes()
        drawn = io.BytesIO()
        self.draw(card).save(drawn, "PNG")
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(drawn.getvalue())
        fresh.replace(kept)
        return drawn.getvalue()

    def draw(self, card: Card) -> Image.Image:
        """Return a card as a picture of at most 256 colours."""
        if self.background is None:
            self.background = background(self.drawings)
            self.paletted = with_palette(self.background)
        faces, small = self.faces[card.lang], self.faces[card.lang].font(30)
        size, lines = fitted(card, faces)
        words = self.background.crop(TEXT)
        draw = ImageDraw.Draw(words)
        if card.label:
            draw.text((0, 0), card.label, PALE, small)
        for row, line in enumerate(lines):
            draw.text((0, 56 + row * size * 1.22), line, INK, faces.font(size, bold=True))
        draw.text((66, 540 - TEXT[1]), card.book, PALE, small, anchor="lm")
        picture = self.paletted.copy()
        # Only what holds text is matched with the palette again: the search for the nearest colour is the dear part.
        picture.paste(words.quantize(palette=self.paletted, dither=Image.Dither.NONE), TEXT)
        return picture


def with_palette(picture: Image.Image) -> Image.Image:
    """Return a picture with a palette of 256 colours, in which text of all the colours of a card finds its own."""
    ink = Image.new("RGB", (SIZE[0], 200), PALE)
    ink.paste(INK, (0, 0, SIZE[0], 100))
    whole = Image.new("RGB", (SIZE[0], SIZE[1] + 200))
    whole.paste(picture, (0, 0))
    whole.paste(Image.blend(picture.crop((0, 0, SIZE[0], 200)), ink, 0.5), (0, SIZE[1]))
    ImageDraw.Draw(whole).rectangle([0, SIZE[1], 300, SIZE[1] + 60], INK)
    ImageDraw.Draw(whole).rectangle([0, SIZE[1] + 60, 300, SIZE[1] + 120], PALE)
    palette = whole.quantize(256, Image.Quantize.MEDIANCUT)
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def fitted(card: Card, faces: Faces) -> tuple[int, list[str]]:
    """Return the size of a card's title and its lines: the largest of few lines, and these of much the same length."""
    for size, most in SIZES:
        font, width = faces.font(size, bold=True), float(RIGHT - LEFT)
        lines = wrapped(card.title, lambda text: font.getlength(text) <= width, card.lang)
        if len(lines) <= most:
            break
    while width > 300:
        width -= 40
        tighter = wrapped(card.title, lambda text: font.getlength(text) <= width, card.lang)
        if len(tighter) > len(lines):
            break
        lines = tighter
    return size, lines


def background(drawings: dict[str, bytes]) -> Image.Image:
    """Return the cover's drawing on its gradient, faded where the text will stand, with the mark at the foot."""
    ground = Image.linear_gradient("L").resize(SIZE)
    plain = Image.composite(Image.new("RGB", SIZE, DEEP), Image.new("RGB", SIZE, DARK), ground)
    art = Painter(plain, WINDOW)
    art.paint(etree.fromstring(drawings["pdf/cover.svg"]), {})
    begin, end = FADE
    mask = Image.new("L", SIZE, 255)
    mask.paste(0, (0, 0, begin, SIZE[1]))
    mask.paste(Image.linear_gradient("L").rotate(90).resize((end - begin, SIZE[1])), (begin, 0))
    picture = Image.composite(art.finished(), plain, mask)
    mark = Painter(picture, Frame(-LEFT, -516, 1.0))
    root = etree.fromstring(drawings["assets/mark.svg"])
    mark.paint(root, {})
    picture = mark.finished()
    ImageDraw.Draw(picture).rectangle([LEFT, 92, LEFT + 84, 97], GOLD)
    return picture


def wrapped(title: str, fits: Callable[[str], bool], lang: str) -> list[str]:
    """Return the lines of a title, broken between words."""
    lines = [""]
    for piece in pieces(title, lang):
        if lines[-1] and not fits((lines[-1] + piece).rstrip()):
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


def pieces(title: str, lang: str) -> list[str]:
    """Return what a line may be broken between: words, with the marks that stand by them."""
    if lang == "en":
        return re.findall(r"\S+\s*", title)
    marked = HAN.sub(lambda run: "\u200b" + "\u200b".join(rjieba.cut(run[0])) + "\u200b", title)
    glued: list[str] = []
    for part in filter(None, re.split(rf"\u200b|(?<= )|(?<=[{CLOSING}])|(?=[{OPENING}])", marked)):
        if glued and (part[0] in CLOSING or glued[-1][-1] in OPENING or glued[-1].count("《") > glued[-1].count("》")):
            glued[-1] += part
        else:
            glued.append(part)
    return glued


def find_faces(lang: str) -> Faces:
    """Return the fonts of a language; raise BookError naming the one that is missing."""
    try:
        if lang == "en":
            return Faces(packaged_font("SourceSansPro-Bold"), packaged_font("SourceSansPro-Regular"))
        bold, regular = (locate("Noto Sans CJK SC", f"NotoSansCJK-{cut}", f"NotoSansCJKsc-{cut}") for cut in ("Bold", "Regular"))
    except PdfError as error:
        raise BookError([Finding("mkdocs.yml", 1, "font", f"the pictures of shared pages cannot be drawn: {error.what}", error.mend[:1].upper() + error.mend[1:] + ".")]) from None
    return Faces(bold, regular, _simplified(bold))


def _simplified(path: Path) -> int:
    """Return the place of the Simplified Chinese face in a collection; 0 in a file of one face."""
    for index in range(16 if path.suffix.lower() in (".ttc", ".otc") else 0):
        if ImageFont.truetype(str(path), 10, index=index).getname()[0] == "Noto Sans CJK SC":
            return index
    return 0
