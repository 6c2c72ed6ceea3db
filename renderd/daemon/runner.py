"""Runs one chunk at a time on its own thread, and reports how it ended."""

import contextlib
import logging
import os
import queue
import select
import shlex
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from renderd.blender.versions import BlenderProgram
from renderd.core.command import is_blender
from renderd.core.job import Writes
from renderd.core.progress import Watch
from renderd.daemon import recipe, verdict
from renderd.daemon.attempt import Attempt
from renderd.daemon.gathering import OutputGone
from renderd.daemon.kills import Kills
from renderd.daemon.landing import Landing, NotNow, open_landing
from renderd.daemon.printout import Printout
from renderd.daemon.source import LibraryWatch, SourceWatch, WrongFile
from renderd.daemon.verdict import Judge, Verdict
from renderd.daemon.work import Ending, Result, Stopped, Work
from renderd.errors import OutputOwned, RenderdError
from renderd.host import process_use
from renderd.host.exit import Exit
from renderd.host.guard import Child, Guard, GuardDied
from renderd.spool.layout import Spool

LOOK_EVERY = 2.0  #: seconds between looks at the private folder while a command runs
MEASURE_EVERY = 15.0  #: seconds between measurements of what the command uses, at most
ENDING_LOOK = 0.2  #: seconds between looks at a command that is about to end
LAST_WORDS = 1 << 20  #: bytes read of a command that was stopped
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)  #: itself, or what its shell ran
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every runner needs of this machine and of the daemon."""

    spool: Spool
    guard: Guard
    node: str
    environ: Mapping[str, str]
    hang_after: float
    log_bytes: int
    report: Callable[[Result], None]
    confirm_alive: Callable[[], bool]
    patience: float = 300.0  #: seconds for which a whole frame waits for a target held open
    blenders: Callable[[], Sequence[BlenderProgram]]
    allows: Callable[[str], bool] = lambda _: True  #: whether files may go into a folder
    programs: Callable[[], Sequence[tuple[str, ...]]] = lambda: ()  #: lists; all must allow
    gpu_is_busy: Callable[[], bool] = lambda: False
    scratch: Callable[[], AbstractContextManager[str]] = lambda: contextlib.nullcontext("")
    clock: Callable[[], float] = time.monotonic


class Runner(threading.Thread):
    """One slot of the node: takes Works from its queue until told to leave."""

    def __init__(self, means: Means, number: int) -> None:
        super().__init__(name=f"runner-{number}", daemon=True)
        self._means = means
        self._works: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._kills = Kills(means.clock())
        self._printout: Printout | None = None
        self._libraries = LibraryWatch(means.spool, means.clock)
        self._environ = recipe.base(means.environ)
        self._folder = recipe.working_folder(self._environ)
        self._judge = Judge(means.spool, recipe.temp_folder(self._environ))
        self.is_free = True

    def begin(self, work: Work) -> None:
        """Start a claimed chunk; its Result is reported from this thread."""
        self.is_free = False
        self._works.put(work)

    def leave(self) -> None:
        """End the thread after its present work."""
        self._works.put(None)

    def run(self) -> None:
        while (work := self._works.get()) is not None:
            result = self._safely(work)
            self.is_free = True
            self._means.report(result)
            # Last, so that the next chunk need not wait for the log of this one.
            if self._printout is not None:
                self._printout.flush(self._means.clock())

    def _safely(self, work: Work) -> Result:
        began = self._means.clock()
        try:
            return self._run(work)
        except (OutputGone, recipe.NoBlender, recipe.NotAllowed, WrongFile, OutputOwned) as error:
            ending = Ending.HELD if isinstance(error, WrongFile | OutputOwned) else Ending.UNABLE
            found = Verdict(ending=ending, reason=error.message)
        except OSError as error:
            found = verdict.of_error(self._means.spool, work, error)
        except GuardDied as error:
            found = Verdict(ending=Ending.KILLED, reason=str(error))
        except RenderdError as error:
            found = Verdict(ending=Ending.FAIL, reason=str(error))
        except Exception as error:
            _log.exception("runner failed on %s", work.claim.key)
            found = Verdict(ending=Ending.FAIL, reason=f"renderd failed: {error}")
        wall = self._means.clock() - began - work.suspension.seconds
        return found.result(work, wall=wall)

    def _now(self, work: Work) -> float:
        """The chunk's own clock, which stands still while it is suspended."""
        return self._means.clock() - work.suspension.seconds

    def _run(self, work: Work) -> Result:
        means, claim = self._means, work.claim
        began = self._now(work)
        source = SourceWatch(means.spool, work)
        landed = self._landing(work, source)
        missing = landed.begin() if landed is not None else work.frames
        work.frames_done = len(work.frames) - len(missing) if landed is not None else 0
        path = means.spool.job(claim.jid, "log", f"{claim.stem}.log")
        self._printout = printout = Printout(means.spool, path, work.tail, means.log_bytes)
        watch = Watch(run=claim.chunk.run, out=work.output.pattern if work.output else "")
        limit = work.job.info.timeout
        attempt = Attempt(
            work, printout, watch, landed, source, began + limit if limit is not None else None
        )
        found = Verdict(ending=Ending.DONE)
        try:
            if missing or landed is None:
                self._commands(attempt, missing)
            if landed is not None:
                landed.settle(work, means.patience, means.clock)
                if gone := landed.missing():
                    raise Stopped(Ending.BAD_OUTPUT, gone)
        except Stopped as stopped:
            if landed is not None and attempt.spoiled is None and not attempt.held:
                with contextlib.suppress(OSError, RenderdError):
                    landed.salvage(watch.done)
            if landed is not None:
                work.frame_bytes = max(work.frame_bytes, landed.largest_bytes())
            known = attempt.spoiled or verdict.likeliest(work, watch)
            found = self._judge.of_failure(work, stopped.ending, stopped.message, known)
        except NotNow as refusal:
            found = verdict.of_refusal(work, refusal)
        keeps = False
        if landed is not None:
            work.frames_done, keeps = len(landed.receipts), landed.keeps
            if found.ending is Ending.DONE:
                work.frame_bytes = max(work.frame_bytes, landed.largest_bytes())
                landed.clear()
        return found.result(work, wall=self._now(work) - began, cpu=attempt.cpu, keeps=keeps)

    def _landing(self, work: Work, source: SourceWatch) -> Landing | None:
        def confirm() -> bool:
            source.confirm()
            return self._means.confirm_alive()

        return open_landing(self._means.spool, work, confirm, self._means.allows)

    def _commands(self, attempt: Attempt, missing: Sequence[int]) -> None:
        """Run the attempt's commands one after the other, with a TMPDIR that goes with them."""
        means, work = self._means, attempt.work
        recipe.demand_allowed(means.spool, work, means.programs(), means.allows)
        lines = recipe.command_lines(means.spool, work, missing, means.blenders())
        with means.scratch() as temp:
            environ = {**self._environ, "TMPDIR": temp} if temp else self._environ
            for words in lines:
                env = recipe.environment(means.spool, work, means.node, environ)
                self._command(attempt, words, env)

    # One command: start it, read it, watch it, end it.

    def _command(self, attempt: Attempt, words: tuple[str, ...], env: Mapping[str, str]) -> None:
        means, work = self._means, attempt.work
        if work.stopping.is_set():
            raise Stopped(Ending.KILLED, work.stop_reason)
        attempt.is_blender = is_blender(words)
        if attempt.is_blender:
            attempt.source.begin(self._libraries, attempt.printout.note)
        attempt.printout.note(f"{means.node} runs: {shlex.join(words)}")
        self._kills.count(means.clock())
        read_end, write_end = os.pipe()
        try:
            child = means.guard.spawn(words, env, self._folder, write_end)
        finally:
            os.close(write_end)
        work.suspension.begin(child)
        try:
            self._attend(attempt, child, read_end)
            ended = child.wait()
        except BaseException:
            child.stop(0.0)
            raise
        finally:
            work.suspension.end()
            self._last_words(attempt, read_end)
            os.close(read_end)
        assert ended is not None
        attempt.cpu += ended.cpu_seconds
        work.peak_bytes = max(work.peak_bytes, ended.peak_rss_bytes)
        attempt.source.confirm()  # before it is blamed for a file that was torn from it
        if attempt.held:
            raise Stopped(Ending.HELD, attempt.held)
        if attempt.spoiled is not None:
            raise Stopped(Ending.FAIL, attempt.spoiled.text[:200])
        if not ended.is_success:
            self._blame(work, words[0].rpartition("/")[2], ended)

    def _last_words(self, attempt: Attempt, read_end: int) -> None:
        """What a command that was stopped still said."""
        os.set_blocking(read_end, False)
        left, now = LAST_WORDS, self._now(attempt.work)
        with contextlib.suppress(OSError):
            while left > 0 and (data := os.read(read_end, 1 << 16)):
                left -= len(data)
                for line in attempt.printout.feed(data, now):
                    attempt.feed(line, now)
        for line in attempt.printout.finish():
            attempt.feed(line, now)

    def _blame(self, work: Work, program: str, ended: Exit) -> None:
        was_oom = self._kills.came() if ended.code in _KILLED else None
        if work.stopping.is_set():
            raise Stopped(Ending.KILLED, work.stop_reason)
        how = ended.describe(oom_killed=was_oom)
        crashed = ended.code < 0 or ended.code > 128
        ending = Ending.MEMORY if was_oom else Ending.FAIL
        raise Stopped(ending, f"{program} crashed: {how}" if crashed else f"{program}: {how}")

    def _attend(self, attempt: Attempt, child: Child, read_end: int) -> None:
        """Read the output until the command ends; stop it when there is a reason to."""
        poller = select.poll()
        poller.register(read_end, select.POLLIN | select.POLLHUP)
        attempt.last_sign = attempt.last_look = attempt.last_measure = self._now(attempt.work)
        attempt.began = attempt.began or attempt.last_sign
        while True:
            ready = poller.poll(200)
            now = self._now(attempt.work)
            if ready:
                data = os.read(read_end, 1 << 16)
                if not data:
                    break
                attempt.last_sign = now
                for line in attempt.printout.feed(data, now):
                    attempt.feed(line, now)
                self._land_saved(attempt)
            self._check(attempt, child, now)
        while child.wait(ENDING_LOOK) is None:  # it closed its output and goes on
            self._check(attempt, child, self._now(attempt.work))

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

    def _check(self, attempt: Attempt, child: Child, now: float) -> None:
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
            limit = f"over its limit of {work.job.info.timeout:g} s"
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

    def _measure(self, attempt: Attempt, child: Child, now: float) -> None:
        """Has it done anything at all, seen from outside?"""
        use = process_use.measure(child.pid)
        if use is None:
            return
        # Against the last sign of life, not the last look: a starved renderer adds up slowly.
        if attempt.use is None or use.is_active_since(attempt.use):
            attempt.last_sign = now if attempt.use is not None else attempt.last_sign
            attempt.use = use
        attempt.work.rss_bytes = use.rss_bytes
        attempt.work.peak_bytes = max(attempt.work.peak_bytes, use.rss_bytes)
        if self._means.gpu_is_busy():  # somebody's frames are computed there, perhaps ours
            attempt.last_sign = now
        silent = now - attempt.last_sign
        if self._means.hang_after and silent > self._means.hang_after:
            said = f"{silent / 60:.0f} min" if silent >= 60 else f"{silent:.0f} s"
            why = f"it hangs: no output, no CPU, no I/O and no GPU for {said}"
            self._end(child, attempt.work, Ending.TIMEOUT, why)

    def _end(self, child: Child, work: Work, ending: Ending, reason: str) -> None:
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
