"""Requests and replies between a daemon and its clients, as JSON lines.

One request or reply is one line of UTF-8 JSON.  A request: {"v": 1, "id": 7, "op": "chunks",
"args": {"job": "k2p9…"}}.  Its answer: {"v": 1, "id": 7, "value": …}, or {"v": 1, "id": 7,
"error": {"kind": …, "message": …, "remedy": …, "exit": …}}.  A stream is several answers with
an "event", the last of them "end".  Keys that are not known are ignored, so that either side
may be the newer one; a change that breaks a reader gets a new "v".  Pure: no I/O.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from renderd.core import jsonvalue
from renderd.errors import WireError

VERSION = 1
VERSIONS = (VERSION,)  #: every protocol version that this release understands
MAX_REQUEST = 64 << 10  #: bytes of a request's line, its newline included
MAX_REPLY = 8 << 20  #: bytes of a reply's line, its newline included
MAX_TAIL = 1 << 20  #: bytes of a log in one reply: even all escaped they fit a line
_FAR = 1e11  #: seconds; a time or a duration beyond this is a mistake
AS_CONFIGURED = "configured"  #: in place of a `when`: as the machine's own files say
_SHORT = 200  #: letters of a name or a note


class Op(StrEnum):
    """What may be asked of a daemon."""

    HELLO = "hello"  #: who answers: version, node, spool
    STATUS = "status"  #: this node, from memory
    FARM = "farm"  #: counts of jobs and nodes
    JOBS = "jobs"
    CHUNKS = "chunks"  #: of one job
    NODES = "nodes"
    LOG = "log"  #: the end of one attempt's log file
    FOLLOW = "follow"  #: the output of a chunk that runs here, as it comes
    SUBSCRIBE = "subscribe"  #: this node's status, and every change of it
    NUDGE = "nudge"  #: look at the spool now
    PAUSE = "pause"
    RESUME = "resume"
    DRAIN = "drain"
    UNDRAIN = "undrain"
    RESTART = "restart"  #: leave at the end of the frame in work, and begin anew
    QUIT = "quit"
    COURTESY = "courtesy"  #: when this machine works for the farm; lasts
    PRESENCE = "presence"  #: how long the person at this machine has been idle
    KILL = "kill"  #: stop a chunk that runs here and give it back
    STATS = "stats"  #: counts of this daemon's own work


class Kind(StrEnum):
    """Why a request has no value: what a program can decide by."""

    NOT_JSON = "not-json"  #: no request at all; the connection is closed
    TOO_LONG = "too-long"  #: a line beyond the limit; the connection is closed
    VERSION = "version"  #: asked in a version that is not spoken here
    UNKNOWN_OP = "unknown-op"
    ARGUMENT = "argument"
    REFUSED = "refused"  #: the socket answers its own user and root only
    BUSY = "busy"  #: too many connections or requests at once
    SHARE_HANGS = "share-hangs"  #: the spool's file system does not answer
    NOT_HERE = "not-here"  #: no such chunk runs on this node
    FAILED = "failed"  #: tried and failed; message and exit status are the cause's own


class Event(StrEnum):
    """What one answer of a stream holds."""

    SNAPSHOT = "snapshot"
    CHANGE = "change"
    LINES = "lines"
    END = "end"  #: the last answer of a stream


@dataclass(frozen=True, slots=True)
class Request:
    """One question or order, its arguments checked."""

    op: Op
    args: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0  #: chosen by the client; comes back with every answer


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, or one of a stream where `event` is set."""

    id: int
    value: Any = None
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer, for programs (kind, exit status) and for people."""

    id: int
    kind: Kind
    message: str
    remedy: str = ""
    exit_status: int = 1


class BadRequest(WireError):
    """A request that cannot be answered, with what to send back."""

    def __init__(self, kind: Kind, message: str, remedy: str = "", id_: int = 0) -> None:
        super().__init__(message, remedy)
        self.failure = Failure(id_, kind, message, remedy, self.exit_status)

    @property
    def is_fatal(self) -> bool:
        """True when nothing sensible can follow on this connection."""
        return self.failure.kind in (Kind.NOT_JSON, Kind.TOO_LONG)


def encode_request(request: Request) -> bytes:
    """A request's line.  Raises WireError where it is too long."""
    return _line(as_object(request), MAX_REQUEST)


def as_object(request: Request) -> dict[str, Any]:
    """A request as an object, for the socket and for a node's inbox."""
    return {"v": VERSION, "id": request.id, "op": request.op.value, "args": dict(request.args)}


def encode_answer(answer: Reply | Failure) -> bytes:
    """An answer's line.  Raises WireError where it is too long, ValueError where not JSON."""
    value: dict[str, Any] = {"v": VERSION, "id": answer.id}
    if isinstance(answer, Failure):
        value["error"] = {
            "kind": answer.kind.value,
            "message": answer.message,
            "remedy": answer.remedy,
            "exit": answer.exit_status,
        }
        return _line(value, MAX_REPLY)
    if answer.event is not None:
        value["event"] = answer.event.value
    value["value"] = answer.value
    return _line(value, MAX_REPLY)


def decode_request(line: bytes) -> Request:
    """The request in a line.  Raises BadRequest, which holds the failure to answer with."""
    if len(line) > MAX_REQUEST:
        raise BadRequest(Kind.TOO_LONG, f"a request is at most {MAX_REQUEST >> 10} KiB")
    value = _object(line)
    if value is None:
        raise BadRequest(Kind.NOT_JSON, "a request is one JSON object on one line")
    return from_object(value)


def from_object(value: Mapping[str, Any]) -> Request:
    """The request in an object, from the socket or an inbox.  Raises BadRequest."""
    id_ = value.get("id", 0)
    if not isinstance(id_, int) or isinstance(id_, bool) or abs(id_) >= 1 << 53:
        raise BadRequest(Kind.ARGUMENT, "id is a whole number below 2^53")
    if value.get("v") not in VERSIONS or isinstance(value["v"], bool):
        spoken = ", ".join(map(str, VERSIONS))
        raise BadRequest(
            Kind.VERSION,
            f"this daemon speaks version {spoken} of the protocol",
            'send "v": 1, or upgrade neogeo-renderd here and restart the daemon',
            id_,
        )
    op, args = value.get("op"), value.get("args", {})
    if not isinstance(op, str) or op not in set(Op):
        from renderd.core.label import nearest  # noqa: PLC0415  needs difflib, only for errors

        remedy = nearest(op, [o.value for o in Op]) if isinstance(op, str) and op else ""
        raise BadRequest(Kind.UNKNOWN_OP, f"there is no op {str(op)[:40]!r}", remedy, id_)
    if not isinstance(args, dict):
        raise BadRequest(Kind.ARGUMENT, "args is an object of names and values", "", id_)
    return Request(Op(op), _checked(Op(op), args, id_), id_)


def decode_answer(line: bytes) -> Reply | Failure:
    """The answer in a line.  Raises WireError where it is none that this release can read."""
    value = _object(line) if len(line) <= MAX_REPLY else None
    if value is None or not isinstance(value.get("id"), int):
        raise WireError("the daemon's answer cannot be read", "restart the daemon")
    if value.get("v") not in VERSIONS or isinstance(value["v"], bool):
        raise WireError(
            f"the daemon answers in version {str(value.get('v'))[:20]} of the protocol",
            "restart the daemon: it is of another release",
        )
    error = value.get("error")
    if isinstance(error, dict):
        kind, status = error.get("kind"), error.get("exit")
        return Failure(
            value["id"],
            Kind(kind) if kind in set(Kind) else Kind.FAILED,
            str(error.get("message", "")),
            str(error.get("remedy", "")),
            status if isinstance(status, int) else 1,
        )
    event = value.get("event")
    return Reply(value["id"], value.get("value"), Event(event) if event in set(Event) else None)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = jsonvalue.parse(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _line(value: dict[str, Any], limit: int) -> bytes:
    # ASCII only: lone surrogates of odd file names have no UTF-8, and \u2028 splits no line
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
    if len(text) > limit:
        raise WireError(f"{len(text):,} bytes are more than a line may have ({limit:,})")
    return text


def _is_seconds(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value <= _FAR


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _SHORT and value.isprintable()


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 10_000_000


def _is_job(value: Any) -> bool:
    from renderd.core.names import is_jid  # noqa: PLC0415  who only asks need not load it

    return isinstance(value, str) and is_jid(value)


def _is_tail(value: Any) -> bool:
    return _is_index(value) and value <= MAX_TAIL


def _is_when(value: Any) -> bool:
    from renderd.core.courtesy import When  # noqa: PLC0415

    return isinstance(value, str) and value in {*When, AS_CONFIGURED}


def _is_hours(value: Any) -> bool:
    from renderd.core import hours  # noqa: PLC0415

    try:
        return bool(_is_text(value) and hours.parse(value).spans)
    except ValueError:
        return False


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


#: name → (what it must be, the test of it)
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "job": ("a job's id", _is_job),
    "chunk": ("a chunk's number", _is_index),
    "attempt": ("an attempt's number", _is_index),
    "tail": (f"bytes, at most {MAX_TAIL:,}", _is_tail),
    "until": ("seconds since 1970", _is_seconds),
    "for": ("seconds", _is_seconds),
    "now": ("true or false", _is_flag),
    "when": ("always, away, off-hours, never or configured", _is_when),
    "away": ("seconds", _is_seconds),
    "office": ("hours like mon-fri 9:00-18:00", _is_hours),
    "idle": ("seconds", _is_seconds),
    "by": (f"text of at most {_SHORT} letters", _is_text),
}
#: op → (arguments that must be there, arguments that may)
ARGUMENTS: dict[Op, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Op.CHUNKS: (("job",), ()),
    Op.LOG: (("job",), ("chunk", "attempt", "tail")),
    Op.FOLLOW: (("job", "chunk"), ()),
    Op.PAUSE: ((), ("until", "for", "by")),
    Op.RESUME: ((), ("by",)),
    Op.DRAIN: ((), ("now", "by")),
    Op.UNDRAIN: ((), ("by",)),
    Op.RESTART: ((), ("now", "by")),
    Op.QUIT: ((), ("now", "by")),
    Op.COURTESY: (("when",), ("away", "office", "by")),
    Op.PRESENCE: (("idle",), ()),
    Op.KILL: (("job", "chunk"), ("by",)),
}


def _checked(op: Op, args: Mapping[str, Any], id_: int) -> dict[str, Any]:
    required, optional = ARGUMENTS.get(op, ((), ()))
    found = {name: args[name] for name in (*required, *optional) if args.get(name) is not None}
    for name in required:
        if name not in found:
            raise BadRequest(Kind.ARGUMENT, f"{op} needs {name!r}: {_KINDS[name][0]}", "", id_)
    for name, value in found.items():
        what, is_valid = _KINDS[name]
        if not is_valid(value):
            raise BadRequest(Kind.ARGUMENT, f"{op}: {name!r} is {what}", "", id_)
    return found
