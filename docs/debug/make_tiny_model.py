#!/usr/bin/env python3
"""Make a tiny model, tokenizer and data sets without a network, or cut a real model down.

make     writes a folder in the Hugging Face layout: config.json, model.safetensors, tokenizer.json and data/. The
         model is a Llama (dense, gqa) or a Mixtral (moe) with random weights, under 1 MB. Python alone writes tokenizer
         and data; weights need torch. transformers is not needed, and loads the result.
train    trains such a folder for some steps and checks that the first loss is near ln(vocabulary), that of a uniform
         guess, and that the last is at most 3/4 of the first.
compare  loads the folder with transformers too, and compares logits and token ids with this program's own.
cut      keeps some layers, and optionally the first tokens, of a real model. Works on bytes, so any dtype, and needs no torch.

Loss: mean cross-entropy in nats a token. Exit status: 0 done; 1 a check failed; 2 wrong usage or nothing to work on.
"""

import argparse
import json
import math
import os
import random
import re
import struct
import sys
import zlib
from collections import Counter
from pathlib import Path

EXAMPLES = """examples:
  python make_tiny_model.py make tiny --preset gqa
  python make_tiny_model.py train tiny --steps 20
  python make_tiny_model.py cut /models/some-70b small --layers 0,1 --vocab 1000
"""
# No two sizes are equal or share a role: hidden 64, queries 4 x 24 = 96, keys 2 x 24 = 48, feed-forward 160, vocabulary 320.
# A transposed or wrongly split tensor then fails on its shape; with 64 everywhere it would compute nonsense in silence.
# --8<-- [start:presets]
COMMON = dict(layers=2, hidden=64, heads=4, head_dim=24, vocab=320)
PRESETS = {
    "dense": dict(COMMON, kv=4, ffn=160, experts=0, active=0),
    "gqa":   dict(COMMON, kv=2, ffn=160, experts=0, active=0),
    "moe":   dict(COMMON, kv=2, ffn=56, experts=4, active=2),
}
# --8<-- [end:presets]
SPECIAL = ["<|pad|>", "<|bos|>", "<|eos|>"]
# Letters, one digit, anything else, white space. Written so that Python's re and the tokenizers library read it alike.
WORDS = r" ?[A-Za-z]+| ?[0-9]| ?[^\sA-Za-z0-9]+|\s+"
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4}


class Trouble(Exception):
    """Something that the user can mend; its text is the whole message."""


# ---------------------------------------------------------------- data

def sentences(count: int, seed: int) -> list[str]:
    """Return `count` short stories of a language with few choices, so that 20 steps are enough to learn something."""
    rng = random.Random(seed)
    colours, things = ["red", "green", "blue"], ["square", "circle", "bar"]
    names, places = ["Ada", "Ben", "Chen"], ["box", "tray", "cart"]
    stories = []
    for _ in range(count):
        name, number, place = rng.choice(names), rng.randint(2, 9), rng.choice(places)
        colour, thing = rng.choice(colours), rng.choice(things)
        stories.append(f"{name} puts {number} {colour} {thing}s in the {place}. One falls out. "
                       f"Now {number - 1} {colour} {thing}s are in the {place}.")
    return stories


def png(pixels: list[list[tuple[int, int, int]]]) -> bytes:
    """Encode rows of (red, green, blue) pixels as a PNG file."""
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in pixels)
    header = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def picture(colour: str, thing: str, size: int = 32) -> list[list[tuple[int, int, int]]]:
    """Draw a thing in a colour on white, size x size pixels."""
    ink = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (40, 80, 200)}[colour]
    middle, radius = (size - 1) / 2, size / 4
    inside = {"square": lambda x, y: max(abs(x), abs(y)) <= radius, "circle": lambda x, y: x * x + y * y <= radius * radius,
              "bar": lambda x, y: abs(x) <= radius and abs(y) <= radius / 3}[thing]
    return [[ink if inside(x - middle, y - middle) else (255, 255, 255) for x in range(size)] for y in range(size)]


def write_data(folder: Path, seed: int) -> None:
    """Write text, preference pairs and captioned images, each in the form that the datasets library reads."""
    stories = sentences(256, seed)
    pairs = [{"prompt": s[:s.index(" One")], "chosen": s[s.index(" Now"):], "rejected": re.sub(r"\d", "0", s[s.index(" Now"):])}
             for s in stories[:32]]
    images = folder / "image_text"
    images.mkdir(parents=True, exist_ok=True)
    captions = []
    for colour in ("red", "green", "blue"):
        for thing in ("square", "circle", "bar"):
            name = f"{colour}-{thing}.png"
            (images / name).write_bytes(png(picture(colour, thing)))
            captions.append({"file_name": name, "text": f"A {colour} {thing}."})
    for path, rows in [(folder / "text.jsonl", [{"text": s} for s in stories]), (folder / "preference.jsonl", pairs),
                       (images / "metadata.jsonl", captions)]:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


# ---------------------------------------------------------------- tokenizer

def byte_letters() -> list[str]:
    """Return the printable letter that stands for each byte in a byte-level BPE vocabulary (the GPT-2 convention)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(spare)) for byte in range(256)]


LETTERS = byte_letters()


def pieces(text: str) -> list[tuple[str, ...]]:
    """Split a text into words, each a tuple of byte letters."""
    return [tuple(LETTERS[byte] for byte in word.encode()) for word in re.findall(WORDS, text)]


def join(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """Replace each occurrence of a pair in a word by its concatenation, from the left."""
    out, i = [], 0
    while i < len(word):
        if word[i:i + 2] == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


# --8<-- [start:bpe]
def train_bpe(texts: list[str], vocab: int) -> list[tuple[str, str]]:
    """Return the merges of a byte-level BPE tokenizer of `vocab` tokens, in order.

    Of pairs that are equally frequent the smaller one goes first.
    """
    words = Counter(word for text in texts for word in pieces(text))
    merges: list[tuple[str, str]] = []
    while len(SPECIAL) + 256 + len(merges) < vocab:
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        if not pairs:
            raise Trouble(
                f"the text gives {len(SPECIAL) + 256 + len(merges)} tokens, "
                f"not {vocab}: use a longer one"
            )
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged = Counter()
        for word, count in words.items():
            merged[join(word, best)] += count
        words = merged
    return merges
# --8<-- [end:bpe]


def tokenizer_json(merges: list[tuple[str, str]]) -> dict:
    """Return the content of a tokenizer.json: special tokens, the 256 bytes, then a token a merge."""
    tokens = [*SPECIAL, *LETTERS, *(a + b for a, b in merges)]
    added = [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
             for i, token in enumerate(SPECIAL)]
    split = {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]}, "post_processor": None, "decoder": level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": {token: i for i, token in enumerate(tokens)}, "merges": [list(pair) for pair in merges]}}


def encode(text: str, tokenizer: dict) -> list[int]:
    """Return the token ids of a text, without special tokens."""
    vocab = tokenizer["model"]["vocab"]
    ranks = {tuple(pair): i for i, pair in enumerate(tokenizer["model"]["merges"])}
    ids = []
    for word in pieces(text):
        while len(word) > 1:
            best = min(zip(word, word[1:]), key=lambda pair: ranks.get(pair, math.inf))
            if best not in ranks:
                break
            word = join(word, best)
        ids += [vocab[token] for token in word]
    return ids


def decode(ids: list[int], tokenizer: dict) -> str:
    """Return the text of token ids; special tokens are left out."""
    names = {i: token for token, i in tokenizer["model"]["vocab"].items()}
    byte = {letter: i for i, letter in enumerate(LETTERS)}
    return bytes(byte[letter] for i in ids if names[i] not in SPECIAL for letter in names[i]).decode("utf-8", "replace")


# --8<-- [start:shrink]
def shrink_tokenizer(tokenizer: dict, vocab: int) -> tuple[dict, list[int]]:
    """Return a BPE tokenizer of at most `vocab` tokens, and the old id of each new one.

    Kept are the added (special) tokens, the tokens of one character, from which
    any text the old tokenizer knew can be spelt, and then the lowest ids, which in
    BPE are the most frequent. A merge stays if both halves and its result stay.
    """
    model = tokenizer["model"]
    if model.get("type") != "BPE":
        raise Trouble(
            f"the tokenizer is {model.get('type')}, only BPE can be cut: "
            "train a new one instead (make)"
        )
    merges = [
        tuple(m.split(" ")) if isinstance(m, str) else tuple(m)
        for m in model["merges"]
    ]
    by_id = {i: token for token, i in model["vocab"].items()} | {
        t["id"]: t["content"] for t in tokenizer["added_tokens"]
    }
    added = {t["id"] for t in tokenizer["added_tokens"]}
    single = {
        i
        for token, i in model["vocab"].items()
        if len(token) == 1 or re.fullmatch(r"<0x[0-9A-F]{2}>", token)
    }
    first = [i for i in sorted(by_id) if i in added | single]
    if len(first) > vocab:
        raise Trouble(
            f"--vocab {vocab} is too small: {len(first)} special and "
            "single-character tokens must stay"
        )
    others = [i for i in sorted(by_id) if i not in added | single]
    kept = sorted(first + others[:vocab - len(first)])
    names = {by_id[i] for i in kept}
    new_id = {old: new for new, old in enumerate(kept)}

    small = json.loads(json.dumps(tokenizer))
    small["model"]["vocab"] = {
        by_id[i]: new_id[i] for i in kept if by_id[i] in model["vocab"]
    }
    small["model"]["merges"] = [
        list(m)
        for m in merges
        if m[0] in names and m[1] in names and m[0] + m[1] in names
    ]
    for token in small["added_tokens"]:
        token["id"] = new_id[token["id"]]
    processors = small.get("post_processor") or {}
    for processor in processors.get("processors", [processors]):
        for token in (processor.get("special_tokens") or {}).values():
            # the ids that a template inserts
            token["ids"] = [new_id[i] for i in token["ids"]]
    return small, kept
# --8<-- [end:shrink]


# ---------------------------------------------------------------- safetensors: 8 bytes of length, a JSON header, the tensors

def read_header(path: Path) -> tuple[dict, int]:
    """Return the header of a safetensors file and the offset at which its tensors begin."""
    with path.open("rb") as file:
        raw = file.read(8)
        length = struct.unpack("<Q", raw)[0] if len(raw) == 8 else 0
        if not 2 <= length <= path.stat().st_size - 8:
            raise Trouble(f"{path} is not a safetensors file, or it was cut off")
        try:
            header = json.loads(file.read(length))
        except ValueError:
            raise Trouble(f"{path} is not a safetensors file: its header is no JSON") from None
    header.pop("__metadata__", None)
    return header, 8 + length


def write_safetensors(path: Path, tensors: list[tuple[str, str, list[int], int]], body) -> None:
    """Write a file from (name, dtype, shape, bytes) and an iterable of the tensors' bytes in that order."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, dtype, shape, size in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)                       # the tensors begin on a multiple of 8
    partial = path.with_suffix(".partial")                # a full disk must not leave a file that looks whole
    try:
        with partial.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for chunk in body:
                file.write(chunk)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


# ---------------------------------------------------------------- model: a dictionary of tensors and a function

def shapes(p: dict) -> dict[str, tuple[int, ...]]:
    """Return name and shape of each weight of a preset, named as Llama's and Mixtral's checkpoints name them."""
    out = {"model.embed_tokens.weight": (p["vocab"], p["hidden"])}
    for i in range(p["layers"]):
        block = f"model.layers.{i}."
        out |= {block + "input_layernorm.weight": (p["hidden"],),
                block + "self_attn.q_proj.weight": (p["heads"] * p["head_dim"], p["hidden"]),
                block + "self_attn.k_proj.weight": (p["kv"] * p["head_dim"], p["hidden"]),
                block + "self_attn.v_proj.weight": (p["kv"] * p["head_dim"], p["hidden"]),
                block + "self_attn.o_proj.weight": (p["hidden"], p["heads"] * p["head_dim"]),
                block + "post_attention_layernorm.weight": (p["hidden"],)}
        up, down = (p["ffn"], p["hidden"]), (p["hidden"], p["ffn"])
        if p["experts"]:
            out[block + "block_sparse_moe.gate.weight"] = (p["experts"], p["hidden"])
            for e in range(p["experts"]):
                expert = block + f"block_sparse_moe.experts.{e}."
                out |= {expert + "w1.weight": up, expert + "w2.weight": down, expert + "w3.weight": up}
        else:
            out |= {block + "mlp.gate_proj.weight": up, block + "mlp.up_proj.weight": up, block + "mlp.down_proj.weight": down}
    return out | {"model.norm.weight": (p["hidden"],), "lm_head.weight": (p["vocab"], p["hidden"])}


def parameters(p: dict) -> int:
    """Return how many parameters a preset has."""
    return sum(math.prod(shape) for shape in shapes(p).values())


def config_json(p: dict, dtype: str) -> dict:
    """Return the config.json that tells transformers what the weights are."""
    out = {"architectures": ["MixtralForCausalLM" if p["experts"] else "LlamaForCausalLM"], "model_type": "mixtral" if p["experts"] else "llama",
           "vocab_size": p["vocab"], "hidden_size": p["hidden"], "intermediate_size": p["ffn"], "num_hidden_layers": p["layers"],
           "num_attention_heads": p["heads"], "num_key_value_heads": p["kv"], "head_dim": p["head_dim"], "hidden_act": "silu",
           "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False,
           "attention_bias": False, "sliding_window": None, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "dtype": dtype}
    return out | ({"num_local_experts": p["experts"], "num_experts_per_tok": p["active"]} if p["experts"] else {})


def preset_of(config: dict) -> dict:
    """Return the sizes in a config.json that this program wrote (or one like it)."""
    if config.get("model_type") not in ("llama", "mixtral"):
        raise Trouble(f"this program runs llama and mixtral models, not {config.get('model_type')}: load the folder with transformers")
    return dict(layers=config["num_hidden_layers"], hidden=config["hidden_size"], heads=config["num_attention_heads"],
                kv=config["num_key_value_heads"], head_dim=config["head_dim"], ffn=config["intermediate_size"], vocab=config["vocab_size"],
                experts=config.get("num_local_experts", 0), active=config.get("num_experts_per_tok", 0))


def need_torch():
    """Import torch, or say how to get on without it."""
    try:
        import torch
    except ImportError:
        raise Trouble("this needs PyTorch: install it, or use make --no-weights for tokenizer and data alone") from None
    return torch


def random_weights(p: dict, seed: int) -> dict:
    """Return weights with standard deviation 0.02, norms at one. Small logits make the first loss ln(vocabulary)."""
    torch = need_torch()
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.ones(shape) if len(shape) == 1 else 0.02 * torch.randn(shape, generator=generator)
            for name, shape in shapes(p).items()}


def logits(w: dict, p: dict, ids):
    """Return the logits (batch, length, vocabulary) of token ids (batch, length): Llama, or Mixtral if there are experts."""
    import torch
    import torch.nn.functional as F
    batch, length = ids.shape
    norm = lambda x, name: F.rms_norm(x.float(), (p["hidden"],), eps=1e-5).to(x.dtype) * w[name]    # noqa: E731
    angle = torch.arange(length, device=ids.device)[:, None] / 10000.0 ** (torch.arange(0, p["head_dim"], 2, device=ids.device) / p["head_dim"])
    cos, sin = (f(torch.cat([angle, angle], -1)) for f in (torch.cos, torch.sin))

    def rotate(x):                                        # rotary positions: element i turns with element i + head_dim/2
        left, right = x.chunk(2, -1)
        return (x * cos + torch.cat([-right, left], -1) * sin).to(x.dtype)

    x = w["model.embed_tokens.weight"][ids]
    for i in range(p["layers"]):
        block = f"model.layers.{i}."
        h = norm(x, block + "input_layernorm.weight")
        q, k, v = (F.linear(h, w[f"{block}self_attn.{n}_proj.weight"]).view(batch, length, -1, p["head_dim"]).transpose(1, 2) for n in "qkv")
        a = F.scaled_dot_product_attention(rotate(q), rotate(k), v, is_causal=True, enable_gqa=True)
        x = x + F.linear(a.transpose(1, 2).flatten(2), w[block + "self_attn.o_proj.weight"])
        h = norm(x, block + "post_attention_layernorm.weight")
        if p["experts"]:
            weight, chosen = F.linear(h, w[block + "block_sparse_moe.gate.weight"]).float().softmax(-1).topk(p["active"], -1)
            weight = (weight / weight.sum(-1, keepdim=True)).to(x.dtype)
            for e in range(p["experts"]):                 # every expert sees every token: wasteful, and short
                w1, w2, w3 = (w[f"{block}block_sparse_moe.experts.{e}.w{n}.weight"] for n in (1, 2, 3))
                share = (weight * (chosen == e)).sum(-1, keepdim=True)
                x = x + share * F.linear(F.silu(F.linear(h, w1)) * F.linear(h, w3), w2)
        else:
            gate, up, down = (w[f"{block}mlp.{n}_proj.weight"] for n in ("gate", "up", "down"))
            x = x + F.linear(F.silu(F.linear(h, gate)) * F.linear(h, up), down)
    return F.linear(norm(x, "model.norm.weight"), w["lm_head.weight"])


def save_weights(path: Path, weights: dict) -> None:
    """Write a dictionary of tensors as safetensors."""
    import torch
    names = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}
    raw = {name: t.contiguous().view(torch.uint8).numpy().tobytes() for name, t in weights.items()}
    write_safetensors(path, [(n, names[t.dtype], list(t.shape), len(raw[n])) for n, t in weights.items()], raw.values())


def load_weights(path: Path) -> dict:
    """Read a safetensors file into tensors."""
    torch = need_torch()
    kinds = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
    header, start = read_header(path)
    body = bytearray(path.read_bytes())
    return {name: torch.frombuffer(body, dtype=kinds[e["dtype"]], count=math.prod(e["shape"]), offset=start + e["data_offsets"][0])
            .view(e["shape"]).clone() for name, e in header.items()}


# ---------------------------------------------------------------- the four commands

def read_json(path: Path) -> dict:
    """Read a JSON file, or say which is missing or broken."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise Trouble(f"no {path}: the folder must hold a model in the Hugging Face layout") from None
    except ValueError as error:
        raise Trouble(f"{path} is no JSON: {error}") from None


def make(args) -> dict:
    """Write a new folder with model, tokenizer and data, and return what it holds."""
    p, folder = PRESETS[args.preset], Path(args.folder)
    if folder.exists() and any(folder.iterdir()):
        raise Trouble(f"{folder} exists and is not empty: choose another name or remove it")
    weights = None if args.no_weights else random_weights(p, args.seed)      # before anything is written: torch may be missing
    write_data(folder / "data", args.seed)
    merges = train_bpe(sentences(256, args.seed), p["vocab"])
    files = {"config.json": config_json(p, args.dtype), "tokenizer.json": tokenizer_json(merges),
             "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 256, "pad_token": SPECIAL[0],
                                       "bos_token": SPECIAL[1], "eos_token": SPECIAL[2], "clean_up_tokenization_spaces": False,
                                       "chat_template": "{% for m in messages %}<|bos|>{{ m['role'] }}: {{ m['content'] }}<|eos|>{% endfor %}"
                                                        "{% if add_generation_prompt %}<|bos|>assistant: {% endif %}"},
             "generation_config.json": {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
    if weights is not None:
        torch = need_torch()
        save_weights(folder / "model.safetensors", {n: t.to(getattr(torch, args.dtype)) for n, t in weights.items()})
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    report = {"folder": str(folder), "preset": args.preset, "parameters": parameters(p), "kilobytes": round(size / 1000)}
    print(f"{folder}: {args.preset}, {report['parameters']:,} parameters, {report['kilobytes']} kB in all")
    print("  hidden {hidden}, {heads} heads of {head_dim}, {kv} for keys and values, feed-forward {ffn}, vocabulary {vocab}".format(**p)
          + (f", {p['active']} of {p['experts']} experts" if p["experts"] else ""))
    return report


def open_folder(folder: Path) -> tuple[dict, dict, dict]:
    """Return sizes, tokenizer and weights of a folder that make wrote."""
    p = preset_of(read_json(folder / "config.json"))
    tokenizer = read_json(folder / "tokenizer.json")
    if not (folder / "model.safetensors").is_file():
        raise Trouble(f"no {folder}/model.safetensors: make the folder without --no-weights")
    weights = load_weights(folder / "model.safetensors")
    wrong = [n for n, shape in shapes(p).items() if n not in weights or tuple(weights[n].shape) != shape]
    if wrong:
        raise Trouble(f"{wrong[0]} is missing or has another shape than config.json says")
    return p, tokenizer, weights


def train(args) -> dict:
    """Train for some steps, print the loss, and judge the first and the last."""
    torch = need_torch()
    torch.set_num_threads(1)                              # matrices this small gain nothing from threads, and on a busy host they stall
    import torch.nn.functional as F
    p, tokenizer, weights = open_folder(Path(args.folder))
    try:
        device = torch.accelerator.current_accelerator() or "cpu" if args.device == "auto" else args.device
        weights = {n: t.float().to(device).requires_grad_() for n, t in weights.items()}
    except (RuntimeError, AssertionError) as error:
        raise Trouble(f"--device {args.device} cannot be used: {str(error).splitlines()[0]}") from None
    bos, eos = 1, 2
    data = Path(args.folder) / "data/text.jsonl"          # a folder that cut wrote has none
    texts = [json.loads(line)["text"] for line in data.read_text("utf-8").splitlines()] if data.is_file() else sentences(256, args.seed)
    stream = [i for text in texts for i in [bos, *encode(text, tokenizer), eos]]
    tokens = torch.tensor(stream[:len(stream) // 65 * 65]).view(-1, 65)       # packed: 64 inputs and the next of each
    generator = torch.Generator().manual_seed(args.seed)
    optimizer = torch.optim.AdamW(weights.values(), lr=args.lr, betas=(0.9, 0.95), weight_decay=0.0)
    losses = []
    for step in range(args.steps):
        batch = tokens[torch.randint(len(tokens), (8,), generator=generator)].to(device)
        out = logits(weights, p, batch[:, :-1])
        loss = F.cross_entropy(out.flatten(0, 1).float(), batch[:, 1:].flatten())
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 5 == 0 or step == args.steps - 1:
            print(f"step {step:3}  loss {losses[-1]:.3f}")
    uniform = math.log(p["vocab"])
    start, fell = abs(losses[0] / uniform - 1) < 0.05, losses[-1] <= 0.75 * losses[0]
    print(f"first loss {losses[0]:.3f}, ln({p['vocab']}) = {uniform:.3f}: {'ok' if start else 'NOT within 5%'}")
    print(f"last loss {losses[-1]:.3f}, at most 3/4 of the first: {'ok' if fell else 'NO'}")
    return {"losses": losses, "uniform": uniform, "passed": start and fell}


def compare(args) -> dict:
    """Load the folder with transformers too, and compare logits and token ids with this program's."""
    torch = need_torch()
    try:
        import transformers
    except ImportError:
        raise Trouble("compare needs the transformers library, which is not installed here") from None
    p, tokenizer, weights = open_folder(Path(args.folder))
    other = transformers.AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32, attn_implementation="eager").eval()
    theirs = transformers.AutoTokenizer.from_pretrained(args.folder)
    texts = [*sentences(20, args.seed + 1), "Prices: 3.50, naïve café, 三个红色方块。\n\ttab", " two  spaces "]
    same = all(theirs(t, add_special_tokens=False)["input_ids"] == encode(t, tokenizer) and theirs.decode(encode(t, tokenizer)) == t
               for t in texts)
    ids = torch.tensor([encode(texts[0], tokenizer)])
    with torch.no_grad():
        mine, its = logits({n: t.float() for n, t in weights.items()}, p, ids), other(ids).logits
    gap, scale = (mine - its).abs().max().item(), its.abs().max().item()
    print(f"transformers {transformers.__version__}: {type(other).__name__}, {sum(t.numel() for t in other.parameters()):,} parameters")
    print(f"largest difference of logits {gap:.1e} (largest logit {scale:.2f}): {'ok' if gap <= 1e-5 * max(1, scale) else 'NO'}")
    print(f"token ids of {len(texts)} texts equal, and decoded back: {'ok' if same else 'NO'}")
    return {"difference": gap, "tokens_equal": same, "passed": gap <= 1e-5 * max(1, scale) and same}


def cut(args) -> dict:
    """Write a folder with some layers of another model, and return what is left."""
    source, target = Path(args.source), Path(args.folder)
    try:
        keep = [int(n) for n in args.layers.split(",")]
    except ValueError:
        raise Trouble(f"--layers {args.layers}: give numbers such as 0,1") from None
    config = read_json(source / "config.json")
    if "num_hidden_layers" not in config:
        raise Trouble("config.json has no num_hidden_layers at its top level: a model of several parts cannot be cut with this program")
    depth = config["num_hidden_layers"]
    if not all(0 <= n < depth for n in keep) or len(set(keep)) != len(keep):
        raise Trouble(f"--layers {args.layers}: the model has layers 0 to {depth - 1}, each may be named once")
    if target.exists() and any(target.iterdir()):
        raise Trouble(f"{target} exists and is not empty: choose another name or remove it")
    tokenizer, rows = None, None
    if args.vocab:
        tokenizer, rows = shrink_tokenizer(read_json(source / "tokenizer.json"), args.vocab)

    index = source / "model.safetensors.index.json"
    files = sorted(set(read_json(index)["weight_map"].values())) if index.is_file() else ["model.safetensors"]
    if not all((source / name).is_file() for name in files):
        raise Trouble(f"{source} lacks one of {', '.join(files)}: only safetensors checkpoints can be cut")
    where = {}
    for name in files:
        header, start = read_header(source / name)
        where |= {tensor: (source / name, start, entry) for tensor, entry in header.items()}
    layer = re.compile(r"^(.*\b(?:layers|h|blocks)\.)(\d+)(\..*)$")
    stacks = {found[1] for tensor in where if (found := layer.match(tensor)) and "expert" not in found[1]}
    if len(stacks) > 1:
        raise Trouble(f"the model has several stacks of layers ({', '.join(sorted(stacks))}): this program cuts models with one")

    plan, body = [], []
    for tensor, (path, start, entry) in where.items():
        found, begin, end = layer.match(tensor), *entry["data_offsets"]
        if found and int(found[2]) not in keep:
            continue
        name = f"{found[1]}{keep.index(int(found[2]))}{found[3]}" if found else tensor
        shape, picked = entry["shape"], None
        if rows is not None and re.search(r"(embed_tokens|wte|lm_head|embed_in|embed_out)\.weight$", tensor):
            width = (end - begin) // shape[0]             # bytes of one row
            shape, picked = [len(rows), *shape[1:]], [(start + begin + row * width, width) for row in rows]
        picked = picked or [(start + begin, end - begin)]
        plan.append((name, entry["dtype"], shape, sum(size for _, size in picked)))
        body.append((path, picked))

    def chunks():
        for path, picked in body:                         # one tensor's bytes at a time: a 141 GB model needs little memory
            with path.open("rb") as file:
                for offset, size in picked:
                    file.seek(offset)
                    while size:
                        chunk = file.read(min(size, 1 << 24))
                        if not chunk:
                            raise Trouble(f"{path} ends too early: it was cut off")
                        size -= len(chunk)
                        yield chunk

    target.mkdir(parents=True, exist_ok=True)
    write_safetensors(target / "model.safetensors", plan, chunks())
    new_id = {old: new for new, old in enumerate(rows)} if rows else None

    def change(settings: dict) -> dict:
        out = {}
        for key, value in settings.items():
            if key == "num_hidden_layers":
                value = len(keep)
            elif isinstance(value, list) and len(value) == depth and depth > 1 and "layer" in key:     # one entry a layer
                value = [value[n] for n in keep]
            elif new_id and key == "vocab_size":
                value = len(rows)
            elif new_id and key.endswith("_token_id") and value is not None:
                value = [new_id[i] for i in value if i in new_id] if isinstance(value, list) else new_id.get(value)
            elif new_id and key == "added_tokens_decoder":
                value = {str(new_id[int(i)]): token for i, token in value.items() if int(i) in new_id}
            out[key] = value
        return out

    for name in ("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.json"):
        if (source / name).is_file():
            content = tokenizer if name == "tokenizer.json" and tokenizer else change(read_json(source / name))
            (target / name).write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
    count = sum(math.prod(shape) for _, _, shape, _ in plan)
    size, before = sum(n for *_, n in plan), sum(e["data_offsets"][1] - e["data_offsets"][0] for _, _, e in where.values())
    print(f"{target}: layers {args.layers} of {depth}" + (f", {len(rows)} tokens" if rows else "") + f", {count:,} parameters, "
          f"{size / 1e6:,.2f} MB of {before / 1e6:,.2f}")
    return {"layers": keep, "vocab": len(rows) if rows else config.get("vocab_size"), "parameters": count, "bytes": size}


def main() -> int:
    """Read the command line, run a command, and turn trouble into one line and an exit status."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="write a folder with model, tokenizer and data")
    making.add_argument("--preset", choices=PRESETS, default="gqa")
    making.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    making.add_argument("--no-weights", action="store_true", help="tokenizer and data alone, without torch")
    training = commands.add_parser("train", help="train a folder and judge the loss")
    training.add_argument("--steps", type=int, default=20)
    training.add_argument("--lr", type=float, default=3e-3)
    training.add_argument("--device", default="auto")
    comparing = commands.add_parser("compare", help="check a folder against transformers")
    cutting = commands.add_parser("cut", help="keep some layers and tokens of a real model")
    cutting.add_argument("source")
    cutting.add_argument("--layers", default="0,1", help="numbers of the layers to keep (default 0,1)")
    cutting.add_argument("--vocab", type=int, help="keep at most this many tokens")
    for command in (making, training, comparing, cutting):
        command.add_argument("folder")
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--json", metavar="FILE", help="write the result here too")
    args = parser.parse_args()
    if getattr(args, "steps", 1) < 1:
        parser.error("--steps must be at least 1")
    try:
        report = {"make": make, "train": train, "compare": compare, "cut": cut}[args.command](args)
        if args.json:
            Path(args.json).write_text(json.dumps(report), "utf-8")
    except Trouble as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cannot use {error.filename or args.folder}: {os.strerror(error.errno) if error.errno else error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the folder may be incomplete", file=sys.stderr)
        return 1
    return 0 if report.get("passed", True) else 1


if __name__ == "__main__":
    sys.exit(main())
