"""MooseFS: a master, three chunkservers, every file on two of them."""

from pathlib import Path

from network import ADDRESS, run
from volume import SERVERS, Volume

MASTER = ADDRESS.format(1)
AS_ROOT = "WORKING_USER = root\nWORKING_GROUP = root\nLOCK_MEMORY = 0\n"


class MooseFS(Volume):
    """Debian's MooseFS; its chunkservers refuse loopback addresses, so each has another."""

    kind = "moosefs"
    programs = ("mfsmaster", "mfschunkserver", "mfsmount", "mfssetgoal", "ip", "nsenter")

    def found(self) -> None:
        data = self.folder / "master"
        data.mkdir()
        (data / "metadata.mfs").write_bytes(b"MFSM NEW")
        exports = self._write("exports.cfg", "* / rw,alldirs,maproot=0:0\n")
        config = self._write(
            "master.cfg",
            f"{AS_ROOT}DATA_PATH = {data}\nEXPORTS_FILENAME = {exports}\n"
            f"TOPOLOGY_FILENAME = {self._write('topology.cfg', '')}\n"
            f"MATOCS_LISTEN_HOST = {MASTER}\nMATOCL_LISTEN_HOST = {MASTER}\n"
            f"MATOML_LISTEN_HOST = {MASTER}\nREPLICATIONS_DELAY_INIT = 1\n",
        )
        self._start("mfsmaster", "master", config)
        for number in range(SERVERS):
            self.bring(number)

    def bring(self, number: int) -> None:
        home, disk = self.folder / f"home{number}", self.folder / f"disk{number}"
        home.mkdir(exist_ok=True)
        disk.mkdir(exist_ok=True)
        disks = self._write(f"disks{number}.cfg", f"{disk}\n")
        address = ADDRESS.format(11 + number)
        config = self._write(
            f"server{number}.cfg",
            f"{AS_ROOT}DATA_PATH = {home}\nHDD_CONF_FILENAME = {disks}\n"
            f"HDD_LEAVE_SPACE_DEFAULT = 64MiB\nBIND_HOST = {address}\nMASTER_HOST = {MASTER}\n"
            f"MASTER_RECONNECTION_DELAY = 1\nCSSERV_LISTEN_HOST = {address}\n",
        )
        self._start("mfschunkserver", f"server{number}", config)

    def pid(self, number: int) -> Path:
        return self.folder / f"server{number}.pid"

    def mount(self, point: Path) -> None:
        words = ("mfsmount", point, "-H", MASTER, "-o", "mfsproxy=127.0.0.1")
        run(*self.network.outer(*words))
        run(*self.network.outer("mfssetgoal", "-r", "2", point))

    def _start(self, program: str, name: str, config: Path) -> None:
        pid, log = self.folder / f"{name}.pid", self.folder / f"{name}.log"
        pid.unlink(missing_ok=True)
        self.network.start(program, "-c", config, "-f", "start", pid=pid, log=log)

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path
