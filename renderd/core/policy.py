"""Which job next, may this node take it, and why not: one predicate for claimer and "why?"."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from renderd.core import amounts, command, label, needs, template
from renderd.core.chunk import Chunk, State
from renderd.core.farm import may_run
from renderd.core.job import Job
from renderd.core.names import Ticket, host_of
from renderd.core.needs import Needs

BLOCK_AFTER = 3  #: failures on one node, after which a job avoids it
STOP_SHARE = 0.10  #: failed chunks of a job, after which it stops itself
STOP_AT_LEAST = 3  #: … but fewer failures than this prove nothing
STOP_HOSTS = 3  #: hosts that failed with nothing done, after which it stops itself
SCRIPTS = "[blender] scripts"  #: its name among the path roots that a node does not see
_MADE = re.compile(r"[0-9]{1,3}\.[0-9]{1,2}")
FORGIVE = 600.0  #: seconds a node leaves alone a chunk that failed there


@dataclass(frozen=True, slots=True, kw_only=True)
class Able:
    """What one node can do, as it says itself or as its files in the spool say."""

    name: str
    inc: str
    pools: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    ram_bytes: int = 0
    ram_free: int | None = None  #: bytes available now, less what running chunks will still take
    has_gpu: bool = False
    knows_gpus: bool = True  #: False while they are still being looked for
    blenders: tuple[str, ...] = ()  #: versions found, like "4.2.1"
    knows_blenders: bool = True  #: False while they are still being asked
    faults: Mapping[str, str] = field(default_factory=dict)  #: version, why not as farm.toml asks
    lacks: frozenset[str] = frozenset()  #: path roots of farm.toml that its platform has not
    unseen: Mapping[str, str] = field(default_factory=dict)  #: path roots not there now, and why
    programs: tuple[tuple[str, ...], ...] = ()  #: lists of allowed programs, all must allow
    has_ffmpeg: bool = True  #: only for movies; a node of an earlier release does not say
    resting: str = ""  #: why it takes nothing at all now (paused, draining, share hangs …)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What may change of a job while it runs (its `control`), and how it went on this node."""

    nodes: int | None = None  #: most nodes at once
    pool: tuple[str, ...] | None = None  #: instead of the job's own
    needs: Needs | None = None  #: instead of the job's own
    ram: int | None = None  #: bytes, learned from an out-of-memory kill
    blocked: frozenset[str] = frozenset()  #: hosts this job avoids
    failures_here: int = 0
    owners: frozenset[str] = field(default_factory=frozenset)  #: incarnations that run it now


def order(tickets: Iterable[Ticket], born: Mapping[str, int]) -> list[Ticket]:
    """Highest priority first, then the oldest by the server's clock."""
    return sorted(tickets, key=lambda t: (-t.priority, born.get(t.jid, 0), t.jid))


def why_not(node: Able, job: Job, terms: Terms) -> str:
    """Why the node does not take chunks of the job, in one clause; empty when it does."""
    unfit = unfit_for(node, job, terms)
    return node.resting or unfit or _too_full(node, job, terms) or _avoided(node, terms)


def unfit_for(node: Able, job: Job, terms: Terms) -> str:
    """Why the node could not take the job even if it were idle, in one clause; else empty."""
    pools = job.info.pool if terms.pool is None else terms.pool
    wanted = _wanted(job, terms)
    if pools and not node.pools.intersection(pools):
        return f"is not in pool {' or '.join(pools)}"
    if missing := [t for t in wanted.tags if t not in node.tags]:
        return f"has no tag {missing[0]}"
    if wanted.gpu and not node.has_gpu:
        return "has no GPU" if node.knows_gpus else "is still finding out which GPUs it has"
    ram = needed_ram(job, terms)
    if ram > node.ram_bytes:
        have = amounts.size_about(node.ram_bytes)
        return f"has {have} of memory, the job needs {amounts.size_about(ram, up=True)}"
    place = _unknown_place(node, job) or _wrong_program(node, job)
    return place or _wrong_blender(node, job, wanted)


def needed_ram(job: Job, terms: Terms) -> int:
    """Bytes of memory that one chunk needs: what the job says, or what its failures taught."""
    return max(_wanted(job, terms).ram or 0, terms.ram or 0)


def _wanted(job: Job, terms: Terms) -> Needs:
    return job.info.needs if terms.needs is None else terms.needs


def _too_full(node: Able, job: Job, terms: Terms) -> str:
    ram = needed_ram(job, terms)
    if not ram or node.ram_free is None or ram <= node.ram_free:
        return ""
    have, whole = amounts.size_about(max(node.ram_free, 0)), amounts.size_about(node.ram_bytes)
    return f"has {have} of {whole} free now, the job needs {amounts.size_about(ram, up=True)}"


def _unknown_place(node: Able, job: Job) -> str:
    if not node.lacks and not node.unseen:
        return ""
    words = (word for words in job.info.commands for word in words)
    texts = (*words, job.info.blend, job.out, *(value for _, value in job.info.env))
    for name in template.used(texts):
        if name in node.lacks:
            return f"has no path for {{{name}}} in farm.toml"
        if name in node.unseen:
            return f"does not see {{{name}}}: {node.unseen[name]}"
    is_blender = any(map(command.is_blender, job.info.commands))
    if is_blender and SCRIPTS in node.unseen:
        return f"does not see the script folder of farm.toml: {node.unseen[SCRIPTS]}"
    return ""


def _wrong_program(node: Able, job: Job) -> str:
    for words in job.info.commands:
        if not all(may_run(words[0], allowed) for allowed in node.programs):
            return f"does not allow the program {label.label(words[0], 60)}"
        if words[0] == "ffmpeg" and not node.has_ffmpeg:
            return "has no ffmpeg"
    return ""


def _wrong_blender(node: Able, job: Job, wanted: Needs) -> str:
    uses = [words for words in job.info.commands if command.is_blender(words)]
    if uses and not node.knows_blenders:
        return "is still finding out which Blenders it has"
    if not uses or not node.blenders:
        return "has no Blender" if any(words[0] == "blender" for words in uses) else ""
    fitting = [v for v in node.blenders if may_open(numbers(v), job, wanted)]
    if not fitting:
        return f"has Blender {', '.join(node.blenders)}, {_wanted_blender(job, wanted)}"
    if faults := [node.faults.get(v, "") for v in fitting if node.faults.get(v)]:
        return faults[-1] if len(faults) == len(fitting) else ""
    return ""


def may_open(version: tuple[int, ...], job: Job, wanted: Needs | None = None) -> bool:
    """Whether a Blender of this version is one that the job asks for, and not older than its file.

    What is `wanted` now stands in place of the job's own needs.  Blender loses what a later one
    saved, or crashes on it.
    """
    made, asked = numbers(saved_by(job)), job.info.needs if wanted is None else wanted
    return needs.fits(asked.blender, version) and version[: len(made)] >= made


def saved_by(job: Job) -> str:
    """The Blender that saved the job's file, as major.minor; empty where that is not known."""
    made = dict(job.info.extra).get("x-blend-version", "")
    return made if _MADE.fullmatch(made) else ""


def _wanted_blender(job: Job, wanted: Needs) -> str:
    spec, made = wanted.blender, saved_by(job)
    if spec == f"=={made}":
        return f"the job needs {made} (the file's own; --blender any takes others)"
    said = [f"the job needs {spec}"] if spec not in ("", needs.ANY) else []
    said += [f"the file was saved with {made}"] if made else []
    return " and ".join(said)


def _avoided(node: Able, terms: Terms) -> str:
    if host_of(node.inc) in terms.blocked or node.name in terms.blocked:
        return "is blocked for this job"
    if terms.failures_here >= BLOCK_AFTER:
        return f"failed {terms.failures_here} times in this job"
    others = len(terms.owners - {node.inc})
    if terms.nodes is not None and others == len(terms.owners) >= terms.nodes:
        runs = f"the job runs on {amounts.plural(others, 'node')}, its limit is {terms.nodes}"
        return f"would be one too many: {runs}"
    return ""


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def why_stop(
    chunks: Iterable[Chunk],
    total: int,
    forgiven: int = 0,
    *,
    hosts: frozenset[str] = frozenset(),
    live: int = STOP_HOSTS,
) -> str:
    """Why a job should stop itself, from its chunks' names; empty while it should go on.

    `forgiven` failed chunks were known to the person who released it again.  `hosts` failed at
    some attempt; on a farm of fewer `live` hosts all of them, two at least, are enough.
    """
    seen = list(chunks)
    failed = [c for c in seen if c.state is State.FAIL]
    done = sum(c.state is State.DONE for c in seen)
    running = sum(c.state is State.RUN for c in seen)
    if len(failed) + done + running >= total or (failed and len(failed) <= forgiven):
        return ""  # it would keep nothing back: what runs ends the job, or is given back
    if len(failed) >= max(STOP_AT_LEAST, total * STOP_SHARE):
        return f"{len(failed)} of {total} chunks failed; see render log, then render retry"
    hosts |= {host_of(c.owner) for c in failed}
    if len(hosts) >= min(STOP_HOSTS, max(live, 2)) and not done:
        return f"the first {len(hosts)} hosts failed; see render log, then render release"
    return ""


def surplus(running: Iterable[Chunk], nodes: int) -> set[str]:
    """The incarnations that give back where more nodes than allowed took a job.

    Everybody computes the same answer: the highest nonces go.
    """
    best: dict[str, str] = {}
    for chunk in running:
        best[chunk.owner] = min(best.get(chunk.owner, chunk.nonce), chunk.nonce)
    ranked = sorted(best, key=lambda owner: (best[owner], owner))
    return set(ranked[nodes:])
