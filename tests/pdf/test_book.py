"""The bound books, opened and read back."""

import re
import subprocess

import pikepdf
import pytest

CODES = ("en", "zh")


def outline(items):
    return [(item.title, outline(item.children)) for item in items]


def names_of(pdf):
    return {str(name): place for name, place in pikepdf.NameTree(pdf.Root.Names.Dests).items()}


def page_of(pdf, place):
    return next(i for i, page in enumerate(pdf.pages) if page.obj.objgen == place[0].objgen)


def links(pdf):
    for number, page in enumerate(pdf.pages):
        for note in page.obj.get("/Annots", []):
            yield number, note


def fonts_of(pdf):
    found = {}
    for page in pdf.pages:
        for font in page.obj.Resources.get("/Font", {}).values():
            found[font.objgen] = font
    return list(found.values())


def test_bookmarks_are_part_chapter_section_subsection(pdfs):
    with pdfs["en"].open_outline() as found:
        assert outline(found.root) == [
            ("Home", []),
            ("Part I  Hardware", [
                ("1  Links and nodes", [("How fast is one link?", [("Signs", [])]), ("Sources", [])]),
                ("2  Budgets", [("What does an hour cost?", [])])])]
    with pdfs["zh"].open_outline() as found:
        assert outline(found.root)[1][0] == "第一部分　硬件"


@pytest.mark.parametrize("code", CODES)
def test_links_inside_the_book_land_on_the_heading_they_name(pdfs, texts, code):
    pdf, names = pdfs[code], names_of(pdfs[code])
    wanted = {str(note.Dest) for _, note in links(pdf) if "/Dest" in note}
    assert {"beta--cost", "alpha--fig-ring", "alpha--speed"} <= wanted <= set(names)
    assert "What does an hour cost?" in texts[code][page_of(pdf, names["beta--cost"])]
    heading = {"en": "How fast is one link?", "zh": "一条链路有多快？"}[code]
    assert heading in texts[code][page_of(pdf, names["alpha--speed"])]


def test_links_out_of_the_book_stay_live_and_print_their_address(pdfs, texts):
    addresses = {str(note.A.URI) for _, note in links(pdfs["en"]) if "/A" in note}
    assert {"https://example.org/spec/sheet?id=7", "https://example.org/ib", "https://book.example/alpha/ring.py"} <= addresses
    assert not any(address.startswith(("x-book:", "file:")) for address in addresses)
    text = "\n".join(texts["en"])
    assert "1. example.org/spec/sheet?id=7" in text
    assert "example.org/ib" in text
    assert "book.example/alpha" in text


@pytest.mark.parametrize("code", CODES)
def test_contents_print_the_pages_of_their_targets(made, pdfs, texts, code):
    pdf, names = pdfs[code], names_of(pdfs[code])
    number = str(page_of(pdf, names["contents"]) + 1)
    command = ["pdftotext", "-layout", "-f", number, "-l", number, str(made[code].path), "-"]
    rows = subprocess.run(command, capture_output=True, check=True).stdout.decode().splitlines()
    for title, name in (("Budgets", "beta"), ("What does an hour cost?", "beta--cost")):
        row = next(row for row in rows if title in row)
        page = page_of(pdf, names[name])
        assert row.split()[-1] == pdf.pages[page].label
        assert row.split()[-1] in texts[code][page].split()


def test_front_matter_counts_in_roman_and_chapters_open_on_right_hand_pages(pdfs):
    pdf, names = pdfs["en"], names_of(pdfs["en"])
    assert pdf.pages[page_of(pdf, names["contents"])].label == "iii"
    assert pdf.pages[page_of(pdf, names["home"])].label == "v"
    assert pdf.pages[page_of(pdf, names["part-1"])].label == "1"
    for name in ("home", "part-1", "alpha", "beta"):
        assert page_of(pdf, names[name]) % 2 == 0


@pytest.mark.parametrize("code", CODES)
def test_fonts_are_the_books_own_and_each_is_embedded_once(pdfs, code):
    fonts = fonts_of(pdfs[code])
    assert all("+Book-" in str(font.BaseFont) for font in fonts)
    programs = []
    for font in fonts:
        descriptor = font.DescendantFonts[0].FontDescriptor
        programs.append((descriptor.get("/FontFile2") or descriptor.get("/FontFile3")).read_bytes())
    assert len(set(programs)) == len(programs) == len({str(font.BaseFont) for font in fonts})


def test_chinese_reads_back_character_for_character(texts):
    text = re.sub(r"\s", "", "".join(texts["zh"]))
    assert "训练大模型要先算清楚通信的账：一条NVLink每秒搬运900GB数据，见成本一节第2章；跨节点的带宽只有它的几十分之一（“瓶颈”就在这里），" in text
    assert "所以张量并行留在节点之内，数据并行走节点之间。" in text
    assert "节点一" in text and "#全归约" in text


@pytest.mark.parametrize("sign", list("↔→⇒∈∇≡≤≈✗✓●αβθ├└│"))
def test_technical_characters_print(texts, sign):
    assert sign in "".join(texts["en"])


def test_places_to_break_are_no_characters_of_the_text_layer(texts):
    text = "".join(texts["en"]).replace("\n", "")
    assert "--tb=short" in text and "torch.distributed.checkpoint" in text
    assert not {"\u200b", "\u2060"} & set(text)


def test_what_the_screen_alone_needs_is_left_out(texts):
    text = "\n".join(texts["en"])
    for word in ("Navigation", "Edit", "Helpful?", "Take the PDF", "↩"):
        assert word not in text
    for word in ("You hold the printed book", "NVIDIA", "Use NCCL", "AMD", "Use RCCL", "Why a ring?", "bandwidth optimal",
                 "A note at the foot", "ring.py", "[1]", "Node one", "One direction."):
        assert word in text, word


@pytest.mark.parametrize("code", CODES)
def test_metadata_name_the_book(pdfs, code):
    pdf = pdfs[code]
    title, author, tag = {"en": ("Tiny Book", "the contributors", "en"), "zh": ("《小书》", "全体贡献者", "zh-Hans")}[code]
    assert (str(pdf.docinfo.Title), str(pdf.docinfo.Author), str(pdf.Root.Lang)) == (title, author, tag)
    assert str(pdf.docinfo.CreationDate) == "D:20261121000000Z"
    metadata = pdf.open_metadata()
    assert metadata["dc:title"] == title
    assert tag in metadata["dc:language"]
    assert metadata["pdf:Keywords"] == {"en": "links, nodes", "zh": "链路"}[code]


def elements(node):
    if isinstance(node, pikepdf.Dictionary) and "/S" in node:
        yield node
        kids = node.get("/K")
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, pikepdf.Dictionary):
                yield from elements(kid)


def test_tags_make_one_tree_with_alternative_texts(pdfs):
    pdf = pdfs["en"]
    assert bool(pdf.Root.MarkInfo.Marked)
    found = list(elements(pdf.Root.StructTreeRoot.K[0]))
    kinds = {str(element.S) for element in found}
    assert {"/Document", "/Part", "/H1", "/H2", "/H3", "/P", "/Table", "/TH", "/TD", "/L", "/Link", "/Figure", "/Formula"} <= kinds
    alts = {str(element.Alt) for element in found if "/Alt" in element}
    assert {"A ring of two nodes Two boxes.", "t = n / b", "A dot"} <= alts
    ids = [str(element.ID) for element in found if "/ID" in element]
    assert ids and len(ids) == len(set(ids))


def test_every_page_of_text_has_its_own_key_in_the_tree_of_tags(pdfs):
    pdf = pdfs["en"]
    keys = [int(page.obj.StructParents) for page in pdf.pages if "/StructParents" in page.obj]
    assert len(keys) == len(set(keys))
    numbers = {}
    for kid in pdf.Root.StructTreeRoot.ParentTree.Kids:
        numbers.update(zip(map(int, list(kid.Nums)[::2]), list(kid.Nums)[1::2], strict=True))
    assert set(keys) <= set(numbers)


def test_running_heads_and_page_numbers_are_artifacts(pdfs):
    pdf, names = pdfs["en"], names_of(pdfs["en"])
    page = pdf.pages[page_of(pdf, names["alpha"])]
    content = b"".join(part.read_bytes() for part in page.obj.Contents)
    assert b"/Artifact" in content and b"/Pagination" in content
    assert content.count(b"BDC") + content.count(b"BMC") == content.count(b"EMC")
