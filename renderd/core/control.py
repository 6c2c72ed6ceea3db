"""What may change while a job runs, as text and as a record.  Pure: no I/O."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from renderd.core import amounts
from renderd.core.label import label
from renderd.core.needs import NO_NEEDS, Needs
from renderd.errors import RenderdError

if TYPE_CHECKING:
    from renderd.core.job import Job
    from renderd.core.policy import Terms

TEXT_LIMIT = 500
ANY = "any"  #: said of pool or needs: every node will do
_HEAD = "# What may change while this job runs.  Edit with `render limit`, or under control.lock.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A job's control file; what it does not say stands as in job.info."""

    nodes: int | None = None  #: most nodes at once; 0 lifts the job's own limit
    pool: tuple[str, ...] | None = None  #: in place of the job's own; empty: any node
    needs: Needs | None = None  #: in place of the job's own; its pools stand in `pool`
    needs_ram: int | None = None  #: bytes, learnt from an attempt that ran out of memory
    blocked: tuple[str, ...] = ()  #: node names, hosts or incarnations that must not take it
    note: str = ""  #: a person's words
    reason: str = ""  #: why the job was held, failed or stopped itself
    changed: str = ""  #: the .blend as a node saw it changed: what releasing the job accepts
    source: str = ""  #: the .blend that a person accepted in place of the queued one
    warning: str = ""  #: what a node saw that may make frames differ: no reason to stop
    forgiven: int = 0  #: failed chunks that a person knew of when releasing the job
    extra: tuple[tuple[str, str], ...] = ()  #: lines of later releases and unreadable ones, kept

    def applied(self, job: "Job") -> "Job":
        """The job with the pools and needs that hold now."""
        if self.pool is None and self.needs is None:
            return job
        info = replace(job.info, pool=self.pools(job), needs=self.wanted(job))
        return replace(job, info=info)

    def limit(self, job: "Job") -> int | None:
        """The most nodes at once that holds now: this file's word over job.info's."""
        return (job.info.nodes if self.nodes is None else self.nodes) or None

    def pools(self, job: "Job") -> tuple[str, ...]:
        """The pools that hold now: this file's word over job.info's."""
        return job.info.pool if self.pool is None else self.pool

    def wanted(self, job: "Job") -> Needs:
        """What the job asks of a node now: this file's word over job.info's."""
        return job.info.needs if self.needs is None else self.needs

    def wanted_now(self, job: "Job") -> Needs:
        """As `wanted`, with the memory that its attempts taught."""
        found = self.wanted(job)
        return replace(found, ram=max(found.ram or 0, self.needs_ram or 0) or None)

    def terms(
        self, job: "Job", owners: frozenset[str] = frozenset(), failures_here: int = 0
    ) -> "Terms":
        """What the job asks now, for policy.why_not: this file over its job.info."""
        from renderd.core.policy import Terms  # noqa: PLC0415  lists of jobs need it not

        return Terms(
            nodes=self.limit(job),
            pool=self.pool,
            needs=self.needs,
            ram=self.needs_ram,
            blocked=frozenset(self.blocked),
            failures_here=failures_here,
            owners=owners,
        )


def parse(data: bytes) -> Control:
    """Read a control file; a line that cannot be read is kept and has no effect."""
    found = Control()
    for line in data.decode("utf-8", "replace").lstrip("\ufeff").splitlines():
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not key or key.startswith("#"):
            continue
        try:
            found = _with(found, key, value)
        except (ValueError, RenderdError):
            found = replace(found, extra=(*found.extra, (key, value)))
    return found


def _with(control: Control, key: str, value: str) -> Control:
    match key:
        case "nodes":
            return replace(control, nodes=int(value) if value else None)
        case "pool":
            pool = _words(value)
            return replace(control, pool=() if pool == (ANY,) else pool or None)
        case "needs":
            return replace(control, needs=_needs(value) if value else None)
        case "needs-ram":
            return replace(control, needs_ram=amounts.size(value) if value else None)
        case "blocked":
            return replace(control, blocked=_words(value))
        case "note" | "reason" | "changed" | "source" | "warning":
            words: dict[str, Any] = {key: value}
            return replace(control, **words)
        case "forgiven":
            return replace(control, forgiven=int(value or 0))
    raise ValueError(key)


def text(control: Control) -> str:
    """Write a control file that parse() reads back."""
    ram = "" if control.needs_ram is None else amounts.size_text(control.needs_ram)
    pairs = (
        ("nodes", "" if control.nodes is None else str(control.nodes)),
        ("pool", "" if control.pool is None else ", ".join(control.pool) or ANY),
        ("needs", "" if control.needs is None else control.needs.text() or ANY),
        ("needs-ram", ram),
        ("blocked", ", ".join(control.blocked)),
        ("note", label(control.note, TEXT_LIMIT)),
        ("reason", label(control.reason, TEXT_LIMIT)),
        ("changed", control.changed),
        ("source", control.source),
        ("warning", label(control.warning, TEXT_LIMIT)),
        ("forgiven", str(control.forgiven or "")),
        *control.extra,
    )
    return _HEAD + "".join(f"{key}: {value}\n" for key, value in pairs if value)


def without_extra(control: Control, keys: set[str]) -> Control:
    """Drop the unreadable lines of keys that are set anew."""
    kept = tuple(pair for pair in control.extra if pair[0] not in keys)
    return replace(control, extra=kept)


def _needs(text: str) -> Needs:
    if text.lower() == ANY:
        return NO_NEEDS
    found = Needs.parse(text)
    if found.pool:  # pools have a line of their own
        raise ValueError(text)
    return found


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.replace(",", " ").lower().split()))
