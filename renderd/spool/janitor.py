"""Trash and leftovers: what nobody needs goes, when twice seen and long enough ago."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from renderd.core.chunk import State, parse
from renderd.core.names import Ticket
from renderd.errors import RenderdError
from renderd.spool import frames, jobs, nodes, sources, tickets
from renderd.spool.layout import (
    BAD,
    CANCELLED,
    DEAD,
    DONE,
    FAILED,
    HELD,
    HISTORY,
    JOBS,
    NODES,
    QUEUE,
    TMP,
    TRASH,
    WAITING,
    Spool,
)
from renderd.spool.moves import BREATH, names, remove_folder

CHUNK_PARTS = 6  #: of a chunk's name with an owner, between its dots

DAY = 86400.0
SWEEP_EVERY = 900.0
HOUR = 3600.0
JOBS_A_SWEEP = 20  #: so that one sweep of a large farm stays short
FILES_A_SWEEP = 2000  #: removed at most; the rest a minute later, for work goes before litter


@dataclass(slots=True)
class Janitor:
    """One node's sweeping; `now` is its own CLOCK_BOOTTIME, so no wall clock can lie to it."""

    spool: Spool
    breathe: Callable[[], None] = lambda: None  #: called often in long steps: to beat
    _seen: dict[str, float] = field(default_factory=dict)  #: what is to go: first seen when
    _collected: set[str] = field(default_factory=set)  #: jobs whose receipts are kept
    _emptied: set[str] = field(default_factory=set)  #: done jobs without chunk files
    _next_sweep: float = 0.0
    _left: int = 0  #: files that this sweep may still remove

    def sweep(self, now: float) -> None:
        """Do a little of each kind; an error of the share ends the sweep, no more."""
        with contextlib.suppress(OSError):
            done = tickets.listed(self.spool, DONE)
            self._collect_frames([t for t in done if t.jid not in self._collected])
            if now < self._next_sweep:
                return
            self._next_sweep = now + SWEEP_EVERY
            self._left = FILES_A_SWEEP
            self._empty_done_jobs(done, now)
            self._forget_deaths(now)
            self._remove_old()
            if self._left <= 0:
                self._next_sweep = now

    def _collect_frames(self, done: list[Ticket]) -> None:
        """What a closer that died left undone: receipts into the job, its folder away."""
        for ticket in done[:JOBS_A_SWEEP]:
            self._collected.add(ticket.jid)
            with contextlib.suppress(OSError, RenderdError):
                job = jobs.read(self.spool, ticket.jid)
                sources.remove(self.spool, job)
                if job.out and "frames.jsonl" not in names(self.spool, self.spool.job(job.jid)):
                    frames.collect(self.spool, job, self.breathe)

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

    def _remove_old(self) -> None:
        """Closed jobs, journals and refused files past the farm's retention; temps past a day.

        Ages are the server's: its mtimes against that of a file made now.
        """
        clock = self._server_time()
        jobs.sweep_unpublished(self.spool, int((clock - DAY) * 1e9))
        keep = self.spool.farm.keep_days * DAY
        for folder, limit in ((TMP, DAY), (TRASH, DAY), (HISTORY, keep), (BAD, keep)):
            for name in names(self.spool, self.spool.at(folder)):
                with contextlib.suppress(OSError):
                    self._remove_older(self.spool.at(folder), name, clock - limit)
        for folder in (DONE, CANCELLED):
            listed = tickets.listed(self.spool, folder)
            # Any of them, or the same few young ones would be looked at for ever.
            for ticket in self.spool.rng.sample(listed, min(JOBS_A_SWEEP, len(listed))):
                self._remove_job(folder, ticket, clock, keep)

    def _remove_older(self, folder: str, name: str, before: float) -> None:
        found = self.spool.share.stat(f"{folder}/{name}")
        if found.mtime_ns / 1e9 > before:
            return
        if found.is_folder:
            self._remove_tree(f"{folder}/{name}")
        else:
            self._remove(folder, name)

    def _remove_job(self, folder: str, ticket: Ticket, clock: float, keep: float) -> None:
        path = self.spool.at(folder, ticket.name)
        with contextlib.suppress(OSError, RenderdError):
            job = jobs.read(self.spool, ticket.jid)
            keep = job.info.keep or keep
            changed = self.spool.share.stat(self.spool.job(ticket.jid)).mtime_ns / 1e9
            if clock - changed < keep:
                return
            self.spool.share.rename(path, self.spool.at(TRASH, ticket.name))
            sources.remove(self.spool, job)
            self.spool.share.rename(
                self.spool.at(JOBS, ticket.jid), self.spool.at(TRASH, ticket.jid)
            )

    def _server_time(self) -> float:
        path = self.spool.at(TMP, f"{self.spool.who}.clock{self.spool.rng.getrandbits(32):08x}")
        self.spool.share.create(path, b"")
        made = self.spool.share.stat(path).mtime_ns / 1e9
        self.spool.share.unlink(path)
        return made

    def _is_due(self, key: str, age: float, now: float) -> bool:
        return now - self._seen.setdefault(key, now) >= age
