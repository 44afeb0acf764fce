#!/usr/bin/env python3
"""Start a whole Slurm cluster on one machine, in one folder, without systemd.

    python one_machine.py up /tmp/slurm1          # four nodes of 96 CPUs and 8 GPUs, all pretended, with accounting
    . /tmp/slurm1/env; sinfo                      # every Slurm command of this shell now talks to it
    python one_machine.py down /tmp/slurm1        # cancel what runs, stop every daemon

    python one_machine.py try -- srun -N 2 hostname     # a cluster for one command, gone afterwards

Needs the programs of Debian 12 or Ubuntu, not their services:
    apt-get install --no-install-recommends slurm-wlm slurmdbd slurm-wlm-mysql-plugin munge mariadb-server
Needs no root: the daemons run as you. As root they run as root, and jobs of any user can run.

What is real: slurmctld, one slurmd for each node, slurmdbd, MariaDB, munge, scheduling, limits, accounting.
What is pretended: all nodes share this machine's CPUs, and a "GPU" is a link to /dev/null, so that `--gpus` is
scheduled and CUDA_VISIBLE_DEVICES is set although nothing computes there. Times measured here mean nothing.
"""

from __future__ import annotations

import argparse
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEBIAN = "apt-get install --no-install-recommends slurm-wlm slurmdbd slurm-wlm-mysql-plugin munge mariadb-server"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "scontrol", "sbatch")
DATABASE = ("slurmdbd", "mariadbd", "mariadb-install-db", "sacctmgr")

# --8<-- [start:conf]
SLURM_CONF = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.%n.log
PluginDir={plugins}
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
KillWait=5
MinJobAge=300
SlurmdParameters=config_overrides
# CPUs, memory and GPUs are handed out one by one, not by the node.
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
TopologyPlugin=topology/tree
DefMemPerCPU=10000
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0
PriorityType=priority/multifactor
PriorityWeightAge=1000
PriorityWeightFairshare=10000
PriorityWeightQOS=5000
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{accounting}
NodeName=node[1-{nodes}] NodeAddr=127.0.0.1 NodeHostname={host} Port=[{ports}] CPUs={cpus} Boards=1 SocketsPerBoard={sockets} CoresPerSocket={cores} ThreadsPerCore=1 RealMemory={memory} Feature=h100 Gres=gpu:{gpus}
PartitionName=train Nodes=node[1-{nodes}] Default=YES MaxTime=3-00:00:00 DefaultTime=1:00:00 PriorityTier=10
PartitionName=spare Nodes=node[1-{nodes}] MaxTime=1-00:00:00 DefaultTime=1:00:00 PriorityTier=1
"""
# --8<-- [end:conf]

ACCOUNTING_ON = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={dbd_port}
AccountingStoragePass={root}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=associations,limits,qos
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5"""

SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={dbd_port}
SlurmUser={user}
PidFile={root}/slurmdbd.pid
LogFile={root}/log/slurmdbd.log
PluginDir={plugins}
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={sql_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct
"""


class Failed(Exception):
    """A cluster that could not start; the message says what to try."""


def free_ports(count: int) -> list[int]:
    """Return `count` TCP ports that nobody listens on, consecutive so that a node range can name them."""
    for start in range(20000 + os.getpid() % 10000, 60000, count):
        try:
            for port in range(start, start + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return list(range(start, start + count))
        except OSError:
            continue
    raise Failed("no free TCP ports between 20000 and 60000")


def missing_programs(accounting: bool) -> list[str]:
    """Name the programs that this needs and the machine lacks."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"       # Debian keeps daemons out of a user's PATH
    return [name for name in PROGRAMS + (DATABASE if accounting else ()) if not shutil.which(name)]


def plugin_folder() -> str:
    """Find where the packages put Slurm's plug-ins."""
    found = [*Path("/usr/lib").glob("*/slurm-wlm"), *Path("/usr/lib").glob("*/slurm"), *Path("/usr/lib64").glob("slurm")]
    if not found:
        raise Failed(f"no folder of Slurm plug-ins under /usr/lib; install Slurm: {DEBIAN}")
    return str(found[0])


class Cluster:
    """One folder with the configuration, state, logs and process ids of a cluster."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.pids = self.root / "pids"
        self.children: dict[int, subprocess.Popen] = {}      # those this very process started

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which Slurm's commands talk to this cluster."""
        return {**os.environ, "SLURM_CONF": str(self.root / "slurm.conf")}

    def ask(self, *command: str, timeout: float = 20) -> subprocess.CompletedProcess[str]:
        """Run one of Slurm's commands against this cluster and return it with its output; never raises on failure."""
        try:
            return subprocess.run(command, env=self.environment, text=True, capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"no answer in {timeout:.0f} s")

    def configure(self, nodes: int, cpus: int, gpus: int, accounting: bool, settings: list[str]) -> None:
        """Write the folder's configuration; everything in it belongs to the user who calls."""
        if (self.root / "slurm.conf").exists():
            raise Failed(f"{self.root} already holds a cluster; stop it (`down`) and remove the folder, or choose another")
        for name in ("log", "state", "spool"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o755)
        dbd_port, sql_port, ctld_port, *ports = free_ports(3 + nodes)
        names = {"root": self.root, "user": getpass.getuser(), "host": socket.gethostname().split(".")[0], "plugins": plugin_folder(),
                 "dbd_port": dbd_port, "sql_port": sql_port, "ctld_port": ctld_port, "ports": f"{ports[0]}-{ports[-1]}",
                 "nodes": nodes, "cpus": cpus, "gpus": gpus, "memory": cpus * 10000,
                 "sockets": 2 - cpus % 2, "cores": cpus // (2 - cpus % 2)}
        names["accounting"] = ACCOUNTING_ON.format(**names) if accounting else "AccountingStorageType=accounting_storage/none"
        self.sql_port = sql_port
        self.write("munge.key", os.urandom(128), 0o600)
        self.write("slurm.conf", ("\n".join([SLURM_CONF.format(**names), *settings]) + "\n").encode(), 0o644)
        self.write("cgroup.conf", b"CgroupAutomount=no\n", 0o644)
        for gpu in range(gpus):
            (self.root / f"gpu{gpu}").symlink_to("/dev/null")    # Slurm wants a device and never opens it
        self.write("gres.conf", f"Name=gpu File={self.root}/gpu[0-{gpus - 1}]\n".encode() if gpus > 1 else
                   f"Name=gpu File={self.root}/gpu0\n".encode() if gpus else b"", 0o644)
        half = nodes // 2
        self.write("topology.conf", f"SwitchName=leaf1 Nodes=node[1-{half}]\nSwitchName=leaf2 Nodes=node[{half + 1}-{nodes}]\n"
                   "SwitchName=spine Switches=leaf[1-2]\n".encode(), 0o644)
        if accounting:
            self.write("slurmdbd.conf", SLURMDBD_CONF.format(**names).encode(), 0o600)
        self.write("env", f"export SLURM_CONF={self.root}/slurm.conf\nexport PATH=$PATH:/usr/sbin\n".encode(), 0o644)

    def write(self, name: str, content: bytes, mode: int) -> None:
        path = self.root / name
        path.write_bytes(content)
        path.chmod(mode)

    def launch(self, name: str, *command: str, **environment: str) -> None:
        """Start one daemon in the background and remember its process id."""
        with (self.root / "log" / f"{name}.out").open("ab") as log:
            process = subprocess.Popen(command, env={**self.environment, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, cwd=self.root)
        self.children[process.pid] = process
        with self.pids.open("a") as pids:
            pids.write(f"{process.pid} {name}\n")
        time.sleep(0.1)
        if process.poll() is not None:
            raise Failed(f"{name} ended at once with code {process.returncode}: {self.tail(name)}")

    def tail(self, name: str) -> str:
        """Return the last lines that a daemon wrote, for an error message."""
        lines = []
        for path in (self.root / "log" / f"{name}.out", self.root / "log" / f"{name}.log"):
            if path.exists():
                lines += [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()][-5:]
        return "\n    " + "\n    ".join(lines or ["(it wrote nothing)"])

    def wait(self, what: str, ready, log: str, seconds: float = 60) -> None:
        """Wait until `ready()` is true; after `seconds` fail with the last lines of the daemon's log."""
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise Failed(f"{what} is not ready after {seconds:.0f} s; the end of its log: {self.tail(log)}")
            time.sleep(0.2)

    def start(self, nodes: int = 4, cpus: int = 96, gpus: int = 8, accounting: bool = True, settings: list[str] | None = None) -> None:
        """Configure and start every daemon, and return when all nodes are idle. Raises Failed."""
        if len(str(self.root)) > 80:
            raise Failed(f"{self.root} is too long a path for a Unix socket; choose a shorter folder")
        missing = missing_programs(accounting)
        if missing:
            raise Failed(f"not installed: {', '.join(missing)}. On Debian or Ubuntu: {DEBIAN}")
        self.root.mkdir(parents=True, exist_ok=True)
        self.configure(nodes, cpus, gpus, accounting, settings or [])
        root = self.root
        # munged refuses a key that others can read; --force only turns its complaint about the folder into a warning.
        self.launch("munged", "munged", "--foreground", "--force", f"--socket={root}/munge.socket", f"--key-file={root}/munge.key",
                    f"--pid-file={root}/munged.pid", f"--log-file={root}/log/munged.log", f"--seed-file={root}/munge.seed")
        self.wait("munged", (root / "munge.socket").exists, "munged")
        if accounting:
            self.start_accounting()
        self.launch("slurmctld", "slurmctld", "-D", "-f", f"{root}/slurm.conf")
        self.wait("slurmctld", lambda: "UP" in self.ask("scontrol", "ping").stdout, "slurmctld")
        if accounting:                                   # the controller has now told the database what a gres/gpu is
            user = getpass.getuser()
            for line in ("add account research Description=research Organization=book", f"add user {user} Account=research", f"modify user {user} set DefaultAccount=research",
                         "add qos urgent Priority=100 MaxTRESPerUser=gres/gpu=16", f"modify user {user} set qos+=urgent"):
                self.account(line)
        for node in range(1, nodes + 1):
            self.launch(f"slurmd.node{node}", "slurmd", "-D", "-N", f"node{node}", "-f", f"{root}/slurm.conf")
        self.wait("slurmd", lambda: self.ask("sinfo", "-h", "-N", "-p", "train", "-t", "idle", "-o", "%N").stdout.count("node") == nodes, "slurmd.node1")

    def start_accounting(self) -> None:
        """Start MariaDB and slurmdbd and enter the cluster, an account and the calling user."""
        root, user = self.root, getpass.getuser()
        made = subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={root}/mysql", "--skip-test-db",
                               "--auth-root-authentication-method=normal", f"--user={user}"], text=True, capture_output=True, timeout=120)
        if made.returncode:
            raise Failed(f"mariadb-install-db failed: {made.stderr.strip() or made.stdout.strip()}")
        (root / "init.sql").write_text("CREATE USER slurm@'%' IDENTIFIED BY 'slurm';\nGRANT ALL ON slurm_acct.* TO slurm@'%';\n", "utf-8")
        self.launch("mariadbd", "mariadbd", "--no-defaults", f"--datadir={root}/mysql", f"--socket={root}/mysql.socket", "--bind-address=127.0.0.1",
                    f"--port={self.sql_port}", f"--pid-file={root}/mysql.pid", f"--user={user}", f"--init-file={root}/init.sql",
                    "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve")
        self.wait("MariaDB", lambda: self.listens(self.sql_port), "mariadbd")
        self.launch("slurmdbd", "slurmdbd", "-D")
        self.wait("slurmdbd", lambda: self.ask("sacctmgr", "-n", "list", "cluster").returncode == 0, "slurmdbd")
        self.account("add cluster one")

    def account(self, line: str) -> None:
        """Enter something in the accounting database with sacctmgr."""
        done = self.ask("sacctmgr", "-i", *line.split())
        if done.returncode:
            raise Failed(f"sacctmgr {line}: {done.stdout.strip()} {done.stderr.strip()}")

    @staticmethod
    def listens(port: int) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def stop(self) -> list[str]:
        """Cancel all jobs, end every daemon this folder started, and return the names of any that would not go."""
        if not self.pids.exists():
            return []
        if self.ask("scontrol", "ping", timeout=5).returncode == 0:
            self.ask("scancel", "--signal=KILL", "--full", "--state=RUNNING", timeout=10)
            self.ask("scancel", "--user", getpass.getuser(), timeout=10)
            end = time.monotonic() + 15
            while self.ask("squeue", "-h", timeout=5).stdout.strip() and time.monotonic() < end:
                time.sleep(0.3)
        left = []
        started = [line.split(" ", 1) for line in self.pids.read_text().splitlines()]
        for pid, name in reversed(started):              # slurmd before slurmctld before the database before munge
            if not self.end(int(pid)):
                left.append(f"{name} ({pid})")
        self.end_steps()
        if not left:
            self.pids.unlink()
        return left

    def end_steps(self) -> None:
        """End what outlives its slurmd: a step daemon whose job was cut off, known by this folder in its environment."""
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                ours = f"SLURM_CONF={self.root}/slurm.conf".encode() in (entry / "environ").read_bytes()
                if ours and (entry / "comm").read_text().startswith("slurmstepd"):
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue                                  # ended meanwhile, or not ours to read

    def end(self, pid: int) -> bool:
        """End one process: politely, after ten seconds by force. True if it is gone."""
        for sign, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            if not self.is_ours(pid):
                return self.reap(pid)
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                return self.reap(pid)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if pid in self.children:
                    self.children[pid].poll()             # a child stays a zombie until it is waited for
                if not self.is_ours(pid):
                    return self.reap(pid)
                time.sleep(0.1)
        return False

    def reap(self, pid: int) -> bool:
        """Wait for a process that is ending or gone, if it is a child: its environment goes before it does. True if it is gone."""
        try:
            return pid not in self.children or self.children[pid].wait(timeout=5) is not None
        except subprocess.TimeoutExpired:
            return False

    def is_ours(self, pid: int) -> bool:
        """Is this process one that the folder started? A process id may have been given to another program since."""
        try:
            return f"SLURM_CONF={self.root}/slurm.conf".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("up", "start a cluster in DIR and leave it running"), ("try", "start a cluster, run one command in it, stop it")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--nodes", type=int, default=4, choices=range(2, 65), metavar="N", help="2 to 64; default 4")
        command.add_argument("--cpus", type=int, default=96, choices=range(1, 257), metavar="N", help="CPUs pretended per node; default 96")
        command.add_argument("--gpus", type=int, default=8, choices=range(0, 17), metavar="N", help="GPUs pretended per node; default 8")
        command.add_argument("--no-accounting", action="store_true", help="leave out MariaDB and slurmdbd: no sacct, sacctmgr, sshare")
        command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one more line of slurm.conf, such as Prolog=/path; repeatable")
        command.add_argument(*(["dir"] if name == "up" else ["argv"]), **({"type": Path} if name == "up" else {"nargs": "+"}))
    commands.add_parser("down", help="stop the cluster of DIR").add_argument("dir", type=Path)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    options = parse(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.command == "down":
        left = Cluster(options.dir).stop()
        print(f"could not stop {', '.join(left)}" if left else "stopped", file=sys.stderr if left else sys.stdout)
        return 1 if left else 0
    temporary = None if options.command == "up" else Path(tempfile.mkdtemp(prefix="slurm-"))
    cluster = Cluster(temporary or options.dir)
    fresh = not (cluster.root / "slurm.conf").exists()
    done = False
    try:
        cluster.start(options.nodes, options.cpus, options.gpus, not options.no_accounting, options.set)
        done = options.command == "up"
        if done:
            print(f"{options.nodes} nodes are idle. In each shell that should use them:\n. {cluster.root}/env")
            return 0
        return subprocess.run(options.argv, env=cluster.environment).returncode
    except (Failed, OSError, subprocess.TimeoutExpired) as error:
        print(f"one_machine.py: {error}", file=sys.stderr)
        return 2 if fresh and missing_programs(not options.no_accounting) else 1
    except KeyboardInterrupt:
        print("one_machine.py: interrupted; stopping what was started", file=sys.stderr)
        return 130
    finally:
        if not done and fresh:
            cluster.stop()
            if temporary:
                shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
