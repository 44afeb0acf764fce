#!/bin/bash
# Is this node fit for a training job? Prints the first reason why not, and then exits with 1.
# As HealthCheckProgram it runs every few minutes; as Prolog it runs before each job. It must be quick.
#   NODE_GPUS=8 NODE_SCRATCH=/scratch bash node_health.sh
set -uo pipefail
gpus=${NODE_GPUS:-0} scratch=${NODE_SCRATCH:-/tmp} free_gib=${NODE_FREE_GIB:-1}

fail() {
    echo "$1"
    # Slurm sets SLURM_JOB_ID in a prolog and drains the node itself when one fails; a periodic check must do it.
    if [ -n "${SLURMD_NODENAME:-}" ] && [ -z "${SLURM_JOB_ID:-}" ]; then
        scontrol update nodename="$SLURMD_NODENAME" state=drain reason="health: $1"
    fi
    exit 1
}

[ -w "$scratch" ] || fail "$scratch is not writable"
free=$(df --output=avail -BG "$scratch" | tail -n 1 | tr -dc 0-9)
[ "${free:-0}" -ge "$free_gib" ] || fail "$scratch has ${free:-0} GiB free, less than $free_gib"
if [ "$gpus" -gt 0 ]; then
    # A GPU that has fallen off the bus makes nvidia-smi hang: hence the limit.
    seen=$(timeout 20 nvidia-smi --list-gpus | grep -c '^GPU ') || true
    [ "${seen:-0}" -eq "$gpus" ] || fail "nvidia-smi lists ${seen:-0} of $gpus GPUs"
fi
[ ! -e "$scratch/node-is-bad" ] || fail "$(head -c 80 "$scratch/node-is-bad")"     # a hand-set mark, and how this file is tested
exit 0
