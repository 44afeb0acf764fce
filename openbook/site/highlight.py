"""Colour code once for both languages: pymdownx.highlight, with what it returned kept for the next same block."""

from __future__ import annotations

from pymdownx.highlight import Highlight, HighlightExtension

Coloured = dict[str, str]


def highlighter(coloured: Coloured) -> type[Highlight]:
    """Return a class that colours code as Highlight does, and looks up in `coloured` what was coloured before."""

    class OnceHighlight(Highlight):
        def highlight(self, src: str, language: str, css_class: str = "highlight", **options):
            if options.get("inline"):
                return super().highlight(src, language, css_class, **options)    # an element that the page's tree takes in
            if not (self.line_spans or self.line_anchors):
                options.pop("code_block_count", None)    # it makes the ids of lines
            settings = {name: value for name, value in vars(self).items() if name != "md"}
            key = repr((src, language, css_class, options, settings))
            if key not in coloured:
                coloured[key] = super().highlight(src, language, css_class, **options)
            return coloured[key]

    return OnceHighlight


class OnceHighlightExtension(HighlightExtension):
    """The extension for mkdocs.yml in the place of pymdownx.highlight, with the same settings."""

    coloured: Coloured = {}    # MkDocs makes an extension a page

    def get_pymdownx_highlighter(self) -> type[Highlight]:
        """Return the class that superfences and inlinehilite colour with."""
        return highlighter(self.coloured)


def makeExtension(**settings) -> OnceHighlightExtension:
    """Return the extension; Python-Markdown calls this."""
    return OnceHighlightExtension(**settings)
