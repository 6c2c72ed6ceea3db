"""Movies: the list of files that one is made of, and whether it shows them all.

The list lies beside the movie in the attempt's private folder, in the form ffmpeg reads.
"""

from collections.abc import Iterable

from renderd.errors import BrokenImage
from renderd.spool import image
from renderd.spool.formats import mp4
from renderd.spool.formats.source import Source
from renderd.spool.share import Share

LIST = "frames.ffconcat"
_HEAD = "ffconcat version 1.0"


def listing(paths: Iterable[str]) -> bytes:
    """The list of a movie's files, in their order."""
    lines = [_HEAD]
    for path in paths:
        quoted = path.replace("'", "'\\''")
        # The rate stands on the command line; a duration keeps the times of the list in order.
        lines += [f"file '{quoted}'", "duration 1"]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def check(share: Share, folder: str, movie: str) -> None:
    """Raise BrokenImage where a movie does not show every frame of the list beside it.

    A movie without a list is only followed to its end.  Raises OSError.
    """
    image.verify_file(share, f"{folder}/{movie}")
    try:
        with share.open(f"{folder}/{LIST}") as file:
            expected = sum(line.startswith(b"file ") for line in file)
    except FileNotFoundError:
        return
    with share.open(f"{folder}/{movie}") as file:
        shown = mp4.count_pictures(Source(file))
    if shown != expected:
        raise BrokenImage(f"{movie} shows {shown} of {expected} frames")
