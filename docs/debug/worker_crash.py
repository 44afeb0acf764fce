"""A DataLoader worker dies. Run: python worker_crash.py --how exception|killed|segfault [--workers N] [--fixed]"""

import argparse
import os
import signal
import sys

import torch
from torch.utils.data import DataLoader, Dataset

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--how", choices=["exception", "killed", "segfault"], default="exception")
parser.add_argument("--workers", type=int, default=2)
parser.add_argument("--fixed", action="store_true", help="run the mended program")
args = parser.parse_args()
RECORDS = [{"tokens": [1, 2, 3]} for _ in range(8)]
RECORDS[5] = {"text": "no tokens here"}


# --8<-- [start:broken]
class Records(Dataset):
    def __len__(self):
        return len(RECORDS)

    def __getitem__(self, i):
        if i == 5 and args.how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)            # what the kernel does when memory runs out
        if i == 5 and args.how == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)            # what a broken image decoder does
        return torch.tensor(RECORDS[i]["tokens"])
# --8<-- [end:broken]


# --8<-- [start:fixed]
class RecordsFixed(Records):
    good = [i for i, record in enumerate(RECORDS) if "tokens" in record]     # checked once, before training, and counted

    def __len__(self):
        return len(self.good)

    def __getitem__(self, i):
        try:
            return torch.tensor(RECORDS[self.good[i]]["tokens"])
        except Exception as error:
            raise RuntimeError(f"record {self.good[i]}: {error!r}") from error   # says which one
# --8<-- [end:fixed]


if __name__ == "__main__":
    data = RecordsFixed() if args.fixed else Records()
    if args.fixed:
        print(f"{len(RECORDS) - len(data)} of {len(RECORDS)} records left out")
    try:
        for step, batch in enumerate(DataLoader(data, batch_size=2, num_workers=args.workers)):
            print(f"step {step}", flush=True)
    except (RuntimeError, KeyError) as error:
        print(f"{type(error).__name__}: {error}")
        sys.exit(1)
    print("done")
