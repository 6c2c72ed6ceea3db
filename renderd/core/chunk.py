"""What a chunk is and which moves are legal.  Pure: no I/O, no clock."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, TypeVar

from renderd.core.frames import Run

MAX_LOSSES = 5
CHUNKS_A_GROUP = 1000
SKIP = "skip"  #: stands where an owner would, on a chunk that a person skipped

INCARNATION = r"[a-z0-9_-]{1,24}-[0-9a-f]{8}"
_NONCE = r"[a-z0-9]{4,8}"
#: Only what `Chunk.name` writes: a rename of any other spelling would never find its file.
_FRAME = r"(?:0|-?[1-9][0-9]{0,9})"
_COUNT = r"(?:0|[1-9][0-9]{0,3})"
_PATTERN = re.compile(
    r"(?P<index>[0-9]{5}|[1-9][0-9]{5,6})"
    rf"_(?:once|(?P<first>{_FRAME})~(?P<last>{_FRAME})(?:~x(?P<step>[2-9]|[1-9][0-9]{{1,9}}))?)"
    rf"\.(?P<attempt>[1-9][0-9]{{0,5}})-(?P<failures>{_COUNT})-(?P<losses>{_COUNT})"
    rf"\.(?:(?P<wait>wait)|(?P<state>run|done|fail)\.(?P<owner>{INCARNATION}|skip)\.(?P<nonce>{_NONCE}))"
    r"\.info"
)


class State(StrEnum):
    """Where a chunk stands.  The values are what its file name says."""

    WAIT = "wait"
    RUN = "run"  #: claimed; only its owner, or its owner's death certificate, moves it on
    DONE = "done"
    FAIL = "fail"  #: used up its attempts; only a person moves it on


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk as its file name tells it; `run` is None for a command without frames."""

    index: int
    run: Run | None
    attempt: int = 1
    failures: int = 0
    losses: int = 0
    state: State = State.WAIT
    owner: str = ""
    nonce: str = ""

    @property
    def group(self) -> str:
        """The folder it lies in, 1,000 chunks to each."""
        return f"{(self.index - 1) // CHUNKS_A_GROUP:03d}"

    @property
    def frames(self) -> str:
        """The frames as the name writes them: `1~10`, `1~9~x2`, or `once`."""
        if self.run is None:
            return "once"
        step = f"~x{self.run.step}" if self.run.step > 1 else ""
        return f"{self.run.first}~{self.run.last}{step}"

    @property
    def name(self) -> str:
        """The file name: its state, in full."""
        count = f"{self.attempt}-{self.failures}-{self.losses}"
        tail = "wait" if self.state is State.WAIT else f"{self.state}.{self.owner}.{self.nonce}"
        return f"{self.index:05d}_{self.frames}.{count}.{tail}.info"

    def claimed(self, owner: str, nonce: str) -> "Chunk":
        """wait → run."""
        self._must_be(State.WAIT)
        return replace(self, state=State.RUN, owner=owner, nonce=nonce)

    def finished(self) -> "Chunk":
        """run → done, by its owner."""
        self._must_be(State.RUN)
        return replace(self, state=State.DONE)

    def given_back(self, *, is_failure: bool) -> "Chunk":
        """run → wait with the next attempt number; a failure counts, a shutdown does not."""
        self._must_be(State.RUN)
        return self._waiting(self.failures + is_failure, self.losses)

    def given_up(self) -> "Chunk":
        """run → fail, when its failures exceed the retries."""
        self._must_be(State.RUN)
        return replace(self, state=State.FAIL, failures=self.failures + 1)

    def reclaimed(self) -> "Chunk":
        """run of a certified dead owner → wait, or → fail when it was lost too often."""
        self._must_be(State.RUN)
        if self.losses + 1 > MAX_LOSSES:
            return replace(self, state=State.FAIL, losses=self.losses + 1)
        return self._waiting(self.failures, self.losses + 1)

    def retried(self) -> "Chunk":
        """fail → wait with a clean record, by a person."""
        self._must_be(State.FAIL)
        return self._waiting(0, 0)

    def skipped(self, nonce: str) -> "Chunk":
        """wait → done without running, by a person."""
        self._must_be(State.WAIT)
        return replace(self, state=State.DONE, owner=SKIP, nonce=nonce)

    def _waiting(self, failures: int, losses: int) -> "Chunk":
        return Chunk(self.index, self.run, self.attempt + 1, failures, losses)

    def _must_be(self, state: State) -> None:
        if self.state is not state:
            raise ValueError(f"{self.name} is not in state {state}")


def parse(name: str) -> Chunk | None:
    """The chunk a file name stands for; None for any other name, which is to be ignored."""
    match = _PATTERN.fullmatch(name)
    if match is None:
        return None
    part = match.groupdict()
    if (part["owner"] == SKIP) and part["state"] != State.DONE:
        return None
    run = _run(part["first"], part["last"], part["step"])
    if part["first"] is not None and run is None:
        return None
    return Chunk(
        int(part["index"]),
        run,
        int(part["attempt"]),
        int(part["failures"]),
        int(part["losses"]),
        State(part["wait"] or part["state"]),
        part["owner"] or "",
        part["nonce"] or "",
    )


def _run(first: str | None, last: str | None, step: str | None) -> Run | None:
    if first is None or last is None:
        return None
    low, high, stride = int(first), int(last), int(step or 1)
    if high < low or stride < 1 or (high - low) % stride:
        return None
    return Run(low, high, stride)


_RANK: dict[str, int] = {State.DONE: 3, State.FAIL: 2, State.RUN: 1, State.WAIT: 0}


class Named(Protocol):
    """What is made of a chunk's file name: a Chunk, or a record of it for people."""

    @property
    def index(self) -> int: ...

    @property
    def attempt(self) -> int: ...

    @property
    def state(self) -> str: ...


C = TypeVar("C", bound=Named)


def standing(chunks: Iterable[C]) -> dict[int, C]:
    """The name that counts for each chunk where a person's edit or a stale list shows two.

    A done always wins; else the higher attempt, then fail over run over wait.
    """
    best: dict[int, C] = {}
    for chunk in chunks:
        other = best.get(chunk.index)
        if other is None or _weight(chunk) > _weight(other):
            best[chunk.index] = chunk
    return best


def _weight(chunk: Named) -> tuple[bool, int, int]:
    return chunk.state == State.DONE, chunk.attempt, _RANK[chunk.state]
