"""A network of its own for one volume, with its servers: neither sees the machine's."""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

ADDRESS = "10.71.0.{}"
SYSTEM = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
ENVIRON = {**os.environ, "PATH": SYSTEM}
#: /run and the logs are the volume's own: another one on this machine keeps its sockets there.
FIRST = """
mount -t tmpfs tmpfs /run
for logs in /var/log/glusterfs /var/lib/glusterd; do
    if [ -d "$logs" ]; then mount -t tmpfs tmpfs "$logs"; fi
done
ip link set lo up
for address in "$@"; do ip addr add "$address/24" dev lo; done
echo ready
sleep infinity &
while :; do wait; done
"""


class Network:
    """Namespaces of processes, mounts and network, which end with the process that holds them."""

    def __init__(self, hosts: Sequence[int]) -> None:
        # Chunkservers and bricks refuse 127.0.0.1: they want addresses that others could reach.
        addresses = [ADDRESS.format(host) for host in hosts]
        spaces = ["unshare", "--net", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"]
        self._holder = subprocess.Popen(
            [*spaces, "sh", "-ec", FIRST, "sh", *addresses], stdout=subprocess.PIPE, env=ENVIRON
        )
        assert self._holder.stdout is not None
        said = self._holder.stdout.readline()
        assert said == b"ready\n", "no namespaces in this container"
        (first,) = psutil.Process(self._holder.pid).children()
        self._first = first.pid
        self._servers: list[subprocess.Popen[bytes]] = []

    def outer(self, *words: object) -> list[str]:
        """A command line in this network whose mounts are seen by the whole machine."""
        return ["nsenter", f"--net=/proc/{self._first}/ns/net", *map(str, words)]

    def inner(self, *words: object) -> list[str]:
        """A command line among the servers; what it starts ends with the network."""
        spaces = ("--net", "--mount", "--pid")
        return ["nsenter", f"--target={self._first}", *spaces, *map(str, words)]

    def start(self, *words: object, pid: Path, log: Path) -> None:
        """Start a server in the foreground among the servers; its id there goes into a file."""
        script = 'echo $$ >"$1"; shift; exec "$@"'
        with log.open("ab") as file:
            started = subprocess.Popen(
                self.inner("sh", "-c", script, "sh", pid, *words),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=ENVIRON,
            )
        self._servers.append(started)
        while not (pid.exists() and pid.read_text().endswith("\n")):
            time.sleep(0.01)

    def signal(self, name: str, pid: Path) -> None:
        """Send a signal to a server by the file with its id."""
        run(*self.inner("kill", "-s", name, pid.read_text().strip()))

    def path(self, inside: str) -> Path:
        """A path as the servers see it."""
        return Path(f"/proc/{self._first}/root{inside}")

    def close(self) -> None:
        self._holder.kill()
        for process in (self._holder, *self._servers):
            process.wait()
        assert self._holder.stdout is not None
        self._holder.stdout.close()


def run(*words: object) -> str:
    """Run a command to its end; what it said, also in the error where it fails."""
    line = [str(word) for word in words]
    # Not through a pipe: a mount's own process would keep it open until it is unmounted.
    with tempfile.TemporaryFile("w+") as file:
        done = subprocess.run(
            line, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False, env=ENVIRON
        )
        file.seek(0)
        said = file.read()
    assert done.returncode == 0, f"{' '.join(line)}: {said}"
    return said
