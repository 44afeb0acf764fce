#!/usr/bin/env python3
"""Train on ranks that get killed, restart from the checkpoint, and arrive at the same loss to the last bit.

Python 3.11 and PyTorch 2.6 or later; CPU ranks over gloo. Examples that work as they stand:

    export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
    torchrun --standalone --nproc-per-node 2 --max-restarts 2 survive_lab.py --dir /tmp/survive --kill 1@17
    torchrun --standalone --nproc-per-node 2 survive_lab.py --dir /tmp/calm
    python survive_lab.py --compare /tmp/survive/losses.csv /tmp/calm/losses.csv

--kill RANK@STEP ends that rank with SIGKILL before that step, on the first start only, as a dead node would; torchrun
ends the others and starts all again. The variable gives each start a key-value store of its own: torchrun 2.13 else
keeps one over restarts, and new ranks may look for the addresses of those that died. In --dir lie checkpoint.pt, losses.csv, and two switches that anybody who may
write there can touch: SAVE writes a checkpoint at the next step, STOP writes one and ends the run with exit code 0.

Exit codes: 0 done (or losses equal), 1 losses differ, 2 wrong usage; a killed rank leaves its signal to torchrun.
"""

import argparse
import csv
import os
import signal
import socket
import sys
from datetime import timedelta
from pathlib import Path


# --8<-- [start:checkpoint]
def save(path: Path, state: dict) -> None:
    """Write state so that a crash at any moment leaves the old file or the new one, never half a file."""
    import torch
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def switched(folder: Path, dist) -> str:
    """Return "", "SAVE" or "STOP", the same on every rank: rank 0 looks, all are told."""
    word = [""]
    if dist.get_rank() == 0:
        word = [next((name for name in ("STOP", "SAVE") if (folder / name).exists()), "")]
        if word[0]:
            (folder / word[0]).unlink()
    dist.broadcast_object_list(word, src=0)
    return word[0]
# --8<-- [end:checkpoint]


def train(options: argparse.Namespace) -> int:
    """Train on the ranks that torchrun started."""
    import torch
    import torch.distributed as dist
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel

    folder, rank = options.dir, int(os.environ["RANK"])
    checkpoint, log = folder / "checkpoint.pt", folder / "losses.csv"
    attempt = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    dist.init_process_group("gloo", timeout=timedelta(seconds=options.timeout))
    torch.manual_seed(100 + rank)  # each rank its own dropout: that state has to come back too
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.Dropout(0.1), nn.Linear(32, 1))
    model = DistributedDataParallel(model)  # sends rank 0's first weights to all
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
    first = 0
    # --8<-- [start:resume]
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.module.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["rng"][rank])
        first = state["step"]
    # --8<-- [end:resume]
    if rank == 0:
        print(f"start {attempt}: from step {first}", flush=True)
        kept = []
        if log.exists():  # steps after the checkpoint are about to be done again
            kept = [line for line in log.read_text().splitlines()[1:] if int(line.split(",")[0]) < first]
        log.write_text("\n".join(["step,loss", *kept]) + "\n")

    def write(step: int) -> None:
        states = [None] * dist.get_world_size()
        dist.all_gather_object(states, torch.get_rng_state())
        if rank == 0:
            save(checkpoint, {"step": step, "model": model.module.state_dict(), "optimizer": optimizer.state_dict(),
                              "schedule": schedule.state_dict(), "rng": states})

    for step in range(first, options.steps):
        if attempt == 0 and options.kill == (rank, step):
            os.kill(os.getpid(), signal.SIGKILL)
        data = torch.Generator().manual_seed(1_000_000 * rank + step)  # the step is the position in the data
        x = torch.randn(16, 8, generator=data)
        loss = nn.functional.mse_loss(model(x), x.sin().sum(1, keepdim=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        mean = loss.detach().double()
        dist.all_reduce(mean)
        if rank == 0:
            with log.open("a") as file:
                file.write(f"{step},{mean.item() / dist.get_world_size()!r}\n")
        word = switched(folder, dist)
        if (step + 1) % options.every == 0 or word:
            write(step + 1)
        if word == "STOP":
            break
    if rank == 0:
        print(f"done: step {step + 1 if first < options.steps else first}, loss {log.read_text().split(',')[-1].strip()[:8]}", flush=True)
    dist.destroy_process_group()
    return 0


def compare(paths: list[Path]) -> int:
    """Print whether two logs hold the same losses, bit for bit; return the exit code."""
    runs = []
    for path in paths:
        with path.open() as file:
            runs.append({row["step"]: row["loss"] for row in csv.DictReader(file)})
    differ = [step for step in runs[0].keys() | runs[1].keys() if runs[0].get(step) != runs[1].get(step)]
    print(f"{len(runs[0])} and {len(runs[1])} steps, {len(differ)} differ" + (f", first {min(map(int, differ))}" if differ else ": equal to the last bit"))
    return int(bool(differ))


def place(text: str) -> tuple[int, int]:
    """Return (rank, step) from RANK@STEP."""
    rank, step = text.split("@")
    return int(rank), int(step)


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=Path, help="folder for checkpoint and log")
    parser.add_argument("--steps", type=int, default=40, help="steps to train (default 40)")
    parser.add_argument("--every", type=int, default=10, help="steps between checkpoints (default 10)")
    parser.add_argument("--kill", type=place, metavar="RANK@STEP", help="who dies when, on the first start")
    parser.add_argument("--timeout", type=float, default=120, help="seconds that a collective may take (default 120)")
    parser.add_argument("--compare", type=Path, nargs=2, metavar="LOG", help="compare the losses of two runs")
    options = parser.parse_args()
    try:
        if options.compare:
            return compare(options.compare)
        if "RANK" not in os.environ:
            parser.error("start it with torchrun, as --help shows")
        if options.dir is None or options.steps < 1 or options.every < 1:
            parser.error("--dir is needed; --steps and --every are 1 or more")
        options.dir.mkdir(parents=True, exist_ok=True)
        return train(options)
    except ImportError:
        print("survive_lab.py needs PyTorch: pip install torch", file=sys.stderr)
        return 2
    except (OSError, RuntimeError) as error:
        where = f"rank {os.environ.get('RANK', '-')} on {socket.gethostname()}"
        print(f"survive_lab.py, {where}: {str(error).splitlines()[0][:120]}; if another rank died, torchrun starts all again", file=sys.stderr)
        return 2 if options.compare else 3


if __name__ == "__main__":
    sys.exit(main())
