"""Jobs made from jobs: some frames once more, the same once more, other frames instead."""

from dataclasses import replace

from frontend.farm import me, patiently
from renderd import blend
from renderd.core.frames import Run
from renderd.core.job import Draft, Job, Writes, chunk_size
from renderd.core.label import label, slug
from renderd.core.source import original, snapshot_of, with_extra
from renderd.errors import UsageError
from renderd.spool import control, jobs, keeping, orders, redos, sources
from renderd.spool.layout import OPEN, Spool
from renderd.spool.tickets import Place

NOW = 99  #: the priority of what goes before everything else
_VERSION = "x-blend-version"


def redo(
    spool: Spool,
    place: Place,
    runs: tuple[Run, ...],
    *,
    is_same_file: bool = False,
    priority: int | None = None,
) -> tuple[str, Draft]:
    """Queue some frames of a job again; the new job's id, and what was queued.

    Raises UsageError for frames that cannot be, RenderdError, OSError.
    """
    job = jobs.read(spool, place[1].jid)
    redos.check(spool, place, job, runs)
    source = (sources.same_file if is_same_file else sources.present_file)(spool, job)
    draft = redos.draft(spool, place, job, runs, priority=priority, source=source)
    if source is not None and not is_same_file:
        draft = _of_its_version(draft, spool.local(source.path))
    return _publish(spool, job, draft), draft


def duplicate(spool: Spool, place: Place, pattern: str) -> tuple[str, Draft]:
    """Queue a job once more, held, with another output; the new job's id, and what was queued."""
    job = jobs.read(spool, place[1].jid)
    draft = _like(spool, place, job, job.info.frames)
    draft = replace(draft, name=label(f"{job.name} copy"), out=pattern or draft.out)
    info = replace(draft.info, name=draft.name, out=draft.out)
    draft = replace(draft, slug=slug(draft.name), info=info)
    if pattern == job.out and job.writes is not Writes.NOTHING:
        raise UsageError(f"both jobs would write {pattern}", "give the copy another output")
    return _publish(spool, job, draft, is_held=True), draft


def change_frames(spool: Spool, place: Place, runs: tuple[Run, ...]) -> tuple[str, Draft, int]:
    """Cancel what waits of a job and queue other frames in its place; how many are there already.

    Whole frames of its output are kept.  Raises UsageError for a job without frames of its own.
    """
    job = jobs.read(spool, place[1].jid)
    if job.info.frames is None or job.writes is Writes.MOVIE or job.redoes:
        raise UsageError(f"the frames of {job.name} cannot be changed", "add it again")
    draft = _like(spool, place, job, runs)
    is_held = place[0] == "held"
    if place[0] in OPEN and job.writes is Writes.NOTHING:
        orders.cancel(spool, job.jid, "its frames were changed")
    jid = _publish(spool, job, draft, is_held=True, replaces=True)
    kept = keeping.keep_whole(spool, jid)
    if not is_held:
        patiently(lambda: orders.release(spool, jid))
    return jid, draft, kept


def _like(spool: Spool, place: Place, job: Job, runs: tuple[Run, ...] | None) -> Draft:
    """The job as it was submitted, with its settings as they hold now."""
    said = control.read(spool, job.jid)
    info = replace(
        job.info,
        name=job.name,
        frames=runs,
        priority=place[1].priority,
        pool=said.pools(job),
        needs=said.wanted(job),
        nodes=said.limit(job),
        after=(),
        hold=False,
        blend=original(job.info),
        extra=with_extra(job.info.extra, {}),
    )
    made = Draft(
        name=job.name,
        slug=slug(job.name),
        info=info,
        runs=runs,
        size=chunk_size(info, runs),
        out=job.out,
        writes=job.writes,
        source=sources.present_file(spool, job),
    )
    made.check()
    return made


def _publish(
    spool: Spool, job: Job, draft: Draft, *, is_held: bool = False, replaces: bool = False
) -> str:
    copies = bool(snapshot_of(job.info, job.jid)) and sources.may_copy(draft)
    order = jobs.Order(me(), copies=copies, is_held=is_held, replaces=replaces)
    jid = jobs.publish(spool, draft, order)
    if blocked := control.read(spool, job.jid).blocked:
        patiently(lambda: control.block(spool, jid, *blocked))
    return jid


def _of_its_version(draft: Draft, path: str) -> Draft:
    """The draft for the Blender that saved the file now, where the job takes the file's own.

    An older Blender would lose what a newer one saved and say nothing.  Raises BlendError.
    """
    version = blend.read(path).version
    extra = dict(draft.info.extra)
    is_own = draft.info.needs.blender == f"=={extra.get(_VERSION, '')}"
    needs = replace(draft.info.needs, blender=f"=={version}") if is_own else draft.info.needs
    extra[_VERSION] = version
    return replace(draft, info=replace(draft.info, needs=needs, extra=tuple(extra.items())))
