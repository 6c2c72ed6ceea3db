"""What a person sees of the farm, as plain records: jobs, chunks and nodes."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as lists of names and its two small files tell it."""

    jid: str
    name: str
    slug: str
    state: str  #: the folder its ticket lies in
    priority: int
    owner: str = ""
    frames: str = ""
    chunks: int = 0  #: 0 where its record cannot be read
    done: int = 0
    running: int = 0
    failed: int = 0
    waiting: int = 0
    pool: tuple[str, ...] = ()
    needs: str = ""  #: what it asks of a node now, as `needs` of an info file
    after: tuple[str, ...] = ()
    nodes: int | None = None  #: most nodes at once
    note: str = ""
    reason: str = ""  #: why it does not go on
    warning: str = ""  #: what a node saw that may make frames differ
    born_ns: int = 0  #: server's time of publication
    age: float | None = None  #: seconds, by the server's clock
    out: str = ""
    eta: float | None = None  #: when it will be done, by the server's clock; None: not known
    eta_low: float | None = None  #: it may well be done as early as that
    eta_high: float | None = None  #: … or as late as that

    def to_dict(self) -> dict[str, Any]:
        """Stable keys, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkView:
    """A chunk as its file name tells it, with the first words of its last error."""

    index: int
    frames: str
    state: str
    node: str = ""  #: the incarnation that runs it, finished it or failed last
    attempt: int = 1
    failures: int = 0
    losses: int = 0
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Stable keys, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One run of a node's daemon: its beat, what it registered and what it says now."""

    inc: str
    host: str
    node: str
    state: str  #: alive or dead; how an alive one fares stands in its status
    period: int = 0  #: seconds between beats
    age: float | None = None  #: seconds since it last wrote its status, by the server's clock
    status: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    note: str = ""  #: what people wrote down about the machine

    def to_dict(self) -> dict[str, Any]:
        """Stable keys, for JSON; status and facts as the node wrote them."""
        return asdict(self)
