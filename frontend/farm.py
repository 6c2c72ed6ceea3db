"""The farm that a person works on: its spool, who gives orders, and patience with locks."""

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from renderd.errors import ConfigError, LockTimeout
from renderd.spool.layout import Spool, open_spool
from renderd.spool.share import PosixShare

if TYPE_CHECKING:
    from renderd.config import Settings

LOCK_PATIENCE = 5.0  #: seconds a control file's lock is tried for
_T = TypeVar("_T")


def open_farm(settings: "Settings") -> Spool:
    """The spool that the settings name.  Raises ConfigError where none is named, SpoolError."""
    if not settings.spool:
        raise ConfigError(
            "no spool is named",
            "say --spool DIR, set RENDERD_SPOOL, or write `spool = …` into the config file",
        )
    rng = random.Random()
    return open_spool(PosixShare(), settings.spool, rng, f"render{rng.getrandbits(32):08x}")


def me() -> str:
    """Who gives an order, as user@host."""
    import getpass  # noqa: PLC0415  lists need neither
    import socket  # noqa: PLC0415

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return f"{user}@{socket.gethostname().partition('.')[0]}"


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
