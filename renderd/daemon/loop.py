"""The loop: one tick is an ordered list of steps, fed by one queue."""

import errno
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from renderd.core.wire import Request, from_object
from renderd.daemon import chores, hunt, life, orders, results, status
from renderd.daemon.node import Node
from renderd.daemon.work import LEAVE_GRACE, Ending, Result
from renderd.errors import RenderdError
from renderd.host.load import LoadSampler
from renderd.spool import history, nodes
from renderd.spool.janitor import Janitor

LONGEST_WAIT = 1.0  #: seconds between two ticks at most
SLOW_CALL = 1.0  #: a step that takes longer makes our counts of others worthless
SNAPSHOT_EVERY = 1.0
AGAIN_AFTER = 1.0  #: seconds between two wishes for a beat that failed
JOURNAL_EVERY, JOURNAL_EVENTS = 1.0, 200  #: seconds, events: whichever comes first
_log = logging.getLogger(__name__)


def boottime() -> float:
    """Seconds since boot, sleep included: a suspended machine must notice that it slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class Nudge:
    """Look at the spool now."""


@dataclass(frozen=True, slots=True)
class BeatNow:
    """A runner must be sure that this node is alive before it puts a frame in place."""

    answered: threading.Event


@dataclass(frozen=True, slots=True)
class Leave:
    """Stop everything and leave; `now` leaves no grace."""

    reason: str
    now: bool = False


Message = Result | Request | Nudge | BeatNow | Leave


@dataclass(slots=True, eq=False)
class Loop:
    """Decides everything on one thread; others post messages and read snapshots."""

    node: Node
    janitor: Janitor
    sampler: LoadSampler
    inbox: "queue.SimpleQueue[Message]" = field(default_factory=queue.SimpleQueue)
    save_rest: Callable[[Node], None] = lambda _node: None
    clock: Callable[[], float] = boottime
    wall: Callable[[], float] = time.time
    snapshot: Mapping[str, Any] = field(default_factory=dict)
    changed: list[Callable[[], None]] = field(default_factory=list)
    busy_since: float | None = None  #: when the present step began; how long the share hangs
    next_snapshot: float = 0.0
    next_journal: float = 0.0
    is_journal_torn: bool = False  #: the last events are still to be written, or half are
    leaving: str = ""
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.snapshot = status.snapshot(self.node, None, self.clock())  # asked before a first turn

    def run(self) -> None:
        """Tick until it is time to leave: fenced, told to, or nothing is left to do."""
        try:
            while not self.is_over():
                self.tick(self.wait())
        except BaseException as error:
            self.error = error
            _log.exception("the loop ended")
        finally:
            for work in self.node.running:  # declared dead, or broken: others run these now
                work.stop("this node no longer holds the chunk", now=True)
            self.write_journal(self.wall())
            self.busy_since = None

    def is_over(self) -> bool:
        """True when the daemon should leave and nothing of it runs any more."""
        node = self.node
        if node.is_fenced:
            return True
        wants = self.leaving or node.wants_exit
        return bool(wants) and not node.running and not node.settling

    def wait(self) -> list[Message]:
        """Sleep until something is due or posted; all that was posted."""
        node, now = self.node, self.clock()
        due = min(node.next_beat, node.next_poll, node.next_chores, now + LONGEST_WAIT)
        found: list[Message] = []
        try:
            found.append(self.inbox.get(timeout=max(due - now, 0.0)))
            while True:
                found.append(self.inbox.get_nowait())
        except queue.Empty:
            return found

    def tick(self, messages: list[Message]) -> None:
        """One round of all steps; a failing share ends the round, not the loop."""
        node = self.node
        waiting = [m for m in messages if isinstance(m, BeatNow)]
        now = self.busy_since = self.clock()
        try:
            for message in messages:
                self._take(message, now)
            talked = node.polled, node.beaten
            self._steps(now)
            if (node.polled, node.beaten) != talked:  # the share has answered again
                node.trouble = ""
        except (OSError, RenderdError) as error:
            self._share_failed(error)
        finally:
            self.busy_since = None
            for beat in waiting:
                beat.answered.set()
        if self.clock() - now > max(SLOW_CALL, node.pulse.beat.period / 2):
            node.observer.reset()
        self._publish(now)

    def _steps(self, now: float) -> None:
        node, wall = self.node, self.wall()
        orders.wake(node, wall)
        beats = node.counts.get("beats", 0)
        life.beat(node, now)
        if node.is_fenced:
            return
        if node.counts.get("beats", 0) != beats:
            self._beaten(now)
        self._each(self._work_steps(now, wall))
        if now >= self.next_journal or len(node.journal) >= JOURNAL_EVENTS:
            self.next_journal = now + JOURNAL_EVERY
            self.write_journal(wall)

    def _work_steps(self, now: float, wall: float) -> list[Callable[[], None]]:
        node = self.node
        settle = lambda: results.settle(node, now, wall)  # noqa: E731
        if self.leaving:
            return [settle]
        poll, claim = lambda: hunt.poll(node, now), lambda: hunt.claim(node, now)
        chore = lambda: chores.minute(node, self.janitor, now)  # noqa: E731
        if all(result.ending is Ending.DONE for result in node.settling):
            # The next command starts while the last one's move is made.
            return [claim, settle, poll, claim, chore]
        return [settle, poll, claim, chore]  # a failure teaches before it is claimed again

    @staticmethod
    def _each(steps: list[Callable[[], None]]) -> None:
        """Take every step, also when one before it failed; the first failure is raised then."""
        failures: list[Exception] = []
        for step in steps:
            try:
                step()
            except (OSError, RenderdError) as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _beaten(self, now: float) -> None:
        """What goes with every beat: the inbox, the tickets of what runs, the status."""
        node = self.node
        for order in nodes.receive(node.spool, node.inc, node.inbox.look(node.spool, now)):
            try:
                self._obey(from_object(order))
            except RenderdError as error:
                _log.warning("an order in the inbox is not understood: %s", error)
        hunt.watch_tickets(node, now)
        self._sample(now)
        nodes.publish_status(node.spool, node.inc, dict(self.snapshot))

    def _sample(self, now: float) -> None:
        self.snapshot = status.snapshot(self.node, self.sampler.sample(now), now)

    def _take(self, message: Message, now: float) -> None:
        node = self.node
        if isinstance(message, Result):
            results.report(node, message)
        elif isinstance(message, Request):
            self._obey(message)
        elif isinstance(message, Nudge):
            node.queue.forget()
            node.root.forget()
            node.next_poll = now
        elif isinstance(message, BeatNow):
            node.next_beat = min(node.next_beat, now)
        else:
            self.leaving = message.reason
            for work in node.running:
                work.stop(message.reason, now=message.now, grace=LEAVE_GRACE)

    def _obey(self, order: Request) -> None:
        orders.obey(self.node, order, self.wall())
        if order.op in orders.LASTING:
            self.save_rest(self.node)
        self.next_snapshot = 0.0

    def breathe(self) -> None:
        """Beat in the midst of a long step, when that is due: large jobs must not kill nodes."""
        now = self.clock()
        if self.busy_since is not None:
            self.busy_since = now  # it goes on: the share does not hang
        try:
            life.beat(self.node, now)
        except (OSError, RenderdError) as error:
            self._share_failed(error)

    def _share_failed(self, error: Exception) -> None:
        node = self.node
        text = str(error)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            text = f"the spool's disk is full ({error.filename or node.spool.root})"
        if text != node.trouble:
            _log.warning("share: %s", text)
        node.trouble = text
        node.observer.reset()
        now = self.clock()
        # Not again at once: a dead share must cost neither the CPU nor the server anything.
        node.next_poll = max(node.next_poll, now + 1.0)
        node.next_beat = max(node.next_beat, now + 1.0)

    def write_journal(self, wall: float) -> None:
        """Bring what happened since to the node's journal in the spool."""
        node = self.node
        if not node.journal:
            return
        node.journal = deque({"t": round(wall, 3), **event} for event in node.journal)
        again = self.is_journal_torn
        self.is_journal_torn = not history.append(node.spool, node.inc, node.journal, again=again)
        if not self.is_journal_torn:
            node.journal.clear()

    def _publish(self, now: float) -> None:
        """Swap the snapshot that the socket shows."""
        if now < self.next_snapshot:
            return
        self.next_snapshot = now + SNAPSHOT_EVERY
        measured = {k: v for k, v in self.snapshot.items() if k in status.MEASURED}
        self.snapshot = {**status.snapshot(self.node, None, now), **measured}
        for tell in list(self.changed):
            tell()

    # What other threads may call.

    def confirm_alive(self) -> bool:
        """True when this node surely is not declared dead: a beat succeeded within its period.

        Waits while the share gives no answer: the frame took longer than most outages do.  False
        when we are declared dead, or leave.
        """
        while not self._is_fresh():
            answered = threading.Event()
            self.inbox.put(BeatNow(answered))
            answered.wait(timeout=self.node.pulse.beat.period)
            if self._is_fresh():
                return True
            if self.node.is_fenced or self.leaving or self.error is not None:
                return False
            time.sleep(AGAIN_AFTER)
        return True

    def _is_fresh(self) -> bool:
        node = self.node
        return not node.is_fenced and self.clock() - node.beaten < node.pulse.beat.period

    def look_up(self) -> None:
        """Have the snapshot made anew, and work taken where it may be again."""
        self.next_snapshot = 0.0
        self.inbox.put(Nudge())

    def hangs_for(self) -> float:
        """Seconds for which the present call of the share has not come back."""
        since = self.busy_since
        return 0.0 if since is None else max(0.0, self.clock() - since)
