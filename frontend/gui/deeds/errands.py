"""One order to each of several jobs, as one errand with one sentence about it."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from frontend.gui.bridge import Errand
from frontend.gui.desk import Desk
from renderd.core.amounts import plural
from renderd.core.label import label
from renderd.errors import RenderdError
from renderd.spool import orders
from renderd.spool.layout import Spool
from renderd.spool.records import JobView
from renderd.spool.tickets import Place

Order = Callable[[Spool, str], object]


def each(desk: Desk, jobs: Iterable[JobView], said: str, order: Order, after: str = "") -> Errand:
    """An errand that gives one order to each job; `said` tells what was done to them."""
    found = tuple(jobs)
    return Errand(said, partial(_give, desk, found, (said, after), order))


def with_undo(there: Errand, back: Errand, what: str) -> Errand:
    """An errand that `back` takes back; `what` names it: `hold of shot010`."""
    return Errand(what.capitalize(), there.work, Errand(what, back.work))


def one(desk: Desk, jid: str, title: str, work: Callable[[Spool, Place], str]) -> Errand:
    """An errand about one job, found again in the spool."""

    def go() -> str:
        spool = desk.open()
        words = work(spool, orders.where(spool, jid))
        desk.nudge(spool)
        return words

    return Errand(title, go)


def named(jobs: Sequence[JobView]) -> str:
    """One job by its name, several by their number."""
    return label(jobs[0].name, 60) if len(jobs) == 1 else plural(len(jobs), "job")


def _give(desk: Desk, jobs: tuple[JobView, ...], said: tuple[str, str], order: Order) -> str:
    spool, failed = desk.open(), []
    for job in jobs:
        try:
            desk.patiently(partial(order, spool, job.jid))
        except RenderdError as error:
            failed.append(error)
    if len(failed) < len(jobs):
        desk.nudge(spool)
    if failed and len(failed) == len(jobs):
        raise failed[0]
    words = f"{said[0]} {named(jobs)}{said[1]}"
    return f"{words}; not {plural(len(failed), 'job')}: {failed[0]}" if failed else words
