# Start a job of two nodes on one machine: two torchrun agents, each with a host
# name of its own where the kernel allows it. Needs PyTorch.
# Usage: bash two_nodes.sh SCRIPT.py [arguments]
set -eu
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
export OMP_NUM_THREADS=1 GLOO_SOCKET_IFNAME=lo
own_name="unshare --user --map-root-user --uts"
node() {      # node NUMBER COMMAND...: run a command as if on another host
    name=node$1; shift
    if $own_name true 2>/dev/null; then
        $own_name sh -c 'hostname "$0" && exec "$@"' "$name" "$@"
    else
        NODE_NAME=$name "$@"
    fi
}
pids=
trap 'kill $pids 2>/dev/null || true' EXIT INT TERM    # one fails: stop the other
for number in 0 1; do
    node "$number" timeout 60 python -m torch.distributed.run \
        --nnodes 2 --node-rank "$number" --nproc-per-node 2 \
        --master-addr 127.0.0.1 --master-port "$port" "$@" &
    pids="$pids $!"
done
status=0
for pid in $pids; do wait "$pid" || status=$?; done
exit $status
