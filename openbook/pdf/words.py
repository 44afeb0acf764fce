"""The few words the PDF adds by itself, in each language, and the names of numbers."""

from __future__ import annotations

WORDS = {
    "en": {
        "contents": "Contents", "appendices": "Appendices", "part": "Part {}", "chapter": "Chapter {}", "to_chapter": "\u00a0ch.\u00a0{}",
        "version": "Version {}",
        "commit": "commit {}", "website": "Read it on the web", "source": "Source", "links": "Links",
        "author": "Authors", "edition": "This edition", "license": "Licence",
        "translation": "Chinese translation", "current": "up to date: {}", "behind": "{} with sections behind the English: {}",
        "untranslated": "not translated yet: {}", "chapters": "chapters {}", "other": "front matter", "comma": ", ",
        "files": "Programs of this book", "file": "File", "shown": "Shown in",
        "files_note": "These files are attached to this PDF: open your reader's list of attachments. Take code from there, "
                      "for what is copied from a page loses its indentation.",
        "attached": "{} files are attached, see {}.", "announced": "{pages} pages, {size:.1f} MB, {date}",
        "license_note": "You may copy, share and adapt this book, also for money, if you name its authors "
                        "and share what you make of it under the same licence.",
    },
    "zh": {
        "contents": "目　录", "appendices": "附录", "part": "第{}部分", "chapter": "第 {} 章", "to_chapter": "第 {} 章", "version": "版本 {}",
        "commit": "提交 {}", "website": "在线阅读", "source": "源文件", "links": "链接",
        "author": "作者", "edition": "本版", "license": "许可",
        "translation": "中文翻译", "current": "与英文一致：{}", "behind": "{} 个小节落后于英文：{}",
        "untranslated": "尚未翻译：{}", "chapters": "第 {} 章", "other": "前言部分", "comma": "、",
        "files": "本书的程序", "file": "文件", "shown": "所在章节",
        "files_note": "下列文件附在本 PDF 中，请在阅读器的附件列表里打开。代码请从附件取用：从页面上复制会丢失缩进。",
        "attached": "附有 {} 个文件，见{}。", "announced": "{pages} 页，{size:.1f} MB，{date}",
        "license_note": "你可以复制、分发和改编本书，商用亦可；须署名，并以相同许可发布改编之作。",
    },
}
ROMAN = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
         (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def word(code: str, key: str) -> str:
    """Look a word up in a language; English where that language has none."""
    return WORDS.get(code, WORDS["en"])[key]


def roman(number: int) -> str:
    """Write a positive number in capital Roman numerals."""
    text = ""
    for value, letters in ROMAN:
        text += letters * (number // value)
        number %= value
    return text


def han_number(number: int) -> str:
    """Write a number from 1 to 99 in Chinese numerals."""
    digits = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    if tens == 0:
        return digits[ones]
    return ("" if tens == 1 else digits[tens]) + "十" + (digits[ones] if ones else "")


def part_label(code: str, number: int) -> str:
    """Name a part: `Part II`, `第二部分`."""
    return word(code, "part").format(han_number(number) if code == "zh" else roman(number))


def chapter_label(code: str, number: int) -> str:
    """Name a chapter: `Chapter 2`, `第 2 章`."""
    return word(code, "chapter").format(number)
