"""Trash and leftovers: what nobody needs goes, when twice seen and long enough ago."""

import contextlib
from dataclasses import dataclass, field

from renderd.core.chunk import State, parse
from renderd.core.names import Ticket
from renderd.errors import RenderdError
from renderd.spool import frames, jobs, nodes, tickets
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
from renderd.spool.moves import names

DAY = 86400.0
SWEEP_EVERY = 900.0
HOUR = 3600.0
JOBS_A_SWEEP = 20  #: so that one sweep of a large farm stays short


@dataclass(slots=True)
class Janitor:
    """One node's sweeping; `now` is its own CLOCK_BOOTTIME, so no wall clock can lie to it."""

    spool: Spool
    _seen: dict[str, float] = field(default_factory=dict)  #: what is to go: first seen when
    _collected: set[str] = field(default_factory=set)  #: jobs whose receipts are kept
    _next_sweep: float = 0.0

    def sweep(self, now: float) -> None:
        """Do a little of each kind; an error of the share ends the sweep, no more."""
        with contextlib.suppress(OSError):
            done = tickets.listed(self.spool, DONE)
            self._collect_frames([t for t in done if t.jid not in self._collected])
            if now < self._next_sweep:
                return
            self._next_sweep = now + SWEEP_EVERY
            self._empty_done_jobs(done, now)
            self._forget_deaths(now)
            self._remove_old()

    def _collect_frames(self, done: list[Ticket]) -> None:
        """What a closer that died left undone: receipts into the job, its folder away."""
        for ticket in done[:JOBS_A_SWEEP]:
            self._collected.add(ticket.jid)
            with contextlib.suppress(OSError, RenderdError):
                job = jobs.read(self.spool, ticket.jid)
                if job.out and "frames.jsonl" not in names(self.spool, self.spool.job(job.jid)):
                    frames.collect(self.spool, job)

    def _empty_done_jobs(self, done: list[Ticket], now: float) -> None:
        """Chunk files of done jobs, only `done` names, an hour after this node first saw it."""
        kept = {f"done:{t.jid}" for t in done}
        for key in [k for k in self._seen if k.startswith("done:") and k not in kept]:
            del self._seen[key]
        due = [t for t in done if self._is_due(f"done:{t.jid}", HOUR, now)]
        for ticket in due[:JOBS_A_SWEEP]:
            folder = self.spool.job(ticket.jid)
            for group in [n for n in names(self.spool, folder) if n.isdigit()]:
                self._empty_group(f"{folder}/{group}")

    def _empty_group(self, path: str) -> None:
        for name in names(self.spool, path):
            chunk = parse(name)
            if chunk is not None and chunk.state is State.DONE:
                self.spool.share.unlink(f"{path}/{name}")
        with contextlib.suppress(OSError):
            self.spool.share.rmdir(path)

    def _forget_deaths(self, now: float) -> None:
        """A certificate that no open job and no intent needs, in two looks a day apart."""
        for inc in nodes.dead(self.spool):
            key = f"dead:{inc}"
            if key in self._seen and not self._is_due(key, DAY, now):
                continue
            if nodes.intents(self.spool, inc) or self._stands_in_an_open_job(inc):
                self._seen.pop(key, None)
            elif self._is_due(key, DAY, now):
                self.spool.share.rename(self.spool.at(DEAD, inc), self.spool.at(TRASH, inc))
                frames.remove_tree(self.spool, self.spool.at(NODES, inc))

    def _stands_in_an_open_job(self, inc: str) -> bool:
        for folder in (QUEUE, HELD, WAITING, FAILED, CANCELLED):
            for ticket in tickets.listed(self.spool, folder):
                path = self.spool.job(ticket.jid)
                for group in [n for n in names(self.spool, path) if n.isdigit()]:
                    if any(f".{inc}." in n for n in names(self.spool, f"{path}/{group}")):
                        return True
        return False

    def _remove_old(self) -> None:
        """Closed jobs, journals and refused files past the farm's retention; temps past a day.

        Ages are the server's: its mtimes against that of a file made now.
        """
        try:
            clock = self._server_time()
        except OSError:
            return
        keep = self.spool.farm.keep_days * DAY
        for folder, limit in ((TMP, DAY), (TRASH, DAY), (HISTORY, keep), (BAD, keep)):
            for name in names(self.spool, self.spool.at(folder)):
                path = self.spool.at(folder, name)
                with contextlib.suppress(OSError):
                    found = self.spool.share.stat(path)
                    if clock - found.mtime_ns / 1e9 < limit:
                        continue
                    if found.is_folder:
                        frames.remove_tree(self.spool, path)
                    else:
                        self.spool.share.unlink(path)
        for folder in (DONE, CANCELLED):
            for ticket in tickets.listed(self.spool, folder)[:JOBS_A_SWEEP]:
                self._remove_job(folder, ticket, clock, keep)

    def _remove_job(self, folder: str, ticket: Ticket, clock: float, keep: float) -> None:
        path = self.spool.at(folder, ticket.name)
        with contextlib.suppress(OSError, RenderdError):
            keep = jobs.read(self.spool, ticket.jid).info.keep or keep
            changed = self.spool.share.stat(self.spool.job(ticket.jid)).mtime_ns / 1e9
            if clock - changed < keep:
                return
            self.spool.share.rename(path, self.spool.at(TRASH, ticket.name))
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
