"""The machines' table: what each is, does and has left."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from frontend import node_words, words
from frontend.gui.models.rings import Rings
from fs_browser.column import Column
from fs_browser.table import Table
from renderd.core import recent
from renderd.core.label import label
from renderd.spool.records import NodeView


@dataclass(frozen=True, slots=True)
class Meter:
    """What a meter draws: how full, the words and the last ten minutes beside them."""

    part: float | None  #: 0 to 1; None where it is not known
    text: str
    past: tuple[float | None, ...] = ()


@dataclass(slots=True)
class Pulse:
    """What is known of machines beside their records, and would change a row each second."""

    rings: Rings = field(default_factory=Rings)
    heard: Mapping[str, float] = field(default_factory=dict)  #: last words, by our clock
    now: Callable[[], float] = time.time

    def silence(self, node: NodeView) -> float | None:
        """Seconds since a machine last said something; None where it never did."""
        heard = self.heard.get(node.inc)
        return None if heard is None else max(0.0, self.now() - heard)

    def sample(self, moment: float, nodes: Mapping[Any, NodeView]) -> None:
        """Add what the machines use now to their last ten minutes, each few seconds at most."""
        if not self.rings.is_due(moment):
            return
        keys = [(node, key) for node in nodes.values() for key in ("memory", "swap")]
        new = [(node, key) for node, key in keys if not self.rings.knows(node.inc, key)]
        self.rings.add(moment, {(node.inc, key): part(node, key) for node, key in keys})
        for node, key in new:
            said = node_words.table(node.status.get("load")).get(f"{key}_past")
            if self.rings.knows(node.inc, key) and isinstance(said, str):
                self.rings.recall(node.inc, key, recent.parts(said), recent.STEP)
        self.rings.keep({node.inc for node in nodes.values()})


def table(pulse: Pulse) -> Table[NodeView]:
    """An empty table of machines: those alive by name, then the dead."""
    return Table(_columns(pulse), lambda node: (node.state == "dead", node.node, node.inc))


def is_dead(node: NodeView) -> bool:
    """Whether it is certified dead: what it said last is true no more."""
    return node.state == "dead"


def load(node: NodeView, key: str) -> float | None:
    """A figure of its load; None where it does not say, or is dead."""
    if is_dead(node):
        return None
    value = node_words.table(node.status.get("load")).get(key)
    return float(value) if isinstance(value, int | float) else None


def memory(node: NodeView) -> Meter:
    """Memory used, of all."""
    return _meter(node, "memory")


def swap(node: NodeView) -> Meter:
    """Swap used, of all, and what moves there a second."""
    found = _meter(node, "swap")
    moving = (load(node, "swap_in") or 0) + (load(node, "swap_out") or 0)
    if moving >= 1024:
        return Meter(found.part, f"{found.text} {words.size(moving)}/s")
    return found


def running(node: NodeView) -> list[dict[str, Any]]:
    """What it says of each chunk that it runs; nothing of what a dead one ran."""
    if is_dead(node):
        return []
    return [node_words.table(one) for one in node_words.items(node.status.get("running"))]


def part(node: NodeView, key: str) -> float | None:
    """How full its memory or swap is, from 0 to 1; None where it does not say, or has none."""
    used, total = load(node, f"{key}_used"), load(node, f"{key}_total")
    return None if used is None or not total else min(used / total, 1.0)


def _meter(node: NodeView, key: str) -> Meter:
    full, total = part(node, key), load(node, f"{key}_total")
    if full is None:
        return Meter(None, "none" if total == 0 else "")
    used = words.size(load(node, f"{key}_used")) if full else "0"
    return Meter(full, f"{used}/{words.size(total)}")


def _figure(key: str, form: str) -> Callable[[NodeView], str]:
    return lambda node: node_words.number(load(node, key), form)


def _past(pulse: Pulse, key: str, meter: Callable[[NodeView], Meter]) -> Any:
    def paint(node: NodeView) -> Meter:
        return replace(meter(node), past=pulse.rings.past(node.inc, key))

    return paint


def _ten_minutes(
    pulse: Pulse, key: str, meter: Callable[[NodeView], Meter]
) -> Callable[[NodeView], str]:
    """What a meter says, and between what it was in the last ten minutes."""

    def tell(node: NodeView) -> str:
        past = [one for one in pulse.rings.past(node.inc, key) if one is not None]
        total, said = load(node, f"{key}_total"), meter(node).text
        if not past or not total:
            return said
        low, high = (words.size(one * total) for one in (min(past), max(past)))
        return f"{said}\nin the last ten minutes {low} to {high}"

    return tell


def _says(pulse: Pulse) -> Callable[[NodeView], str]:
    def say(node: NodeView) -> str:
        if not is_dead(node):
            return label(" · ".join(node_words.troubles(node)), 500)
        heard = pulse.heard.get(node.inc)
        since = f"silent since {words.moment(heard, pulse.now())}" if heard else "never heard"
        return label(" · ".join(filter(None, (node_words.noted(node), since))), 500)

    return say


def _columns(pulse: Pulse) -> tuple[Column[NodeView], ...]:
    return (*_who_and_what(pulse), *_load(pulse), *_facts(pulse))


def _who_and_what(pulse: Pulse) -> tuple[Column[NodeView], ...]:
    return (
        Column(
            key="state",
            title="State",
            text=lambda n: node_words.state(n)[1],
            paint=node_words.state,
            width=12,
        ),
        Column(
            key="node",
            title="Machine",
            text=lambda n: label(n.node, 40),
            tip=lambda n: label(f"{n.node} on {n.host}, {n.facts.get('system') or '?'}", 120),
            width=14,
        ),
        Column(
            key="doing",
            title="Works on",
            text=lambda n: "; ".join(node_words.doing(one) for one in running(n)),
            width=30,
        ),
        Column(key="says", title="Note", text=_says(pulse), width=24, grows=True),
    )


def _load(pulse: Pulse) -> tuple[Column[NodeView], ...]:
    return (
        Column(
            key="cpu",
            title="CPU",
            text=_figure("cpu_percent", "{:.0f} %"),
            order=lambda n: load(n, "cpu_percent"),
            is_number=True,
            width=7,
        ),
        Column(
            key="memory",
            title="Memory",
            text=lambda n: memory(n).text,
            order=lambda n: memory(n).part,
            paint=_past(pulse, "memory", memory),
            width=18,
            tip=_ten_minutes(pulse, "memory", memory),
            explains="Used, of all; beside it the last ten minutes, as high as the most of them",
        ),
        Column(
            key="swap",
            title="Swap",
            text=lambda n: swap(n).text,
            order=lambda n: swap(n).part,
            paint=_past(pulse, "swap", swap),
            width=18,
            tip=_ten_minutes(pulse, "swap", swap),
            explains="Used, of all, and what moves in and out a second; the last ten minutes",
        ),
        Column(
            key="gpu",
            title="GPU",
            text=_figure("gpu_percent", "{:.0f} %"),
            order=lambda n: load(n, "gpu_percent"),
            is_number=True,
            is_shown=False,
            is_shown_when=lambda n: load(n, "gpu_percent") is not None,
            width=6,
        ),
        Column(
            key="temperature",
            title="Temp.",
            text=_figure("temperature", "{:.0f} °C"),
            order=lambda n: load(n, "temperature"),
            is_number=True,
            is_shown=False,
            is_shown_when=lambda n: load(n, "temperature") is not None,
            width=7,
        ),
        Column(
            key="disk",
            title="Disk free",
            text=lambda n: words.size(load(n, "disk_free")),
            order=lambda n: load(n, "disk_free"),
            is_number=True,
            width=10,
        ),
    )


def _facts(pulse: Pulse) -> tuple[Column[NodeView], ...]:
    return (
        Column(
            key="heard",
            title="Heard",
            text=lambda n: words.age(pulse.silence(n)),
            order=pulse.silence,
            is_number=True,
            width=7,
            explains="How long ago it last said how it fares",
        ),
        Column(
            key="blenders",
            title="Blender",
            text=lambda n: label(node_words.blenders(n), 40),
            width=12,
        ),
        Column(
            key="version",
            title="Release",
            text=lambda n: label(str(n.facts.get("version") or ""), 16),
            width=12,
            explains="Of renderd",
            is_shown=False,
        ),
        Column(
            key="pools",
            title="Pools",
            text=lambda n: label(", ".join(map(str, node_words.items(n.facts.get("pools")))), 60),
            width=8,
            is_shown=False,
            is_shown_when=lambda n: bool(node_words.items(n.facts.get("pools"))),
        ),
        Column(
            key="slots",
            title="Slots",
            text=lambda n: node_words.number(n.facts.get("slots"), "{}"),
            order=lambda n: n.facts.get("slots") or 0,
            is_number=True,
            width=6,
            explains="Chunks that it takes at once",
            is_shown=False,
        ),
    )
