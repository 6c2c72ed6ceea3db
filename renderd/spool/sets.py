"""The record of a job's frame set: entered once, the first one wins, all nodes agree.

A folder enters by rename only where no filled one is: `<out>/.renderd/<jid>/set/` holds `files`.
"""

import contextlib
import errno
from typing import TYPE_CHECKING

from renderd.core.frameset import FrameSet, parse_set
from renderd.core.names import nonce
from renderd.spool.layout import Spool

if TYPE_CHECKING:
    from renderd.spool.frames import Output

RECORD_LIMIT = 8 << 20


def read(spool: Spool, output: "Output") -> FrameSet | None:
    """The set that the job's frames have, or those of the job it redoes.  Raises OSError."""
    for jid in dict.fromkeys((output.host, output.jid)):
        with contextlib.suppress(FileNotFoundError):
            text = spool.share.read(f"{_folder(output, jid)}/files", RECORD_LIMIT)
            if found := parse_set(text.decode("utf-8", "replace")):
                return found
    return None


def enter(spool: Spool, output: "Output", found: FrameSet) -> FrameSet:
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


def _folder(output: "Output", jid: str) -> str:
    return f"{output.beside(jid)}/set"
