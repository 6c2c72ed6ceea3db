"""Stays with one command from its start to its end: reads it, measures it, stops it."""

import contextlib
import os
import select

from renderd.blender.open_blender import Task
from renderd.core.job import Writes
from renderd.daemon.attempt import Attempt
from renderd.daemon.kills import Kills
from renderd.daemon.means import Means
from renderd.daemon.work import Ending, Stopped, Work
from renderd.host import process, process_use
from renderd.host.guard import Child

LOOK_EVERY = 2.0  #: seconds between looks at the private folder while a command runs
MEASURE_EVERY = 15.0  #: seconds between measurements of what the command uses, at most
ENDING_LOOK = 0.2  #: seconds between looks at a command that is about to end
LAST_WORDS = 1 << 20  #: bytes read of a command that was stopped


class Attendant:
    """One runner's; for its thread alone."""

    def __init__(self, means: Means, kills: Kills) -> None:
        self._means, self._kills = means, kills

    def now(self, work: Work) -> float:
        """The chunk's own clock, which stands still while it is suspended."""
        return self._means.clock() - work.suspension.seconds

    def attend(self, attempt: Attempt, child: Child | Task, read_end: int) -> None:
        """Read the output until the command ends; stop it when there is a reason to."""
        poller = select.poll()
        poller.register(read_end, select.POLLIN | select.POLLHUP)
        if isinstance(child, Task):
            poller.register(child.fileno(), select.POLLIN | select.POLLHUP)
        attempt.last_sign = attempt.last_look = attempt.last_measure = self.now(attempt.work)
        attempt.began = attempt.began or attempt.last_sign
        while True:
            ready = {fd for fd, _ in poller.poll(200)}
            now = self.now(attempt.work)
            if read_end in ready:
                data = os.read(read_end, 1 << 16)
                if not data:
                    break
                attempt.last_sign = now
                for line in attempt.printout.feed(data, now):
                    attempt.feed(line, now)
                self._land_saved(attempt)
            elif isinstance(child, Task) and child.has_answered():
                break
            self._check(attempt, child, now)
        while child.wait(ENDING_LOOK) is None:  # it closed its output and goes on
            self._check(attempt, child, self.now(attempt.work))

    def _land_saved(self, attempt: Attempt) -> None:
        """Put each frame in place as soon as the renderer says that it is written."""
        landed = attempt.landing
        if landed is not None and attempt.watch.knows_sets:
            landed.files.declare()  # before anything is rendered for nothing
        is_private = landed is not None and landed.output.writes is Writes.PRIVATE
        if not attempt.saved or landed is None or not is_private or attempt.spoiled is not None:
            attempt.saved.clear()
            return
        landed.sweep(is_final=False, saved=attempt.saved)
        attempt.saved.clear()
        attempt.work.frames_done = len(landed.receipts)

    def _check(self, attempt: Attempt, child: Child | Task, now: float) -> None:
        work, landed = attempt.work, attempt.landing
        if work.stopping.is_set():
            self._end(child, work, Ending.KILLED, work.stop_reason)
        if attempt.held:
            self._end(child, work, Ending.HELD, attempt.held)
        if attempt.spoiled is not None:
            self._end(child, work, Ending.FAIL, attempt.spoiled.text[:200])
        if attempt.is_last_frame_over():
            self._end(child, work, Ending.KILLED, work.last_frame)
        if attempt.deadline is not None and now > attempt.deadline:
            limit = f"over its limit of {work.timeout:g} s"
            self._end(child, work, Ending.TIMEOUT, limit)
        if now - attempt.last_look >= LOOK_EVERY:
            attempt.last_look = now
            if landed is not None and landed.output.writes is Writes.PRIVATE:
                # Programs that do not say what they saved: a whole file is a whole frame.
                landed.sweep(is_final=False)
                work.frames_done = len(landed.receipts)
        hang_after = self._means.hang_after
        if now - attempt.last_measure >= min(MEASURE_EVERY, hang_after / 3 or MEASURE_EVERY):
            attempt.last_measure = now
            self._kills.count(self._means.clock())
            self._measure(attempt, child, now)

    def _measure(self, attempt: Attempt, child: Child | Task, now: float) -> None:
        """Has it done anything at all, seen from outside?  GuardDied when its guard did."""
        if child.wait(0) is not None:  # what it started may hold the output open without a guard
            return
        use = process_use.measure(child.pid)
        if use is None:
            return
        # Against the last sign of life, not the last look: a starved renderer adds up slowly.
        if attempt.use is None or use.is_active_since(attempt.use):
            attempt.last_sign = now if attempt.use is not None else attempt.last_sign
            attempt.use = use
        attempt.work.rss_bytes = use.rss_bytes
        attempt.work.peak_bytes = max(attempt.work.peak_bytes, use.rss_bytes)
        # Somebody's frames are computed there, perhaps ours; or others leave it no processor.
        if self._means.gpu_is_busy() or process.wants_cpu(child.pid):
            attempt.last_sign = now
        silent = now - attempt.last_sign
        if self._means.hang_after and silent > self._means.hang_after:
            said = f"{silent / 60:.0f} min" if silent >= 60 else f"{silent:.0f} s"
            why = f"it hangs: no output, no CPU, no I/O and no GPU for {said}"
            self._end(child, attempt.work, Ending.TIMEOUT, why)

    def _end(self, child: Child | Task, work: Work, ending: Ending, reason: str) -> None:
        """TERM, grace, KILL; who wants it gone now need not wait for the grace."""
        clock = self._means.clock
        if not work.stop_now:
            child.terminate()
        began = clock()
        while not work.stop_now and clock() - began < work.stop_grace:
            if child.wait(ENDING_LOOK) is not None:
                raise Stopped(ending, reason)
        child.stop(0.0)
        raise Stopped(ending, reason)

    def last_words(self, attempt: Attempt, read_end: int) -> None:
        """What a command that was stopped still said."""
        os.set_blocking(read_end, False)
        left, now = LAST_WORDS, self.now(attempt.work)
        with contextlib.suppress(OSError):
            while left > 0 and (data := os.read(read_end, 1 << 16)):
                left -= len(data)
                for line in attempt.printout.feed(data, now):
                    attempt.feed(line, now)
        for line in attempt.printout.finish():
            attempt.feed(line, now)
