"""Machines by the names people use, also those that are gone; their notes, and waking them."""

from collections.abc import Iterable

from renderd.core.label import label, nearest
from renderd.errors import UsageError
from renderd.host import wake
from renderd.spool import view
from renderd.spool.layout import Spool
from renderd.spool.records import NodeView

_REMEDY = "it does so when its renderd starts with a network"


def find(spool: Spool, word: str) -> NodeView:
    """The newest run of the machine that a name, host or incarnation means, dead or alive.

    Raises UsageError that names the nearest, OSError.
    """
    known = view.read_nodes(spool)
    found = [node for node in known if word in (node.inc, node.node, node.host)]
    if not found:
        names = sorted({node.node for node in known})
        remedy = nearest(word, names) if names else "no node was ever here"
        raise UsageError(f"no node is called {word!r}", remedy)
    return min(found, key=lambda node: (node.state == "dead", node.age or 0.0))


def rouse(nodes: Iterable[NodeView], targets: Iterable[wake.Target] = ()) -> list[str]:
    """Send each machine its magic packet; their names.

    Raises UsageError where a machine never told the address of its card, or no network is there.
    """
    woken, targets = [], tuple(targets)
    for node in nodes:
        name, mac = label(node.node, 40), node.facts.get("card")
        if not isinstance(mac, str) or not wake.is_card(mac):
            raise UsageError(f"{name} never told the address of its network card", _REMEDY)
        if not wake.send(mac, targets):
            raise UsageError(
                f"the packet that wakes {name} could not be sent", "see: ip address, or say --to"
            )
        woken.append(name)
    return woken
