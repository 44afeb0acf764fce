#!/usr/bin/env python3
"""Estimate the accelerator memory of training, fine-tuning or serving a decoder-only transformer, device by device.

Bytes of one device, for a model of N parameters split t ways by tensor and p ways by pipeline parallelism, n data-parallel ranks:

    state        N/(t p) x (weights + gradients + master + moments), each part divided by n where ZeRO shards it
    activations  layers x tokens x bytes a token and layer:
                   gpt    s b h (34 + 5 a s/h), without parallelism; 10/1 + 24/t with TP, all of it /t with TP + SP
                   llama  2 (4h + 2 a d + 2 k d + 4 f) + 4 a, fused attention; 3 f instead of 4 f with a fused SwiGLU
    loss         12 bytes a logit at the peak of eager PyTorch: saved log-probabilities 4, two FP32 gradients of them 8
    KV cache     2 L k d x bytes x tokens, for inference

Sources: arXiv:2205.05198 (activations), arXiv:1910.02054 (ZeRO); the llama inventory is derived in the chapter. Without torch
it computes; with torch, --verify builds tiny models, counts every live byte and compares. GB are 1e9 bytes, GiB 2**30.
"""

import argparse
import json
import math
import platform
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

EXAMPLES = """examples:
  %(prog)s --model 8b --recipe bf16-adamw --dp 8 --zero 3 --seq 8192 --recompute full --device-gb 80
  %(prog)s --verify

exit status: 0 it fits, or the check agrees; 1 it does not fit, or the check disagrees; 2 wrong usage.
"""


class Refused(Exception):
    """A wrong request: one line that says what to change."""


# --8<-- [start:recipes]
# Bytes a parameter: weights, gradients, master copy, first moment, second moment, extra. The rows are those of memory_per_param.yml.
RECIPES = {
    "fp32-adamw":            (4, 4, 0, 4, 4, 0),
    "bf16-adamw":            (2, 2, 4, 4, 4, 0),
    "bf16-adamw-fp32-grads": (2, 4, 4, 4, 4, 0),
    "adamw-8bit":            (2, 2, 4, 1, 1, 8 / 256),
    "muon":                  (2, 2, 4, 4, 0, 0),        # the parameters that are no matrix use AdamW: 4 more
    "lora":                  (2, 2, 4, 4, 4, 0),        # of the adapters; the frozen model has 2 for its weights
    "qlora":                 (2, 2, 4, 4, 4, 0),        # of the adapters; the frozen model has NF4_BYTES
    "bf16-inference":        (2, 0, 0, 0, 0, 0),
    "int8-inference":        (1, 0, 0, 0, 0, 4 / 4096),
    "nf4-inference":         (0.5, 0, 0, 0, 0, 4 / 64),
}
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)      # 4 bits, an 8-bit scale for 64 values, an FP32 one for 256 scales
# --8<-- [end:recipes]
ADAPTERS, INFERENCE = ("lora", "qlora"), ("bf16-inference", "int8-inference", "nf4-inference")


@dataclass(frozen=True)
class Shape:
    """The shape of a decoder-only transformer; experts = 0 for a dense one."""

    layers: int
    hidden: int
    ffn: int                  # of one expert in a mixture of experts
    heads: int
    kv_heads: int
    vocab: int
    head_dim: int = 0         # hidden / heads where not given
    arch: str = "llama"       # llama: RMSNorm, SwiGLU, RoPE, no bias; gpt: LayerNorm, GeLU, dropout, biases, learned positions
    tied: bool = False
    experts: int = 0
    active: int = 0           # experts a token visits
    positions: int = 0        # rows of the learned position table of a gpt

    @property
    def d(self) -> int:
        """Return the size of one head."""
        return self.head_dim or self.hidden // self.heads

    def attention(self) -> int:
        """Return the parameters of one layer's attention."""
        h, q, kv = self.hidden, self.heads * self.d, self.kv_heads * self.d
        return 2 * h * q + 2 * h * kv + (q + 2 * kv + h if self.arch == "gpt" else 0)

    def mlp(self, experts: int) -> int:
        """Return the parameters of one layer's feed-forward part with that many experts, its router included."""
        h, f = self.hidden, self.ffn
        if self.arch == "gpt":
            return 2 * h * f + f + h
        return 3 * h * f * max(1, experts) + (h * self.experts if self.experts else 0)

    def norms(self) -> int:
        """Return the parameters of one layer's two norms."""
        return 2 * self.hidden * (2 if self.arch == "gpt" else 1)

    def embeddings(self) -> int:
        """Return the parameters of the input table, the positions and an untied output layer."""
        return self.vocab * self.hidden * (1 if self.tied else 2) + self.positions * self.hidden

    def parameters(self, active_only: bool = False) -> int:
        """Return how many parameters there are, or how many one token uses."""
        experts = self.active if active_only else self.experts
        final = self.hidden * (2 if self.arch == "gpt" else 1)
        return self.layers * (self.attention() + self.mlp(experts) + self.norms()) + self.embeddings() + final


SHAPES = {
    "1b":      Shape(16, 2048, 8192, 32, 8, 128256, tied=True),
    "8b":      Shape(32, 4096, 14336, 32, 8, 128256),                    # Llama 3 8B, arXiv:2407.21783 table 3
    "70b":     Shape(80, 8192, 28672, 64, 8, 128256),                    # Llama 3 70B
    "405b":    Shape(126, 16384, 53248, 128, 8, 128256),                 # Llama 3 405B
    "30b-a3b": Shape(48, 2048, 768, 32, 4, 151936, head_dim=128, experts=128, active=8),      # Qwen3-30B-A3B
    "175b-gpt": Shape(96, 12288, 49152, 96, 96, 51200, arch="gpt", tied=True, positions=2048),  # arXiv:2205.05198 table 3
}


def shape_from_config(path: str) -> Shape:
    """Read a Hugging Face config.json of a Llama-like model; raise Refused with what is missing."""
    try:
        config = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise Refused(f"{path} is no JSON: {error}") from None
    config = config.get("text_config", config)
    try:
        heads = config["num_attention_heads"]
        experts = config.get("num_experts") or config.get("num_local_experts") or 0
        return Shape(config["num_hidden_layers"], config["hidden_size"], config["moe_intermediate_size"] if experts and "moe_intermediate_size" in config
                     else config["intermediate_size"], heads, config.get("num_key_value_heads") or heads, config["vocab_size"],
                     head_dim=config.get("head_dim") or 0, tied=bool(config.get("tie_word_embeddings")), experts=experts,
                     active=config.get("num_experts_per_tok") or 0)
    except KeyError as error:
        raise Refused(f"{path} has no {error}; this reads Llama-like models. Give --layers, --hidden and the rest instead.") from None


@dataclass(frozen=True)
class Plan:
    """How the model is run; sizes are counts, `loss_chunks` 0 stands for a fused loss that never holds the logits."""

    recipe: str = "bf16-adamw"
    micro_batch: int = 1
    seq: int = 4096
    zero: int = 0
    dp: int = 1
    tp: int = 1
    sp: bool = False
    pp: int = 1
    cp: int = 1
    ep: int = 1
    micro_batches: int = 1
    recompute: str = "none"        # none, attention (the quadratic part), full
    attention: str = "fused"       # fused or eager; a gpt always counts as the paper does, with `eager`
    fused_mlp: bool = False
    loss_chunks: int = 1
    lora_rank: int = 16
    frozen: float = 0.0            # share of the parameters that is not trained
    sequences: int = 1             # inference: how many at once
    kv_bytes: float = 2
    offload: tuple = ()            # optimizer, weights, activations

    @property
    def tokens(self) -> int:
        """Return the tokens of a micro-batch that this device holds."""
        return self.micro_batch * self.seq // self.cp


# --8<-- [start:activations]
def layer_bytes(shape: Shape, plan: Plan) -> float:
    """Return the bytes that one layer keeps for the backward pass of one micro-batch, everything in 16 bits.

    `split` is what tensor parallelism divides anyway, `whole` only with sequence parallelism.
    """
    h, t, s = shape.hidden, plan.tp, plan.seq // plan.cp
    q, kv, f = shape.heads * shape.d, shape.kv_heads * shape.d, shape.ffn
    eager = plan.attention == "eager" and plan.recompute != "attention"
    if shape.arch == "gpt":
        whole = 2 * 4 * h + 2 * h                         # inputs of two norms, of QKV and of the MLP; two dropout masks of 1 byte
        split = 2 * (2 * q + 2 * kv + 2 * f)              # Q, K, V, input of the projection; GeLU's input and output
        quadratic = 5 * shape.heads * plan.seq if eager else 4 * shape.heads      # softmax, its mask, its dropped-out form
    else:
        whole = 2 * 4 * h + 2 * 4                         # the same inputs; two FP32 scales of the norms
        mlp = (3 if plan.fused_mlp else 4) * f            # gate, up, silu(gate) unless fused, and the product
        if shape.experts:                                 # each visit has its own copy of the input and of the output
            mlp = shape.active * (mlp + 2 * h)
            whole += 4 * shape.experts
        split = 2 * (2 * q + 2 * kv + mlp)
        quadratic = 2 * shape.heads * plan.seq if eager else 4 * shape.heads      # softmax; or one FP32 sum a head and row
    lora = 2 * plan.lora_rank * 7 if plan.recipe in ADAPTERS else 0
    return plan.micro_batch * s * (whole / (t if plan.sp else 1) + (split + quadratic) / t + lora)
# --8<-- [end:activations]


def lora_parameters(shape: Shape, rank: int) -> int:
    """Return the parameters of adapters of that rank on all seven matrices of each layer: rank x (inputs + outputs)."""
    h, q, kv, f = shape.hidden, shape.heads * shape.d, shape.kv_heads * shape.d, shape.ffn
    return shape.layers * rank * (2 * (h + q) + 2 * (h + kv) + 3 * (h + f) * max(1, shape.experts))


def sharded(shape: Shape, plan: Plan) -> tuple[float, float, float]:
    """Return (all parameters, those that are no matrix of a layer, those of experts) of the fullest stage after TP, PP and EP."""
    per_layer = shape.attention() + shape.norms() + shape.mlp(0 if shape.experts else 1)
    if shape.experts:
        per_layer += 3 * shape.hidden * shape.ffn * (shape.experts / plan.ep - 1)
    layers = math.ceil(shape.layers / plan.pp)
    final = shape.hidden * (2 if shape.arch == "gpt" else 1)
    ends = shape.embeddings() if plan.pp == 1 else shape.vocab * shape.hidden      # one table at either end of the pipeline
    rest = layers * shape.norms() + ends + final
    experts = layers * 3 * shape.hidden * shape.ffn * shape.experts / plan.ep
    return (layers * per_layer + ends + final) / plan.tp, rest / plan.tp, experts / plan.tp


# --8<-- [start:estimate]
def estimate(shape: Shape, plan: Plan) -> dict:
    """Return the bytes of each part on the fullest device, by name, in the order in which they are printed."""
    here, rest, experts = sharded(shape, plan)
    weights, grads, master, m, v, extra = RECIPES[plan.recipe]
    # Expert parallelism takes its ranks from data parallelism: an expert has only n/ep replicas to be sharded over.
    n = plan.dp * plan.cp / (1 + (plan.ep - 1) * experts / here)
    if plan.recipe in INFERENCE:
        quantized = here - (rest if plan.recipe != "bf16-inference" else 0)       # tables and norms stay in 16 bits
        kv = 2 * math.ceil(shape.layers / plan.pp) * shape.kv_heads * shape.d * plan.kv_bytes * plan.seq * plan.sequences
        return {"weights": quantized * (weights + extra) + (here - quantized) * 2, "KV cache": kv / min(plan.tp, shape.kv_heads)}
    frozen, trained = here * plan.frozen * 2, here * (1 - plan.frozen)
    if plan.recipe in ADAPTERS:
        frozen = here * 2 if plan.recipe == "lora" else (here - rest) * NF4_BYTES + rest * 2
        trained = lora_parameters(shape, plan.lora_rank) / plan.tp / plan.pp
    moments = trained * (master + m + v + extra) + (4 * rest if plan.recipe == "muon" else 0)
    parts = {
        "weights": (frozen + trained * weights) / (n if plan.zero >= 3 else 1),
        "gradients": trained * grads / (n if plan.zero >= 2 else 1),
        "optimizer": moments / (n if plan.zero >= 1 else 1),
    }
    if plan.zero >= 3:       # in 16 bits: the tables during the whole step, this layer and the next, one layer's gradients
        ends = shape.embeddings() / plan.tp if plan.pp == 1 else shape.vocab * shape.hidden / plan.tp
        parts["gathered"] = 2 * (ends + 3 * (here - ends) / math.ceil(shape.layers / plan.pp))
    one = layer_bytes(shape, plan)
    layers = math.ceil(shape.layers / plan.pp) * min(plan.pp, plan.micro_batches)     # 1F1B: stage 1 holds up to p micro-batches
    whole = plan.tp if plan.sp else 1
    # Inputs of the last norm and of the output layer; a frozen model keeps neither the latter nor the input of its first norm.
    ends = 4 * shape.hidden * plan.tokens / whole if plan.pp == 1 and plan.recipe not in ADAPTERS else 0
    logits = shape.vocab * plan.tokens / plan.tp if plan.pp == 1 else 0
    spike = logits / plan.loss_chunks * 12 if plan.loss_chunks else 0
    parts["activations"] = layers * (2 * shape.hidden * plan.tokens / whole if plan.recompute == "full" else one)
    # The backward pass peaks in the loss or, after it, in the last layer (recomputed if it was not kept): never in both.
    head, layer = ends + spike, working(shape, plan)
    if plan.recompute == "full":
        layer += one - 2 * shape.hidden * plan.tokens / whole
    parts["output and loss" if head >= layer else "layer at work"] = max(head, layer)
    for name, part in (("optimizer", "optimizer"), ("weights", "weights"), ("activations", "activations")):
        if name in plan.offload:
            parts[part] = 0.0
    return parts
# --8<-- [end:estimate]


def working(shape: Shape, plan: Plan) -> float:
    """Return the bytes of gradients in flight, beyond what is kept, while one layer is differentiated."""
    h, f, t = shape.hidden, shape.ffn * max(1, shape.active), plan.tp
    square = shape.heads * plan.seq if plan.attention == "eager" else 0
    if shape.arch == "gpt":
        return 2 * plan.tokens * max(f / t + 2 * h, (square - 2 * f) / t - 2.5 * h)
    return 2 * plan.tokens * max(2 * f / t + h, (2 * square - 4 * f) / t - 2 * h)


def check(shape: Shape, plan: Plan):
    """Raise Refused for a plan that cannot be run."""
    positive = {"--micro-batch": plan.micro_batch, "--seq": plan.seq, "--dp": plan.dp, "--tp": plan.tp, "--pp": plan.pp, "--cp": plan.cp,
                "--ep": plan.ep, "--micro-batches": plan.micro_batches, "--sequences": plan.sequences, "--layers": shape.layers,
                "--hidden": shape.hidden, "--ffn": shape.ffn, "--heads": shape.heads, "--kv-heads": shape.kv_heads, "--vocab": shape.vocab}
    for name, value in positive.items():
        if value < 1:
            raise Refused(f"{name} {value} is below 1.")
    if shape.heads % shape.kv_heads:
        raise Refused(f"{shape.heads} heads are no multiple of {shape.kv_heads} key-value heads.")
    if shape.heads % plan.tp:
        raise Refused(f"--tp {plan.tp} does not divide {shape.heads} heads.")
    if plan.pp > shape.layers:
        raise Refused(f"--pp {plan.pp} is more than {shape.layers} layers.")
    if plan.seq % plan.cp:
        raise Refused(f"--cp {plan.cp} does not divide --seq {plan.seq}.")
    if plan.dp * plan.cp % plan.ep:
        raise Refused(f"--ep {plan.ep} does not divide {plan.dp * plan.cp} data-parallel ranks.")
    if plan.ep > 1 and (not shape.experts or shape.experts % plan.ep):
        raise Refused(f"--ep {plan.ep} does not divide {shape.experts} experts.")
    if plan.sp and plan.tp == 1:
        raise Refused("--sp needs --tp above 1.")
    if not 0 <= plan.frozen < 1:
        raise Refused(f"--frozen {plan.frozen} is no share below 1; give 0.8 for 80%.")
    if plan.zero and plan.recipe in INFERENCE:
        raise Refused("--zero is for training; inference splits by --tp and --pp.")


# What is printed -----------------------------------------------------------------------------------------------------

def report(shape: Shape, plan: Plan, parts: dict, device_gb: float | None, reserve: float) -> str:
    """Return the table for people."""
    total, active = sum(parts.values()), shape.parameters(active_only=True)
    lines = [f"parameters {shape.parameters() / 1e9:.2f}e9" + (f" (active {active / 1e9:.2f}e9)" if shape.experts else "") + f", recipe {plan.recipe}",
             f"micro-batch {plan.micro_batch} x {plan.seq}, ZeRO-{plan.zero}, DP {plan.dp} TP {plan.tp}{' + SP' if plan.sp else ''} PP {plan.pp} "
             f"CP {plan.cp} EP {plan.ep}, recompute {plan.recompute}" if plan.recipe not in INFERENCE else
             f"{plan.sequences} sequences of {plan.seq}, TP {plan.tp} PP {plan.pp}", ""]
    lines += [f"{name:18}{size / 1e9:10.2f} GB" for name, size in parts.items()]
    lines.append(f"{'total':18}{total / 1e9:10.2f} GB  ({total / 2**30:.2f} GiB)")
    if device_gb:
        room = device_gb * (1 - reserve)
        lines.append(f"device {device_gb:g} GB, {reserve:.0%} kept for context, buffers and fragments: "
                     + (f"fits, {room - total / 1e9:.1f} GB left" if total / 1e9 <= room else f"does NOT fit, {total / 1e9 - room:.1f} GB too much"))
    return "\n".join(lines)


# --verify: the same models, built by torch, every live byte counted ---------------------------------------------------

TINY = {
    "llama": Shape(4, 256, 640, 8, 4, 1024),
    "llama, wide vocabulary": Shape(2, 128, 384, 4, 4, 8192),
    "llama, small vocabulary": Shape(4, 256, 640, 8, 4, 64),
    "gpt, eager attention": Shape(4, 256, 1024, 8, 8, 1024, arch="gpt", tied=True, positions=256),
}
CASES = [
    ("llama", Plan(micro_batch=4, seq=256)),
    ("llama", Plan(micro_batch=4, seq=256, recipe="fp32-adamw")),
    ("llama", Plan(micro_batch=4, seq=256, recipe="bf16-adamw-fp32-grads")),
    ("llama", Plan(micro_batch=4, seq=256, recipe="muon")),
    ("llama", Plan(micro_batch=4, seq=256, recipe="lora", lora_rank=8)),
    ("llama", Plan(micro_batch=4, seq=256, attention="eager")),
    ("llama", Plan(micro_batch=8, seq=256, recompute="full")),
    ("llama, wide vocabulary", Plan(micro_batch=4, seq=256)),
    ("llama, small vocabulary", Plan(micro_batch=8, seq=256)),
    ("llama, small vocabulary", Plan(micro_batch=8, seq=256, recompute="full")),
    ("gpt, eager attention", Plan(micro_batch=4, seq=256, attention="eager")),
]


def live_bytes(torch):
    """Return a mode that counts the bytes of every tensor that exists: `.now` and `.peak`."""
    import weakref
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class LiveBytes(TorchDispatchMode):
        """Counts each storage once, from the operation that makes it until Python and autograd let it go."""

        def __init__(self):
            super().__init__()
            self.now = self.peak = 0
            self.known = set()

        def gone(self, key, size):
            self.known.discard(key)
            self.now -= size

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            for leaf in tree_leaves(out):
                if isinstance(leaf, torch.Tensor):
                    storage = leaf.untyped_storage()
                    key, size = storage._cdata, storage.nbytes()
                    if key not in self.known and size:
                        self.known.add(key)
                        self.now += size
                        weakref.finalize(storage, self.gone, key, size)
            self.peak = max(self.peak, self.now)
            return out

    return LiveBytes()


def build(torch, shape: Shape, plan: Plan):
    """Return a model of that shape whose operations keep what fused kernels keep."""
    from torch import nn
    from torch.nn import functional as F
    from torch.utils.checkpoint import checkpoint

    h, d, q, kv = shape.hidden, shape.d, shape.heads * shape.d, shape.kv_heads * shape.d
    gpt, eager, adapted = shape.arch == "gpt", plan.attention == "eager", plan.recipe in ADAPTERS

    class Scale(torch.autograd.Function):
        """RMSNorm that keeps its input and one scale a token."""

        @staticmethod
        def forward(ctx, x, weight):
            r = torch.rsqrt(torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32).square() / x.shape[-1] + 1e-6)
            ctx.save_for_backward(x, weight, r)
            return (x * r.to(x.dtype)) * weight

        @staticmethod
        def backward(ctx, grad):
            x, weight, r = ctx.saved_tensors
            r = r.to(x.dtype)
            normed = x * r
            g_weight = (grad * normed).sum(dim=(0, 1)) if ctx.needs_input_grad[1] else None
            grad = grad * weight
            return r * (grad - normed * (grad * normed).mean(-1, keepdim=True)), g_weight

    class RMSNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(h))

        def forward(self, x):
            return Scale.apply(x, self.weight)

    class Linear(nn.Linear):
        """A linear layer, with an adapter where the recipe has adapters."""

        def __init__(self, inputs, outputs, adapt=True):
            super().__init__(inputs, outputs, bias=gpt and adapt)
            if adapted and adapt:
                self.a, self.b = nn.Parameter(torch.randn(plan.lora_rank, inputs) * 0.02), nn.Parameter(torch.zeros(outputs, plan.lora_rank))

        def forward(self, x):
            out = super().forward(x)
            return out + F.linear(F.linear(x, self.a), self.b) if hasattr(self, "a") else out

    norm = (lambda: nn.LayerNorm(h)) if gpt else RMSNorm
    drop = (lambda x: torch.native_dropout(x, 0.1, True)[0]) if gpt else (lambda x: x)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.n1, self.n2 = norm(), norm()
            self.q, self.k, self.v, self.o = Linear(h, q), Linear(h, kv), Linear(h, kv), Linear(q, h)
            self.up, self.down = Linear(h, shape.ffn), Linear(shape.ffn, h)
            if not gpt:
                self.gate = Linear(h, shape.ffn)

        def attend(self, x):
            b, s, _ = x.shape
            heads = [project(x).view(b, s, -1, d).transpose(1, 2) for project in (self.q, self.k, self.v)]
            if not eager:
                out = F.scaled_dot_product_attention(*heads, is_causal=True, enable_gqa=shape.heads != shape.kv_heads)
                return self.o(out.transpose(1, 2).reshape(b, s, q))
            groups = shape.heads // shape.kv_heads
            query = heads[0].reshape(b * shape.kv_heads, groups * s, d)       # the heads of a group share keys and values
            key, value = (part.reshape(b * shape.kv_heads, s, d) for part in heads[1:])
            scores = torch.bmm(query, key.transpose(1, 2)).mul_(d ** -0.5)
            weights = drop(scores.softmax(-1))
            del scores
            out = torch.bmm(weights, value).view(b, shape.heads, s, d)
            return self.o(out.transpose(1, 2).reshape(b, s, q))

        def forward(self, x):
            x = x + drop(self.attend(self.n1(x)))
            y = self.n2(x)
            return x + drop(self.down(F.gelu(self.up(y)) if gpt else F.silu(self.gate(y)) * self.up(y)))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.blocks, self.norm = nn.Embedding(shape.vocab, h), nn.ModuleList(Block() for _ in range(shape.layers)), norm()
            self.positions = nn.Parameter(torch.zeros(shape.positions, h)) if gpt else None
            self.head = Linear(h, shape.vocab, adapt=False)
            if shape.tied:
                self.head.weight = self.table.weight

        def forward(self, ids):
            x = self.table(ids)
            if gpt:
                x = x + self.positions[:ids.shape[1]]
            for block in self.blocks:
                x = checkpoint(block, x, use_reentrant=False) if plan.recompute == "full" else block(x)
            return self.head(self.norm(x))

    return Model()


def measure(torch, shape: Shape, plan: Plan, device: str) -> dict:
    """Train one step with gradient accumulation and return the bytes of weights, gradients, optimizer, activations and peak."""
    counter = live_bytes(torch)
    dtype = torch.float32 if plan.recipe == "fp32-adamw" else torch.bfloat16
    torch.manual_seed(0)
    with counter:
        model = build(torch, shape, plan).to(device=device, dtype=dtype)
        if plan.recipe in ADAPTERS:
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(name.endswith((".a", ".b")))
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        weights = counter.now
        fp32_grads = RECIPES[plan.recipe][1] == 4 and dtype != torch.float32
        master = [p.detach().float() for p in trained] if dtype != torch.float32 else trained
        matrices = [w for w, p in zip(master, trained) if w.ndim == 2 and not any(p is e for e in (model.table.weight, model.head.weight))]
        if plan.recipe == "muon":
            others = [w for w in master if not any(w is m for m in matrices)]
            optimizers = [torch.optim.Muon(matrices), torch.optim.AdamW(others, foreach=False)]
        else:
            optimizers = [torch.optim.AdamW(master, foreach=False)]
        for w, p in zip(master, trained):        # one parameter at a time, so that no second set of gradients exists
            p.grad = torch.zeros_like(p)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                for w in group["params"]:
                    w.grad = torch.zeros_like(w) if w.grad is None else w.grad
            optimizer.step()
            if dtype != torch.float32:
                optimizer.zero_grad(set_to_none=True)
        state = sum(t.untyped_storage().nbytes() for o in optimizers for s in o.state.values() for t in s.values() if isinstance(t, torch.Tensor) and t.ndim)
        state += sum(w.untyped_storage().nbytes() for w in master) if dtype != torch.float32 else 0
        main_grads = [torch.zeros_like(p, dtype=torch.float32) for p in trained] if fp32_grads else []
        if fp32_grads:      # as Megatron does it: each 16-bit gradient is added to an FP32 one and dropped at once
            for p, total in zip(trained, main_grads):
                p.grad = None
                p.register_post_accumulate_grad_hook(lambda p, total=total: (total.add_(p.grad), setattr(p, "grad", None)) and None)
            grads = sum(g.untyped_storage().nbytes() for g in main_grads)
        else:
            grads = sum(p.grad.untyped_storage().nbytes() for p in trained)
        generator = torch.Generator().manual_seed(1)
        ids = torch.randint(shape.vocab, (plan.micro_batch, plan.seq), generator=generator).to(device)
        before = counter.now
        counter.peak = before
        loss = torch.nn.functional.cross_entropy(model(ids).float().flatten(0, 1), ids.flatten())
        kept = counter.now - before
        loss.backward()
        peak = counter.peak
    return {"weights": weights, "gradients": grads, "optimizer": state, "activations": kept, "peak": peak}


def verify(torch, device: str, limit: float) -> tuple[list[dict], bool]:
    """Compare estimate and measurement for every case; return the records and whether all lie within `limit`."""
    records, good = [], True
    for name, plan in CASES:
        shape, seen = TINY[name], measure(torch, TINY[name], plan, device)
        parts = estimate(shape, plan)
        logits = 4 * shape.vocab * plan.tokens                # what is kept after the forward pass: FP32 log-probabilities
        scale = 2 if plan.recipe == "fp32-adamw" else 1       # the inventory is for 16 bits
        expected = {key: parts[key] for key in ("weights", "gradients", "optimizer")}
        ends = 0 if plan.recipe in ADAPTERS else 4 * shape.hidden * plan.tokens
        expected["activations"] = (parts["activations"] + ends) * scale + logits
        expected["peak"] = sum(parts.values()) + (parts["activations"] + ends) * (scale - 1)
        off = {key: expected[key] / seen[key] - 1 for key in seen}
        good &= all(abs(value) <= limit for value in off.values())
        records.append({"model": name, "recipe": plan.recipe, "attention": plan.attention, "recompute": plan.recompute,
                        "measured": seen, "estimated": expected, "off": off})
    return records, good


def verdict(records: list[dict]) -> str:
    """Return the table of a check: the measured peak and the estimate's errors."""
    lines = [f"{'model':24}{'recipe':22}{'again':6}{'peak MB':>8}" + "".join(f"{key:>11}" for key in ("weights", "gradients", "optimizer", "kept", "peak"))]
    for r in records:
        name = r["model"] + (", eager" if r["attention"] == "eager" and "eager" not in r["model"] else "")
        lines.append(f"{name:24}{r['recipe']:22}{r['recompute']:6}{r['measured']['peak'] / 1e6:8.2f}" + "".join(f"{100 * r['off'][k]:+10.2f}%" for k in r["off"]))
    return "\n".join(lines)


# The command line ----------------------------------------------------------------------------------------------------

def arguments(words=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    model = parser.add_argument_group("model")
    model.add_argument("--model", choices=SHAPES, help="a known shape (default: 8b)")
    model.add_argument("--config", metavar="FILE", help="a Hugging Face config.json instead")
    for name in ("layers", "hidden", "ffn", "heads", "kv-heads", "vocab", "head-dim", "experts", "active"):
        model.add_argument(f"--{name}", type=int, metavar="N", help="overrides that size" if name == "layers" else None)
    run = parser.add_argument_group("run")
    run.add_argument("--recipe", choices=RECIPES, default="bf16-adamw", help="data types and optimizer (default: %(default)s)")
    run.add_argument("--micro-batch", type=int, default=1, metavar="N", help="sequences at once on a device (default: 1)")
    run.add_argument("--seq", type=int, default=4096, metavar="N", help="tokens a sequence (default: 4096)")
    run.add_argument("--zero", type=int, choices=(0, 1, 2, 3), default=0, help="ZeRO stage; FSDP2 is 3 (default: 0)")
    for name, what in (("dp", "data-parallel ranks"), ("tp", "tensor-parallel ranks"), ("pp", "pipeline stages"), ("cp", "context-parallel ranks"),
                       ("ep", "expert-parallel ranks"), ("micro-batches", "in a step, for the pipeline")):
        run.add_argument(f"--{name}", type=int, default=1, metavar="N", help=f"{what} (default: 1)")
    run.add_argument("--sp", action="store_true", help="sequence parallelism with --tp")
    run.add_argument("--recompute", choices=("none", "attention", "full"), default="none", help="what is not kept for the backward pass")
    run.add_argument("--attention", choices=("fused", "eager"), default="fused", help="eager keeps the s x s matrices")
    run.add_argument("--fused-mlp", action="store_true", help="SwiGLU in one kernel")
    run.add_argument("--loss-chunks", type=int, default=1, metavar="N", help="pieces of the loss; 0: fused with the output layer")
    run.add_argument("--lora-rank", type=int, default=16, metavar="R", help="of the adapters (default: 16)")
    run.add_argument("--frozen", type=float, default=0.0, metavar="X", help="share of the parameters that is not trained (default: 0)")
    run.add_argument("--offload", nargs="*", default=(), choices=("optimizer", "weights", "activations"), help="parts that live in host memory")
    run.add_argument("--sequences", type=int, default=1, metavar="N", help="inference: sequences in the KV cache")
    run.add_argument("--kv-bytes", type=float, default=2, metavar="B", help="inference: bytes a cached value (default: 2)")
    out = parser.add_argument_group("result")
    out.add_argument("--device-gb", type=float, metavar="GB", help="capacity of the device; the exit status says whether it fits")
    out.add_argument("--reserve", type=float, default=0.1, metavar="X", help="share of it to keep free (default: 0.1)")
    out.add_argument("--json", metavar="FILE", help="write the numbers there")
    out.add_argument("--verify", action="store_true", help="build tiny models with torch and compare, byte by byte")
    out.add_argument("--device", default="auto", help="for --verify: cpu, cuda or auto (default: auto)")
    out.add_argument("--limit", type=float, default=0.03, metavar="X", help="for --verify: error that is still agreement (default: 0.03)")
    return parser.parse_args(words)


def run_verify(args) -> tuple[dict, bool]:
    """Run --verify and print its table; raise Refused where torch or the device is missing."""
    try:
        import torch
    except ImportError as error:
        raise Refused(f"--verify needs PyTorch ({error}). The estimate itself does not: leave --verify out.") from None
    device = args.device
    if device == "auto":
        device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise Refused(f"no device '{device}': {str(error).splitlines()[0]}. Try --device cpu.") from None
    print(f"PyTorch {torch.__version__}, {device}, Python {platform.python_version()}; what is recomputed, the measured peak, and how far the estimate is off")
    records, good = verify(torch, device, args.limit)
    print(verdict(records))
    worst = max(abs(value) for r in records for value in r["off"].values())
    print(f"largest error {100 * worst:.2f}%, allowed {100 * args.limit:g}%: {'agrees' if good else 'DISAGREES'}")
    return {"torch": torch.__version__, "device": device, "records": records}, good


def main(words=None) -> int:
    """Run the command line; return the exit status."""
    args = arguments(words)
    try:
        if args.verify:
            result, good = run_verify(args)
        else:
            if args.model and args.config:
                raise Refused("give --model or --config, not both.")
            shape = shape_from_config(args.config) if args.config else SHAPES[args.model or "8b"]
            sizes = {name: value for name in ("layers", "hidden", "ffn", "heads", "kv_heads", "vocab", "head_dim", "experts", "active")
                     if (value := getattr(args, name)) is not None}
            shape = replace(shape, **sizes)
            plan = Plan(**{name: getattr(args, name) for name in Plan.__dataclass_fields__ if name != "offload"}, offload=tuple(args.offload))
            check(shape, plan)
            if not 0 <= args.reserve < 1:
                raise Refused(f"--reserve {args.reserve} is no share; give 0.1 for 10%.")
            parts = estimate(shape, plan)
            print(report(shape, plan, parts, args.device_gb, args.reserve))
            good = not args.device_gb or sum(parts.values()) <= args.device_gb * 1e9 * (1 - args.reserve)
            result = {"shape": asdict(shape), "parameters": shape.parameters(), "active": shape.parameters(active_only=True),
                      "plan": asdict(plan), "bytes": parts, "total": sum(parts.values()), "fits": good if args.device_gb else None}
        if args.json:
            try:
                Path(args.json).write_text(json.dumps(result, indent=1) + "\n", "utf-8")
            except OSError as error:
                raise Refused(f"cannot write {args.json}: {error.strerror}") from None
    except Refused as error:
        print(f"memory_estimator: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("memory_estimator: interrupted", file=sys.stderr)
        return 1
    except BrokenPipeError:      # the reader, head for instance, has seen enough
        sys.stdout = None
        return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
