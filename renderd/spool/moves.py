"""The primitives: move, enter, write, look (spool.md section 4)."""

import contextlib
import errno
from collections.abc import Callable
from enum import StrEnum

from renderd.core.litter import is_disposable, is_litter
from renderd.core.names import nonce
from renderd.errors import ShareUnsure, SpoolError, SpoolNotMounted
from renderd.spool.layout import TMP, Spool, is_mounted

BREATH = 100  #: files between two breaths of a long step
RELIST = 300.0  #: seconds after which a folder whose time stands still is listed all the same
SETTLE = 2.0  #: seconds between two listings that must agree before absence means anything


class Outcome(StrEnum):
    """How a move ended for us."""

    WON = "won"
    LOST = "lost"  #: the old name is gone and the new one is not there: somebody else moved it
    UNSURE = "unsure"  #: the share did not answer yes or no: look again, act on nothing


def move(
    spool: Spool, old: str, new: str, seen: Callable[[list[str]], None] = lambda _names: None
) -> Outcome:
    """Rename to a name never used before; at most one caller wins a given old name.

    Of a lost race `seen` is given what the new name's folder held afterwards.
    Raises SpoolNotMounted where the whole spool is gone, which looks like a lost race.
    """
    try:
        spool.share.rename(old, new)
    except FileNotFoundError:
        return _settle(spool, new, seen)
    except OSError:
        return Outcome.UNSURE
    return Outcome.WON


def _settle(spool: Spool, new: str, seen: Callable[[list[str]], None]) -> Outcome:
    # "No such file" after a lost reply means that our first request did it.
    folder, _, name = new.rpartition("/")
    listed: list[str] = []
    try:
        listed = spool.share.listdir(folder)
    except FileNotFoundError:
        pass
    except OSError:
        return Outcome.UNSURE
    if name in listed:
        return Outcome.WON
    if not is_mounted(spool):
        raise SpoolNotMounted(f"{spool.root} is not mounted", "mount the share again")
    seen(listed)
    return Outcome.LOST


def create_fresh(spool: Spool, stem: str, data: bytes, *, sync: bool) -> str:
    """Create a file under a name never used before, `stem` and a nonce; its path.

    Raises OSError, the file then gone as far as the share lets us.
    """
    while True:
        path = f"{stem}.{nonce(spool.rng, 8)}"
        try:
            spool.share.create(path, data, sync=sync)
        except FileExistsError:
            continue  # our own request, heard twice, and perhaps without the content
        except OSError:
            with contextlib.suppress(OSError):
                spool.share.unlink(path)
            raise
        return path


def temp(spool: Spool) -> str:
    """How this program's temps in tmp/ begin, for content before it gets its meaning by rename."""
    return spool.at(TMP, spool.who)


def enter(spool: Spool, path: str, data: bytes, *, sync: bool = True) -> None:
    """Bring a file whose name means something into its folder: one temp, one rename.

    Raises OSError where nothing was entered, ShareUnsure where that is not known.
    """
    source = create_fresh(spool, temp(spool), data, sync=sync)
    if move(spool, source, path) is not Outcome.WON:
        raise ShareUnsure(f"{path} may or may not have been written", "look again")


def write(spool: Spool, path: str, data: bytes) -> None:
    """Replace plain data whole: readers see the old text or the new one.  Raises OSError."""
    source = create_fresh(spool, temp(spool), data, sync=True)
    try:
        spool.share.replace(source, path)
    except OSError:
        with contextlib.suppress(OSError):
            spool.share.unlink(source)
        raise


def ensure_folder(spool: Spool, path: str) -> None:
    """Make a folder that may be there already; never a link to one.

    Raises NotADirectoryError where something else has its name, OSError.
    """
    try:
        spool.share.mkdir(path)
    except FileExistsError:
        demand_folder(spool, path)


def make_folders(spool: Spool, folder: str) -> None:
    """Make an output folder and those above it.  Raises SpoolError where it cannot be, OSError."""
    try:
        spool.share.mkdir(folder)
    except FileExistsError:
        return
    except FileNotFoundError:
        parent = folder.rpartition("/")[0]
        if not parent:
            raise
        make_folders(spool, parent)
        ensure_folder(spool, folder)
    except OSError as error:
        if error.errno in PASSING:
            raise
        raise SpoolError(
            f"the output folder {folder} cannot be made: {error.strerror}", "choose another output"
        ) from error


def demand_folder(spool: Spool, path: str) -> None:
    """Raise NotADirectoryError where a name is a link or a file in the place of a folder of ours.

    Through a link files would go wherever somebody likes.  Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):  # not seen, which may be an old answer
        if not spool.share.stat(path).is_folder:
            raise NotADirectoryError(errno.ENOTDIR, "is a link or a file, and no folder", path)


def names(spool: Spool, path: str) -> list[str]:
    """The names in a folder now, but for the litter of servers and desktops.

    A folder that is not there has none.  Raises OSError.
    """
    try:
        return [name for name in spool.share.listdir(path) if not is_litter(name)]
    except FileNotFoundError:
        return []


def remove_folder(spool: Spool, path: str) -> bool:
    """Remove a folder that holds nothing, or nothing but litter that may go with it.

    False, and quietly, where it stays: something of somebody's lies in it.
    """
    with contextlib.suppress(OSError):
        left = spool.share.listdir(path)
        if left and not spool.share.stat(path).is_folder:
            return False  # a link in its place: what lies where it leads is not ours
        if not all(map(is_disposable, left)):
            return False
        for name in left:  # one by one: what comes meanwhile must make the rmdir fail
            _remove(spool, f"{path}/{name}")
        spool.share.rmdir(path)
        return True
    return False


def remove_tree(spool: Spool, path: str, breathe: Callable[[], None] = lambda: None) -> None:
    """Remove a folder and what is in it, litter too; never through a link, best effort."""
    with contextlib.suppress(OSError):
        if not spool.share.stat(path).is_folder:
            return  # a link in its place: nothing of ours lies where it leads
        for number, name in enumerate(spool.share.listdir(path), 1):
            if number % BREATH == 0:
                breathe()
            _remove(spool, f"{path}/{name}", breathe)
        spool.share.rmdir(path)


def _remove(spool: Spool, path: str, breathe: Callable[[], None] = lambda: None) -> None:
    with contextlib.suppress(OSError):  # a file that NFS keeps for a reader must not stop the rest
        if spool.share.stat(path).is_folder:
            remove_tree(spool, path, breathe)
        else:
            spool.share.unlink(path)


class Folder:
    """A folder that is polled: one cheap question when nothing changed, a listing otherwise."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._changed_at: int | None = None
        self._first_listed = self._listed = 0.0
        self._names: tuple[str, ...] = ()
        self.is_settled = False  #: listed twice, SETTLE apart, at one and the same mtime

    def look(self, spool: Spool, now: float) -> tuple[str, ...]:
        """The names in it, as fresh as the share can tell.  Raises OSError."""
        changed_at = spool.share.changed_at(self.path)
        is_same = changed_at == self._changed_at
        # A share may show the new time with an old list: what was missed would stay so for good.
        if is_same and self.is_settled and now - self._listed < RELIST:
            return self._names
        self._names = tuple(n for n in spool.share.listdir(self.path) if not is_litter(n))
        self._listed = now
        if is_same:
            self.is_settled = now - self._first_listed >= SETTLE
        else:
            self._changed_at, self._first_listed, self.is_settled = changed_at, now, False
        return self._names

    def forget(self) -> None:
        """List again at the next look, whatever the folder's time says."""
        self._changed_at = None


#: errno values that say "not now" of a file system rather than "never" of a file
PASSING = frozenset(
    {
        *(errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EINTR),
        *(errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH),
        *(errno.EAGAIN, errno.ECONNABORTED, errno.ECONNRESET),  # SMB, while its server restarts
        *(errno.ENOSPC, errno.EDQUOT),
        *(errno.EBUSY, errno.ETXTBSY),
    }
)
