"""Talk to the local daemon, else read the spool: one typed face.

Every question is answered by the daemon of this machine where one serves the same spool, and
by reading the spool where none answers.  A daemon that says that the share hangs is believed:
reading it here would hang too, so ShareHangs is raised instead.  What reads the spool is imported
where it is needed: most questions are answered without it, and a command must start at once.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from renderd.core.wire import MAX_TAIL, Event, Op, Request
from renderd.dialog import Declined, Dialog, NotHere
from renderd.errors import DaemonNotRunning, RenderdError, WireError

if TYPE_CHECKING:
    from renderd.config import Settings
    from renderd.spool.layout import Spool
    from renderd.spool.logs import LogEnd
    from renderd.spool.overview import FarmView
    from renderd.spool.records import ChunkView, JobView, NodeView
    from renderd.spool.view import Infos

_FOLLOWED_BYTES = 64 << 10

Record = TypeVar("Record")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Hello:
    """The daemon that answered."""

    node: str
    inc: str
    version: str
    spool_id: str
    socket: str


class Client:
    """This machine's view of the farm.  Not for several threads at once."""

    def __init__(self, settings: "Settings", spool: "Spool | None" = None) -> None:
        self._settings = settings
        self._spool = spool
        self._dialog: Dialog | None = None
        self._hello: Hello | None = None
        self._was_sought = False
        self._infos: Infos | None = None

    def close(self) -> None:
        """Hang up; the next question connects again."""
        if self._dialog is not None:
            self._dialog.close()
        self._dialog, self._hello, self._was_sought = None, None, False

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def daemon(self) -> Hello | None:
        """The daemon of this machine that serves the spool; None where none answers."""
        with contextlib.suppress(DaemonNotRunning):
            self._connect()
        return self._hello

    def farm(self) -> "FarmView":
        """Counts of jobs and nodes.  Raises ShareHangs, OSError, DaemonNotRunning, as all here."""
        from renderd.spool import overview  # noqa: PLC0415

        return self._either(
            Request(Op.FARM), lambda value: _record(overview.FarmView, value), overview.read_farm
        )

    def jobs(self, nodes: "list[NodeView] | None" = None) -> "list[JobView]":
        """All jobs, highest priority and oldest first; `nodes` where they were asked for before."""
        from renderd.spool import records, view  # noqa: PLC0415

        infos = self._infos = self._infos or view.Infos()
        return self._either(
            Request(Op.JOBS),
            lambda value: _records(records.JobView, value),
            lambda spool: view.read_jobs(spool, nodes=nodes, infos=infos),
        )

    def chunks(self, jid: str) -> "list[ChunkView]":
        """All chunks of one job, in order."""
        from renderd.spool import records, view  # noqa: PLC0415

        return self._either(
            Request(Op.CHUNKS, {"job": jid}),
            lambda value: _records(records.ChunkView, value),
            lambda spool: view.read_chunks(spool, jid),
        )

    def nodes(self) -> "list[NodeView]":
        """The nodes that beat and those certified dead."""
        from renderd.spool import records, view  # noqa: PLC0415

        return self._either(
            Request(Op.NODES), lambda value: _records(records.NodeView, value), view.read_nodes
        )

    def status(self) -> Mapping[str, Any]:
        """This machine's node as it says itself; from the spool, it may be a few beats old."""
        return self._either(Request(Op.STATUS), dict, self._last_words)

    def log(
        self, jid: str, chunk: int | None = None, attempt: int | None = None, tail: int = MAX_TAIL
    ) -> "LogEnd":
        """The end of an attempt's log: the asked one, a chunk's last, else the job's newest."""
        from renderd.spool import logs  # noqa: PLC0415

        asked = {"job": jid, "chunk": chunk, "attempt": attempt, "tail": tail}
        return self._either(
            Request(Op.LOG, {k: v for k, v in asked.items() if v is not None}),
            lambda value: _record(logs.LogEnd, value),
            lambda spool: logs.read_end(spool, jid, chunk, attempt, tail),
        )

    def follow(self, jid: str, chunk: int, every: float = 1.0) -> Iterator[str]:
        """The output of a chunk's last attempt, line by line, until that attempt ends.

        At once where it runs on this machine; else its log is read every so many seconds.
        """
        request = Request(Op.FOLLOW, {"job": jid, "chunk": chunk})
        try:
            for event, value in self._stream(request):
                if event is Event.LINES:
                    yield from (str(line) for line in value["lines"])
        except (Declined, DaemonNotRunning, NotHere):
            yield from _follow_log(self._readable(), jid, chunk, every)

    def subscribe(self, every: float = 2.0) -> Iterator[Mapping[str, Any]]:
        """This machine's node, again after each change; ends when the daemon goes.

        Without a daemon that answers, what the node last wrote, read every so many seconds.
        """
        now: dict[str, Any] = {}
        try:
            for event, value in self._stream(Request(Op.SUBSCRIBE)):
                if event is Event.SNAPSHOT:
                    now = dict(value)
                elif event is Event.CHANGE:
                    merged = {**now, **value}
                    now = {k: v for k, v in merged.items() if k not in value or v is not None}
                yield now
        except (Declined, DaemonNotRunning):
            yield from self._poll_status(every)

    def nudge(self) -> bool:
        """Have the local daemon look at the spool now; False where none serves it."""
        try:
            self._ask(Request(Op.NUDGE))
        except (Declined, DaemonNotRunning):
            return False
        return True

    def order(self, op: Op, **args: Any) -> Mapping[str, Any]:
        """Tell this machine's node to pause, resume, drain, undrain, quit or kill a chunk.

        Where its daemon does not answer, the order waits in its inbox for the next beat.  Raises
        UsageError for a chunk that does not run there.
        """
        request = Request(op, {k: v for k, v in args.items() if v is not None})
        return self._either(request, dict, lambda spool: self._send(spool, request))

    # -- the daemon, or the spool ---------------------------------------------------------

    def _either(
        self,
        request: Request,
        understood: Callable[[Any], Answer],
        read: "Callable[[Spool], Answer]",
    ) -> Answer:
        try:
            return understood(self._ask(request))
        except (Declined, DaemonNotRunning):
            return read(self._readable())

    def _readable(self) -> "Spool":
        if self._spool is None:
            raise DaemonNotRunning("no daemon answers on this machine", "start one with: renderd")
        return self._spool

    def _ask(self, request: Request) -> Any:
        dialog = self._connect()
        try:
            return dialog.ask(request)
        except (WireError, OSError) as error:
            self._lose(dialog)
            raise DaemonNotRunning(f"the daemon stopped answering: {error}") from error

    def _stream(self, request: Request) -> Iterator[tuple[Event, Any]]:
        self._connect()
        if self._hello is None:
            raise DaemonNotRunning("no daemon answers on this machine")
        dialog = None
        try:
            # A connection of its own: questions may be asked while the stream is read.
            dialog = Dialog.open(self._hello.socket)
            yield from dialog.stream(request)
        except (WireError, OSError) as error:
            raise DaemonNotRunning(f"the daemon stopped answering: {error}") from error
        finally:
            if dialog is not None:
                dialog.close()

    def _connect(self) -> Dialog:
        if self._dialog is None and not self._was_sought:
            self._was_sought = True
            any(self._try(path) for path in sockets(self._settings))
        if self._dialog is None:
            raise DaemonNotRunning("no daemon answers on this machine", "start one with: renderd")
        return self._dialog

    def _try(self, path: str) -> bool:
        """Take the daemon at a socket for ours if it answers and serves our spool."""
        try:
            dialog = Dialog.open(path)
        except OSError:
            return False
        wanted = self._spool.identity.id if self._spool else ""
        try:
            hello = _hello(dialog.ask(Request(Op.HELLO)), path)
            if hello is not None and wanted in ("", hello.spool_id):
                self._dialog, self._hello = dialog, hello
        except (OSError, RenderdError):
            pass
        if self._dialog is not dialog:
            dialog.close()
        return self._dialog is dialog

    def _lose(self, dialog: Dialog) -> None:
        dialog.close()
        self._dialog, self._hello = None, None

    # -- without a daemon -----------------------------------------------------------------

    def _last_words(self, spool: "Spool") -> Mapping[str, Any]:
        from renderd.spool import nodes, orders  # noqa: PLC0415

        inc = max(orders.incarnations(spool, _node_of(self._settings)), default="")
        return {"inc": inc, **(nodes.read_status(spool, inc) or {})}

    def _poll_status(self, every: float) -> Iterator[Mapping[str, Any]]:
        before = None
        while True:
            now = self._last_words(self._readable())
            if now != before:
                yield now
            before = now
            time.sleep(every)

    def _send(self, spool: "Spool", request: Request) -> Mapping[str, Any]:
        from renderd.spool import orders  # noqa: PLC0415

        sent = orders.send(spool, _node_of(self._settings), request)
        return {"accepted": sent.op, "incarnations": list(sent.incarnations)}


def sockets(settings: "Settings") -> list[str]:
    """Where a daemon of this user may answer: the set path, else this node's, then the others."""
    if settings.socket:
        return [settings.socket]
    from renderd.host.locations import runtime_dir, socket_path  # noqa: PLC0415

    folder = settings.runtime_dir or runtime_dir()
    own = socket_path(folder, _node_of(settings))
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = sorted(name for name in os.listdir(folder) if name.endswith(".sock"))
    others = (f"{folder}/{name}" for name in names)
    return [path for path in dict.fromkeys((own, *others)) if os.path.exists(path)]


def _node_of(settings: "Settings") -> str:
    from renderd.host.facts import host_name, host_slug  # noqa: PLC0415

    return settings.node or host_slug(host_name())


def _follow_log(spool: "Spool", jid: str, chunk: int, every: float) -> Iterator[str]:
    from renderd.spool import logs  # noqa: PLC0415

    log = logs.read_end(spool, jid, chunk, tail=_FOLLOWED_BYTES)
    yield from log.text.splitlines()
    place, is_running = log.start + len(log.text.encode()), True
    while is_running:
        is_running = logs.still_runs(spool, jid, log)  # before reading: the last lines count
        with contextlib.suppress(FileNotFoundError):
            data, place = logs.read_on(spool, log.path, place)
            yield from data.decode("utf-8", "replace").splitlines()
        if is_running:
            time.sleep(every)


def _hello(value: Any, path: str) -> Hello | None:
    if not isinstance(value, dict) or not isinstance(value.get("spool"), dict):
        return None
    said = {key: str(value.get(key, "")) for key in ("node", "inc", "version")}
    return Hello(**said, spool_id=str(value["spool"].get("id", "")), socket=path)


def _records(kind: type[Record], values: Any) -> list[Record]:
    if not isinstance(values, list):
        raise WireError("the daemon's answer is no list", "restart the daemon")
    return [_record(kind, value) for value in values]


def _record(kind: type[Record], value: Any) -> Record:
    """A record from its JSON; what a newer daemon adds is left out."""
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    try:
        return kind(**{k: _frozen(v) for k, v in value.items() if k in known})
    except (AttributeError, TypeError) as error:
        raise WireError(f"the daemon's answer lacks something: {error}") from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
