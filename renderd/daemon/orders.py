"""Orders of people to this node, from the socket and from the inbox alike."""

from renderd.core.wire import Op, Request
from renderd.daemon.node import Node, Rest

DRAINED = "draining: it finishes its chunk and takes no more"


#: orders whose effect outlives a restart
LASTING = frozenset({Op.PAUSE, Op.RESUME, Op.DRAIN, Op.UNDRAIN})


def obey(node: Node, request: Request, wall: float) -> None:
    """Do what a checked order says; an order that makes no sense now changes nothing."""
    by = str(request.args.get("by") or "somebody")
    node.count("orders")
    match request.op:
        case Op.PAUSE:
            node.rest = Rest(f"paused by {by}", _end_of(request, wall))
            for work in node.running:
                work.stop(f"this node was paused by {by}")
        case Op.DRAIN:
            node.rest = Rest(DRAINED, None, is_drain=True)
            node.wants_exit = f"drained by {by}"
        case Op.RESUME | Op.UNDRAIN:
            node.rest = Rest()
            node.wants_exit = ""
        case Op.QUIT:
            node.wants_exit = f"told to quit by {by}"
            node.rest = Rest(f"leaving, told by {by}")
            for work in node.running:
                work.stop(node.wants_exit, now=bool(request.args.get("now")))
        case Op.KILL:
            _kill(node, request, by)
        case _:
            return


def _end_of(request: Request, wall: float) -> float | None:
    """When a pause ends, by this node's own clock where its length was said."""
    if (length := request.args.get("for")) is not None:
        return wall + float(length)
    until = request.args.get("until")
    return None if until is None else float(until)


def _kill(node: Node, request: Request, by: str) -> None:
    for work in node.running:
        chunk = work.claim.chunk.index
        if (work.job.jid, chunk) == (request.args.get("job"), request.args.get("chunk")):
            memory = node.jobs.get(work.job.jid)
            if memory is not None:  # others first: who killed it here did not mean "again here"
                memory.avoided[chunk] = node.beaten + 60.0
            work.stop(f"killed by {by}", now=True)


def wake(node: Node, clock: float) -> None:
    """End a rest whose time is over."""
    if node.rest.reason and node.rest.until is not None and clock >= node.rest.until:
        node.rest = Rest(failures=node.rest.failures)
        node.next_poll = 0.0
