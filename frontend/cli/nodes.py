"""`render nodes`: the nodes of the farm, what they do and how they fare."""

import argparse

from frontend import node_words, words
from frontend.cli import output
from frontend.cli.farm import open_farm
from renderd.core.label import label
from renderd.spool import ability, view
from renderd.spool.records import NodeView

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
        mixed = label(mixed, 200)
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
    status, load = node.status, node_words.table(node.status.get("load"))
    return (
        label(node.node, 24),
        _state(node, colours=colours),
        "; ".join(node_words.doing(r) for r in node_words.items(status.get("running"))),
        node_words.number(load.get("load1"), "{:.1f}"),
        node_words.share(load.get("memory_used"), load.get("memory_total")),
        node_words.size(load.get("swap_used")),
        node_words.number(load.get("gpu_percent"), "{:.0f}%"),
        node_words.number(load.get("temperature"), "{:.0f}°"),
        label(",".join(map(str, node_words.items(status.get("pools")))), 40),
        label(str(node.facts.get("version") or ""), 16),
        label(node_words.blenders(node), 24),
        words.age(node.age),
        label(" · ".join(node_words.troubles(node))),
    )


def _state(node: NodeView, *, colours: bool) -> str:
    key, word = node_words.state(node)
    glyph = output.state(key, colours=False).split()[0]
    return output.paint(f"{glyph} {word}", words.STATES[key][3], is_on=colours)
