"""Compare a seeded run with losses that were saved when somebody looked at them. Needs torch."""

import json
from pathlib import Path

import pytest

import tiny_train
from test_invariants import rows

GOLDEN = Path(__file__).with_name("golden_losses.json")


# --8<-- [start:golden]
def test_five_losses_are_those_of_the_golden_file(request):
    losses = tiny_train.Trainer(rows(16)).train(5)
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(json.dumps(losses) + "\n")
        pytest.skip("golden file written: read the difference before you commit it")
    assert losses == pytest.approx(json.loads(GOLDEN.read_text()), rel=1e-4)
# --8<-- [end:golden]
