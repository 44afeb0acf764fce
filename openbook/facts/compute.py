"""Evaluate the arithmetic of computed columns: numbers, column names, + - * / ** and brackets, nothing else."""

from __future__ import annotations

import ast
import functools
import operator

#: Characters of an expression; the book's longest has 110. Longer ones would exhaust the parser, powers of powers the memory.
LONGEST = 1_000


def _power(base: float, exponent: float) -> float:
    """Return a power as a float, which overflows where a whole number would fill the memory."""
    return float(base) ** exponent


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
             ast.Div: operator.truediv, ast.Pow: _power}


def names_in(expression: str) -> set[str]:
    """Return the column names an expression reads; raise ValueError when it is not plain arithmetic."""
    return {node.id for node in ast.walk(_parse(expression)) if isinstance(node, ast.Name)}


def evaluate(expression: str, values: dict[str, float | None]) -> float | None:
    """Return the value of `expression`, or None when an input is missing or a divisor is zero."""
    try:
        return _value(_parse(expression), values)
    except (KeyError, TypeError, ZeroDivisionError, OverflowError):
        return None


@functools.cache    # an expression is that of a column, evaluated for every row
def _parse(expression: str) -> ast.expr:
    if len(expression) > LONGEST:
        raise ValueError(f"`{expression[:40]}…` has more than {LONGEST:,} characters")
    try:
        tree = ast.parse(expression, mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"`{expression}` is not arithmetic") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            continue
        if not isinstance(node, (ast.BinOp, ast.UnaryOp, ast.USub, ast.Name, ast.Load, *OPERATORS)):
            raise ValueError(f"`{expression}` is not plain arithmetic over columns")
    return tree


def _value(node: ast.expr, values: dict[str, float | None]) -> float:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand, values)
    return OPERATORS[type(node.op)](_value(node.left, values), _value(node.right, values))
