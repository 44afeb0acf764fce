"""Bytes a parameter: the tables of recipes, optimizers and whole models agree with their formulas and with each other."""

import re

import pytest
from lxml import etree

from openbook.charts.render import render_chart
from openbook.charts.request import parse_chart
from openbook.facts.compute import evaluate
from openbook.facts.load import load_facts
from openbook.figures.measure import overflows
from tests.conftest import ROOT

FACTS, _ = load_facts(ROOT / "docs/data", ROOT)
RECIPES = {row.id: row.cells for row in FACTS.tables["memory_per_param"].rows}
OPTIMIZERS = {row.id: row.cells for row in FACTS.tables["optimizers"].rows}
PARTS = ("weights", "grads", "master", "m", "v", "extra")
STACK = ("id: fig-memory-stack\ndata: memory_stack\nkind: stacked\ny: name\nx: [weights_gb, grads_gb, master_gb, m_gb, v_gb, extra_gb]\n"
         "where: {{model: {}}}\ncaption: Memory.\n")


@pytest.mark.parametrize("recipe, total", [
    ("fp32-adamw", 16), ("bf16-adamw", 16), ("bf16-adamw-fp32-grads", 18), ("adamw-8bit", 10 + 8 / 256),
    ("lora", 2 + 16 * 0.005), ("qlora", (4 + 0.127) / 8 + 16 * 0.005), ("badam", 2 + 16 / 32), ("muon", 12)])
def test_a_recipe_adds_up_to_the_figure_it_is_known_by(recipe, total):
    assert RECIPES[recipe]["total"].value == pytest.approx(total, abs=0.0002)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_total_is_the_sum_of_its_parts(recipe):
    assert RECIPES[recipe]["total"].value == pytest.approx(sum(RECIPES[recipe][part].value for part in PARTS))


def test_the_notes_of_derived_cells_give_their_value():
    checked = 0
    for recipe, cells in RECIPES.items():
        for name in PARTS:
            formula = cells[name].note and re.fullmatch(r"(?:.*: )?([\d,.]* ?[\d(+×/* ).,]+)\.", cells[name].note["en"])
            if not formula:
                continue
            expression = formula[1].replace(",", "").replace("×", "*")
            assert cells[name].value == pytest.approx(evaluate(expression, {}), rel=0.001), (recipe, name)
            checked += 1
    assert checked >= 18


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_of_an_optimizer_follows_from_its_formula(name):
    formula = OPTIMIZERS[name]["state"].value["en"].strip("$").replace("(mn)", "(m * n)").replace("^", "**").replace("\\times", "*")
    expression = re.sub(r"(?<=[\dmnrD)])\s+(?=[mnrD(])", " * ", formula)
    value = evaluate(expression, {"m": 4096, "n": 4096, "r": 1024 if name == "galore" else 256, "D": 32})
    assert OPTIMIZERS[name]["state_b"].value == pytest.approx(value, abs=0.005)


@pytest.mark.parametrize("recipe, optimizer", [
    ("adamw-8bit", "adamw-8bit"), ("adafactor", "adafactor"), ("muon", "muon"), ("adam-mini", "adam-mini"),
    ("galore", "galore"), ("apollo", "apollo"), ("bf16-adamw", "adamw")])
def test_recipes_and_optimizers_agree_on_the_state(recipe, optimizer):
    state = sum(RECIPES[recipe][part].value for part in ("m", "v", "extra"))
    assert state == pytest.approx(OPTIMIZERS[optimizer]["state_b"].value, abs=0.005)


def test_a_models_memory_is_computed_from_its_recipe():
    rows = FACTS.tables["memory_stack"].rows
    assert len(rows) == 16
    for row in rows:
        size, recipe = row.cells["params_b"].value, RECIPES[row.cells["recipe"].value["en"]]
        assert {"8B": 8, "70B": 70}[row.cells["model"].value["en"]] == size
        for part in PARTS:
            assert row.cells[f"{part}_gb"].value == pytest.approx(size * recipe[part].value), row.id
        assert row.cells["total_gb"].value == pytest.approx(size * recipe["total"].value), row.id


@pytest.mark.parametrize("model, lang, longest", [("8B", "en", "144.0"), ("8B", "zh", "144.0"), ("70B", "en", "1,260.0"), ("70B", "zh", "1,260.0")])
def test_the_memory_of_a_model_can_be_drawn(model, lang, longest):
    drawn = render_chart(parse_chart(STACK.format(model), FACTS), lang, "Figure 1")
    for svg in re.findall(r"<svg.*?</svg>", drawn):
        root = etree.fromstring(svg)
        assert overflows(root) == [] and len(svg) < 10_000
        totals = root.xpath("//*[local-name()='text' and @class='b']/text()")
        assert len(totals) == 8 and totals[0] == longest
    cited = re.search(r'class="figure-sources" data-cite="([^"]+)"', drawn)[1].split()
    assert {"nvidia-megatron-distopt", "galore-repo", "bitsandbytes-repo"} <= set(cited)
