"""Stands in for torchrun, accelerate, deepspeed or py-spy: understands the options the job templates give, nothing else.

A launcher's stand-in starts the program once for each local rank with RANK, LOCAL_RANK and WORLD_SIZE set, as the
real ones do, without torch. An option it does not know ends it with code 2, so that a typing error in a template fails.
"""

import argparse
import os
import subprocess
import sys


def ranks(nodes: int, per_node: int, node: int, address: str, port: int, program: list[str]) -> int:
    """Start the ranks of one node and return the first exit code that is not zero."""
    assert 0 <= node < nodes and 1024 < port < 65536 and address, (nodes, node, address, port)
    started = [subprocess.Popen([sys.executable, *program], env={
        **os.environ, "RANK": str(node * per_node + local), "LOCAL_RANK": str(local), "WORLD_SIZE": str(nodes * per_node)}) for local in range(per_node)]
    return next((code for code in [process.wait() for process in started] if code), 0)


def torchrun(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--nnodes", "--nproc-per-node", "--node-rank", "--master-port"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--master-addr", required=True)
    parser.add_argument("program", nargs=argparse.REMAINDER)
    o = parser.parse_args(argv)
    return ranks(o.nnodes, o.nproc_per_node, o.node_rank, o.master_addr, o.master_port, o.program)


def accelerate(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--multi_gpu", action="store_true", required=True)
    parser.add_argument("--mixed_precision", choices=["bf16"], required=True)
    parser.add_argument("--rdzv_backend", choices=["static"], required=True)
    for name in ("--num_machines", "--num_processes", "--machine_rank", "--main_process_port"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--main_process_ip", required=True)
    parser.add_argument("program", nargs=argparse.REMAINDER)
    assert argv[0] == "launch", argv
    o = parser.parse_args(argv[1:])
    assert o.num_processes % o.num_machines == 0, "accelerate counts the processes of all machines together"
    return ranks(o.num_machines, o.num_processes // o.num_machines, o.machine_rank, o.main_process_ip, o.main_process_port, o.program)


def deepspeed(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--no_ssh", action="store_true", required=True)
    parser.add_argument("--hostfile", required=True)
    parser.add_argument("--node_rank", type=int, required=True)
    parser.add_argument("--master_addr", required=True)
    parser.add_argument("--master_port", type=int, required=True)
    parser.add_argument("program", nargs=argparse.REMAINDER)
    o = parser.parse_args(argv)
    with open(o.hostfile, encoding="utf-8") as file:
        hosts = [line.split(" slots=") for line in file.read().split("\n") if line]
    return ranks(len(hosts), int(hosts[0][1]), o.node_rank, o.master_addr, o.master_port, o.program)


def py_spy(argv: list[str]) -> int:
    assert argv[:2] == ["dump", "--pid"] and os.path.exists(f"/proc/{argv[2]}"), argv
    with open(f"/proc/{argv[2]}/cmdline", encoding="utf-8") as file:
        print(f"stack of {file.read().replace(chr(0), ' ').strip()}")
    return 0


if __name__ == "__main__":
    sys.exit({"torchrun": torchrun, "accelerate": accelerate, "deepspeed": deepspeed, "py-spy": py_spy}[sys.argv[1]](sys.argv[2:]))
