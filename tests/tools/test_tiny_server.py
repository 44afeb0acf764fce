"""The small server: its pool and scheduler without torch; with torch, that no schedule changes an answer; the process and its faults."""

import argparse
import json
import random
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.conftest import ROOT

TOOL = ROOT / "docs/inference/tiny_server.py"
sys.path.insert(0, str(TOOL.parent))
import tiny_server as tool  # noqa: E402

sys.path.pop(0)

SMALL = "--layers 2 --hidden 32 --heads 4 --ffn 32 --vocab 64 --threads 1".split()


def engine(model=None, blocks: int = 64, size: int = 4, **settings) -> tool.Engine:
    pool = tool.Pool(blocks, size, settings.pop("share", True))
    return tool.Engine(model or tool.Counter(), tool.Scheduler(pool, settings.pop("max_batch", 8), settings.pop("budget", 64), **settings))


def drain(one: tool.Engine, limit: int = 1000) -> None:
    while one.once():
        limit -= 1
        assert limit, "no end in sight"


# --- no torch

def test_blocks_are_counted_and_come_back():
    pool = tool.Pool(3, 4)
    a, b = pool.take(), pool.take()
    assert pool.take() is not None and pool.take() is None
    pool.give_back([a, b])
    assert len(pool.free) == 2 and pool.take() == b                  # the later block of a request is given away first


def test_a_prefix_is_found_by_all_tokens_before_it_and_by_its_salt():
    pool = tool.Pool(8, 2)
    blocks = [pool.take(), pool.take()]
    for block, key in zip(blocks, pool.keys([1, 2, 3, 4], "")):
        pool.publish(block, key)
    pool.give_back(blocks)
    assert pool.lookup([1, 2, 3, 4, 5], "") == blocks and pool.users[blocks[0]] == 1
    assert pool.lookup([9, 9, 3, 4, 5], "") == []                    # the same second block behind another first one
    assert pool.lookup([1, 2, 3, 4, 5], "tenant") == []
    assert pool.lookup([1, 2, 3, 4], "") == blocks[:1]               # one token must be left to compute


def test_a_block_that_is_taken_is_no_longer_found():
    pool = tool.Pool(1, 2)
    block = pool.take()
    pool.publish(block, pool.keys([1, 2], "")[0])
    pool.give_back([block])
    assert pool.take() == block and pool.lookup([1, 2, 3], "") == []


def test_no_step_exceeds_its_budget_and_decoding_comes_first():
    one = engine(budget=10)
    first, second = tool.Request([1] * 3, 20), tool.Request([2] * 40, 2)
    one.submit(first)
    one.once()
    one.submit(second)
    while len(second.tokens) == 40:
        before = len(first.tokens)
        one.once()
        assert len(first.tokens) == before + 1                       # never stalled by the long prompt
    assert one.model.largest == 10


def test_static_batching_lets_nobody_join():
    one = engine(policy="static")
    one.submit(tool.Request([1], 5))
    one.once()
    late = tool.Request([2], 1)
    one.submit(late)
    for _ in range(4):
        one.once()
        assert len(late.tokens) == 1
    one.once()
    assert len(late.tokens) == 2


@pytest.mark.parametrize("blocks, policy", [(64, "continuous"), (12, "continuous"), (12, "static")])
def test_every_request_ends_and_every_block_comes_back(blocks, policy):
    draw, one = random.Random(1), engine(blocks=blocks, budget=16, policy=policy)
    requests = [tool.Request([draw.randrange(3) for _ in range(draw.randint(1, 20))], draw.randint(1, 20)) for _ in range(30)]
    for request in requests:
        one.submit(request)
    drain(one)
    assert all(len(r.tokens) == r.prompt + r.max_tokens for r in requests)
    assert one.scheduler.pool.users == [0] * blocks and len(one.scheduler.pool.free) == blocks
    assert (one.scheduler.preempted > 0) == (blocks == 12)


def test_a_client_that_hangs_up_frees_its_blocks():
    one = engine()
    request = tool.Request([1] * 9, 50)
    one.submit(request)
    one.once()
    request.gone = True
    one.once()
    assert one.scheduler.running == [] and sum(one.scheduler.pool.users) == 0


def test_what_can_never_fit_is_refused():
    with pytest.raises(ValueError, match="do not fit into a cache of 256"):
        engine().submit(tool.Request([1] * 200, 100))
    with pytest.raises(ValueError, match="at least one token"):
        engine().submit(tool.Request([], 1))


def test_the_lab_prints_what_the_chapter_shows(capsys):
    assert tool.main(["--lab"]) == 0
    assert capsys.readouterr().out.strip() in (ROOT / "docs/inference/index.md").read_text("utf-8")


def test_a_copy_alone_helps_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')\n")
    shutil.copy(TOOL, tmp_path)

    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, TOOL.name, *arguments], cwd=tmp_path, text=True, capture_output=True, timeout=60)

    assert "Examples:" in run("--help").stdout
    done = run("--port", "0")
    assert done.returncode == 2 and done.stderr == "tiny_server.py needs PyTorch: pip install torch\n"


# --- torch, in this process

def options(*arguments: str) -> argparse.Namespace:
    return tool.parser().parse_args([*SMALL, "--blocks", "64", "--block", "4", *arguments])


@pytest.mark.torch
def test_alone_batched_in_pieces_cached_or_preempted_the_answer_is_the_same():
    draw = random.Random(3)
    common = [draw.randrange(64) for _ in range(9)]
    prompts = [common + [draw.randrange(64) for _ in range(draw.randint(1, 14))] for _ in range(6)]
    alone = []
    for prompt in prompts:
        one, request = tool.build(options("--no-prefix-cache")), tool.Request(list(prompt), 8)
        one.submit(request)
        drain(one)
        alone.append(request.tokens)
    seen = {}
    for name, flags in {"batched": ["--no-prefix-cache"], "pieces": ["--budget", "7", "--max-batch", "6", "--no-prefix-cache"], "cached": [],
                        "preempted": ["--blocks", "14"], "static": ["--policy", "static", "--max-batch", "2"]}.items():
        one = tool.build(options(*flags))
        requests = [tool.Request(list(prompt), 8) for prompt in prompts]
        for _ in range(2 if name == "cached" else 1):
            requests = [tool.Request(list(prompt), 8) for prompt in prompts]
            for request in requests:
                one.submit(request)
            drain(one)
        assert [request.tokens for request in requests] == alone, name
        seen[name] = (one.hits, one.scheduler.preempted)
    assert seen["cached"][0] > 0 and seen["preempted"][1] > 0 and seen["batched"] == (0, 0)


@pytest.mark.torch
def test_the_cache_gives_what_the_whole_sequence_gives():
    one, ids = tool.build(options()), [5, 9, 2, 60, 33, 7, 7, 1]
    step = one.model.step
    whole = step([(ids, 0, [1, 2])])
    one.model.cache.zero_()
    for i in range(len(ids)):
        piecewise = step([(ids[i:i + 1], i, [9, 4])])                # other blocks, one token at a time
    assert piecewise == whole


@pytest.mark.torch
@pytest.mark.parametrize("flags, says", [
    (["--heads", "3"], "--hidden must be an even multiple of --heads"),
    (["--budget", "4"], "--budget 4 is below --max-batch 32"),
    (["--blocks", "0"], "sizes must be positive"),
])
def test_flags_that_cannot_be(flags, says, capsys):
    with pytest.raises(SystemExit) as stop:
        tool.main([*SMALL, *flags])
    assert stop.value.code == 2 and says in capsys.readouterr().err


@pytest.mark.torch
def test_a_device_that_is_not_there_and_a_port_in_use(capsys):
    assert tool.main([*SMALL, "--device", "cuda:99"]) == 1
    assert "Try --device cpu" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert tool.main([*SMALL, "--port", str(taken.getsockname()[1])]) == 1
    assert "cannot listen on 127.0.0.1" in capsys.readouterr().err


@pytest.mark.torch
def test_a_step_that_fails_ends_every_request(capsys):
    one = tool.build(options())
    one.model.step = lambda plan: (_ for _ in ()).throw(RuntimeError("out of memory"))
    requests = [tool.Request([1, 2], 4) for _ in range(3)]
    for request in requests:
        one.submit(request)
    one.forever(tool.threading.Event())
    assert [request.out.get(timeout=1) for request in requests] == [None] * 3
    assert "a step failed (RuntimeError: out of memory)" in capsys.readouterr().err


# --- torch, a real process

@pytest.mark.torch
def test_the_process_serves_refuses_and_ends(tmp_path):
    process = subprocess.Popen([sys.executable, str(TOOL), *SMALL, "--port", "0"], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        url = process.stdout.readline().split()[2].rstrip(":")

        def post(body: dict) -> tuple[int, str]:
            request = urllib.request.Request(f"{url}/v1/completions", json.dumps(body).encode())
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        status, text = post({"prompt": [1, 2, 3], "max_tokens": 4})
        assert status == 200 and len(json.loads(text)["choices"][0]["text"].split()) == 4
        status, text = post({"prompt": "hello", "max_tokens": 3, "stream": True})
        assert status == 200 and text.count('"text"') == 3 and text.rstrip().endswith("data: [DONE]")
        for body, says in (({"prompt": [999]}, "tokens are numbers from 0 to 63"), ({}, "KeyError"), ({"prompt": [], "max_tokens": 1}, "at least one token"),
                           ({"prompt": [1], "max_tokens": 10 ** 6}, "do not fit into a cache")):
            status, text = post(body)
            assert status == 400 and says in text
        with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
            assert json.load(answer)["running"] == 0
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0 and "tokens computed" in out and "Traceback" not in err
