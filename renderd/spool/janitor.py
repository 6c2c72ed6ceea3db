"""Trash and leftovers: what nobody needs goes, when twice seen and long enough ago."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from renderd.core import job as job_record
from renderd.core.chunk import State, parse
from renderd.core.names import Ticket, is_incarnation, is_jid, parse_ticket
from renderd.errors import RenderdError
from renderd.spool import closing, frames, jobs, listing, nodes, orders, sources, tickets
from renderd.spool.layout import (
    BAD,
    CANCELLED,
    DEAD,
    DONE,
    FAILED,
    HELD,
    HISTORY,
    NODES,
    QUEUE,
    TMP,
    TRASH,
    WAITING,
    Spool,
)
from renderd.spool.moves import BREATH, names, remove_folder
from renderd.spool.retention import DAY, HOUR, JOBS_A_SWEEP, Retention

CHUNK_PARTS = 6  #: of a chunk's name with an owner, between its dots

Thing = TypeVar("Thing")

SWEEP_EVERY = 900.0
FILES_A_SWEEP = 2000  #: removed at most; the rest a minute later, for work goes before litter


@dataclass(slots=True)
class Janitor:
    """One node's sweeping; `now` is its own CLOCK_BOOTTIME, so no wall clock can lie to it."""

    spool: Spool
    breathe: Callable[[], None] = lambda: None  #: called often in long steps: to beat
    _seen: dict[str, float] = field(default_factory=dict)  #: what is to go: first seen when
    _closed: set[str] = field(default_factory=set)  #: tickets of which nothing is left to clear
    _emptied: set[str] = field(default_factory=set)  #: done jobs without chunk files
    _next_sweep: float = 0.0
    _left: int = 0  #: files that this sweep may still remove
    _old: set[str] = field(default_factory=set)  #: tickets that were over at the first sweep
    _has_swept: bool = False
    _retention: Retention = field(init=False)

    def __post_init__(self) -> None:
        self._retention = Retention(self.spool, lambda: self.breathe())  # noqa: PLW0108  set later

    def sweep(self, now: float) -> None:
        """Do a little of each kind; an error of the share ends the sweep, no more."""
        with contextlib.suppress(OSError):
            done, cancelled = (tickets.listed(self.spool, f) for f in (DONE, CANCELLED))
            over = [t for t in (*cancelled, *done) if t.name not in self._closed]
            if not self._has_swept:
                self._old, self._has_swept = {t.name for t in over}, True
            fresh = [t for t in over if t.name not in self._old]
            self._close(fresh[:JOBS_A_SWEEP], done)
            if now < self._next_sweep:
                return
            # What was over before we came was closed in order but for the few whose closer died.
            # Cancelled ones by themselves: their closing was nobody's, and one that cannot be
            # cleared here must not keep the others waiting.
            old = [t for t in over if t.name in self._old]
            self._close(self._some([t for t in old if t in cancelled]), done)
            self._close(self._some([t for t in old if t in done]), done)
            self._next_sweep = now + SWEEP_EVERY
            self._left = FILES_A_SWEEP
            self._empty_done_jobs(done, now)
            self._forget_deaths(now)
            # Ages are the server's: its mtimes against that of a file made now.
            clock = self._server_time()
            self._certify_silent(now, clock)
            self._clear_attempts(now)
            self._remove_old(now, clock)
            if not self._retention.sweep(now, clock) or self._left <= 0:
                self._next_sweep = now

    def _close(self, over: list[Ticket], done: Collection[Ticket]) -> None:
        """What a closer that died left undone, and for cancelled jobs nobody else does.

        Receipts into the job, its folder beside the frames and its copy of the .blend away.
        """
        for ticket in over:
            self._old.add(ticket.name)  # where anything fails: tried again, a few at a time
            with contextlib.suppress(OSError, RenderdError):
                if self._close_one(ticket, is_done=ticket in done):
                    self._closed.add(ticket.name)
                else:  # still being stopped: soon again
                    self._old.discard(ticket.name)

    def _close_one(self, ticket: Ticket, *, is_done: bool) -> bool:
        """Whether nothing of the job runs any more; then all is done that can be done here."""
        job = jobs.read(self.spool, ticket.jid)
        if orders.running(self.spool, ticket.jid):
            return False
        sources.remove(self.spool, job)
        if not is_done:  # by a job that replaced it, or by hand
            orders.cancel_videos(self.spool, ticket.jid)
        jobs.let_videos_in(self.spool, ticket.jid)
        closing.collect(self.spool, job, self.breathe, is_done=is_done)
        return True

    def _some(self, things: Sequence[Thing]) -> list[Thing]:
        """A few of them, any: each has its turn, and no sweep takes long."""
        return self.spool.rng.sample(things, min(JOBS_A_SWEEP, len(things)))

    def _clear_attempts(self, now: float) -> None:
        """Private folders of attempts at chunks that have ended, of some jobs that are not over.

        Those of a chunk that waits or runs are left to its next attempt, which takes over what
        is whole in them.
        """
        listed = [t for f in (QUEUE, HELD, FAILED) for t in tickets.listed(self.spool, f)]
        gone = nodes.dead(self.spool)
        for ticket in self._some(listed):
            with contextlib.suppress(OSError, RenderdError):
                output = frames.locate(self.spool, jobs.read(self.spool, ticket.jid))
                left = names(self.spool, output.own) if output is not None else []
                attempts = {stem: inc for stem in left if (inc := listing.owner_of(stem))}
                if output is None or not attempts:
                    continue
                going_on = listing.chunks(self.spool, ticket.jid, {State.WAIT, State.RUN})
                indices = {chunk.index for chunk in going_on}
                for stem, inc in attempts.items():
                    if int(stem.partition(".")[0]) in indices:
                        self._seen.pop(f"left:{stem}", None)
                    # A dead one's at once; a living one clears its own, if nothing fails there.
                    elif inc in gone or self._is_due(f"left:{stem}", HOUR, now):
                        frames.clear_attempt(self.spool, output, stem)

    def _empty_done_jobs(self, done: list[Ticket], now: float) -> None:
        """Chunk files of done jobs, only `done` names, an hour after this node first saw it."""
        kept = {t.jid for t in done}
        for key in [k for k in self._seen if k.startswith("done:") and k[5:] not in kept]:
            del self._seen[key]
        self._emptied &= kept
        due = [t for t in done if self._is_due(f"done:{t.jid}", HOUR, now)]
        for ticket in [t for t in due if t.jid not in self._emptied][:JOBS_A_SWEEP]:
            folder = self.spool.job(ticket.jid)
            for group in [n for n in names(self.spool, folder) if n.isdigit()]:
                self._empty_group(f"{folder}/{group}")
            if self._left <= 0:
                return
            self._emptied.add(ticket.jid)

    def _empty_group(self, path: str) -> None:
        for name in names(self.spool, path):
            chunk = parse(name)
            if chunk is not None and chunk.state is State.DONE and not self._remove(path, name):
                return
        remove_folder(self.spool, path)

    def _remove(self, folder: str, name: str) -> bool:
        """Remove one file, also when another janitor did; False when it is enough for now."""
        if self._left <= 0:
            return False
        self._left -= 1
        if self._left % BREATH == 0:
            self.breathe()
        with contextlib.suppress(FileNotFoundError):
            self.spool.share.unlink(f"{folder}/{name}")
        return True

    def _remove_tree(self, path: str) -> None:
        """Remove a folder and what is in it, never through a symbolic link."""
        if not self._has(path):
            return
        for name in names(self.spool, path):
            if self.spool.share.stat(f"{path}/{name}").is_folder:
                self._remove_tree(f"{path}/{name}")
            elif not self._remove(path, name):
                return
        remove_folder(self.spool, path)

    def _forget_deaths(self, now: float) -> None:
        """A certificate that no open job and no intent needs, in two looks a day apart."""
        due = [
            (inc, key)
            for inc in sorted(nodes.dead(self.spool))
            if (key := f"dead:{inc}") not in self._seen or self._is_due(key, DAY, now)
        ]
        owners = self._owners_in_open_jobs() if due else set()
        for inc, key in due:
            if inc in owners or nodes.intents(self.spool, inc):
                self._seen.pop(key, None)
            elif self._is_due(key, DAY, now):
                with contextlib.suppress(FileNotFoundError):
                    self.spool.share.rename(self.spool.at(DEAD, inc), self.spool.at(TRASH, inc))
                self._remove_tree(self.spool.at(NODES, inc))

    def _certify_silent(self, now: float, clock: float) -> None:
        """Incarnations that died before their first beat, or between the two steps of leaving.

        Declaring is always safe; what they left then goes as that of all dead.
        """
        listed = filter(is_incarnation, names(self.spool, self.spool.at(NODES)))
        some = self._some(sorted(set(listed) - nodes.dead(self.spool)))
        silent = [inc for inc in some if self._last_word(inc) < clock - DAY]
        present = nodes.everyone(self.spool) if silent else {}
        for inc in silent:
            if inc not in present and self._is_due(f"silent:{inc}", DAY, now):
                nodes.certify(self.spool, inc)

    def _last_word(self, inc: str) -> float:
        """When a node last wrote its status, which it does with each beat, or made its folder."""
        for path in (self.spool.node(inc, "status"), self.spool.node(inc)):
            with contextlib.suppress(FileNotFoundError):
                return self.spool.share.stat(path).mtime_ns / 1e9
        return float("inf")

    def _owners_in_open_jobs(self) -> set[str]:
        owners = set()
        for folder in (QUEUE, HELD, WAITING, FAILED, CANCELLED):
            for ticket in tickets.listed(self.spool, folder):
                path = self.spool.job(ticket.jid)
                for group in [n for n in names(self.spool, path) if n.isdigit()]:
                    listed = (n.split(".") for n in names(self.spool, f"{path}/{group}"))
                    owners |= {parts[3] for parts in listed if len(parts) == CHUNK_PARTS}
                    self.breathe()
        return owners

    def _remove_old(self, now: float, clock: float) -> None:
        """Journals and refused files past the farm's retention; temps past a day."""
        jobs.sweep_unpublished(self.spool, int((clock - DAY) * 1e9))
        keep = self.spool.farm.keep_days * DAY
        for folder, limit in ((TMP, DAY), (HISTORY, keep), (BAD, keep)):
            self._remove_older(folder, names(self.spool, self.spool.at(folder)), clock - limit)
        removed = names(self.spool, self.spool.at(TRASH))
        self._finish_removals([n for n in removed if is_jid(n) or parse_ticket(n)])
        # An hour, for a node that sees a removed job's output to clear that.
        due = [n for n in removed if self._is_due(f"trash:{n}", HOUR, now)]
        self._remove_older(TRASH, due, clock - DAY)
        for key in [k for k in self._seen if k.startswith("trash:") and k[6:] not in removed]:
            del self._seen[key]

    def _finish_removals(self, removed: list[str]) -> None:
        """What who removed a job could not do: it died, or did not see the output."""
        some = self._some(removed)
        known = tickets.everywhere(self.spool) if some else {}
        for name in some:
            with contextlib.suppress(OSError, RenderdError):
                if ticket := parse_ticket(name):
                    # The ticket is the job: while it lies here nobody can publish or run it.
                    if ticket.jid not in known and self._has(self.spool.job(ticket.jid)):
                        jobs.discard(self.spool, ticket.jid)
                    continue
                record = self.spool.share.read(self.spool.at(TRASH, name, "job.info"))
                frames.disown(self.spool, job_record.parse(name, record), self.breathe)

    def _has(self, path: str) -> bool:
        try:
            return self.spool.share.stat(path).is_folder
        except FileNotFoundError:
            return False

    def _remove_older(self, folder: str, listed: Iterable[str], before: float) -> None:
        for name in listed:
            path = self.spool.at(folder, name)
            with contextlib.suppress(OSError):
                found = self.spool.share.stat(path)
                if found.mtime_ns / 1e9 > before:
                    continue
                if found.is_folder:
                    self._remove_tree(path)
                else:
                    self._remove(self.spool.at(folder), name)

    def _server_time(self) -> float:
        path = self.spool.at(TMP, f"{self.spool.who}.clock{self.spool.rng.getrandbits(32):08x}")
        self.spool.share.create(path, b"")
        made = self.spool.share.stat(path).mtime_ns / 1e9
        self.spool.share.unlink(path)
        return made

    def _is_due(self, key: str, age: float, now: float) -> bool:
        return now - self._seen.setdefault(key, now) >= age
