#!/usr/bin/env python3
"""How many sequences fit on an accelerator, how fast they can decode, and how many devices a service needs.

L layers, k key-value heads of size d, d_c + d_rope numbers of a latent cache (MLA), q bytes a number, W bytes of weights,
B sequences of s tokens at once, BW memory bandwidth, F dense FLOP/s, N_a active parameters:

    KV bytes a token     2 L k d q, or L (d_c + d_rope) q; a layer with a sliding window w keeps min(s, w) tokens
    most sequences       (memory * (1 - reserve) - W) / KV bytes of a sequence
    decode step          >= (W + B * KV bytes of a sequence) / BW and >= 2 N_a B / F        [s]
    tokens/s             <= B / decode step
    prefill              >= 2 N_a s_in / (F * efficiency), attention left out               [s]
    in flight            requests/s * seconds each (Little's law)

W is read once a step: right for a dense model; a mixture of experts reads fewer experts at small B, so its step is then shorter than
this floor says. Tensor parallelism of degree t divides weights, cache and work by t (the cache at most by k); traffic between the
devices is left out. GB are 1e9 bytes, KiB 1024. Sources: arXiv:2309.06180 (cache of OPT-13B), arXiv:2405.04434 (latent cache); the
shapes are those of the chapter's table. Needs Python 3.11, nothing else.

Examples:
  python kv_cache.py --model llama-3.1-8b --accel h100-sxm --seq 4096
  python kv_cache.py --model llama-3.1-70b --accel h200-sxm --tp 2 --input 3000 --output 500 --rate 5 --tpot-ms 50

Exit status: 0 it fits and meets what you asked, 1 it does not, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path


@dataclass(frozen=True)
class Model:
    """What of a model the cache and the bounds depend on; params and active in 1e9."""

    params: float
    active: float
    layers: int
    kv_heads: int = 0
    head_dim: int = 0
    latent: int = 0           # numbers a token and layer of a latent cache; 0: keys and values of kv_heads
    full: int = -1            # layers that keep all tokens; -1: every layer
    window: int = 0           # tokens that the other layers keep

    @property
    def width(self) -> int:
        """Return the numbers that one layer keeps for one token."""
        return self.latent or 2 * self.kv_heads * self.head_dim


# --8<-- [start:models]
MODELS = {
    "opt-13b":           Model(13, 13, 40, 40, 128),
    "llama-2-7b":        Model(6.74, 6.74, 32, 32, 128),
    "llama-3.1-8b":      Model(8.03, 8.03, 32, 8, 128),
    "llama-3.1-70b":     Model(70.6, 70.6, 80, 8, 128),
    "llama-3.1-405b":    Model(405, 405, 126, 8, 128),
    "mistral-7b-v0.1":   Model(7.24, 7.24, 32, 8, 128, full=0, window=4096),
    "mixtral-8x7b":      Model(46.7, 12.9, 32, 8, 128),
    "qwen3-8b":          Model(8.2, 8.2, 36, 8, 128),
    "qwen3-32b":         Model(32.8, 32.8, 64, 8, 128),
    "qwen3-30b-a3b":     Model(30.5, 3.35, 48, 4, 128),
    "qwen3-235b-a22b":   Model(235, 22, 94, 4, 128),
    "gemma-2b":          Model(2.51, 2.51, 18, 1, 256),
    "gemma-2-27b":       Model(27.2, 27.2, 46, 16, 128, full=23, window=4096),
    "gemma-3-27b":       Model(27, 27, 62, 16, 128, full=10, window=1024),
    "gpt-oss-120b":      Model(117, 5.1, 36, 8, 64, full=18, window=128),
    "deepseek-v3":       Model(671, 37, 61, latent=512 + 64),
    "kimi-k2":           Model(1000, 32, 61, latent=512 + 64),
}
ACCELERATORS = {           # memory GB, bandwidth TB/s, dense BF16 TFLOPS: accel_memory.yml and accelerators.yml
    "a100-80-sxm": (80, 2.039, 312), "h100-sxm": (80, 3.35, 989.4), "h200-sxm": (141, 4.8, 989.5),
    "b200": (180, 7.7, 2250), "mi300x": (192, 5.3, 1307.4), "mi355x": (288, 8, 2500),
}
# --8<-- [end:models]
BYTES = {"bf16": 2, "fp16": 2, "fp8": 1, "int8": 1, "int4": 0.5}


# --8<-- [start:cache]
def kv_bytes(model: Model, tokens: int, q: float = 2) -> float:
    """Return the cache bytes of one sequence of that many tokens, q bytes a number."""
    full = model.layers if model.full < 0 else model.full
    kept = full * tokens + (model.layers - full) * min(tokens, model.window)
    return kept * model.width * q


def most_sequences(memory: float, weights: float, sequence: float, reserve: float = 0.1) -> int:
    """Return how many sequences of `sequence` bytes fit beside the weights; bytes throughout, negative if the weights do not fit."""
    return math.floor((memory * (1 - reserve) - weights) / sequence)


def decode_step(weights: float, sequence: float, batch: int, active: float, bandwidth: float, flops: float) -> float:
    """Return the least seconds of a decode step: bytes over bandwidth or FLOPs over peak, whichever is longer."""
    return max((weights + batch * sequence) / bandwidth, 2 * active * batch / flops)
# --8<-- [end:cache]


def model_from_config(path: Path) -> Model:
    """Read a Hugging Face config.json; parameters are not in it and stay 0. Raises ValueError with what is missing."""
    try:
        config = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(config, dict):
        raise ValueError(f"{path} holds no configuration")
    config = config.get("text_config", config)
    try:
        layers = int(config["num_hidden_layers"])
        if config.get("kv_lora_rank"):
            return Model(0, 0, layers, latent=config["kv_lora_rank"] + config["qk_rope_head_dim"])
        heads = config["num_attention_heads"]
        head_dim = config.get("head_dim") or config["hidden_size"] // heads
    except KeyError as error:
        raise ValueError(f"{path} has no {error}: give --layers, --kv-heads and --head-dim instead") from None
    types = config.get("layer_types") or []
    full, window = -1, 0
    if "sliding_attention" in types:
        full, window = sum(kind == "full_attention" for kind in types), config.get("sliding_window") or 0
    return Model(0, 0, layers, config.get("num_key_value_heads") or heads, head_dim, full=full, window=window)


def answer(model: Model, o: argparse.Namespace) -> dict:
    """Compute everything that the table and the JSON file show; seconds, bytes and FLOP/s unless the name says otherwise."""
    t, q = o.tp, BYTES[o.kv_dtype]
    memory, bandwidth, flops = o.mem_gb * 1e9 * t, o.bw_tbs * 1e12 * t, o.tflops * 1e12 * t
    weights = model.params * 1e9 * BYTES[o.weight_dtype]
    # A cache head cannot be split: beyond k devices (one for a latent cache) every further device holds a copy.
    copies = t / min(t, model.kv_heads if not model.latent else 1)
    sequence = kv_bytes(model, o.seq, q) * copies
    fit = most_sequences(memory, weights, sequence, o.reserve)
    out = {"token_bytes": kv_bytes(replace(model, full=-1), 1, q), "sequence_bytes": sequence, "copies": copies, "weight_bytes": weights,
           "room_bytes": memory * (1 - o.reserve) - weights, "most": fit, "batch": o.batch or max(fit, 0)}
    if out["batch"]:
        step = decode_step(weights, sequence, out["batch"], model.active * 1e9, bandwidth, flops)
        out |= {"step": step, "ceiling": out["batch"] / step, "single": 1 / decode_step(weights, sequence, 1, model.active * 1e9, bandwidth, flops),
                "compute_bound": 2 * model.active * 1e9 * out["batch"] / flops >= step}
    out["prefill_token"] = 2 * model.active * 1e9 / (flops * o.prefill_efficiency)
    return out


def size(model: Model, o: argparse.Namespace) -> dict:
    """Find the batch that keeps the promised time per token, and the replicas that a request rate needs.

    A sequence is counted at its full length, a decode step at --efficiency of its floor, prefill on the same device: it takes its share of
    every second. Raises ValueError when no batch keeps the promise.
    """
    o = argparse.Namespace(**{**vars(o), "seq": o.input + o.output})
    base = answer(model, o)
    bandwidth, flops = o.bw_tbs * 1e12 * o.tp, o.tflops * 1e12 * o.tp

    # --8<-- [start:sizing]
    def tpot(batch: int) -> float:
        floor = decode_step(base["weight_bytes"], base["sequence_bytes"], batch,
                            model.active * 1e9, bandwidth, flops)
        # Steady state: who is done is replaced, so each token brings input/output tokens of prefill.
        return floor / o.efficiency + batch * o.input / o.output * base["prefill_token"]

    batch = max((b for b in range(1, max(base["most"], 0) + 1) if tpot(b) * 1e3 <= o.tpot_ms), default=0)
    if not batch:
        raise ValueError(f"no batch keeps {o.tpot_ms:g} ms a token: one sequence alone takes "
                         f"{tpot(1) * 1e3:.1f} ms, and {max(base['most'], 0)} fit")
    seconds = o.output * tpot(batch)            # in the batch; waiting comes on top
    replica_rate = batch / seconds              # Little's law: in flight = rate * seconds
    replicas = math.ceil(o.rate / replica_rate)
    # --8<-- [end:sizing]
    return {"limit_batch": batch, "tpot": tpot(batch), "seconds": seconds, "replica_rate": replica_rate, "in_flight": o.rate * seconds,
            "replicas": replicas, "devices": (replicas + o.spare) * o.tp, "memory_batch": base["most"]}


def table(name: str, model: Model, o: argparse.Namespace, out: dict, sized: dict | None) -> str:
    """Return the result for people."""
    kind = "latent" if model.latent else f"{model.kv_heads} x {model.head_dim}, keys and values"
    lines = [f"{name}: {model.layers} layers, cache {kind}, {o.kv_dtype}",
             f"KV cache a token       {out['token_bytes'] / 1024:12,.1f} KiB" + ("  (while no window is full)" if model.window else ""),
             f"KV cache a sequence    {out['sequence_bytes'] / 1e9:12,.3f} GB   at {o.seq:,} tokens" + (f", {out['copies']:g} copies" if out["copies"] > 1 else "")]
    if model.params:
        lines += [f"weights ({o.weight_dtype})         {out['weight_bytes'] / 1e9:12,.1f} GB",
                  f"room for cache         {out['room_bytes'] / 1e9:12,.1f} GB   of {o.tp} x {o.mem_gb:g} GB, {o.reserve:.0%} kept free",
                  f"most sequences         {out['most']:12,d}"]
    if model.params and out["batch"]:
        lines += [f"decode step            {out['step'] * 1e3:12,.2f} ms   at least, batch {out['batch']}, " + ("compute" if out["compute_bound"] else "bandwidth"),
                  f"decode ceiling         {out['ceiling']:12,.0f} tokens/s; {out['single']:,.0f} for one sequence alone",
                  f"prefill                {1 / out['prefill_token']:12,.0f} tokens/s at {o.prefill_efficiency:.0%} of the peak"]
    if sized:
        lines += ["", f"{o.rate:g} requests/s, {o.input} + {o.output} tokens, {o.tpot_ms:g} ms a token, decode at {o.efficiency:.0%} of its ceiling",
                  f"batch that keeps it    {sized['limit_batch']:12,d}      ({sized['memory_batch']} fit in memory)",
                  f"time per output token  {sized['tpot'] * 1e3:12,.1f} ms   prefill's share included",
                  f"in flight              {sized['in_flight']:12,.0f}      = {o.rate:g}/s x {sized['seconds']:.1f} s",
                  f"replica serves         {sized['replica_rate']:12,.2f} requests/s",
                  f"replicas               {sized['replicas']:12,d}      and {o.spare} spare, {sized['devices']} devices in all"]
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = line.add_argument
    add("--model", choices=MODELS, metavar="NAME", help=", ".join(MODELS))
    add("--config", type=Path, metavar="FILE", help="a Hugging Face config.json instead; then give --params")
    for field in fields(Model):
        add(f"--{field.name.replace('_', '-')}", type=float if field.type == "float" else int, metavar="N",
            help={"params": "1e9, all", "active": "1e9, used by a token; default: --params", "full": "layers without a window"}.get(field.name))
    add("--accel", choices=ACCELERATORS, default="h100-sxm", help="default h100-sxm")
    add("--mem-gb", type=float, metavar="GB", help="of one device; overrides --accel")
    add("--bw-tbs", type=float, metavar="TB/S")
    add("--tflops", type=float, metavar="F", help="dense, of the type you compute in")
    add("--tp", type=int, default=1, metavar="T", help="devices that share one copy of the model (default 1)")
    add("--weight-dtype", choices=BYTES, default="bf16")
    add("--kv-dtype", choices=BYTES, default="bf16")
    add("--seq", type=int, default=4096, metavar="S", help="tokens of a sequence, prompt and answer (default 4096)")
    add("--batch", type=int, metavar="B", help="sequences at once (default: all that fit)")
    add("--reserve", type=float, default=0.1, metavar="X", help="share of memory for context, buffers and activations (default 0.1)")
    add("--efficiency", type=float, default=0.5, metavar="X", help="share of the decode ceiling you reach; measure it (default 0.5)")
    add("--prefill-efficiency", type=float, default=0.4, metavar="X", help="share of the peak in prefill; measure it (default 0.4)")
    add("--rate", type=float, metavar="R", help="requests/s: sizes the service, with --input, --output and --tpot-ms")
    add("--input", type=int, default=0, metavar="S")
    add("--output", type=int, default=0, metavar="S")
    add("--tpot-ms", type=float, default=50, metavar="MS", help="promised time per output token (default 50)")
    add("--spare", type=int, default=1, metavar="N", help="replicas that may fail (default 1)")
    add("--list", action="store_true", help="KV bytes a token of every model it knows")
    add("--json", type=Path, metavar="FILE", help="write the result")
    return line


def chosen(o: argparse.Namespace) -> tuple[str, Model]:
    """Return the model that file and flags give. Raises ValueError with what to change."""
    flags = {field.name: value for field in fields(Model) if (value := getattr(o, field.name)) is not None}
    if o.model:
        name, model = o.model, MODELS[o.model]
    elif o.config:
        name, model = str(o.config), model_from_config(o.config)
    elif "layers" in flags:
        name, model = "your model", Model(0, 0, 0)
    else:
        raise ValueError("give --model NAME, --config FILE, or --layers, --kv-heads and --head-dim")
    model = replace(model, **flags)
    if not model.active:
        model = replace(model, active=model.params)
    if model.layers < 1 or model.width < 1 or model.full > model.layers:
        raise ValueError("--layers and either --kv-heads and --head-dim or --latent must be positive, --full at most --layers")
    numbers = (o.tp, o.seq, o.mem_gb, o.bw_tbs, o.tflops, o.efficiency, o.prefill_efficiency)
    if min(numbers) <= 0 or not 0 <= o.reserve < 1 or max(o.efficiency, o.prefill_efficiency) > 1 or (o.batch or 1) < 1 or o.spare < 0:
        raise ValueError("sizes must be positive, --reserve in [0, 1), the efficiencies in (0, 1]")
    if o.rate is not None and not (o.rate > 0 and o.input > 0 and o.output > 0 and o.tpot_ms > 0 and model.params):
        raise ValueError("--rate needs --input, --output, --tpot-ms and the parameters (--model or --params), all positive")
    return name, model


def main(argv: list[str] | None = None) -> int:
    """Answer for one model; return the exit status."""
    line = parser()
    o = line.parse_args(argv)
    if o.list:
        for name, model in MODELS.items():
            print(f"{name:18}{kv_bytes(replace(model, full=-1), 1) / 1024:9.1f} KiB a token in BF16")
        return 0
    for name, default in zip(("mem_gb", "bw_tbs", "tflops"), ACCELERATORS[o.accel]):
        if getattr(o, name) is None:
            setattr(o, name, default)
    try:
        name, model = chosen(o)
    except (ValueError, TypeError) as error:
        line.error(str(error))
    out, sized, trouble = answer(model, o), None, ""
    if model.params and out["most"] < (o.batch or 1):
        trouble = (f"{max(out['most'], 0)} of {o.batch or 1} sequences fit: fewer or shorter sequences, --kv-dtype fp8, a narrower --weight-dtype, "
                   f"a larger --tp than {o.tp}")
    elif o.rate:
        try:
            sized = size(model, o)
        except ValueError as error:
            trouble = f"{error}. A larger --tp, a faster --accel, narrower types or a longer --tpot-ms would help."
    print(table(name, model, o, out, sized))
    if o.json:
        try:
            o.json.write_text(json.dumps({"model": name, **out, **(sized or {})}, indent=1), "utf-8")
        except OSError as error:
            print(f"kv_cache.py: cannot write {o.json}: {error.strerror}", file=sys.stderr)
            return 1
    if trouble:
        print(f"does NOT fit: {trouble}" if not o.rate or out["most"] < (o.batch or 1) else f"does NOT meet it: {trouble}")
    return int(bool(trouble))


if __name__ == "__main__":
    sys.exit(main())
