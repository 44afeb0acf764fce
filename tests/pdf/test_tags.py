"""PDF/UA: what the tree of tags must hold for a reader who hears the book."""

import re

import pikepdf
import pytest

CODES = ("en", "zh")
PAINTING = {"f", "F", "f*", "B", "B*", "b", "b*", "S", "s", "sh", "Do", "Tj", "TJ", "'", '"'}


def kids(node):
    found = node.get("/K")
    return list(found) if isinstance(found, pikepdf.Array) else [found]


def elements(node, parent=None):
    """Walk the elements of a tree as (element, parent)."""
    if isinstance(node, pikepdf.Dictionary) and "/S" in node:
        yield node, parent
        for kid in kids(node):
            yield from elements(kid, node)


def kind(node):
    return str(node.S)[1:]


def spelling(font):
    """Read which characters a font's glyphs stand for."""
    rows = re.findall(rb"<([0-9a-f]{4})> <([0-9a-f]+)>", font.ToUnicode.read_bytes())
    return {int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in rows}


def read(pdf, element):
    """Read the text of a tag as a screen reader follows it: the pieces of the page that it and the tags in it hold."""
    texts, page = {}, next(page for page in pdf.pages if page.obj.objgen == element.Pg.objgen)
    fonts = {name: spelling(font) for name, font in page.obj.Resources.Font.items()}
    mark = font = None
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "BDC":
            mark = int(operands[1].get("/MCID", -1))
        elif str(operator) == "Tf":
            font = fonts[str(operands[0])]
        elif str(operator) == "TJ":
            glyphs = b"".join(bytes(part) for part in operands[0] if isinstance(part, pikepdf.String))
            texts[mark] = texts.get(mark, "") + "".join(font[high << 8 | low] for high, low in zip(glyphs[::2], glyphs[1::2], strict=True))

    def follow(node):
        for kid in kids(node):
            if isinstance(kid, int):
                yield texts[kid]
            elif "/S" in kid:
                yield from follow(kid)

    return "".join(follow(element))


@pytest.fixture(scope="module")
def trees(pdfs):
    return {code: list(elements(pdf.Root.StructTreeRoot.K[0])) for code, pdf in pdfs.items()}


@pytest.mark.parametrize("code", CODES)
def test_the_file_claims_what_it_keeps(pdfs, code):
    pdf = pdfs[code]
    metadata = pdf.open_metadata()
    assert metadata["pdfuaid:part"] == "1" and metadata["dc:title"] == str(pdf.docinfo.Title)
    assert bool(pdf.Root.MarkInfo.Marked) and bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    assert str(pdf.Root.Lang) == {"en": "en", "zh": "zh-Hans"}[code]
    assert all(str(page.obj.get("/Tabs")) == "/S" for page in pdf.pages)


@pytest.mark.parametrize("code", CODES)
def test_all_that_is_drawn_is_tagged_or_an_artifact(pdfs, code):
    for number, page in enumerate(pdfs[code].pages, 1):
        if "/Contents" not in page.obj:
            continue
        depth, marked = 0, []
        for operands, operator in pikepdf.parse_content_stream(page):
            name = str(operator)
            if name in ("BDC", "BMC"):
                tag = str(operands[0])
                # A tag inside a tag, or inside an artifact, has no place in the order of reading.
                assert not (marked and "/MCID" in str(operands[-1:]) and tag != "/Artifact"), f"page {number}"
                marked.append(tag)
            elif name == "EMC":
                marked.pop()
            elif name in PAINTING:
                assert marked, f"page {number}: {name} outside of tags"
        assert depth == 0 and not marked
        for group in page.obj.get("/Resources", {}).get("/XObject", {}).values():
            if group.Subtype == pikepdf.Name.Form:
                assert b"MCID" not in group.read_bytes(), "marked content in a group is not found from the page"


@pytest.mark.parametrize("code", CODES)
def test_marked_content_and_tree_name_each_other(pdfs, trees, code):
    pdf = pdfs[code]
    numbers = {}
    for leaf in pdf.Root.StructTreeRoot.ParentTree.Kids:
        numbers.update(zip(map(int, list(leaf.Nums)[::2]), list(leaf.Nums)[1::2], strict=True))
    named = set()
    for element, parent in trees[code]:
        if parent is not None:
            assert element.P.objgen == parent.objgen
        for kid in kids(element):
            if isinstance(kid, int):
                named.add((element.Pg.objgen, kid, element.objgen))
    for page in pdf.pages:
        if "/Contents" not in page.obj or "/StructParents" not in page.obj:
            continue
        content = b"".join(part.read_bytes() for part in page.obj.Contents) \
            if isinstance(page.obj.Contents, pikepdf.Array) else page.obj.Contents.read_bytes()
        owners = numbers[int(page.obj.StructParents)]
        for mcid in map(int, re.findall(rb"/MCID (\d+)", content)):
            assert (page.obj.objgen, mcid, owners[mcid].objgen) in named


@pytest.mark.parametrize("code", CODES)
def test_headings_go_down_a_level_at_a_time_and_do_not_nest(trees, code):
    last = 0
    for element, parent in trees[code]:
        if re.fullmatch(r"H\d", kind(element)):
            level = int(kind(element)[1])
            assert level <= last + 1
            assert not kind(parent).startswith("H")
            last = level
    assert last


@pytest.mark.parametrize("code", CODES)
def test_lists_and_tables_are_built_of_their_parts(trees, code):
    inside = {"LI": {"L"}, "Lbl": {"LI", "Note", "TOCI"}, "LBody": {"LI"}, "TR": {"THead", "TBody", "TFoot", "Table"},
              "THead": {"Table"}, "TBody": {"Table"}, "TH": {"TR"}, "TD": {"TR"}, "TOCI": {"TOC"}}
    heads = {str(element.ID) for element, _ in trees[code] if kind(element) == "TH"}
    for element, parent in trees[code]:
        if kind(element) in inside:
            assert kind(parent) in inside[kind(element)], (kind(parent), kind(element))
        if kind(element) == "TH":
            assert str(element.A.Scope) in ("/Column", "/Row")
        if kind(element) == "TD" and "/Headers" in element.A:
            assert {str(head) for head in element.A.Headers} <= heads


@pytest.mark.parametrize("code", CODES)
def test_every_figure_and_formula_has_words(trees, pdfs, code):
    width, height = (float(edge) for edge in pdfs[code].pages[0].mediabox[2:])
    for element, _ in trees[code]:
        if kind(element) in ("Figure", "Formula"):
            assert str(element.Alt).strip()
        if kind(element) == "Figure":
            left, bottom, right, top = map(float, element.A.BBox)
            assert -1 <= left < right <= width + 1 and -1 <= bottom < top <= height + 1


@pytest.mark.parametrize("code", CODES)
def test_links_and_notes_can_be_reached(pdfs, trees, code):
    for element, parent in trees[code]:
        if kind(element) == "Link":
            assert any(isinstance(kid, pikepdf.Dictionary) and str(kid.get("/Type")) == "/OBJR" for kid in kids(element))
            assert kind(parent) != "Link"
    ids = [str(element.ID) for element, _ in trees[code] if "/ID" in element]
    assert len(ids) == len(set(ids))
    assert code == "zh" or any(kind(element) == "Note" for element, _ in trees[code])
    for page in pdfs[code].pages:
        for note in page.obj.get("/Annots", []):
            assert "/StructParent" in note and str(note.Contents).strip()


def spoken(trees):
    return {(str(element.Lang), kind(element)) for element, _ in trees if "/Lang" in element}


def test_runs_in_another_language_say_so(trees):
    assert {lang for lang, _ in spoken(trees["zh"])} == {"en"}
    assert {lang for lang, _ in spoken(trees["en"])} == {"zh-Hans"}


def test_contents_are_tagged_as_contents(trees):
    kinds = [kind(element) for element, _ in trees["en"]]
    assert kinds.count("TOC") == 1 and kinds.count("TOCI") >= 4


@pytest.mark.parametrize("code", CODES)
def test_a_span_that_says_nothing_leaves_its_text_to_the_tag_around_it(trees, code):
    for element, parent in trees[code]:
        if kind(element) in ("Span", "NonStruct") and set(element.keys()) <= {"/Type", "/S", "/K", "/Pg", "/P"}:
            for_link = any(isinstance(kid, pikepdf.Dictionary) and "/S" not in kid for kid in kids(element))
            assert for_link or kind(parent) in ("Div", "Sect", "TOCI", "Part", "BlockQuote", "LI", "Table", "TR", "L"), kind(parent)


@pytest.mark.parametrize("code", CODES)
def test_text_of_one_tag_that_follows_stands_in_one_mark(pdfs, code):
    pdf = pdfs[code]
    owners = {}
    for leaf in pdf.Root.StructTreeRoot.ParentTree.Kids:
        owners.update(zip(map(int, list(leaf.Nums)[::2]), list(leaf.Nums)[1::2], strict=True))
    joints = 0
    for page in pdf.pages:
        if "/StructParents" not in page.obj:
            continue
        tags = owners[int(page.obj.StructParents)]
        before, now, marked = None, None, False  # the tag of the mark that has just ended
        for operands, operator in pikepdf.parse_content_stream(page):
            if str(operator) == "BDC" and "/MCID" in operands[1]:
                now = tags[int(operands[1].MCID)].objgen
                assert before != now
                joints += before is not None
            before = now if str(operator) == "EMC" and marked else None
            marked = "/MCID" in str(operands[1:]) if str(operator) in ("BDC", "BMC") else marked and str(operator) != "EMC"
    assert joints


def test_the_tree_reads_a_paragraph_as_it_is_written(pdfs, trees):
    paragraph = next(element for element, _ in trees["en"] if kind(element) == "P" and "A link moves" in read(pdfs["en"], element))
    words = " ".join(read(pdfs["en"], paragraph).split())
    assert words.startswith("A link moves 900 GB/s, see the cost")
    assert "Table 1.1 and the data sheet" in words and "A second claim." in words
