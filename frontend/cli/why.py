"""`render why JOB`: per node why it does or does not take a job."""

import argparse

from frontend import words
from frontend.cli import output
from frontend.cli.farm import open_farm, pick
from frontend.cli.parser import jobs_argument
from frontend.verdicts import asks, headline, ordered
from renderd.core.amounts import plural
from renderd.core.label import label
from renderd.spool import reasons
from renderd.spool.layout import CANCELLED, DONE, QUEUE
from renderd.spool.reasons import Verdict


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its options to the command line."""
    parser = subparsers.add_parser(
        "why",
        help="say per node why it does or does not take a job",
        description="Say why a job does not run: its own reasons, then each live node's, by the "
        "rule\nthat the nodes themselves use.",
    )
    jobs_argument(parser, many=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the reasons."""
    spool = open_farm(args)
    [place] = pick(spool, [args.job])
    job, own, verdicts = reasons.read(spool, place)
    if args.json:
        nodes = [v.to_dict() for v in verdicts]
        return output.emit({"job": job.to_dict(), "reasons": own, "nodes": nodes})
    colours = output.has_colour(args)
    done = f"{job.done} of {plural(job.chunks, 'chunk')} done"
    state = output.state(words.shown_state(job), colours=colours)
    output.say(f"{job.jid} {label(job.name)}  {state}  {done}, {job.running} running")
    if own and (job.state != QUEUE or not job.waiting):
        told = own  # the sentence would be the first of them
    else:
        told = [headline(job, own, verdicts), *own]
    for reason in filter(None, (*told, asks(job))):
        output.say(f"  {label(reason, 400)}")
    asked = () if job.state in (DONE, CANCELLED) else ordered(verdicts)
    rows = [(label(v.node, 24), _word(v, colours=colours), label(v.reason, 200)) for v in asked]
    for line in output.table(("NODE", "TAKES IT", "WHY NOT"), rows) if rows else ():
        output.say(line)
    return 0


def _word(verdict: Verdict, *, colours: bool) -> str:
    if verdict.runs:
        return output.paint(f"runs {verdict.runs}", "cyan", is_on=colours)
    if verdict.is_busy:
        return output.paint("when free", "yellow", is_on=colours)
    if verdict.takes:
        return output.paint("yes", "green", is_on=colours)
    word, colour = ("no", "red") if verdict.lasts else ("not now", "yellow")
    return output.paint(word, colour, is_on=colours)
