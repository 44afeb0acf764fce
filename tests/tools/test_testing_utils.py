"""testing_utils.py: results, faults and hangs of real ranks; its fake world; the lists of the chapter that rest on it."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openbook.facts.load import load_facts

ROOT = Path(__file__).parents[2]
HERE = ROOT / "docs/testing"
TOOL = HERE / "testing_utils.py"
spec = importlib.util.spec_from_file_location("testing_utils", TOOL)
tool = importlib.util.module_from_spec(spec)
sys.modules["testing_utils"] = tool              # the ranks look their functions up by name
spec.loader.exec_module(tool)
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

RANK_FUNCTIONS = '''
import os, signal, sys, time
import torch
import torch.distributed as dist

def healthy(word):
    print("hello from", dist.get_rank())
    total = torch.tensor(dist.get_rank())
    dist.all_reduce(total)
    return word, total.item(), torch.rand(1).item(), os.environ["LOCAL_RANK"]

def one_raises():
    print("before the fault")
    if dist.get_rank() == 1:
        raise ValueError("bad batch 7")
    dist.all_reduce(torch.ones(1))

def one_is_killed():
    if dist.get_rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.all_reduce(torch.ones(1))

def hangs():
    if dist.get_rank() == 0:
        dist.all_reduce(torch.ones(1))
    else:
        sleep_long()

def sleep_long():
    time.sleep(100)

def waits():
    open(f"started{dist.get_rank()}", "w").close()
    time.sleep(100)

def unpicklable():
    return lambda: 0
'''


@pytest.fixture
def functions(tmp_path, monkeypatch):
    """A module of functions to run on ranks."""
    (tmp_path / "rank_functions.py").write_text(RANK_FUNCTIONS)
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "rank_functions", raising=False)
    import rank_functions
    return rank_functions


def run(*words, folder=None, env=ENVIRONMENT, tool=TOOL):
    return subprocess.run([sys.executable, tool, *map(str, words)], capture_output=True, text=True, timeout=60, cwd=folder, env=env)


def test_wrong_usage_ends_with_two_and_a_line(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError")
    copy = tmp_path / "testing_utils.py"
    copy.write_bytes(TOOL.read_bytes())
    env = {**ENVIRONMENT, "PYTHONPATH": str(tmp_path)}
    assert run("--help", env=env, tool=copy).returncode == 0
    for words, message in [(["none.py:f"], "no file none.py"), ([f"{copy}:f", "--ranks", "0"], "must be positive"),
                           ([f"{copy}:f"], "PyTorch is not installed")]:
        done = run(*words, env=env, tool=copy)
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr


def test_a_function_that_no_rank_can_find_is_refused():
    with pytest.raises(TypeError, match="top level"):
        tool.run_ranks(lambda: 0, 2)


TOY = '''
import pytest

def test_add():
    assert 1 + 1 == 2

def test_slow_add():
    total = 3
    assert total == 4

def test_dir(tmp_path):
    (tmp_path / "x").write_text("1")

@pytest.mark.gpu
def test_gpu():
    pytest.skip("no accelerator")
'''
DRIVER = '''
import contextlib, io, json, shlex, sys
import pytest
report = []
for command in json.load(open("commands.json")):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = pytest.main(shlex.split(command)[1:])
    report.append([command, int(code), out.getvalue()[-3000:]])
json.dump(report, open("report.json", "w"))
'''


def test_every_command_of_the_cheat_sheet_runs(tmp_path):
    facts, _ = load_facts(ROOT / "docs/data", ROOT)
    commands = {row.id: row.cells["command"].value["en"].strip("`") for row in facts.tables["pytest_cheatsheet"].rows}
    for name, text in {"test_x.py": TOY, "drive.py": DRIVER, "pytest.ini": "[pytest]\nmarkers = gpu: needs an accelerator\n",
                       "commands.json": json.dumps(list(commands.values()))}.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run([sys.executable, "drive.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    got = {name: entry for name, entry in zip(commands, json.loads((tmp_path / "report.json").read_text()))}
    fails = {"first", "last", "locals", "quiet", "capture", "passed", "reasons", "slow", "parallel", "stop", "warnings",
             "hang", "junit", "nocache", "mark"}
    assert {name for name, (_, code, _) in got.items() if code == 1} == fails
    assert {code for name, (_, code, _) in got.items() if name not in fails | {"stepwise"}} == {0}
    assert got["stepwise"][1] == 2 and "from this test next run" in got["stepwise"][2]
    for name, words in {"keyword": "1 passed, 3 deselected", "collect": "test_x.py::test_add", "last": "1 failed", "locals": "total      = 3",
                        "reasons": "no accelerator", "slow": "slowest 5 durations", "fixtures": "tmp_path", "setup": "tmp_path"}.items():
        assert words in got[name][2], (name, got[name][2])
    assert (tmp_path / "report.xml").exists() and (tmp_path / "out").is_dir()


def test_the_list_of_invariants_names_the_tests_and_the_bugs_in_order():
    facts, _ = load_facts(ROOT / "docs/data", ROOT)
    rows = facts.tables["test_invariants"].rows
    bugs = re.search(r"BUGS = (\[.*\])", (HERE / "tiny_train.py").read_text())[1]
    assert [row.id for row in rows] == eval(bugs) and len(re.findall(r"^def test_", (HERE / "test_invariants.py").read_text(), re.M)) == len(rows)


@pytest.mark.torch
def test_results_come_back_in_order_and_from_one_seed(functions, capsys):
    a, b = tool.run_ranks(functions.healthy, 2, "word", timeout=40, seed=5, show=True)
    assert a[:2] == b[:2] == ("word", 1) and a[2] == b[2] and (a[3], b[3]) == ("0", "1")
    assert capsys.readouterr().out == "rank 0: hello from 0\nrank 1: hello from 1\n"
    assert tool.run_ranks(functions.healthy, 4, "word", timeout=40, seed=6)[3][1:] != (6, a[2], "3")


@pytest.mark.torch
@pytest.mark.parametrize("name, words", [
    ("one_raises", ["rank 1 of 2 failed", "ValueError: bad batch 7", "rank 0: before the fault"]),
    ("one_is_killed", ["rank 1 of 2 failed", "rank 1 was killed by signal 9", "rank 0"]),
    ("hangs", ["no end after 3 s", "in hangs", "in sleep_long", "rank 0 was still running"]),
    ("unpicklable", ["of 2 failed", "pickle"]),
])
def test_a_fault_is_told_for_every_rank_and_nobody_is_left(functions, name, words):
    with pytest.raises(tool.RanksFailed) as caught:
        tool.run_ranks(getattr(functions, name), 2, timeout=3 if name == "hangs" else 30)
    for word in words:
        assert word in str(caught.value)
    import multiprocessing
    assert multiprocessing.active_children() == []


@pytest.mark.torch
def test_tolerances_grow_with_the_type_and_the_length_of_the_sum():
    import torch
    assert tool.tolerance(torch.float32) == pytest.approx(4 * 2**-24)
    assert tool.tolerance(torch.bfloat16, 4096) == pytest.approx(4 * 2**-8 * 64)
    a = torch.randn(64, 4096, generator=torch.Generator().manual_seed(0))
    b = torch.randn(4096, 64, generator=torch.Generator().manual_seed(1))
    halves = a[:, :2048] @ b[:2048] + a[:, 2048:] @ b[2048:]
    tool.assert_close_to_sum(halves, a @ b, terms=4096)                 # another order of summing
    with pytest.raises(AssertionError, match="allowed"):
        tool.assert_close_to_sum(a[:, :4095] @ b[:4095], a @ b, terms=4096)     # one of 4,096 terms is missing


@pytest.mark.torch
def test_by_hand_and_interrupted(tmp_path):
    (tmp_path / "rank_functions.py").write_text(RANK_FUNCTIONS)
    (tmp_path / "testing_utils.py").write_bytes(TOOL.read_bytes())
    process = subprocess.Popen([sys.executable, "testing_utils.py", "rank_functions.py:waits", "--timeout", "100"], cwd=tmp_path, env=ENVIRONMENT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))      # where CI ignores it
    end = time.monotonic() + 40
    while not (tmp_path / "started1").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1 and "Traceback" not in errors and "interrupted" in errors
    end = time.monotonic() + 20
    while time.monotonic() < end:                # the process that forked the ranks notices within moments that its parent is gone
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("a process was left behind")


@pytest.mark.torch
@pytest.mark.parametrize("program, first", [("mutants.py", "healthy"), ("fake_world_1024.py", "coordinates")])
def test_a_program_prints_what_the_chapter_shows(program, first):
    """Run here once and not as a tested block, which would run in both languages."""
    done = subprocess.run([sys.executable, program], cwd=HERE, env=ENVIRONMENT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    shown = [block for block in re.findall(r"```text\n(.*?)```", (HERE / "index.md").read_text("utf-8"), re.S) if block.startswith(first)]
    assert shown == [done.stdout]


@pytest.mark.torch
def test_the_parallel_and_the_golden_tests_of_the_chapter_pass():
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_parallel.py", "test_golden.py"],
                          cwd=HERE, env=ENVIRONMENT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0 and "5 passed" in done.stdout, done.stdout


@pytest.mark.torch
def test_two_nodes_on_one_machine():
    env = {**ENVIRONMENT, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "two_nodes.sh", "node_view.py"], cwd=HERE, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"rank (\d) of 4: node (\d), local rank (\d) of 2, host \S+, sum (\d)", done.stdout)     # torchrun may add lines
    assert sorted(found) == [("0", "0", "0", "4"), ("1", "0", "1", "4"), ("2", "1", "0", "4"), ("3", "1", "1", "4")], done.stdout
