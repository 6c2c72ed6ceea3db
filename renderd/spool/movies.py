"""Movies: who still writes their frames, the list of files, and whether a movie shows them all.

The list lies beside the movie in the attempt's private folder, in the form ffmpeg reads; a comment
before each file says its size and time, by which a frame that was replaced meanwhile is found out.
"""

import re
from collections.abc import Iterable, Iterator

from renderd.core.job import Writes
from renderd.core.videojob import Film
from renderd.errors import BrokenImage
from renderd.spool import guests, image, tickets
from renderd.spool.formats import mp4
from renderd.spool.formats.source import Source
from renderd.spool.layout import OPEN, Spool
from renderd.spool.output import Output
from renderd.spool.share import Share

LIST = "frames.ffconcat"
_HEAD = "ffconcat version 1.0"
_STAMP = re.compile(rb"# (\d+) (-?\d+)")


def why_not_yet(spool: Spool, film: Film) -> str:
    """Which open job still writes the frames that a movie is to show, in a clause; empty: none.

    A movie of frames that are half one job's and half another's must not be made.
    """
    folder, _, pattern = spool.local(film.images).rpartition("/")
    output = Output(film.of, folder, pattern, Writes.PRIVATE)
    try:
        writers = {guests.read_mark(spool, output.owner), *guests.hosts(spool, output)}
        for jid in sorted(writers - {""}):
            place = tickets.find(spool, jid)
            if place is not None and place[0] in OPEN:
                return f"waits for job {jid} ({place[1].slug}), which renders its frames anew"
    except OSError as error:
        return f"cannot read {error.filename or folder}: {error.strerror}"
    return ""


def listing(share: Share, paths: Iterable[str]) -> bytes:
    """The list of a movie's files, in their order.  Raises OSError."""
    lines = [_HEAD]
    for path in paths:
        quoted = path.replace("'", "'\\''")
        found = share.stat(path)
        # The rate stands on the command line; a duration keeps the times of the list in order.
        lines += [f"# {found.size} {found.mtime_ns}", f"file '{quoted}'", "duration 1"]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def check(share: Share, folder: str, movie: str) -> None:
    """Raise BrokenImage where a movie does not show every frame of the list beside it as it is.

    A movie without a list is only followed to its end.  Raises OSError.
    """
    image.verify_file(share, f"{folder}/{movie}")
    try:
        with share.open(f"{folder}/{LIST}") as file:
            listed = list(_entries(file))
    except FileNotFoundError:
        return
    with share.open(f"{folder}/{movie}") as file:
        shown = mp4.count_pictures(Source(file))
    if shown != len(listed):
        raise BrokenImage(f"{movie} shows {shown} of {len(listed)} frames")
    for path, size, mtime_ns in listed:
        if not _is_still(share, path, size, mtime_ns):
            base = path.rpartition("/")[2]
            raise BrokenImage(f"{base} was replaced while {movie} was made of it")


def _entries(lines: Iterable[bytes]) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of each file in a list."""
    size = mtime_ns = 0
    for line in lines:
        if stamp := _STAMP.match(line):
            size, mtime_ns = int(stamp[1]), int(stamp[2])
        elif line.startswith(b"file '"):
            path = line.rstrip(b"\n")[6:-1].replace(b"'\\''", b"'")
            yield path.decode("utf-8", "surrogateescape"), size, mtime_ns


def _is_still(share: Share, path: str, size: int, mtime_ns: int) -> bool:
    try:
        found = share.stat(path)
    except FileNotFoundError:
        return False
    return (found.size, found.mtime_ns) == (size, mtime_ns)
