"""Mistakes of shape, dtype, device and graph, each broken and mended. Run: python mistakes.py NAME [--fixed]; without a name, all."""

import argparse
import warnings

import torch
from torch import nn

torch.manual_seed(0)


# --8<-- [start:shape]
def shape(fixed):
    images = torch.randn(4, 3, 8, 8)
    x = images.flatten(1) if fixed else images.flatten(2)   # keep the batch; do not keep the channels too
    return nn.Linear(192, 10)(x).shape
# --8<-- [end:shape]


# --8<-- [start:broadcast]
def broadcast(fixed):
    x = torch.arange(8.0)[:, None]
    prediction, target = 2 * x, 2 * x[:, 0]                 # [8, 1] and [8]: every prediction is right
    if fixed:
        prediction = prediction.squeeze(-1)
        assert prediction.shape == target.shape
    return f"loss {((prediction - target) ** 2).mean():.1f}"
# --8<-- [end:broadcast]


# --8<-- [start:dtype]
def dtype(fixed):
    model, x = nn.Linear(8, 4).bfloat16(), torch.randn(2, 8)
    return model(x.to(model.weight.dtype) if fixed else x).dtype
# --8<-- [end:dtype]


# --8<-- [start:device]
class Positions(nn.Module):
    def __init__(self, fixed):
        super().__init__()
        table = torch.arange(8.0)
        if fixed:
            self.register_buffer("table", table)            # moves with the module
        else:
            self.table = table                              # stays where it was made

    def forward(self, x):
        return x + self.table


def device(fixed):
    return Positions(fixed).to("meta")(torch.zeros(2, 8, device="meta")).device     # "meta" stands for a GPU here
# --8<-- [end:device]


# --8<-- [start:index]
def index(fixed):
    vocabulary, tokens = 100, torch.tensor([[5, 99, 100]])  # a token was added, the table was not
    return nn.Embedding(vocabulary + 1 if fixed else vocabulary, 8)(tokens).shape
# --8<-- [end:index]


# --8<-- [start:inplace]
def inplace(fixed):
    weight = torch.ones(3, requires_grad=True)
    y = weight.exp()
    y = y * 2 if fixed else y.mul_(2)                       # exp needs its own result for the gradient
    y.sum().backward()
    return weight.grad
# --8<-- [end:inplace]


MISTAKES = [shape, broadcast, dtype, device, index, inplace]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", choices=[f.__name__ for f in MISTAKES])
    parser.add_argument("--fixed", action="store_true", help="run the mended version")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for mistake in MISTAKES:
        if args.name in (None, mistake.__name__):
            try:
                print(f"{mistake.__name__}: {mistake(args.fixed)}")
            except (RuntimeError, IndexError) as error:
                print(f"{mistake.__name__}: {type(error).__name__}: {str(error).splitlines()[0]}")
