"""Every cell of the book's own data: unit, range, source and date; and what follows from other numbers is recomputed."""

import calendar
import re

import pytest

from openbook.facts.load import load_facts
from tests.conftest import ROOT

FACTS, FINDINGS = load_facts(ROOT / "docs/data", ROOT)
#: Counts, years, ratios, and numbers whose unit stands in a column beside them.
UNITLESS = {"vcpu", "weight", "count", "year", "first", "accels", "accel", "ports", "links", "compute_units", "sparse_factor", "capacity", "gb_per_unit"}
UNITLESS |= {"bias", "nodes", "ranks", "events", "rate", "gpus", "layers", "kv_heads", "head_dim", "width", "full", "window"}
#: "36 PFLOPS sparse / 8 / 2." and "1,671 with sparsity / 2." are what a cell's note says of its own value.
DIVISION = re.compile(r"^(?:[A-Z][\w ]*? )?(?P<first>[\d,.]*\d)(?: (?P<unit>[PT]?(?:FLOPS|OPS|W)))?(?: [a-z ]+?)? / (?P<rest>[\d,.]*\d(?: / [\d,.]*\d)*)\.")
SCALE = {"PFLOPS": 1000, "POPS": 1000}
DIRECT = [(table, name, row.id, found) for table in FACTS.tables.values() for row in table.rows for name, cell in row.cells.items()
          if name not in table.joined for found in (cell, *cell.also)]


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_the_data_load_without_a_finding():
    assert FINDINGS == []
    assert len(DIRECT) > 1000


def test_every_column_of_numbers_has_a_range_and_a_unit():
    columns = [(table.name, column) for table in FACTS.tables.values() for name, column in table.columns.items()
               if column.numeric and name not in table.joined]
    assert [(table, column.name) for table, column in columns if column.low is None or column.high is None] == []
    assert [(table, column.name) for table, column in columns if not column.unit and column.name not in UNITLESS] == []


def test_every_cell_has_the_type_of_its_column():
    kinds = {"number": (int, float), "int": (int, float), "text": dict, "month": str, "choice": (str, int), "link": list}
    wrong = [(table.name, row, name) for table, name, row, cell in DIRECT if not isinstance(cell.value, kinds[table.columns[name].type])]
    assert wrong == []


def test_every_sourced_cell_names_a_source_we_have_read_and_a_day():
    sourced = [(table.name, row, name, cell) for table, name, row, cell in DIRECT
               if table.columns[name].sourced and not (table.columns[name].compute and cell.src is None)]
    assert [place for *place, cell in sourced if cell.src not in FACTS.sources] == []
    assert [place for *place, cell in sourced if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell.checked or "")] == []


def test_a_value_whose_note_divides_is_the_quotient():
    checked = []
    for table, name, row, cell in DIRECT:
        found = cell.note and DIVISION.match(cell.note["en"])
        if not found or not table.columns[name].numeric:
            continue
        value = number(found["first"]) * SCALE.get(found["unit"], 1)
        for divisor in found["rest"].split(" / "):
            value /= number(divisor)
        checked.append((table.name, row, name))
        assert cell.value == pytest.approx(value, rel=0.005), f"{table.name} {row} {name}: {cell.note['en']}"
    assert len(checked) > 30


def test_every_computed_value_is_what_its_formula_gives():
    """The loader's arithmetic against Python's, over the numbers of the row, those of joined tables among them."""
    checked = 0
    for table in FACTS.tables.values():
        for row in table.rows:
            values = {name: cell.value for name, cell in row.cells.items() if table.columns[name].numeric}
            for name, column in table.columns.items():
                if column.compute and name in values and row.cells[name].src is None:
                    assert values[name] == pytest.approx(eval(column.compute, {}, values), rel=1e-9), f"{table.name} {row.id} {name}"
                    checked += 1
    assert checked > 400


#: "820 GiB/s x 1.0737." and "40,960 MiB in nvidia-smi." say of their cell: a product, and 1,024 times its value.
PRODUCT = re.compile(r"^(?P<first>[\d,.]*\d)(?: [A-Za-z/]+)? × (?P<second>[\d,.]*\d)\.(?!\d)")
MEBIBYTES = re.compile(r"^(?P<mib>[\d,]+) MiB\b")


def test_a_value_whose_note_multiplies_or_converts_follows_from_it():
    checked = 0
    for table, name, row, cell in DIRECT:
        note = cell.note["en"] if cell.note and table.columns[name].numeric else ""
        if found := PRODUCT.match(note):
            value = number(found["first"]) * number(found["second"])
            value /= 1000 if table.columns[name].unit == "TB/s" else 1
        elif (found := MEBIBYTES.match(note)) and table.columns[name].unit == "GiB":
            value = number(found["mib"]) / 1024
        else:
            continue
        assert cell.value == pytest.approx(value, rel=0.005), f"{table.name} {row} {name}: {note}"
        checked += 1
    assert checked >= 10


def test_what_sources_disagree_on_is_never_dense_against_sparse():
    """Two sources differ by rounding, an edition or a variant; a factor of two is a sparse figure, or the other direction of a link."""
    factors = [(table.name, row, name, max(cell.value, other.value) / min(cell.value, other.value)) for table, name, row, cell in DIRECT
               if table.columns[name].numeric for other in cell.also]
    assert len(factors) > 15
    assert [found for found in factors if found[-1] > 1.5] == []


def test_the_sparse_headline_is_the_dense_peak_times_its_factor():
    rows = {row.id: row for row in FACTS.tables["accelerators"].rows}
    losses = {row.id: row.cells["tflops"].value for row in FACTS.tables["goodput_losses"].rows}
    dense = rows["h100-sxm"].cells["bf16"].value
    assert losses["sparse-headline"] == pytest.approx(dense * rows["h100-sxm"].cells["sparse_factor"].value, rel=0.001)


def test_each_step_of_the_losses_leaves_less_than_the_one_before():
    steps = [row.cells["tflops"].value for row in FACTS.tables["goodput_losses"].rows]
    assert steps == sorted(steps, reverse=True) and len(set(steps)) == len(steps)


def test_both_languages_of_a_note_hold_the_same_numbers():
    def numbers(text: str) -> list[str]:
        for month, name in enumerate(calendar.month_name[1:], 1):
            text = text.replace(f"{name} ", f"{month} ")
        return sorted(re.findall(r"\d[\d,.]*\d|\d", re.sub(r"`[^`]*`", "", text)))

    notes = [(table.name, row, name, cell.note) for table, name, row, cell in DIRECT if cell.note]
    assert len(notes) > 100
    assert [place for *place, note in notes if numbers(note["en"]) != numbers(note["zh"])] == []


def test_every_link_is_an_address_or_a_place_in_the_book():
    urls = [(table.name, row, url) for table, name, row, cell in DIRECT if table.columns[name].type == "link" for _, url in cell.value]
    wrong = [place for *place, url in urls if not re.match(r"https?://[^\s/]+\.[a-z]+(/|$)", url) and not (ROOT / "docs" / url.partition("#")[0]).is_file()]
    assert len(urls) > 50 and wrong == []


def test_no_cell_was_checked_before_its_source_was_read():
    early = [(table.name, row, name) for table, name, row, cell in DIRECT if cell.src and cell.checked
             and cell.checked < FACTS.sources[cell.src].accessed]
    assert early == []


@pytest.mark.parametrize("narrow, wide", [("fp8", "bf16"), ("fp4", "fp8"), ("bf16", "tf32")])
def test_no_chip_is_slower_in_a_narrower_type(narrow, wide):
    rows = [row for row in FACTS.tables["accelerators"].rows if {narrow, wide} <= row.cells.keys()]
    assert [row.id for row in rows if row.cells[narrow].value < row.cells[wide].value] == []


def test_no_dense_fp8_rate_is_a_sparse_one():
    rows = [row for row in FACTS.tables["accelerators"].rows if {"bf16", "fp8"} <= row.cells.keys()]
    # FP8 is once or twice BF16, on Rubin 4.4 times; a sparse figure would be twice that again on the others.
    assert [row.id for row in rows if row.cells["fp8"].value > 4.5 * row.cells["bf16"].value] == []


def test_a_node_carries_what_its_ports_carry():
    rows = [row for row in FACTS.tables["inter_node"].rows if {"port_gbps", "ports", "node_gbps"} <= row.cells.keys()]
    assert len(rows) > 10
    for row in rows:
        assert row.cells["node_gbps"].value == pytest.approx(row.cells["port_gbps"].value * row.cells["ports"].value, rel=0.01), row.id


def test_both_directions_are_twice_one_and_the_links_add_up():
    rows = FACTS.tables["intra_node"].rows
    pairs = [row for row in rows if {"uni", "bidir"} <= row.cells.keys()]
    assert len(pairs) > 15
    for row in pairs:
        assert row.cells["bidir"].value == pytest.approx(2 * row.cells["uni"].value, rel=0.02), row.id
    for row in rows:
        if {"uni", "links", "link_gbs"} <= row.cells.keys():
            assert row.cells["uni"].value == pytest.approx(row.cells["links"].value * row.cells["link_gbs"].value, rel=0.02), row.id


def test_a_domains_total_is_that_of_its_accelerators():
    rows = [row for row in FACTS.tables["intra_node"].rows if {"total", "domain", "bidir"} <= row.cells.keys()]
    assert len(rows) >= 4
    for row in rows:
        members = number(row.cells["domain"].value["en"])
        assert row.cells["total"].value == pytest.approx(members * row.cells["bidir"].value / 1000, rel=0.02), row.id


def test_decimal_capacity_and_ridge_points_follow_from_their_inputs():
    for row in FACTS.tables["accel_memory"].rows:
        cells = {name: cell.value for name, cell in row.cells.items()}
        if "capacity" in cells:
            assert cells["gb_per_unit"] == {"gb": 1, "gib": 2 ** 30 / 1e9}[cells["unit"]], row.id
            assert cells["capacity_gb"] == cells["capacity"] * cells["gb_per_unit"], row.id
        if {"bf16", "bandwidth_tbs"} <= cells.keys():
            assert cells["ridge"] == pytest.approx(cells["bf16"] / cells["bandwidth_tbs"]), row.id
