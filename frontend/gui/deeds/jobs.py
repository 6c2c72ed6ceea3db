"""What is done to the selected jobs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from frontend import again, removal
from frontend.farm import me
from frontend.gui.bridge import Errand
from frontend.gui.deeds.errands import Order, each, named, one, with_undo
from frontend.gui.desk import Desk
from renderd.core import frames as ranges
from renderd.core.amounts import plural
from renderd.core.label import label
from renderd.errors import RenderdError
from renderd.spool import orders
from renderd.spool.layout import Spool
from renderd.spool.records import JobView
from renderd.spool.tickets import Place

OPEN = frozenset({"queue", "waiting"})
CHANGEABLE = OPEN | {"held"}
_COPY = "copy_"
OVER = frozenset({"done", "failed", "cancelled"})


# -- whether it makes sense ------------------------------------------------------------------


def any_in(states: Iterable[str]) -> Callable[[Desk], bool]:
    """True while a selected job is in one of these states."""
    wanted = frozenset(states)
    return lambda desk: any(job.state in wanted for job in desk.chosen_jobs())


def any_job(desk: Desk) -> bool:
    """True while a job is selected."""
    return bool(desk.chosen_jobs())


def one_job(desk: Desk) -> bool:
    """True while exactly one job is selected."""
    return len(desk.chosen_jobs()) == 1


def one_with_frames(desk: Desk) -> bool:
    """True while one job that renders frames is selected."""
    jobs = desk.chosen_jobs()
    return len(jobs) == 1 and bool(jobs[0].frames)


def any_with_frames(desk: Desk) -> bool:
    """True while a job that renders frames is selected."""
    return any(job.frames for job in desk.chosen_jobs())


def any_failed(desk: Desk) -> bool:
    """True while a selected job has failed chunks."""
    return any(job.failed for job in desk.chosen_jobs())


def any_output(desk: Desk) -> bool:
    """True while a selected job writes somewhere that is known."""
    return any(job.out for job in desk.chosen_jobs())


# -- turning on and off ----------------------------------------------------------------------


def hold(desk: Desk) -> None:
    """Hold the selected jobs; release takes it back."""
    jobs = [job for job in desk.chosen_jobs() if job.state in OPEN]
    back = each(desk, jobs, "Released", orders.release)
    there = each(desk, jobs, "Held", lambda spool, jid: orders.hold(spool, jid, me()))
    desk.order(with_undo(there, back, f"hold of {named(jobs)}"))


def release(desk: Desk) -> None:
    """Release the selected jobs; hold takes it back."""
    release_these(desk, [job for job in desk.chosen_jobs() if job.state == "held"])


def release_these(desk: Desk, jobs: Sequence[JobView]) -> None:
    """Release jobs; hold takes it back."""
    back = each(desk, jobs, "Held", lambda spool, jid: orders.hold(spool, jid, me()))
    there = each(desk, jobs, "Released", orders.release)
    desk.order(with_undo(there, back, f"release of {named(jobs)}"))


def cancel(desk: Desk) -> None:
    """Cancel the selected jobs; asks first, as a cancelled job does not come back."""
    jobs = [job for job in desk.chosen_jobs() if job.state in CHANGEABLE | {"failed"}]
    running = sum(job.running for job in jobs)
    stops = f"{plural(running, 'chunk')} in work would stop. " if running else ""
    says = f"{stops}Frames that are done stay. A cancelled job does not go on: hold it for that."
    if not desk.ask.confirm(f"Cancel {named(jobs)}?", says, "Cancel rendering"):
        return
    gone = [job for job in jobs if not desk.jobs.passes(replace(job, state="cancelled"))]
    hidden = " (hidden by the filter: show ⊘ cancelled)" if gone else ""
    desk.order(each(desk, jobs, "Cancelled", orders.cancel, hidden))


def retry(desk: Desk) -> None:
    """Run what failed of the selected jobs again."""
    retry_these(desk, [job for job in desk.chosen_jobs() if job.failed])


def retry_these(desk: Desk, jobs: Sequence[JobView]) -> None:
    """Run what failed of jobs again."""
    desk.order(each(desk, jobs, "Failed chunks run again:", orders.retry))


def remove(desk: Desk) -> None:
    """Remove the selected jobs; asks first, as their logs go with them."""
    jobs = desk.chosen_jobs()
    still_open = [job for job in jobs if job.state not in OVER]
    first = f"{named(still_open)} would be cancelled first. " if still_open else ""
    says = f"{first}Logs and history of attempts go with it. Frames stay where they are."
    if not desk.ask.confirm(f"Remove {named(jobs)}?", says, "Remove"):
        return

    def take(spool: Spool, jid: str) -> object:
        return removal.remove(spool, jid, cancels=True)

    desk.order(each(desk, jobs, "Removed", take))


def skip_failed(desk: Desk) -> None:
    """Count the selected jobs' failed chunks as done; asks, as their frames will lack."""
    jobs = [job for job in desk.chosen_jobs() if job.failed]
    says = "Their frames are not rendered; the job can end without them."
    if not desk.ask.confirm(f"Skip what failed of {named(jobs)}?", says, "Skip"):
        return

    def skip(spool: Spool, jid: str) -> object:
        return orders.skip(spool, jid, lambda chunk: chunk.state.value == "fail")

    desk.order(each(desk, jobs, "Failed chunks are skipped:", skip))


# -- priority --------------------------------------------------------------------------------


def change_priority(desk: Desk, by: int) -> None:
    """Raise or lower the priority of the selected jobs; one undo brings back the old ones."""
    change_these(desk, [job for job in desk.chosen_jobs() if job.state in CHANGEABLE], by)


def change_these(desk: Desk, jobs: Sequence[JobView], by: int) -> None:
    """Raise or lower the priority of jobs."""
    wanted = {job.jid: min(max(job.priority + by, 0), 99) for job in jobs}
    _prioritize(desk, jobs, wanted, f"Priority {'+' if by > 0 else '−'}{abs(by)} for")


def set_priority(desk: Desk, job: JobView, priority: int) -> None:
    """Give a job another priority; undone by its old one."""
    if job.state in CHANGEABLE and priority != job.priority:
        _prioritize(desk, [job], {job.jid: priority}, f"Priority {priority} for")


def _prioritize(desk: Desk, jobs: Sequence[JobView], wanted: dict[str, int], said: str) -> None:
    before = {job.jid: job.priority for job in jobs}

    def to(values: dict[str, int]) -> Order:
        return lambda spool, jid: orders.set_priority(spool, jid, values[jid])

    back = each(desk, jobs, "Old priority again for", to(before))
    there = each(desk, jobs, said, to(wanted))
    desk.order(with_undo(there, back, f"priority of {named(jobs)}"))


def undo_title(desk: Desk) -> str:
    """What undoing would take back."""
    if not desk.undoable:
        return "&Undo"
    return f"&Undo {desk.undoable[-1].title.replace('&', '&&')}"


# -- frames ----------------------------------------------------------------------------------


def redo_frames(desk: Desk) -> None:
    """Render some frames of the selected job again."""
    [job] = desk.chosen_jobs()
    picked = ",".join(chunk.frames for chunk in desk.chosen_chunks() if chunk.frames)
    asked = desk.ask.line(
        "Redo frames",
        f"Frames of {label(job.name, 60)} to render again, of {label(job.frames, 60)}:",
        picked,
        wrong_frames,
    )
    if asked is None:
        return

    def work(spool: Spool, place: Place) -> str:
        again.redo(spool, place, ranges.parse(asked))
        return f"Frames {asked} of {label(job.name, 60)} are rendered again"

    desk.order(one(desk, job.jid, "Redo", work))


def redo_these(desk: Desk, job: JobView, wanted: Sequence[int]) -> None:
    """Render frames of a job again that are known to be its own."""
    runs = ranges.gather(wanted)

    def work(spool: Spool, place: Place) -> str:
        again.redo(spool, place, runs)
        said = "Frame" if len(wanted) == 1 else "Frames"
        verb = "is" if len(wanted) == 1 else "are"
        return f"{said} {ranges.text(runs)} of {label(job.name, 60)} {verb} rendered again"

    desk.order(one(desk, job.jid, "Redo", work))


def change_frames(desk: Desk) -> None:
    """Give the selected job other frames: what waits is cancelled, whole frames are kept."""
    [job] = desk.chosen_jobs()
    asked = desk.ask.line(
        "Change frames",
        f"Frames of {label(job.name, 60)}; those that are there whole are kept:",
        job.frames,
        wrong_frames,
    )
    if asked is None or asked == job.frames:
        return

    def work(spool: Spool, place: Place) -> str:
        _, _, kept = again.change_frames(spool, place, ranges.parse(asked))
        already = f"; {plural(kept, 'frame')} already there" if kept else ""
        return f"{label(job.name, 60)} renders frames {asked}{already}"

    desk.order(one(desk, job.jid, "Change frames", work))


def duplicate(desk: Desk) -> None:
    """Queue the selected jobs once more, held, each with an output of its own."""
    jobs = desk.chosen_jobs()
    if len(jobs) > 1:
        _duplicate_all(desk, jobs)
        return
    [job] = jobs
    out: str | None = ""
    if job.out:
        out = desk.ask.line(
            "Duplicate",
            f"Where the copy of {label(job.name, 60)} writes its frames (# for digits):",
            _beside(job.out),
            lambda said: "" if said.strip() else "say where its frames go",
        )
    if out is None:
        return
    pattern = out

    def work(spool: Spool, place: Place) -> str:
        _, draft = again.duplicate(spool, place, pattern)
        return f"{draft.name} is queued and held"

    desk.order(one(desk, job.jid, "Duplicate", work))


def _duplicate_all(desk: Desk, jobs: Sequence[JobView]) -> None:
    asked = desk.ask.line(
        "Duplicate",
        f"What stands before the names of the frames that the copies of {named(jobs)} write:",
        _COPY,
        lambda said: "" if said.strip() and "/" not in said else "say the beginning of a name",
    )
    if asked is None:
        return

    def copy(spool: Spool, jid: str) -> object:
        place = orders.where(spool, jid)
        out = next(job.out for job in jobs if job.jid == jid)
        return again.duplicate(spool, place, _beside(out, asked) if out else "")

    desk.order(each(desk, jobs, "Queued and held: copies of", copy))


def wrong_frames(said: str) -> str:
    """What is wrong with a range of frames; empty where nothing is."""
    try:
        return "" if ranges.parse(said) else "say frames like 1-100,120"
    except RenderdError as error:
        return str(error)


def _beside(out: str, before: str = _COPY) -> str:
    folder, slash, base = out.rpartition("/")
    return f"{folder}{slash}{before}{base}"


# -- looking ---------------------------------------------------------------------------------


def open_folder(desk: Desk) -> None:
    """Show the output folder of the first selected job in the file manager."""
    job = next(job for job in desk.chosen_jobs() if job.out)
    folder = job.out.rpartition("/")[0]

    def find() -> str:
        desk.open_wanted.emit(desk.open().local(folder))
        return f"Opened {label(folder, 100)}"

    desk.study(Errand("Open folder", find))


def copy_path(desk: Desk) -> None:
    """Copy the outputs of the selected jobs."""
    outs = [job.out for job in desk.chosen_jobs() if job.out]

    def find() -> str:
        spool = desk.open()
        desk.copied.emit("\n".join(spool.local(out) for out in outs))
        return f"Copied {plural(len(outs), 'path')}"

    desk.study(Errand("Copy paths", find))


def copy_ids(desk: Desk) -> None:
    """Copy the ids of the selected jobs."""
    jobs = desk.chosen_jobs()
    desk.ask.copy("\n".join(job.jid for job in jobs))
    desk.said.emit(f"Copied {plural(len(jobs), 'id')}")
