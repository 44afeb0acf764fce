"""What `table` and `chart` fences share: fields, the rows they choose, and errors that say what to change."""

from __future__ import annotations

import re

import yaml

from openbook.facts.model import Facts, Row, Table
from openbook.reading.quick_yaml import load_yaml

Where = dict[str, tuple[str, ...]]


class RequestError(ValueError):
    """A fence that cannot be shown; the text says why and how to mend it."""

    def __init__(self, message: str, mend: str):
        super().__init__(message)
        self.mend = mend


def read_fields(body: str, kind: str, prefix: str, known: tuple[str, ...], required: tuple[str, ...]) -> dict:
    """Return the fields of a fence of `kind`; raise RequestError for what is missing, unknown or misnamed."""
    try:
        fields = load_yaml(body)
    except yaml.YAMLError as error:
        raise RequestError(f"the {kind} fence is not YAML: {getattr(error, 'problem', error)}",
                           "Quote the caption if it holds a colon.") from None
    if not isinstance(fields, dict):
        raise RequestError(f"the {kind} fence has no fields", f"Give it {', '.join(required)}.")
    for name in required:
        if not fields.get(name):
            raise RequestError(f"the {kind} fence has no `{name}`", f"Add `{name}:`.")
    for name in fields.keys() - set(known):
        raise RequestError(f"a {kind} fence has no field `{name}`", f"Use {', '.join(known)}.")
    if not re.fullmatch(rf"{prefix}-[\w-]+", str(fields["id"])):
        raise RequestError(f"the id `{fields['id']}` does not begin with `{prefix}-`", "Rename it, in both languages.")
    return fields


def table_of(fields: dict, facts: Facts) -> Table:
    """Return the table that a fence names; raise RequestError when there is none."""
    table = facts.tables.get(str(fields["data"]))
    if table is None:
        raise RequestError(f"there is no table `{fields['data']}` in docs/data",
                           f"Tables are: {', '.join(sorted(facts.tables))}.")
    return table


def where_of(fields: dict) -> Where:
    """Return the condition of a fence: for each column the values that a row may have."""
    return {str(name): tuple(str(value) for value in (values if isinstance(values, list) else [values]))
            for name, values in (fields.get("where") or {}).items()}


def check_columns(table: Table, names: tuple[str, ...]) -> None:
    """Raise RequestError when one of `names` is no column of the table."""
    for name in names:
        if name != "id" and name not in table.columns:
            raise RequestError(f"the table `{table.name}` has no column `{name}`",
                               f"Columns are: {', '.join(table.columns)}.")


def select(table: Table, where: Where, sort: str | None) -> list[Row]:
    """Return the rows that meet `where`, ordered by `sort`; rows without the sort value come last."""
    rows = [row for row in table.rows if all(_plain(row, name) in values for name, values in where.items())]
    if sort:
        name, down = sort.lstrip("-"), sort.startswith("-")
        have = [row for row in rows if name in row.cells]
        have.sort(key=lambda row: _sort_key(row.cells[name].value), reverse=down)
        rows = have + [row for row in rows if name not in row.cells]
    return rows


def _plain(row: Row, name: str) -> str:
    if name == "id":
        return row.id
    value = row.cells[name].value if name in row.cells else None
    return str(value["en"] if isinstance(value, dict) else value)


def _sort_key(value: object) -> tuple:
    if isinstance(value, dict):
        value = value["en"]
    return (0, value, "") if isinstance(value, (int, float)) else (1, 0, str(value).lower())
