"""What one command line does: a chunk, or a hand of automatic ones; what must hold of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from renderd.core import job as job_record
from renderd.daemon.work import Work
from renderd.spool.layout import Spool
from tests.sim.world import Violation, World

if TYPE_CHECKING:
    from renderd.spool.claims import Claim


@dataclass(frozen=True, slots=True)
class Hand:
    """The chunks of an attempt."""

    world: World
    spool: Spool
    work: Work

    @property
    def claims(self) -> "tuple[Claim, ...]":
        return self.work.claim, *getattr(self.work, "more", ())  # release 0.1.0 took no hands

    @property
    def has_several(self) -> bool:
        return len(self.claims) > 1

    def check(self) -> None:
        """What starts was claimed, and does what its chunks say.  Raises Violation."""
        work, claims = self.work, self.claims
        for claim in claims:
            if claim.chunk.name not in self.world.claimed:
                raise Violation(f"unclaimed: {claim.key} runs, which nobody moved there")
        frames = [frame for claim in claims for frame in claim.chunk.run or ()]
        if self.has_several:
            self.world.count("hand in the calm" if self.world.is_calm else "hand in trouble")
        if work.frames != frames:
            raise Violation(f"{claims[0].key} and what follows runs {work.frames}, not {frames}")
        run = work.run if self.has_several else claims[0].chunk.run
        expected = job_record.chunk_words(work.job.info, run, work.job.out)
        own = self.world.claimed_words
        said = [own[claim.chunk.name] for claim in claims if claim.chunk.name in own]
        if self.has_several and said:
            raise Violation(f"{claims[0].key} runs with others, but a person wrote {said}")
        if work.commands != (said[0] if said else expected):
            raise Violation(f"{claims[0].chunk.name} runs {work.commands}, not {expected}")
