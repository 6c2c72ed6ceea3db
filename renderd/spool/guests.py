"""Guests of an output: redo jobs, which write frames of a job that may still be open.

Beside `<hash>.owner` lies one mark a redo job, `<hash>.guest.<jid>`, holding the *host*: the job
whose frames it renders again.  The owner's file decides alone who may write: the owner, and the
guests of the same host, also while there is no owner.  A mark never takes anything from the owner;
whoever takes the owner's file away shuts all others out, whatever marks lie about.

What races: owner and guests may put the same frame in place, each by one rename of a whole file,
so a frame is only ever replaced by another whole frame of the same settings.  A guest then renews
the host's receipt as well, or the host would take the frame for lost and render it once more, from
an older file.  The host's folder may vanish meanwhile, when the host closes: nothing is to renew.
Two jobs that are published at the same moment see nothing of each other; as between two owners,
the last one to write the owner's file wins and the other's nodes are not able until it is over.
"""

import contextlib

from renderd.core.names import is_jid
from renderd.spool.layout import SIDE, Spool
from renderd.spool.moves import names
from renderd.spool.output import Output

_MARK_BYTES = 64


def read_mark(spool: Spool, path: str) -> str:
    """The jid in an owner's or a guest's mark; empty where there is none.  Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        return _text(spool, path)
    _look_afresh(spool, path)
    with contextlib.suppress(FileNotFoundError):
        return _text(spool, path)
    return ""


def _text(spool: Spool, path: str) -> str:
    return spool.share.read(path, _MARK_BYTES).decode("ascii", "replace").strip()


def _look_afresh(spool: Spool, path: str) -> None:
    """Ask the server for the folders on the way to a mark, from the output's own folder on.

    NFS remembers up to a minute that a name was not there: who closed the last job of a folder,
    and removed what lay beside its frames, did not see the next job's mark for so long.
    """
    above, _, below = path.rpartition(f"/{SIDE}/")
    folders = [above, f"{above}/{SIDE}"]
    for name in below.split("/")[:-1]:
        folders.append(f"{folders[-1]}/{name}")
    with contextlib.suppress(FileNotFoundError):
        for folder in folders:
            spool.share.changed_at(folder)


def hosts(spool: Spool, output: Output) -> dict[str, str]:
    """The host of each guest of this output, by the guest's jid.  Raises OSError."""
    folder, _, start = output.guest("").rpartition("/")
    listed = [n.removeprefix(start) for n in names(spool, folder) if n.startswith(start)]
    return {jid: read_mark(spool, output.guest(jid)) for jid in listed if is_jid(jid)}


def are_one(spool: Spool, output: Output, other: str) -> bool:
    """Whether this output's job and another render the same job's frames.  Raises OSError."""
    return other in (output.jid, output.host) or (
        is_jid(other) and read_mark(spool, output.guest(other)) == output.host
    )


def renew(spool: Spool, output: Output, key: int | str, source: str) -> None:
    """Move a text over the host's receipt of a frame, where the host has one.

    Raises OSError, but not where the host's folder is gone.
    """
    with contextlib.suppress(FileNotFoundError):
        path = output.receipt(key, of=output.host)
        spool.share.stat(path)
        spool.share.replace(source, path)
        return
    spool.share.unlink(source)
