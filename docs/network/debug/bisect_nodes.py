#!/usr/bin/env python3
"""Find the smallest set of nodes on which a test command fails: one bad node, or a pair that cannot talk.

The command runs on subsets of the nodes; {nodes} and {count} in it are replaced by the comma-separated subset and its
size. Exit status 0 means good; anything else, or a run over --timeout seconds, means bad. Needs nothing but Python.

The search is delta debugging (ddmin; Zeller and Hildebrandt, IEEE TSE 28(2), 2002): try each half, then everything but
a part, then finer parts, until no node can be left out. One bad node among n costs about 2 log2(n) runs. A pair whose
members fall into different halves costs more: that no half fails is what tells a bad pair from a bad node.

Exit status: 0 the command passes on all nodes; 1 a culprit was found and is printed; 2 wrong usage, or the command cannot start.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable

EXAMPLES = """examples:
  python bisect_nodes.py --nodes n1,n2,n3,n4 -- bash -c '! echo {nodes} | grep -q n3'
  python bisect_nodes.py --nodes "$(scontrol show hostnames "$SLURM_JOB_NODELIST" | paste -sd,)" --timeout 120 -- \\
      srun --nodelist={nodes} --nodes={count} --ntasks-per-node=8 ./run_test.sh
"""


# --8<-- [start:ddmin]
def smallest_failing(nodes: list[str], fails: Callable[[list[str]], bool]) -> list[str]:
    """Return a smallest list of nodes on which the test still fails, given that it fails on all of them.

    Smallest means that leaving out any one node makes the test pass. A test needs at least two nodes to
    exercise the network, so subsets of one are tried too: a node that fails alone is simply broken.
    """
    parts = 2
    while len(nodes) >= 2:
        size = -(-len(nodes) // parts)
        chunks = [nodes[i:i + size] for i in range(0, len(nodes), size)]
        rest = [[n for n in nodes if n not in chunk] for chunk in chunks] if len(chunks) > 2 else []
        for subset in chunks + rest:
            if fails(subset):
                nodes, parts = subset, 2 if subset in chunks else max(parts - 1, 2)
                break
        else:
            if parts >= len(nodes):
                break
            parts = min(2 * parts, len(nodes))
    return nodes
# --8<-- [end:ddmin]


def run_on(command: list[str], nodes: list[str], timeout: float) -> str:
    """Run the command on these nodes and return 'ok', 'status N' or 'time-out'; no process of it stays behind."""
    filled = [word.replace("{nodes}", ",".join(nodes)).replace("{count}", str(len(nodes))) for word in command]
    process = subprocess.Popen(filled, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        status = process.wait(timeout)
        return "ok" if status == 0 else f"status {status}"
    except subprocess.TimeoutExpired:
        return "time-out"
    finally:                                   # also on Ctrl-C: the whole process group, then the process itself
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(5)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def main() -> int:
    """Read the command line, search, print each run and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", required=True, help="comma-separated node names, two or more")
    parser.add_argument("--timeout", type=float, default=300, help="seconds one run may take (default: 300)")
    parser.add_argument("--json", metavar="FILE", help="write the culprits and every run here")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- then the test, with {nodes} and {count}")
    args = parser.parse_args()
    nodes = [name.strip() for name in args.nodes.split(",") if name.strip()]
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if len(nodes) < 2 or len(set(nodes)) < len(nodes):
        print("--nodes needs two or more different names", file=sys.stderr)
        return 2
    if not command or not any("{nodes}" in word for word in command):
        print("give the test after --, with {nodes} where the node names belong", file=sys.stderr)
        return 2
    runs: list[dict] = []

    def fails(subset: list[str]) -> bool:
        known = [run for run in runs if run["nodes"] == subset]
        result = known[0]["result"] if known else run_on(command, subset, args.timeout)
        if not known:
            runs.append({"nodes": subset, "result": result})
            print(f"run {len(runs):>2}: {len(subset):>3} nodes  {result:<10} {','.join(subset)[:80]}", flush=True)
        return result != "ok"

    culprits: list[str] = []
    status = 0
    try:
        if not fails(nodes):
            print(f"OK: passes on all {len(nodes)} nodes; a fault that comes and goes needs a longer test")
        else:
            culprits = smallest_failing(nodes, fails)
            status = 1
            if len(culprits) > 1 and not fails(culprits):
                print("the test gave both answers for the same nodes: make it longer, then bisect again")
            print(f"FAIL: {len(runs)} runs; smallest failing set: {', '.join(culprits)}"
                  + ("" if len(culprits) == 1 else " (each passes without the others: look at the path between them)"))
    except KeyboardInterrupt:
        print(f"interrupted after {len(runs)} runs; smallest failing set so far: "
              f"{','.join(min((r['nodes'] for r in runs if r['result'] != 'ok'), key=len, default=[])) or 'none'}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cannot start {shlex.join(command)[:80]}: {error.strerror}", file=sys.stderr)
        return 2
    if args.json:
        try:
            with open(args.json, "w", encoding="utf-8") as file:
                json.dump({"culprits": culprits, "runs": runs}, file, indent=1)
        except OSError as error:
            print(f"cannot write {args.json}: {error.strerror}", file=sys.stderr)
            return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
