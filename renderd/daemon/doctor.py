"""`renderd doctor`: prove what this mount can do, as a table or as JSON."""

import argparse
import json
import os
import random
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Self

from renderd import config
from renderd.core.farm import Farm
from renderd.core.label import label
from renderd.core.policy import SCRIPTS
from renderd.daemon import roots
from renderd.daemon.sight import Lookouts
from renderd.errors import ConfigError, SpoolError, UsageError
from renderd.host import facts
from renderd.spool import ability, view
from renderd.spool.bench import Answer
from renderd.spool.doctor import examine
from renderd.spool.hosts import examine_hosts
from renderd.spool.layout import Spool, read_farm, read_identity
from renderd.spool.mount import Verdict
from renderd.spool.share import PosixShare

SCHEMA = 1
#: A hard mount whose server is away blocks for ever: so long is waited for the first answer.
FIRST_ANSWER = 20.0
LATER_ANSWERS = 120.0
COLOURS = {Verdict.OK: "32", Verdict.WARN: "33", Verdict.BAD: "1;31"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    parser = subparsers.add_parser(
        "doctor",
        help="prove what this mount can do",
        description="Prove on this mount what the farm needs, and say what to change.  "
        "Exit status: 0 nothing is bad, 1 something is, 10 the spool cannot be reached.",
    )
    parser.add_argument("--spool", metavar="DIR", help="the farm's folder ($RENDERD_SPOOL)")
    parser.add_argument("--json", action="store_true", help="one JSON object (schema 1)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine the spool and print what was found; SpoolError where it cannot be reached."""
    root = config.load({"spool": args.spool}).spool
    if not root:
        raise UsageError("no spool was named", "say --spool DIR or set RENDERD_SPOOL")
    with Helper() as helper:
        helper.expect_share(root)
        answers = _told(_examine(root, helper), quiet=args.json)
    is_bad = any(answer.verdict is Verdict.BAD for answer in answers)
    if args.json:
        _print_json(root, answers, 1 if is_bad else 0)
    else:
        _print_sum(answers)
    return 1 if is_bad else 0


def _examine(root: str, helper: "Helper") -> Iterator[Answer]:
    rng = random.Random()
    share, who = PosixShare(), f"doctor{rng.getrandbits(32):08x}"
    spool = Spool(share, root, read_identity(share, root), rng, who)
    try:
        spool = replace(spool, farm=read_farm(share, root))
        yield Answer("farm.toml", Verdict.OK, "can be read")
    except ConfigError as error:
        yield Answer("farm.toml", Verdict.BAD, error.message, error.remedy)
    yield from examine_roots(spool.farm, sys.platform)
    yield from examine(spool, SystemClock(), helper)
    yield from examine_hosts(spool, SystemClock(), facts.host_name())
    yield from examine_versions(spool)


def examine_roots(farm: Farm, platform: str) -> Iterator[Answer]:
    """Whether this machine has and sees the path roots of farm.toml; no hung mount blocks it."""
    for name in sorted(farm.lacks(platform)):
        said = f"{{{name}}} has no path for {platform}"
        yield Answer("path root", Verdict.WARN, said, "add one to farm.toml if it is to be seen")
    unseen = roots.unseen(farm, Lookouts(patience=FIRST_ANSWER / 4))
    for name, path in farm.roots_on(platform).items():
        if name not in unseen:
            yield Answer("path root", Verdict.OK, f"{{{name}}} is {path}")
    for name, reason in unseen.items():
        said = reason if name == SCRIPTS else f"{{{name}}}: {reason}"
        advice = "mount it, or correct farm.toml; jobs that need it leave this machine alone"
        yield Answer(
            "script folder" if name == SCRIPTS else "path root", Verdict.WARN, said, advice
        )


def examine_versions(spool: Spool) -> Iterator[Answer]:
    """Whether all live nodes run one release."""
    alive = [node for node in view.read_nodes(spool) if node.state != "dead"]
    if mixed := ability.mixed_versions(alive):
        advice = "upgrade the others, then: render node restart --all"
        yield Answer("releases", Verdict.WARN, mixed, advice)
    elif alive:
        version = str(alive[0].facts.get("version") or "unknown")
        yield Answer("releases", Verdict.OK, f"all live nodes run renderd {version}")


def _told(answers: Iterator[Answer], *, quiet: bool) -> list[Answer]:
    """All answers, each shown as soon as it is known."""
    told = []
    for answer in answers:
        told.append(answer)
        if not quiet:
            sys.stdout.write(_line(answer) + "\n")
            sys.stdout.flush()
    return told


def _line(answer: Answer) -> str:
    word = f"{answer.verdict:<4}"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        word = f"\x1b[{COLOURS[answer.verdict]}m{word}\x1b[0m"
    line = f"{word}  {answer.name:<22}  {label(answer.measured, 300)}"
    return f"{line}\n{'':30}→ {label(answer.advice, 400)}" if answer.advice else line


def _print_sum(answers: list[Answer]) -> None:
    bad = sum(answer.verdict is Verdict.BAD for answer in answers)
    doubtful = sum(answer.verdict is Verdict.WARN for answer in answers)
    text = "This mount can carry a farm." if not bad else f"{bad} to change before rendering here."
    more = f"  {doubtful} worth a look." if doubtful else ""
    sys.stdout.write(f"\n{text}{more}\n")


def _print_json(root: str, answers: list[Answer], status: int) -> None:
    found = [
        {
            "name": answer.name,
            "verdict": answer.verdict.value,
            "measured": answer.measured,
            "advice": answer.advice,
        }
        for answer in answers
    ]
    whole = {"schema": SCHEMA, "spool": root, "answers": found, "code": status}
    sys.stdout.write(json.dumps(whole, indent=2) + "\n")


class SystemClock:
    """The machine's clocks, for the examinations."""

    def wall(self) -> float:
        return time.time()

    def steady(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class Helper:
    """The second process (`renderd.daemon.probe`); it ends with its pipe."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "renderd.daemon.probe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._rest = b""
        self._limit = LATER_ANSWERS

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            # Blocked in the kernel on a dead mount it cannot even be killed: leave it to init.
            self._process.kill()

    def expect_share(self, root: str) -> None:
        """Let the helper touch the share first: a hung mount must not block us too."""
        self._limit = FIRST_ANSWER
        self.start({"do": "look", "path": root})
        self.answer()
        self._limit = LATER_ANSWERS

    def start(self, request: Mapping[str, Any]) -> None:
        """Send one request."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(dict(request)).encode() + b"\n")

    def answer(self) -> Any:
        """Its value; OSError as the helper met it, SpoolError when none comes in time."""
        pipe = self._process.stdout
        assert pipe is not None
        until = time.monotonic() + self._limit
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise SpoolError(
                        f"the share did not answer within {self._limit:.0f} s",
                        "look at the server and the network; a hard mount waits for them",
                    )
                piece = pipe.read(65_536)
                if not piece:
                    raise SpoolError("the doctor's second process ended", "run it again")
                self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        reply = json.loads(line)
        if "error" in reply:
            raise OSError(0, reply["error"])
        return reply["value"]
