"""The networks that are tried: NFS versions, mount options, exports and the daemons' users."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.nfs import samba
from tests.nfs.fleet import ARTISTS, Fleet
from tests.nfs.lab import Lab

CLIENTS = 3
SWAP_BYTES = 96 << 20
USERS = tuple(ARTISTS + number for number in (1, 2, 3))


@dataclass(frozen=True, slots=True)
class Network:
    """One way to set up server, clients and daemons."""

    name: str
    what: str
    nfs: str
    export: str = "sync,no_root_squash"
    uids: tuple[int, ...] = ()  #: of the daemons; none: root
    init: tuple[str, ...] = ()  #: words of `renderd init`
    owner: str = "root:root"  #: of the export's top folder
    mem: str = "384M"
    has_swap: bool = False  #: the last client has little memory and a swap disk
    cifs: str = ""  #: mount options; with them the share is Samba's and not NFS's


SQUASHED = "all_squash,anonuid=54331,anongid=54330"
NETWORKS = {
    one.name: one
    for one in (
        Network("v4.2", "NFS 4.2, default options", "vers=4.2"),
        Network("v3", "NFS 3, default options", "vers=3"),
        Network(
            "v3-soft",
            "NFS 3, soft,timeo=50,nolock,actimeo=60",
            "vers=3,soft,timeo=50,nolock,actimeo=60",
        ),
        Network(
            "v4.2-soft", "NFS 4.2, soft,timeo=50,actimeo=60", "vers=4.2,soft,timeo=50,actimeo=60"
        ),
        Network(
            "uids",
            "three users of a group, root_squash",
            "vers=4.2",
            "sync,root_squash",
            uids=USERS,
            init=("--group", "artists"),
            owner="artist1:artists",
        ),
        Network(
            "root-squash",
            "daemons as root, root_squash",
            "vers=4.2",
            "sync,root_squash",
            init=("--trust-share",),
            owner="nobody",
        ),
        Network(
            "all-squash",
            "three users, all_squash",
            "vers=4.2",
            f"sync,{SQUASHED}",
            uids=USERS,
            init=("--trust-share",),
            owner="artist1",
        ),
        Network(
            "samba",
            "Samba with one owner for all, vers=3.1.1,hard,closetimeo=0",
            "",
            init=("--trust-share",),
            owner="artist4",
            cifs="vers=3.1.1,hard,closetimeo=0",
        ),
        Network("swap", "NFS 4.2, a client with a swap disk", "vers=4.2", has_swap=True),
        Network("blender", "NFS 4.2, clients that have room for Blender", "vers=4.2", mem="1200M"),
    )
}


@contextmanager
def running(network: Network) -> Iterator[Fleet]:
    """A fleet at work on a network of its own; nothing is left of it."""
    with ExitStack() as stack:
        # Not below /tmp: that is every guest's own.
        folder = tempfile.mkdtemp(prefix="renderd-nfs-", dir="/var/tmp")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        lab = stack.enter_context(Lab(Path(folder), nfs=network.nfs, export=network.export))
        if network.cifs:
            samba.prepare(lab, network.cifs)
        lab.add_server()
        for host in range(2, 2 + CLIENTS):
            if network.has_swap and host == 1 + CLIENTS:
                lab.add_client(host, mem="192M", swap_bytes=SWAP_BYTES)
            else:
                lab.add_client(host, mem=network.mem)
        for guest in lab.clients:
            guest.settle()
        fleet = Fleet(lab, network.uids, network.init)
        fleet.found(network.owner)
        fleet.up()
        yield fleet


class Present:
    """The network that runs now; another takes its place when it is asked for or this broke."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._name = ""
        self._fleet: Fleet | None = None

    def fleet(self, name: str) -> Fleet:
        """A fleet at work on the network of this name."""
        if self._fleet is None or self._name != name:
            self.end()
            self._fleet = self._stack.enter_context(running(NETWORKS[name]))
            self._name = name
        return self._fleet

    def evidence(self) -> tuple[str, ...]:
        """The last words of its daemons."""
        daemons = self._fleet.daemons if self._fleet is not None else []
        return tuple(f"== {daemon.guest}\n{daemon.text[-2000:]}" for daemon in daemons)

    def end(self) -> None:
        """Switch all guests off."""
        self._stack.close()
        self._fleet = None
