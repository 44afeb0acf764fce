"""Every rule that a finding can have is on the page for contributors, in both languages, with its remedy; and no other is."""

import ast
import re

import pytest

from openbook.alignment.compare import MENDS
from openbook.alignment.excuses import RULES
from openbook.findings import ADVICE

PLACES = {"Finding": 2, "Difference": 2, "find": 4, "Fault": 1}    # which argument of a call is the rule
ROW = re.compile(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*)(?P<advice> \(\*\))? \| [^|]+ \| (?P<mend>[^|]+) \|$", re.MULTILINE)


def rules_of_the_program(root):
    """The rules written in the program: as arguments of findings, as constants, as names of fences."""
    found = {*MENDS, *(set(RULES) - {"term"}), "facts", "copy", "table", "chart"} | set(ADVICE)
    for path in (root / "openbook").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                place = PLACES.get(getattr(node.func, "id", getattr(node.func, "attr", "")), 99)
                if place < len(node.args) and isinstance(rule := node.args[place], ast.Constant) and isinstance(rule.value, str):
                    found.add(rule.value)
    return found


@pytest.mark.parametrize("page", ["contributing.md", "contributing.zh.md"])
def test_the_table_of_rules_is_complete(root, page):
    text = (root / "docs/about" / page).read_text("utf-8")
    rows = {name: row for row in ROW.finditer(text[text.index("\n## What does the check say" if page == "contributing.md" else "\n## 检查会说什么"):])
            for name in re.findall("`([a-z-]+)`", row[1])}
    assert set(rows) == rules_of_the_program(root)
    assert {name for name, row in rows.items() if row["advice"]} == set(ADVICE)
    assert all(row["mend"].strip() for row in rows.values())
