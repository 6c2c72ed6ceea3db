"""How an attempt that did not end well is told: what happened, where, what to do, what now."""

import re
from dataclasses import dataclass

from renderd.core import causes
from renderd.core.label import label
from renderd.core.names import host_of
from renderd.spool.records import ChunkView

_CRASH = re.compile(r"\S{1,80} crashed: ")  #: as the daemon says it
_PROGRAM = re.compile(r"\S{1,80} crashed: |\S{1,80}: (?=exit status )")
_TIMES = {1: "once", 2: "twice"}
_VERBS = {
    "fail": "failed on",
    "bad-output": "left no whole frames on",
    "timeout": "was stopped on",
    "memory": "ran out of memory on",
}


@dataclass(frozen=True, slots=True)
class Mishap:
    """An error note, taken apart."""

    ending: str
    reason: str
    advice: str = ""
    lines: tuple[str, ...] = ()  #: the last that the program printed


def parse(note: str) -> Mishap | None:
    """What an error note of an attempt says; None where it says nothing."""
    head, *rest = note.splitlines() or [""]
    ending, colon, reason = head.partition(": ")
    if not colon:
        return Mishap("", label(head, 300)) if head.strip() else None
    advice = ""
    if rest and rest[0].startswith("advice: "):
        advice = label(rest.pop(0).removeprefix("advice: "), 500)
    lines = tuple(label(line, 500) for line in rest if line.strip())
    return Mishap(ending, label(reason, 400), advice, lines)


def sentence(mishap: Mishap, program: str, inc: str) -> str:
    """What happened and where: `Blender crashed on ws07: the GPU ran out of memory`."""
    host = host_of(inc) if inc else "its machine"
    if mishap.ending == "fail" and _CRASH.search(mishap.reason):
        verb = "crashed on"
    elif mishap.ending in _VERBS:
        verb = _VERBS[mishap.ending]
    else:
        return f"Given back by {host}: {_plain(mishap.reason)}"
    return f"{program} {verb} {host}: {_plain(mishap.reason)}"


def brief(note: str) -> str:
    """The first line of an error note for one cell: `crashed: the GPU ran out of memory`."""
    mishap = parse(note)
    if mishap is None:
        return ""
    said = _plain(mishap.reason)
    if mishap.ending == "fail" and _CRASH.search(mishap.reason):
        return f"crashed: {said}"
    return said if mishap.ending in ("", "fail") else f"{mishap.ending}: {said}"


def so_far(chunk: ChunkView, prospect: str = "") -> str:
    """How often a chunk failed, and what becomes of it now; `prospect`, if it waits."""
    times = _TIMES.get(chunk.failures, f"{chunk.failures} times")
    tried = f"failed {times}" if chunk.failures else ""
    host = host_of(chunk.node) if chunk.node else ""
    now = {
        "run": f"runs now on {host}",
        "wait": prospect or "waits for its next attempt",
        "fail": "given up until you retry it",
        "done": f"done since, by {host}",
    }.get(chunk.state, "")
    return "; ".join(filter(None, (tried, now)))


def program_name(word: str) -> str:
    """A program as people call it, from the first word of its command line."""
    base = word.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    return "Blender" if base.startswith("blender") or base == "{blender}" else label(base, 40)


def _plain(reason: str) -> str:
    """The reason without the exit status behind a cause that is known."""
    known = next((c.says for c in causes.CAUSES if reason.startswith(c.says)), "")
    return known or _PROGRAM.sub("", reason, 1)
