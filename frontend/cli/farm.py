"""The farm that a command line works on: its settings, its spool, its jobs by name."""

import argparse
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from renderd import config
from renderd.errors import ConfigError, LockTimeout, RenderdError, UsageError
from renderd.spool.layout import Spool, open_spool
from renderd.spool.share import PosixShare

if TYPE_CHECKING:
    from renderd.config import Settings
    from renderd.spool.tickets import Place

LOCK_PATIENCE = 5.0  #: seconds a control file's lock is tried for
_T = TypeVar("_T")


def settings(args: argparse.Namespace) -> "Settings":
    """This machine's settings, with the command line's word above all."""
    return config.load({"spool": args.spool})


def open_farm(args: argparse.Namespace) -> Spool:
    """The spool that is meant.  Raises ConfigError where none is named, SpoolError."""
    root = settings(args).spool
    if not root:
        raise ConfigError(
            "no spool is named",
            "say --spool DIR, set RENDERD_SPOOL, or write `spool = …` into the config file",
        )
    rng = random.Random()
    return open_spool(PosixShare(), root, rng, f"render{rng.getrandbits(32):08x}")


def me() -> str:
    """Who gives an order, as user@host."""
    import getpass  # noqa: PLC0415  lists need neither
    import socket  # noqa: PLC0415

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return f"{user}@{socket.gethostname().partition('.')[0]}"


def pick(spool: Spool, words: list[str]) -> "list[Place]":
    """The jobs that are meant, each once.  Raises UsageError that names the nearest."""
    from renderd.spool import jobs  # noqa: PLC0415  lists need it not

    places = [_pick(jobs.select, spool, word) for word in words]
    return list({place[1].jid: place for place in places}.values())


def _pick(select: "Callable[[Spool, str], Place]", spool: Spool, word: str) -> "Place":
    try:
        return select(spool, word)
    except UsageError:
        pass  # a ticket that moves while we list may be missed once
    try:
        return select(spool, word)
    except UsageError as error:
        if not error.remedy.startswith("there are"):
            raise
        raise UsageError(error.message, "see: render jobs --all") from None


def patiently(order: Callable[[], _T]) -> _T:
    """Give an order again while somebody holds a lock, for a few seconds."""
    end = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            return order()
        except LockTimeout:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def nudge(args: argparse.Namespace, spool: Spool) -> bool:
    """Tell the local daemon to look now; False where none runs: polling does it too."""
    from renderd.client import Client  # noqa: PLC0415  lists need it not

    try:
        with Client(settings(args), spool) as client:
            return client.nudge()
    except (RenderdError, OSError):
        return False  # what was ordered stands in the spool
