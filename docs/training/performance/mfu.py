#!/usr/bin/env python3
"""FLOPs per token, MFU and HFU from a model's shape and the tokens per second that it trains at.

L layers, hidden size h, a heads of size d, k key-value heads, feed-forward size f, vocabulary V, sequence s. A fused
multiply-add is 2 FLOP. Weights that a token is multiplied by:

    attention    L (2 h a d + 2 h k d)           Q and output; K and V
    MLP          L 3 h f                         gate, up, down; 2 h f with --ungated
    MoE          L (3 h f_e (K + S) + h E)       K routed and S shared experts of size f_e, router over E
    head         h V                             the input embedding is a look-up: no FLOP

    model FLOPs a token = 6 * weights + 12 L a d s        attention scores and values, all pairs; half if --causal
    full recompute      + forward of the layers           2 * layer weights + 4 L a d s (half if --causal)
    selective recompute + forward of the attention core   4 L a d s (half if --causal)
    MFU = tokens/s * model FLOPs / (n * peak),  HFU = tokens/s * (model FLOPs + recomputed) / (n * peak)

6 = 2 forward + 4 backward (gradients of inputs and of weights). Norms, softmax, activations and the optimizer are left
out, as in the PaLM paper (arXiv:2204.02311, appendix B), which defines MFU. Peak is dense, of the type you train in.

Needs Python 3.11; --check needs PyTorch and compares the formulas with what torch counts on tiny models.
Exit status: 0 done, 1 the check failed or a file cannot be written, 2 wrong usage.

Examples:
  python mfu.py --layers 32 --hidden 4096 --heads 32 --kv-heads 8 --ffn 14336 --vocab 128256 --seq 8192 --causal \\
      --gpus 64 --tokens-per-s 480000 --recompute full --price 2.5 --total-tokens 1e12
  python mfu.py --check
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Shape:
    """The shape of a decoder; sizes in elements. kv_heads 0 stands for heads, head_dim 0 for hidden / heads."""

    layers: int
    hidden: int
    heads: int
    ffn: int
    vocab: int
    kv_heads: int = 0
    head_dim: int = 0
    ungated: bool = False
    experts: int = 0          # routed experts a layer; 0: dense
    experts_per_token: int = 0
    shared_experts: int = 0
    expert_ffn: int = 0       # 0 stands for ffn
    dense_layers: int = 0     # layers of an MoE that keep a dense MLP


# --8<-- [start:formulas]
def layer_weights(m: Shape) -> int:
    """Return the weights in all layers that one token is multiplied by."""
    d = m.head_dim or m.hidden // m.heads
    attention = 2 * m.hidden * m.heads * d + 2 * m.hidden * (m.kv_heads or m.heads) * d
    matrices = 2 if m.ungated else 3
    dense = matrices * m.hidden * m.ffn
    if not m.experts:
        return m.layers * (attention + dense)
    met = m.experts_per_token + m.shared_experts
    moe = matrices * m.hidden * (m.expert_ffn or m.ffn) * met + m.hidden * m.experts
    return m.layers * attention + m.dense_layers * dense + (m.layers - m.dense_layers) * moe


def scores(m: Shape, seq: int, causal: bool) -> float:
    """Return the forward FLOPs a token of QK^T and of the product with V, over a sequence of `seq` tokens."""
    width = m.heads * (m.head_dim or m.hidden // m.heads)
    return 4 * m.layers * width * seq / (2 if causal else 1)


def model_flops(m: Shape, seq: int, causal: bool) -> float:
    """Return the FLOPs that the model needs to train on one token."""
    return 6 * (layer_weights(m) + m.hidden * m.vocab) + 3 * scores(m, seq, causal)


def recomputed_flops(m: Shape, seq: int, causal: bool, recompute: str) -> float:
    """Return the FLOPs a token that recomputation (none, selective, full) adds; the head is not recomputed."""
    return {"none": 0, "selective": scores(m, seq, causal),
            "full": 2 * layer_weights(m) + scores(m, seq, causal)}[recompute]


def utilization(tokens_per_s: float, flops_per_token: float, gpus: int, peak: float) -> float:
    """Return MFU, or HFU if the FLOPs hold what was recomputed; peak in FLOP/s of one device."""
    return tokens_per_s * flops_per_token / (gpus * peak)
# --8<-- [end:formulas]


# --8<-- [start:cost]
def gpu_hours(flops_per_token: float, tokens: float, peak: float, mfu: float, goodput: float) -> float:
    """Return the device-hours of a run over `tokens` tokens."""
    return flops_per_token * tokens / (peak * mfu * goodput) / 3600
# --8<-- [end:cost]


# What Hugging Face configurations call the fields above.
KEYS = {"layers": ["num_hidden_layers"], "hidden": ["hidden_size"], "heads": ["num_attention_heads"], "kv_heads": ["num_key_value_heads"],
        "head_dim": ["head_dim"], "ffn": ["intermediate_size"], "vocab": ["vocab_size"],
        "experts": ["num_local_experts", "num_experts", "n_routed_experts"], "experts_per_token": ["num_experts_per_tok"],
        "shared_experts": ["n_shared_experts"], "expert_ffn": ["moe_intermediate_size"], "dense_layers": ["first_k_dense_replace"]}


def from_config(path: Path) -> dict:
    """Return the fields that a Hugging Face config.json gives.

    Raises ValueError for a file that is none, and for attention that these formulas do not describe.
    """
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if not isinstance(config, dict):
        raise ValueError(f"{path} holds no configuration")
    config = config.get("text_config") or config
    for odd, what in (("kv_lora_rank", "multi-head latent attention"), ("ssm_cfg", "a state-space model")):
        if config.get(odd):
            raise ValueError(f"{path} describes {what}; these formulas do not count it: give the weights a token meets by hand")
    return {name: config[key] for name, keys in KEYS.items() for key in keys if config.get(key)}


def answer(m: Shape, options: argparse.Namespace) -> dict:
    """Return every figure of the answer; rates are None where no throughput was given."""
    needed = model_flops(m, options.seq, options.causal)
    again = recomputed_flops(m, options.seq, options.causal, options.recompute)
    peak = options.peak * 1e12
    out = {"shape": asdict(m), "weights_met": layer_weights(m) + m.hidden * m.vocab, "model_flops_per_token": needed,
           "attention_share": 3 * scores(m, options.seq, options.causal) / needed, "recomputed_flops_per_token": again,
           "mfu": None, "hfu": None}
    if options.tokens_per_s:
        out["mfu"] = utilization(options.tokens_per_s, needed, options.gpus, peak)
        out["hfu"] = utilization(options.tokens_per_s, needed + again, options.gpus, peak)
        out["tflops_per_gpu"] = out["mfu"] * options.peak
    if options.total_tokens and out["mfu"]:
        hours = gpu_hours(needed, options.total_tokens, peak, out["mfu"], options.goodput)
        point = hours - gpu_hours(needed, options.total_tokens, peak, out["mfu"] + 0.01, options.goodput)
        out |= {"gpu_hours": hours, "days": hours / options.gpus / 24, "cost": hours * options.price, "one_point_saves": point * options.price,
                "one_point_gpu_hours": point}
    return out


def table(out: dict, options: argparse.Namespace) -> str:
    """Return the answer for people."""
    lines = [f"weights a token meets       {out['weights_met'] / 1e9:12.3f} e9",
             f"model FLOPs a token         {out['model_flops_per_token'] / 1e9:12.3f} e9   ({out['attention_share']:.1%} attention scores)",
             f"recomputed FLOPs a token    {out['recomputed_flops_per_token'] / 1e9:12.3f} e9   ({options.recompute})"]
    if out["mfu"] is not None:
        lines += [f"TFLOPS a GPU                {out['tflops_per_gpu']:12.1f}      of {options.peak:g}",
                  f"MFU                         {out['mfu']:12.1%}", f"HFU                         {out['hfu']:12.1%}"]
    if "days" in out:
        lines += [f"days                        {out['days']:12.1f}      for {options.total_tokens:.3g} tokens at goodput {options.goodput:g}",
                  f"GPU-hours                   {out['gpu_hours']:12,.0f}      one more point of MFU saves {out['one_point_gpu_hours']:,.0f}"]
    if "days" in out and options.price:
        lines.append(f"cost                        {out['cost']:12,.0f}      one more point of MFU saves {out['one_point_saves']:,.0f}")
    return "\n".join(lines)


# What follows counts the FLOPs of tiny models with torch; nothing above needs it.

TINY = {"dense": Shape(2, 32, 4, 64, 96), "GQA": Shape(3, 48, 6, 80, 64, kv_heads=2), "ungated": Shape(2, 32, 2, 128, 64, ungated=True),
        "MoE": Shape(2, 32, 4, 64, 96, experts=4, experts_per_token=2, shared_experts=1, expert_ffn=48)}


# --8<-- [start:tiny]
def tiny_model(m: Shape, fused: bool = False):
    """Return a decoder of this shape whose products are plain matmuls (or fused attention), ready to be counted."""
    import torch
    from torch import nn
    from torch.nn.functional import scaled_dot_product_attention, silu

    d, k = m.head_dim or m.hidden // m.heads, m.kv_heads or m.heads

    def linear(i: int, o: int):
        return nn.Linear(i, o, bias=False)

    class MLP(nn.Module):
        def __init__(self, width: int):
            super().__init__()
            self.up, self.down = linear(m.hidden, width), linear(width, m.hidden)
            self.gate = None if m.ungated else linear(m.hidden, width)

        def forward(self, x):
            return self.down(silu(self.up(x)) if self.gate is None else silu(self.gate(x)) * self.up(x))

    class MoE(nn.Module):
        """Balanced by construction: each expert gets the same number of tokens, so the count has one right answer."""

        def __init__(self):
            super().__init__()
            self.router = linear(m.hidden, m.experts)
            self.experts = nn.ModuleList(MLP(m.expert_ffn or m.ffn) for _ in range(m.experts))
            self.shared = nn.ModuleList(MLP(m.expert_ffn or m.ffn) for _ in range(m.shared_experts))

        def forward(self, x):
            flat = x.reshape(-1, m.hidden)
            weight = self.router(flat).softmax(-1)
            out = torch.zeros_like(flat)
            token = torch.arange(len(flat))
            for i, expert in enumerate(self.experts):
                mine = token[(token - i) % m.experts < m.experts_per_token]
                out = out.index_add(0, mine, expert(flat[mine]) * weight[mine, i, None])
            return (out + sum(one(flat) for one in self.shared)).view_as(x)

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.o = linear(m.hidden, m.heads * d), linear(m.heads * d, m.hidden)
            self.k, self.v = linear(m.hidden, k * d), linear(m.hidden, k * d)
            self.mlp = MoE() if m.experts else MLP(m.ffn)

        def forward(self, x):
            b, s, _ = x.shape
            q, key, value = (t.view(b, s, -1, d).transpose(1, 2) for t in (self.q(x), self.k(x), self.v(x)))
            key, value = (t.repeat_interleave(m.heads // k, 1) for t in (key, value))
            if fused:
                mixed = scaled_dot_product_attention(q, key, value, is_causal=True)
            else:
                mixed = (q @ key.transpose(2, 3) / d**0.5 + torch.full((s, s), -1e9).triu(1)).softmax(-1) @ value
            x = x + self.o(mixed.transpose(1, 2).reshape(b, s, -1))
            return x + self.mlp(x)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(m.vocab, m.hidden), linear(m.hidden, m.vocab)
            self.layers = nn.ModuleList(Layer() for _ in range(m.layers))

        def forward(self, ids, recompute: bool = False, early_stop: bool = True):
            from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop
            x = self.embed(ids)
            # By default torch stops once it has recomputed the last tensor that backward needs, and saves the last product.
            with set_checkpoint_early_stop(early_stop):
                for layer in self.layers:
                    x = checkpoint(layer, x, use_reentrant=False) if recompute else layer(x)
            return self.head(x).float().logsumexp(-1).mean()

    return Model()


def counted(m: Shape, seq: int = 16, batch: int = 2, recompute: bool = False, fused: bool = False, early_stop: bool = False) -> float:
    """Return the FLOPs a token that torch counts for a forward and a backward pass."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    torch.manual_seed(0)
    model, ids = tiny_model(m, fused), torch.randint(m.vocab, (batch, seq))
    with FlopCounterMode(display=False) as counter:
        model(ids, recompute, early_stop).backward()
    return counter.get_total_flops() / ids.numel()
# --8<-- [end:tiny]


def check() -> int:
    """Compare formula and count on every tiny model, with and without recomputation; return the exit status."""
    try:
        import torch
    except ImportError:
        print("mfu.py --check needs PyTorch: pip install torch", file=sys.stderr)
        return 2
    print(f"FLOPs a token, PyTorch {torch.__version__.split('+')[0]}, sequence 16, all pairs counted")
    print(f"{'model':10}{'recompute':>11}{'formula':>12}{'counted':>12}")
    wrong = 0
    for name, m in TINY.items():
        for recompute in ("none", "full"):
            formula = model_flops(m, 16, False) + recomputed_flops(m, 16, False, recompute)
            got = counted(m, recompute=recompute == "full")
            wrong += got != formula
            print(f"{name:10}{recompute:>11}{formula:12,.0f}{got:12,.0f}" + ("" if got == formula else "   differs"))
    m = TINY["dense"]
    formula = model_flops(m, 16, False) + recomputed_flops(m, 16, False, "full")
    print(f"{'dense':10}{'full':>11}{formula:12,.0f}{counted(m, recompute=True, early_stop=True):12,.0f}   early stop, torch's default: not all is recomputed")
    print(f"{'dense':10}{'none':>11}{model_flops(m, 16, False):12,.0f}{counted(m, fused=True):12,.0f}   fused attention: no formula for the kernel of this device")
    return int(wrong > 0)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = line.add_argument
    add("--config", type=Path, metavar="FILE", help="a Hugging Face config.json; flags win over it")
    for name, help_text in (("layers", ""), ("hidden", ""), ("heads", ""), ("kv-heads", "default: --heads"), ("head-dim", "default: hidden / heads"),
                            ("ffn", "feed-forward size"), ("vocab", ""), ("experts", "routed experts a layer"), ("experts-per-token", ""),
                            ("shared-experts", ""), ("expert-ffn", "default: --ffn"), ("dense-layers", "layers of an MoE with a dense MLP")):
        add(f"--{name}", type=int, metavar="N", help=help_text or None)
    add("--ungated", action="store_true", help="an MLP of two matrices")
    add("--seq", type=int, metavar="S", help="tokens of a sequence; of a document if attention stops at its end")
    add("--causal", action="store_true", help="count half of the attention scores; say so when you report")
    add("--recompute", choices=("none", "selective", "full"), default="none")
    add("--gpus", type=int, default=1, metavar="N")
    add("--tokens-per-s", type=float, metavar="X", help="of all devices together")
    add("--peak", type=float, default=989.5, metavar="TFLOPS", help="dense peak of one device (default 989.5, H100 SXM BF16)")
    add("--total-tokens", type=float, metavar="D", help="of the run: prints days and device-hours")
    add("--goodput", type=float, default=1.0, help="share of the wall time spent in steps that count (default 1)")
    add("--price", type=float, default=0, metavar="P", help="of a device-hour, in your currency")
    add("--check", action="store_true", help="compare the formulas with torch's counter")
    add("--json", type=Path, metavar="FILE", help="write the result")
    return line


def shape_of(options: argparse.Namespace) -> Shape:
    """Return the shape that file and flags give. Raises ValueError with what to change."""
    values = from_config(options.config) if options.config else {}
    values |= {one.name: given for one in fields(Shape) if (given := getattr(options, one.name))}
    missing = [f"--{name}" for name in ("layers", "hidden", "heads", "ffn", "vocab") if name not in values]
    if missing or not options.seq:
        raise ValueError(f"give {', '.join(missing + ([] if options.seq else ['--seq']))}, or --check")
    m = Shape(**values)
    if min(m.layers, m.hidden, m.heads, m.ffn, m.vocab, options.seq, options.gpus) < 1:
        raise ValueError("sizes must be positive")
    if not m.head_dim and m.hidden % m.heads:
        raise ValueError(f"--hidden {m.hidden} is no multiple of --heads {m.heads}: give --head-dim")
    if m.experts and not 0 < m.experts_per_token <= m.experts:
        raise ValueError(f"--experts {m.experts} needs --experts-per-token between 1 and {m.experts}")
    if not (options.peak > 0 and 0 < options.goodput <= 1 and (options.tokens_per_s is None or options.tokens_per_s > 0)):
        raise ValueError("--peak and --tokens-per-s must be positive, --goodput in (0, 1]")
    return m


def main(argv: list[str] | None = None) -> int:
    """Answer for one model, or check the formulas."""
    line = parser()
    options = line.parse_args(argv)
    if options.check:
        return check()
    try:
        m = shape_of(options)
    except (ValueError, TypeError) as error:
        line.error(str(error))
    out = answer(m, options)
    print(table(out, options))
    if out["hfu"] and out["hfu"] > 1:
        print("HFU above 100%: check that the peak is that of your data type and that tokens per second are of all "
              f"--gpus {options.gpus} together", file=sys.stderr)
        return 1
    try:
        if options.json:
            options.json.write_text(json.dumps(out, indent=1), "utf-8")
    except OSError as error:
        print(f"mfu.py: cannot write {options.json}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
