#!/usr/bin/env python3
"""A language-model server small enough to read: paged KV cache, prefix caching, continuous batching, chunked prefill.

The model is a Llama-shaped decoder with random weights, and a token is a number; what it says is noise, how it behaves under load is
not. Three parts, as in the large engines:

    Pool       blocks of --block tokens; a block table a request; full blocks of prompts are found again by a hash of all tokens so far
    Scheduler  each step: one token for every running request, then prompt pieces until --budget tokens are full, then new requests;
               without a free block the youngest request gives its blocks back and is computed again later
    Model      one matrix product for all tokens of a step; attention gathers each request's blocks

--policy static waits for the whole batch instead: requests join only when nothing is running. It is there to be measured against.

HTTP: POST /v1/completions {"prompt": [3, 17, ...] or "text", "max_tokens": 16, "stream": true, "cache_salt": "..."} answers like the
OpenAI protocol, a `data:` line a token; GET /health, GET /metrics. Decoding is greedy, the same for any batch up to rounding.
--lab counts steps on a fixed set of
requests instead of serving: no model, no clock, the same numbers everywhere. Serving needs PyTorch, --lab nothing. Ctrl-C ends it. Exit status: 0 done, 1 the device or the port failed, 2 wrong usage.

Examples:
  python tiny_server.py --port 8000
  python tiny_server.py --port 8000 --policy static --max-batch 16
  python tiny_server.py --lab
"""

from __future__ import annotations

import argparse
import json
import queue
import signal
import sys
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pool:
    """Blocks of the KV cache: a free list, a count of users, and where the contents of full prompt blocks are still to be found."""

    def __init__(self, blocks: int, size: int, share: bool = True):
        self.size, self.share = size, share
        self.users = [0] * blocks
        self.free: OrderedDict[int, None] = OrderedDict.fromkeys(range(blocks))     # least recently used first
        self.found: dict[int, int] = {}                                            # hash -> block
        self.key: dict[int, int] = {}                                              # block -> hash

    def take(self) -> int | None:
        """Return an empty block, or None when all are in use."""
        if not self.free:
            return None
        block, _ = self.free.popitem(last=False)
        if (key := self.key.pop(block, None)) is not None:        # what it held is lost from now on
            del self.found[key]
        self.users[block] = 1
        return block

    def give_back(self, blocks: list[int]) -> None:
        """Drop one use of each block. The last ones of a request go first: a longer prefix is the less likely to be asked for again."""
        for block in reversed(blocks):
            self.users[block] -= 1
            if not self.users[block]:
                self.free[block] = None

    # --8<-- [start:prefix]
    def keys(self, tokens: list[int], salt: str) -> list[int]:
        """Return a hash for each full block: of its tokens and, through the one before, of all earlier."""
        keys, key = [], hash(salt)
        for start in range(0, len(tokens) - self.size + 1, self.size):
            key = hash((key, *tokens[start:start + self.size]))
            keys.append(key)
        return keys

    def lookup(self, tokens: list[int], salt: str) -> list[int]:
        """Return the blocks that already hold the beginning of these tokens; count one more use of each."""
        hits = []
        # One token must be left to compute, for its output: hence the last one is not looked up.
        for key in self.keys(tokens[:-1], salt) if self.share else ():
            block = self.found.get(key)
            if block is None:
                break
            self.free.pop(block, None)
            self.users[block] += 1
            hits.append(block)
        return hits
    # --8<-- [end:prefix]

    def publish(self, block: int, key: int) -> None:
        """Let others find a block that is full and will not change."""
        if self.share and key not in self.found and block not in self.key:
            self.found[key], self.key[block] = block, key


@dataclass
class Request:
    """One request: its tokens so far, the cache blocks that hold the first `done` of them, and where its output goes."""

    tokens: list[int]
    max_tokens: int
    salt: str = ""
    out: queue.SimpleQueue = field(default_factory=queue.SimpleQueue)
    prompt: int = 0
    blocks: list[int] = field(default_factory=list)
    done: int = 0
    cached: int = 0
    gone: bool = False

    def __post_init__(self):
        self.prompt = len(self.tokens)

    @property
    def left(self) -> int:
        """Return the tokens whose keys and values are still to be computed; 1 while decoding."""
        return len(self.tokens) - self.done


class Scheduler:
    """Decide at every step which tokens of which requests are computed."""

    def __init__(self, pool: Pool, max_batch: int, budget: int, policy: str = "continuous"):
        self.pool, self.max_batch, self.budget, self.policy = pool, max_batch, budget, policy
        self.waiting: deque[Request] = deque()
        self.running: list[Request] = []
        self.preempted = 0

    def grow(self, request: Request, tokens: int) -> bool:
        """Get blocks for that many tokens in all; return False if the pool is empty."""
        while len(request.blocks) * self.pool.size < tokens:
            block = self.pool.take()
            if block is None:
                return False
            request.blocks.append(block)
        return True

    def preempt(self, request: Request) -> None:
        """Send a request back to the front of the queue; its tokens stay, its cache is computed again."""
        self.pool.give_back(request.blocks)
        request.blocks, request.done = [], 0
        self.running.remove(request)
        self.waiting.appendleft(request)
        self.preempted += 1

    # --8<-- [start:plan]
    def plan(self) -> list[tuple[Request, int]]:
        """Return (request, tokens to compute) for the next step."""
        for request in [r for r in self.running if r.gone]:       # the client hung up
            self.finish(request)
        plan, budget, before = [], self.budget, self.preempted
        may_join = self.policy == "continuous" or not self.running
        # Decoding requests first, one token each; then prompts that are half done.
        for request in sorted(self.running, key=lambda r: r.left > 1):
            if request not in self.running or budget < 1:
                continue
            count = min(request.left, budget)
            while not self.grow(request, request.done + count):
                victim = self.running[-1]                         # the youngest gives way
                self.preempt(victim)
                plan = [(r, n) for r, n in plan if r is not victim]
                if victim is request:
                    break
            else:
                plan.append((request, count))
                budget -= count
        may_join &= self.preempted == before                      # who was just sent away stays away
        while may_join and self.waiting and budget > 0 and len(self.running) < self.max_batch:
            request = self.waiting[0]
            if request.gone:
                self.waiting.popleft()
                continue
            request.blocks = self.pool.lookup(request.tokens, request.salt)
            request.done = request.cached = len(request.blocks) * self.pool.size
            count = min(request.left, budget)
            if not self.grow(request, request.done + count):
                self.pool.give_back(request.blocks)
                request.blocks, request.done, request.cached = [], 0, 0
                break                                             # no room: nobody overtakes it
            self.running.append(self.waiting.popleft())
            plan.append((request, count))
            budget -= count
        return plan
    # --8<-- [end:plan]

    def advance(self, request: Request, count: int, token: int) -> None:
        """Note what a step computed; `token` is the next one if the request has caught up with itself."""
        request.done += count
        if request.done - count < request.prompt:
            for block, key in zip(request.blocks, self.pool.keys(request.tokens[:min(request.done, request.prompt)], request.salt)):
                self.pool.publish(block, key)
        if request.left == 0:
            request.tokens.append(token)
            request.out.put(token)
            if len(request.tokens) - request.prompt >= request.max_tokens:
                self.finish(request)

    def finish(self, request: Request) -> None:
        """Take a request out of the batch and free its blocks."""
        self.running.remove(request)
        self.pool.give_back(request.blocks)
        request.blocks = []
        request.out.put(None)


@dataclass(frozen=True)
class Size:
    """The shape of the model; the default has 26 million parameters."""

    layers: int = 8
    hidden: int = 512
    heads: int = 8
    kv_heads: int = 2
    ffn: int = 1536
    vocab: int = 512


class Model:
    """A Llama-shaped decoder with random weights over a paged cache. Holds the cache: (layers, 2, blocks, block, kv_heads, head_dim)."""

    def __init__(self, size: Size, blocks: int, block: int, device: str = "cpu", seed: int = 0):
        import torch
        self.torch, self.size, self.block, self.device = torch, size, block, device
        self.d = size.hidden // size.heads
        make = torch.Generator().manual_seed(seed)

        def weights(rows: int, columns: int):
            return (torch.randn(rows, columns, generator=make) * rows ** -0.5).to(device)

        h, kv = size.hidden, size.kv_heads * self.d
        self.embed, self.head = weights(size.vocab, h) * size.vocab ** 0.5, weights(h, size.vocab)
        self.layers = [{"qkv": weights(h, h + 2 * kv), "out": weights(h, h), "up": weights(h, 2 * size.ffn), "down": weights(size.ffn, h)}
                       for _ in range(size.layers)]
        self.cache = torch.zeros(size.layers, 2, blocks, block, size.kv_heads, self.d, device=device)
        self.frequency = 10000.0 ** (-torch.arange(0, self.d, 2, device=device) / self.d)

    def rotate(self, x, position):
        """Apply rotary position embedding; x is (tokens, heads, d)."""
        angle = position[:, None, None] * self.frequency
        a, b = x.chunk(2, -1)
        return self.torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1)

    # --8<-- [start:step]
    def step(self, plan: list[tuple[list[int], int, list[int]]]) -> list[int]:
        """Compute one step and return each request's next token.

        An entry of the plan is (tokens to compute, position of the first of them, block table).
        All tokens of all requests go through the weights together: that is what batching shares.
        Attention is each request's own: nothing of a cache is shared by reading it.
        """
        torch, F, device = self.torch, self.torch.nn.functional, self.device
        attend = F.scaled_dot_product_attention
        with torch.inference_mode():
            places = [(p, blocks) for ids, start, blocks in plan for p in range(start, start + len(ids))]
            position = torch.tensor([p for p, _ in places], device=device)
            slot = torch.tensor([blocks[p // self.block] * self.block + p % self.block
                                 for p, blocks in places], device=device)
            width = max(len(blocks) for _, _, blocks in plan)
            tables = torch.tensor([blocks + [0] * (width - len(blocks)) for _, _, blocks in plan],
                                  device=device)
            ends = torch.tensor([len(ids) for ids, _, _ in plan], device=device).cumsum(0)
            # Requests of one token are attended together, padded to the longest; pieces of prompts one by one.
            single = [i for i, (ids, _, _) in enumerate(plan) if len(ids) == 1]
            rows, reach = ends[single] - 1, torch.arange(width * self.block, device=device)
            mask = (reach <= position[rows, None])[:, None, None]
            x = self.embed[torch.tensor([token for ids, _, _ in plan for token in ids], device=device)]
            for layer, (k_cache, v_cache) in zip(self.layers, self.cache):
                q, k, v = (F.rms_norm(x, x.shape[-1:]) @ layer["qkv"]).view(len(x), -1, self.d).split(
                    [self.size.heads, self.size.kv_heads, self.size.kv_heads], 1)
                q, k = self.rotate(q, position), self.rotate(k, position)
                k_cache.view(-1, *k.shape[1:])[slot] = k
                v_cache.view(-1, *v.shape[1:])[slot] = v
                attended = torch.empty_like(q)
                if single:
                    keys, values = (cache[tables[single]].flatten(1, 2).transpose(1, 2)
                                    for cache in (k_cache, v_cache))
                    attended[rows] = attend(q[rows, :, None], keys, values, attn_mask=mask,
                                            enable_gqa=True)[:, :, 0]
                for i, (ids, start, _) in enumerate(plan):
                    if len(ids) > 1:
                        span, seen = slice(int(ends[i]) - len(ids), int(ends[i])), start + len(ids)
                        keys, values = (cache[tables[i]].flatten(0, 1)[:seen].transpose(0, 1)[None]
                                        for cache in (k_cache, v_cache))
                        causal = reach[:seen] <= position[span, None]
                        attended[span] = attend(q[span].transpose(0, 1)[None], keys, values,
                                                attn_mask=causal, enable_gqa=True)[0].transpose(0, 1)
                x = x + attended.flatten(1) @ layer["out"]
                gate, up = (F.rms_norm(x, x.shape[-1:]) @ layer["up"]).chunk(2, -1)
                x = x + (F.silu(gate) * up) @ layer["down"]
            return (F.rms_norm(x[ends - 1], x.shape[-1:]) @ self.head).argmax(-1).tolist()
    # --8<-- [end:step]


class Engine:
    """Run the scheduler and the model in one thread; take requests from any."""

    def __init__(self, model: Model, scheduler: Scheduler):
        self.model, self.scheduler = model, scheduler
        self.arrivals: queue.SimpleQueue = queue.SimpleQueue()
        self.steps = self.tokens = self.hits = 0
        self.failed = ""

    def submit(self, request: Request) -> None:
        """Queue a request. Raises ValueError if it can never fit."""
        room = len(self.scheduler.pool.users) * self.scheduler.pool.size
        if not request.tokens or request.max_tokens < 1:
            raise ValueError("a request needs at least one token in and one out")
        if len(request.tokens) + request.max_tokens > room:
            raise ValueError(f"{len(request.tokens)} + {request.max_tokens} tokens do not fit into a cache of {room}")
        self.arrivals.put(request)

    def once(self) -> bool:
        """Run one step; return False if there was nothing to do."""
        scheduler = self.scheduler
        while not self.arrivals.empty():
            scheduler.waiting.append(self.arrivals.get())
        plan = scheduler.plan()
        if not plan:
            return False
        tokens = self.model.step([(r.tokens[r.done:r.done + n], r.done, r.blocks) for r, n in plan])
        for (request, count), token in zip(plan, tokens):
            self.hits += request.cached
            request.cached = 0
            scheduler.advance(request, count, token)
        self.steps += 1
        self.tokens += sum(count for _, count in plan)
        return True

    def forever(self, stop: threading.Event) -> None:
        """Serve until told to stop, or until a step fails; then every request gets its end."""
        try:
            while not stop.is_set():
                if not self.once():
                    try:
                        self.scheduler.waiting.append(self.arrivals.get(timeout=0.05))
                    except queue.Empty:
                        pass
        except Exception as error:                                  # out of memory on the device, for instance
            self.failed = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            print(f"tiny_server.py: a step failed ({self.failed}); try a smaller --blocks, --budget or --max-batch", file=sys.stderr)
        while not self.arrivals.empty():
            self.scheduler.waiting.append(self.arrivals.get())
        for request in [*self.scheduler.running, *self.scheduler.waiting]:
            request.out.put(None)


class Counter:
    """A model for --lab: computes nothing, remembers the tokens of the largest step."""

    largest = 0

    def step(self, plan: list[tuple[list[int], int, list[int]]]) -> list[int]:
        self.largest = max(self.largest, sum(len(ids) for ids, _, _ in plan))
        return [0] * len(plan)


def lab() -> int:
    """Run 48 fixed requests under five settings and print what each costs in steps; return the exit status."""
    import random
    settings = [("static", dict(policy="static", share=False)), ("continuous", dict(share=False)), ("+ prefix cache", {}),
                ("+ budget 64", dict(budget=64)), ("+ 60 blocks only", dict(budget=64, blocks=60))]
    print("48 requests, one every 4 steps, at most 16 at once; prompts of 100 to 400 tokens,")
    print("the first 96 alike; answers of 4 to 120. Steps to the first token: median, worst.")
    print(f"{'':17}{'steps':>6}{'running':>9}{'median':>8}{'worst':>7}{'largest':>9}{'computed':>10}{'cached':>8}{'preempted':>11}")
    for name, setting in settings:
        draw = random.Random(7)
        shared = [draw.randrange(512) for _ in range(96)]
        coming = deque(Request(shared + [draw.randrange(512) for _ in range(draw.randint(4, 304))], min(120, 4 + int(draw.expovariate(1 / 30))))
                       for _ in range(48))
        model = Counter()
        pool = Pool(setting.get("blocks", 1024), 16, setting.get("share", True))
        engine = Engine(model, Scheduler(pool, 16, setting.get("budget", 4096), setting.get("policy", "continuous")))
        born, first, step, busy = {}, {}, 0, 0
        everyone = list(coming)
        while len(first) < len(everyone) or engine.scheduler.running:
            if coming and step % 4 == 0:
                born[id(coming[0])] = step
                engine.submit(coming.popleft())
            busy += engine.once() and len(engine.scheduler.running)
            step += 1
            for request in everyone:
                if len(request.tokens) > request.prompt:
                    first.setdefault(id(request), step)
        waits = sorted(first[one] - born[one] for one in first)
        print(f"{name:17}{step:6d}{busy / engine.steps:9.1f}{waits[len(waits) // 2]:8d}{waits[-1]:7d}{model.largest:9,d}{engine.tokens:10,d}"
              f"{engine.hits:8,d}{engine.scheduler.preempted:11d}")
    return 0


def handler(engine: Engine, vocab: int) -> type[BaseHTTPRequestHandler]:
    """Return the class that answers HTTP for this engine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 60

        def log_message(self, *_):
            pass

        def answer(self, status: int, body: dict) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self):
            s = engine.scheduler
            if self.path == "/health":
                self.answer(503 if engine.failed else 200, {"status": engine.failed or "ok"})
            elif self.path == "/metrics":
                self.answer(200, {"steps": engine.steps, "tokens": engine.tokens, "cached_tokens": engine.hits, "running": len(s.running),
                                  "waiting": len(s.waiting), "preempted": s.preempted, "free_blocks": len(s.pool.free)})
            else:
                self.answer(404, {"error": "POST /v1/completions, GET /health or GET /metrics"})

        def do_POST(self):
            try:
                asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                prompt = asked["prompt"]
                tokens = [byte % vocab for byte in prompt.encode()] if isinstance(prompt, str) else [int(t) for t in prompt]
                if any(not 0 <= token < vocab for token in tokens):
                    raise ValueError(f"tokens are numbers from 0 to {vocab - 1}")
                request = Request(tokens, int(asked.get("max_tokens", 16)), str(asked.get("cache_salt", "")))
                if engine.failed:
                    return self.answer(503, {"error": engine.failed})
                engine.submit(request)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                return self.answer(400, {"error": f"{type(error).__name__}: {error}"})
            stream, produced = bool(asked.get("stream")), []
            if stream:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
            try:
                while (token := request.out.get()) is not None:
                    produced.append(token)
                    if stream:
                        self.chunk({"choices": [{"index": 0, "text": f"{token} "}]})
                usage = {"prompt_tokens": len(tokens), "completion_tokens": len(produced)}
                if stream:
                    self.chunk({"choices": [], "usage": usage})
                    self.wfile.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
                else:
                    self.answer(200, {"choices": [{"index": 0, "text": " ".join(map(str, produced))}], "usage": usage})
            except OSError:
                request.gone = True                                  # the client hung up: stop computing for it
                self.close_connection = True

        def chunk(self, body: dict) -> None:
            data = f"data: {json.dumps(body)}\n\n".encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = line.add_argument
    add("--port", type=int, default=8000, help="0 takes a free one (default 8000)")
    add("--host", default="127.0.0.1", help="default 127.0.0.1: there is no password")
    add("--device", default="auto", help="auto, cpu, cuda, mps, xpu (default auto)")
    add("--policy", choices=("continuous", "static"), default="continuous")
    add("--max-batch", type=int, default=32, metavar="N", help="requests that run at once (default 32)")
    add("--budget", type=int, default=256, metavar="N", help="tokens a step; a longer prompt is cut into pieces (default 256)")
    add("--blocks", type=int, default=1024, metavar="N", help="blocks of the cache (default 1024)")
    add("--block", type=int, default=16, metavar="N", help="tokens of a block (default 16)")
    add("--no-prefix-cache", action="store_true")
    for name, value in Size().__dict__.items():
        add(f"--{name.replace('_', '-')}", type=int, default=value, metavar="N", help=f"of the model (default {value})")
    add("--threads", type=int, metavar="N", help="CPU threads of the model")
    add("--seed", type=int, default=0)
    add("--lab", action="store_true", help="compare the settings in steps and exit; needs no torch")
    return line


def build(o: argparse.Namespace) -> Engine:
    """Return the engine that the flags describe. Raises ValueError for flags that cannot be, RuntimeError if the device fails."""
    import torch
    if min(o.max_batch, o.budget, o.blocks, o.block, o.layers, o.hidden, o.heads, o.kv_heads, o.ffn, o.vocab) < 1:
        raise ValueError("sizes must be positive")
    if o.hidden % o.heads or o.heads % o.kv_heads or o.hidden // o.heads % 2:
        raise ValueError("--hidden must be an even multiple of --heads, --heads a multiple of --kv-heads")
    if o.budget < o.max_batch:
        raise ValueError(f"--budget {o.budget} is below --max-batch {o.max_batch}: some request would never get its token")
    device = o.device
    if device == "auto":
        device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
    if o.threads:
        torch.set_num_threads(o.threads)
    size = Size(o.layers, o.hidden, o.heads, o.kv_heads, o.ffn, o.vocab)
    try:
        model = Model(size, o.blocks, o.block, device, o.seed)
        model.step([([0, 0], 0, [0]), ([0], 0, [0])])                # first use is slow, and shows now if the device is none
    except (RuntimeError, AssertionError) as error:
        raise RuntimeError(f"device {device}: {str(error).splitlines()[0]}") from None
    return Engine(model, Scheduler(Pool(o.blocks, o.block, not o.no_prefix_cache), o.max_batch, o.budget, o.policy))


def main(argv: list[str] | None = None) -> int:
    """Serve until Ctrl-C; return the exit status."""
    line = parser()
    o = line.parse_args(argv)
    if o.lab:
        return lab()
    try:
        engine = build(o)
    except ImportError:
        print("tiny_server.py needs PyTorch: pip install torch", file=sys.stderr)
        return 2
    except ValueError as error:
        line.error(str(error))
    except RuntimeError as error:
        print(f"tiny_server.py: {error}. Try --device cpu or a smaller model.", file=sys.stderr)
        return 1
    try:
        server = Server((o.host, o.port), handler(engine, o.vocab))
    except (OSError, OverflowError) as error:
        print(f"tiny_server.py: cannot listen on {o.host}:{o.port}: {getattr(error, 'strerror', None) or error}. Try --port 0.", file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    worker = threading.Thread(target=engine.forever, args=(stop,))
    worker.start()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    model = engine.model
    parameters = sum(w.numel() for layer in model.layers for w in layer.values()) + 2 * model.embed.numel()
    print(f"serving on http://{o.host}:{server.server_address[1]}: {parameters / 1e6:.1f}M parameters on {model.device}, "
          f"cache of {o.blocks * o.block:,} tokens in blocks of {o.block}, {o.policy} batching", flush=True)
    while worker.is_alive() and not stop.is_set():
        time.sleep(0.05)
    worker.join()
    server.shutdown()
    print(f"{engine.steps} steps, {engine.tokens:,} tokens computed, {engine.hits:,} from the prefix cache, {engine.scheduler.preempted} preemptions")
    return int(bool(engine.failed))


if __name__ == "__main__":
    sys.exit(main())
