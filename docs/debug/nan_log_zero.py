"""NaN by the logarithm of zero: the loss is right, its gradient is not. Run: python nan_log_zero.py [--fixed]"""

import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--fixed", action="store_true", help="run the mended program")
args = parser.parse_args()
torch.manual_seed(0)


# --8<-- [start:broken]
def entropy(logits):
    p = logits.softmax(-1)
    return -torch.where(p > 0, p * p.log(), 0.0).sum(-1).mean()        # 0 log 0 is hidden, its gradient is not
# --8<-- [end:broken]


# --8<-- [start:fixed]
def entropy_fixed(logits):
    log_p = logits.log_softmax(-1)
    safe = log_p.masked_fill(log_p == float("-inf"), 0.0)              # replaced before it is used
    return -(log_p.exp() * safe).sum(-1).mean()
# --8<-- [end:fixed]


model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
forbidden = torch.tensor([False, False, False, True])                  # the last choice may never be taken
for step in range(3):
    logits = model(torch.randn(32, 8)).masked_fill(forbidden, float("-inf"))
    loss = -(entropy_fixed if args.fixed else entropy)(logits)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    print(f"step {step} loss {loss.item():.4f}", flush=True)
