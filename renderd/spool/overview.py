"""The farm in a few numbers: jobs by state, nodes by life."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from renderd.spool import nodes, tickets
from renderd.spool.layout import TICKETS, Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmView:
    """Counts from listings alone: no job's file is read."""

    id: str
    root: str  #: the spool's folder, as this machine sees it
    jobs: dict[str, int]  #: by the folder of their ticket
    alive: int
    dead: int  #: certified, and not yet forgotten

    def to_dict(self) -> dict[str, Any]:
        """Stable keys, for JSON."""
        return asdict(self)


def read_farm(spool: Spool) -> FarmView:
    """The farm now.  Raises OSError."""
    states = Counter(folder for folder, _ in tickets.everywhere(spool).values())
    dead = nodes.dead(spool)
    return FarmView(
        id=spool.identity.id,
        root=spool.root,
        jobs={folder: states[folder] for folder in TICKETS},
        alive=len(set(nodes.everyone(spool)) - dead),
        dead=len(dead),
    )
