"""Why a job does or does not render, machine by machine, with what helps."""

from collections.abc import Iterator, Sequence
from functools import partial

from frontend import verdicts
from frontend.gui.asking import Offer, Report
from frontend.gui.bridge import Errand
from frontend.gui.deeds import jobs, machines, terms
from frontend.gui.desk import Desk
from renderd.core.amounts import plural
from renderd.core.label import label
from renderd.core.wire import Op
from renderd.spool import orders, reasons
from renderd.spool.layout import FAILED, HELD, QUEUE
from renderd.spool.reasons import Verdict
from renderd.spool.records import JobView

_STEP = 10  #: of priority
_HIGHEST = 99


def why(desk: Desk) -> None:
    """Say why the selected job does not render, per machine."""
    [job] = desk.chosen_jobs()
    _study(desk, job.jid)


def _study(desk: Desk, jid: str) -> None:
    desk.study(Errand("Why", partial(_why, desk, jid)))


def _why(desk: Desk, jid: str) -> str:
    spool = desk.open()
    job, own, found = reasons.read(spool, orders.where(spool, jid))
    says = verdicts.headline(job, own, found)
    further = [verdicts.sentence(reason) for reason in own]
    more = [verdicts.asks(job), *(one for one in further if one != says)]
    shown = verdicts.ordered(found) if job.state in jobs.CHANGEABLE | {FAILED} else []
    marks = [verdicts.mark(verdict) for verdict in shown]
    desk.reported.emit(
        Report(
            title=f"Why {label(job.name, 60)} does or does not render",
            says=says,
            more="\n".join(filter(None, more)),
            heads=("Machine", "Takes it", "Why not"),
            rows=[
                (label(v.node, 24), f"{glyph} {word}", label(v.reason, 200))
                for v, (glyph, word, _) in zip(shown, marks, strict=True)
            ],
            inks=[ink for _, _, ink in marks],
            offers=tuple(_offers(desk, job, found)),
            again=partial(_study, desk, jid),
        )
    )
    return ""


def _offers(desk: Desk, job: JobView, found: Sequence[Verdict]) -> Iterator[Offer]:
    """What would help, the likeliest first."""
    if job.state == HELD:
        yield Offer("Release", partial(jobs.release_these, desk, [job]))
    if job.state == FAILED or job.failed:
        yield Offer("Retry failed", partial(jobs.retry_these, desk, [job]))
    if job.state != QUEUE:
        return
    is_stuck = not any(v.takes or v.runs for v in found)
    resting = [v for v in found if not v.takes and not v.lasts and v.reason.startswith("paused")]
    if resting and not any(v.takes and not v.is_busy for v in found):
        who = label(resting[0].node, 24) if len(resting) == 1 else plural(len(resting), "machine")
        yield Offer(f"Resume {who}", partial(_resume, desk, [v.inc for v in resting]))
    if any(v.is_busy and not v.runs for v in found) and job.priority < _HIGHEST:
        yield Offer(f"Priority +{_STEP}", partial(jobs.change_these, desk, [job], _STEP))
    if is_stuck:
        yield Offer("Change pool and needs…", partial(terms.change_these, desk, [job]))


def _resume(desk: Desk, incs: Sequence[str]) -> None:
    known = desk.machines.records
    nodes = [known[inc] for inc in incs if inc in known]
    machines.send_to(desk, nodes, Op.RESUME, "Goes on:")
