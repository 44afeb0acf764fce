"""Put a chart together: the drawing for wide screens and print, the one for phones, and its values as a hidden table."""

from __future__ import annotations

import html
from dataclasses import replace

from openbook.charts.axes import title
from openbook.charts.bars import draw_bars, shown
from openbook.charts.drawing import Drawing
from openbook.charts.heatmap import draw_heatmap
from openbook.charts.points import draw_lines, draw_scatter
from openbook.charts.request import BARS, ChartRequest, plain, series_of, stack_total
from openbook.charts.roofline import draw_roofline
from openbook.facts.compute import names_in
from openbook.facts.model import Column
from openbook.facts.tables import cite, inline_html

DRAW = {"bars": draw_bars, "grouped": draw_bars, "stacked": draw_bars, "heatmap": draw_heatmap, "lines": draw_lines, "scatter": draw_scatter, "roofline": draw_roofline}
WORDS = {
    "en": {"bars": "Bar chart", "grouped": "Grouped bar chart", "stacked": "Stacked bar chart", "heatmap": "Heat map", "lines": "Line chart", "scatter": "Scatter chart",
           "roofline": "Roofline chart", "desc": "{kind}: {what}. {rows} rows.",
           "values": "Values of the chart", "total": "Total", "none": "–", "by": "{y} over {x}", "bars of": "{x} by {y}",
           "cells": "{value} by {x} and {y}", "log": "; logarithmic: {}", "size": "; area: {}",
           "join": ", "},
    "zh": {"bars": "条形图", "grouped": "分组条形图", "stacked": "堆叠条形图", "heatmap": "热力图", "lines": "折线图", "scatter": "散点图",
           "roofline": "屋顶线图", "desc": "{kind}：{what}。共 {rows} 行。",
           "values": "图中数值", "total": "合计", "none": "–", "by": "{y}随{x}变化", "bars of": "各{y}的{x}",
           "cells": "{value}，按{x}与{y}", "log": "；对数轴：{}", "size": "；面积：{}", "join": "、"},
}
FEW = 3
WIDE, NARROW = (720, 13), (360, 12)


def render_chart(request: ChartRequest, lang: str, number: str) -> str:
    """Return the figure element of a chart; `number` is its label, such as "Figure 2.1"."""
    name, desc = _plain_words(request.caption), describe(request, lang)
    drawings = []
    for (width, size), kind, id in ((WIDE, "chart-wide", f"{request.id}-svg"), (NARROW, "chart-narrow only-web", f"{request.id}-narrow-svg")):
        drawing = Drawing(width, size)
        DRAW[request.kind](request, lang, drawing, series_words(request, lang))
        drawings.append(drawing.svg(id, name, desc, kind))
    return (f'<figure class="book-figure book-chart" id="{request.id}">{"".join(drawings)}{values_table(request, lang)}'
            f'<figcaption><span class="caption-number">{number}</span> {inline_html(request.caption)}'
            f"{cite_sources(sources_of(request))}</figcaption></figure>")


def cite_sources(names: tuple[str, ...]) -> str:
    """Return the citations of a chart's sources: few behind the caption, many on a line below it."""
    if len(names) <= FEW:
        return "".join(cite(name) for name in names)
    return f' <span class="figure-sources" data-cite="{html.escape(" ".join(names))}"></span>'


def describe(request: ChartRequest, lang: str) -> str:
    """Return what a chart shows, for readers who do not see it."""
    words = WORDS[lang]
    x, y = (words["join"].join(title(request.column(name), lang) for name in names) for names in (request.x, request.y))
    value = title(request.column(request.value), lang) if request.value else ""
    what = words["bars of" if request.kind in BARS else "cells" if value else "by"].format(x=x, y=y, value=value)
    if request.log:
        axes = (getattr(request, axis) for axis in sorted(request.log))
        what += words["log"].format(words["join"].join(title(request.column(axis if isinstance(axis, str) else axis[0]), lang) for axis in axes))
    if request.size:
        what += words["size"].format(title(request.column(request.size), lang))
    return words["desc"].format(kind=words[request.kind], what=what, rows=len(request.rows))


def series_words(request: ChartRequest, lang: str) -> dict[str, str]:
    """Return the name of each series in the page's language."""
    names = {}
    for name in series_of(request):
        if request.series:
            row = next(row for row in request.rows if plain(row, request.series) == name)
            names[name] = shown(row.cells[request.series], request.column(request.series), lang) if request.series in row.cells else WORDS[lang]["none"]
        else:
            names[name] = request.column(name).title[lang] if name else ""
    return names


def values_table(request: ChartRequest, lang: str) -> str:
    """Return everything the chart draws as a table that only screen readers meet."""
    bars = request.kind in BARS
    names = dict.fromkeys(name for name in (*(request.y if bars else (request.label,)), request.series, *request.x,
                                            *(() if bars else request.y), request.value, request.size) if name)
    columns = [request.column(name) for name in names]
    stacked = request.kind == "stacked"
    heads = [title(column, lang) for column in columns]
    if stacked:
        heads.append(title(replace(columns[-1], title={lang: WORDS[lang]["total"]}), lang))
    head = "".join(f'<th scope="col">{html.escape(words)}</th>' for words in heads)
    body = ""
    for row in request.rows:
        total = f"<td>{stack_total(request, row)}</td>" if stacked else ""
        body += f"<tr>{''.join(_cell(row, column, index, lang) for index, column in enumerate(columns))}{total}</tr>"
    return (f'<div class="chart-values only-web" data-search-exclude="yes"><table><caption>{WORDS[lang]["values"]}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")


def sources_of(request: ChartRequest) -> tuple[str, ...]:
    """Return the sources of the values drawn, in the order of the rows."""
    names = [name for name in (*request.x, *request.y, request.value, request.size) if name]
    names = dict.fromkeys(name for column in names for name in _inputs(request, column))
    return tuple(dict.fromkeys(row.cells[name].src for row in request.rows for name in names
                               if name in row.cells and request.column(name).sourced and row.cells[name].src))


def _inputs(request: ChartRequest, name: str) -> tuple[str, ...]:
    """Return a column, or those that it is computed from."""
    compute = request.column(name).compute
    return (name, *sorted(names_in(compute) & request.table.columns.keys())) if compute else (name,)


def _cell(row, column: Column, index: int, lang: str) -> str:
    value = html.escape(shown(row.cells[column.name], column, lang)) if column.name in row.cells else WORDS[lang]["none"]
    return f'<th scope="row">{value}</th>' if index == 0 else f"<td>{value}</td>"


def _plain_words(caption: str) -> str:
    """Return a caption without marks and citations."""
    text = inline_html(caption)
    return html.unescape("".join(part.partition(">")[2] if index else part for index, part in enumerate(text.split("<")))).strip()
