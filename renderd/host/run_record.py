"""This host's own record of its daemons: which ran here, which of them are dead.

A daemon that starts may declare its predecessor dead at once, without waiting for beats,
when this record proves that it ran in this boot of this machine and that its process is
gone.  The folder may lie on a shared home, so nothing is believed of another boot.
"""

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import IO, Self

import portalocker

from renderd.errors import RenderdError
from renderd.host import process
from renderd.host.facts import boot_id

_FOLDER = "running"
_OLD_DAYS = 30  # records of other boots and hosts are nobody's to judge, but not kept for ever


class NodeNameTaken(RenderdError):
    """Another daemon of this name works for this spool on this host."""

    exit_status = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One daemon's run on this host, as it wrote it down at its start."""

    incarnation: str
    node: str
    spool: str
    pid: int
    started: float
    guard_pid: int
    boot_id: str
    namespace: str = ""  #: of process ids: in another container our pid means nothing

    @classmethod
    def of_this_process(cls, incarnation: str, node: str, spool: str, guard_pid: int) -> Self:
        """The record of the daemon that asks."""
        pid = os.getpid()
        return cls(
            incarnation=incarnation,
            node=node,
            spool=spool,
            pid=pid,
            started=process.start_time(pid) or 0.0,
            guard_pid=guard_pid,
            boot_id=boot_id(),
            namespace=_namespace(),
        )

    @property
    def is_judgeable(self) -> bool:
        """Whether its pid means anything here: same boot, same namespace of processes."""
        return self.boot_id == boot_id() and self.namespace == _namespace()

    @property
    def is_running(self) -> bool:
        """Whether its process runs; to be asked only of a record that is judgeable."""
        return process.alive(self.pid, self.started)


def write(state_dir: str, record: RunRecord) -> None:
    """Put a record down before the daemon's first claim; survives a crash of the daemon."""
    folder = os.path.join(state_dir, _FOLDER)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = _path(state_dir, record.incarnation)
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        json.dump(asdict(record), file)
    os.replace(f"{path}.tmp", path)


def remove(state_dir: str, incarnation: str) -> None:
    """Take a record away: its daemon left in order, or was declared dead."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(state_dir, incarnation))


def read_all(state_dir: str) -> list[RunRecord]:
    """Every readable record, of whatever boot; broken files are passed over."""
    folder = os.path.join(state_dir, _FOLDER)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    found = (_read(os.path.join(folder, name)) for name in names if name.endswith(".json"))
    return [record for record in found if record is not None]


def predecessors(state_dir: str, spool: str) -> list[RunRecord]:
    """The daemons of this spool that ran in this boot of this host and are gone.

    Their incarnations may be declared dead once `process.end_strays` ended what they left.
    """
    _forget_old(state_dir)
    return [
        record
        for record in read_all(state_dir)
        if record.spool == spool and record.is_judgeable and not record.is_running
    ]


class NodeLock:
    """Holds a node name on this host for one spool, until released or the process ends."""

    def __init__(self, folder: str, spool: str, node: str) -> None:
        """Take the name, `folder` being local; raises NodeNameTaken when another has it."""
        self._path = os.path.join(folder, f"{node}.{spool}.lock")
        self._file: IO[str] | None = open(self._path, "a+", encoding="ascii")  # noqa: SIM115
        try:
            portalocker.lock(self._file, portalocker.LOCK_EX | portalocker.LOCK_NB)
        except portalocker.LockException as problem:
            holder = self._holder()
            self._file.close()
            raise NodeNameTaken(
                f"a renderd named {node} already works for this spool on this machine{holder}",
                "stop it or give another --node",
            ) from problem
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Give the name up."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _holder(self) -> str:
        assert self._file is not None
        self._file.seek(0)
        text = self._file.read(20).strip()
        return f" (process {text})" if text.isdigit() else ""


def _path(state_dir: str, incarnation: str) -> str:
    return os.path.join(state_dir, _FOLDER, f"{incarnation}.json")


def _read(path: str) -> RunRecord | None:
    try:
        with open(path, "rb") as file:
            fields = json.loads(file.read(1 << 16))
        known = {name: fields[name] for name in RunRecord.__slots__ if name in fields}
        return RunRecord(**known)
    except (OSError, ValueError, TypeError):
        return None


def _forget_old(state_dir: str) -> None:
    before = time.time() - _OLD_DAYS * 86400
    for record in read_all(state_dir):
        path = _path(state_dir, record.incarnation)
        with contextlib.suppress(OSError):
            if not record.is_judgeable and os.stat(path).st_mtime < before:
                os.unlink(path)


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
