"""`render node ORDER NODE…`: pause, drain, restart, quit … on a node."""

import argparse
import sys
import time
from typing import Any

from frontend import machines
from frontend.cli import output
from frontend.cli.farm import nudge, open_farm, pick
from frontend.farm import me
from renderd.core import amounts, hours
from renderd.core.courtesy import When
from renderd.core.label import label, nearest
from renderd.core.wire import AS_CONFIGURED, Op, Request
from renderd.errors import UsageError
from renderd.host import wake
from renderd.spool import notes, orders
from renderd.spool.layout import Spool

_ORDERS = {
    "pause": "give back what runs and take nothing",
    "resume": "take chunks again",
    "drain": "finish what runs, then leave",
    "undrain": "stay after all",
    "restart": "end the frame in work, then begin anew with the code that is installed now",
    "quit": "give back what runs and leave",
    "courtesy": "say with --when whether it works beside a person, only without, or never",
    "kill": "stop chunks that run there and give them back",
}
_DEEDS = {
    "note": "NODE TEXT: write down what people should know of it; without TEXT take that away",
    "wake": "wake it over the network, also one that is dead",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "node",
        help="pause, resume, drain, undrain, restart, quit or kill on a node; note, wake",
        description="Order nodes about; they obey at their next beat.\n\n"
        + "\n".join(f"  {name:<8} {says}" for name, says in (_ORDERS | _DEEDS).items()),
    )
    parser.add_argument("order", metavar="ORDER", help=", ".join(_ORDERS | _DEEDS))
    parser.add_argument("nodes", nargs="*", metavar="NODE", help="by name, host or incarnation")
    parser.add_argument("--all", action="store_true", help="every live node")
    parser.add_argument("--for", dest="seconds", metavar="TIME", help="pause: like 90, 10m, 2h30m")
    parser.add_argument("--until", metavar="HH:MM", help="pause: until this time of day")
    parser.add_argument(
        "--now",
        action="store_true",
        help="drain: at the end of the frame; restart: at once; quit: without grace",
    )
    parser.add_argument(
        "--when", metavar="WHEN", help="courtesy: always, away, off-hours, never or configured"
    )
    parser.add_argument("--away", metavar="TIME", help="courtesy: idle so long means away")
    parser.add_argument("--office", metavar="HOURS", help="courtesy: like 'mon-fri 9:00-18:00'")
    parser.add_argument("--job", metavar="JOB", help="kill: only chunks of this job")
    parser.add_argument("--chunk", type=int, metavar="N", help="kill: only this chunk")
    parser.add_argument("--to", metavar="IP[:PORT]", help="wake: only there, not on every network")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Send the order to every live incarnation of each node."""
    if args.order not in _ORDERS | _DEEDS:
        raise UsageError(f"there is no order {args.order!r}", nearest(args.order, _ORDERS | _DEEDS))
    if args.to and args.order != "wake":
        raise UsageError("--to goes with wake", "say: render node wake NODE --to ADDRESS")
    if args.order in _DEEDS:
        return _note(args) if args.order == "note" else _wake(args)
    request = _request(args)
    spool = open_farm(args)
    sent: list[dict[str, Any]] = []
    for word in _nodes(args, spool):
        if args.order == "kill":
            sent += _kill(args, spool, word)
        else:
            found = orders.send(spool, word, request)
            sent.append({"node": word, "incarnations": list(found.incarnations)})
    if args.json:
        return output.emit({"order": args.order, "sent": sent})
    for one in sent:
        what = f" chunk {one['chunk']} of {one['job']}" if "chunk" in one else ""
        output.say(f"{label(one['node'])}: {args.order}{what}, {_when(args)}")
    if not sent:
        output.say("nothing of that runs there")
    nudge(args, spool)
    return 0


def _note(args: argparse.Namespace) -> int:
    """Write down or take away what people should know of a machine."""
    if args.all or not args.nodes:
        raise UsageError("a note is about one node", "say: render node note NODE TEXT")
    spool, text = open_farm(args), " ".join(args.nodes[1:])
    node = machines.find(spool, args.nodes[0])
    notes.put(spool, node.inc, text)
    if args.json:
        return output.emit({"order": "note", "node": node.node, "note": text})
    output.say(f"{label(node.node)}: {label(text, notes.LONGEST)}" if text else "no note any more")
    return 0


def _wake(args: argparse.Namespace) -> int:
    """Send machines the packet that wakes them."""
    if args.all or not args.nodes:
        raise UsageError("name the nodes to wake", "see: render nodes --all")
    spool = open_farm(args)
    host, _, port = (args.to or "").partition(":")
    if port and not (port.isdecimal() and 0 < int(port) < 65_536):
        raise UsageError(f"{args.to!r} names no port", "write it as 10.0.3.255:9")
    targets = [(host, int(port or wake.PORT))] if host else []
    woken = machines.rouse([machines.find(spool, word) for word in args.nodes], targets)
    if args.json:
        return output.emit({"order": "wake", "woken": woken})
    output.say(f"{', '.join(woken)}: called; where its firmware allows it, it starts now")
    return 0


def _nodes(args: argparse.Namespace, spool: Spool) -> list[str]:
    """The nodes that were named, or with --all every live one."""
    if bool(args.nodes) == args.all:
        raise UsageError(
            "name the nodes, or say --all" if not args.all else "--all means every node",
            "see: render nodes" if not args.all else "leave the names out",
        )
    if args.nodes:
        return list(args.nodes)
    return sorted({orders.node_name(spool, inc) for inc in orders.live(spool)})


def _when(args: argparse.Namespace) -> str:
    """When a node does it, for a person."""
    if args.order == ("drain" if args.now else "restart"):
        return "at the end of the frame in work"
    return "at the end of the chunk in work" if args.order == "drain" else "at its next beat"


def _request(args: argparse.Namespace) -> Request:
    said: dict[str, Any] = {"by": me()}
    given = {"--for": args.seconds, "--until": args.until}
    for flag, value in given.items():
        if value and args.order != "pause":
            raise UsageError(f"{flag} goes with pause", f"say: render node pause NODE {flag} …")
    if args.seconds and args.until:
        raise UsageError("--for and --until say the same thing", "say one of them")
    seconds = _seconds(args)
    if args.order == "pause" and seconds is None and _is_talk(args):
        seconds = _ask_length()
    if seconds is not None:
        # The length counts, on the node's own clock; the time is for those that know no length.
        said |= {"for": seconds, "until": round(time.time() + seconds, 3)}
    if args.now:
        if args.order not in ("drain", "restart", "quit"):
            raise UsageError(
                "--now goes with drain, restart and quit", "say: render node quit NODE --now"
            )
        said["now"] = True
    if args.order == "courtesy" or args.when or args.away or args.office:
        said |= _courtesy(args)
    return Request(Op(args.order), said)


def _courtesy(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments of an order that says when a machine works."""
    if args.order != "courtesy":
        raise UsageError("--when, --away and --office go with courtesy")
    choices = [*When, AS_CONFIGURED]
    if args.when not in choices:
        raise UsageError(
            f"courtesy needs --when, one of {', '.join(choices)}",
            "say: render node courtesy NODE --when away",
        )
    if args.away and args.when != When.AWAY:
        raise UsageError("--away goes with --when away")
    if args.office and args.when != When.OFF_HOURS:
        raise UsageError("--office goes with --when off-hours")
    said: dict[str, Any] = {"when": args.when}
    try:
        if args.away:
            said["away"] = amounts.duration(args.away)
        if args.office:
            said["office"] = hours.parse(args.office).text
    except ValueError as error:
        raise UsageError(str(error)) from None
    return said


def _seconds(args: argparse.Namespace) -> float | None:
    if args.until:
        return _until(args.until)
    if not args.seconds:
        return None
    try:
        return amounts.duration(args.seconds)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _is_talk(args: argparse.Namespace) -> bool:
    """True where a person types at a terminal and can be asked."""
    return not args.json and sys.stdin.isatty() and sys.stdout.isatty()


def _ask_length() -> float | None:
    """Ask for how long; None: until told.  Pauses without an end are forgotten."""
    output.say("Pause for how long?  1 an hour   2 until 9:00   3 until I say")
    answer = input("[1] ").strip() or "1"
    if answer not in ("1", "2", "3"):
        raise UsageError(f"{answer[:20]!r} is none of them", "say --for TIME or --until HH:MM")
    return {"1": 3600.0, "2": _until("9:00"), "3": None}[answer]


def _until(text: str) -> float:
    """Seconds from now to the next time the clock shows HH:MM here."""
    hour, colon, minute = text.partition(":")
    if not colon or not hour.isdecimal() or not minute.isdecimal():
        raise UsageError(f"{text!r} is no time of day", "write it as 18:30")
    if int(hour) > 23 or int(minute) > 59:
        raise UsageError(f"{text!r} is no time of day", "write it as 18:30")
    now = time.localtime()
    seconds = (int(hour) - now.tm_hour) * 3600 + (int(minute) - now.tm_min) * 60 - now.tm_sec
    return float(seconds if seconds > 0 else seconds + 86_400)


def _kill(args: argparse.Namespace, spool: Spool, word: str) -> list[dict[str, Any]]:
    jid = pick(spool, [args.job])[0][1].jid if args.job else None
    sent = []
    for inc in orders.incarnations(spool, word):
        for job, chunk in orders.held_by(spool, inc):
            if jid not in (None, job) or args.chunk not in (None, chunk.index):
                continue
            said = {"job": job, "chunk": chunk.index, "by": me()}
            orders.send(spool, inc, Request(Op.KILL, said))
            sent.append({"node": word, "incarnations": [inc], "job": job, "chunk": chunk.index})
    return sent
