"""Show a table of facts: the `table` fence of a chapter becomes HTML in one language."""

from __future__ import annotations

import functools
import html
import re
from dataclasses import dataclass

from openbook.facts.fences import RequestError, check_columns, read_fields, select, table_of, where_of
from openbook.facts.inside import address
from openbook.facts.model import Cell, Column, Facts, Row
from openbook.reading.source import CITATION

WORDS = {
    "en": {"checked": "Figures checked {}.", "or": "or", "none": "–", "csv": "All rows and columns with their sources"},
    "zh": {"checked": "数据核对于 {}。", "or": "或", "none": "–", "csv": "全部行列及来源"},
}
SPACE_BEFORE_CITE = re.compile(r'[ \u00a0]+(?=<sup class="cite")')
#: Text that is the same in HTML: nothing in it is a mark of Markdown, and no list or heading can begin with a letter.
PLAIN = re.compile(r"[^\W\d_](?:[^*_`$\[\]<>&\\!\n\r\t\x00-\x1f]*[^*_`$\[\]<>&\\!\s\x00-\x1f])?")
FIELDS = ("id", "data", "columns", "where", "sort", "caption")


@dataclass(frozen=True)
class Request:
    """What a `table` fence asks for: which rows and columns of which table, under which caption."""

    id: str
    data: str
    columns: tuple[str, ...]
    where: dict[str, tuple[str, ...]]
    sort: str | None
    caption: str


def parse_request(body: str, facts: Facts) -> Request:
    """Return the request in the body of a `table` fence; raise RequestError when it asks for what is not there."""
    fields = read_fields(body, "table", "tab", FIELDS, ("id", "data", "columns", "caption"))
    table, where = table_of(fields, facts), where_of(fields)
    columns = tuple(str(name) for name in fields["columns"])
    sort = str(fields["sort"]) if fields.get("sort") else None
    check_columns(table, (*columns, *where, *([sort.lstrip("-")] if sort else [])))
    if not select(table, where, sort):
        raise RequestError("no row of the table matches `where`", "Mend the condition or the data.")
    return Request(str(fields["id"]), table.name, columns, where, sort, str(fields["caption"]))


def format_number(value: float, digits: int | None = None) -> str:
    """Return a number with thousands separated: as written, or with `digits` decimals."""
    if digits is not None:
        return f"{value:,.{digits}f}"
    if float(value).is_integer():
        return f"{int(value):,}"
    whole, _, decimals = f"{value:.10g}".partition(".")
    return f"{int(whole):,}.{decimals}" if "e" not in decimals else f"{value:,}"


def cite(source: str | None) -> str:
    """Return the mark of a citation; the page's citations are numbered when the whole page is known."""
    return f'<sup class="cite" data-cite="{html.escape(source)}"></sup>' if source else ""


@functools.cache
def inline_html(text: str) -> str:
    """Return inline Markdown (code spans, emphasis, links, citations, formulas for KaTeX to render) as HTML."""
    if PLAIN.fullmatch(text):
        return text    # most cells: no Markdown could change them
    marked = CITATION.sub(lambda found: "".join(cite(name) for name in cited_ids(found)), text)
    shown = _converter().reset().convert(SPACE_BEFORE_CITE.sub("", marked))
    return shown.removeprefix("<p>").removesuffix("</p>")


@functools.cache
def _converter():
    """Return one converter for all cells: to set one up takes ten times as long as a cell."""
    import markdown    # here, because the check shows no cells

    return markdown.Markdown(extensions=["pymdownx.arithmatex"], extension_configs={"pymdownx.arithmatex": {"generic": True}})


def cited_ids(found: re.Match) -> list[str]:
    """Return the source ids of one `[@a; @b]`."""
    return [name.strip().removeprefix("@") for name in found["ids"].split(";")]


class Notes:
    """Letters for the notes below a table; the same words share a letter."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def mark(self, words: str) -> str:
        if words not in self.words:
            self.words.append(words)
        return f'<sup class="note">{letter(self.words.index(words))}</sup>'


def letter(index: int) -> str:
    """Return a, b, ..., z, aa, ab, ... for 0, 1, ..., 25, 26, 27, ..."""
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def render(request: Request, facts: Facts, lang: str, number: str) -> str:
    """Return the figure element of a requested table; `number` is its label, such as "Table 2.1"."""
    table = facts.tables[request.data]
    columns = [table.columns[name] for name in request.columns]
    rows, notes = select(table, request.where, request.sort), Notes()
    sources = [_row_source(row, columns) for row in rows]
    # One source for the whole table stands behind its caption, not on each of its rows.
    shared = sources[0] if len(rows) > 1 and len(set(sources)) == 1 else None
    head = "\n".join(_head(column, lang) for column in columns)
    body = "\n".join(_row(row, columns, lang, notes, None if shared else source) for row, source in zip(rows, sources))
    below = "".join(f'<span class="table-note"><sup class="note">{letter(index)}</sup> {inline_html(words)}</span> '
                    for index, words in enumerate(notes.words))
    dates = sorted({cell.checked[:7] for row in rows for column in columns
                    if (cell := row.cells.get(column.name)) and cell.checked and column.sourced})
    if dates:
        span = dates[0] if len(dates) == 1 else f"{dates[0]} – {dates[-1]}"
        below += f'<span class="table-checked">{WORDS[lang]["checked"].format(span)}</span>'
    caption = inline_html(request.caption) + cite(shared)
    tools = (f'<p class="table-tools only-web" data-search-exclude="yes"><a href="book:data/{table.name}" '
             f'title="{WORDS[lang]["csv"]}" download>CSV</a></p>')
    return (f'<figure class="book-table" id="{request.id}" data-table="{table.name}"><figcaption><span class="caption-number">{number}</span> '
            f'{caption}</figcaption>{tools}<div class="table-wrap" tabindex="0"><table data-columns="{len(columns)}"><thead>'
            f'<tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
            + (f'<p class="table-notes">{below.strip()}</p>' if below else "") + "</figure>")


def _head(column: Column, lang: str) -> str:
    unit = f' <span class="unit">{html.escape(column.unit)}</span>' if column.unit else ""
    kind = ' class="num"' if column.numeric else ""
    return f'<th scope="col"{kind}>{html.escape(column.title[lang])}{unit}</th>'


def _row_source(row: Row, columns: list[Column]) -> str | None:
    """Return the source of those shown cells of a row that name none of their own."""
    sourced = any(column.sourced and column.name in row.cells and not row.cells[column.name].own_source for column in columns)
    return row.src if sourced else None


def _row(row: Row, columns: list[Column], lang: str, notes: Notes, source: str | None) -> str:
    cells = []
    for index, column in enumerate(columns):
        cell = row.cells.get(column.name)
        shown = _cell(cell, column, lang, notes) if cell else WORDS[lang]["none"]
        if index == 0:
            cells.append(f'<th scope="row">{shown}{cite(source)}</th>')
        else:
            kind = ' class="num"' if column.numeric else ' class="links"' if column.type == "link" else ""
            cells.append(f"<td{kind}>{shown}</td>")
    # Line ends keep the words of neighbouring cells apart in the search index and in copied text.
    return "<tr>" + "\n".join(cells) + "</tr>"


def _cell(cell: Cell, column: Column, lang: str, notes: Notes) -> str:
    shown = _value(cell.value, column, lang)
    if cell.own_source and column.sourced:
        shown += cite(cell.src)
    if cell.note:
        shown += notes.mark(cell.note[lang])
    for other in cell.also:
        shown += f' <span class="also">{WORDS[lang]["or"]} {_value(other.value, column, lang)}{cite(other.src)}'
        shown += (notes.mark(other.note[lang]) if other.note else "") + "</span>"
    return shown


def _value(value: object, column: Column, lang: str) -> str:
    if column.numeric and isinstance(value, (int, float)):
        # A year is a whole number that nobody writes with a comma.
        if column.type == "int" and column.name.endswith("year"):
            return str(value)
        return format_number(value, column.digits)
    if column.type == "choice":
        return html.escape(column.choices[str(value)][lang])
    if column.type == "link":
        return ", ".join(f"<a {address(html.escape(url))}>{html.escape(label[lang])}</a>" for label, url in value)
    if isinstance(value, dict):
        return inline_html(value[lang])
    return html.escape(str(value))
