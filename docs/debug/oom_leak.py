"""Out of memory by a leak: a list of losses keeps every graph alive. Run: python oom_leak.py [--fixed]

The program gives itself 300 MB beyond what it has after the imports, so that it fails soon. Linux.
"""

import argparse
import collections
import gc
import resource
import sys

import torch
from torch import nn

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--fixed", action="store_true", help="run the mended program")
args = parser.parse_args()
torch.manual_seed(0)
torch.set_num_threads(1)


# --8<-- [start:census]
def census():
    """Count the tensors that Python can reach, by shape and by whether a graph hangs on them."""
    alive = (t for t in gc.get_objects() if issubclass(type(t), torch.Tensor))
    return collections.Counter((tuple(t.shape), "with graph" if t.grad_fn else "no graph") for t in alive)
# --8<-- [end:census]


def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


model = nn.Sequential(nn.Linear(512, 512), nn.Tanh(), nn.Linear(512, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)


def step():
    loss = model(torch.randn(1024, 512)).square().mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return model(torch.randn(1024, 512)).square().mean()        # the validation loss, after the step


step()
with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 300_000_000, -1))
history, before = [], census()
try:
    for number in range(200):
        # --8<-- [start:broken]
        loss = step()
        history.append(loss)                    # a scalar, and behind it everything that made it
        # --8<-- [end:broken]
        if args.fixed:
            history.pop()
            # --8<-- [start:fixed]
            history.append(loss.item())         # a Python number; nothing hangs on it
            # --8<-- [end:fixed]
        del loss
        if number % 20 == 0:
            print(f"step {number:3} resident {resident_mb():.0f} MB", flush=True)
except RuntimeError as error:
    print(f"step {number:3} {str(error).splitlines()[0]}")
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))            # the census needs memory too
    for (shape, graph), count in (census() - before).most_common(6):
        print(f"  {count} more tensors than at the start: shape {list(shape)}, {graph}")
    sys.exit(1)
print(f"done, resident {resident_mb():.0f} MB")
