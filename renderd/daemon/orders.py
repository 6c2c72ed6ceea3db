"""Orders of people to this node, from the socket and from the inbox alike."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from renderd.core import hours
from renderd.core.courtesy import Policy, When
from renderd.core.wire import AS_CONFIGURED, Op, Request
from renderd.daemon.node import Node, Rest

DRAINED = "draining: it finishes its chunk and takes no more"
DRAINED_NOW = "draining: it finishes its frame and takes no more"
_log = logging.getLogger(__name__)


#: orders whose effect outlives a restart
LASTING = frozenset({Op.PAUSE, Op.RESUME, Op.DRAIN, Op.UNDRAIN, Op.COURTESY})


def obey(node: Node, request: Request, wall: float) -> None:
    """Do what a checked order says; an order that makes no sense now changes nothing."""
    by = str(request.args.get("by") or "somebody")
    node.count("orders")
    match request.op:
        case Op.PAUSE:
            node.rest = Rest(f"paused by {by}", _end_of(request, wall), since=wall)
            for work in node.running:
                work.stop(f"this node was paused by {by}")
        case Op.DRAIN:
            is_now = bool(request.args.get("now"))
            node.rest = Rest(DRAINED_NOW if is_now else DRAINED, None, is_drain=True, since=wall)
            _leave(node, f"drained by {by}", at_frame=is_now)
        case Op.RESUME | Op.UNDRAIN:
            node.rest = Rest()
            _leave(node, "")
        case Op.RESTART:
            is_now = bool(request.args.get("now"))
            _leave(node, f"restarting, told by {by}", at_frame=not is_now)
            node.restarts = True
            for work in node.running if is_now else ():
                work.stop(node.wants_exit)
        case Op.QUIT:
            _leave(node, f"told to quit by {by}")
            node.rest = Rest(f"leaving, told by {by}")
            for work in node.running:
                work.stop(node.wants_exit, now=bool(request.args.get("now")))
        case Op.COURTESY:
            node.policy = told(node.configured, request.args)
            _log.info("works %s, told by %s", node.policy.when, by)
        case Op.PRESENCE:
            node.reported = float(request.args["idle"]), time.monotonic()
        case Op.KILL:
            _kill(node, request, by)
        case _:
            return


def told(configured: Policy, said: Mapping[str, Any]) -> Policy:
    """The policy that an order leaves; what it does not say stands as configured."""
    if said["when"] == AS_CONFIGURED:
        return configured
    policy = replace(configured, when=When(said["when"]))
    if said.get("away") is not None:
        policy = replace(policy, away=float(said["away"]))
    if said.get("office"):
        policy = replace(policy, office=hours.parse(said["office"]))
    return policy


def _leave(node: Node, reason: str, *, at_frame: bool = False) -> None:
    """Leave when what runs has ended, at the end of its frame or of its chunk; or stay after all.

    The last order counts.
    """
    node.wants_exit, node.restarts = reason, False
    for work in node.running:
        work.last_frame = reason if at_frame else ""
    if reason:
        _log.info("%s: leaves when its %s", reason, "frame ends" if at_frame else "work ends")


def _end_of(request: Request, wall: float) -> float | None:
    """When a pause ends, by this node's own clock where its length was said."""
    if (length := request.args.get("for")) is not None:
        return wall + float(length)
    until = request.args.get("until")
    return None if until is None else float(until)


def _kill(node: Node, request: Request, by: str) -> None:
    for work in node.running:
        chunk = request.args.get("chunk")
        if work.job.jid == request.args.get("job") and chunk in work.indices:
            memory = node.jobs.get(work.job.jid)
            if memory is not None:  # others first: who killed it here did not mean "again here"
                memory.avoided |= dict.fromkeys(work.indices, node.beaten + 60.0)
            work.stop(f"killed by {by}", now=True)


def wake(node: Node, clock: float) -> None:
    """End a rest whose time is over."""
    if node.rest.reason and node.rest.until is not None and clock >= node.rest.until:
        node.rest = Rest(failures=node.rest.failures)
        node.next_poll = 0.0
