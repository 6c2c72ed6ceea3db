"""GlusterFS: three bricks that are replicas of each other, under one glusterd."""

from pathlib import Path

from network import ADDRESS, run
from volume import SERVERS, Volume, until

HOST, NAME = ADDRESS.format(1), "farm"
CONFIG = """volume management
    type mgmt/glusterd
    option working-directory /var/lib/glusterd
    option transport-type socket
    option transport.socket.listen-port 24007
    option ping-timeout 0
    option max-port 60999
end-volume
"""


class GlusterFS(Volume):
    """Debian's GlusterFS with the settings a new replica 3 volume has."""

    kind = "glusterfs"
    programs = ("glusterd", "glusterfs", "gluster", "ip", "nsenter")

    def found(self) -> None:
        config = self.folder / "glusterd.vol"
        config.write_text(CONFIG)
        pid, log = self.folder / "glusterd.pid", self.folder / "glusterd.out"
        words = ("glusterd", "-N", "-f", config, "-l", self.folder / "glusterd.log")
        self.network.start(*words, pid=pid, log=log)
        until(lambda: self._says("pool", "list"), "glusterd answers")
        bricks = [f"{HOST}:{self._brick(number)}" for number in range(SERVERS)]
        self._gluster("volume", "create", NAME, "replica", SERVERS, *bricks, "force")
        self._gluster("volume", "start", NAME)

    def bring(self, number: int) -> None:
        self._gluster("volume", "start", NAME, "force")  # starts the bricks that do not run

    def pid(self, number: int) -> Path:
        name = f"{HOST}{self._brick(number)}".replace("/", "-")
        return self.network.path(f"/run/gluster/vols/{NAME}/{name}.pid")

    def mount(self, point: Path) -> None:
        log = self.folder / f"{point.name}.log"
        run(*self.network.outer("glusterfs", "-s", HOST, "--volfile-id", NAME, "-l", log, point))

    def _brick(self, number: int) -> Path:
        return self.folder / f"brick{number}"

    def _gluster(self, *words: object) -> str:
        return self.run("gluster", "--mode=script", *words)

    def _says(self, *words: object) -> bool:
        try:
            self._gluster(*words)
        except AssertionError:
            return False
        return True
