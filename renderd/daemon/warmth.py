"""The open Blenders of one slot: which fits a command line, and when one is to end."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from renderd.blender.open_blender import Answer, OpenBlender, Task
from renderd.blender.request import SINCE, Request, understand
from renderd.blender.versions import BlenderProgram
from renderd.core import wear
from renderd.host import load
from renderd.host.guard import Guard, GuardDied

IDLE_FOR = 120.0  #: seconds after which a Blender without work ends
LOOK_EVERY = 5.0  #: seconds between looks at those that wait
MOST = 2  #: open at the same time in one slot: two jobs often take turns


@dataclass(slots=True)
class _Kept:
    """One open Blender with what belongs to it."""

    blender: OpenBlender
    folder: contextlib.ExitStack  #: its TMPDIR
    used: float  #: when it ended its last request


@dataclass(slots=True, eq=False)
class Warmth:
    """Only the slot's thread uses it, but for `bytes` and `is_warm`."""

    guard: Guard
    scratch: Callable[[], AbstractContextManager[str]]
    folder: str  #: where commands start
    clock: Callable[[], float]
    ram_bytes: int = 0  #: memory that jobs may have here; 0: not known
    _kept: list[_Kept] = field(default_factory=list)  #: the one used last stands last
    _taken: _Kept | None = None  #: the one at work
    _cold: set[tuple[str, ...]] = field(default_factory=set)  #: in which our script never ran

    @property
    def is_warm(self) -> bool:
        """Whether any Blender is open."""
        return bool(self._kept)

    @property
    def idle_bytes(self) -> int:
        """What those that wait for work hold, which ends when somebody needs it."""
        return sum(one.blender.rss for one in list(self._kept))

    def understand(
        self,
        words: Sequence[str],
        environ: Mapping[str, str],
        job: str,
        programs: Sequence[BlenderProgram],
    ) -> Request | None:
        """The words as a request; None where they must run in a Blender of their own."""
        request = understand(words, environ, self.folder, job)
        if request is None or request.start.words in self._cold:
            return None
        known = [p for p in programs if tuple(words[: len(p.words)]) == p.words]
        is_able = any(p.version is not None and p.version >= SINCE for p in known)
        return request if is_able else None

    def take(self, request: Request, *, is_alone: bool = False) -> OpenBlender:
        """An open Blender that fits, else a fresh one; to be given back.

        `is_alone` ends all others, for one that was promised memory.  Raises OSError, GuardDied.
        """
        found = next((k for k in self._kept if k.blender.start == request.start), None)
        if found is not None:
            self._kept.remove(found)
            if found.blender.is_well():
                self._taken = found
            else:
                self._end(found)
        is_short = wear.is_short(load.available_bytes(), self.ram_bytes) if self._kept else False
        while self._kept and (is_alone or is_short or len(self._kept) >= MOST):
            self._drop(self._kept[0])
        if self._taken is None:
            self._taken = self._launch(request)
        return self._taken.blender

    def _launch(self, request: Request) -> _Kept:
        stack = contextlib.ExitStack()
        try:
            temp = stack.enter_context(self.scratch())
            environ = dict(request.start.environ) | ({"TMPDIR": temp} if temp else {})
            blender = OpenBlender.launch(self.guard, request.start, environ, self.folder)
        except BaseException:
            stack.close()
            raise
        return _Kept(blender, stack, self.clock())

    def give_back(self, task: Task) -> str:
        """Keep the Blender that was taken for what comes next, or end it; why it ends."""
        kept, self._taken = self._taken, None
        assert kept is not None
        blender = kept.blender
        kept.used = self.clock()
        answer = task.answer if not task.is_stopped else None
        if task.has_died and not blender.is_ready and not task.is_stopped:
            self._cold.add(blender.start.words)
        why = "it did not answer" if answer is None else self._why_end(blender, answer)
        if why:
            self._end(kept)
            return why
        blender.child.resume()  # it may have been told to hold still just when it answered
        self._kept.append(kept)
        return ""

    def patience(self) -> float | None:
        """Seconds until `look` is due; None where nothing is open."""
        return LOOK_EVERY if self._kept else None

    def look(self) -> None:
        """End those that were idle for long, and all where the memory is needed."""
        now = self.clock()
        for kept in list(self._kept):
            if now - kept.used >= IDLE_FOR or not kept.blender.is_well():
                self._drop(kept)
        if self._kept and wear.is_short(load.available_bytes(), self.ram_bytes):
            self.end_all()

    def end_all(self) -> None:
        """End every open Blender now."""
        for kept in list(self._kept):
            self._drop(kept)

    def _why_end(self, blender: OpenBlender, answer: Answer) -> str:
        if answer.status:
            return "its command line failed"
        if answer.is_worn:
            return "its add-ons changed"
        return wear.why_replace(
            uses=blender.uses, rss=answer.rss, first_rss=blender.first_rss, ram=self.ram_bytes
        )

    def _drop(self, kept: _Kept) -> None:
        self._kept.remove(kept)
        self._end(kept)

    def _end(self, kept: _Kept) -> None:
        with contextlib.suppress(OSError, GuardDied):
            kept.blender.end()
        kept.folder.close()
