"""People's words about machines: one small file each, which outlives the machine's daemon.

Beside a node's own files they would go with its incarnation, and in its inbox only a living daemon
would read them; but what is written down most is why a machine is off.
"""

import contextlib

from renderd.core.label import label
from renderd.core.names import host_of
from renderd.errors import UsageError
from renderd.spool.layout import Spool
from renderd.spool.moves import ensure_folder, names, write

FOLDER = "notes"
LONGEST = 200  #: letters
_BYTES = 4 * LONGEST


def read_all(spool: Spool) -> dict[str, str]:
    """The note on each machine by its host, as `host_of` tells it of an incarnation.

    Raises OSError where the folder cannot be listed.
    """
    found = {}
    for host in names(spool, spool.at(FOLDER)):
        with contextlib.suppress(OSError):
            text = spool.share.read(spool.at(FOLDER, host), _BYTES).decode("utf-8", "replace")
            found[host] = label(text.strip(), LONGEST)
    return {host: text for host, text in found.items() if text}


def put(spool: Spool, inc: str, text: str) -> None:
    """Write down or, with no text, take away the note on an incarnation's machine.

    Raises UsageError for a text that is too long, OSError.
    """
    text = " ".join(text.split())
    if len(text) > LONGEST:
        raise UsageError(f"{len(text)} letters are too many for a note", f"at most {LONGEST}")
    path = spool.at(FOLDER, host_of(inc))
    if not text:
        with contextlib.suppress(FileNotFoundError):
            spool.share.unlink(path)
        return
    ensure_folder(spool, spool.at(FOLDER))
    write(spool, path, text.encode("utf-8", "replace") + b"\n")
