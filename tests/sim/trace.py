"""A schedule told line by line: when, who, which call on what, what came of it, and why."""

import contextlib
import errno
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.sim.farm import ACTS
from tests.sim.people import People
from tests.sim.share import SimShare
from tests.sim.trouble import Trouble
from tests.sim.world import ROOT, Actor, Died, World

CHANGES = ("create", "rename", "unlink", "mkdir", "rmdir", "append", "rewrite")
ASKS = ("listdir", "stat", "changed_at", "read", "open", "lock", "space", "sync_file")
WORDS = {
    "error_before": "an error, and nothing was done",
    "error_after": "an error, yet the server did it",
    "lost_reply": "the reply was lost: asked once more, the server finds it done",
    "late": "the request will reach the server once more, later",
    "delayed": "an error now; the server will do it later",
    "half_visible": "others see the name before the content is whole",
    "stale_list": "the names as they were before",
    "missed_name": "the newest name is missed, until the folder changes again",
    "stale_facts": "facts as they were before",
    "stale_read": "content as it was before",
    "short_read": "a part of a file that is being written",
    "death": "the machine loses power in this call",
}
_QUIET = (" beat/", "/status", " history/", "/log/")
_TOLD = (*CHANGES, "listdir", "read")  #: calls that a person wants to see without a fault as well
_SUBJECT = re.compile(r"\b[a-z2-7]{10}\b|\bdrop\d\b|\bagain\d\b|/out\b")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: float  #: seconds since the start
    who: str
    text: str
    fault: str = ""
    is_act: bool = False  #: by a person, a machine or the network; not a call
    is_change: bool = False

    def __str__(self) -> str:
        fault = f"   ← {self.fault}" if self.fault else ""
        return f"{self.at:9.3f}  {self.who:<14} {self.text}{fault}"


@dataclass(eq=False)
class Trace:
    """All lines of one run."""

    world: World
    lines: list[Line] = field(default_factory=list)
    picked: str = ""  #: the machine that something befalls

    def add(self, who: str, text: str, **more: Any) -> None:
        """Note what happens now."""
        self.lines.append(Line(self.world.now - 1000.0, who, text, **more))

    def about(self, said: str) -> list[Line]:
        """What befell, and what concerns the jobs that a violation names, news only."""
        subjects = set(_SUBJECT.findall(said))
        quiet = _QUIET if said.startswith("I4") else (*_QUIET, "/.renderd/")
        kept: list[Line] = []
        last: dict[str, str] = {}
        for whole in self.lines:
            line = whole
            if not line.is_act and not line.fault:
                line = _narrowed(whole, subjects)
                call, _, outcome = line.text.partition("  ")
                is_known = not line.is_change and last.get(line.who + call) == outcome
                last[line.who + call] = outcome
                concerns = any(s in line.text for s in subjects) and call.startswith(_TOLD)
                is_quiet = any(q in call for q in quiet)
                if is_known or not ((concerns and not is_quiet) or " dead/" in call):
                    continue
            kept.append(line)
        return kept


def _narrowed(line: Line, subjects: set[str]) -> Line:
    """Of a listing, the names that concern a subject; all where the folder itself does."""
    call, _, outcome = line.text.partition("  ")
    if not call.startswith("listdir") or any(s in call for s in subjects):
        return line
    words = [w for w in outcome.split(" ")[1:] if any(s in w for s in subjects)]
    return replace(line, text=f"{call}  {' '.join(words) or 'nothing of it'}")


@contextlib.contextmanager
def traced(world: World) -> Iterator[Trace]:
    """Tell what happens in one world while this is open."""
    trace = Trace(world)
    undo: list[tuple[Any, str, Any]] = []

    def patch(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, make(getattr(owner, name)))

    for call in (*CHANGES, *ASKS):
        patch(SimShare, call, lambda real, call=call: _told(trace, call, real))
    patch(Trouble, "_one", lambda real: _picked(trace, real))
    for name in ACTS:
        owner = People if hasattr(People, name) else Trouble
        patch(owner, name, lambda real, name=name: _act(trace, name, real))
    try:
        yield trace
    finally:
        for owner, name, real in reversed(undo):
            setattr(owner, name, real)


def _told(trace: Trace, call: str, real: Any) -> Any:
    def tell(share: Any, path: str, *args: Any, **named: Any) -> Any:
        actor: Actor = share._actor
        if actor.world is not trace.world or actor is None or actor.name.startswith("desk"):
            return real(share, path, *args, **named)
        said = f"{call} {_short(path)}"
        if call == "rename":
            said += f" → {_short(args[0])}"
        events = trace.world.events
        before, outcome = len(events), "ok"
        try:
            found = real(share, path, *args, **named)
            outcome = _outcome(call, found)
            return found
        except OSError as error:
            outcome = errno.errorcode.get(error.errno or 0, str(error))
            raise
        except Died:
            outcome = "its last call"
            raise
        finally:
            mine = [e for e in events[before:] if e.who == actor.name]
            fault = ", ".join(WORDS.get(e.what, e.what) for e in mine)
            trace.add(actor.name, f"{said}  {outcome}", fault=fault, is_change=call in CHANGES)

    return tell


def _outcome(call: str, found: Any) -> str:
    if call == "listdir":
        return f"{len(found)}: {' '.join(sorted(found))}" if found else "empty"
    if call == "read":
        return f"{len(found)} bytes"
    if call == "lock":
        return "locked" if found else "held by another"
    return "ok"


def _short(path: str) -> str:
    return path.removeprefix(f"{ROOT}/") or path


def _picked(trace: Trace, real: Any) -> Any:
    def pick(self: Any, rng: Any) -> Any:
        found = real(self, rng)
        if found is not None:
            trace.picked = found.actor.name
        return found

    return pick


def _act(trace: Trace, name: str, real: Any) -> Any:
    def act(self: Any, *args: Any, **named: Any) -> Any:
        if self.world is not trace.world:
            return real(self, *args, **named)
        at, trace.picked = len(trace.lines), ""
        done = real(self, *args, **named)
        said = (real.__doc__ or "").partition("\n")[0]
        text = f"{name.replace('_', ' ')}: {said}" if said else name.replace("_", " ")
        line = Line(trace.world.now - 1000.0, trace.picked, text, is_act=True)
        trace.lines.insert(at, line)
        return done

    act.__doc__ = real.__doc__
    return act
