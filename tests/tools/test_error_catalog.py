"""Each message of the catalogue that says it was provoked is provoked here, and reads as the table says."""

import re
import warnings
from pathlib import Path

import pytest
import yaml

ROWS = yaml.safe_load((Path(__file__).parents[2] / "docs/data/error_catalog.yml").read_text("utf-8"))["rows"]
pytestmark = pytest.mark.torch


def snippets(tmp_path):
    """Return {row id: a function that fails}; torch is imported here, so that the file can be collected without it."""
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.utils.data import DataLoader

    layer = nn.Linear(8, 4)

    def inplace():
        y = torch.ones(3, requires_grad=True).exp()
        y.mul_(2)
        y.sum().backward()

    def backward_twice():
        loss = layer(torch.ones(1, 8)).square().sum()
        loss.backward()
        loss.backward()

    def anomaly():
        with torch.autograd.detect_anomaly():
            (torch.tensor([-1.0], requires_grad=True).sqrt() * 0).sum().backward()

    def clip():
        p = nn.Parameter(torch.ones(1))
        p.grad = torch.tensor([float("nan")])
        nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)

    def inference_tensor():
        with torch.inference_mode():
            x = torch.ones(1, 8)
        layer(x).sum().backward()

    def weights_only():
        torch.save(Path("x"), tmp_path / "a.pt")
        torch.load(tmp_path / "a.pt")

    def truncated():
        torch.save(torch.ones(100_000), tmp_path / "b.pt")
        whole = (tmp_path / "b.pt").read_bytes()
        (tmp_path / "b.pt").write_bytes(whole[:len(whole) // 2])
        torch.load(tmp_path / "b.pt")

    def leaf():
        layer.weight.add_(1)

    return {
        "matmul-shape": lambda: layer(torch.ones(3, 16)), "broadcast-size": lambda: torch.ones(3) + torch.ones(4),
        "loss-broadcast": lambda: F.mse_loss(torch.ones(4, 1), torch.ones(4)), "view-stride": lambda: torch.ones(3, 4).t().view(12),
        "view-size": lambda: torch.ones(3, 4).view(5, 2), "cat-size": lambda: torch.cat([torch.ones(2, 3), torch.ones(2, 4)]),
        "collate": lambda: torch.stack([torch.ones(2), torch.ones(3)]),
        "target-batch": lambda: F.cross_entropy(torch.ones(4, 10), torch.tensor([0, 1, 2])),
        "layernorm": lambda: nn.LayerNorm(8)(torch.ones(2, 7)), "batchnorm-one": lambda: nn.BatchNorm1d(8)(torch.ones(1, 8)),
        "embedding-index": lambda: nn.Embedding(10, 4)(torch.tensor([10])),
        "target-bounds": lambda: F.cross_entropy(torch.ones(1, 10), torch.tensor([10])),
        "matmul-dtype": lambda: layer(torch.ones(3, 8).bfloat16()),
        "sdpa-dtype": lambda: F.scaled_dot_product_attention(*[torch.ones(1, 2, 4, 8)] * 2, torch.ones(1, 2, 4, 8).half()),
        "target-dtype": lambda: F.cross_entropy(torch.ones(1, 10), torch.tensor([1.0])),
        "numpy-bf16": lambda: torch.ones(2).bfloat16().numpy(), "device-one": lambda: torch.ones(2) + torch.ones(2, device="meta"),
        "meta-copy": lambda: nn.Linear(2, 2, device="meta").to("cpu"), "no-cuda": lambda: torch.ones(1, device="cuda"),
        "backward-twice": backward_twice, "no-grad": lambda: torch.ones(3).sum().backward(), "inplace": inplace, "leaf-inplace": leaf,
        "numpy-grad": lambda: layer.weight.numpy(), "inference-tensor": inference_tensor, "anomaly": anomaly, "clip": clip,
        "sd-size": lambda: layer.load_state_dict({"weight": torch.ones(4, 9), "bias": torch.ones(4)}),
        "sd-keys": lambda: layer.load_state_dict({"module.weight": torch.ones(4, 8), "bias": torch.ones(4)}),
        "weights-only": weights_only, "truncated": truncated, "optimizer-empty": lambda: torch.optim.SGD([], 0.1),
        "cpu-oom": lambda: torch.empty(1 << 50, dtype=torch.uint8),
        "worker-exception": lambda: list(DataLoader(BadRecords(), num_workers=1)),
        "worker-exited": lambda: list(DataLoader(BadRecords(dies=True), num_workers=1)),
        "no-rank": lambda: torch.distributed.init_process_group("gloo"), "no-group": lambda: torch.distributed.get_rank(),
    }


class BadRecords:
    def __init__(self, dies=False):
        self.dies = dies

    def __len__(self):
        return 4

    def __getitem__(self, i):
        if self.dies:
            import os
            os._exit(1)
        raise KeyError("tokens")


def pattern(message: str) -> re.Pattern:
    """Turn a message of the table into a pattern: an ellipsis stands for anything, white space for any white space."""
    plain = re.fullmatch(r"``? ?(.*?) ?`?`", message)[1]
    return re.compile("".join({"…": ".*?", " ": r"\s+"}.get(c, re.escape(c)) for c in plain), re.DOTALL)


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in ROWS if row["seen"] == "run"])
def test_message_is_what_the_table_says(row, tmp_path, monkeypatch):
    import torch
    if row["id"] == "no-cuda" and torch.version.cuda:
        pytest.skip("this torch has CUDA")
    monkeypatch.delenv("RANK", raising=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            snippets(tmp_path)[row["id"]]()
            said = "\n".join(str(w.message) for w in caught)
        except Exception as error:
            said = str(error)
    assert pattern(row["message"]).search(said), said


def test_the_table_has_45_rows_of_which_37_are_provoked():
    assert (len(ROWS), sum(row["seen"] == "run" for row in ROWS)) == (45, 37)
