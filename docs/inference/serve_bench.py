#!/usr/bin/env python3
"""Measure a language-model server as its users see it: time to first token, time per output token, throughput, goodput.

It speaks the OpenAI completions protocol with streaming, which vLLM, SGLang, TensorRT-LLM and the book's tiny_server.py answer.

    --rates 1,2,4         open loop: requests arrive at random (Poisson) at that rate, however slow the answers. This is what users do.
    --concurrency 1,8     closed loop: that many clients, each asks again when it is answered. Finds the highest throughput, hides queues.

Of one request, t0 sent, t1 first token, tn last of n tokens (times of the client, network included):

    TTFT = t1 - t0        TPOT = (tn - t1) / (n - 1)        ITL = each gap between two stream events        E2E = tn - t0
    throughput = output tokens / duration       goodput = requests/s that met every --slo       in flight = sum of E2E / duration

Duration is from the first request sent to the last answer. A request that fails or is cut off is an error and never meets an SLO.
Prompts are random token numbers of a fixed length, new ones for every request, behind --shared tokens common to all; numbers from
--token-range exist in any vocabulary but mean nothing, which matters for mixtures of experts and speculative decoding: give --prompts FILE,
a JSON object a line with "prompt" and optionally "max_tokens". Servers must not stop early: `ignore_eos` is sent along.

Needs Python 3.11, nothing else. Ctrl-C prints what it has. Exit status: 0 done, 1 the server failed or --expect-goodput was missed, 2 wrong usage.

Examples:
  python serve_bench.py --url http://127.0.0.1:8000 --rates 1,2,4 --requests 40 --input 128 --output 32 --slo-ttft-ms 500 --slo-tpot-ms 50
  python serve_bench.py --url http://127.0.0.1:8000 --model NAME --concurrency 1,4,16 --requests 64 --json results.json
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import math
import random
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass
class Result:
    """What the client saw of one request; times in seconds on its own clock."""

    sent: float
    events: list[float] = field(default_factory=list)
    tokens: int = 0
    error: str = ""

    # --8<-- [start:metrics]
    @property
    def ttft(self) -> float:
        """Return the time to the first token."""
        return self.events[0] - self.sent

    @property
    def tpot(self) -> float:
        """Return the mean time per output token after the first; 0 for an answer of one token."""
        return (self.events[-1] - self.events[0]) / (self.tokens - 1) if self.tokens > 1 else 0.0

    @property
    def itl(self) -> list[float]:
        """Return the gaps between stream events; an event can hold several tokens."""
        return [b - a for a, b in zip(self.events, self.events[1:])]

    @property
    def e2e(self) -> float:
        """Return the time to the last token."""
        return self.events[-1] - self.sent
    # --8<-- [end:metrics]


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least that share of the values does not exceed; NaN without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


# --8<-- [start:ask]
def ask(target: argparse.Namespace, body: dict, timeout: float) -> Result:
    """Send one request, read its stream and note when each event arrives. Never raises: what goes wrong is in `error`."""
    result = Result(time.perf_counter())
    connection = None
    try:
        kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        connection = kind(target.host, target.port, timeout=timeout)
        connection.request("POST", target.path, json.dumps(body), {"Content-Type": "application/json", **target.headers})
        answer = connection.getresponse()
        if answer.status != 200:
            result.error = f"HTTP {answer.status}: {' '.join(answer.read(500).decode(errors='replace').split())[:120]}"
            return result
        finished = False
        while line := answer.readline():
            if time.perf_counter() - result.sent > timeout:          # the socket's limit is for each read, this one for all of them
                raise TimeoutError
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                finished = True
                break
            event = json.loads(data)
            if any(choice.get("text") for choice in event.get("choices", ())):
                result.events.append(time.perf_counter())
                result.tokens += 1
            if usage := event.get("usage"):
                result.tokens = usage.get("completion_tokens") or result.tokens
        if not finished or not result.events:
            result.error = "the stream ended early"
    except TimeoutError:
        result.error = f"no answer within {timeout:g} s"
    except (OSError, http.client.HTTPException, ValueError) as error:
        result.error = f"{type(error).__name__}: {error}"
    finally:
        if connection:
            connection.close()
    return result
# --8<-- [end:ask]


class Load:
    """Send requests for one point of the sweep and collect what comes back; stop() ends it early."""

    def __init__(self, target: argparse.Namespace, bodies: list[dict], timeout: float, limit: int):
        self.target, self.bodies, self.timeout, self.limit = target, bodies, timeout, limit
        self.results: list[Result] = []
        self.lock, self.end = threading.Lock(), threading.Event()
        self.capped = 0

    def one(self, body: dict) -> None:
        result = ask(self.target, body, self.timeout)
        with self.lock:
            self.results.append(result)

    # --8<-- [start:open]
    def open_loop(self, rate: float, clock: random.Random) -> None:
        """Send at random times, `rate` a second on average, whether or not earlier requests have been answered."""
        threads, due = [], time.perf_counter()
        for body in self.bodies:
            due += clock.expovariate(rate)
            # Times are fixed beforehand: a slow server must not slow the arrivals down, or the queue it causes stays unseen.
            if self.end.wait(max(0.0, due - time.perf_counter())):
                break
            if sum(thread.is_alive() for thread in threads) >= self.limit:
                self.capped += 1
                with self.lock:
                    self.results.append(Result(time.perf_counter(), error=f"not sent: {self.limit} in flight (--limit)"))
                continue
            threads.append(threading.Thread(target=self.one, args=(body,), daemon=True))
            threads[-1].start()
        self.wait(threads)
    # --8<-- [end:open]

    def closed_loop(self, clients: int) -> None:
        """Keep that many requests in flight until all are sent."""
        unsent = iter(self.bodies)

        def client() -> None:
            while not self.end.is_set():
                with self.lock:
                    body = next(unsent, None)
                if body is None:
                    return
                self.one(body)

        threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        self.wait(threads)

    def wait(self, threads: list[threading.Thread]) -> None:
        # In short pieces: a join without limit would keep Ctrl-C from the main thread.
        while any(thread.is_alive() for thread in threads) and not self.end.is_set():
            threads[next(i for i, thread in enumerate(threads) if thread.is_alive() or i == len(threads) - 1)].join(0.1)


def summary(results: list[Result], slo: dict[str, float]) -> dict:
    """Return one point of the sweep: percentiles in ms, rates a second; `slo` holds limits in ms for ttft, tpot and e2e."""
    good = [r for r in results if not r.error]
    out = {"requests": len(results), "errors": len(results) - len(good)}
    if errors := [r.error for r in results if r.error]:
        out["first_error"] = errors[0]
    if not good:
        return out
    duration = max(r.events[-1] for r in good) - min(r.sent for r in results)
    met = [r for r in good if all(getattr(r, name) * 1e3 <= limit for name, limit in slo.items())]
    out |= {"duration_s": duration, "output_tokens": sum(r.tokens for r in good), "tokens_per_s": sum(r.tokens for r in good) / duration,
            "requests_per_s": len(good) / duration, "goodput_per_s": len(met) / duration, "met": len(met) / len(results),
            "in_flight": sum(r.e2e for r in good) / duration}
    for name, values in (("ttft", [r.ttft for r in good]), ("tpot", [r.tpot for r in good if r.tokens > 1]),
                         ("itl", list(itertools.chain.from_iterable(r.itl for r in good))), ("e2e", [r.e2e for r in good])):
        if values:
            out |= {f"{name}_ms_{label}": percentile(values, share) * 1e3 for label, share in (("p50", .5), ("p90", .9), ("p99", .99))}
            out[f"{name}_ms_mean"] = statistics.fmean(values) * 1e3
    return out


HEADER = (f"{'load':>7}{'done':>6}{'err':>5}{'tok/s':>8}{'req/s':>8}{'TTFT':>7}{'p99':>7}{'TPOT':>7}{'p99':>7}{'ITL p99':>9}"
          f"{'flying':>8}{'good/s':>8}")


def row(label: str, s: dict) -> str:
    """Return one line of the table: medians and P99 in ms, rates a second."""
    def number(name: str, width: int, digits: int = 0) -> str:
        return f"{s[name]:{width},.{digits}f}" if name in s else f"{'-':>{width}}"
    return (f"{label:>7}{s['requests'] - s['errors']:6d}{s['errors']:5d}" + number("tokens_per_s", 8) + number("requests_per_s", 8, 2)
            + number("ttft_ms_p50", 7) + number("ttft_ms_p99", 7) + number("tpot_ms_p50", 7, 1) + number("tpot_ms_p99", 7, 1)
            + number("itl_ms_p99", 9) + number("in_flight", 8, 1) + number("goodput_per_s", 8, 2))


def bodies(o: argparse.Namespace, count: int, draw: random.Random) -> list[dict]:
    """Return that many request bodies. Raises ValueError or OSError if --prompts cannot be used."""
    base = {"stream": True, "stream_options": {"include_usage": True}, "temperature": 0, "ignore_eos": True} | ({"model": o.model} if o.model else {})
    if o.prompts:
        lines = [json.loads(text) for text in o.prompts.read_text("utf-8").splitlines() if text.strip()]
        if not lines or any(not isinstance(one, dict) or "prompt" not in one for one in lines):
            raise ValueError(f"{o.prompts}: every line must be a JSON object with \"prompt\"")
        return [base | {"max_tokens": o.output} | {k: one[k] for k in ("prompt", "max_tokens") if k in one} for one in itertools.islice(itertools.cycle(lines), count)]
    low, high = o.token_range
    shared = [random.Random(o.seed).randint(low, high) for _ in range(o.shared)]
    return [base | {"prompt": shared + [draw.randint(low, high) for _ in range(o.input - o.shared)], "max_tokens": o.output} for _ in range(count)]


def numbers(text: str) -> list[float]:
    values = [float(part) for part in text.split(",")]
    if not values or not all(0 < value < math.inf for value in values):
        raise argparse.ArgumentTypeError("positive numbers with commas between")
    return values


def token_range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    if not (low.isdigit() and high.isdigit() and int(low) < int(high)):
        raise argparse.ArgumentTypeError("two numbers like 3-255")
    return int(low), int(high)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = line.add_argument
    add("--url", required=True, help="of the server; the path /v1/completions is added if there is none")
    add("--model", help="name that the server expects")
    add("--api-key", help="sent as bearer token")
    add("--rates", type=numbers, metavar="R,R", help="requests/s, open loop")
    add("--concurrency", type=numbers, metavar="N,N", help="clients, closed loop")
    add("--requests", type=int, default=100, metavar="N", help="a point (default 100)")
    add("--input", type=int, default=256, metavar="N", help="tokens of a prompt (default 256)")
    add("--output", type=int, default=64, metavar="N", help="tokens of an answer (default 64)")
    add("--shared", type=int, default=0, metavar="N", help="of --input, the same for all requests: shows prefix caching")
    add("--prompts", type=Path, metavar="FILE", help="your own prompts, a JSON object a line")
    add("--token-range", type=token_range, default=(3, 255), metavar="A-B", help="default 3-255")
    add("--warmup", type=int, default=3, metavar="N", help="requests before the first point, not counted (default 3)")
    add("--slo-ttft-ms", type=float, metavar="MS")
    add("--slo-tpot-ms", type=float, metavar="MS")
    add("--slo-e2e-ms", type=float, metavar="MS")
    add("--expect-goodput", type=float, metavar="X", help="exit 1 unless some point has this goodput in requests/s")
    add("--timeout", type=float, default=120, metavar="S", help="of one request (default 120)")
    add("--limit", type=int, default=512, metavar="N", help="most requests in flight (default 512)")
    add("--seed", type=int, default=0)
    add("--json", type=Path, metavar="FILE", help="write the result")
    return line


def target_of(o: argparse.Namespace) -> argparse.Namespace:
    """Split the address. Raises ValueError with what is wrong."""
    url = urlsplit(o.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f"--url {o.url}: give something like http://127.0.0.1:8000")
    path = url.path if url.path.strip("/") else "/v1/completions"
    return argparse.Namespace(scheme=url.scheme, host=url.hostname, port=url.port, path=path,
                              headers={"Authorization": f"Bearer {o.api_key}"} if o.api_key else {})


def main(argv: list[str] | None = None) -> int:
    """Run the sweep; return the exit status."""
    line = parser()
    o = line.parse_args(argv)
    slo = {name: limit for name in ("ttft", "tpot", "e2e") if (limit := getattr(o, f"slo_{name}_ms"))}
    try:
        if bool(o.rates) == bool(o.concurrency):
            raise ValueError("give either --rates (open loop) or --concurrency (closed loop)")
        if min(o.requests, o.output, o.limit, o.timeout) <= 0 or o.warmup < 0 or not 0 <= o.shared < max(o.input, 1):
            raise ValueError("sizes must be positive and --shared below --input")
        target, draw = target_of(o), random.Random(o.seed + 1)
        warm = bodies(o, o.warmup, draw)
    except (ValueError, OSError) as error:
        line.error(str(error))
    results: dict = {"url": o.url, "model": o.model, "date": time.strftime("%Y-%m-%d"), "input": o.input, "output": o.output, "shared": o.shared,
                     "seed": o.seed, "python": sys.version.split()[0], "slo_ms": slo, "points": []}
    for body in warm:
        first = ask(target, body, o.timeout)
        if first.error:
            print(f"serve_bench.py: the server at {o.url} does not answer as it should: {first.error}", file=sys.stderr)
            return 1
    promise = ", ".join(f"{name.upper()} {limit:g} ms" for name, limit in slo.items()) or "none"
    print(f"{o.requests} requests a point, {'prompts of ' + str(o.prompts) if o.prompts else f'{o.input} + {o.output} tokens, {o.shared} shared'}; SLO {promise}; "
          "median and P99 in ms")
    print(HEADER, flush=True)
    stopped = failed = False
    for value in o.rates or o.concurrency:
        load = Load(target, bodies(o, o.requests, draw), o.timeout, o.limit)
        label = f"{value:g}/s" if o.rates else f"{value:g}"
        try:
            load.open_loop(value, draw) if o.rates else load.closed_loop(max(1, int(value)))
        except KeyboardInterrupt:
            load.end.set()
            stopped = True
        with load.lock:
            point = {"load": value, "kind": "rate" if o.rates else "concurrency", **summary(list(load.results), slo)}
        results["points"].append(point)
        failed |= point["errors"] > 0
        print(row(label, point), flush=True)
        if point["errors"]:
            print(f"          first error: {point['first_error']}")
        if load.capped:
            print(f"          {load.capped} arrivals were not sent: beyond --limit {o.limit} this is no open loop any more")
        if stopped:
            print("stopped: the last line holds what was answered until then")
            break
    if o.json:
        try:
            o.json.write_text(json.dumps(results, indent=1), "utf-8")
        except OSError as error:
            print(f"serve_bench.py: cannot write {o.json}: {error.strerror}", file=sys.stderr)
            return 1
    best = max((point.get("goodput_per_s", 0.0) for point in results["points"]), default=0.0)
    if o.expect_goodput and best < o.expect_goodput:
        print(f"best goodput {best:.2f}/s is below {o.expect_goodput:g}/s")
        return 1
    return int(failed or stopped)


if __name__ == "__main__":
    sys.exit(main())
