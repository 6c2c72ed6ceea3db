"""Which machines may take the selected jobs: pools and needs, changed while they wait or run."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from frontend import terms
from frontend.gui.asking import Field
from frontend.gui.deeds.errands import each, named, with_undo
from frontend.gui.deeds.jobs import CHANGEABLE
from frontend.gui.desk import Desk
from renderd.core.control import ANY, Control
from renderd.errors import RenderdError
from renderd.spool import control, orders
from renderd.spool.layout import Spool
from renderd.spool.records import JobView


def change(desk: Desk) -> None:
    """Ask for the pool and needs of the selected jobs that are not over."""
    change_these(desk, [j for j in desk.chosen_jobs() if j.state in CHANGEABLE | {"failed"}])


def change_these(desk: Desk, jobs: Sequence[JobView]) -> None:
    """Ask for the pool and needs of jobs; undo brings back what each of them said."""
    first = jobs[0]
    fields = (
        Field(title="Pool", value=", ".join(first.pool), check=_wrong_pool, hint="any machine"),
        Field(title="Needs", value=first.needs, check=_wrong_needs, hint="nothing"),
    )
    says = f"Which machines may take {named(jobs)}.{_known(desk)}\nNeeds: ram>=16G, blender>=4.2,"
    asked = desk.ask.form("Pool and needs", f"{says} gpu, tag=…", fields)
    if asked is None or (len(jobs) == 1 and list(asked) == [field.value for field in fields]):
        return
    pool, wanted = terms.pools(asked[0] or ANY), terms.wanted(asked[1])
    before: dict[str, Control] = {}

    def there(spool: Spool, jid: str) -> object:
        before[jid] = control.read(spool, jid)
        # What a person says now stands for what attempts taught, which they saw.
        return orders.limit(
            spool, jid, lambda said: replace(said, pool=pool, needs=wanted, needs_ram=None)
        )

    def back(spool: Spool, jid: str) -> object:
        old = before[jid]

        def restored(said: Control) -> Control:
            return replace(said, pool=old.pool, needs=old.needs, needs_ram=old.needs_ram)

        return orders.limit(spool, jid, restored)

    done = each(desk, jobs, "Other pool and needs for", there)
    undo = each(desk, jobs, "Old pool and needs again for", back)
    desk.order(with_undo(done, undo, f"pool and needs of {named(jobs)}"))


def _known(desk: Desk) -> str:
    """The pools of live machines."""
    alive = (node for node in desk.machines.records.values() if node.state != "dead")
    told = (node.status.get("pools") or node.facts.get("pools") for node in alive)
    found = {str(pool) for pools in told if isinstance(pools, list) for pool in pools}
    return f" Pools of live machines: {', '.join(sorted(found)[:12])}." if found else ""


def _judge(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except RenderdError as error:
        return str(error)
    return ""


def _wrong_pool(text: str) -> str:
    return _judge(terms.pools, text or ANY)


def _wrong_needs(text: str) -> str:
    return _judge(terms.wanted, text)
