#!/usr/bin/env python3
"""Bytes that one rank sends in a training step, by parallel axis, and the bandwidth that hides them.

N parameters, L layers, hidden size h, n accelerators = dp * cp * pp * tp, q bytes an element (BF16: 2).
w = q * N / (tp * pp) is a rank's weights, g its gradients, d = dp * cp the ranks that share weights,
T = tokens a step / (dp * cp) the tokens of one tensor-parallel group, m its micro-batches, L/pp the layers of the
largest stage. Sent a rank and step:

    dp, ZeRO 0   2 g (d-1)/d                      all-reduce
    dp, ZeRO 1   (g + w) (d-1)/d                  reduce-scatter, all-gather
    dp, ZeRO 2   (m g + w) (d-1)/d                gradients leave after every micro-batch
    dp, ZeRO 3   m (2 w + g) (d-1)/d              two all-gathers and a reduce-scatter a micro-batch
    tp           4 L/pp * 2 (tp-1)/tp * q T h     four all-reduces a layer; with sequence parallelism the same bytes
    pp           2 q T h (/ tp with --sp)         a middle stage: activations on, gradients back
    cp           6 (cp-1) L/pp * q T kv/tp        K and V forward and again backward, then their gradients
    ep           2 L_moe/pp * T/tp k h (q_d + q_c) (ep-1)/ep    dispatch and combine, forward and backward

Floor: bytes / (step time * overlap), step time = 6 N_active tokens / (n * peak * MFU). Sources: Rajbhandari et al. for
ZeRO; Korthikanti et al. (arXiv:2205.05198) for tp; Megatron Core's context parallel guide for cp. Embedding, logits,
recomputation and the gradient norm are left out. --check runs each axis on real processes and counts.

Needs Python 3.11; --check needs PyTorch. Exit status: 0 done, 1 the check failed, 2 wrong usage.

Examples:
  python comm_volume.py --params 70e9 --layers 80 --hidden 8192 --kv 1024 --gpus 64 --tp 8 --zero 3 --tokens 4194304
  python comm_volume.py --check --ranks 4
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import struct
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """A model, a layout and a batch; sizes in elements, bytes an element where the name says so."""

    params: float
    layers: int
    hidden: int
    gpus: int
    tokens: float
    kv: int = 0              # width of K, and of V: KV heads * head dimension; 0 stands for hidden
    tp: int = 1
    pp: int = 1
    cp: int = 1
    ep: int = 1
    zero: int = 0
    micro_batches: int = 1
    sp: bool = False
    experts_per_token: int = 0
    moe_layers: int = 0
    expert_params: float = 0
    active_params: float = 0
    weight_bytes: float = 2
    grad_bytes: float = 2
    dispatch_bytes: float = 2
    combine_bytes: float = 2

    @property
    def dp(self) -> int:
        """Return the data-parallel size: what the other axes leave."""
        return self.gpus // (self.tp * self.pp * self.cp)

    @property
    def stage_layers(self) -> int:
        """Return the layers of the largest pipeline stage."""
        return math.ceil(self.layers / self.pp)


@dataclass(frozen=True)
class Line:
    """One row of the answer: an axis, its group, the operations and the bytes that a rank sends a step."""

    axis: str
    group: int
    operations: str
    sent: float


# --8<-- [start:formulas]
def ring(group: int) -> float:
    """Return the factor of an all-gather or a reduce-scatter over `group` ranks."""
    return (group - 1) / group


def data_parallel(job: Job, params: float, group: int) -> float:
    """Return the bytes for gradients and weights that `group` ranks share."""
    weights, grads = params * job.weight_bytes, params * job.grad_bytes
    m = job.micro_batches
    moved = {0: 2 * grads, 1: grads + weights, 2: m * grads + weights,
             3: m * (2 * weights + grads)}[job.zero]
    return moved * ring(group)


def activation(job: Job) -> float:
    """Return the bytes of one activation of a tensor-parallel group's tokens."""
    return job.tokens / (job.dp * job.cp) * job.hidden * job.weight_bytes


def tensor(job: Job) -> float:
    """Return the bytes of four all-reduces a layer (or all-gathers, reduce-scatters)."""
    return 4 * job.stage_layers * 2 * ring(job.tp) * activation(job)


def pipeline(job: Job) -> float:
    """Return the bytes of a middle stage: activations on, gradients back."""
    return min(2, job.pp - 1) * activation(job) / (job.tp if job.sp else 1)


def context(job: Job) -> float:
    """Return the bytes for K and V round the ring, twice, and for their gradients."""
    both = 2 * activation(job) * (job.kv or job.hidden) / job.hidden / job.tp
    return 3 * (job.cp - 1) * job.stage_layers * both


def expert(job: Job) -> float:
    """Return the bytes for dispatch and combine, forward and backward, that leave the rank."""
    copies = job.tokens / (job.dp * job.cp) / job.tp * job.experts_per_token
    one = copies * job.hidden * (job.dispatch_bytes + job.combine_bytes)
    return 2 * math.ceil(job.moe_layers / job.pp) * one * ring(job.ep)
# --8<-- [end:formulas]


def volume(job: Job) -> list[Line]:
    """Return a line for each axis that is in use."""
    shared = job.dp * job.cp
    dense = (job.params - job.expert_params) / (job.tp * job.pp)
    names = {0: "all-reduce", 1: "reduce-scatter, all-gather", 2: "reduce-scatter, all-gather", 3: "2 all-gathers, reduce-scatter"}
    lines = [Line("tp + sp" if job.sp else "tp", job.tp, "all-gather, reduce-scatter" if job.sp else "all-reduce", tensor(job)),
             Line("cp", job.cp, "send/receive or all-gather", context(job)),
             Line("ep", job.ep, "all-to-all", expert(job)),
             Line("pp", job.pp, "send/receive", pipeline(job)),
             Line(f"dp, ZeRO {job.zero}", shared, names[job.zero], data_parallel(job, dense, shared))]
    if job.expert_params:
        experts, group = job.expert_params / (job.ep * job.pp), job.gpus // (job.ep * job.pp)
        lines.append(Line("dp of experts", group, names[job.zero], data_parallel(job, experts, group)))
    return [line for line in lines if line.group > 1]


def step_seconds(job: Job, peak: float, mfu: float) -> float:
    """Return the compute time of a step in seconds: 6 FLOP a token and active parameter; peak in FLOP/s."""
    return 6 * (job.active_params or job.params) * job.tokens / (job.gpus * peak * mfu)


def check_layout(job: Job) -> str | None:
    """Return what is wrong with a layout, or None."""
    model = job.tp * job.pp * job.cp
    if min(job.tp, job.pp, job.cp, job.ep, job.gpus, job.micro_batches, job.layers, job.hidden) < 1 or job.tokens <= 0 or job.params <= 0:
        return "sizes and degrees must be positive"
    if job.gpus % model:
        return f"--gpus {job.gpus} is no multiple of tp * pp * cp = {model}"
    if job.layers < job.pp:
        return f"--layers {job.layers} cannot fill --pp {job.pp} stages"
    if job.ep > 1 and not (job.experts_per_token and job.moe_layers and job.expert_params):
        return "--ep needs --experts-per-token, --moe-layers and --expert-params"
    if job.ep > 1 and job.gpus % (job.ep * job.pp):
        return f"--gpus {job.gpus} is no multiple of ep * pp = {job.ep * job.pp}"
    if job.expert_params > job.params:
        return "--expert-params is part of --params and cannot exceed it"
    if not 0 <= job.zero <= 3:
        return f"--zero {job.zero}: stages are 0 (DDP) to 3"
    return None


def answer(job: Job, seconds: float, overlap: float) -> str:
    """Return the table for people."""
    lines = [f"n = {job.gpus} = dp {job.dp} x cp {job.cp} x pp {job.pp} x tp {job.tp}" + (f", ep {job.ep}" if job.ep > 1 else "")
             + f"; {job.tokens / job.gpus:,.0f} tokens a GPU; step {seconds:.2f} s of compute, {overlap:.0%} of it to hide in",
             f"{'axis':15}{'ranks':>6}  {'operations':31}{'sent, GB':>9}{'floor, GB/s':>13}"]
    lines += [f"{line.axis:15}{line.group:6}  {line.operations:31}{line.sent / 1e9:9.2f}{line.sent / seconds / overlap / 1e9:13.1f}"
              for line in volume(job)]
    return "\n".join(lines)


# What follows counts bytes around real collectives; nothing above needs torch.

WIDTH, LAYERS, TOKENS, TOP = 128, 2, 256, 2  # h, L, tokens a group, experts a token of the tiny model
F32 = 4


# --8<-- [start:counter]
def call_counter():
    """Return a dispatch mode that adds up, over the collectives called inside it, the bytes that a ring sends."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Calls(TorchDispatchMode):
        """`sent` is what a ring would send; `wire` the same with gloo's reduce-scatter, which is an all-reduce inside."""

        def __init__(self, n: int):
            super().__init__()
            self.n, self.sent, self.wire = n, 0.0, 0.0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            library, _, name = function._schema.name.partition("::")
            if library in ("c10d", "_c10d_functional"):
                self.add(name, args)
            return function(*args, **(kwargs or {}))

        def add(self, name: str, args: tuple) -> None:
            """Count one call; the argument that holds the whole buffer differs between operations."""
            n, first, last = self.n, size_of(args[0]), size_of(args[1]) if len(args) > 1 else 0
            if "reduce_scatter" in name:
                self.sent += ring(n) * max(first, last)
                self.wire += 2 * ring(n) * max(first, last)
                return
            functional = name.endswith("_into_tensor")  # the functional form is given the shard, not the whole
            sent = (2 * ring(n) * first if name.startswith(("allreduce", "all_reduce")) else
                    ring(n) * (first * n if functional else max(first, last)) if name.startswith(("_allgather", "allgather", "all_gather")) else
                    ring(n) * max(first, last) if name.startswith(("alltoall", "all_to_all")) else
                    first if name == "send" else 0)
            self.sent += sent
            self.wire += sent

    return Calls
# --8<-- [end:counter]


def size_of(value) -> float:
    """Return the bytes of a tensor, or of the tensors in a list; 0 for anything else."""
    import torch
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    return sum(size_of(one) for one in value) if isinstance(value, (list, tuple)) else 0


def wire_bytes() -> int | None:
    """Return the bytes acknowledged on this process's TCP sockets (Linux: tcpi_bytes_acked); None where unknown."""
    total = 0
    for number in os.listdir("/proc/self/fd") if sys.platform == "linux" else ():
        try:
            if os.readlink(f"/proc/self/fd/{number}").startswith("socket:"):
                with socket.socket(fileno=os.dup(int(number))) as one:
                    if one.type == socket.SOCK_STREAM and one.family in (socket.AF_INET, socket.AF_INET6):
                        total += struct.unpack_from("=Q", one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 120)[0]
        except (OSError, struct.error):
            continue
    return total or None


def settled() -> int | None:
    """Return the byte count once it stands still: acknowledgements arrive a little after the data."""
    before, deadline = wire_bytes(), time.monotonic() + 1
    while sys.platform == "linux" and time.monotonic() < deadline:
        time.sleep(0.02)
        now = wire_bytes()
        if now is not None and now == before:
            return now
        before = now
    return before


def tiny_model():
    """Return LAYERS blocks of two column-row pairs: attention and MLP as far as communication goes."""
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
            self.out = nn.Linear(4 * WIDTH, WIDTH, bias=False)
            self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
            self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)

        def forward(self, x):
            x = x + self.out(self.qkv(x))
            return x + self.down(self.up(x).relu())

    return nn.Sequential(*(Block() for _ in range(LAYERS)))


def job_of(n: int, **layout) -> Job:
    """Return the job that the tiny model on n ranks is; its batch gives TOKENS to each tensor-parallel group."""
    parameters = LAYERS * 4 * 4 * WIDTH * WIDTH
    groups = n // (layout.get("tp", 1) * layout.get("pp", 1))
    return Job(params=parameters, layers=LAYERS, hidden=WIDTH, gpus=n, tokens=TOKENS * groups, weight_bytes=F32, grad_bytes=F32,
               dispatch_bytes=F32, combine_bytes=F32, **layout)


# --8<-- [start:strategies]
def ddp_step(rank: int, n: int) -> tuple[Callable, float]:
    """Train under DistributedDataParallel; return the step and the bytes that the formula gives."""
    import torch
    from torch.nn.parallel import DistributedDataParallel
    model = DistributedDataParallel(tiny_model())
    return lambda: model(torch.randn(TOKENS, WIDTH)).sum().backward(), volume(job_of(n))[-1].sent


def zero1_step(rank: int, n: int) -> tuple[Callable, float]:
    """Reduce-scatter the gradients, update one shard, all-gather the weights: ZeRO-1 by hand."""
    import torch
    import torch.distributed as dist
    all_gather = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
    reduce_scatter = getattr(dist, "reduce_scatter_single", None) or dist.reduce_scatter_tensor
    model = tiny_model()

    def step():
        model(torch.randn(TOKENS, WIDTH)).sum().backward()
        grads = torch.cat([p.grad.flatten() for p in model.parameters()])
        weights = torch.cat([p.detach().flatten() for p in model.parameters()])
        shard = weights.chunk(n)[rank].clone()
        mine = torch.empty_like(shard)
        reduce_scatter(mine, grads)
        shard -= 1e-3 * mine / n
        all_gather(weights, shard)

    return step, volume(job_of(n, zero=1))[-1].sent


def zero3_step(rank: int, n: int) -> tuple[Callable, float]:
    """Train under FSDP2, a unit a block."""
    import torch
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    mesh, model = init_device_mesh("cpu", (n,)), tiny_model()
    for block in model:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return lambda: model(torch.randn(TOKENS, WIDTH)).sum().backward(), volume(job_of(n, zero=3))[-1].sent


def tp_step(rank: int, n: int, sequence: bool = False) -> tuple[Callable, float]:
    """Split the blocks by DTensor, column then row; with `sequence` also the tokens between them."""
    import torch
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard
    from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
    column = ColwiseParallel(input_layouts=Shard(0)) if sequence else ColwiseParallel()
    row = RowwiseParallel(output_layouts=Shard(0)) if sequence else RowwiseParallel()
    model, mesh = tiny_model(), init_device_mesh("cpu", (n,))
    for block in model:
        parallelize_module(block, mesh, {"qkv": column, "out": row, "up": column, "down": row})
    tokens = TOKENS // n if sequence else TOKENS
    return lambda: model(torch.randn(tokens, WIDTH, requires_grad=True)).sum().backward(), tensor(job_of(n, tp=n, sp=sequence))


def pp_step(rank: int, n: int) -> tuple[Callable, float]:
    """Pass activations down the line of stages and gradients back up, in two micro-batches."""
    import torch
    import torch.distributed as dist

    def step():
        for _ in range(2):
            passed = torch.zeros(TOKENS // 2, WIDTH)
            for source, target in ((rank - 1, rank + 1), (rank + 1, rank - 1)):  # activations, then gradients
                if 0 <= source < n:
                    dist.recv(passed, src=source)
                if 0 <= target < n:
                    dist.send(passed, dst=target)

    sides = (rank > 0) + (rank < n - 1)  # the formula is a middle stage's
    return step, TOKENS * WIDTH * F32 * sides


def cp_step(rank: int, n: int) -> tuple[Callable, float]:
    """Rotate K and V round the ring in the forward and the backward pass, and their gradients once."""
    import torch
    import torch.distributed as dist

    def step():
        for _ in range(3 * LAYERS):
            held = torch.randn(2, TOKENS, WIDTH)
            for _ in range(n - 1):
                arriving = torch.empty_like(held)
                for work in dist.batch_isend_irecv([dist.P2POp(dist.isend, held, (rank + 1) % n),
                                                    dist.P2POp(dist.irecv, arriving, (rank - 1) % n)]):
                    work.wait()
                held = arriving

    return step, context(Job(params=1, layers=LAYERS, hidden=WIDTH, gpus=n, tokens=TOKENS * n, cp=n, weight_bytes=F32))


def ep_step(rank: int, n: int) -> tuple[Callable, float]:
    """Send every token to TOP experts and back, forward and backward; the routing is even."""
    import torch
    import torch.distributed as dist

    class Exchange(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            out = torch.empty_like(x)
            dist.all_to_all_single(out, x)
            return out

        @staticmethod
        def backward(context, grad):
            back = torch.empty_like(grad)
            dist.all_to_all_single(back, grad.contiguous())
            return back

    def step():
        x = torch.randn(TOKENS * TOP, WIDTH, requires_grad=True)  # TOP copies of each token, sorted by the expert's rank
        for _ in range(LAYERS):
            x = x + Exchange.apply(Exchange.apply(x).relu())  # dispatch, expert, combine
        x.sum().backward()

    job = Job(params=1, layers=LAYERS, hidden=WIDTH, gpus=n, tokens=TOKENS * n, ep=n, experts_per_token=TOP, moe_layers=LAYERS,
              expert_params=1, dispatch_bytes=F32, combine_bytes=F32)
    return step, expert(job)
# --8<-- [end:strategies]


STRATEGIES = {"DDP": ddp_step, "ZeRO-1": zero1_step, "ZeRO-3 (FSDP2)": zero3_step, "TP": tp_step,
              "TP + SP": lambda rank, n: tp_step(rank, n, sequence=True), "PP": pp_step, "CP": cp_step, "EP": ep_step}


def count(rank: int, n: int) -> dict[str, dict]:
    """Run one step of every strategy as one rank; return the bytes by formula, by call and on the wire."""
    import torch
    import torch.distributed as dist
    torch.manual_seed(rank)
    counted, mode = {}, call_counter()
    for name, prepare in STRATEGIES.items():
        step, formula = prepare(rank, n)
        step()  # the first step also sets up buckets and buffers
        dist.barrier()
        start = settled()
        dist.barrier()  # nobody sends payload before everybody has read the counter
        with mode(n) as calls:
            step()
        dist.barrier()
        end = settled()
        counted[name] = {"formula": formula, "calls": calls.sent, "expected_wire": calls.wire,
                         "wire": None if start is None or end is None else end - start}
    return counted


class RankFailed(Exception):
    """A rank died, timed out or raised; the message says which and why."""


def rank_main(rank: int, n: int, folder: str, seconds: float, pipe) -> None:
    """Join the group, count, send the result to the parent; an error travels as text."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # gloo logs a dead peer from every rank; the parent says it once
    warnings.simplefilter("ignore")
    try:
        from datetime import timedelta

        import torch
        import torch.distributed as dist
        torch.set_num_threads(1)
        dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=n, timeout=timedelta(seconds=seconds))
        pipe.send(("done", count(rank, n)))
        dist.destroy_process_group()
    except Exception as error:  # noqa: BLE001: whatever it was, the parent must learn it
        pipe.send(("failed", f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"))


def hold_ctrl_c(held: bool) -> None:
    """Keep Ctrl-C waiting, or let it through."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK if held else signal.SIG_UNBLOCK, [signal.SIGINT])


def run_ranks(n: int, seconds: float) -> list[dict]:
    """Count in n processes joined by gloo; return the results in rank order, leave no process behind.

    Raises RankFailed if a rank raises, dies or takes longer than `seconds`.
    """
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    # fork shares the parent's import of torch, which is most of the start-up time
    start = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with tempfile.TemporaryDirectory() as folder:
        pipes, processes = [], []
        hold_ctrl_c(True)  # one that arrives in the middle of a fork would be lost
        for rank in range(n):
            ours, theirs = start.Pipe(duplex=False)
            process = start.Process(target=rank_main, args=(rank, n, folder, seconds, theirs), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        try:
            hold_ctrl_c(False)
            return collect(pipes, processes, seconds)
        finally:
            for process in processes:
                process.kill()
            for process in processes:
                process.join()


def collect(pipes: list, processes: list, seconds: float) -> list[dict]:
    """Wait for one message from each rank; the first failure, death or the time-out ends the wait."""
    host, results, deadline = socket.gethostname(), {}, time.monotonic() + seconds

    def dead() -> str | None:
        codes = [(rank, process.exitcode) for rank, process in enumerate(processes) if process.exitcode not in (None, 0)]
        return f"rank {codes[0][0]} on {host} died (signal {-codes[0][1]}); out of memory? try fewer --ranks" if codes else None

    while len(results) < len(pipes):
        waiting = [rank for rank in range(len(pipes)) if rank not in results]
        ready = multiprocessing.connection.wait([pipes[rank] for rank in waiting], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise RankFailed(f"no answer from rank {', '.join(map(str, waiting))} on {host} within {seconds:g} s; "
                             "raise --timeout, or use fewer --ranks on a busy machine")
        for pipe in ready:
            rank = pipes.index(pipe)
            try:
                state, results[rank] = pipe.recv()
            except EOFError:
                state, results[rank] = "failed", "the process ended without a word"
            if state == "failed":
                time.sleep(0.3)  # a survivor complains of a closed connection before the death itself can be seen
                raise RankFailed(dead() or f"rank {rank} on {host} failed: {results[rank]}")
    return [results[rank] for rank in range(len(pipes))]


def report(ranks: list[dict], tolerance: float) -> tuple[str, list[str]]:
    """Return the table of one inner rank, and the strategies in which any rank is off by more than the tolerance."""
    inner = min(1, len(ranks) - 1)
    lines, wrong = [f"{'rank ' + str(inner) + ', MB sent':16}{'formula':>9}{'called':>9}{'on TCP':>9}   on TCP / formula"], []
    for name in STRATEGIES:
        one = ranks[inner][name]
        wire = "-" if one["wire"] is None else f"{one['wire'] / 1e6:.3f}"
        ratio = "" if one["wire"] is None else f"{one['wire'] / one['formula']:.2f}"
        lines.append(f"{name:16}{one['formula'] / 1e6:9.3f}{one['calls'] / 1e6:9.3f}{wire:>9}   {ratio:>15}".rstrip())
        for rank, all_of_rank in enumerate(ranks):
            row = all_of_rank[name]
            pairs = [("called", row["calls"], row["formula"])]
            if row["wire"] is not None:
                pairs.append(("sent on TCP", row["wire"], row["expected_wire"]))
            wrong += [f"{name}: rank {rank} {what} {got:.0f} bytes, expected {want:.0f}"
                      for what, got, want in pairs if not math.isclose(got, want, rel_tol=tolerance)]
    return "\n".join(lines), wrong


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = line.add_argument
    add("--params", type=float, metavar="N", help="parameters, all of them")
    add("--active-params", type=float, default=0, metavar="N", help="parameters that a token meets, for the step time of an MoE")
    add("--layers", type=int, metavar="L")
    add("--hidden", type=int, metavar="H")
    add("--kv", type=int, default=0, metavar="W", help="KV heads * head dimension (default: the hidden size)")
    add("--gpus", type=int, metavar="N")
    add("--tokens", type=float, metavar="T", help="tokens in a step, all ranks together")
    for name in ("tp", "pp", "cp", "ep"):
        add(f"--{name}", type=int, default=1, metavar="D")
    add("--sp", action="store_true", help="sequence parallelism with --tp")
    add("--zero", type=int, default=0, metavar="STAGE", help="0 (DDP) to 3 (FSDP)")
    add("--micro-batches", type=int, default=1, metavar="M", help="micro-batches a step on each rank; ZeRO 2 and 3 send for each")
    add("--experts-per-token", type=int, default=0, metavar="K")
    add("--moe-layers", type=int, default=0, metavar="L")
    add("--expert-params", type=float, default=0, metavar="N", help="the part of --params in routed experts")
    add("--grad-bytes", type=float, default=2, metavar="B", help="4 if gradients are reduced in FP32 (default 2)")
    add("--dispatch-bytes", type=float, default=2, metavar="B", help="1 if tokens are dispatched in FP8 (default 2)")
    add("--peak", type=float, default=989.5, metavar="TFLOPS", help="dense peak of one accelerator (default 989.5, H100 BF16)")
    add("--mfu", type=float, default=0.4, help="default 0.4")
    add("--overlap", type=float, default=0.8, help="share of the step that can hide communication (default 0.8)")
    add("--check", action="store_true", help="count bytes around real collectives and compare")
    add("--ranks", type=int, default=4, metavar="N", help="processes for --check, 2 or 4 (default 4)")
    add("--timeout", type=float, default=60, metavar="SECONDS", help="longest wait for any rank of --check (default 60)")
    add("--json", type=Path, metavar="FILE", help="write the result")
    return line


def write(path: Path | None, result: object) -> int:
    """Write the JSON file if one is asked for; return the exit status."""
    try:
        if path:
            path.write_text(json.dumps(result, indent=1), "utf-8")
    except OSError as error:
        print(f"comm_volume.py: cannot write {path}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def main(argv: list[str] | None = None) -> int:
    """Answer for a layout, or check the formulas."""
    line = parser()
    options = line.parse_args(argv)
    if options.check:
        return check(line, options)
    missing = [f"--{name}" for name in ("params", "layers", "hidden", "gpus", "tokens") if getattr(options, name) is None]
    if missing:
        line.error(f"give {', '.join(missing)}, or --check")
    names = Job.__dataclass_fields__
    job = Job(**{name: value for name, value in vars(options).items() if name in names})
    if problem := check_layout(job):
        line.error(problem)
    if not (options.peak > 0 and 0 < options.mfu <= 1 and 0 < options.overlap <= 1):
        line.error("--peak must be positive, --mfu and --overlap in (0, 1]")
    seconds = step_seconds(job, options.peak * 1e12, options.mfu)
    print(answer(job, seconds, options.overlap))
    return write(options.json, {"step_seconds": seconds, "axes": [
        {**vars(one), "floor_bytes_per_s": one.sent / seconds / options.overlap} for one in volume(job)]})


def check(line: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Count on real processes; return 0 if every strategy is within one percent."""
    if options.ranks not in (2, 4) or options.timeout <= 0:
        line.error("--ranks must be 2 or 4, --timeout positive")
    try:
        import torch
        import torch.distributed.fsdp  # imported before the fork, so that four ranks do not import it four times
        import torch.distributed.tensor.parallel  # noqa: F401
    except ImportError:
        print("comm_volume.py --check needs PyTorch: pip install torch", file=sys.stderr)
        return 2
    try:
        ranks = run_ranks(options.ranks, options.timeout)
    except RankFailed as failure:
        print(f"comm_volume.py: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("comm_volume.py: interrupted; all ranks ended", file=sys.stderr)
        return 1
    table, wrong = report(ranks, tolerance=0.01)
    print(f"{options.ranks} ranks, gloo, PyTorch {torch.__version__.split('+')[0]}, FP32")
    print(table)
    if status := write(options.json, ranks):
        return status
    if wrong:
        print("\n".join(["off by more than 1%:", *wrong]), file=sys.stderr)
        return 1
    print("every rank within 1%; on TCP, gloo's reduce-scatter counts as the all-reduce that it is")
    return 0


if __name__ == "__main__":
    sys.exit(main())
