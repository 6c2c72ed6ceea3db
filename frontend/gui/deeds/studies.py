"""What is looked at for a person: whether frames are whole, and the commands of jobs."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from frontend import again, examination
from frontend.gui.asking import Offer, Report
from frontend.gui.bridge import Errand
from frontend.gui.deeds.errands import named
from frontend.gui.deeds.jobs import redo_these
from frontend.gui.desk import Desk
from renderd.core import frames as ranges
from renderd.core import job as job_record
from renderd.core.amounts import plural
from renderd.core.label import label
from renderd.errors import RenderdError
from renderd.spool import inspection, jobs, orders
from renderd.spool.inspection import Fault, Subject
from renderd.spool.layout import Spool
from renderd.spool.records import JobView


@dataclass(frozen=True, slots=True)
class _Examined:
    """A job whose frames were looked at, or why they could not be."""

    job: JobView
    report: inspection.Report | None = None
    error: RenderdError | None = None


def _with_frames(desk: Desk) -> list[JobView]:
    return [job for job in desk.chosen_jobs() if job.frames]


def verify(desk: Desk) -> None:
    """Look at every frame of the selected jobs, to the last pixel."""
    jobs = _with_frames(desk)
    desk.said.emit(f"Looking at the frames of {named(jobs)} …")
    desk.study(Errand("Verify", partial(_verify, desk, jobs)))


def _verify(desk: Desk, jobs: Sequence[JobView]) -> str:
    spool = desk.open()
    found = [_examine(spool, job) for job in jobs]
    if len(found) == 1 and found[0].error is not None:
        raise found[0].error
    heads: tuple[str, ...] = ("Job", "Fault", "Frames", "What was found")
    rows: list[tuple[str, ...]] = [
        (label(one.job.name, 60), *row) for one in found for row in _rows(one)
    ]
    if len(found) == 1:
        heads, rows = heads[1:], [row[1:] for row in rows]
    sure = [(one.job, tuple(one.report.sure)) for one in found if one.report and one.report.sure]
    count = sum(len(frames) for _, frames in sure)
    redo = Offer(f"Redo {plural(count, 'frame')}", partial(_redo_all, desk, sure))
    undecoded = [w for one in found if one.report for w in examination.undecoded(one.report)]
    desk.reported.emit(
        Report(
            title=f"Frames of {named(jobs)}",
            says=_sum_up(found),
            more="\n".join(dict.fromkeys(undecoded)),
            heads=heads,
            rows=rows,
            offers=(redo,) if sure else (),
        )
    )
    return ""


def _examine(spool: Spool, job: JobView) -> _Examined:
    try:
        subject = _subject(spool, job.jid)
        return _Examined(job, examination.examine(spool.share, subject))
    except RenderdError as error:
        return _Examined(job, error=error)


def _subject(spool: Spool, jid: str) -> Subject:
    return inspection.of_job(spool, orders.where(spool, jid), jobs.read(spool, jid))


def _rows(one: _Examined) -> Iterator[tuple[str, str, str]]:
    if one.report is None:
        yield "not looked at", "", label(str(one.error), 300)
        return
    for fault in Fault:
        if frames := one.report.frames(fault):
            told = "; ".join(label(f.sentence, 200) for f in one.report.told(fault)[:3])
            yield examination.TITLES[fault], examination.span(frames), told


def _sum_up(found: Sequence[_Examined]) -> str:
    reports = [one.report for one in found if one.report is not None]
    count = sum(len(report.subject.wanted) for report in reports)
    left = [f for report in reports for f in report.subject.unrendered]
    is_fine = len(reports) == len(found) and not any(report.findings for report in reports)
    unrendered = examination.span(left) if len(found) == 1 else plural(len(left), "frame")
    to_come = f"; {unrendered} not rendered yet" * bool(left)
    return f"{plural(count, 'frame')} looked at{to_come}.{' All fine.' * is_fine}"


def redo_missing(desk: Desk) -> None:
    """Render the frames of the selected jobs whose files are not there again."""

    def pick(spool: Spool, subject: Subject) -> list[int]:
        return examination.missing(spool.share, subject)

    _redo_found(desk, pick, "missing")


def redo_broken(desk: Desk) -> None:
    """Render the frames of the selected jobs again whose files are there and not whole."""

    def pick(spool: Spool, subject: Subject) -> list[int]:
        return examination.broken(spool.share, subject)

    _redo_found(desk, pick, "broken")


def redo_faulty(desk: Desk) -> None:
    """Render what is missing or broken of the selected jobs again."""

    def pick(spool: Spool, subject: Subject) -> list[int]:
        return examination.examine(spool.share, subject).sure

    _redo_found(desk, pick, "missing or broken")


def _redo_found(desk: Desk, pick: Callable[[Spool, Subject], list[int]], what: str) -> None:
    chosen = _with_frames(desk)
    desk.said.emit(f"Looking for frames of {named(chosen)} that are {what} …")

    def work() -> str:
        spool, redone, failed = desk.open(), [], []
        for job in chosen:
            try:
                if frames := pick(spool, _subject(spool, job.jid)):
                    place = orders.where(spool, job.jid)
                    desk.patiently(partial(again.redo, spool, place, ranges.gather(frames)))
                    redone.append((job, frames))
            except RenderdError as error:
                failed.append((job, error))
        if failed and len(failed) == len(chosen):
            raise failed[0][1]
        desk.nudge(spool)
        return _tell_redone(chosen, redone, failed, what)

    desk.study(Errand("Redo", work))


def _tell_redone(
    chosen: Sequence[JobView],
    redone: Sequence[tuple[JobView, list[int]]],
    failed: Sequence[tuple[JobView, RenderdError]],
    what: str,
) -> str:
    if not redone:
        said = f"No frame of {named(chosen)} is {what}"
    elif len(redone) == 1:
        [(job, frames)] = redone
        said = f"Frames {examination.span(frames)} of {label(job.name, 60)} are rendered again"
    else:
        count = sum(len(frames) for _, frames in redone)
        said = f"{plural(count, 'frame')} of {plural(len(redone), 'job')} are rendered again"
    if failed:
        said += f"; not looked at: {plural(len(failed), 'job')}: {failed[0][1]}"
    return said


def _redo_all(desk: Desk, found: Sequence[tuple[JobView, tuple[int, ...]]]) -> None:
    for job, frames in found:
        redo_these(desk, job, frames)


def copy_command(desk: Desk) -> None:
    """Copy the command lines of the selected jobs' first chunks, as a node would run them."""
    chosen = desk.chosen_jobs()

    def find() -> str:
        spool = desk.open()
        lines = [line for job in chosen for line in _commands(spool, job)]
        desk.copied.emit("\n".join(lines))
        return "Copied the command line" if len(lines) == 1 else f"Copied {len(lines)} lines"

    desk.study(Errand("Copy command", find))


def _commands(spool: Spool, job: JobView) -> list[str]:
    record = jobs.read(spool, job.jid)
    draft = job_record.Draft(
        name=record.name,
        slug=job.slug,
        info=record.info,
        runs=record.info.frames,
        size=job_record.chunk_size(record.info, record.info.frames),
        out=record.out,
        writes=record.writes,
    )
    first = next(draft.pieces())
    return [shlex.join(w) for w in job_record.chunk_words(record.info, first, record.out)]
