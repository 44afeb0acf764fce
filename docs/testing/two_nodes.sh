# Start a job of two nodes on one machine: two torchrun agents, each with a host name of its own where the kernel allows it.
# Usage: bash two_nodes.sh SCRIPT.py [arguments]; needs PyTorch.
set -eu
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export OMP_NUM_THREADS=1 GLOO_SOCKET_IFNAME=lo
node() {      # node NUMBER COMMAND...: run a command as if on another host
    name=node$1; shift
    if unshare --user --map-root-user --uts true 2>/dev/null; then
        unshare --user --map-root-user --uts sh -c 'hostname "$0" && exec "$@"' "$name" "$@"
    else
        NODE_NAME=$name "$@"
    fi
}
pids=
trap 'kill $pids 2>/dev/null || true' EXIT INT TERM      # a node that fails takes the other with it
for number in 0 1; do
    node "$number" timeout 60 python -m torch.distributed.run --nnodes 2 --node-rank "$number" --nproc-per-node 2 \
        --master-addr 127.0.0.1 --master-port "$port" "$@" &
    pids="$pids $!"
done
status=0
for pid in $pids; do wait "$pid" || status=$?; done
exit $status
