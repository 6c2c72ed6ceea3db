"""What is looked at for a person: why a job waits, whether its frames are whole, its command."""

import shlex
from functools import partial

from frontend import again, examination
from frontend.gui.asking import Offer, Report
from frontend.gui.bridge import Errand
from frontend.gui.deeds.errands import one
from frontend.gui.deeds.jobs import redo_these
from frontend.gui.desk import Desk
from frontend.words import plural
from renderd.core import frames as ranges
from renderd.core import job as job_record
from renderd.core.label import label
from renderd.spool import inspection, jobs, orders, reasons
from renderd.spool.inspection import Fault
from renderd.spool.layout import Spool
from renderd.spool.reasons import Verdict
from renderd.spool.records import JobView
from renderd.spool.tickets import Place


def why(desk: Desk) -> None:
    """Say why the selected job does not render, per machine."""
    [job] = desk.chosen_jobs()
    desk.study(Errand("Why", partial(_why, desk, job)))


def _why(desk: Desk, job: JobView) -> str:
    spool = desk.open()
    _, own, verdicts = reasons.read(spool, orders.where(spool, job.jid))
    says = "\n".join(label(reason, 400) for reason in own)
    if not verdicts:
        says = says or "No machine takes part in the farm: start renderd on one."
    rows = [(label(v.node, 24), _word(v), label(v.reason, 200)) for v in verdicts]
    desk.reported.emit(
        Report(
            title=f"Why {label(job.name, 60)} does or does not render",
            says=says or "Nothing of its own keeps it from rendering.",
            heads=("Machine", "Takes it", ""),
            rows=rows,
        )
    )
    return ""


def _word(verdict: Verdict) -> str:
    if verdict.runs:
        return f"runs {verdict.runs}"
    if verdict.is_busy:
        return "when free"
    return "yes" if verdict.takes else "no"


def verify(desk: Desk) -> None:
    """Look at every frame of the selected job, to the last pixel."""
    [job] = desk.chosen_jobs()
    desk.said.emit(f"Looking at the frames of {label(job.name, 60)} …")
    desk.study(Errand("Verify", partial(_verify, desk, job)))


def _verify(desk: Desk, job: JobView) -> str:
    spool = desk.open()
    place = orders.where(spool, job.jid)
    subject = inspection.of_job(spool, place, jobs.read(spool, job.jid))
    report = examination.examine(spool.share, subject)
    faults = [fault for fault in Fault if report.frames(fault)]
    rows = [
        (examination.TITLES[fault], examination.span(report.frames(fault)), _words(report, fault))
        for fault in faults
    ]
    count = plural(len(subject.wanted), "frame")
    left = f"; {examination.span(subject.unrendered)} not rendered yet" * bool(subject.unrendered)
    says = f"{count} looked at{left}. " + ("All fine." if not rows else "")
    sure = report.sure
    redo = Offer(f"Redo {plural(len(sure), 'frame')}", partial(redo_these, desk, job, tuple(sure)))
    desk.reported.emit(
        Report(
            title=f"Frames of {label(job.name, 60)}",
            says="\n".join([says.strip(), *examination.undecoded(report)]),
            heads=("Fault", "Frames", ""),
            rows=rows,
            offers=(redo,) if sure else (),
        )
    )
    return ""


def _words(report: inspection.Report, fault: Fault) -> str:
    return "; ".join(label(one.sentence, 200) for one in report.told(fault)[:3])


def redo_broken(desk: Desk) -> None:
    """Render what is missing or broken of the selected job again."""
    [job] = desk.chosen_jobs()
    desk.said.emit(f"Looking at the frames of {label(job.name, 60)} …")

    def work(spool: Spool, place: Place) -> str:
        subject = inspection.of_job(spool, place, jobs.read(spool, job.jid))
        report = examination.examine(spool.share, subject)
        if not report.sure:
            return f"No frame of {label(job.name, 60)} is missing or broken"
        again.redo(spool, place, ranges.gather(report.sure))
        found = examination.span(report.sure)
        return f"Frames {found} of {label(job.name, 60)} are rendered again"

    desk.study(one(desk, job.jid, "Redo broken", work))


def copy_command(desk: Desk) -> None:
    """Copy the command line of the selected job's first chunk, as a node would run it."""
    [job] = desk.chosen_jobs()

    def find() -> str:
        spool = desk.open()
        record = jobs.read(spool, job.jid)
        draft = job_record.Draft(
            name=record.name,
            slug=job.slug,
            info=record.info,
            runs=record.info.frames,
            size=record.info.chunk or 10,
            out=record.out,
            writes=record.writes,
        )
        lines = job_record.chunk_words(record.info, next(draft.pieces()), record.out)
        desk.copied.emit("\n".join(shlex.join(words) for words in lines))
        return "Copied the command line"

    desk.study(Errand("Copy command", find))
