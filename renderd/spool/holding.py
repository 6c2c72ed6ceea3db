"""What names and sizes of files a mount can hold."""

import errno
import os
from collections.abc import Iterator

from renderd.spool.bench import Answer, Bench
from renderd.spool.mount import Verdict

LARGE = (4 << 30) + 1  #: bytes; the first size that 32 bits cannot tell
#: Names that people give to frames and shots; the farm itself uses letters, digits, ~, - and dots.
ODD = {
    "200 bytes": "n" * 200,
    "spaces at the end": "shot ",
    "a dot at the end": "shot.",
    "accents": "caf\u00e9",
    "accents in two signs": "cafe\u0301",
    "other scripts": "\u65e5\u672c \u0444\u0438\u043b\u044c\u043c",
    "colons and quotes": 'a:b"c?*',
}


def examine_names(bench: Bench) -> Iterator[Answer]:
    """Long names with ~, names that begin with a dot, and whether upper and lower case differ."""
    share = bench.spool.share
    needed = "long~" + "n" * 115, ".hidden"
    for name in (*needed, "CaSe"):
        share.create(f"{bench.folder}/{name}", b"")
    hidden = [name for name in needed if name not in share.listdir(bench.folder)]
    try:
        share.stat(f"{bench.folder}/case")
        cased = False
    except FileNotFoundError:
        cased = True
    if hidden:
        said = "120 bytes are cut" if len(hidden[0]) > 100 else "a leading dot is hidden"
        yield Answer("names", Verdict.BAD, said, "use another file system, or hide no files")
    elif cased:
        yield Answer("names", Verdict.OK, "120 bytes, case matters")
    else:
        advice = "the spool is fine with that; frames named alike but for case would clash"
        yield Answer("names", Verdict.WARN, "case does not matter", advice)


def examine_odd_names(bench: Bench) -> Iterator[Answer]:
    """Names that people give to frames come back as they were written."""
    lost = [what for what, name in ODD.items() if not _comes_back(bench, name)]
    if lost:
        advice = "do not name frames so: they would not be found again"
        yield Answer("odd names", Verdict.WARN, f"do not hold: {', '.join(lost)}", advice)
        return
    yield Answer("odd names", Verdict.OK, f"{', '.join(ODD)} hold")


def _comes_back(bench: Bench, name: str) -> bool:
    try:
        bench.spool.share.create(f"{bench.folder}/{name}", b"")
    except OSError:  # refused, or told to be another name that is there
        return False
    return name in bench.spool.share.listdir(bench.folder)


def examine_large_file(bench: Bench) -> Iterator[Answer]:
    """A file of over 4 GiB; only its length is set, nothing is written."""
    path = f"{bench.folder}/large"
    if bench.spool.share.space(bench.folder).free_bytes < 2 * LARGE:
        yield Answer("large files", Verdict.OK, "not tried: under 8 GiB are free")
        return
    bench.spool.share.create(path, b"")
    try:
        os.truncate(path, LARGE)
        size = bench.spool.share.stat(path).size
    except OSError as error:
        if error.errno not in (errno.EFBIG, errno.EINVAL):
            raise
        size = 0
    if size != LARGE:
        advice = "movies and image sequences in one file can be larger: use another file system"
        yield Answer("large files", Verdict.WARN, "end at 4 GiB", advice)
        return
    yield Answer("large files", Verdict.OK, "may be over 4 GiB")
