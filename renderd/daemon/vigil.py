"""Keeps the machine awake for work, and reminds its person of a pause without an end."""

import contextlib
import logging
import time
from collections.abc import Callable

from renderd.core.amounts import duration_text
from renderd.daemon.node import Node
from renderd.host import desktop
from renderd.host.awake import Awake

LINGER = 30.0  #: seconds awake after the last chunk: the next may be on its way
AGAIN_AFTER = 300.0  #: seconds until staying awake is tried again where it was refused
REMIND_EVERY = 4 * 3600.0  #: seconds
_log = logging.getLogger(__name__)


class Vigil:
    """Looks once in a while what the node does; for one thread."""

    def __init__(
        self,
        node: Node,
        awake: Awake | None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Without an `awake` the machine sleeps as it likes."""
        self._node, self._awake, self._clock, self._wall = node, awake, clock, wall
        self._worked = float("-inf")
        self._not_before = float("-inf")
        self._refused = ""  #: why staying awake was refused, as it was told last
        self._reminded: tuple[float, int] = 0.0, 0

    def look(self) -> None:
        """Do what is due."""
        if self._awake is not None:
            self._keep_awake(self._awake)
        self._remind()

    def close(self) -> None:
        """Let the machine sleep."""
        if self._awake is not None:
            self._awake.release()

    def _keep_awake(self, awake: Awake) -> None:
        now, node = self._clock(), self._node
        if wants_work(node):
            self._worked = now
        is_wanted = node.standing.may_work and now - self._worked < LINGER
        if not is_wanted:
            awake.release()
        elif not awake.is_held and now >= self._not_before:
            try:
                awake.hold("renders for the farm")
                _log.info("this machine stays awake while it renders")
                self._refused = ""
            except OSError as error:
                self._not_before = now + AGAIN_AFTER
                if str(error) != self._refused:
                    _log.info("this machine may fall asleep while it renders: %s", error)
                self._refused = str(error)
        node.is_awake = awake.is_held

    def _remind(self) -> None:
        rest = self._node.rest
        if not rest.reason or rest.until is not None or rest.since is None or rest.is_drain:
            return
        times = int((self._wall() - rest.since) / REMIND_EVERY)
        if times < 1 or (rest.since, times) <= self._reminded:
            return
        self._reminded = rest.since, times
        lasted = duration_text(times * REMIND_EVERY)
        how = f"go on with: render node resume {self._node.name}"
        _log.warning("%s %s ago, without an end; %s", rest.reason, lasted, how)
        with contextlib.suppress(OSError):
            desktop.tell("This machine does not render", f"{rest.reason} {lasted} ago; {how}")


def wants_work(node: Node) -> bool:
    """Whether a chunk runs here, or one that this node may take waits."""
    if node.running:
        return True
    if node.rest.reason or node.wants_exit:
        return False
    return any(
        (memory := node.jobs.get(ticket.jid)) is not None
        and not memory.why_not
        and memory.exhausted != ticket.name
        for ticket in list(node.tickets)
    )
