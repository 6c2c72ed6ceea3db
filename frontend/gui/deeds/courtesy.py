"""When machines work for the farm: beside a person, only without one, outside office hours."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from frontend.farm import me
from frontend.gui.bridge import Errand
from frontend.gui.deeds.machines import named
from frontend.gui.desk import Desk
from frontend.gui.models import here
from renderd.core.courtesy import When
from renderd.core.wire import AS_CONFIGURED, Op, Request
from renderd.spool.records import NodeView

Chosen = Callable[[Desk], Sequence[NodeView]]
SAID = {
    When.ALWAYS: "always, in the background",
    When.AWAY: "only while nobody uses it",
    When.OFF_HOURS: "outside office hours only",
    When.NEVER: "never",
}


def selected(desk: Desk) -> list[NodeView]:
    """The selected machines that live and can be told when to work."""
    return [n for n in desk.chosen_machines() if n.state != "dead" and _policy(n)]


def own(desk: Desk) -> list[NodeView]:
    """The machine that the person sits at, where it can be told."""
    found = here.node(desk)
    return [found] if found is not None and _policy(found) else []


def may(chosen: Chosen) -> Callable[[Desk], bool]:
    """True while there is a machine that can be told."""
    return lambda desk: bool(chosen(desk))


def holds(chosen: Chosen, when: When) -> Callable[[Desk], bool]:
    """True while that is how all of the machines work."""

    def is_so(desk: Desk) -> bool:
        said = {_policy(node).get("when") for node in chosen(desk)}
        return said == {when.value}

    return is_so


def tell(desk: Desk, chosen: Chosen, when: When) -> None:
    """Have machines work so from now on, also after a restart; undo brings the old way back."""
    nodes = chosen(desk)
    old = {node.inc: _before(_policy(node)) for node in nodes}
    who = "This machine" if chosen is own else named(nodes)
    verb = "work" if chosen is not own and len(nodes) > 1 else "works"

    def order(said: Callable[[str], Mapping[str, Any]], words: str) -> Callable[[], str]:
        def work() -> str:
            spool = desk.open()
            for node in nodes:
                args = {**said(node.inc), "by": me()}
                desk.send(spool, node.inc, Request(Op.COURTESY, args))
            desk.nudge(spool)
            return words

        return work

    there = order(lambda _inc: {"when": when.value}, f"{who} {verb} {SAID[when]}")
    back = order(lambda inc: old[inc], f"{who} {verb} as before")
    desk.order(Errand("courtesy", there, Errand(f"when {who} {verb}", back)))


def _before(policy: Mapping[str, Any]) -> dict[str, Any]:
    if not policy.get("ordered"):
        return {"when": AS_CONFIGURED}
    found = {key: policy[key] for key in ("when", "away", "office") if policy.get(key)}
    return found or {"when": AS_CONFIGURED}


def _policy(node: NodeView) -> Mapping[str, Any]:
    """What it says of it; an earlier release says nothing, and takes no such order."""
    found = node.status.get("policy")
    return found if isinstance(found, dict) else {}
