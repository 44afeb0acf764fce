"""NaN by overflow: squared activations leave the range of float16. Run: python nan_overflow.py [--fixed]"""

import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--fixed", action="store_true", help="run the mended program")
args = parser.parse_args()
torch.manual_seed(0)
WIDTH = 256


class SquaredReLU(nn.Module):
    def forward(self, x):
        return x.relu().square()


def block():
    linear = nn.Linear(WIDTH, WIDTH)
    # --8<-- [start:broken]
    nn.init.normal_(linear.weight, std=1.0)                 # variance grows WIDTH-fold in each layer
    # --8<-- [end:broken]
    if args.fixed:
        # --8<-- [start:fixed]
        nn.init.normal_(linear.weight, std=WIDTH**-0.5)     # variance stays
        # --8<-- [end:fixed]
    return nn.Sequential(linear, SquaredReLU())


model = nn.Sequential(block(), block(), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 1)).half()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for step in range(3):
    loss = model(torch.randn(8, WIDTH).half()).float().square().mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    print(f"step {step} loss {loss.item():.3f}", flush=True)
