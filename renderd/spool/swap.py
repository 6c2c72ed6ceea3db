"""A file put in another's place on a share of SMB, which refuses that while it is open.

Linux then has the open file removed, which happens when its last reader anywhere closes it, and
by name: what lies there by then is gone (seen with Samba 4.17, Linux 6.1).  A link, other than a
rename, refuses a name that is still to be removed.
"""

import contextlib
import errno
import os

from renderd.spool.content import flush

_TRIES = 50  #: round trips, while somebody reads a short text to its end
#: what a server without hard links answers
_NO_LINKS = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EMLINK, errno.EINVAL})


def swap(old: str, new: str) -> None:
    """Give a file a name that another may have; for a moment nobody has it.

    The other is moved aside first, and takes along who has it open, for however long.  Raises
    OSError, EBUSY for a name still to be removed; the former file is back then as far as the
    share lets us.
    """
    os.lstat(old)  # before anything moves: where an earlier try got through, `new` is the file
    aside = f"{old}.old"
    with contextlib.suppress(FileNotFoundError):
        os.rename(new, aside)
    try:
        _link(old, new)
    except FileExistsError as error:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), new) from error
    except OSError:
        with contextlib.suppress(OSError):
            os.rename(aside, new)
        raise
    with contextlib.suppress(OSError):
        os.unlink(aside)


def insist(old: str, new: str) -> bool:
    """Take a name after a refused rename, as soon as its readers have let it go; whether they did.

    For short texts, which nobody may miss for a moment as with `swap`.  Raises OSError.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(FileExistsError):
            _link(old, new)
            return True
    return False


def _link(old: str, new: str) -> None:
    try:
        os.link(old, new)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.rename(old, new)
        return
    # Samba says yes before a name is on its disk: a power cut must not leave neither name.
    flush(new)
    os.unlink(old)
