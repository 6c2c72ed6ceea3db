"""The machines' table: what each is, does and has left."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from frontend import node_words, words
from fs_browser.table import Column, Table
from renderd.core.label import label
from renderd.spool.view import NodeView


@dataclass(frozen=True, slots=True)
class Meter:
    """What a meter draws: how full, and the words beside it."""

    part: float | None  #: 0 to 1; None where it is not known
    text: str


def table() -> Table[NodeView]:
    """An empty table of machines: those alive by name, then the dead."""
    return Table(_COLUMNS, lambda node: (node.state == "dead", node.node, node.inc))


def load(node: NodeView, key: str) -> float | None:
    """A figure of its load; None where it does not say."""
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
    """What it says of each chunk that it runs."""
    return [node_words.table(one) for one in node_words.items(node.status.get("running"))]


def _meter(node: NodeView, key: str) -> Meter:
    used, total = load(node, f"{key}_used"), load(node, f"{key}_total")
    if used is None or not total:
        return Meter(None, "none" if total == 0 else "")
    return Meter(min(used / total, 1.0), f"{words.size(used)}/{words.size(total)}")


def _figure(key: str, form: str) -> Callable[[NodeView], str]:
    return lambda node: node_words.number(load(node, key), form)


_COLUMNS: tuple[Column[NodeView], ...] = (
    Column(
        key="state",
        title="State",
        text=lambda n: node_words.state(n)[1],
        paint=node_words.state,
        width=12,
    ),
    Column(key="node", title="Machine", text=lambda n: label(n.node, 40), width=16),
    Column(
        key="doing",
        title="Works on",
        text=lambda n: "; ".join(node_words.doing(one) for one in running(n)),
        width=34,
    ),
    Column(
        key="cpu",
        title="CPU",
        text=_figure("cpu_percent", "{:.0f} %"),
        order=lambda n: load(n, "cpu_percent"),
        is_number=True,
        width=6,
    ),
    Column(
        key="memory",
        title="Memory",
        text=lambda n: memory(n).text,
        order=lambda n: memory(n).part,
        paint=memory,
        width=18,
        explains="Used, of all",
    ),
    Column(
        key="swap",
        title="Swap",
        text=lambda n: swap(n).text,
        order=lambda n: swap(n).part,
        paint=swap,
        width=18,
        explains="Used, of all; and what moves in and out a second",
    ),
    Column(
        key="gpu",
        title="GPU",
        text=_figure("gpu_percent", "{:.0f} %"),
        order=lambda n: load(n, "gpu_percent"),
        is_number=True,
        width=6,
    ),
    Column(
        key="temperature",
        title="Temp.",
        text=_figure("temperature", "{:.0f} °C"),
        order=lambda n: load(n, "temperature"),
        is_number=True,
        width=7,
    ),
    Column(
        key="disk",
        title="Disk free",
        text=lambda n: words.size(load(n, "disk_free")),
        order=lambda n: load(n, "disk_free"),
        is_number=True,
        width=9,
    ),
    Column(
        key="blenders", title="Blender", text=lambda n: label(node_words.blenders(n), 40), width=12
    ),
    Column(
        key="says",
        title="Says",
        text=lambda n: label(" · ".join(node_words.troubles(n)), 500),
        width=40,
    ),
    Column(
        key="version",
        title="Release",
        text=lambda n: label(str(n.facts.get("version") or ""), 16),
        width=9,
        is_shown=False,
    ),
)
