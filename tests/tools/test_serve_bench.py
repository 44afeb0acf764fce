"""The load generator against small servers of the standard library that are slow, broken or silent on purpose."""

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.conftest import ROOT

TOOL = ROOT / "docs/inference/serve_bench.py"
sys.path.insert(0, str(TOOL.parent))
import serve_bench as tool  # noqa: E402

sys.path.pop(0)


class Fake(BaseHTTPRequestHandler):
    """Answers max_tokens events; the path chooses the fault."""

    asked: list[dict] = []

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        if "refuse" in self.path:
            return self.send_error(429)
        self.send_response(200)
        self.end_headers()
        try:
            for i in range(body["max_tokens"]):
                if "hang" in self.path and i == 1:
                    time.sleep(5)
                if "cut" in self.path and i == 2:
                    return
                self.wfile.write(b'data: {"choices": [{"text": "x"}]}\n\n')
                self.wfile.flush()
                time.sleep(0.2 if "slow" in self.path else 0.002)
            usage = {"completion_tokens": body["max_tokens"] * (2 if "bundled" in self.path else 1)}
            self.wfile.write(b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\ndata: [DONE]\n\n")
        except OSError:
            pass


@pytest.fixture(scope="module")
def url():
    with ThreadingHTTPServer(("127.0.0.1", 0), Fake) as server:    # its end waits for every answer and closes every socket
        server.daemon_threads = False
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def main(capsys, *arguments: str) -> tuple[int, str, str]:
    code = tool.main(["--requests", "6", "--input", "8", "--output", "4", "--warmup", "1", *arguments])
    return code, *capsys.readouterr()


def test_the_metrics_of_one_request():
    result = tool.Result(sent=10.0, events=[10.5, 10.6, 11.0], tokens=5)       # three events, five tokens
    assert result.ttft == pytest.approx(0.5) and result.e2e == pytest.approx(1.0)
    assert result.tpot == pytest.approx(0.5 / 4) and result.itl == pytest.approx([0.1, 0.4])
    assert tool.Result(1.0, [2.0], 1).tpot == 0


@pytest.mark.parametrize("share, value", [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_percentiles(share, value):
    assert tool.percentile([float(i) for i in range(100, 0, -1)], share) == value


def test_a_summary_counts_promises_errors_and_requests_in_flight():
    good = [tool.Result(float(i), [i + 0.1, i + 1.0], 2) for i in range(4)]     # one a second, a second each: one in flight
    late = tool.Result(4.0, [4.9, 5.0], 2)
    got = tool.summary([*good, late, tool.Result(1.0, error="broken")], {"ttft": 500.0})
    assert got["requests"] == 6 and got["errors"] == 1 and got["first_error"] == "broken"
    assert got["duration_s"] == pytest.approx(5) and got["tokens_per_s"] == pytest.approx(2)
    assert got["goodput_per_s"] == pytest.approx(4 / 5) and got["in_flight"] == pytest.approx(1)
    assert tool.summary([tool.Result(1.0, error="broken")], {}) == {"requests": 1, "errors": 1, "first_error": "broken"}


def test_both_loops_and_the_file(url, tmp_path, capsys):
    file = tmp_path / "out.json"
    code, out, _ = main(capsys, "--url", url, "--rates", "200,400", "--slo-ttft-ms", "5000", "--json", str(file))
    points = json.loads(file.read_text())["points"]
    assert code == 0 and len(points) == 2 and "400/s" in out
    for point in points:
        assert point["errors"] == 0 and point["output_tokens"] == 24 and point["goodput_per_s"] == pytest.approx(point["requests_per_s"])
        assert point["e2e_ms_p50"] >= point["ttft_ms_p50"] > 0
    assert main(capsys, "--url", url, "--concurrency", "1,3")[0] == 0


def test_arrivals_do_not_wait_for_answers(url, capsys):
    start = time.perf_counter()
    code, _, _ = main(capsys, "--url", f"{url}/slow", "--rates", "100", "--warmup", "0")
    assert code == 0 and time.perf_counter() - start < 6 * 0.8           # six answers of 0.8 s would take 4.8 s one after the other


def test_prompts_are_new_each_time_but_for_the_shared_part(url, capsys):
    Fake.asked.clear()
    main(capsys, "--url", url, "--concurrency", "2", "--shared", "5", "--model", "m")
    prompts = [body["prompt"] for body in Fake.asked]
    assert {len(prompt) for prompt in prompts} == {8} and len({tuple(prompt[:5]) for prompt in prompts}) == 1
    assert len({tuple(prompt) for prompt in prompts}) == 7 and Fake.asked[0]["model"] == "m" and Fake.asked[0]["ignore_eos"]


def test_a_file_of_prompts(url, tmp_path, capsys):
    (tmp_path / "p.jsonl").write_text('{"prompt": "one"}\n{"prompt": "two", "max_tokens": 2}\n')
    Fake.asked.clear()
    assert main(capsys, "--url", url, "--concurrency", "1", "--prompts", str(tmp_path / "p.jsonl"))[0] == 0
    assert [(body["prompt"], body["max_tokens"]) for body in Fake.asked[1:3]] == [("one", 4), ("two", 2)]


def test_an_event_can_hold_several_tokens(url, tmp_path, capsys):
    file = tmp_path / "out.json"
    main(capsys, "--url", f"{url}/bundled", "--concurrency", "1", "--json", str(file))
    assert json.loads(file.read_text())["points"][0]["output_tokens"] == 6 * 8


@pytest.mark.parametrize("path, says", [("cut", "the stream ended early"), ("hang", "no answer within 0.5 s"), ("refuse", "HTTP 429")])
def test_a_broken_server_is_named_before_the_sweep(url, path, says, capsys):
    code, _, err = main(capsys, "--url", f"{url}/{path}", "--rates", "100", "--timeout", "0.5")
    assert code == 1 and says in err and len(err.splitlines()) == 1


def test_errors_of_the_sweep_are_counted_and_fail_it(url, capsys):
    code, out, _ = main(capsys, "--url", f"{url}/cut", "--rates", "100", "--warmup", "0")
    assert code == 1 and "first error: the stream ended early" in out


def test_beyond_the_limit_it_says_that_the_loop_is_no_longer_open(url, capsys):
    code, out, _ = main(capsys, "--url", f"{url}/slow", "--rates", "1000", "--warmup", "0", "--limit", "2")
    assert code == 1 and "arrivals were not sent: beyond --limit 2" in out


def test_a_goodput_that_is_missed(url, capsys):
    code, out, _ = main(capsys, "--url", url, "--rates", "100", "--slo-ttft-ms", "0.001", "--expect-goodput", "1")
    assert code == 1 and "best goodput 0.00/s is below 1/s" in out


def test_nobody_listens(capsys):
    code, _, err = main(capsys, "--url", "http://127.0.0.1:9", "--rates", "1")
    assert code == 1 and "does not answer as it should: ConnectionRefusedError" in err


@pytest.mark.parametrize("arguments, says", [
    ([], "either --rates (open loop) or --concurrency"),
    (["--rates", "1", "--concurrency", "1"], "either --rates (open loop) or --concurrency"),
    (["--rates", "1,x"], "argument --rates"),
    (["--rates", "1", "--shared", "8", "--input", "8"], "--shared below --input"),
    (["--rates", "1", "--prompts", "none.jsonl"], "none.jsonl"),
    (["--rates", "1", "--token-range", "9-3"], "two numbers like 3-255"),
])
def test_wrong_usage_is_one_line_and_status_2(arguments, says, capsys):
    with pytest.raises(SystemExit) as stop:
        tool.main(["--url", "http://127.0.0.1:9", *arguments])
    assert stop.value.code == 2 and says in capsys.readouterr().err.splitlines()[-1]


def test_ctrl_c_prints_what_it_has(url, tmp_path):
    shutil.copy(TOOL, tmp_path)                                       # a copy alone, in an empty folder
    process = subprocess.Popen([sys.executable, TOOL.name, "--url", f"{url}/slow", "--concurrency", "1", "--requests", "50", "--output", "2",
                                "--warmup", "0"], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(2):
        process.stdout.readline()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 1 and "stopped: the last line holds" in out and "Traceback" not in err
