"""NaN by a bad batch: every label of one batch is masked out. Run: python nan_bad_batch.py [--fixed]"""

import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--fixed", action="store_true", help="run the mended program")
args = parser.parse_args()
torch.manual_seed(0)
IGNORE = -100


class Loss(nn.Module):
    # --8<-- [start:broken]
    def forward(self, logits, labels):
        return nn.functional.cross_entropy(logits, labels, ignore_index=IGNORE)       # a mean over what is left: 0/0
    # --8<-- [end:broken]


class LossFixed(nn.Module):
    # --8<-- [start:fixed]
    def forward(self, logits, labels):
        total = nn.functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="sum")
        return total / (labels != IGNORE).sum().clamp(min=1)
    # --8<-- [end:fixed]


def batches():
    for step in range(6):
        labels = torch.randint(0, 10, (4,))
        if step == 3:
            labels[:] = IGNORE                              # four prompts so long that the answers were cut off
        yield torch.randn(4, 8), labels


model, criterion = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 10)), LossFixed() if args.fixed else Loss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step, (x, labels) in enumerate(batches()):
    loss = criterion(model(x), labels)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    print(f"step {step} loss {loss.item():.3f}", flush=True)
