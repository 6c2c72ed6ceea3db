"""This machine's part in the farm, as one word and one sentence."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from frontend import node_words, words
from frontend.gui.models.machines import running
from renderd.core.label import label
from renderd.host.facts import host_name
from renderd.spool.records import NodeView

if TYPE_CHECKING:
    from frontend.gui.desk import Desk


class Mood(StrEnum):
    """What a tray icon can tell."""

    IDLE = "idle"
    RENDERING = "rendering"
    PAUSED = "paused"
    TROUBLE = "trouble"
    OFF = "off"  #: no renderd here


@dataclass(frozen=True, slots=True)
class Here:
    """This machine now."""

    mood: Mood
    says: str


def node(desk: "Desk") -> NodeView | None:
    """This machine's live node: that of the daemon that answers here, else one of our host."""
    held = desk.machines.records
    if desk.daemon is not None and desk.daemon.inc in held:
        return held[desk.daemon.inc]
    host = host_name()
    return next((n for n in held.values() if n.host == host and n.state != "dead"), None)


def tell(desk: "Desk") -> Here:
    """How this machine fares."""
    if not desk.settings.spool:
        return Here(Mood.OFF, "no farm is chosen yet")
    if desk.why:
        return Here(Mood.TROUBLE, label(desk.why, 200))
    found = node(desk)
    if found is None:
        return Here(Mood.OFF, "renderd does not run on this machine")
    if found.status.get("trouble"):
        return Here(Mood.TROUBLE, label(str(found.status["trouble"]), 200))
    state = str(found.status.get("state") or "idle")
    if state in ("suspended", "yielding"):
        return Here(Mood.PAUSED, label(f"{state.capitalize()}: {found.status.get('reason')}", 160))
    if works := running(found):
        return Here(Mood.RENDERING, "Renders " + "; ".join(map(node_words.doing, works)))
    if state in ("idle", "waiting"):
        return Here(Mood.IDLE, "Nothing to render here" if state == "idle" else "Waits for room")
    until = found.status.get("until")
    end = (
        f" until {words.moment(until, desk.clock.now())}" if isinstance(until, int | float) else ""
    )
    return Here(Mood.PAUSED, label(f"{state.capitalize()}{end}", 100))
