"""Runs one chunk at a time on its own thread, and reports how it ended."""

import contextlib
import logging
import os
import queue
import shlex
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from renderd.core.command import is_blender
from renderd.core.job import Writes
from renderd.core.progress import Watch
from renderd.daemon import recipe, verdict
from renderd.daemon.attempt import Attempt
from renderd.daemon.attendant import Attendant
from renderd.daemon.gathering import OutputGone
from renderd.daemon.kills import Kills
from renderd.daemon.landing import Landing, NotNow, open_landing
from renderd.daemon.means import Means
from renderd.daemon.printout import Printout
from renderd.daemon.source import LibraryWatch, SourceWatch, WrongFile
from renderd.daemon.verdict import Judge, Verdict
from renderd.daemon.warmth import Warmth
from renderd.daemon.work import Ending, Result, Stopped, Work
from renderd.errors import OutputOwned, RenderdError
from renderd.host.exit import Exit
from renderd.host.guard import GuardDied

_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)  #: itself, or what its shell ran
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cool:
    """Let no Blender stay open without work."""


class Runner(threading.Thread):
    """One slot of the node: takes Works from its queue until told to leave."""

    def __init__(self, means: Means, number: int) -> None:
        super().__init__(name=f"runner-{number}", daemon=True)
        self._means = means
        self._works: queue.SimpleQueue[Work | Cool | None] = queue.SimpleQueue()
        self._kills = Kills(means.clock())
        self._attendant = Attendant(means, self._kills)
        self._printout: Printout | None = None
        self._libraries = LibraryWatch(means.spool, means.clock)
        self._environ = recipe.base(means.environ)
        self._folder = recipe.working_folder(self._environ)
        self._judge = Judge(means.spool, recipe.temp_folder(self._environ))
        self.warmth = Warmth(means.guard, means.scratch, self._folder, means.clock, means.ram_bytes)
        self.is_free = True

    def begin(self, work: Work) -> None:
        """Start a claimed chunk; its Result is reported from this thread."""
        self.is_free = False
        self._works.put(work)

    def cool(self) -> None:
        """Have open Blenders that wait for work end; any thread may call."""
        if self.is_free and self.warmth.is_warm:
            self._works.put(Cool())

    def leave(self) -> None:
        """End the thread after its present work."""
        self._works.put(None)

    def _next(self) -> Work | None:
        """The next chunk; open Blenders are looked after while there is none."""
        while True:
            try:
                found = self._works.get(timeout=self.warmth.patience())
            except queue.Empty:
                self.warmth.look()
                continue
            if not isinstance(found, Cool):
                return found
            self.warmth.end_all()

    def run(self) -> None:
        while (work := self._next()) is not None:
            result = self._safely(work)
            self.is_free = True
            self._means.report(result)
            # Last, so that the next chunk need not wait for the log of this one.
            if self._printout is not None:
                self._printout.flush(self._means.clock())
        self.warmth.end_all()

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

    def _run(self, work: Work) -> Result:
        means, claim = self._means, work.claim
        began = self._attendant.now(work)
        source = SourceWatch(means.spool, work)
        landed = self._landing(work, source)
        missing = landed.begin() if landed is not None else work.frames
        work.frames_done = len(work.frames) - len(missing) if landed is not None else 0
        path = means.spool.job(claim.jid, "log", f"{work.stem}.log")
        self._printout = printout = Printout(means.spool, path, work.tail, means.log_bytes)
        watch = Watch(run=work.run, out=work.output.pattern if work.output else "")
        limit = work.timeout
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
            work.in_place = frozenset(landed.receipts)
            if found.ending is Ending.DONE:
                work.frame_bytes = max(work.frame_bytes, landed.largest_bytes())
                landed.clear()
        return found.result(
            work, wall=self._attendant.now(work) - began, cpu=attempt.cpu, keeps=keeps
        )

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
            for at, words in enumerate(lines):
                env = recipe.environment(means.spool, work, means.node, environ)
                self._command(attempt, at, words, env)

    # One command: start it, read it, watch it, end it.

    def _command(
        self, attempt: Attempt, at: int, words: tuple[str, ...], env: Mapping[str, str]
    ) -> None:
        means, work = self._means, attempt.work
        if work.stopping.is_set():
            raise Stopped(Ending.KILLED, work.stop_reason)
        attempt.is_blender = is_blender(words)
        if attempt.is_blender:
            recipe.demand_openable(words, means.blenders())
            attempt.source.begin(self._libraries, attempt.printout.note)
        attempt.printout.note(f"{means.node} runs: {shlex.join(words)}")
        self._kills.count(means.clock())
        ended = self._run_warm(attempt, words, env)
        if ended is None:
            if work.ram:  # it was promised what those hold that wait
                self.warmth.end_all()
            left = self._still_to_do(attempt, at, words)
            ended = self._run_plain(attempt, left, env) if left else Exit(0)
        attempt.cpu += ended.cpu_seconds
        work.peak_bytes = max(work.peak_bytes, ended.peak_rss_bytes)
        attempt.source.confirm()  # before it is blamed for a file that was torn from it
        if attempt.held:
            raise Stopped(Ending.HELD, attempt.held)
        if attempt.spoiled is not None:
            raise Stopped(Ending.FAIL, attempt.spoiled.text[:200])
        if not ended.is_success:
            self._blame(work, words[0].rpartition("/")[2], ended)

    def _run_plain(self, attempt: Attempt, words: Sequence[str], env: Mapping[str, str]) -> Exit:
        """Start the command by itself and stay with it to its end."""
        read_end, write_end = os.pipe()
        try:
            child = self._means.guard.spawn(words, env, self._folder, write_end)
        finally:
            os.close(write_end)
        try:
            attempt.work.suspension.begin(child)
            self._attendant.attend(attempt, child, read_end)
            ended = child.wait()
        except BaseException:
            child.stop(0.0)
            raise
        finally:
            attempt.work.suspension.end()
            self._attendant.last_words(attempt, read_end)
            os.close(read_end)
        assert ended is not None
        return ended

    def _run_warm(
        self, attempt: Attempt, words: Sequence[str], env: Mapping[str, str]
    ) -> Exit | None:
        """Have an open Blender act the words out; None where it cannot, or not to their end.

        What a Blender with a past did wrong proves nothing: a fresh one is to do it again.
        """
        work, warmth = attempt.work, self.warmth
        is_wanted = work.job.info.warm and attempt.is_blender and self._means.is_warm()
        programs = self._means.blenders() if is_wanted else ()
        request = warmth.understand(words, env, work.job.jid, programs)
        if request is None:
            return None
        blender = warmth.take(request, is_alone=work.ram > 0)
        task = blender.begin(request)
        try:
            work.suspension.begin(blender.child)
            attempt.printout.note(blender.where)
            self._attendant.attend(attempt, task, blender.output)
            ended = task.wait()
        except BaseException:
            task.stop(0.0)
            raise
        finally:
            work.suspension.end()
            self._attendant.last_words(attempt, blender.output)
            why = warmth.give_back(task)
        assert ended is not None
        is_sound = task.answer is not None or ended.code >= 0  # it ended as a command does
        is_own = is_sound and blender.uses == 1 and blender.is_ready and not task.refusal
        if ended.is_success or is_own or work.stopping.is_set() or attempt.is_condemned:
            return ended
        if ended.code in _KILLED and self._kills.came():
            raise Stopped(Ending.MEMORY, f"Blender crashed: {ended.describe(oom_killed=True)}")
        said = task.refusal or why or ended.describe()
        attempt.printout.note(f"a Blender of its own goes on: {said}")
        return None

    def _still_to_do(self, attempt: Attempt, at: int, words: tuple[str, ...]) -> Sequence[str]:
        """The command for the frames that are not there yet; empty where all are."""
        landed, work, means = attempt.landing, attempt.work, self._means
        if landed is None or landed.output.writes is not Writes.PRIVATE:
            return words
        landed.salvage(attempt.watch.done)
        landed.files.clear_parts()
        missing = [f for f in landed.wanted if f not in {*landed.receipts, *landed.waiting}]
        if len(missing) == len(work.frames):
            return words
        lines = recipe.command_lines(means.spool, work, missing, means.blenders())
        return lines[at] if missing else ()

    def _blame(self, work: Work, program: str, ended: Exit) -> None:
        was_oom = self._kills.came() if ended.code in _KILLED else None
        if work.stopping.is_set():
            raise Stopped(Ending.KILLED, work.stop_reason)
        how = ended.describe(oom_killed=was_oom)
        crashed = ended.code < 0 or ended.code > 128
        ending = Ending.MEMORY if was_oom else Ending.FAIL
        raise Stopped(ending, f"{program} crashed: {how}" if crashed else f"{program}: {how}")
