"""Say which formulas of the book KaTeX cannot read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from openbook.findings import Finding
from openbook.formulas.katex import KatexMissing, TexError, parse
from openbook.reading.formulas import Formula


def unreadable(placed: Iterable[tuple[str, Formula]]) -> Iterator[Finding]:
    """Yield a finding for each formula, given with the file that holds it, that KaTeX cannot read; one if KaTeX is missing."""
    for path, formula in placed:
        try:
            parse(formula.tex, formula.display)
        except TexError as error:
            yield Finding(path, formula.line, "formula", str(error), "Mend the TeX; write a plain dollar sign as \\$.")
        except KatexMissing as error:
            yield Finding(path, formula.line, "formula", "the formula cannot be rendered", str(error))
            return
