"""From a web page to print HTML, on inputs shown whole."""

import json
from dataclasses import replace

import pytest
from lxml import etree
from lxml import html as lxml_html

from openbook.pdf import flatten, flatten_code, flatten_figures, flatten_links, flatten_markup
from openbook.pdf.collect import Heading, collect
from openbook.pdf.errors import PdfError
from openbook.pdf.flatten import check_links
from openbook.pdf.flatten_links import SCHEME, Links


def parse(text):
    return lxml_html.fragment_fromstring(text, create_parent="article")


def write(root):
    return etree.tostring(root, encoding="unicode", method="html").removeprefix("<article>").removesuffix("</article>").replace("</wbr>", "")


def test_line_ends_between_chinese_characters_vanish_but_not_in_code():
    root = parse("<p>显存\n不够，\n换 GPU\n再试。</p><pre>全\n归约</pre>")
    flatten_markup.join_chinese_lines(root)
    assert write(root) == "<p>显存不够，换 GPU\n再试。</p><pre>全\n归约</pre>"


def test_dropping_an_element_keeps_the_text_behind_it():
    root = parse("<p>one<b>x</b> two</p>")
    flatten_markup.drop(root.find(".//b"))
    assert write(root) == "<p>one two</p>"


def test_tabs_become_blocks_under_their_labels():
    root = parse('<div class="tabbed-set tabbed-alternate"><input type="radio"><div class="tabbed-labels"><label>A</label>'
                 '<label>B</label></div><div class="tabbed-content"><div class="tabbed-block"><p>a</p></div>'
                 '<div class="tabbed-block"><p>b</p></div></div></div>')
    flatten_markup.flatten_tabs(root)
    assert write(root) == ('<div class="tabs"><div class="tabbed-content"><div class="tabbed-block"><p class="tab-head">A</p>'
                           '<p>a</p></div><div class="tabbed-block"><p class="tab-head">B</p><p>b</p></div></div></div>')


def test_folded_questions_are_open_boxes():
    root = parse('<details class="question"><summary>Why?</summary><p>So.</p></details>')
    flatten_markup.flatten_details(root)
    assert write(root) == '<div class="admonition question"><p class="admonition-title">Why?</p><p>So.</p></div>'


def test_footnotes_move_to_their_call():
    root = parse('<p>Claim.<sup id="r"><a class="footnote-ref" href="#fn:1">1</a></sup> More.</p>'
                 '<div class="footnote"><ol><li id="fn:1"><p>Proof.</p></li></ol></div>')
    flatten_markup.flatten_footnotes(root)
    assert write(root) == '<p>Claim.<span class="fn">Proof.</span> More.</p>'


def test_citations_stand_close_to_their_word():
    root = parse('<p>as they say <span class="cites"><sup class="cite">1</sup></span>. 如此 <sup class="cite">2</sup>。</p>')
    flatten_markup.tighten_citations(root)
    assert write(root) == ('<p>as they say<span class="cites"><sup class="cite">1</sup></span>. 如'
                           '<span class="keep">此<sup class="cite">2</sup></span>。</p>')


@pytest.mark.parametrize("text, kept", [
    ("a 400 Gb/s port, <b>2</b> TB/s each and and/or <code>1 GB/s</code>", ["400 Gb/s", "TB/s"]),
    ("约 80 GB，4.19M token，2.5–3 GB，94.9 %；8 GPU", ["80 GB", "4.19M token", "3 GB", "94.9 %"]),
    ('it is <span class="math"><span class="katex">47.8</span></span> GB, and 5 dogs take 3 hops', [" GB"]),
    ("见<a>图 18.1</a>（表 3、公式 2.1）；代表 10 s", ["图 18.1", "表 3", "公式 2.1", "10 s"]),
    ("<a>Figure 2.1</a>: Llama 3.1 405B in 8-bit, 第 3 步", ["Figure 2.1", "Llama 3.1 405B", "8-bit", "第 3 步"]),
    ("<table><tr><td>80 GB at 5 GB/s</td></tr></table>", ["GB/s"])])
def test_a_number_and_its_unit_stay_on_one_line_and_no_character_changes(text, kept):
    root = parse(f"<p>{text}</p>" if not text.startswith("<table") else text)
    before = root.text_content()
    flatten_markup.keep_units(root)
    assert [span.text for span in root.xpath('.//span[@class="keep"]')] == kept
    assert root.text_content() == before


def test_a_paragraph_that_announces_a_block_stays_with_it():
    root = parse("<p>Run it:</p><div>x</div><p>Done:</p><p>y</p>")
    flatten_markup.keep_leads(root)
    assert [p.get("class") for p in root.iter("p")] == ["lead", None, None]


@pytest.mark.parametrize("inside, kept", [("n−", ["2(n−1)/n"]), ("n + a long sum of terms +", [])])
def test_a_line_may_break_in_a_formula_but_not_in_its_short_brackets(inside, kept):
    root = parse('<span class="katex"><span class="katex-html"><span class="base"><span class="mrel">x=</span></span>'
                 f'<span class="base">2<span class="mopen">(</span>{inside}</span>'
                 '<span class="base">1<span class="mclose">)</span>/n</span><span class="base">+1</span></span></span>')
    flatten_figures.flatten_formulas(root)
    assert [span.text_content() for span in root.xpath('.//span[@class="keep"]')] == kept


@pytest.mark.parametrize("before, after, classes", [
    ("时间等于", "字节的带宽。", ["lead", "cont"]),
    ("逐元素：", "核函数近乎完美。", ["lead", None]),
    ("逐元素：", "其中 T 是时间。", ["lead", "cont"]),
    ("逐元素：", '<span class="math">n</span> 个器件。', ["lead", "cont"]),
    ("上式已经说过。", "另一回事。", [None, None]),
    ('于是<sup class="cite">1,3–5</sup>', "另一回事。", ["lead", "cont"])])
def test_a_sentence_goes_on_after_its_formula(before, after, classes):
    root = parse(f'<p>{before}</p><div class="equation"><div class="math">x</div></div><div class="math">y</div><p>{after}</p>')
    flatten_markup.keep_leads(root)
    flatten_markup.join_sentences(root)
    assert [p.get("class") for p in root.xpath("./p")] == classes


def test_a_formula_under_a_heading_is_explained_by_what_follows():
    root = parse('<h2>x</h2><div class="equation"></div><p><span class="math">n</span> 个器件</p><p><span class="math">m</span> 是</p>')
    flatten_markup.join_sentences(root)
    assert [p.get("class") for p in root.xpath("./p")] == ["cont", None]


def test_code_spans_of_one_colour_are_joined_and_lines_cut():
    root = parse('<div class="highlight"><pre><span></span><code><span class="kn">import</span> <span class="k">as</span>\n'
                 '<span class="n">x</span> <span class="o">=</span> <span class="mi">1</span>\n</code></pre></div>')
    flatten_code.flatten_code(root, "a4")
    assert write(root) == ('<div class="highlight short"><pre><code><span class="cl"><span class="k">import as</span></span>'
                           '<span class="cl">x = <span class="m">1</span></span></code></pre></div>')


def test_lines_that_wrap_are_marked_and_chinese_counts_double():
    assert flatten_code.width("ab全") == 4
    root = parse('<div class="highlight"><pre><code>' + "全" * 43 + "\nshort\n</code></pre></div>")
    flatten_code.flatten_code(root, "a4")
    assert [span.get("class") for span in root.iter("span")] == ["cl w", "cl"]


def test_long_code_words_may_break_after_their_signs():
    root = parse("<p><code>torch.distributed.fsdp</code> <code>short.py</code></p>")
    flatten_code.flatten_code(root, "a4")
    assert write(root) == "<p><code>torch.<wbr>distributed.<wbr>fsdp</code> <code>short.py</code></p>"


def test_figures_take_the_print_palette_and_lose_their_scope():
    root = parse('<figure><svg viewBox="0 0 9 9" width="5" id="fig-x-svg"><title>T</title><desc>D</desc><style>'
                 "#fig-x-svg .a{fill:var(--fig-c1,#000)}#fig-x-svg .b{font-family:var(--fig-font,sans-serif);"
                 'stroke:var(--mine,#123456)}</style><rect fill="var(--fig-bg2, #fff)"/></svg></figure>')
    flatten_figures.flatten_figures(root, "en")
    out = write(root)
    assert ".a{fill:#0072b2}.b{font-family:Book Sans," in out and "stroke:#123456" in out
    assert "<title>T D</title>" in out and "<desc>" not in out
    assert 'fill="#f6f8fa"' in out and "var(" not in out and "width=" not in out


def test_wide_tables_get_smaller_type():
    row = "".join(f"<td>{'x' * 11}</td>" for _ in range(9))
    root = parse(f"<table><tbody><tr>{row}</tr></tbody></table><table><tbody><tr><td>a</td></tr></tbody></table>")
    flatten_figures.flatten_tables(root)
    assert [table.get("class") for table in root.iter("table")] == ["fit-3 cols-9 brief", "cols-1 brief"]


def test_formulas_keep_what_was_drawn_and_carry_their_tex():
    root = parse('<p><span class="katex"><span class="katex-mathml"><math><semantics><mi>a</mi><annotation '
                 'encoding="application/x-tex">a^2</annotation></semantics></math></span><span class="katex-html" '
                 'aria-hidden="true">a2</span></span></p>')
    flatten_figures.flatten_formulas(root)
    assert write(root) == ('<p><span class="katex" data-tag="Formula" data-alt="a^2"><span class="katex-html">a2</span>'
                           "</span></p>")


def test_addresses_are_printed_once_in_the_place_that_suits():
    root = parse('<p><a href="https://a.org/x_y">a</a> and again <a href="https://a.org/x_y">a</a></p>'
                 '<table><tr><td><a href="https://b.org">b</a></td></tr></table>'
                 '<ol class="sources"><li><a href="https://c.org/">c</a></li></ol><p><a href="https://d.org">d.org</a></p>')
    flatten_links.note_external_links(root, "en")
    out = write(root)
    assert out.count('class="fn"') == 1 and '<span class="fn">a.<wbr>org/<wbr>x_<wbr>y</span>' in out
    assert '<sup class="link-mark">a</sup>' in out and '<p class="link-notes">' in out
    assert '<span class="address"> c.<wbr>org</span>' in out
    assert out.endswith('<p><a href="https://d.org">d.<wbr>org</a></p>')


def test_marks_under_tables_count_in_letters():
    assert [flatten_links.letters(n) for n in (1, 26, 27, 53)] == ["a", "z", "aa", "ba"]


def test_links_are_resolved_by_chapter_and_id(site):
    book = collect(site, "en")
    links, beta = Links(book), book.chapters[2]
    root = parse('<a href="#cost">1</a><a href="../alpha/#speed">2</a><a href="../alpha/ring.py">3</a><a href="https://e.org">4</a>')
    wanted = flatten_links.flatten_links(root, beta, links)
    assert [link.get("href") for link in root.iter("a")] == [
        "#beta--cost", f"{SCHEME}alpha--speed", "https://book.example/alpha/ring.py", "https://e.org"]
    assert wanted == [("beta--cost", "#cost"), ("alpha--speed", "../alpha/#speed")]


def test_a_link_to_a_chapters_title_leads_to_the_chapter(site):
    """The title of a page has an id on the web; on paper the chapter itself is the place."""
    book = collect(site, "en")
    titled = replace(book.chapters[1], headings=(Heading(1, "links-and-nodes", "Links and nodes"), *book.chapters[1].headings))
    edition = replace(book, chapters=(book.chapters[0], titled, *book.chapters[2:]))
    root, links = parse('<a href="../alpha/#links-and-nodes">x</a><a href="../alpha/#speed">y</a>'), Links(edition)
    assert flatten_links.flatten_links(root, edition.chapters[2], links) == [("alpha", "../alpha/#links-and-nodes"), ("alpha--speed", "../alpha/#speed")]


def test_ids_are_made_unique_and_headings_listed(site):
    book = collect(site, "en")
    flat = flatten.flatten(book, book.chapters[1], Links(book), "a4")
    assert {"alpha", "alpha--speed", "alpha--fig-ring", "alpha--src-acme"} <= flat.ids
    assert flat.headings == ((2, "alpha--speed", "How fast is one link?"), (3, "alpha--signs", "Signs"),
                             (2, "alpha--sources", "Sources"))
    assert [path.name for path in flat.segment.files] == ["dot.png"]
    assert "Chapter 1" in flat.segment.body and "book.example/alpha" in flat.segment.body


def test_a_link_to_an_id_that_does_not_exist_names_the_chapter(site):
    page = site / "beta" / "index.html"
    page.write_text(page.read_text().replace("#fig-ring", "#fig-rong"))
    book = collect(site, "en")
    flats = [flatten.flatten(book, chapter, Links(book), "a4") for chapter in book.chapters]
    with pytest.raises(PdfError) as caught:
        check_links(flats)
    assert "a link leads to ../alpha/#fig-rong, which does not exist" in str(caught.value)
    assert "docs/beta/index.md" in str(caught.value)


def test_chapters_keep_the_order_of_the_manifest(site):
    data = json.loads((site / "book.json").read_text())
    data["chapters"].reverse()
    (site / "book.json").write_text(json.dumps(data))
    assert [chapter.id for chapter in collect(site, "zh").chapters] == ["beta", "alpha", "home"]
    assert collect(site, "zh").chapters[0].language == "en"
