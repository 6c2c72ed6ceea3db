"""What is done to the selected machines."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from frontend.farm import me
from frontend.gui.bridge import Errand
from frontend.gui.desk import Desk
from frontend.gui.models import machines
from frontend.machines import rouse
from renderd.core.amounts import plural
from renderd.core.label import label
from renderd.core.wire import Op, Request
from renderd.host.wake import is_card
from renderd.spool import notes
from renderd.spool.records import NodeView


def any_alive(desk: Desk) -> bool:
    """True while a machine that lives is selected."""
    return any(node.state != "dead" for node in desk.chosen_machines())


def any_running(desk: Desk) -> bool:
    """True while a selected machine runs a chunk."""
    return any(machines.running(node) for node in desk.chosen_machines())


def any_saying(word: str) -> Callable[[Desk], bool]:
    """True while a selected machine says that it is in a state."""
    return lambda desk: any(node.status.get("state") == word for node in desk.chosen_machines())


def send(desk: Desk, op: Op, said: str, **args: object) -> None:
    """Send an order to each selected machine that lives."""
    send_to(desk, desk.chosen_machines(), op, said, **args)


def send_to(desk: Desk, among: Iterable[NodeView], op: Op, said: str, **args: object) -> None:
    """Send an order to those of some machines that live."""
    nodes = [node for node in among if node.state != "dead"]
    request = Request(op, {**args, "by": me()})

    def work() -> str:
        spool = desk.open()
        for node in nodes:
            desk.send(spool, node.inc, request)
        desk.nudge(spool)
        is_own = desk.daemon is not None and [n.inc for n in nodes] == [desk.daemon.inc]
        return f"{said} {named(nodes)}" + ("" if is_own else ", at its next beat")

    desk.order(Errand(op.value, work))


def pause(desk: Desk, seconds: float | None = None) -> None:
    """Pause the selected machines, for a while or until told."""
    length = {} if seconds is None else {"for": seconds, "until": round(time.time() + seconds, 3)}
    send(desk, Op.PAUSE, "Pauses:", **length)


def until_morning(now: datetime | None = None) -> float:
    """Seconds until the next 9:00."""
    now = now or datetime.now()
    nine = now.replace(hour=9, minute=0, second=0, microsecond=0)
    return (nine + timedelta(days=nine <= now) - now).total_seconds()


def quit_(desk: Desk) -> None:
    """Have the selected machines leave; asks where something runs there."""
    nodes = desk.chosen_machines()
    busy = sum(len(machines.running(node)) for node in nodes)
    says = f"{plural(busy, 'chunk')} in work would be given back and begun again elsewhere."
    if busy and not desk.ask.confirm(f"Quit renderd on {named(nodes)}?", says, "Quit"):
        return
    send(desk, Op.QUIT, "Leaves:")


def kill(desk: Desk) -> None:
    """Stop what the selected machines run and give it back; asks, as frames in work are lost."""
    nodes = desk.chosen_machines()
    chunks = [(node, one) for node in nodes for one in machines.running(node)]
    says = "Its frames in work are lost and rendered again; those that are done stay."
    title = f"Stop {plural(len(chunks), 'chunk')} on {named(nodes)}?"
    if not desk.ask.confirm(title, says, "Stop"):
        return

    def work() -> str:
        spool = desk.open()
        for node, one in chunks:
            said = {"job": str(one.get("job")), "chunk": one.get("chunk"), "by": me()}
            desk.send(spool, node.inc, Request(Op.KILL, said))
        desk.nudge(spool)
        return f"Stops {plural(len(chunks), 'chunk')} on {named(nodes)}"

    desk.order(Errand("kill", work))


def copy_names(desk: Desk) -> None:
    """Copy the names of the selected machines."""
    desk.ask.copy("\n".join(node.node for node in desk.chosen_machines()))


def named(nodes: Sequence[NodeView]) -> str:
    """One machine by its name, several by their number."""
    return label(nodes[0].node, 40) if len(nodes) == 1 else plural(len(nodes), "machine")


def any_chosen(desk: Desk) -> bool:
    """True while a machine is selected, dead or alive."""
    return bool(desk.chosen_machines())


def one_chosen(desk: Desk) -> bool:
    """True while exactly one machine is selected, dead or alive."""
    return len(desk.chosen_machines()) == 1


def any_asleep(desk: Desk) -> bool:
    """True while a machine that is dead and told its card's address is selected."""
    return any(map(_may_wake, desk.chosen_machines()))


def note(desk: Desk) -> None:
    """Ask for the note on the selected machine and write it down."""
    [node] = desk.chosen_machines()
    name = label(node.node, 40)
    says = "Everybody who looks at the farm sees it.  Empty: no note."
    typed = desk.ask.line(f"Note on {name}", says, node.note, _too_long)
    if typed is None or typed == node.note:
        return

    def put(text: str) -> Callable[[], str]:
        def work() -> str:
            notes.put(desk.open(), node.inc, text)
            return f"Noted on {name}" if text else f"No note on {name} any more"

        return work

    desk.order(Errand("note", put(typed), Errand(f"note on {name}", put(node.note))))


def wake(desk: Desk) -> None:
    """Call the selected machines that are dead, over this machine's networks."""
    nodes = [node for node in desk.chosen_machines() if _may_wake(node)]

    def work() -> str:
        return f"Called {', '.join(rouse(nodes))}; it is here as soon as its renderd runs"

    desk.order(Errand("wake", work))


def _may_wake(node: NodeView) -> bool:
    return node.state == "dead" and is_card(node.facts.get("card"))


def _too_long(text: str) -> str:
    return f"at most {notes.LONGEST} letters" if len(text) > notes.LONGEST else ""
