#!/usr/bin/env python3
"""Live through a whole training run in a minute: data, model, training, checkpoint, crash, resume, evaluation, sampling.

A byte-level decoder of about 0.1 million parameters learns a made-up language on one device. The run is small; its
parts are those of a large one, and so are the promises it keeps:

    held-out loss   cross-entropy in nats a byte; bits a byte = nats / ln 2; perplexity = exp(nats)
    floor           the entropy of the made-up language, known exactly: no model can do better on average
    resume          a run that was stopped and resumed ends with the loss of one that was not, bit for bit on a CPU

Needs PyTorch 2.4 or newer; --help works without.

    python tiny_run.py --steps 200
    python tiny_run.py --steps 200 --out run --stop-after 120 ; python tiny_run.py --steps 200 --out run

Exit status: 0 done; 1 training failed, was interrupted (the checkpoint is kept) or was stopped by --stop-after;
2 something to change in how it was started.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path

WORDS = {"subject": ["the model", "a node", "our run", "the loss"], "verb": ["sees", "sends", "saves", "needs"],
         "object": ["a batch", "the weights", "one more step", "a checkpoint"]}
CONTEXT, WIDTH, HEADS, LAYERS, BATCH, SAVE_EVERY = 64, 64, 4, 2, 16, 50


class Stop(Exception):
    """The run cannot go on: a message for people, and the exit status."""

    def __init__(self, message: str, status: int = 1):
        super().__init__(message)
        self.status = status


# --8<-- [start:data]
def corpus(sentences: int, seed: int) -> bytes:
    """Return sentences of the made-up language, one after another, each ending in a full stop and a space."""
    import random
    pick = random.Random(seed).choice
    return "".join(" ".join(pick(WORDS[part]) for part in WORDS) + ". " for _ in range(sentences)).encode()


def floor(text: bytes) -> float:
    """Return the entropy of the language in nats a byte: three free choices a sentence, everything else follows."""
    choices = sum(math.log(len(words)) for words in WORDS.values())
    return text.count(b". ") * choices / len(text)
# --8<-- [end:data]


def build_model(torch):
    """Return the decoder: embedding, blocks of attention and MLP with norms before them, tied output."""
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
            self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

        def forward(self, x):
            b, s, h = x.shape
            q, k, v = (t.view(b, s, HEADS, h // HEADS).transpose(1, 2) for t in self.qkv(self.norm1(x)).chunk(3, -1))
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(attended.transpose(1, 2).reshape(b, s, h))
            return x + self.down(F.gelu(self.up(self.norm2(x))))

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.token, self.place = nn.Embedding(256, WIDTH), nn.Embedding(CONTEXT, WIDTH)
            self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
            self.norm = nn.RMSNorm(WIDTH)
            for weights in (self.token.weight, self.place.weight):
                nn.init.normal_(weights, std=0.02)

        def forward(self, ids):
            x = self.token(ids) + self.place.weight[: ids.shape[1]]
            for block in self.blocks:
                x = block(x)
            return self.norm(x) @ self.token.weight.T

    return Decoder()


# --8<-- [start:checkpoint]
def save(torch, path: Path, state: dict) -> None:
    """Write a checkpoint that is either whole or not there: a file beside it, flushed to the disk, then renamed."""
    beside = path.with_suffix(".writing")
    try:
        with open(beside, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except (OSError, RuntimeError) as error:      # torch reports a full disk as RuntimeError
        raise Stop(f"cannot write {path}: {error}; the checkpoint before it is untouched. Free space, then resume") from None


def load(torch, path: Path, model, optimizer, steps: int) -> tuple[int, float]:
    """Fill model, optimizer and random state from `path`; return the step to go on from and the seconds spent."""
    try:
        # weights_only: tensors and plain values; a checkpoint from elsewhere can run no code here.
        state = torch.load(path, weights_only=True)
        if state["steps"] != steps:
            raise Stop(f"{path} belongs to a run of {state['steps']} steps: its schedule differs. Use --steps {state['steps']}", 2)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        return state["step"], state["seconds"]
    except Stop:
        raise
    except Exception as error:                    # a torn file fails in many ways; all of them mean the same
        raise Stop(f"cannot read {path} ({type(error).__name__}): is it a checkpoint of this program? Move it away to start afresh") from None
# --8<-- [end:checkpoint]


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Return the rate of `step`: warm-up over the first tenth, constant, linear to zero over the last fifth."""
    return peak * min(1.0, (step + 1) / max(1, steps // 10), (steps - step) / max(1, steps // 5))


def held_out_loss(torch, model, data) -> float:
    """Return the mean cross-entropy over the held-out text, in nats a byte, every byte predicted once."""
    F, total, count = torch.nn.functional, 0.0, 0
    with torch.no_grad():
        for at in range(0, len(data) - CONTEXT - 1, CONTEXT):
            piece = data[at: at + CONTEXT + 1].long()
            total += F.cross_entropy(model(piece[None, :-1])[0].float(), piece[1:], reduction="sum").item()
            count += CONTEXT
    return total / count


def sample(torch, model, start: bytes, length: int, device) -> str:
    """Return `start` continued by the likeliest bytes, up to `length` of them."""
    ids = list(start)
    with torch.no_grad():
        for _ in range(length):
            logits = model(torch.tensor([ids[-CONTEXT:]], device=device))[0, -1]
            ids.append(int(logits.argmax()))
    return bytes(ids).decode("utf-8", "replace")


def train(torch, options, folder: Path) -> dict:
    """Train, or go on training, and return what is worth knowing: losses, steps, seconds, bytes a second."""
    torch.manual_seed(options.seed)
    text, test = corpus(4000, options.seed), corpus(400, options.seed + 1)
    data = torch.frombuffer(bytearray(text), dtype=torch.uint8).to(options.device)
    held_out = torch.frombuffer(bytearray(test), dtype=torch.uint8).to(options.device)
    model = build_model(torch).to(options.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr, betas=(0.9, 0.95), weight_decay=0.1)
    path, step, spent = folder / "last.pt", 0, 0.0
    if path.exists():
        step, spent = load(torch, path, model, optimizer, options.steps)
        print(f"resumed at step {step} from {path.name}")
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(text):,} bytes of text, {options.device}, "
          f"PyTorch {torch.__version__}")
    begin, first, loss = time.perf_counter(), step, None

    def keep():
        save(torch, path, {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "random": torch.get_rng_state(),
                           "step": step, "steps": options.steps, "seconds": spent + time.perf_counter() - begin})

    print("  step    loss  grad norm        lr")
    try:
        # --8<-- [start:loop]
        while step < options.steps:
            at = torch.randint(len(data) - CONTEXT - 1, (BATCH,))
            batch = torch.stack([data[i: i + CONTEXT + 1] for i in at]).long()
            loss = torch.nn.functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1).float(), batch[:, 1:].flatten())
            if not math.isfinite(loss.item()):
                raise Stop(f"the loss is {loss.item()} at step {step}: lower --lr (now {options.lr:g})")
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, options.steps, options.lr)
            optimizer.step()
            optimizer.zero_grad()
            if step % SAVE_EVERY == 0 or step == options.steps - 1:
                print(f"{step:6d}  {loss.item():6.3f}  {norm.item():9.3f}  {optimizer.param_groups[0]['lr']:8.1e}")
            step += 1
            if step % SAVE_EVERY == 0 or step == options.steps:
                keep()
            if step == options.stop_after:
                raise Stop(f"stopped after step {step}, as asked; the newest checkpoint is at step {step // SAVE_EVERY * SAVE_EVERY}")
        # --8<-- [end:loop]
    except KeyboardInterrupt:
        again = f"start again to go on from step {step // SAVE_EVERY * SAVE_EVERY}" if options.out else "with --out it could go on from there"
        raise Stop(f"interrupted at step {step}; {again}") from None
    seconds = time.perf_counter() - begin
    nats = held_out_loss(torch, model, held_out)
    return {"steps": step, "train_loss": loss.item() if loss is not None else None, "held_out": nats, "floor": floor(test),
            "bits_a_byte": nats / math.log(2), "perplexity": math.exp(nats), "seconds": spent + seconds,
            "bytes_a_second": (step - first) * BATCH * CONTEXT / seconds if step > first else None,
            "sample": sample(torch, model, b"the model ", 50, options.device)}


def run(options) -> None:
    """Check the options, train in the folder asked for or in a temporary one, print and write the result."""
    if options.steps < 1 or options.lr <= 0:
        raise Stop("--steps and --lr must be positive", 2)
    try:
        import torch
    except ImportError:
        raise Stop("PyTorch is not installed here: install torch, or run this where it is", 2) from None
    if options.device == "auto":
        options.device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=options.device)
    except (RuntimeError, AssertionError) as error:     # torch without CUDA asserts
        raise Stop(f"--device {options.device} cannot be used: {str(error).splitlines()[0]}; try --device cpu", 2) from None
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.out or temporary)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Stop(f"cannot use --out {folder}: {error.strerror}; name a folder that you may write", 2) from None
        result = train(torch, options, folder)
    print(f"held out: {result['held_out']:.3f} nats a byte ({result['bits_a_byte']:.3f} bits, perplexity {result['perplexity']:.3f}); "
          f"floor {result['floor']:.3f}")
    print(f"sample:   {result['sample']}")
    print(f"{result['steps']} steps, {result['seconds']:.1f} s")
    if options.json:
        try:
            Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
        except OSError as error:
            raise Stop(f"cannot write {options.json}: {error.strerror}", 2) from None


def main() -> int:
    """Read the command line, run, and turn what went wrong into one line and an exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help="optimizer steps (default %(default)s)")
    parser.add_argument("--out", metavar="FOLDER", help="keep the checkpoint here, and resume from it if there is one")
    parser.add_argument("--stop-after", type=int, metavar="STEP", help="pretend to crash after this step")
    parser.add_argument("--lr", type=float, default=3e-3, help="peak learning rate (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ... (default auto)")
    parser.add_argument("--json", metavar="FILE", help="write the result for programs")
    try:
        run(parser.parse_args())
        return 0
    except Stop as stop:
        print(f"tiny_run: {stop}", file=sys.stderr)
        return stop.status


if __name__ == "__main__":
    sys.exit(main())
