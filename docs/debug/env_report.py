#!/usr/bin/env python3
"""Write down the environment of a Python program, or show what differs between two such reports.

    python env_report.py --json good.json              # on the machine where it works
    python env_report.py --diff good.json bad.json     # anywhere

Reports: host, kernel, Python, every installed package, PyTorch's build, GPU driver, limits, and the variables that change how
training runs. Variables whose name speaks of a secret are left out. Needs Python 3.11 only; uses PyTorch and nvidia-smi if present.
Exit status: 0 done or equal, 1 the reports differ, 2 wrong usage.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import sys

PREFIXES = ("CUDA_", "CUBLAS_", "FI_", "GLOO_", "HIP_", "LD_", "MASTER_", "NCCL_", "NVIDIA_", "OMP_", "PYTHON", "PYTORCH_", "RCCL_", "SLURM_", "TORCH", "UCX_")
SECRET = re.compile("KEY|PASS|SECRET|TOKEN", re.IGNORECASE)


def output(*command: str) -> str | None:
    """Return what a command prints, or None if it is absent, fails or takes over 20 seconds."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def report() -> dict[str, str]:
    """Return the facts as a flat mapping from name to text, so that two reports can be compared line by line."""
    facts = {"host": platform.node(), "kernel": platform.release(), "machine": platform.machine(), "libc": " ".join(platform.libc_ver()),
             "python": platform.python_version(), "executable": sys.executable, "cpus": str(len(os.sched_getaffinity(0)))}
    for package in importlib.metadata.distributions():
        facts[f"package {package.metadata['Name']}"] = package.version
    for name, value in os.environ.items():
        if name.startswith(PREFIXES) and not SECRET.search(name):
            facts[f"variable {name}"] = value
    for name in ("NOFILE", "MEMLOCK", "CORE", "STACK", "AS"):
        soft = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0]
        facts[f"limit {name}"] = "unlimited" if soft == resource.RLIM_INFINITY else str(soft)
    if driver := output("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"):
        facts["gpus"] = driver.replace("\n", "; ")
    if commit := output("git", "describe", "--always", "--dirty"):
        facts["git"] = commit
    try:
        import torch
        facts["torch CUDA"], facts["torch HIP"] = str(torch.version.cuda), str(torch.version.hip)
        facts["torch sees"] = f"{torch.cuda.device_count()} CUDA devices"
    except ImportError:
        pass
    return facts


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="also write the report to a file")
    parser.add_argument("--diff", nargs=2, metavar=("A", "B"), help="compare two reports")
    options = parser.parse_args(words)
    try:
        if options.diff:
            a, b = (json.load(open(name, encoding="utf-8")) for name in options.diff)
            differing = sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
            for name in differing:
                print(f"{name}: {a.get(name, '(absent)')} -> {b.get(name, '(absent)')}")
            print(f"{len(differing)} of {len(a.keys() | b.keys())} facts differ")
            return 1 if differing else 0
        facts = report()
        for name, value in sorted(facts.items()):
            print(f"{name}: {value}")
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump(facts, file, indent=1, sort_keys=True)
    except (OSError, ValueError, AttributeError) as error:
        print(f"env_report: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
