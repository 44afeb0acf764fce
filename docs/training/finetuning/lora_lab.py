#!/usr/bin/env python3
"""Fine-tune a tiny chat model on a CPU, in full and with LoRA; merge the adapter and show that nothing changed.

The base model can copy four tokens. Fine-tuning teaches it to reverse them. Both tasks have one format:

    <task> x1 x2 x3 x4 <assistant> y1 y2 y3 y4 <end>

LoRA (Hu et al., arXiv 2106.09685) replaces y = W x by y = W x + (alpha / r) B A x. W is frozen; A has r x d_in
values, B d_out x r and starts at zero. An adapted matrix so trains r (d_in + d_out) values instead of d_in d_out.
Merging adds (alpha / r) B A to W; the merged model must compute what the adapted one did.

Losses are nats a token, scores the share of whole replies that are right, end token included.
"""

import argparse
import copy
import json
import math
import sys

NUMBERS = 32                                     # tokens 0 .. 31 are the content
COPY, REVERSE, ASSISTANT, END = range(NUMBERS, NUMBERS + 4)
VOCAB, WIDTH, HEADS, LAYERS, LENGTH = NUMBERS + 4, 64, 4, 2, 4
IGNORE = -100                                    # what cross_entropy skips
TARGETS = ("q", "k", "v", "o", "up", "down")      # every linear layer of a block

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:                              # --help must work without it; main() says what to install
    torch = None


# --8<-- [start:render]
def render(turns, loss_on="assistant"):
    """Return the token ids and labels of a dialogue: a list of (task, prompt, reply) in token ids.

    A label is the id itself where the token is to be learned, and IGNORE elsewhere. The end token is part
    of the reply: a model that never learns it never stops.
    """
    ids, labels = [], []
    for task, prompt, reply in turns:
        asked, answered = [task, *prompt, ASSISTANT], [*reply, END]
        ids += asked + answered
        labels += asked if loss_on == "all" else [IGNORE] * len(asked)
        labels += answered
    return ids, labels
# --8<-- [end:render]


def batch(task, rows, generator, loss_on="assistant"):
    """Return ids and labels [rows, 11] of one-turn dialogues of a task with random prompts."""
    prompts = torch.randint(NUMBERS, (rows, LENGTH), generator=generator).tolist()
    pairs = [render([(task, p, p if task == COPY else p[::-1])], loss_on) for p in prompts]
    return torch.tensor([ids for ids, _ in pairs]), torch.tensor([labels for _, labels in pairs])


if torch:
    # --8<-- [start:lora]
    class LoRALinear(nn.Module):
        """A frozen linear layer W and a trained correction of rank r beside it."""

        def __init__(self, base, rank, alpha):
            super().__init__()
            self.base, self.scale = base.requires_grad_(False), alpha / rank
            self.A = nn.Parameter(torch.empty(rank, base.in_features))
            self.B = nn.Parameter(torch.zeros(base.out_features, rank))  # zero: step 0 is the base model
            nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))

        def forward(self, x):
            return self.base(x) + self.scale * (x @ self.A.T @ self.B.T)

        def merged(self):
            """Return one linear layer with W + scale B A."""
            layer = copy.deepcopy(self.base)
            layer.weight.data += (self.scale * self.B @ self.A).to(layer.weight.dtype)
            return layer

    def add_lora(model, rank, alpha, targets):
        """Freeze the model and put an adapter on every linear layer whose name is a target."""
        model.requires_grad_(False)
        for module in list(model.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.Linear) and name in targets:
                    setattr(module, name, LoRALinear(child, rank, alpha))
        return model

    def merge(model):
        """Return a copy of the model in which every adapter is added into its matrix."""
        model = copy.deepcopy(model)
        for module in list(model.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, LoRALinear):
                    setattr(module, name, child.merged())
        return model
    # --8<-- [end:lora]

    class Block(nn.Module):
        """Pre-norm attention and MLP, each matrix a linear layer of its own so that it can be adapted by name."""

        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

        def forward(self, x):
            y = self.norm1(x)
            q, k, v = (layer(y).unflatten(-1, (HEADS, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.o(y.transpose(1, 2).flatten(2))
            return x + self.down(F.gelu(self.up(self.norm2(x))))

    class TinyChat(nn.Module):
        """A causal transformer of two layers for dialogues of at most 32 tokens."""

        def __init__(self):
            super().__init__()
            self.tokens, self.positions = nn.Embedding(VOCAB, WIDTH), nn.Embedding(32, WIDTH)
            self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
            self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCAB, bias=False)

        def forward(self, ids):
            x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
            return self.head(self.norm(self.blocks(x)))


# --8<-- [start:loss]
def loss_of(model, ids, labels):
    """Return the mean cross-entropy over the labels that are not IGNORE: position t predicts token t + 1."""
    logits = model(ids[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORE)
# --8<-- [end:loss]


def train(model, task, steps, lr, seed, loss_on="assistant", replay=0.0, rows=64):
    """Train what is not frozen and return the losses; `replay` is the share of rows that show the copy task."""
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=lr, weight_decay=0.0, fused=True)
    generator = torch.Generator().manual_seed(seed)
    old = round(rows * replay)
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:      # 20 steps of warm-up, then linear decay
            group["lr"] = lr * min((step + 1) / 20, (steps - step) / steps)
        parts = [batch(task, rows - old, generator, loss_on)] + ([batch(COPY, old, generator, loss_on)] if old else [])
        loss = loss_of(model, *(torch.cat(tensors) for tensors in zip(*parts)))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def score(model, task, rows=256, seed=999):
    """Return the share of replies that are right to the last token, written greedily by the model itself."""
    ids, _ = batch(task, rows, torch.Generator().manual_seed(seed))
    text = ids[:, : LENGTH + 2]
    with torch.no_grad():
        for _ in range(LENGTH + 1):
            text = torch.cat([text, model(text)[:, -1:].argmax(-1)], dim=1)
    return (text == ids).all(dim=1).float().mean().item()


def four_bit(weight, block=64):
    """Return the weight rounded to 15 levels a block of 64 values: what a 4-bit checkpoint would keep of it."""
    blocks = weight.reshape(-1, block)
    step = blocks.abs().amax(dim=1, keepdim=True) / 7
    return (blocks / step).round().mul(step).reshape(weight.shape)


def quantize(model):
    """Return a copy of the model whose block matrices are rounded to 4 bits."""
    model = copy.deepcopy(model)
    for name, parameter in model.named_parameters():
        if name.startswith("blocks.") and parameter.dim() == 2 and not name.endswith((".A", ".B")):
            parameter.data = four_bit(parameter.data)
    return model


def trainable(model):
    """Return how many values the optimizer would change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def largest_difference(one, other):
    """Return the largest difference between the logits of two models on the same 64 dialogues."""
    ids, _ = batch(REVERSE, 64, torch.Generator().manual_seed(5))
    with torch.no_grad():
        return (one(ids) - other(ids)).abs().max().item()


METHODS = [  # name, adapter rank (0: none), targets, learning rate
    ("full", 0, (), 3e-3), ("head only", 0, ("head",), 1e-2), ("LoRA r=1", 1, TARGETS, 1e-2), ("LoRA r=8", 8, TARGETS, 1e-2)]


def prepare(base, rank, targets):
    """Return a copy of the base model, ready for one of the METHODS."""
    model = copy.deepcopy(base)
    if rank:
        return add_lora(model, rank, 2 * rank, targets)
    if targets:
        model.requires_grad_(False)
        for name in targets:
            getattr(model, name).requires_grad_(True)
    return model


def run(arguments):
    """Train the base, fine-tune it in each way, merge; return everything that the table shows."""
    torch.manual_seed(arguments.seed)
    base = TinyChat()
    train(base, COPY, 350, 3e-3, arguments.seed)
    result = {"torch": torch.__version__, "seed": arguments.seed, "steps": arguments.steps, "replay": arguments.replay,
              "parameters": trainable(base), "base": {"copy": score(base, COPY), "reverse": score(base, REVERSE)}, "methods": []}
    print(f"base model: {result['parameters']} parameters, copy {result['base']['copy']:.2f}, reverse {result['base']['reverse']:.2f}")
    print(f"{'method':10} {'trained':>8} {'share':>7} {'lr':>7} {'loss':>7} {'reverse':>8} {'copy':>6}", flush=True)
    kept = {}
    for name, rank, targets, lr in METHODS:
        torch.manual_seed(arguments.seed + 1)     # the same A for every run
        model = prepare(base, rank, targets)
        losses = train(model, REVERSE, arguments.steps, lr, arguments.seed + 2, replay=arguments.replay)
        row = {"method": name, "trained": trainable(model), "lr": lr, "loss": losses[-1],
               "reverse": score(model, REVERSE), "copy": score(model, COPY)}
        row["share"] = row["trained"] / result["parameters"]
        result["methods"].append(row)
        kept[name] = model
        print(f"{name:10} {row['trained']:8} {row['share']:7.1%} {lr:7.0e} {row['loss']:7.4f} {row['reverse']:8.2f} {row['copy']:6.2f}",
              flush=True)

    adapted = kept["LoRA r=8"]
    merged = merge(adapted)
    once_more = quantize(merged)
    result["merge"] = {"float32": largest_difference(adapted, merged),
                       "bfloat16": largest_difference(adapted, merge(copy.deepcopy(adapted).bfloat16()).float()),
                       "four_bit": largest_difference(adapted, once_more),
                       "adapter_off": largest_difference(adapted, base)}
    for name, text in (("float32", "merged in FP32"), ("bfloat16", "merged in BF16"), ("four_bit", "merged, then 4 bits"),
                       ("adapter_off", "adapter left out")):
        print(f"{text:20} largest logit difference {result['merge'][name]:.1e}")
    print(f"reverse: adapter {score(adapted, REVERSE):.2f}, merged {score(merged, REVERSE):.2f}, "
          f"merged then 4 bits {score(once_more, REVERSE):.2f}")

    unmasked = copy.deepcopy(base)
    result["loss_on_all"] = train(unmasked, REVERSE, arguments.steps, 3e-3, arguments.seed + 2, loss_on="all")[-1]
    # Four random tokens of ten cannot be predicted: the mean can never go below this.
    result["floor_on_all"] = LENGTH * math.log(NUMBERS) / (2 * LENGTH + 2)
    print(f"full, loss on all tokens: {result['loss_on_all']:.4f}, floor {result['floor_on_all']:.4f}")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter, epilog="""\
examples:
  python lora_lab.py                            compare four ways to fine-tune, then merge (half a minute)
  python lora_lab.py --replay 0.1 --json r.json keep a tenth of the old task in the batch; save the numbers

exit codes: 0 the merged model equals the adapted one, 1 it does not, 2 wrong arguments or no PyTorch""")
    parser.add_argument("--steps", type=int, default=200, help="steps of each fine-tuning, from 20 up (default 200)")
    parser.add_argument("--replay", type=float, default=0.0, help="share of the batch that shows the old task, 0 to 0.9 (default 0)")
    parser.add_argument("--seed", type=int, default=0, help="seed of model, adapters and data (default 0)")
    parser.add_argument("--json", metavar="FILE", help="also write the numbers to FILE")
    arguments = parser.parse_args()
    if arguments.steps < 20 or not 0 <= arguments.replay <= 0.9:
        parser.error("--steps must be at least 20 and --replay between 0 and 0.9")
    if torch is None:
        print("lora_lab: PyTorch is missing; try: pip install torch", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    try:
        result = run(arguments)
        if arguments.json:
            with open(arguments.json, "w", encoding="utf-8") as file:
                json.dump(result, file, indent=1)
    except KeyboardInterrupt:
        print("lora_lab: stopped; the rows above are complete", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"lora_lab: cannot write {arguments.json}: {error.strerror}; give --json another folder", file=sys.stderr)
        return 1
    if result["merge"]["float32"] > 1e-3:
        print("lora_lab: the merged model computes something else", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
