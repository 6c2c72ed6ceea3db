"""What an attempt printed, read on and on: its lines, which of them tell of trouble, and why."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from frontend import mishaps, verdicts
from frontend.farm import open_farm
from renderd.config import Settings
from renderd.core import progress
from renderd.core.label import UNSEEN
from renderd.core.progress import Event, Kind
from renderd.spool import jobs, listing, logs, orders, reasons
from renderd.spool.layout import Spool
from renderd.spool.moves import names

TAIL_BYTES = 256 << 10  #: of a log, shown at first
_NOTE_BYTES = 65536
_PROSPECT_READINGS = 10  #: of the log, after which it is asked again where the chunk runs next


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which log is to be shown; none of an empty job."""

    jid: str = ""
    chunk: int = 0
    attempt: int | None = None  #: None: the last
    standing: str = ""  #: of the chunk; other words here have attempts and notes looked at again
    waits: bool = False  #: the chunk is not run at present
    serial: int = 0  #: another number has the log read from anew


@dataclass(frozen=True, slots=True)
class Line:
    """One line, safe to show, and what it tells."""

    text: str
    event: Event | None = None  #: a warning or failure

    @property
    def tone(self) -> str:
        """The name of its colour; empty for most."""
        if self.event is None:
            return ""
        return "failed" if self.event.kind is Kind.FAILURE else "warning"

    @property
    def weight(self) -> int:
        """How likely it says why a render failed; 0 where it does not."""
        if self.event is None:
            return 0
        if self.event.kind is not Kind.FAILURE:
            return 1
        return 4 if self.event.is_fatal else 3 if self.event.cause != "error" else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is new of a log; all that is shown of it where it is fresh."""

    wish: Wish
    is_fresh: bool
    attempt: int
    inc: str  #: the incarnation that ran it
    attempts: tuple[tuple[int, str], ...]  #: number and incarnation, oldest first
    path: str
    skipped: int  #: bytes before what is shown
    lines: tuple[Line, ...]
    mishap: mishaps.Mishap | None
    prospect: str  #: where the chunk runs next; empty where it does not wait
    program: str


@dataclass(slots=True)
class _Open:
    """The log that is read on."""

    end: logs.LogEnd
    place: int
    program: str
    wish: Wish
    attempts: tuple[tuple[int, str], ...] = ()
    mishap: mishaps.Mishap | None = None
    prospect: str = ""
    age: int = 0  #: readings since the prospect was looked at


def safe(text: str) -> str:
    """One line without signs that steer what shows it; tabs stay."""
    return "\t".join(UNSEEN.sub("\ufffd", part) for part in progress.clean(text).split("\t"))


def read_lines(text: str) -> tuple[Line, ...]:
    """Lines of a log, with what they tell."""
    found = []
    for line in text.split("\n")[: -1 if text.endswith("\n") else None]:
        event = progress.read_line(line)
        is_trouble = event is not None and event.kind in (Kind.WARNING, Kind.FAILURE)
        found.append(Line(safe(line), event if is_trouble else None))
    return tuple(found)


@dataclass(slots=True)
class LogReading:
    """Reads what is wished for, then what comes; for one thread."""

    settings: Settings
    wanted: Callable[[], Wish]
    _spool: Spool | None = None
    _open: _Open | None = None
    _programs: dict[str, str] = field(default_factory=dict)

    def __call__(self) -> Page | None:
        """What is new; None where nothing is.  Raises UsageError where there is no log, OSError."""
        wish, held = self.wanted(), self._open
        if not wish.jid:
            self._open = None
            return None
        spool = self._spool = self._spool or open_farm(self.settings)
        if held is None or held.wish.serial != wish.serial:
            return self._begin(spool, wish)
        if held.wish.standing != wish.standing:
            if wish.attempt is None and logs.find(spool, wish.jid, wish.chunk) != _name(held.end):
                return self._begin(spool, wish)  # the next attempt has begun
            held.wish = wish
            self._look_around(spool, held)
            return self._go_on(spool, held, always=True)
        if held.prospect and held.age >= _PROSPECT_READINGS:
            return self._go_on(spool, held, always=self._look_ahead(spool, held))
        held.age += 1
        return self._go_on(spool, held)

    def _begin(self, spool: Spool, wish: Wish) -> Page:
        self._open = None
        end = logs.read_end(spool, wish.jid, wish.chunk, wish.attempt, TAIL_BYTES)
        whole = end.text[: end.text.rfind("\n") + 1]
        place = end.start + len(whole.encode())
        if "\ufffd" in whole:  # what was no UTF-8 has another length now
            place = end.size
            whole = end.text
        held = self._open = _Open(end, place, self._program(spool, wish.jid), wish)
        self._look_around(spool, held)
        return self._page(held, read_lines(whole), is_fresh=True)

    def _go_on(self, spool: Spool, held: _Open, *, always: bool = False) -> Page | None:
        data, place = logs.read_on(spool, held.end.path, held.place)
        is_other = place - len(data) < held.place  # it was turned over
        held.place = place
        if not data and not always:
            return None
        return self._page(held, read_lines(data.decode("utf-8", "replace")), is_fresh=is_other)

    def _page(self, held: _Open, lines: tuple[Line, ...], *, is_fresh: bool) -> Page:
        return Page(
            wish=held.wish,
            is_fresh=is_fresh,
            attempt=held.end.attempt,
            inc=held.end.node,
            attempts=held.attempts,
            path=held.end.path,
            skipped=held.end.start,
            lines=lines,
            mishap=held.mishap,
            prospect=held.prospect,
            program=held.program,
        )

    def _look_around(self, spool: Spool, held: _Open) -> None:
        """Which attempts there are, and what this one's error note says."""
        jid, chunk = held.wish.jid, held.wish.chunk
        listed = (n for n in names(spool, spool.job(jid, "log")) if n.endswith(".log"))
        found = listing.attempts(listed).get(chunk, [])
        held.attempts = tuple((int(n.split(".")[1]), listing.owner_of(n)) for n in found)
        held.mishap = None
        with contextlib.suppress(FileNotFoundError):
            note = spool.job(jid, "err", _name(held.end).removesuffix(".log"))
            held.mishap = mishaps.parse(
                spool.share.read(note, _NOTE_BYTES).decode("utf-8", "replace")
            )

        self._look_ahead(spool, held)

    def _look_ahead(self, spool: Spool, held: _Open) -> bool:
        """Which machines take the chunk after its mishap; whether that has changed."""
        before, held.prospect, held.age = held.prospect, "", 0
        wish = held.wish
        if wish.waits and held.mishap is not None:
            notes = listing.attempts(names(spool, spool.job(wish.jid, "err"))).get(wish.chunk, [])
            tried = {listing.owner_of(note) for note in notes}
            job, own, found = reasons.read(spool, orders.where(spool, wish.jid))
            held.prospect = verdicts.prospect(job, own, found, tried)
        return held.prospect != before

    def _program(self, spool: Spool, jid: str) -> str:
        if jid not in self._programs:
            self._programs[jid] = mishaps.program_name(jobs.read(spool, jid).info.commands[0][0])
        return self._programs[jid]


def _name(end: logs.LogEnd) -> str:
    return end.path.rpartition("/")[2]
