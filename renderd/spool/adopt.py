"""Dropped info files become jobs: two hops, two equal reads, one owner (spool.md section 5)."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial

from renderd.core import infofile, label, names, videojob
from renderd.core.infofile import Info
from renderd.core.job import Draft
from renderd.core.names import Adopting, Ticket
from renderd.errors import (
    OutputOwned,
    OutputUnseen,
    Refused,
    RenderdError,
    ShareUnsure,
    SourceChanged,
    SpoolNotMounted,
    UsageError,
)
from renderd.spool import control, frames, jobs, sources, tickets
from renderd.spool.allowed import output_allowed
from renderd.spool.layout import ADOPTING, BAD, HELD, TRASH, Spool
from renderd.spool.moves import PASSING, SETTLE, Outcome, move, remove_tree, write
from renderd.spool.moves import names as listed
from renderd.spool.share import READ_LIMIT
from renderd.spool.trust import Policy, check_drop, user_name

PATIENCE = 60.0  #: seconds a slow writer or a name that does not exist yet is waited for
Planner = Callable[[Info, str], Draft]


class Step(StrEnum):
    """How far a look at one dropped file came."""

    WAIT = "wait"  #: look again later
    JOB = "job"  #: it is a published job now
    BAD = "bad"  #: refused, with a .why beside it
    GONE = "gone"  #: somebody else has it


@dataclass(slots=True)
class Drop:
    """A file in the root or in adopting/ that this node looks at."""

    name: str
    first_seen: float
    delay: float = 0.0  #: everybody sees a new file at once; a random delay lets one have it
    seen: tuple[int, int, bytes] | None = None  #: size, mtime, content at the last look
    since: float = 0.0  #: when it first looked like that
    is_folder: bool = False  #: a folder of such a name is nobody's drop
    was_awaited: bool = False  #: it stood unfinished in the root for as long as we wait
    is_spent: bool = False  #: its jid is: what was done under it may still arrive
    failing_since: float | None = None  #: every look since then met an error that does not pass
    #: first names it had in adopting/; an empty folder keeps each from being used once more, for
    #: late duplicates of both moves would lay a second dropped file of its name over this one
    stones: tuple[str, ...] = ()


@dataclass(slots=True)
class Adopter:
    """One node's adoptions: what it saw in the root and what it holds in adopting/."""

    spool: Spool
    inc: str
    plan: Planner
    policy: Policy
    outputs: tuple[tuple[str, ...], ...] = ()  #: lists of folders; each must allow an output
    #: the kind of disk that only this machine sees a folder on; empty where others may, too
    local_disk: Callable[[str], str] = lambda _folder: ""
    breathe: Callable[[], None] = lambda: None  #: called often while a job is built: to beat
    refused: int = 0  #: files that went to bad/
    drops: dict[str, Drop] = field(default_factory=dict)  #: by name in the root
    held: dict[str, Drop] = field(default_factory=dict)  #: by name in adopting/

    def look(self, root_names: tuple[str, ...], now: float) -> bool:
        """Take in what is finished in the root and go on with what is held.

        True when it wants to look again within SETTLE seconds.  Raises SpoolNotMounted, OSError.
        """
        present = {n for n in root_names if names.is_drop(n)}
        self.drops = {n: d for n, d in self.drops.items() if n in present}
        for name in sorted(present):
            if name not in self.drops:
                self.drops[name] = Drop(name, now, self.spool.rng.random() / 2)
            drop = self.drops[name]
            if now >= drop.first_seen + drop.delay and self._looks_finished(drop, now):
                self._take_in(name, now)
        for name in sorted(self.held):
            drop = self.held[name]
            if self._try_on(drop, now) is Step.WAIT:
                continue
            if self.held.pop(name, None) is not None:  # else it has another name, and keeps them
                self._lift(drop.stones)
        return bool(self.held) or any(not d.is_folder for d in self.drops.values())

    def _try_on(self, drop: Drop, now: float) -> Step:
        """One look at a held file; what fails for this one must not stop the others."""
        try:
            step = self._go_on(drop, now)
            drop.failing_since = None
            return step
        except OSError as error:
            found = names.parse_adopting(drop.name)
            patience = SETTLE if drop.was_awaited else PATIENCE
            if found is None or error.errno in PASSING:
                drop.failing_since = None
                return Step.WAIT
            if drop.failing_since is None:  # not the file's age: we may have slept, and failed once
                drop.failing_since = now
            if now - drop.failing_since < patience:
                return Step.WAIT
            if isinstance(error, PermissionError):
                return self._refuse(found, "others cannot read it; chmod g+r and drop it again")
            return self._refuse(found, f"it cannot be taken in: {error.strerror}")

    def _looks_finished(self, drop: Drop, now: float) -> bool:
        """A cheap look: the real check is made when the file is ours and cannot be re-made."""
        try:
            found = self.spool.share.stat(self.spool.at(drop.name))
        except OSError:
            return False
        drop.is_folder = found.is_folder
        if found.is_folder:
            return False
        if found.size > READ_LIMIT:
            return True  # too large, whatever is still to come
        if not found.is_file or found.size == 0:
            seen = (found.size, found.mtime_ns, b"")
        else:
            try:
                data = self.spool.share.read(self.spool.at(drop.name))
            except OSError:
                data = b""
            if data.endswith(b"\n"):
                return True
            seen = (found.size, found.mtime_ns, b"")
        if drop.seen != seen:
            drop.seen, drop.since = seen, now
        drop.was_awaited = now - drop.since >= PATIENCE
        return not found.is_file or drop.was_awaited

    def _take_in(self, name: str, now: float) -> None:
        slug = label.slug(name[: -len(".info")])
        hop = Adopting(self.inc, "h" + names.nonce(self.spool.rng, 6), slug)
        old, new = self.spool.at(name), self.spool.at(ADOPTING, hop.name)
        self.held[hop.name] = Drop(hop.name, now)  # before the rename: never taken for a leftover
        outcome = move(self.spool, old, new)
        if outcome is Outcome.WON:
            self.second_hop(hop, now, was_awaited=self.drops[name].was_awaited)
        elif outcome is Outcome.LOST:
            self.held.pop(hop.name, None)
        self.drops.pop(name, None)

    def second_hop(self, hop: Adopting, now: float, *, was_awaited: bool = False) -> bool:
        """Move a file that is ours, or a dead owner's, on to a fresh jid of ours."""
        ours = Adopting(self.inc, names.new_jid(self.spool.rng), hop.slug)
        before = self.held.get(hop.name)
        stones = before.stones if before else ()
        if hop.is_first_hop:  # never a jid's name: who was asleep may be about to queue that
            stones = (*stones, hop.name)
        self.held[ours.name] = Drop(ours.name, now, was_awaited=was_awaited, stones=stones)
        old, new = self.spool.at(ADOPTING, hop.name), self.spool.at(ADOPTING, ours.name)
        outcome = move(self.spool, old, new)
        if outcome is not Outcome.UNSURE:
            self.held.pop(hop.name, None)
        if outcome is Outcome.WON and hop.is_first_hop:
            self._lay(hop.name)
        if outcome is Outcome.LOST:
            self.held.pop(ours.name, None)
        return outcome is Outcome.WON

    def _lay(self, name: str) -> None:
        """Keep a name that a file of ours had from being used once more: no file replaces a folder.

        Where the share does not let us, two duplicates in a row are what they were: very rare.
        """
        with contextlib.suppress(OSError):
            self.spool.share.mkdir(self.spool.at(ADOPTING, name))

    def _lift(self, stones: tuple[str, ...]) -> None:
        """Of what is a job now no name may be used once more, whatever comes under it."""
        for name in stones:
            path = self.spool.at(ADOPTING, name)
            try:
                self.spool.share.rmdir(path)
            except OSError:  # gone, or with what desktops leave in every folder
                remove_tree(self.spool, path)

    def take_over(self, dead: set[str], now: float) -> set[str]:
        """Go on with own leftovers and with adoptions of the dead; the owners seen otherwise."""
        others, left = set(), []
        stones = {name for drop in self.held.values() for name in drop.stones}
        for name in listed(self.spool, self.spool.at(ADOPTING)):
            found = names.parse_adopting(name)
            if found is None or name in self.held or name in stones:
                continue
            if found.inc != self.inc and found.inc not in dead:
                others.add(found.inc)
            elif self._is_folder(name):
                left.append(name)
            else:
                self._hop_again(found, now)
        self._lift(tuple(left))  # after the files that they are to keep
        return others

    def _is_folder(self, name: str) -> bool:
        try:
            return self.spool.share.stat(self.spool.at(ADOPTING, name)).is_folder
        except FileNotFoundError:
            return False

    def _go_on(self, drop: Drop, now: float) -> Step:
        found = names.parse_adopting(drop.name)
        if found is None:
            return Step.GONE
        if found.is_first_hop and not self._is_there(drop.name):
            if any(drop.name in other.stones for other in self.held.values()):
                self._lay(drop.name)  # the second move was made, and its answer lost
            return Step.GONE
        if found.is_first_hop or drop.is_spent:
            return self._hop_again(found, now)
        return self._read(found, drop, now)

    def _read(self, found: Adopting, drop: Drop, now: float) -> Step:
        try:
            data = check_drop(self.spool.share, self.spool.at(ADOPTING, drop.name), self.policy)
            stat = self.spool.share.stat(self.spool.at(ADOPTING, drop.name))
        except FileNotFoundError:
            return Step.GONE
        except Refused as refusal:
            if self._is_folder(drop.name):
                return Step.GONE  # another took it and keeps its name
            return self._refuse(found, str(refusal))
        seen = (stat.size, stat.mtime_ns, data)
        if drop.seen != seen:
            drop.seen, drop.since = seen, now
            return Step.WAIT
        if not data.endswith(b"\n"):
            if now - drop.since < (SETTLE if drop.was_awaited else PATIENCE):
                return Step.WAIT
            what = "is empty" if not data else "does not end in a newline"
            return self._refuse(found, f"it {what}, and nobody wrote to it for a minute")
        if now - drop.since < SETTLE or not self._is_unlocked(drop.name):
            return Step.WAIT
        return self._publish(found, drop, data, now)

    def _hop_again(self, found: Adopting, now: float) -> Step:
        """Go on under a fresh jid: what was done under the old one may still arrive late."""
        if self.second_hop(found, now) and not found.is_first_hop and self._is_no_job(found.key):
            jobs.discard(self.spool, found.key)  # winning proves it is never published
        if found.name not in self.held:
            return Step.GONE
        self.held[found.name].is_spent = True
        return Step.WAIT

    def _is_no_job(self, jid: str) -> bool:
        """False where duplicates brought another file under the name that the job came from."""
        try:
            return tickets.find(self.spool, jid) is None
        except OSError:
            return False  # the janitor clears it away, a day later

    def _is_there(self, name: str) -> bool:
        return name in listed(self.spool, self.spool.at(ADOPTING))

    def _is_unlocked(self, name: str) -> bool:
        try:
            lock = self.spool.share.lock(self.spool.at(ADOPTING, name), shared=True)
        except OSError:
            return True  # a share without locks cannot tell us that an editor is at work
        if lock is None:
            return False
        lock.release()
        return True

    def _publish(self, found: Adopting, drop: Drop, data: bytes, now: float) -> Step:
        try:
            info = infofile.parse(data)
            draft = self.plan(info, info.name or found.slug)
            self._check_output(draft)
            after = jobs.resolve_after(self.spool, info.after)
        except UsageError as error:
            waits_for_a_name = str(error).startswith("after:")
            if waits_for_a_name and now - drop.first_seen < PATIENCE:
                return Step.WAIT
            return self._refuse(found, str(error))
        except RenderdError as error:
            return self._refuse(found, str(error))
        order = jobs.Order(self._owner(found), is_held=info.hold, after=after, reads=sources.CHEAP)
        return self._enter(found, draft, order, now)

    def _check_output(self, draft: Draft) -> None:
        """Publishing makes folders where the frames go: never outside what this host allows."""
        for out in filter(None, (draft.out, videojob.out_of(draft))):
            folder = self.spool.local(out).rpartition("/")[0]
            if not all(output_allowed(folder, roots) for roots in self.outputs):
                raise Refused(f"output in {label.label(folder)} is not allowed")

    def _demand_shared(self, draft: Draft) -> None:
        """What each node would write onto a disk of its own looks done and is nowhere together."""
        if disk := self._disk_of(draft):
            folder = label.label(self.spool.local(draft.out).rpartition("/")[0])
            raise OutputUnseen(f"{folder} is on a disk of this machine alone ({disk})")

    def _disk_of(self, draft: Draft) -> str:
        return self.local_disk(self.spool.local(draft.out).rpartition("/")[0]) if draft.out else ""

    def _enter(self, found: Adopting, draft: Draft, order: jobs.Order, now: float) -> Step:
        folder = jobs.folder_for(self.spool, order)
        demand = partial(self._demand_shared, draft)  # a .blend may be copied before it counts
        try:
            try:
                demand()
                self._build(found, draft, replace(order, demand=demand))
                if self._disk_of(draft):  # the share went away meanwhile: its marks are on ours
                    return self._hop_again(found, now)
            except (OutputOwned, OutputUnseen) as error:
                self._build(found, draft, replace(order, owns_output=False))
                said = f"on {names.host_of(self.inc)}, which took it in: {error.message}"
                if isinstance(error, OutputOwned):
                    frames.mark(self.spool, jobs.read(self.spool, found.key))
                told = said if isinstance(error, OutputUnseen) else str(error)
                control.change(self.spool, found.key, reason=told)
                folder = HELD
        except (ShareUnsure, SourceChanged):  # or the .blend was saved just now: plan it anew
            # Never a second temp for one chunk's name: the first may arrive when it is claimed.
            return self._hop_again(found, now)
        except SpoolNotMounted:
            return Step.WAIT
        except RenderdError as error:
            return self._refuse(found, str(error))
        ticket = Ticket(draft.info.priority, found.key, 0, draft.slug)
        old, new = self.spool.at(ADOPTING, found.name), self.spool.at(folder, ticket.name)
        if move(self.spool, old, new) is Outcome.WON:
            if not jobs.settle_publication(self.spool, (folder, ticket), draft):
                self._take_back(ticket, now)
            return Step.JOB
        return Step.GONE  # where it is still there it is a leftover, and goes on under a new jid

    def _take_back(self, ticket: Ticket, now: float) -> None:
        """After a server forgot chunks: the file comes in once more, under a new jid."""
        ours = Adopting(self.inc, names.new_jid(self.spool.rng), ticket.slug)
        self.held[ours.name] = Drop(ours.name, now)
        old, new = self.spool.at(TRASH, ticket.name), self.spool.at(ADOPTING, ours.name)
        if move(self.spool, old, new) is Outcome.LOST:
            self.held.pop(ours.name, None)

    def _build(self, found: Adopting, draft: Draft, order: jobs.Order) -> None:
        jobs.build(self.spool, found.key, draft, order, lambda _done, _all: self.breathe())

    def _owner(self, found: Adopting) -> str:
        try:
            uid = self.spool.share.stat(self.spool.at(ADOPTING, found.name)).uid
        except OSError:
            return ""
        return user_name(uid)

    def _refuse(self, found: Adopting, reason: str) -> Step:
        jid = found.key if not found.is_first_hop else names.new_jid(self.spool.rng)
        target = self.spool.at(BAD, f"{jid}~{found.slug}.info")
        try:
            write(self.spool, target.removesuffix(".info") + ".why", f"{reason}\n".encode())
        except OSError as error:
            # A full disk may be all that kept its writer from ending it; nor would it say why.
            if error.errno in PASSING:
                return Step.WAIT
        outcome = move(self.spool, self.spool.at(ADOPTING, found.name), target)
        if outcome is Outcome.UNSURE:
            return Step.WAIT
        self.refused += 1
        return Step.BAD
