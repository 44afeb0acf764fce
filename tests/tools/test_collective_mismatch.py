"""collective_mismatch.py finds the first call that differs, and takes damaged or hostile files without harm."""

import importlib.util
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "docs/debug/collective_mismatch.py"

spec = importlib.util.spec_from_file_location("collective_mismatch", TOOL)
tool = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = tool                    # a dataclass looks its module up
spec.loader.exec_module(tool)


def call(op="all_reduce", shapes="[[4]]", dtype="float32", site="train.py:1 in f", returned=True, members="[0, 1]"):
    """Return a call that differs from the usual one in what is given."""
    return tool.Call(op, shapes, dtype, site, returned, members)


@pytest.mark.parametrize("second, why", [
    (call(op="broadcast"), "operation differs"),
    (call(shapes="[[8]]"), "shape differs"),
    (call(dtype="bfloat16"), "dtype differs"),
    (call(members="[0, 1, 2]"), "members of the group differs"),
])
def test_the_first_call_that_differs_is_named_with_the_reason(second, why):
    assert tool.first_difference({0: {"0": [call(), call()]}, 1: {"0": [call(), second]}}) == ("0", 1, why)


def test_a_rank_that_stopped_earlier_is_named():
    assert tool.first_difference({0: {"0": [call()] * 3}, 1: {"0": [call()] * 2}}) == ("0", 2, "rank 1 never made this call")


def test_a_member_that_never_used_its_group_is_named():
    assert tool.first_difference({0: {"tp": [call()]}, 1: {}}) == ("tp", 0, "rank 1 never made this call")


def test_sizes_that_may_differ_are_no_difference():
    uneven = {r: {"0": [call("all_to_all_single", shapes=f"[[{r + 1}]]")]} for r in range(2)}
    assert tool.first_difference(uneven) is None


def test_groups_are_compared_apart_so_their_interleaving_does_not_matter():
    assert tool.first_difference({0: {"a": [call()], "b": [call("barrier")]}, 1: {"b": [call("barrier")], "a": [call()]}}) is None


def compare(tmp_path, files: dict, *words: str) -> subprocess.CompletedProcess:
    """Compare files in a folder with a copy of the tool that stands alone."""
    (tmp_path / "calls").mkdir()
    for name, content in files.items():
        (tmp_path / "calls" / name).write_bytes(content)
    (tmp_path / "tool.py").write_text(TOOL.read_text())
    return subprocess.run([sys.executable, "-S", "tool.py", "compare", "calls", *words], cwd=tmp_path, capture_output=True, text=True)


def line(n, op="all_reduce"):
    """Return one recorded line."""
    return json.dumps({"n": n, "op": op, "group": "0", "members": [0, 1], "shapes": [[4]], "dtype": "float32", "site": "t.py:3 in f"})


def test_a_line_cut_off_by_a_kill_is_left_out(tmp_path):
    whole = f'{line(0)}\n{{"returned": 0}}\n'
    done = compare(tmp_path, {"rank_0.jsonl": whole.encode(), "rank_1.jsonl": (whole + line(1)[:20]).encode()}, "--json", "out.json")
    assert done.returncode == 0 and "same calls" in done.stdout
    assert json.loads((tmp_path / "out.json").read_text())["agree"]


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Hostile:
        def __reduce__(self):
            return print, ("owned",)

    done = compare(tmp_path, {"fr_0": pickle.dumps(Hostile()), "fr_1": pickle.dumps({})})
    assert done.returncode == 2 and "owned" not in done.stdout and "not a flight recorder dump" in done.stderr


@pytest.mark.parametrize("files, says", [({}, "0 rank(s)"), ({"rank_0.jsonl": line(0).encode()}, "1 rank(s)")])
def test_too_few_ranks_are_wrong_usage(tmp_path, files, says):
    done = compare(tmp_path, files)
    assert done.returncode == 2 and says in done.stderr


def test_recording_without_ranks_is_wrong_usage(tmp_path):
    done = subprocess.run([sys.executable, str(TOOL), "record", "x", "y.py"], cwd=tmp_path, capture_output=True, text=True, env={})
    assert done.returncode == 2 and "RANK is not set" in done.stderr


def test_recording_a_script_that_is_not_there_is_wrong_usage(tmp_path):
    done = subprocess.run([sys.executable, str(TOOL), "record", "x", "y.py"], cwd=tmp_path, capture_output=True, text=True,
                          env={"RANK": "0"})
    assert done.returncode == 2 and "no script y.py" in done.stderr
