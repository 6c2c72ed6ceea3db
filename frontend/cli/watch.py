"""`render watch`: the farm, drawn again as it changes."""

import argparse
import json
import shutil
import signal
import sys
import time
from typing import Any

from frontend.cli import jobs as jobs_verb
from frontend.cli import nodes as nodes_verb
from frontend.cli import output
from frontend.cli.farm import open_farm
from renderd.core.amounts import plural
from renderd.errors import UsageError
from renderd.spool import view
from renderd.spool.layout import CANCELLED, DONE, TICKETS, Spool
from renderd.spool.records import JobView, NodeView

_SHOWN = tuple(f for f in TICKETS if f not in (DONE, CANCELLED))
_HOME, _CLEAR_LINE, _CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"
_OTHER_SCREEN, _OWN_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_PASSING = ("age", "eta", "eta_low", "eta_high", "born_ns")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "watch",
        help="show the farm, drawn again as it changes",
        description="Show open jobs and live nodes until Ctrl+C.",
    )
    parser.add_argument(
        "--interval", type=float, default=2.0, metavar="S", help="seconds between looks, 2"
    )
    parser.add_argument("--once", action="store_true", help="look once and end")
    parser.add_argument(
        "--json-lines", action="store_true", help="one JSON object a line, at each change"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the farm until interrupted."""
    if not 0.1 <= args.interval <= 3600:
        raise UsageError(f"--interval {args.interval:g} is out of range", "say 0.1 to 3600 seconds")
    spool = open_farm(args)
    is_data = args.json_lines or args.json
    is_screen = sys.stdout.isatty() and not is_data and not args.once
    try:
        if is_screen:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the screen must come back
            sys.stdout.write(_OTHER_SCREEN)
        _loop(args, spool, is_data=is_data, is_screen=is_screen)
    finally:
        if is_screen:
            sys.stdout.write(_OWN_SCREEN)
            sys.stdout.flush()
    return 0


def _loop(args: argparse.Namespace, spool: Spool, *, is_data: bool, is_screen: bool) -> None:
    before: Any = None
    while True:
        try:
            known = view.read_nodes(spool)
            jobs = view.read_jobs(spool, _SHOWN, known)
            nodes = [n for n in known if n.state != "dead"]
        except OSError as error:
            if args.once:
                raise
            output.talk(f"{error.strerror or error}; looking again")
            time.sleep(args.interval)
            continue
        now = _lasting(jobs, nodes)
        if is_data and now != before:
            value = {"schema": output.SCHEMA, "jobs": [j.to_dict() for j in jobs]}
            sys.stdout.write(json.dumps(value | {"nodes": [n.to_dict() for n in nodes]}) + "\n")
        elif not is_data and (is_screen or now != before):
            _draw(_lines(args, spool, jobs, nodes), is_screen=is_screen)
        sys.stdout.flush()
        if args.once:
            return
        before = now
        time.sleep(args.interval)


def _lasting(jobs: list[JobView], nodes: list[NodeView]) -> list[Any]:
    """What counts as a change: not that time passes."""
    known = [{k: v for k, v in j.to_dict().items() if k not in _PASSING} for j in jobs]
    fared = [(n.inc, n.state, n.status.get("state"), n.status.get("running")) for n in nodes]
    return [known, fared]


def _lines(
    args: argparse.Namespace, spool: Spool, jobs: list[JobView], nodes: list[NodeView]
) -> list[str]:
    colours = output.has_colour(args)
    running = sum(j.running for j in jobs)
    counts = f"{plural(len(jobs), 'job')}, {running} running, {len(nodes)} nodes"
    lines = [f"{spool.root}   {counts}", ""]
    lines += jobs_verb.table(jobs, colours=colours) if jobs else ["No job is open."]
    lines.append("")
    return lines + (nodes_verb.table(nodes, colours=colours) if nodes else ["No node is alive."])


def _draw(lines: list[str], *, is_screen: bool) -> None:
    if not is_screen:
        sys.stdout.write("\n".join(map(output.harmless, lines)) + "\n\n")
        return
    shown = [output.harmless(line) for line in lines]
    shown = shown[: shutil.get_terminal_size().lines - 1]
    sys.stdout.write(_HOME + "".join(f"{x}{_CLEAR_LINE}\n" for x in shown) + _CLEAR_REST)
