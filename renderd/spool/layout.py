"""Where everything lies in a spool, and how it is opened."""

import random
import re
import sys
from dataclasses import dataclass, field

from renderd.core import farm
from renderd.core.chunk import Chunk
from renderd.core.farm import Farm
from renderd.errors import ConfigError, FormatNewer, SpoolError, SpoolNotMounted
from renderd.spool.share import Share

FORMAT = 1
SPOOL_FILE = "SPOOL"
FARM_FILE = "farm.toml"
QUEUE, HELD, WAITING = "queue", "held", "waiting"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
TICKETS = (QUEUE, HELD, WAITING, DONE, FAILED, CANCELLED)
OPEN = (QUEUE, HELD, WAITING)
TMP, ADOPTING, BAD, JOBS, NODES = "tmp", "adopting", "bad", "jobs", "nodes"
BEATS, DEAD, HISTORY, TRASH = "beat", "dead", "history", "trash"
SIDE = ".renderd"  #: beside the frames: marks, private folders, receipts
FOLDERS = (*TICKETS, TMP, ADOPTING, BAD, JOBS, NODES, BEATS, DEAD, HISTORY, TRASH)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the SPOOL file says: the farm's id, format, group and how far owners are trusted."""

    id: str
    format: int = FORMAT
    group: str = ""
    trusts_share: bool = False

    def text(self) -> str:
        """The SPOOL file, for `parse_identity` and for people."""
        lines = ["# A renderd spool.  Do not edit; `renderd init` made it.", f"id: {self.id}"]
        lines.append(f"format: {self.format}")
        if self.group:
            lines.append(f"group: {self.group}")
        if self.trusts_share:
            lines.append("trust: share")
        return "\n".join(lines) + "\n"


def parse_identity(text: str) -> Identity | None:
    """The identity in a SPOOL file; None where there is no id or no format."""
    values = dict(re.findall(r"^([a-z]+): *(\S+)[ \r]*$", text, re.MULTILINE))
    if not re.fullmatch(r"[a-z0-9]{8,40}", values.get("id", "")):
        return None
    if not re.fullmatch("[0-9]{1,9}", values.get("format", "")):
        return None
    trusts = values.get("trust") == "share"
    return Identity(values["id"], int(values["format"]), values.get("group", ""), trusts)


@dataclass(frozen=True, slots=True)
class Spool:
    """One farm's folder as one program sees it; `who` marks this program's temps."""

    share: Share
    root: str
    identity: Identity
    rng: random.Random = field(compare=False)
    who: str
    farm: Farm = field(default_factory=Farm)  #: what the whole farm agrees on (farm.toml)

    def at(self, *parts: str) -> str:
        """The path of something below the root."""
        return "/".join((self.root, *parts))

    def job(self, jid: str, *parts: str) -> str:
        """The path of something in a job's folder."""
        return "/".join((self.root, JOBS, jid, *parts))

    def chunk(self, jid: str, chunk: Chunk) -> str:
        """The path of a chunk's info file, in its present state."""
        return "/".join((self.root, JOBS, jid, chunk.group, chunk.name))

    def local(self, path: str) -> str:
        """A path with its path roots (`{proj}/…`) as this machine sees them."""
        return self.farm.expand_roots(path, sys.platform)

    def node(self, inc: str, *parts: str) -> str:
        """The path of something in a node's folder."""
        return "/".join((self.root, NODES, inc, *parts))


def open_spool(share: Share, root: str, rng: random.Random, who: str) -> Spool:
    """The spool at a folder.

    Raises SpoolNotMounted where its SPOOL file cannot be read, FormatNewer where a later
    release made it, ConfigError where farm.toml is wrong.
    """
    identity = read_identity(share, root)
    root = root.rstrip("/")
    return Spool(share, root, identity, rng, who, read_farm(share, root))


def read_farm(share: Share, root: str) -> Farm:
    """What farm.toml says; the defaults where there is none.  Raises ConfigError, SpoolError."""
    try:
        text = share.read(f"{root}/{FARM_FILE}").decode("utf-8")
    except FileNotFoundError:
        return Farm()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{root}/{FARM_FILE} is not UTF-8", "save it as UTF-8") from error
    except OSError as error:
        raise SpoolError(f"{root}/{FARM_FILE} cannot be read: {error.strerror}") from error
    return farm.parse(text)


def read_identity(share: Share, root: str) -> Identity:
    """What the SPOOL file of a folder says; raises as `open_spool`."""
    try:
        text = share.read(f"{root.rstrip('/')}/{SPOOL_FILE}", 4096).decode("utf-8", "replace")
    except FileNotFoundError as error:
        raise SpoolNotMounted(
            f"{root} holds no spool (no SPOOL file)",
            f"mount the share, or make a spool with: renderd init {root}",
        ) from error
    except OSError as error:
        raise SpoolError(
            f"{root}/{SPOOL_FILE} cannot be read: {error.strerror or error}",
            "check the mount and your permissions, then run: renderd doctor",
        ) from error
    identity = parse_identity(text)
    if identity is None:
        raise SpoolNotMounted(
            f"{root}/{SPOOL_FILE} is damaged: it names no id and format",
            "put back the two lines `id: …` and `format: 1` as any node's log shows them",
        )
    if identity.format > FORMAT:
        raise FormatNewer(
            f"{root} has format {identity.format}; this release knows {FORMAT}",
            "upgrade neogeo-renderd on this machine",
        )
    return identity


def is_mounted(spool: Spool) -> bool:
    """True when the SPOOL file, read now, still carries our id."""
    try:
        text = spool.share.read(spool.at(SPOOL_FILE), 4096).decode("utf-8", "replace")
    except OSError:
        return False
    identity = parse_identity(text)
    return identity is not None and identity.id == spool.identity.id
