"""`render nodes`: the nodes of the farm, what they do and how they fare."""

import argparse
from typing import Any

from frontend import words
from frontend.cli import output
from frontend.cli.farm import open_farm
from renderd.core.label import label
from renderd.core.policy import SCRIPTS
from renderd.spool import ability, view
from renderd.spool.view import NodeView

_HEAD = (
    "NODE",
    "STATE",
    "RUNS",
    "LOAD",
    "MEM",
    "SWAP",
    "GPU",
    "TEMP",
    "POOLS",
    "VERSION",
    "BLENDER",
    "SEEN",
    "",
)
_RIGHT = (3, 4, 5, 6, 7, 11)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "nodes",
        help="list the nodes of the farm",
        description="List the nodes that are alive; --all also those certified dead.",
    )
    parser.add_argument("nodes", nargs="*", metavar="NODE", help="only these, by name or host")
    parser.add_argument("--all", action="store_true", help="also dead nodes")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List the nodes."""
    spool = open_farm(args)
    found = view.read_nodes(spool)
    dead = sum(n.state == "dead" for n in found)
    if not args.all:
        found = [n for n in found if n.state != "dead"]
    if args.nodes:
        found = [n for n in found if {n.node, n.host, n.inc} & set(args.nodes)]
    if args.json:
        return output.emit({"nodes": [node.to_dict() for node in found]})
    colours = output.has_colour(args)
    for line in table(found, colours=colours) if found else ():
        output.say(line)
    if mixed := ability.mixed_versions([node for node in found if node.state != "dead"]):
        output.say(f"Several releases are at work: {mixed}.  After upgrading the others:")
        output.say("  render node restart --all")
    if not found:
        output.say("No node is alive.  Start one with: renderd")
    if dead and not args.all:
        output.say(f"({dead} dead: render nodes --all)")
    return 0


def table(found: list[NodeView], *, colours: bool) -> list[str]:
    """The nodes as aligned lines."""
    rows = [_row(node, colours=colours) for node in found]
    return output.table(_HEAD, rows, right=_RIGHT)


def _row(node: NodeView, *, colours: bool) -> tuple[str, ...]:
    status, load = node.status, _dict(node.status.get("load"))
    return (
        label(node.node, 24),
        _state(node, colours=colours),
        "; ".join(_doing(r) for r in _list(status.get("running"))),
        _number(load.get("load1"), "{:.1f}"),
        _share(load.get("memory_used"), load.get("memory_total")),
        words.size(load.get("swap_used")) if load.get("swap_used") else "",
        _number(load.get("gpu_percent"), "{:.0f}%"),
        _number(load.get("temperature"), "{:.0f}°"),
        ",".join(map(str, _list(status.get("pools")))),
        label(str(node.facts.get("version") or ""), 16),
        label(_blenders(node), 24),
        words.age(node.age),
        label(" · ".join(_troubles(node))),
    )


def _blenders(node: NodeView) -> str:
    known = node.facts.get("blenders")
    if known is None:
        return "looking" if node.facts else ""
    return ", ".join(map(str, _list(known)))


def _troubles(node: NodeView) -> list[str]:
    """What it says of itself: why it rests, what it lacks and what it does not see."""
    said = [str(node.status[key]) for key in ("reason", "trouble") if node.status.get(key)]
    said += [str(one) for one in _list(node.status.get("shortages"))]
    said += dict.fromkeys(map(str, _dict(node.facts.get("faults")).values()))
    for name, reason in _dict(node.status.get("unseen")).items():
        said.append(f"does not see {name if name == SCRIPTS else f'{{{name}}}'}: {reason}")
    lacks = _list(node.facts.get("lacks"))
    said += [f"has no path for {', '.join(f'{{{name}}}' for name in lacks)}"] if lacks else []
    return said


def _doing(running: Any) -> str:
    run = _dict(running)
    percent = _number(run.get("percent"), " {:.0f}%")
    frame = f" frame {run['frame']}" if run.get("frame") is not None else ""
    eta = f", {words.age(run['eta'])} left" if run.get("eta") is not None else ""
    return label(f"{run.get('name') or run.get('job')} #{run.get('chunk')}{frame}{percent}{eta}")


def _state(node: NodeView, *, colours: bool) -> str:
    if node.state == "dead":
        return output.state("dead", colours=colours)
    word = str(node.status.get("state") or "alive")
    shown = {"rendering": "run", "idle": "alive"}.get(word, "resting")
    glyph = output.state(shown if word != "alive" else "alive", colours=False).split()[0]
    return output.paint(f"{glyph} {word}", words.STATES[shown][3], is_on=colours)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any, form: str) -> str:
    return form.format(value) if isinstance(value, int | float) else ""


def _share(used: Any, total: Any) -> str:
    if not isinstance(used, int | float) or not isinstance(total, int | float) or not total:
        return ""
    return f"{words.size(used)}/{words.size(total)}"
