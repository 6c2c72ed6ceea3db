"""The names of tickets, beats, drops and logs, read and written."""

import random
import re
from dataclasses import dataclass, replace

from renderd.core.chunk import INCARNATION
from renderd.core.litter import is_litter

JID = r"[a-z2-7]{10}"
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_SLUG = r"[a-z0-9_-]{1,40}"
#: only what `Ticket.name` writes: a rename of any other spelling would never find its file
_TICKET = re.compile(rf"p([0-9]{{2}})~({JID})~g(0|[1-9][0-9]{{0,8}})~({_SLUG})\.info")
_BEAT = re.compile(rf"({INCARNATION})\.([0-9a-f]{{8}})\.(\d{{1,4}})\.([a-z2-7]{{4}})")
_ADOPTING = re.compile(rf"({INCARNATION})~(h[a-z2-7]{{6}}|{JID})~({_SLUG})\.info")
_INTENT = re.compile(rf"({JID})\.(\d{{3}})")
_INCARNATION = re.compile(INCARNATION)
_IGNORED = re.compile(r"\..*|.*~|.*\.tmp|#.*#?", re.IGNORECASE)


def nonce(rng: random.Random, length: int = 4) -> str:
    """Fresh random letters, so that no name is ever used twice."""
    return "".join(rng.choices(_LETTERS, k=length))


def new_jid(rng: random.Random) -> str:
    """A job id: 10 random base32 characters, never reused."""
    return nonce(rng, 10)


def new_incarnation(host_slug: str, rng: random.Random) -> str:
    """One run of a node's daemon: `<host slug>-<8 hex random>`."""
    return f"{host_slug[:24]}-{rng.getrandbits(32):08x}"


def is_incarnation(name: str) -> bool:
    """True for the name of a node's folder or of a death certificate."""
    return _INCARNATION.fullmatch(name) is not None


def is_jid(name: str) -> bool:
    """True for a job id, as in the name of a job's folder."""
    return re.fullmatch(JID, name) is not None


def host_of(incarnation: str) -> str:
    """The host slug in an incarnation."""
    return incarnation.rpartition("-")[0]


@dataclass(frozen=True, slots=True)
class Ticket:
    """The one file that stands for a job; `g` grows with each change of hands."""

    priority: int
    jid: str
    g: int
    slug: str

    @property
    def name(self) -> str:
        return f"p{self.priority:02d}~{self.jid}~g{self.g}~{self.slug}.info"

    def next(self, *, priority: int | None = None) -> "Ticket":
        """The ticket's next name, with another priority where one is given."""
        p = self.priority if priority is None else priority
        return replace(self, g=self.g + 1, priority=p)


def parse_ticket(name: str) -> Ticket | None:
    """The ticket a name stands for; None for any other name."""
    match = _TICKET.fullmatch(name)
    if match is None:
        return None
    return Ticket(int(match[1]), match[2], int(match[3]), match[4])


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life: the count, the period in seconds and four fresh random letters."""

    inc: str
    count: int
    period: int
    tag: str

    @property
    def name(self) -> str:
        return f"{self.inc}.{self.count:08x}.{self.period}.{self.tag}"


def parse_beat(name: str) -> Beat | None:
    """The beat a name stands for; None for any other name."""
    match = _BEAT.fullmatch(name)
    if match is None:
        return None
    return Beat(match[1], int(match[2], 16), int(match[3]), match[4])


@dataclass(frozen=True, slots=True)
class Adopting:
    """A dropped file on its way in: its owner, the jid (or first-hop nonce) and the slug."""

    inc: str
    key: str
    slug: str

    @property
    def name(self) -> str:
        return f"{self.inc}~{self.key}~{self.slug}.info"

    @property
    def is_first_hop(self) -> bool:
        return len(self.key) != 10


def parse_adopting(name: str) -> Adopting | None:
    """The adoption a name stands for; None for any other name."""
    match = _ADOPTING.fullmatch(name)
    return Adopting(match[1], match[2], match[3]) if match else None


def intent(jid: str, group: str) -> str:
    """The name that tells others where this node may hold chunks."""
    return f"{jid}.{group}"


def parse_intent(name: str) -> tuple[str, str] | None:
    """(jid, group) of an intent's name; None for any other name."""
    match = _INTENT.fullmatch(name)
    return (match[1], match[2]) if match else None


def is_drop(name: str) -> bool:
    """True for a file in the root that is meant as an info file: any case, no leading dot."""
    is_meant = name.lower().endswith(".info") and not _IGNORED.fullmatch(name)
    return is_meant and not is_litter(name)


def attempt_name(index: int, attempt: int, inc: str) -> str:
    """The stem of an attempt's log, error note and private output folder."""
    return f"{index:05d}.{attempt}.{inc}"
