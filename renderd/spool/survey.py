"""What this node has seen of one job's chunks: hints, and facts that stay."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from renderd.core.chunk import CHUNKS_A_GROUP, Chunk, State, parse, standing
from renderd.spool.layout import Spool
from renderd.spool.moves import names


@dataclass(frozen=True, slots=True)
class Sight:
    """One group as a listing showed it."""

    group: str
    running: tuple[Chunk, ...]
    done: int  #: distinct chunks seen done
    failed: int  #: distinct chunks seen failed and in no other state
    waiting: int
    twins: tuple[Chunk, ...]  #: names that another name of the same chunk outweighs


@dataclass(slots=True)
class Survey:
    """A node's memory of one job: which groups are done for good, what was seen waiting."""

    jid: str
    chunks: int
    done_groups: set[str] = field(default_factory=set)
    _fresh: list[Chunk] = field(default_factory=list)  #: waiting, of the group looked at last
    _pass: dict[str, Sight] = field(default_factory=dict)  #: the looks of this pass

    @property
    def groups(self) -> list[str]:
        """All group folders of the job."""
        return [f"{n:03d}" for n in range((self.chunks - 1) // CHUNKS_A_GROUP + 1)]

    def size(self, group: str) -> int:
        """How many chunks a group has."""
        return min(CHUNKS_A_GROUP, self.chunks - int(group) * CHUNKS_A_GROUP)

    def chunks_of(self, spool: Spool, group: str) -> list[Chunk]:
        """All names of the group's own chunks in it now.  Raises OSError."""
        return self._own(group, names(spool, spool.job(self.jid, group)))

    def _own(self, group: str, listed: Iterable[str]) -> list[Chunk]:
        first = int(group) * CHUNKS_A_GROUP + 1
        own = range(first, first + self.size(group))  # a stray file must not close the job
        return [c for n in listed if (c := parse(n)) and c.index in own]

    def refresh(self, group: str, listed: Iterable[str]) -> None:
        """Take what waits from a list that a lost race brought along."""
        best = standing(self._own(group, listed))
        self._fresh = [c for c in best.values() if c.state is State.WAIT]

    def look(self, spool: Spool, group: str) -> Sight:
        """List one group and remember what it showed.  Raises OSError."""
        seen = self.chunks_of(spool, group)
        best = standing(seen)
        by_state: dict[State, list[Chunk]] = {state: [] for state in State}
        for chunk in best.values():
            by_state[chunk.state].append(chunk)
        twins = tuple(c for c in seen if best[c.index] is not c) if len(best) < len(seen) else ()
        sight = Sight(
            group,
            tuple(by_state[State.RUN]),
            len(by_state[State.DONE]),
            len(by_state[State.FAIL]),
            len(by_state[State.WAIT]),
            twins,
        )
        self._fresh = by_state[State.WAIT]
        self._pass[group] = sight
        if sight.done == self.size(group):
            self.done_groups.add(group)
        return sight

    @property
    def left(self) -> int:
        """How many chunks may still wait, as far as was seen."""
        known = {g: s.waiting for g, s in self._pass.items()}
        return sum(known.get(g, self.size(g)) for g in self.groups if g not in self.done_groups)

    def take(self, spool: Spool, most: int = 1) -> Chunk | None:
        """One of the chunks seen waiting at the last look, at random; None when none is left.

        Who will take up to `most` that follow it gets one where such a row begins, so that rows
        of equal length do not cut each other short.
        """
        if not self._fresh:
            return None
        i = spool.rng.randrange(len(self._fresh))
        if most > 1:
            i = self._row_start(self._fresh[i].index, most)
        self._fresh[i], self._fresh[-1] = self._fresh[-1], self._fresh[i]
        return self._fresh.pop()

    def _row_start(self, index: int, most: int) -> int:
        places = {chunk.index: at for at, chunk in enumerate(self._fresh)}
        first = index - (index - 1) % most
        while index > first and index - 1 in places:
            index -= 1
        return places[index]

    def following(self, chunk: Chunk, most: int) -> list[Chunk]:
        """Those seen waiting right behind a chunk, in a row, at most so many."""
        waiting = {one.index: one for one in self._fresh}
        row: list[Chunk] = []
        while len(row) < most and (after := waiting.get(chunk.index + len(row) + 1)):
            row.append(after)
        return row

    def forget(self, chunk: Chunk) -> None:
        """It was tried for: it waits no more, or is somebody's."""
        self._fresh = [one for one in self._fresh if one.index != chunk.index]

    def drop(self) -> None:
        """Forget what was seen waiting: three lost races say that it is old."""
        self._fresh = []

    def unseen(self) -> list[str]:
        """Groups still to be looked at in this pass; a done group never needs another look."""
        return [g for g in self.groups if g not in self._pass and g not in self.done_groups]

    def begin_pass(self) -> None:
        """Start to look at all groups again."""
        self._pass = {}
        self._fresh = []

    def totals(self) -> tuple[int, int, int, int]:
        """(done, failed, waiting, running) over the groups seen in this pass and done before."""
        done = sum(self.size(g) for g in self.done_groups)
        failed = waiting = running = 0
        for group, sight in self._pass.items():
            if group not in self.done_groups:
                done += sight.done
            failed += sight.failed
            waiting += sight.waiting
            running += len(sight.running)
        return done, failed, waiting, running
