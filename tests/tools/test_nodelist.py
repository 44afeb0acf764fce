"""nodelist.py: what expands from what, for any list that Slurm could print; and its command line, run from a lone copy."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

FILE = Path(__file__).parents[2] / "docs" / "orchestration" / "slurm" / "nodelist.py"
spec = importlib.util.spec_from_file_location("nodelist", FILE)
nodelist = importlib.util.module_from_spec(spec)
spec.loader.exec_module(nodelist)

NAMES = st.builds(lambda word, digits, tail: word + digits + tail, st.from_regex(r"[a-z]{1,3}([0-9]-)?", fullmatch=True),
                  st.from_regex(r"[0-9]{0,4}", fullmatch=True), st.sampled_from(["", "-ib", "a"]))


@given(st.lists(NAMES, min_size=1, max_size=30))
def test_expanding_what_was_compressed_gives_each_name_once(names: list[str]):
    found = nodelist.expand(nodelist.compress(names))
    assert sorted(found) == sorted(set(names))


@given(st.integers(0, 9000), st.integers(0, 300), st.integers(1, 5))
def test_a_range_has_each_number_with_its_width(low: int, more: int, width: int):
    names = nodelist.expand(f"n[{low:0{width}}-{low + more:0{width}}]")
    assert names == [f"n{number:0{width}}" for number in range(low, low + more + 1)]
    assert nodelist.compress(names) in (f"n[{low:0{width}}-{low + more:0{width}}]", f"n{low:0{width}}") or width > 1


@given(st.lists(st.sampled_from("ab12٣[],- "), max_size=12).map("".join))
def test_any_text_expands_to_names_or_is_refused(text: str):
    try:
        names = nodelist.expand(text)
    except ValueError as error:
        assert str(error)
    else:
        assert all(name and not set(name) & set("[], ") for name in names)


@pytest.mark.parametrize("text, names", [
    ("node[01-03,07],gpu5", "node01 node02 node03 node07 gpu5"),
    ("r[1-2]n[08-10]", "r1n08 r1n09 r1n10 r2n08 r2n09 r2n10"),
    ("node[9-11]-ib", "node9-ib node10-ib node11-ib"),
    ("login", "login"),
    ("", ""),
])
def test_known_lists(text: str, names: str):
    assert nodelist.expand(text) == names.split()


@pytest.mark.parametrize("names, text", [
    ("node9 node10 node11", "node[9-11]"),
    ("node09 node10 node11", "node[09-11]"),
    ("n1 n01", "n01,n1"),
    ("b a a", "a,b"),
    ("n3", "n3"),
])
def test_known_compressions(names: str, text: str):
    assert nodelist.compress(names.split()) == text


@pytest.mark.parametrize("text, says", [
    ("node[1-3", "brackets do not match"), ("node]1[", "brackets do not match"), ("node[3-1]", "runs backwards"),
    ("node[1-99999999]", "longer than"), ("node[a]", "should hold numbers"), ("no de", "is not a node name"),
    ("a[0-999]b[0-999]", "more than"),
])
def test_mistakes_are_named(text: str, says: str):
    with pytest.raises(ValueError, match=says):
        nodelist.expand(text)


@pytest.fixture
def lone(tmp_path: Path):
    """Run a copy of the file in an empty folder, with nothing of Slurm in the environment."""
    shutil.copy(FILE, tmp_path)

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "nodelist.py", *arguments], cwd=tmp_path, env={"PATH": "/usr/bin:/bin", **environment}, input=stdin,
                              text=True, capture_output=True, timeout=20)
    return run


def test_host_files_of_each_style(lone):
    assert lone("hostfile", "n[1-2]", "--slots", "8").stdout == "n1 slots=8\nn2 slots=8\n"
    assert lone("hostfile", "n[1-2]", "--slots", "8", "--style", "colon").stdout == "n1:8\nn2:8\n"
    assert lone("hostfile", "n[1-2]", "--style", "plain").stdout == "n1\nn2\n"
    assert lone("hostfile", SLURM_JOB_NODELIST="n[1-2]", SLURM_GPUS_ON_NODE="4").stdout == "n1 slots=4\nn2 slots=4\n"


def test_minus_stdin_and_json(lone, tmp_path: Path):
    done = lone("compress", "-", "--minus", "n[3-4]", "--json", "o.json", stdin="n1 n2\nn3 n4 n5\n")
    assert done.stdout == "n[1-2,5]\n"
    assert json.loads((tmp_path / "o.json").read_text()) == {"names": ["n1", "n2", "n5"], "list": "n[1-2,5]", "count": 3}


@pytest.mark.parametrize("arguments, code, says", [
    (["expand"], 2, "no node list given"), (["expand", "n[1"], 2, "brackets"), (["hostfile", "n1"], 2, "--slots 8"),
    (["expand", "n1", "--json", "/dev/full"], 1, "No space left"), (["expand", "n1", "--json", "no/such/o.json"], 1, "No such file"),
    (["explode", "n1"], 2, "invalid choice"),
])
def test_wrong_usage_and_a_full_disk_get_one_clear_line(lone, arguments: list[str], code: int, says: str):
    done = lone(*arguments)
    assert done.returncode == code
    assert says in done.stderr and "Traceback" not in done.stderr


def test_help_works(lone):
    assert "node[01-03,07]" in lone("--help").stdout
