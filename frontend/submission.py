"""Jobs on their way into the spool: told apart, looked into, published; alike for verb and window.

Everything is planned before anything is published, so that a mistake queues nothing.
"""

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from frontend.farm import me
from renderd import plan, preflight
from renderd.core.job import Draft
from renderd.core.label import slug
from renderd.errors import RenderdError, SourceChanged, SpoolError, UsageError
from renderd.preflight import Finding, Preflight, Severity
from renderd.spool import ground, jobs, keeping, orders, sources, tickets
from renderd.spool.layout import HELD, Spool

_PLANS = 4  #: of a .blend that is saved again and again while it is queued

Remark = Callable[[str], None]
Progress = Callable[[int, int], None]  #: chunks written, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How jobs are to be queued, whatever they render."""

    after: tuple[str, ...] = ()  #: ids or names of jobs they wait for
    keeps_whole: bool = False  #: frames that are there whole are not rendered again
    replaces: bool = False  #: the open job that writes the same frames is cancelled first
    copies: bool = True  #: each renders a copy of its .blend, where it can
    forces: bool = False  #: although the pre-flight says stop
    only_looks: bool = False  #: nothing is queued


@dataclass(frozen=True, slots=True)
class Added:
    """A job that was published, or would be."""

    draft: Draft
    jid: str  #: empty where nothing was published
    state: str  #: the folder of its ticket
    kept: int | None = None  #: frames that were there; None where nobody asked


@dataclass(frozen=True, slots=True)
class Submission:
    """What became of it."""

    found: Sequence[Finding]
    added: Sequence[Added] = ()
    is_refused: bool = False  #: findings stop it
    error: RenderdError | None = None  #: why jobs after those that were added are not


@dataclass(frozen=True, slots=True)
class Asked:
    """Jobs that somebody wants, and how."""

    drafts: Sequence[Draft]
    terms: Terms


def submit(
    spool: Spool,
    ask: Callable[[], Asked],
    remark: Remark = lambda _text: None,
    progress: Callable[[Draft], Progress | None] = lambda _draft: None,
) -> Submission:
    """Plan, look and publish; planned anew where a .blend is saved meanwhile.

    Raises RenderdError where nothing was published.
    """
    for _ in range(_PLANS - 1):
        with contextlib.suppress(SourceChanged):
            return _submit(spool, ask(), remark, progress)
    return _submit(spool, ask(), remark, progress)


def _submit(
    spool: Spool, asked: Asked, remark: Remark, progress: Callable[[Draft], Progress | None]
) -> Submission:
    terms = asked.terms
    drafts = told_apart(asked.drafts, remark)
    checked = check(spool, drafts, replaces=terms.replaces)
    found = preflight.merged(one for findings in checked for one in findings)
    after = jobs.resolve_after(spool, terms.after) if terms.after else ()
    is_refused = stops(found) and not terms.forces
    if terms.only_looks or is_refused:
        looked = [Added(draft, "", "dry-run") for draft in drafts] if terms.only_looks else []
        return Submission(found, looked, is_refused)
    added = []
    for draft, findings in zip(drafts, checked, strict=True):
        order = _order(draft, terms, after, preflight.hold_reason(findings, draft))
        try:
            added.append(_publish(spool, draft, order, terms, progress(draft)))
        except (RenderdError, OSError) as error:
            if not added:
                raise
            return Submission(found, added, error=_told(error))
    return Submission(found, added)


def _told(error: RenderdError | OSError) -> RenderdError:
    if isinstance(error, RenderdError):
        return error
    where = f"{error.filename}: " if error.filename else ""
    return SpoolError(f"{where}{error.strerror or error}", "prove the mount: renderd doctor")


def stops(found: Sequence[Finding]) -> bool:
    """Whether a finding stops the jobs."""
    return any(one.severity is Severity.STOP for one in found)


def told_apart(drafts: Sequence[Draft], remark: Remark = lambda _text: None) -> list[Draft]:
    """Let scenes that name one output write under their own names, as one would undo the other.

    Scenes of one name in several files go by the jobs' names, which have the files' in them.
    Raises UsageError where names alone do not tell them apart.
    """
    counted = Counter(draft.out for draft in drafts if draft.out)
    alike = Counter((draft.out, slug(draft.info.scene or draft.name)) for draft in drafts)
    found, seen = [], set()
    for draft in drafts:
        if counted[draft.out] > 1:
            folder, _, base = draft.out.rpartition("/")
            own = slug(draft.info.scene or draft.name)
            own = slug(draft.name) if alike[draft.out, own] > 1 else own
            out = f"{folder}/{own}_{base}"
            remark(f"{draft.name}: not alone in {draft.out}, so it writes {out}")
            draft = replace(draft, out=out, info=replace(draft.info, out=out))  # noqa: PLW2901
        if draft.out and draft.out in seen:
            raise UsageError(
                f"several jobs would write {draft.out}", "add them one by one, each with its --out"
            )
        seen.add(draft.out)
        found.append(draft)
    return found


def check(spool: Spool, drafts: Sequence[Draft], *, replaces: bool = False) -> list[list[Finding]]:
    """What the pre-flight finds of each job."""
    if not any(draft.source for draft in drafts):
        return [[] for _ in drafts]
    flight = fly(spool)
    return [flight.check(draft, replaces=replaces) for draft in drafts]


def fly(spool: Spool) -> Preflight:
    """A pre-flight with this farm's eyes.  Raises OSError."""
    return Preflight(spool.farm, sys.platform, ground.survey(spool, sys.platform), spool)


def _order(draft: Draft, terms: Terms, after: tuple[str, ...], why_held: str) -> jobs.Order:
    return jobs.Order(
        me(),
        is_held=draft.info.hold or terms.keeps_whole,
        reason=why_held,
        after=after,
        replaces=terms.replaces,
        copies=terms.copies and sources.may_copy(draft),
    )


def _publish(
    spool: Spool, draft: Draft, order: jobs.Order, terms: Terms, progress: Progress | None
) -> Added:
    draft = plan.with_libraries(draft, spool.farm, sys.platform)
    jid = jobs.publish(spool, draft, order, progress)
    kept = None
    if terms.keeps_whole:
        kept = keeping.keep_whole(spool, jid)
        if not draft.info.hold and not order.reason:
            orders.release(spool, jid)
    place = tickets.find(spool, jid)
    return Added(draft, jid, place[0] if place else HELD, kept)
