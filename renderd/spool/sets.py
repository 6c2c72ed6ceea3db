"""The record of a job's frame set: entered once, the first one wins, all nodes agree.

A folder enters by rename only where no filled one is: `<out>/.renderd/<jid>/set/` holds `files`.
Of a closed job it stands in `jobs/<jid>/set.json`: frames that are redone must be like the others.
`add --missing` leaves what the frames that it keeps are in `<out>/.renderd/<jid>/kept`.
"""

import errno

from renderd.core.frameset import FrameSet, parse_set
from renderd.core.names import nonce
from renderd.spool.layout import Spool
from renderd.spool.moves import create_fresh, write
from renderd.spool.output import Output

RECORD_LIMIT = 8 << 20
CLOSED = "set.json"


def read(spool: Spool, output: Output) -> FrameSet | None:
    """The set that the job's frames have, or those of the job it redoes.  Raises OSError."""
    found = None
    for jid in dict.fromkeys((output.host, output.jid)):
        found = found or _parsed(spool, f"{_folder(output, jid)}/files")
    return found or _parsed(spool, spool.job(output.host, CLOSED))


def read_kept(spool: Spool, output: Output) -> FrameSet | None:
    """What the frames are that were there before the job and are kept.  Raises OSError."""
    return _parsed(spool, _kept(output))


def enter_kept(spool: Spool, output: Output, found: FrameSet) -> None:
    """Say what the kept frames are, before anybody runs the job.  Raises OSError."""
    path = _kept(output)
    spool.share.replace(create_fresh(spool, path, found.text().encode(), sync=True), path)


def close(spool: Spool, output: Output) -> None:
    """Keep the set of a job that is over, for redos, before its folder goes.  Raises OSError."""
    if output.redoes or (found := read(spool, output)) is None:
        return
    write(spool, spool.job(output.jid, CLOSED), found.text().encode())


def _parsed(spool: Spool, path: str) -> FrameSet | None:
    try:
        text = spool.share.read(path, RECORD_LIMIT)
    except FileNotFoundError:
        return None
    return parse_set(text.decode("utf-8", "replace"))


def _kept(output: Output) -> str:
    return f"{output.own}/kept"


def enter(spool: Spool, output: Output, found: FrameSet) -> FrameSet:
    """Enter the first frame's set; the set that counts, which may be another node's.

    Raises OSError.
    """
    new = f"{output.own}/new.{nonce(spool.rng, 8)}"
    spool.share.mkdir(new)
    spool.share.create(f"{new}/files", found.text().encode(), sync=True)
    try:
        spool.share.rename(new, _folder(output, output.jid))
        return found
    except FileNotFoundError:
        pass  # a lost reply, when it is there now
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        spool.share.unlink(f"{new}/files")
        spool.share.rmdir(new)
    known = read(spool, output)
    if known is None:
        raise OSError(errno.EIO, "the job's frame set cannot be read", output.own)
    return known


def _folder(output: Output, jid: str) -> str:
    return f"{output.beside(jid)}/set"
