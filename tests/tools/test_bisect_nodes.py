"""bisect_nodes.py finds a bad node, or a pair of nodes that cannot talk, with few runs and without leftovers."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "docs/network/debug/bisect_nodes.py"
NODES = [f"n{i:02}" for i in range(1, 33)]

spec = importlib.util.spec_from_file_location("bisect_nodes", TOOL)
bisect_nodes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bisect_nodes)


def bisect(tmp_path, *words: str, nodes=NODES, **options) -> subprocess.CompletedProcess:
    """Run a copy of the tool alone in an empty folder."""
    copy = tmp_path / TOOL.name
    copy.write_text(TOOL.read_text())
    return subprocess.run([sys.executable, copy.name, "--nodes", ",".join(nodes), *words], cwd=tmp_path, text=True,
                          capture_output=True, timeout=60, **options)


@pytest.mark.parametrize("bad", NODES)
def test_any_single_node_is_found_in_a_dozen_runs(bad):
    runs = []
    found = bisect_nodes.smallest_failing(NODES, lambda subset: runs.append(subset) or bad in subset)
    assert found == [bad]
    assert len(runs) <= 12


@pytest.mark.parametrize("pair", [("n01", "n02"), ("n03", "n30"), ("n16", "n17"), ("n31", "n32")])
def test_a_pair_that_fails_only_together_is_found(pair):
    found = bisect_nodes.smallest_failing(NODES, lambda subset: set(pair) <= set(subset))
    assert found == list(pair)


def test_one_bad_node_is_named_with_status_1_and_json(tmp_path):
    done = bisect(tmp_path, "--json", "out.json", "--", "bash", "-c", "! echo {nodes} | grep -q n23")
    assert done.returncode == 1, done.stderr
    assert "smallest failing set: n23" in done.stdout
    assert json.loads((tmp_path / "out.json").read_text())["culprits"] == ["n23"]


def test_good_nodes_end_with_status_0_after_one_run(tmp_path):
    done = bisect(tmp_path, "--", "true", "{nodes}")
    assert done.returncode == 0 and done.stdout.count("run ") == 1


def test_a_run_that_hangs_counts_as_bad_and_leaves_no_process(tmp_path):
    mark = f"999.{time.time_ns() % 10**6:06}"
    done = bisect(tmp_path, "--timeout", "0.5", "--", "bash", "-c", f"case {{nodes}} in *n2*) sleep {mark} & wait;; esac",
                  nodes=["n1", "n2"])
    assert done.returncode == 1 and "time-out" in done.stdout and "smallest failing set: n2" in done.stdout
    assert mark not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout


@pytest.mark.parametrize("words, says", [
    (["--", "true"], "{nodes}"),
    (["--", "no-such-program-here", "{nodes}"], "cannot start"),
    (["--json", "/no/such/folder/x.json", "--", "true", "{nodes}"], "cannot write"),
])
def test_wrong_usage_is_one_line_and_status_2(tmp_path, words, says):
    done = bisect(tmp_path, *words, nodes=["a", "b"])
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
