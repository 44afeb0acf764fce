"""From a web page to print HTML, on inputs shown whole."""

import json
from dataclasses import replace

import pytest
from lxml import etree
from lxml import html as lxml_html

from openbook.pdf import flatten, flatten_code, flatten_figures, flatten_lines, flatten_links, flatten_marks, flatten_markup, flatten_quotes, proof
from openbook.pdf.collect import Heading, collect
from openbook.pdf.errors import PdfError
from openbook.pdf.flatten import check_links
from openbook.pdf.flatten_links import SCHEME, Links


def parse(text):
    return lxml_html.fragment_fromstring(text, create_parent="article")


def write(root):
    return etree.tostring(root, encoding="unicode", method="html").removeprefix("<article>").removesuffix("</article>")


def test_line_ends_between_chinese_characters_vanish_but_not_in_code():
    root = parse("<p>显存\n不够，\n换 GPU\n再试。</p><pre>全\n归约</pre>")
    flatten_markup.join_chinese_lines(root)
    assert write(root) == "<p>显存不够，换 GPU\n再试。</p><pre>全\n归约</pre>"


@pytest.mark.parametrize("written, printed", [
    ("<p>It's \"one <em>two</em>\", the GPUs' end and so (\"up to\").</p>", "<p>It’s “one <em>two</em>”, the GPUs’ end and so (“up to”).</p>"),
    ("<p>a 'short \"inner\" word' of '25</p>", "<p>a ‘short “inner” word’ of ’25</p>"),
    ("<p>\"<code>f('x', \"y\")</code>\"'s</p>", "<p>“<code>f('x', \"y\")</code>”’s</p>"),
    ("<pre>print('a')</pre><p><span class=\"katex\"><span>f'</span></span> <span lang=\"zh\">\"文\"</span></p>", None),
    ("<svg><style>a{b:'c'}</style><text>a rank's <tspan>\"sum\"</tspan></text></svg>",
     "<svg><style>a{b:'c'}</style><text>a rank’s <tspan>“sum”</tspan></text></svg>"),
    ("<p>a 19\" rack, 3' deep</p>", None),
    ("<ul><li>\"a<ul><li>b\"</li></ul></li></ul>", None)])
def test_quotation_marks_and_apostrophes_are_curled_in_prose_alone(written, printed):
    root = parse(written)
    flatten_quotes.curl_quotes(root)
    assert write(root) == (printed or written)


def test_what_keeps_a_formula_with_its_marks_in_a_browser_changes_nothing_in_print(site):
    def body():
        book = collect(site, "en")
        return flatten.flatten(book, book.chapters[0], Links(book), "a4").segment.body

    page, formula = site / "index.html", '<span class="math"><span class="katex">x</span></span>'
    text = page.read_text()
    page.write_text(text.replace("the speed", f"({formula}), the speed"))
    plain = body()
    page.write_text(text.replace("the speed", f'<span class="together">({formula}),</span> the speed'))
    assert body() == plain and "katex" in plain


def test_titles_are_curled_in_english_editions(site):
    data = json.loads((site / "book.json").read_text())
    for page in data["chapters"][1]["languages"].values():
        page["title"] = 'What\'s a "link"?'
    (site / "book.json").write_text(json.dumps(data))
    assert [collect(site, code).chapters[1].title for code in ("en", "zh")] == ["What’s a “link”?", 'What\'s a "link"?']


@pytest.mark.parametrize("written, joined", [
    ("<p>见《<a>甲</a>》（<em>乙》</em>），</p>", "<p>见《<a>甲</a>》（<em>乙》|</em>），</p>"),
    ("<p>原因：<em>“甲”</em><strong>。</strong></p>", "<p>原因：|<em>“甲”|</em><strong>。</strong></p>"),
    ("<p>他说“<strong>《甲》</strong></p>", "<p>他说“<strong>|《甲》</strong></p>"),
    ('<p><span class="keep">”<sup class="cite">1</sup></span>，</p>', '<p><span class="keep">”|<sup class="cite">1</sup></span>，</p>'),
    ("<table><tr><td>（甲）</td><td>乙（</td><td>（丙</td></tr></table>", "<table><tr><td>|（甲）</td><td>乙（</td><td>|（丙</td></tr></table>"),
    ("<p>甲，</p><p>“乙</p>", None), ("<p>甲，<code>“</code>，<br>“乙</p>", None), ("<p>甲：<span class=\"fn\">“注”</span></p>", None)])
def test_chinese_marks_are_told_of_their_neighbours_in_other_elements(written, joined):
    root = parse(written)
    flatten_marks.join_marks(root)
    assert write(root).replace(flatten_code.JOIN, "|") == (joined or written)


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


def test_the_unit_of_a_column_stays_on_one_line():
    root = parse('<table><tr><th>Reads <span class="unit">1/s</span></th><th>Per FLOP <span class="unit">B/FLOP</span></th></tr></table>')
    flatten_markup.keep_units(root)
    assert write(root) == ('<table><tr><th>Reads <span class="unit keep">1/s</span></th>'
                           '<th>Per FLOP <span class="unit keep">B/FLOP</span></th></tr></table>')


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


def listing(text, kind=""):
    root = parse(f'<div class="highlight {kind}"><pre><code>{text}\n</code></pre></div>')
    flatten_code.flatten_code(root, "a4")
    return root


def pieces(line, columns):
    return [flatten_lines.text_of(piece) for piece in flatten_lines.cut([("", line)], columns)]


def test_long_lines_are_cut_at_spaces_and_hang_behind_their_indent():
    assert pieces("srun --nodes 2 --exclusive python train.py", 24) == ["srun --nodes 2", "--exclusive python", "train.py"]
    assert pieces("    call(one, two, three)", 16) == ["    call(one,", "two,", "three)"], "the indent is never cut off"
    assert pieces("/path/of/many/folders/x", 14) == ["/path/of/many/", "folders/x"], "a word that fills the measure"
    assert pieces("run one two \\", 12) == ["run one", "two \\"], "no backslash on a line of its own"
    assert pieces("fits", 4) == ["fits"]
    root = listing("    " + "word " * 20)
    assert [span.get("class") for span in root.iter("span")] == ["cl", "more"]
    assert root.find(".//span/span").get("style") == "padding-left:4ch"


def test_chinese_lines_count_double_and_are_cut_between_characters():
    assert flatten_lines.width("ab全") == 4
    assert pieces("# 全部归约完成。", 14) == ["# 全部归约完", "成。"]


def test_a_comment_that_does_not_fit_stands_above_its_line_but_not_inside_a_command():
    code, comment = [("", "  x = 1" + " " * 30)], [("c", "# why")]
    assert [flatten_lines.text_of(first) for first, in flatten_lines.fit([code + comment], 20)] == ["  x = 1  # why"]
    long = [("", "  x = first + last" + " " * 30), *comment]
    assert [flatten_lines.text_of(first) for first, in flatten_lines.fit([long], 20)] == ["  # why", "  x = first + last"]
    command = [[("", "run \\")], long]
    assert [flatten_lines.text_of(line[0]) for line in flatten_lines.fit(command, 20)] == ["run \\", "  x = first + last"]


def test_a_wide_output_takes_smaller_type_before_it_is_cut():
    assert [listing("x" * wide, "output").find("div").get("class") for wide in (84, 90, 105, 116, 117)] == [
        "highlight output short", "highlight output short wide-1", "highlight output short wide-2", "highlight output short wide-3",
        "highlight output short"]
    assert listing("x" * 90, "language-text").find("div").get("class") == "highlight short wide-1"
    assert listing("x" * 90, "language-bash").find("div").get("class") == "highlight short"


def test_a_listing_of_a_pane_is_found_by_words_though_a_comment_moves_and_a_word_is_cut():
    pane = ('<div class="tabbed-set"><div class="tabbed-labels"><label>A</label></div><div class="tabbed-content">'
            '<div class="tabbed-block"><p>two words</p><pre><code>csv\nnvidia-smi <span class="c1"># all</span></code></pre>'
            "</div></div></div>")
    folded = flatten.folded_blocks(parse(pane))
    assert folded == tuple(("a tab pane", "A", text) for text in ("two words", "csv", "nvidia-smi", "#", "all"))
    assert proof.folded_faults(folded, "twowordscsv#allnvidia-→smi") == []
    assert proof.folded_faults(folded, "twowordscsv#all") != []


def test_a_listing_in_a_list_has_less_room():
    item = parse(f'<ul><li><div class="highlight"><pre><code>{"word " * 16}x\n</code></pre></div></li></ul>')
    flatten_code.flatten_code(item, "a4")
    assert len(item.xpath('.//span[@class="more"]')) == 1 and not listing("word " * 16 + "x").xpath('.//span[@class="more"]')


def test_long_code_words_may_break_after_their_signs():
    root = parse("<p><code>torch.distributed.fsdp</code> <code>short.py</code></p>")
    flatten_code.flatten_code(root, "a4")
    assert write(root) == "<p><code>torch.\u200bdistributed.\u200bfsdp</code> <code>short.py</code></p>"


def test_options_keep_their_dashes_and_paths_their_first_slash():
    root = parse("<p><code>pytest --tb=short -x <b>--a-b</b> -</code> <code>/etc/fstab.conf</code></p>")
    flatten_code.flatten_code(root, "a4")
    assert write(root) == ("<p><code>pytest -\u2060-\u2060tb=\u200bshort -\u2060x <b>-\u2060-\u2060a-b</b> -</code> "
                           "<code>/\u2060etc/\u200bfstab.\u200bconf</code></p>")


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
    assert [table.get("class") for table in root.iter("table")] == ["fit-3 cols-9 brief", "slim cols-1 brief"]


def classes_of(table, cells="td"):
    root = parse(table)
    flatten_figures.flatten_tables(root)
    return root.find(".//table").get("class"), [cell.get("class") for cell in root.iter(cells)]


@pytest.mark.parametrize("rows, text, kept", [
    (6, "word " * 18, True), (6, "word " * 90, False), (9, "word", True), (10, "word", False)])
def test_a_table_of_few_lines_is_kept_on_one_page(rows, text, kept):
    root = parse(f"<table><tbody>{f'<tr><td>name</td><td>{text}</td></tr>' * rows}</tbody></table>")
    flatten_figures.flatten_tables(root)
    assert ("brief" in root.find(".//table").get("class").split()) == kept


def test_short_numbers_and_names_of_rows_stay_on_one_line():
    prose = "words that may wrap where they must"
    table = f'<table><tbody><tr><td>A100 SXM 80 GB</td><td class="num">1.9 or 2.0</td><td>{prose}</td></tr></tbody></table>'
    assert classes_of(table)[1] == ["short", "num short", None]
    facts = '<table><tbody><tr><th scope="row">RTX PRO 6000</th><td>x</td></tr></tbody></table>'
    assert classes_of(facts, "th")[1] == ["short"], "so in a table of the facts"
    head = '<table><thead><tr><th>Name of chip</th><th scope="col">A b</th></tr></thead><tbody><tr><td>x</td></tr></tbody></table>'
    assert classes_of(head, "th")[1] == [None, None], "the head may wrap"
    wide = f'<td class="num">1.9 or 2.0 or 3</td>{"<td>" + "x" * 20 + "</td>"}'
    assert classes_of(f"<table><tbody><tr><td>A100 SXM 80 GB</td>{wide * 4}</tr></tbody></table>")[1][0] is None, "no room"


def test_a_table_of_short_cells_does_not_fill_the_measure():
    slim, wide = (f"<table><tbody><tr><td>{text}</td><td>x</td></tr></tbody></table>" for text in ("a b c", "word " * 14))
    assert "slim" in classes_of(slim)[0] and "slim" not in classes_of(wide)[0]


def test_marks_that_meet_stand_apart():
    root = parse('<p>32 <sup class="cite">20</sup><sup class="note">b</sup> and 4<sup class="note">c</sup>.</p>'
                 '<p><span class="keep">)<sup class="cite">1</sup></span><sup class="link-mark">a</sup></p>')
    flatten_markup.part_marks(root)
    assert [mark.get("class") for mark in root.iter("sup")] == ["cite", "note apart", "note", "cite", "link-mark apart"]


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
    assert out.count('class="fn"') == 1 and '<span class="fn">a.\u200borg/\u200bx_\u200by</span>' in out
    assert '<sup class="link-mark">a</sup>' in out and '<p class="link-notes whole">' in out
    assert '<span class="address"> c.\u200borg</span>' in out
    assert out.endswith('<p><a href="https://d.org">d.\u200borg</a></p>')


def test_a_link_to_a_listed_source_shows_its_number_instead_of_the_address():
    sources = '<ol class="sources"><li id="src-a">P, <a href="https://a.org">A</a>.</li><li id="src-b">P, <a href="https://b.org">B</a>.</li></ol>'
    root = parse('<p><a href="https://b.org">b</a>, again <a href="https://b.org">b</a></p><table><tr><td><a href="https://a.org">a</a>.'
                 f'<sup class="cite"><a href="#src-a">1</a></sup></td></tr></table>{sources}')
    flatten_links.note_external_links(root, "en")
    out = write(root)
    assert '<a href="https://b.org">b</a><sup class="cite"><a href="#src-b">2</a></sup>, again <a href="https://b.org">b</a></p>' in out
    assert "fn" not in out and "link-mark" not in out and out.count('href="#src-a"') == 1


def test_the_letters_of_links_follow_those_of_a_tables_notes():
    root = parse('<figure class="book-table"><table><tr><td><a href="https://a.org">a</a></td></tr></table>'
                 '<p class="table-notes"><span class="table-note"><sup class="note">a</sup> One.</span></p></figure>')
    flatten_links.note_external_links(root, "en")
    assert [mark.text for mark in root.iter("sup")] == ["b", "a", "b"]


def test_few_notes_stay_on_one_page_and_many_stand_in_columns():
    note = '<span class="table-note">n</span>'
    notes = parse("".join(f'<p class="table-notes">{note * number}</p>' for number in (3, 4, 10, 11)))
    flatten_figures.flatten_notes(notes)
    assert [each.get("class") for each in notes] == [
        "table-notes whole", "table-notes many whole", "table-notes many whole", "table-notes many"]


def test_a_link_to_another_chapter_says_which_once_a_paragraph(site):
    book = collect(site, "en")
    root = parse('<p><a href="../alpha/">Alpha</a>, <a href="../alpha/#speed">speed</a>, <a href="#cost">cost</a></p>'
                 '<ul><li><a href="../alpha/">Figure 1.2</a> <a href="https://e.org">e</a></li></ul>'
                 '<table><tr><td><p><a href="../alpha/">Alpha</a></p></td></tr></table>')
    flatten_links.name_chapters(root, book.chapters[2], Links(book), "en")
    assert [mark.text for mark in root.iter("span")] == ["\u00a0ch.\u00a01"]
    assert root.find(".//span").getprevious().text == "Alpha" and root.find(".//span").tail == ", "


@pytest.mark.parametrize("title, shown", [
    ("APOLLO, Adam-mini", "APOLLO, Adam-|mini"), ("Plain words", "Plain words"), ("检查点：保存、压缩", "检|查|点：保|存、压|缩"),
    ("一二三四五六七八九十一二三四五", "一二三四五六七八九十一二三四五")])
def test_a_title_breaks_between_its_words(title, shown):
    assert flatten.whole_words(title) == shown.replace("|", "\u2060")


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
