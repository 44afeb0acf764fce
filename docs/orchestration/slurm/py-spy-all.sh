#!/bin/bash
# Print the Python stack of every process of a running job, on all its nodes.
#   bash py-spy-all.sh JOBID > stacks.txt
# Needs py-spy on the nodes' PATH and the job to be yours.
set -euo pipefail
job=${1:?usage: py-spy-all.sh JOBID}
nodes=$(squeue --noheader --jobs "$job" --states RUNNING --format %D) || exit 2
[ -n "$nodes" ] || { echo "py-spy-all.sh: job $job is not running" >&2; exit 2; }
# --overlap: share the CPUs and GPUs that the training step holds, or this would wait for them for ever.
srun --jobid="$job" --overlap --nodes="$nodes" --ntasks="$nodes" --ntasks-per-node=1 --cpus-per-task=1 --gpus=0 --mem=0 \
    --time=2 bash -c '
    for pid in $(scontrol listpids "$SLURM_JOB_ID" "$SLURMD_NODENAME" | awk "NR > 1 && \$1 > 0 {print \$1}"); do
        case $(readlink "/proc/$pid/exe") in
            */python*) echo "== $SLURMD_NODENAME pid $pid"; timeout 20 py-spy dump --pid "$pid" || echo "== no stack: code $?" ;;
        esac
    done'
