#!/usr/bin/env python3
"""Save a sharded checkpoint on one number of ranks, load it on another, and prove that training goes on unchanged.

Needs PyTorch 2.6 or later. Runs on CPUs with gloo, on GPUs with nccl. Examples that work as they stand:

    OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node 4 dcp_reshard.py save /tmp/reshard
    OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node 2 dcp_reshard.py load /tmp/reshard

`save` trains three steps, saves, trains three more and notes their losses; `load` loads, trains the same three steps
and compares. The batch of a step is a function of the step alone and is split over whatever ranks there are, so the
losses must agree up to the order of additions. Exit codes: 0 equal, 1 different or failed, 2 wrong usage.
"""

import argparse
import json
import os
import socket
import sys
import time
from datetime import timedelta
from pathlib import Path

STEPS, BATCH, TOLERANCE = 3, 16, 1e-5


def say(message: str) -> None:
    """Print from rank 0 only."""
    if os.environ.get("RANK", "0") == "0":
        print(message, flush=True)


# --8<-- [start:state]
def make_training(device: str):
    """Return a model sharded over all ranks (FSDP2) and its optimizer; the sizes divide evenly by no rank count."""
    import torch
    from torch.distributed.fsdp import fully_shard

    torch.manual_seed(0)  # every rank builds the same weights, then keeps its shard
    model = torch.nn.Sequential(torch.nn.Linear(10, 33), torch.nn.Tanh(), torch.nn.Linear(33, 7)).to(device)
    for layer in model:
        if list(layer.parameters()):
            fully_shard(layer)
    fully_shard(model)
    return model, torch.optim.AdamW(model.parameters(), lr=1e-2)


class Training:
    """All that a restart needs, as the distributed checkpoint wants it: tensors by name, and how to put them back."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer, self.step = model, optimizer, 0

    def state_dict(self) -> dict:
        from torch.distributed.checkpoint.state_dict import get_state_dict
        weights, moments = get_state_dict(self.model, self.optimizer)  # names that do not depend on the rank count
        return {"model": weights, "optimizer": moments, "step": self.step}

    def load_state_dict(self, state: dict) -> None:
        from torch.distributed.checkpoint.state_dict import set_state_dict
        set_state_dict(self.model, self.optimizer, model_state_dict=state["model"], optim_state_dict=state["optimizer"])
        self.step = state["step"]
# --8<-- [end:state]


def train(training: Training, steps: int, device: str) -> list[float]:
    """Train some steps; return the mean loss of each over all ranks."""
    import torch
    import torch.distributed as dist

    losses = []
    for _ in range(steps):
        draw = torch.Generator().manual_seed(1000 + training.step)  # data is a function of the step: nothing to save but the step
        x, y = torch.randn(BATCH, 10, generator=draw), torch.randn(BATCH, 7, generator=draw)
        part = slice(dist.get_rank(), None, dist.get_world_size())
        loss = torch.nn.functional.mse_loss(training.model(x[part].to(device)), y[part].to(device))
        loss.backward()
        training.optimizer.step()
        training.optimizer.zero_grad()
        mean = loss.detach().clone()
        dist.all_reduce(mean)
        losses.append(mean.item() / dist.get_world_size())
        training.step += 1
    return losses


# --8<-- [start:save]
def flush(path: Path) -> None:
    """Make a file durable, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def save(training: Training, folder: Path, background: bool) -> Path:
    """Save into a folder that gets its final name only when every rank has written and flushed its part."""
    import torch.distributed as dist
    import torch.distributed.checkpoint as dcp

    final = folder / f"step_{training.step}"
    draft = folder / f"step_{training.step}.tmp"
    if background:
        dcp.async_save({"app": training}, checkpoint_id=draft).result(timeout=60)  # real code trains on here
    else:
        dcp.save({"app": training}, checkpoint_id=draft)
    dist.barrier()
    if dist.get_rank() == 0:
        if final.exists():  # saved before a rollback; a rename cannot replace a folder with files in it
            os.rename(final, folder / f"{final.name}.old-{time.time_ns()}")
        os.rename(draft, final)
        flush(folder)  # the new name is durable only when its folder is
        new = folder / "latest.new"
        new.write_text(final.name, "utf-8")
        flush(new)
        os.replace(new, folder / "latest")  # a reader sees the old name or the new one, never half
        flush(folder)
    dist.barrier()
    return final
# --8<-- [end:save]


def run(arguments: argparse.Namespace) -> int:
    """Do the work on this rank; return the exit code."""
    import torch
    import torch.distributed as dist
    import torch.distributed.checkpoint as dcp

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # async_save coordinates over the CPU, so it needs gloo beside nccl.
    dist.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo", timeout=timedelta(seconds=60))
    world = dist.get_world_size()
    if BATCH % world:
        say(f"dcp_reshard: use a number of ranks that divides {BATCH}")
        return 2
    training = Training(*make_training(device))
    if arguments.command == "save":
        arguments.folder.mkdir(parents=True, exist_ok=True)
        train(training, STEPS, device)
        final = save(training, arguments.folder, arguments.background)
        losses = train(training, STEPS, device)
        if dist.get_rank() == 0:
            (arguments.folder / "after.json").write_text(json.dumps(losses), "utf-8")
        files = sorted(file.name for file in final.iterdir())
        say(f"saved {final.name} on {world} ranks: {', '.join(files)}")
        say(f"trained on: {' '.join(f'{loss:.6f}' for loss in losses)}")
        dist.barrier()
        return 0
    latest = arguments.folder / "latest"
    if not latest.is_file():
        say(f"dcp_reshard: no checkpoint in {arguments.folder}; run `save` first")
        return 2
    if not (arguments.folder / latest.read_text("utf-8")).is_dir():
        say(f"dcp_reshard: {latest} names {latest.read_text('utf-8')}, which is not there; write the name of a complete folder into it")
        return 2
    # --8<-- [start:load]
    dcp.load({"app": training}, checkpoint_id=arguments.folder / latest.read_text("utf-8"))
    # --8<-- [end:load]
    losses = train(training, STEPS, device)
    expected = json.loads((arguments.folder / "after.json").read_text("utf-8"))
    worst = max(abs(one - other) for one, other in zip(losses, expected))
    say(f"loaded {latest.read_text('utf-8')} on {world} ranks: {' '.join(f'{loss:.6f}' for loss in losses)}")
    dist.barrier()
    say(f"{'equal' if worst < TOLERANCE else 'DIFFERENT'}: largest difference {worst:.1e}")
    return int(worst >= TOLERANCE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("save", "load"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--background", action="store_true", help="save with async_save")
    arguments = parser.parse_args()
    if "RANK" not in os.environ:
        print("dcp_reshard: start it with torchrun, for example: torchrun --standalone --nproc-per-node 4 dcp_reshard.py save /tmp/reshard", file=sys.stderr)
        return 2
    try:
        code = run(arguments)
    except KeyboardInterrupt:
        code = 1
    except BaseException as error:  # noqa: BLE001 - a CheckpointException is no Exception; a rank that fails must say which it is
        cause = error
        if getattr(error, "failures", None):  # a checkpoint error lists what went wrong on each rank
            cause = next(iter(error.failures.values()))[0]
        reason = (str(cause).strip().splitlines() or ["no reason given"])[0][:200]
        print(f"dcp_reshard: rank {os.environ['RANK']} on {socket.gethostname()}: {type(cause).__name__}: {reason}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # gloo's threads may abort a process that tears them down while another rank is already gone


if __name__ == "__main__":
    sys.exit(main())
