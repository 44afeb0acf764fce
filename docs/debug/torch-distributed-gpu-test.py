#!/usr/bin/env python3
"""Test whether the ranks of a job can find each other, talk, and allocate memory.

Each rank goes through the same stages, and every stage has a deadline:

  check-in          every rank reports to the key-value store of rank 0, which names those that do not
  init              init_process_group
  barrier           the first time that all ranks really talk
  small all-reduce  8 B; the sum is checked
  large all-reduce  --size-mb megabytes; the sum is checked, busbw = S / t * 2 (n - 1) / n (nccl-tests, PERFORMANCE.md)
  memory            --alloc-mb megabytes are allocated and written

A watchdog thread of its own keeps the deadlines, because a rank that waits inside a communication library cannot.
The thread also sends a sign of life every half second. When a deadline passes, rank 0 names the ranks that never came,
those that fell silent (frozen, killed, host lost) and those that are behind: the others wait for them.
Needs torch. MB are 10^6 bytes; times are seconds on the host clock after a device synchronisation.

Exit status: 0 all ranks passed; 1 a rank is missing, stuck or failed; 2 wrong usage (one line says what to change).
"""

import argparse
import json
import os
import platform
import socket
import sys
import threading
import time

EXAMPLES = """examples:
  torchrun --nproc-per-node 2 torch-distributed-gpu-test.py --device cpu --size-mb 4
  srun --ntasks-per-node 8 bash -c 'RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID WORLD_SIZE=$SLURM_NTASKS \\
      python torch-distributed-gpu-test.py'          (MASTER_ADDR and MASTER_PORT exported before)
"""
BACKENDS = {"cuda": "nccl", "xpu": "xccl", "npu": "hccl"}    # anything else: gloo
STAGES = ["check-in", "init", "barrier", "small all-reduce", "large all-reduce", "memory", "done"]


class Usage(Exception):
    """Wrong usage: the message says what to change."""


class Failure(Exception):
    """The check failed: the message says where and what to try."""


def read_environment() -> dict:
    """Return RANK, LOCAL_RANK, WORLD_SIZE and MASTER_* of this process; raise Usage where one is missing or wrong."""
    missing = [name for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing:
        raise Usage(f"not started as a distributed job ({', '.join(missing)} not set): use torchrun, or set them (--help)")
    try:
        env = {name: int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "MASTER_PORT")}
        env["LOCAL_RANK"] = int(os.environ.get("LOCAL_RANK", env["RANK"]))
    except ValueError as error:
        raise Usage(f"RANK, LOCAL_RANK, WORLD_SIZE and MASTER_PORT must be whole numbers: {error}") from None
    if not 0 <= env["RANK"] < env["WORLD_SIZE"]:
        raise Usage(f"RANK={env['RANK']} is outside 0..{env['WORLD_SIZE'] - 1}: is WORLD_SIZE the same on every node?")
    return env | {"MASTER_ADDR": os.environ["MASTER_ADDR"]}


# --8<-- [start:behind]
def name_culprits(stages: dict[int, tuple[int, int]], world: int) -> tuple[list[int], list[int]]:
    """Return (ranks never heard of, ranks furthest behind) from each rank's last (round, stage number).

    Those that wait inside a collective are ahead; the one they wait for is behind.
    When all stand at the same place nobody is behind: then, if all still live, the path between them is to blame.
    """
    absent = [rank for rank in range(world) if rank not in stages]
    slowest, fastest = min(stages.values(), default=(0, 0)), max(stages.values(), default=(0, 0))
    behind = [rank for rank, place in sorted(stages.items()) if place == slowest and slowest != fastest]
    return absent, behind
# --8<-- [end:behind]


def short(ranks: list[int]) -> str:
    """Write a list of ranks as ranges: [0, 1, 2, 5] becomes '0-2, 5'."""
    parts: list[list[int]] = []
    for rank in ranks:
        if parts and rank == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], rank]
        else:
            parts.append([rank, rank])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in parts)


class Progress:
    """What every rank has reached, kept in the store of rank 0, and a watchdog over this rank's deadline."""

    def __init__(self, connect, rank: int, world: int, timeout: float):
        self.store, self.rank, self.world, self.timeout = connect(), rank, world, timeout
        self.watch_store = connect()         # the main thread may hold the other connection while it waits
        self.host, self.place, self.deadline = socket.gethostname(), (0, 0), time.monotonic() + timeout
        threading.Thread(target=self._watch, daemon=True).start()

    def reach(self, round_: int, stage: str) -> None:
        """Tell the others which stage this rank begins, and start its deadline."""
        self.place, self.deadline = (round_, STAGES.index(stage)), time.monotonic() + self.timeout
        self.store.set(f"stage/{self.rank}", json.dumps([*self.place, self.host]))

    def seen(self) -> dict[int, list]:
        """Return each rank's last [round, stage number, host]; ranks that never came are absent."""
        keys = [(rank, f"stage/{rank}") for rank in range(self.world)]
        return {rank: json.loads(self.watch_store.get(key)) for rank, key in keys if self.watch_store.check([key])}

    def explain(self) -> str:
        """Say which ranks are missing or behind, with their hosts."""
        seen = self.seen()
        absent, behind = name_culprits({rank: tuple(place[:2]) for rank, place in seen.items()}, self.world)
        before = self.pulses(seen)
        time.sleep(3)                        # six signs of life; no clocks of two hosts are compared
        lines = [f"silent: rank {rank} on {seen[rank][2]} (frozen, killed, or its host is lost), last seen in '{STAGES[seen[rank][1]]}'"
                 for rank, pulse in self.pulses(seen).items() if pulse == before[rank] and rank != self.rank]
        if absent:
            lines.append(f"never arrived: rank {short(absent)} of {self.world} (not started, died early, or cannot reach "
                         f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']})")
        for rank in behind[:16]:
            lines.append(f"behind: rank {rank} on {seen[rank][2]}, last seen in '{STAGES[seen[rank][1]]}', round {seen[rank][0]}")
        if not lines:
            lines.append(f"all {self.world} ranks live and are in '{STAGES[self.place[1]]}': the path between hosts is suspect; "
                         "set NCCL_SOCKET_IFNAME / GLOO_SOCKET_IFNAME, then look at NCCL_DEBUG=INFO")
        return "; ".join(lines)

    def pulses(self, ranks) -> dict[int, bytes]:
        """Return the number of the last sign of life of each of these ranks."""
        keys = [(rank, f"pulse/{rank}") for rank in ranks]
        return {rank: self.watch_store.get(key) if self.watch_store.check([key]) else b"" for rank, key in keys}

    def _watch(self) -> None:
        # Rank 0 speaks first; the others give it some seconds, so that its line comes before their own.
        beat = 0
        while time.monotonic() < self.deadline + (0 if self.rank == 0 else 6):
            time.sleep(0.5)
            beat += 1
            try:
                self.watch_store.set(f"pulse/{self.rank}", str(beat))
            except Exception:                # the store went with rank 0: the main thread reports it, or the deadline does
                pass
        stage = STAGES[self.place[1]]
        try:
            what = self.explain() if self.rank == 0 else "see the line of rank 0"
        except Exception:                    # the store went with rank 0
            what = "and the store of rank 0 no longer answers: look at rank 0"
        print(f"FAIL rank {self.rank} on {self.host}: no end to '{stage}' within {self.timeout:g} s; {what}",
              file=sys.stderr, flush=True)
        os._exit(1)                          # the main thread hangs in the library, so no ordinary exit ends it


def connect_store(env: dict, timeout: float):
    """Return a function that connects to the store of rank 0; rank 0 opens it unless torchrun already did."""
    from datetime import timedelta

    import torch.distributed as dist
    host, port = env["MASTER_ADDR"], env["MASTER_PORT"]
    agent_has_it = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    opened = []

    def connect():
        server = env["RANK"] == 0 and not agent_has_it and not opened
        try:
            store = dist.TCPStore(host, port, is_master=server, wait_for_workers=False, timeout=timedelta(seconds=timeout))
        except Exception as error:
            first = str(error).split("\n")[0]
            if "in use" in first.lower():
                raise Failure(f"port {port} is in use on {socket.gethostname()}: an old job still runs, or another job "
                              "picked the same port; choose another MASTER_PORT") from None
            raise Failure(f"cannot reach rank 0 at {host}:{port} within {timeout:g} s: wrong MASTER_ADDR or MASTER_PORT, a firewall, "
                          f"or rank 0 is not up ({first[:120]})") from None
        opened.append(store)
        return dist.PrefixStore(f"gputest/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)

    return connect


def choose_device(wanted: str, local_rank: int):
    """Return the torch device of this rank; raise Usage where the machine has none of the kind or too few."""
    import torch
    if wanted == "auto":
        wanted = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
    if wanted == "cpu":
        return torch.device("cpu")
    module = getattr(torch, wanted, None)
    if module is None or not hasattr(module, "is_available") or not module.is_available():
        raise Usage(f"--device {wanted}: torch {torch.__version__} finds none on {socket.gethostname()} (driver, container, or a CPU build?)")
    if local_rank >= module.device_count():
        raise Usage(f"local rank {local_rank} but only {module.device_count()} {wanted} device(s) on {socket.gethostname()}: fewer tasks per node")
    module.set_device(local_rank)
    return torch.device(wanted, local_rank)


def all_reduce(elements: int, device, env: dict) -> float:
    """Sum rank + 1 over the ranks, check every element, and return the seconds it took."""
    import torch
    import torch.distributed as dist
    tensor = torch.full((elements,), float(env["RANK"] + 1), device=device)
    synchronize(device)
    begin = time.perf_counter()
    dist.all_reduce(tensor)
    synchronize(device)
    seconds = time.perf_counter() - begin
    want = env["WORLD_SIZE"] * (env["WORLD_SIZE"] + 1) / 2
    wrong = int((tensor != want).sum())
    if wrong:
        raise Failure(f"all-reduce gave wrong values: {wrong} of {elements} elements are not {want:g}")
    return seconds


def synchronize(device) -> None:
    """Wait for the device, so that a host clock measures it."""
    import torch
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def allocate(megabytes: float, device) -> str:
    """Allocate and write this many megabytes, free them, and return a word for the table."""
    import torch
    try:
        block = torch.empty(int(megabytes * 1e6), dtype=torch.uint8, device=device)
        block.fill_(1)
        synchronize(device)
    except (RuntimeError, MemoryError) as error:      # torch.OutOfMemoryError is a RuntimeError
        raise Failure(f"cannot allocate {megabytes:g} MB on {device}: {str(error).splitlines()[0][:140]}") from None
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return f"{megabytes:g} MB ok, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    return f"{megabytes:g} MB ok"


def run(args, env: dict) -> int:
    """Go through the stages on this rank and return its exit status."""
    import torch
    import torch.distributed as dist
    from datetime import timedelta
    rank, world = env["RANK"], env["WORLD_SIZE"]
    device = choose_device(args.device, env["LOCAL_RANK"])
    backend = BACKENDS.get(device.type, "gloo") if args.backend == "auto" else args.backend
    progress = Progress(connect_store(env, args.timeout), rank, world, args.timeout)
    store = progress.store
    progress.reach(0, "check-in")
    if rank == 0:
        print(f"{world} ranks, backend {backend}, torch {torch.__version__}, Python {platform.python_version()}, "
              f"rank 0 at {env['MASTER_ADDR']}:{env['MASTER_PORT']}, deadline {args.timeout:g} s a stage", flush=True)
        while len(progress.seen()) < world:           # the watchdog ends this loop
            time.sleep(0.05)
        store.set("all here", "1")
    store.wait(["all here"], timedelta(seconds=args.timeout + 10))
    mine = {"rank": rank, "host": progress.host, "device": str(device), "ok": False}
    try:
        progress.reach(0, "init")
        dist.init_process_group(backend, store=dist.PrefixStore("pg", store), rank=rank, world_size=world,
                                timeout=timedelta(seconds=args.timeout + 10),    # our own deadline comes first
                                device_id=device if device.type != "cpu" else None)
        times = []
        for round_ in range(args.rounds):
            progress.reach(round_, "barrier")
            dist.barrier()
            progress.reach(round_, "small all-reduce")
            small = all_reduce(2, device, env)
            progress.reach(round_, "large all-reduce")
            times.append(all_reduce(max(1, int(args.size_mb * 1e6 / 4)), device, env))
        times.sort()
        median = times[len(times) // 2]
        mine |= {"small_ms": small * 1e3, "large_ms": median * 1e3,
                 "busbw_gbs": args.size_mb * 1e6 / median * 2 * (world - 1) / world / 1e9}
        progress.reach(args.rounds - 1, "memory")
        mine |= {"memory": allocate(args.alloc_mb, device), "ok": True}
    except Failure as error:
        mine["memory"] = mine["error"] = str(error)
    except Exception as error:                        # the backend's own report, e.g. a peer that died
        mine["memory"] = mine["error"] = f"'{STAGES[progress.place[1]]}' failed: {str(error).splitlines()[0][:160]}"
    store.set(f"result/{rank}", json.dumps(mine))
    progress.reach(args.rounds, "done")
    if rank != 0:
        store.wait(["verdict"], timedelta(seconds=args.timeout + 10))
        passed = store.get("verdict") == b"1"
        store.set(f"bye/{rank}", "1")
        return 0 if passed and mine["ok"] else 1
    store.wait([f"result/{r}" for r in range(world)], timedelta(seconds=args.timeout + 10))
    results = [json.loads(store.get(f"result/{r}")) for r in range(world)]
    passed = report(results, args)
    store.set("verdict", "1" if passed else "0")
    try:                                              # the store ends with this process: let the others read first
        store.wait([f"bye/{r}" for r in range(1, world)], timedelta(seconds=5)) if world > 1 else None
    except Exception:
        pass
    return 0 if passed else 1


def report(results: list[dict], args) -> bool:
    """Print a line a rank and a summary a host, write the JSON, and return whether all ranks passed."""
    print(f"{'rank':>4}  {'host':<20} {'device':<8} {'8 B ms':>8} {'large ms':>9} {'busbw GB/s':>10}  memory or error")
    for r in results:
        numbers = (f"{r['small_ms']:8.2f} {r['large_ms']:9.2f} {r['busbw_gbs']:10.2f}" if "large_ms" in r
                   else f"{'-':>8} {'-':>9} {'-':>10}")
        print(f"{r['rank']:>4}  {r['host'][:20]:<20} {r['device']:<8} {numbers}  {r.get('memory', '')}")
    hosts: dict[str, list[dict]] = {}
    for r in results:
        hosts.setdefault(r["host"], []).append(r)
    for host, ranks in hosts.items():
        bad = [r["rank"] for r in ranks if not r["ok"]]
        print(f"host {host}: {len(ranks) - len(bad)} of {len(ranks)} ranks passed" + (f"; failed: rank {short(bad)}" if bad else ""))
    passed = all(r["ok"] for r in results)
    print("PASS" if passed else "FAIL", flush=True)
    if args.json:
        try:
            with open(args.json, "w", encoding="utf-8") as file:
                json.dump({"passed": passed, "size_mb": args.size_mb, "rounds": args.rounds, "ranks": results}, file, indent=1)
        except OSError as error:
            print(f"cannot write {args.json}: {error.strerror}; the table above is complete", file=sys.stderr)
            return False
    return passed


def main() -> int:
    """Read the command line, run the test on this rank, and turn every expected failure into one line."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, xpu, npu (default: auto)")
    parser.add_argument("--backend", default="auto", help="auto, nccl, xccl, hccl, gloo (default: auto)")
    parser.add_argument("--timeout", type=float, default=60, help="seconds a stage may take (default: 60)")
    parser.add_argument("--size-mb", type=float, default=64, help="payload of the large all-reduce in MB (default: 64)")
    parser.add_argument("--alloc-mb", type=float, default=256, help="memory to allocate on each rank in MB (default: 256)")
    parser.add_argument("--rounds", type=int, default=3, help="times to repeat the barrier and the all-reduces (default: 3)")
    parser.add_argument("--json", metavar="FILE", help="rank 0 also writes the results here")
    args = parser.parse_args()
    who = f"rank {os.environ.get('RANK', '?')} on {socket.gethostname()}"
    try:
        if min(args.timeout, args.size_mb, args.alloc_mb, args.rounds) <= 0:
            raise Usage("--timeout, --size-mb, --alloc-mb and --rounds must be above 0")
        env = read_environment()
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")    # our one line instead of C++ stack traces
        try:
            import torch  # noqa: F401
        except ImportError:
            raise Usage("needs torch: activate the environment that your training uses") from None
        status = run(args, env)
    except Usage as error:
        print(f"{who}: {error}", file=sys.stderr)
        status = 2
    except Failure as error:
        print(f"FAIL {who}: {error}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        print(f"FAIL {who}: interrupted", file=sys.stderr)
        status = 1
    except Exception as error:
        first = (str(error).splitlines() or [""])[0][:160]
        lost = type(error).__name__ in ("DistNetworkError", "DistStoreError")
        print(f"FAIL {who}: " + (f"lost the store of rank 0, whose own line says why ({first})" if lost
                                 else f"{type(error).__name__}: {first}"), file=sys.stderr)
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)                         # no destructor of a broken process group may keep this process alive


if __name__ == "__main__":
    main()
