"""The farm that a command line works on: its settings, its spool, its jobs by name."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from frontend import farm
from renderd import config
from renderd.errors import RenderdError, UsageError
from renderd.spool.layout import Spool

if TYPE_CHECKING:
    from renderd.config import Settings
    from renderd.spool.tickets import Place


def settings(args: argparse.Namespace) -> "Settings":
    """This machine's settings, with the command line's word above all."""
    return config.load({"spool": args.spool})


def open_farm(args: argparse.Namespace) -> Spool:
    """The spool that is meant.  Raises ConfigError where none is named, SpoolError."""
    return farm.open_farm(settings(args))


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


def nudge(args: argparse.Namespace, spool: Spool) -> bool:
    """Tell the local daemon to look now; False where none runs: polling does it too."""
    from renderd.client import Client  # noqa: PLC0415  lists need it not

    try:
        with Client(settings(args), spool) as client:
            return client.nudge()
    except (RenderdError, OSError):
        return False  # what was ordered stands in the spool
