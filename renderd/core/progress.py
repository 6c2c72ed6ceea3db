"""What a renderer prints, as events: frame, percent, saved, warning, failure.

Reads Blender from 2.7 to 5.x, OpenJobDescription's ``openjd_…`` lines and the usual
percentages of others.  An event is a sighting, not a verdict: programs print errors and
still deliver, or lie and exit 0; only the frames themselves decide (spool.md, 7).
Lines may be hostile or a megabyte long: each is cut first, and costs a bounded time.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from renderd.core import outputs
from renderd.core.causes import find_cause
from renderd.core.frames import Run

#: What is read of a line: enough for the longest path and its sentence.
LINE_LIMIT = 4096
#: What is kept of warnings and failures of one run: the first ones say most.
KEPT = 50

_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,1024}(?:\x07|\x1b\\)|[@-_])"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LOG_PREFIX = re.compile(r"(?:\d+:)?\d+:\d\d\.\d+ {1,4}([\w.]{1,40}) +(?:\[\w+\] +)?\| ?")
_FRAME = re.compile(r"Fra: ?(-?\d{1,9})\b")
_PARTS = re.compile(
    r"(?:Samples? |Rendering |Path Tracing Tile |Rendered |Part |Tile )(\d{1,9}) ?[/-] ?(\d{1,9})"
)
_SAVED = re.compile(r"(?:^|[ |])Saved: (?:'(.+)'|(\S.*?))(?: +Time: \S+.*)?$")
_APPEND = re.compile(r"(?:Video a|A)ppend frame (-?\d{1,9})")
_PROLOGUE = re.compile(r"renderd: (passes|whole (-?\d{1,9}))")
_OPENJD = re.compile(r"openjd_(progress|status|fail): (.*)", re.S)
_PERCENT = re.compile(r"(?:ALF_PROGRESS |Progress: |progress: )(\d{1,3}(?:\.\d{1,9})?) ?%")
_NUKE_FRAME = re.compile(r"Frame (-?\d{1,9}) \(\d+ of \d+\)")
_NUKE_SAVED = re.compile(r"Writing (.+) took [\d.]+ seconds")
_LEVEL = re.compile(r"(?:\w{3,10}: )?(error|warn(?:ing)?|fatal|critical)\b[:! ]", re.I)
_PYTHON_ERROR = re.compile(r"(?:[A-Za-z_]\w{0,60}\.){0,6}[A-Z]\w{0,60}(?:Error|Exception)(?:: |$)")
#: Printed by healthy renders: EGL complains before it falls back to drawing without a screen.
_HARMLESS = ("EGL Error", "Managed to successfully fallback", "AL lib:", "ALSA lib", "Info: ")


class Kind(StrEnum):
    """What a line tells."""

    FRAME = "frame"  #: work on a frame has begun or goes on
    PERCENT = "percent"  #: how far the frame is; the whole run when no frame is named
    SAVED = "saved"  #: a file of a frame is written
    PASSES = "passes"  #: our prologue runs: from now on it says which frames are whole
    WHOLE = "whole"  #: every file of a frame is written
    STATUS = "status"  #: free text about what is being done
    WARNING = "warning"
    FAILURE = "failure"  #: why the run will fail if it fails


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One sighting in a renderer's output."""

    kind: Kind
    frame: int | None = None
    percent: float | None = None  #: 0 to 100
    path: str = ""
    text: str = ""  #: the line, cleaned and cut
    cause: str = ""  #: of a warning or failure: the name in causes.py, "python" or "error"
    says: str = ""  #: the cause in one sentence for a person
    advice: str = ""
    is_fatal: bool = False  #: stop: what comes is not what was asked for, whatever the exit code


def clean(line: str) -> str:
    """One printable line: cut, terminal escapes and control characters gone.

    A line that a program redrew with carriage returns is its last state.
    """
    if len(line) > LINE_LIMIT:
        half = LINE_LIMIT // 2
        line = f"{line[:half]} … {line[-half:]}"
    line = line.rstrip("\r\n")
    line = line[line.rfind("\r") + 1 :]
    if line.isprintable():
        return line.rstrip()
    return _CONTROL.sub("", _ESCAPE.sub("", line)).rstrip()


def read_line(line: str) -> Event | None:
    """What one line tells, or None; lines that it does not know tell nothing."""
    text = clean(line)
    if not text:
        return None
    prefix = _LOG_PREFIX.match(text)
    body = text[prefix.end() :] if prefix else text
    return _frame_line(body) or _said_outright(body) or _trouble(body)


def _frame_line(text: str) -> Event | None:
    """Blender's own progress, by far the most frequent line."""
    found = _FRAME.match(text)
    if found is None:
        return None
    frame = int(found[1])
    if "| Cancel" in text or "| Error" in text:
        cause = find_cause(text)
        if cause:
            return Event(
                kind=Kind.FAILURE,
                frame=frame,
                text=text,
                cause=cause.name,
                says=cause.says,
                advice=cause.advice,
            )
    parts = _PARTS.search(text)
    if parts and int(parts[2]):
        percent = min(100.0, 100 * int(parts[1]) / int(parts[2]))
        return Event(kind=Kind.PERCENT, frame=frame, percent=percent, text=text)
    return Event(kind=Kind.FRAME, frame=frame, text=text)


def _said_outright(text: str) -> Event | None:
    """Lines whose form says what they mean, whoever prints them."""
    if ours := _PROLOGUE.fullmatch(text):
        kind = Kind.WHOLE if ours[2] else Kind.PASSES
        return Event(kind=kind, frame=int(ours[2]) if ours[2] else None, text=text)
    if saved := _SAVED.search(text) or _NUKE_SAVED.fullmatch(text):
        path = next(group for group in saved.groups() if group)
        return Event(kind=Kind.SAVED, path=path, text=text)
    if appended := _APPEND.match(text):
        return Event(kind=Kind.SAVED, frame=int(appended[1]), text=text)
    if percent := _PERCENT.search(text):
        return Event(kind=Kind.PERCENT, percent=min(100.0, float(percent[1])), text=text)
    if nuke := _NUKE_FRAME.match(text):
        return Event(kind=Kind.FRAME, frame=int(nuke[1]), text=text)
    if openjd := _OPENJD.match(text):
        return _openjd(openjd[1], openjd[2], text)
    return None


def _openjd(word: str, value: str, text: str) -> Event | None:
    if word == "status":
        return Event(kind=Kind.STATUS, text=value)
    if word == "fail":
        cause = find_cause(value)
        name, advice = (cause.name, cause.advice) if cause else ("error", "")
        return Event(kind=Kind.FAILURE, text=value, cause=name, says=value, advice=advice)
    try:
        percent = float(value)
    except ValueError:
        return None
    if not 0 <= percent <= 100:
        return None
    return Event(kind=Kind.PERCENT, percent=percent, text=text)


def _trouble(text: str) -> Event | None:
    """A failure with a known cause, else whatever calls itself an error or a warning."""
    if text.startswith(_HARMLESS) and not text.startswith(("Info: Cannot", "Info: LIB:")):
        return None
    cause = find_cause(text)
    if cause:
        return Event(
            kind=Kind.FAILURE,
            text=text.strip(),
            path=_quoted(text),
            cause=cause.name,
            says=cause.says,
            advice=cause.advice,
            is_fatal=cause.is_fatal,
        )
    if "Traceback (most recent call last)" in text or _PYTHON_ERROR.match(text):
        return Event(
            kind=Kind.WARNING,
            text=text,
            cause="python",
            says="a Python script failed while Blender went on",
            advice="look at the lines around it in the log; --python-exit-code 1 makes it final",
        )
    level = _LEVEL.match(text)
    if level is None:
        return None
    kind = Kind.WARNING if level[1].lower().startswith("warn") else Kind.FAILURE
    return Event(kind=kind, text=text, cause="error" if kind is Kind.FAILURE else "warning")


def _quoted(text: str) -> str:
    """The first thing in quotes, which is the file where one is meant."""
    for quote in ("'", '"'):
        first = text.find(quote)
        last = text.find(quote, first + 1)
        if 0 <= first < last:
            return text[first + 1 : last]
    return ""


@dataclass(slots=True)
class Watch:
    """How far one run of a renderer is, from the lines it prints; feed it each of them."""

    run: Run | None = None  #: the frames the run is to make, when known
    out: str = ""  #: the pattern it writes to; some engines print nothing but paths
    frame: int | None = None
    percent: float = 0.0  #: of the frame
    overall: float | None = None  #: of the whole run, where the program says so itself
    status: str = ""
    saved: list[str] = field(default_factory=list)  #: paths as printed, in order
    done: set[int] = field(default_factory=set)  #: frames that were reported as saved
    knows_sets: bool = False  #: files of a frame are not yet the frame: it is told when whole
    warnings: list[Event] = field(default_factory=list)
    failures: list[Event] = field(default_factory=list)

    def feed(self, line: str) -> Event | None:
        """Take in one line and return what it told."""
        event = read_line(line)
        if event is not None:
            self._take(event)
        return event

    @property
    def fraction(self) -> float:
        """How much of the run is done, 0 to 1, as far as its output tells."""
        within = 0.0 if self.frame in self.done else self.percent / 100
        if self.overall is not None:
            return self.overall / 100
        if self.run is None:
            return within
        made = len(self.done) if self.done else len(self.saved)
        return min(1.0, (made + within) / len(self.run))

    @property
    def reason(self) -> Event | None:
        """The likeliest reason of a failure: a fatal one, else a known one, else the first."""
        return min(
            self.failures,
            key=lambda event: (not event.is_fatal, event.cause == "error"),
            default=None,
        )

    def _take(self, event: Event) -> None:
        if event.kind is Kind.SAVED:
            self._save(event)
        elif event.kind is Kind.PASSES:
            self.knows_sets = True
        elif event.kind is Kind.WHOLE and event.frame is not None:
            self.frame = event.frame
            self.done.add(event.frame)
        elif event.kind is Kind.PERCENT and event.frame is None:
            self.overall = event.percent
        elif event.kind in (Kind.PERCENT, Kind.FRAME):
            fresh = event.frame != self.frame
            self.frame = event.frame
            self.percent = event.percent or (0.0 if fresh else self.percent)
        elif event.kind is Kind.STATUS:
            self.status = event.text
        else:
            kept = self.warnings if event.kind is Kind.WARNING else self.failures
            if len(kept) < KEPT:
                kept.append(event)

    def _save(self, event: Event) -> None:
        self.saved.append(event.path)
        if self.knows_sets:
            return
        frame = event.frame
        if frame is None and self.out:
            base = event.path[max(event.path.rfind("/"), event.path.rfind("\\")) + 1 :]
            frame = outputs.frame_of(self.out, base)
        frame = self.frame if frame is None else frame
        if frame is not None:
            self.frame = frame
            self.done.add(frame)
