"""Two processes at one folder: what the doctor and its partner both do."""

import os
from collections.abc import Callable

from renderd.spool.share import Share

#: A letter for each attempt: it worked, it was somebody else's, or the share said anything else.
WON, LOST, ODD = "w", "-", "?"
#: A letter for each look at a file that is being replaced: whole, absent, or a part of it.
WHOLE, MISSED, TORN = "w", "-", "?"
#: Looks in a row that find nothing, and looks at all, after which nothing comes any more.
MOST_MISSED, MOST_LOOKS = 100, 100_000
FLAVOURS = ("fcntl", "flock")


def race(share: Share, what: str, folder: str, tag: str, count: int) -> str:
    """Rename, create or mkdir, as `what` says, the same `count` names as the partner.

    A letter each.
    """
    step = {"rename": _rename, "create": _create, "mkdir": _mkdir}[what]
    return "".join(step(share, folder, tag, number) for number in range(count))


def _rename(share: Share, folder: str, tag: str, number: int) -> str:
    def attempt() -> None:
        share.rename(f"{folder}/rename{number}", f"{folder}/rename{number}.{tag}")

    return _letter(attempt, FileNotFoundError)


def _create(share: Share, folder: str, tag: str, number: int) -> str:
    def attempt() -> None:
        share.create(f"{folder}/create{number}", tag.encode())

    return _letter(attempt, FileExistsError)


def _mkdir(share: Share, folder: str, _tag: str, number: int) -> str:
    return _letter(lambda: share.mkdir(f"{folder}/mkdir{number}"), FileExistsError)


def _letter(attempt: Callable[[], None], loss: type[OSError]) -> str:
    try:
        attempt()
    except loss:
        return LOST
    except OSError:
        return ODD
    return WON


def text_of(number: int) -> bytes:
    """What the n-th file put in one and the same place holds; a part of it is told from it."""
    return b"%06d" % number * 700


def watch(share: Share, path: str, last: int) -> str:
    """Read a file until its last text stands there, a letter a look."""
    whole, looks, missed = {text_of(number) for number in range(last + 1)}, "", 0
    final = text_of(last)
    while missed < MOST_MISSED and len(looks) < MOST_LOOKS:
        try:
            text = share.read(path)
        except OSError:
            looks, missed = looks + MISSED, missed + 1
            continue
        looks, missed = looks + (WHOLE if text in whole else TORN), 0
        if text == final:
            break
    return looks


class Held:
    """A lock of one flavour on an existing file, held until closed; `is_taken` says if it was."""

    def __init__(self, path: str, flavour: str) -> None:
        import portalocker  # noqa: PLC0415  26 ms that only the doctor needs

        classes = portalocker.portalocker
        locker = classes.LockfLocker() if flavour == "fcntl" else classes.FlockLocker()
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        self.is_taken = True
        kind = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING
        try:
            locker.lock(self._descriptor, kind)
        except portalocker.exceptions.AlreadyLocked:
            self.is_taken = False
        except portalocker.exceptions.LockException as error:
            self.close()
            raise OSError(f"cannot lock: {error}") from error

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
