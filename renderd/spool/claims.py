"""Claim, finish, give back and reclaim chunks: one rename each (spool.md section 5)."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from renderd.core.chunk import Chunk, State
from renderd.core.names import attempt_name, intent, nonce
from renderd.spool.layout import Spool
from renderd.spool.moves import Outcome, move


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk that this incarnation holds, or is about to try for."""

    jid: str
    chunk: Chunk  #: in state run, with our incarnation and nonce

    @property
    def key(self) -> str:
        """What a worker registers before the rename, so that no look takes it for a leftover."""
        return f"{self.jid}/{self.chunk.name}"

    @property
    def stem(self) -> str:
        """The stem of this attempt's log, error note and private folder."""
        return attempt_name(self.chunk.index, self.chunk.attempt, self.chunk.owner)


def declare_intent(spool: Spool, inc: str, jid: str, group: str) -> None:
    """Tell where we may hold chunks, before the first claim there.  Raises OSError."""
    # A marker made by create, not by rename: one that comes late only costs a second look.
    with contextlib.suppress(FileExistsError):
        spool.share.create(spool.node(inc, "in", intent(jid, group)), b"")


def prepare(spool: Spool, inc: str, jid: str, waiting: Chunk) -> Claim:
    """The claim we will try: register it, then `take` it."""
    return Claim(jid, waiting.claimed(inc, nonce(spool.rng)))


def take(
    spool: Spool,
    claim: Claim,
    waiting: Chunk,
    seen: Callable[[list[str]], None] = lambda _names: None,
) -> Outcome:
    """Try for a waiting chunk; WON means it is ours until we are certified dead.

    Of a lost race `seen` is given the names that the group held afterwards.
    """
    old, new = spool.chunk(claim.jid, waiting), spool.chunk(claim.jid, claim.chunk)
    return move(spool, old, new, seen)


def read_text(spool: Spool, claim: Claim) -> bytes:
    """The info file of a claimed chunk; a part of it where a power cut tore it.  Raises OSError."""
    return spool.share.read(spool.chunk(claim.jid, claim.chunk))


def finish(spool: Spool, claim: Claim) -> Outcome:
    """Move the claimed chunk to done; LOST when it is no longer ours.

    LOST means we were declared dead or a person took it: throw the work away.
    """
    return _settle(spool, claim, claim.chunk.finished())


def give_back(spool: Spool, claim: Claim, *, is_failure: bool, beyond: int = 0) -> Outcome:
    """Return the chunk to the waiting ones under its next attempt; then bump the ticket.

    `beyond`: attempts to leave out, whose names may have been used.
    """
    after = claim.chunk.given_back(is_failure=is_failure)
    return _settle(spool, claim, replace(after, attempt=after.attempt + beyond))


def give_up(spool: Spool, claim: Claim) -> Outcome:
    """Move the chunk to fail, when its failures exceed the job's retries."""
    return _settle(spool, claim, claim.chunk.given_up())


def reclaim(spool: Spool, jid: str, lost: Chunk) -> Outcome:
    """Free a chunk whose owner has a death certificate; then bump the ticket."""
    return move(spool, spool.chunk(jid, lost), spool.chunk(jid, lost.reclaimed()))


def retry(spool: Spool, jid: str, failed: Chunk) -> Outcome:
    """Revive a failed chunk with a clean record; then bump until our own rename returned."""
    return move(spool, spool.chunk(jid, failed), spool.chunk(jid, failed.retried()))


def skip(spool: Spool, jid: str, waiting: Chunk) -> Outcome:
    """Count a waiting chunk as done without running it, by a person's wish."""
    return move(
        spool, spool.chunk(jid, waiting), spool.chunk(jid, waiting.skipped(nonce(spool.rng)))
    )


def _settle(spool: Spool, claim: Claim, after: Chunk) -> Outcome:
    old, new = spool.chunk(claim.jid, claim.chunk), spool.chunk(claim.jid, after)
    return move(spool, old, new)


def note_error(spool: Spool, claim: Claim, text: str) -> None:
    """Leave word for people why an attempt ended without success; stops nothing if it fails."""
    with contextlib.suppress(OSError):
        spool.share.create(spool.job(claim.jid, "err", claim.stem), text.encode())


def is_mine(chunk: Chunk, inc: str) -> bool:
    """True for a running chunk under my incarnation, held by a worker of mine or not."""
    return chunk.state is State.RUN and chunk.owner == inc
