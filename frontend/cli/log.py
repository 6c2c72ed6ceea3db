"""`render log JOB [CHUNK]`: what a chunk's command printed."""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from frontend.cli import output
from frontend.cli.farm import open_farm, pick, settings
from frontend.cli.parser import jobs_argument
from renderd.core.label import UNSEEN, label
from renderd.errors import UsageError
from renderd.spool import listing, tickets
from renderd.spool.layout import OPEN
from renderd.spool.moves import names

if TYPE_CHECKING:
    from renderd.client import Client
    from renderd.spool.layout import Spool
    from renderd.spool.logs import LogEnd

_EVERY = 1.0


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "log",
        help="show what a chunk's command printed",
        description="Show the log of a chunk's last attempt; without CHUNK the newest of the job.",
    )
    jobs_argument(parser, many=False)
    parser.add_argument("chunk", nargs="?", metavar="CHUNK", help="its number, as `chunks` shows")
    parser.add_argument("--attempt", type=int, metavar="N", help="not the last attempt but this")
    parser.add_argument("-n", "--lines", type=int, metavar="N", help="only the last N lines")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as it is printed")
    parser.add_argument(
        "--errors", action="store_true", help="why attempts ended without success, in short"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the log."""
    chunk = _number(args.chunk)
    if args.follow and args.json:
        raise UsageError("--follow prints text as it comes", "leave --json away")
    spool = open_farm(args)
    jid = pick(spool, [args.job])[0][1].jid
    if args.errors:
        return _show_errors(args, spool, jid, chunk)
    from renderd.client import Client  # noqa: PLC0415  --errors needs it not

    with Client(settings(args), spool) as client:
        end = _end(args, client, spool, jid, chunk)
        if args.json:
            return output.emit({"job": jid, "log": end.to_dict()})
        output.talk(f"chunk {end.chunk}, attempt {end.attempt}, {end.node}: {end.path}")
        if not args.follow:
            lines = end.text.splitlines()
            _write(lines[-args.lines :] if args.lines else lines)
            return 0
        for line in client.follow(jid, end.chunk):
            _write([line])
            sys.stdout.flush()
    return 0


def _end(
    args: argparse.Namespace, client: "Client", spool: "Spool", jid: str, chunk: int | None
) -> "LogEnd":
    """The log; who follows waits until there is one, while the job is open."""
    while True:
        try:
            return client.log(jid, chunk, args.attempt)
        except UsageError:
            place = tickets.find(spool, jid)
            if not args.follow or place is None or place[0] not in OPEN:
                raise
        time.sleep(_EVERY)


def _number(word: str | None) -> int | None:
    if word is None:
        return None
    if not word.isdecimal():
        raise UsageError(f"{word!r} is no chunk's number", "see: render chunks JOB")
    return int(word)


def _write(lines: list[str]) -> None:
    # What a renderer prints must not steer the terminal; tabs may stay.
    for line in lines:
        parts = [UNSEEN.sub("\ufffd", part) for part in line.split("\t")]
        sys.stdout.write("\t".join(parts) + "\n")


def _show_errors(args: argparse.Namespace, spool: "Spool", jid: str, chunk: int | None) -> int:
    known = listing.attempts(names(spool, spool.job(jid, "err")))
    wanted = {i: n for i, n in sorted(known.items()) if chunk in (None, i)}
    found = [
        {"chunk": index, "attempt": int(note.split(".")[1]), "node": listing.owner_of(note)}
        | {"text": _read(spool, jid, note)}
        for index, notes in wanted.items()
        for note in notes
        if args.attempt in (None, int(note.split(".")[1]))
    ]
    if args.json:
        return output.emit({"job": jid, "errors": found})
    for error in found:
        output.say(label(f"chunk {error['chunk']}, attempt {error['attempt']}, {error['node']}"))
        _write([f"  {line}" for line in str(error["text"]).splitlines()])
    if not found:
        output.say("no attempt ended without success")
    return 0


def _read(spool: "Spool", jid: str, note: str) -> str:
    try:
        return spool.share.read(spool.job(jid, "err", note), 65536).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
