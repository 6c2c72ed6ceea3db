"""What actions do to jobs: orders to the spool as errands, undone where that is possible."""

from collections.abc import Callable, Iterable
from functools import partial

from frontend.farm import me
from frontend.gui.bridge import Errand
from frontend.gui.desk import Desk
from frontend.words import plural
from renderd.core.label import label
from renderd.errors import RenderdError
from renderd.spool import orders
from renderd.spool.layout import Spool
from renderd.spool.view import JobView

Order = Callable[[Spool, str], object]
OPEN = frozenset({"queue", "waiting"})


def each(desk: Desk, jobs: Iterable[JobView], said: str, order: Order) -> Errand:
    """An errand that gives one order to each job; `said` tells what was done to them."""
    found = tuple(jobs)
    return Errand(said, partial(_give, desk, found, said, order))


def _give(desk: Desk, jobs: tuple[JobView, ...], said: str, order: Order) -> str:
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
    words = f"{said} {named(jobs)}"
    return f"{words}; not {plural(len(failed), 'job')}: {failed[0]}" if failed else words


def named(jobs: tuple[JobView, ...]) -> str:
    """One job by its name, several by their number."""
    return label(jobs[0].name, 60) if len(jobs) == 1 else plural(len(jobs), "job")


def hold(desk: Desk) -> None:
    """Hold the selected jobs; release takes it back."""
    jobs = [job for job in desk.chosen_jobs() if job.state in OPEN]
    back = each(desk, jobs, "Released", orders.release)
    there = each(desk, jobs, "Held", lambda spool, jid: orders.hold(spool, jid, me()))
    desk.order(Errand(there.title, there.work, back))


def release(desk: Desk) -> None:
    """Release the selected jobs; hold takes it back."""
    jobs = [job for job in desk.chosen_jobs() if job.state == "held"]
    back = each(desk, jobs, "Held", lambda spool, jid: orders.hold(spool, jid, me()))
    there = each(desk, jobs, "Released", orders.release)
    desk.order(Errand(there.title, there.work, back))


def cancel(desk: Desk) -> None:
    """Cancel the selected jobs."""
    jobs = [job for job in desk.chosen_jobs() if job.state in OPEN | {"held", "failed"}]
    desk.order(each(desk, jobs, "Cancelled", orders.cancel))


def retry(desk: Desk) -> None:
    """Run what failed of the selected jobs again."""
    jobs = [job for job in desk.chosen_jobs() if job.failed]
    desk.order(each(desk, jobs, "Runs again:", orders.retry))


def change_priority(desk: Desk, by: int) -> None:
    """Raise or lower the priority of the selected jobs; undone by their old ones."""
    for job in desk.chosen_jobs():
        set_priority(desk, job, min(max(job.priority + by, 0), 99))


def set_priority(desk: Desk, job: JobView, priority: int) -> None:
    """Give a job another priority; undone by its old one."""
    if job.state not in OPEN | {"held"} or priority == job.priority:
        return

    def to(value: int) -> Order:
        return lambda spool, jid: orders.set_priority(spool, jid, value)

    back = each(desk, [job], f"Priority {job.priority} again for", to(job.priority))
    there = each(desk, [job], f"Priority {priority} for", to(priority))
    desk.order(Errand(there.title, there.work, back))


def any_in(states: Iterable[str]) -> Callable[[Desk], bool]:
    """True while a selected job is in one of these states."""
    wanted = frozenset(states)
    return lambda desk: any(job.state in wanted for job in desk.chosen_jobs())
