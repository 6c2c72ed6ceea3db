"""Watches whether the person at this machine needs it, and stops what runs at once.

A thread of its own: the loop may be waiting for a share, the person must not.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from renderd.core import amounts, courtesy
from renderd.core.courtesy import Standing, Treatment
from renderd.daemon.node import Node
from renderd.daemon.work import Work
from renderd.host import gpu, process_use
from renderd.host.strain import StrainMeter

LOOK_EVERY = 0.4  #: seconds between looks while something runs
LOOK_SELDOM = 2.0  #: the same while nothing does
REPORT_HOLDS = 30.0  #: seconds for which what a session said of its person is believed
STOP_GRACE = 2.0  #: seconds from TERM to KILL for a command that must make room
_log = logging.getLogger(__name__)


class Courtier(threading.Thread):
    """Asks core.courtesy again and again; the loop reads the node's `standing`."""

    def __init__(
        self,
        node: Node,
        told: Callable[[], None],
        idle: Callable[[], float | None] = lambda: None,
        beside: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`told`: called at each change; `idle`: seconds since the person's last input.

        `beside` is called after each look, on the same thread.
        """
        super().__init__(name="courtesy", daemon=True)
        self._node, self._told, self._idle, self._clock = node, told, idle, clock
        self._beside = beside
        self._meter = StrainMeter()
        self._leaving = threading.Event()

    def leave(self) -> None:
        """Look no more."""
        self._leaving.set()

    def begin(self) -> None:
        """Look once, on the caller's thread, then go on with it on our own."""
        self._look_and_beside()
        self.start()

    def run(self) -> None:
        pause = LOOK_EVERY
        while not self._leaving.wait(pause):
            self._look_and_beside()
            pause = LOOK_EVERY if self._node.running else LOOK_SELDOM

    def _look_and_beside(self) -> None:
        try:
            self.look()
            self._beside()
        except Exception:  # a file of the kernel with odd contents must not end all looks
            _log.exception("whether this machine is needed cannot be told")

    def look(self) -> Standing:
        """One look, and what follows from it for what runs."""
        node, now = self._node, self._clock()
        readings = replace(self._meter.read(now), minute=_minute(), idle=self._idle_for(now))
        before = node.standing
        node.standing = standing = courtesy.step(node.policy, readings, before, now)
        for work in list(node.running):
            self._treat(work, standing, now)
        if standing.cause is not before.cause:
            _say(standing, before, now)
            self._told()
        return standing

    def _idle_for(self, now: float) -> float | None:
        """The least that anybody says; only asked where it matters."""
        node = self._node
        if node.policy.when is not courtesy.When.AWAY:
            return None
        found = [self._idle()]
        if node.reported is not None:
            idle, at = node.reported
            if now - at < REPORT_HOLDS:
                found.append(idle + now - at)
        return min((one for one in found if one is not None), default=None)

    def _treat(self, work: Work, standing: Standing, now: float) -> None:
        if standing.may_work:
            if work.suspension.release():
                _log.info("%s %s goes on", work.job.name, work.label)
            return
        if work.stopping.is_set():
            return
        # First of all: to ask how large it is takes longer than to stop it.
        is_fresh = work.suspension.hold(standing.says)
        pid = work.suspension.pid
        use = process_use.measure(pid) if pid else None
        what = courtesy.treat(
            standing,
            held_bytes=use.rss_bytes if use is not None else 0,
            room_bytes=(self._node.machine_bytes or 1 << 62) * self._node.policy.limits.held / 100,
            has_gpu=bool(pid) and gpu.holds_memory(pid),
            now=now,
        )
        if what is Treatment.GIVE_BACK:
            work.stop(f"{standing.says}: made way", grace=STOP_GRACE)
            work.suspension.release()
        elif is_fresh:
            _log.info("%s %s is suspended: %s", work.job.name, work.label, standing.says)


def _say(standing: Standing, before: Standing, now: float) -> None:
    if standing.may_work:
        lasted = amounts.duration_text(round(now - before.since))
        _log.info("works again after %s (%s)", lasted, before.says)
    else:
        _log.info("paused: %s", standing.says)


def _minute() -> int:
    """The minute of the week by this machine's own clock."""
    now = time.localtime()
    return now.tm_wday * 1440 + now.tm_hour * 60 + now.tm_min
