"""`render chunks JOB`: where each chunk of a job stands."""

import argparse

from frontend.cli import output
from frontend.cli.farm import open_farm, pick
from frontend.cli.parser import jobs_argument
from renderd.core.chunk import State
from renderd.core.label import nearest
from renderd.errors import UsageError
from renderd.spool import view

_HEAD = ("CHUNK", "FRAMES", "STATE", "NODE", "TRY", "FAILED", "LOST", "ERROR")
_WORDS = {"waiting": "wait", "running": "run", "failed": "fail"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "chunks",
        help="list the chunks of a job",
        description="List the chunks of a job: frames, state, node, attempts, last error.",
    )
    jobs_argument(parser, many=False)
    parser.add_argument(
        "--state", action="append", metavar="STATE", help="only wait, run, done or fail"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List the chunks."""
    spool = open_farm(args)
    [(folder, ticket)] = pick(spool, [args.job])
    found = view.read_chunks(spool, ticket.jid, _states(args.state))
    if args.json:
        chunks = [chunk.to_dict() for chunk in found]
        return output.emit({"job": ticket.jid, "state": folder, "chunks": chunks})
    colours = output.has_colour(args)
    rows = [
        (
            str(c.index),
            c.frames,
            output.state(c.state, colours=colours),
            c.node,
            str(c.attempt) if c.attempt > 1 else "",
            str(c.failures or ""),
            str(c.losses or ""),
            c.error,
        )
        for c in found
    ]
    for line in output.table(_HEAD, rows, right=(0, 4, 5, 6)) if rows else ():
        output.say(line)
    if not found:
        output.say(f"job {ticket.jid} has no such chunk")
    return 0


def _states(words: list[str] | None) -> tuple[State, ...]:
    if not words:
        return tuple(State)
    states = []
    for word in words:
        state = _WORDS.get(word.lower(), word.lower())
        if state not in set(State):
            raise UsageError(f"no chunk can be {word!r}", nearest(word, [s.value for s in State]))
        states.append(State(state))
    return tuple(states)
