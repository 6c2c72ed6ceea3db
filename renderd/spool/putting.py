"""How a mount takes files that are put in the place of others, and keeps times."""

import contextlib
from collections.abc import Callable, Iterator

from renderd.spool.bench import PATIENCE, Answer, Bench
from renderd.spool.contest import MISSED, TORN, text_of
from renderd.spool.mount import Verdict

REPLACEMENTS = 200
TRIES = 50  #: 20 ms apart, to replace a file that is refused while somebody reads it
LATE = 2.0  #: seconds after which a change is seen late
#: Attributes may be as old as a FUSE mount's cache, and then fall to what the server keeps.
CACHED = 1.5


def examine_put_in_place(bench: Bench) -> Iterator[Answer]:
    """A file renamed over another: whoever reads meanwhile finds the old one or the new one."""
    share, path = bench.spool.share, f"{bench.folder}/put"
    share.create(path, text_of(0))
    bench.partner.start({"do": "watch", "path": path, "last": REPLACEMENTS})
    bench.partner.answer()  # ready
    refused, again = "", 0
    try:
        for number in range(1, REPLACEMENTS + 1):
            share.create(f"{path}.{number}", text_of(number))
            again += _replace(bench, f"{path}.{number}", path)
    except OSError as error:
        refused = error.strerror or str(error)
    try:
        share.rewrite(path, text_of(REPLACEMENTS))  # whatever came in between: the reader waits
    finally:
        seen = str(bench.partner.answer())
    yield _judge_put(refused, again, seen)


def _replace(bench: Bench, new: str, old: str) -> bool:
    """Put a file in another's place; True where that was refused at first, as by SMB servers
    while somebody reads.  Raises OSError where it is refused for long."""
    for tries in range(TRIES):
        with contextlib.suppress(PermissionError):
            bench.spool.share.replace(new, old)
            return tries > 0
        bench.clock.wait(0.02)
    bench.spool.share.replace(new, old)
    return True


def _judge_put(refused: str, again: int, seen: str) -> Answer:
    missed, torn = seen.count(MISSED), seen.count(TORN)
    if refused:
        said = f"a file that is being read cannot be replaced: {refused}"
        advice = "use NFS: control and frames fail while somebody on this machine reads them"
        return Answer("put in place", Verdict.BAD, said, advice)
    if missed or torn:
        said = f"of {len(seen)} looks {missed} found nothing, {torn} a part"
        advice = "farm.toml, control and frames may be missed for a moment when they are replaced"
        return Answer("put in place", Verdict.WARN, said, advice)
    if again:
        said = f"{again} of {REPLACEMENTS} were refused while they were read, and then replaced"
        advice = "an order may be refused for a moment (give it again); frames wait by themselves"
        return Answer("put in place", Verdict.WARN, said, advice)
    said = f"{REPLACEMENTS} replaced, whole in {len(seen)} looks"
    return Answer("put in place", Verdict.OK, said)


def examine_open_target(bench: Bench) -> Iterator[Answer]:
    """A file that another process reads can be replaced, renamed and removed."""
    share, path = bench.spool.share, f"{bench.folder}/held"
    share.create(path, b"old")
    share.create(f"{path}.new", b"new")
    bench.ask(do="hold", path=path)
    refused = rest = ""
    try:
        share.swap(f"{path}.new", path)
    except OSError as error:
        refused = error.strerror or str(error)
    with contextlib.suppress(OSError):
        rest = str(bench.ask(do="release"))
    advice = "close viewers of frames that are rendered again; renderd tries again until it can"
    if refused:
        yield Answer("open target", Verdict.WARN, f"cannot be replaced: {refused}", advice)
    elif share.read(path) != b"new":
        advice = "do not use this share: a frame could be lost while somebody looks at it"
        yield Answer("open target", Verdict.BAD, "was replaced by something else", advice)
    else:
        keeps = "keeps the old file" if rest == "old" else "loses it and must open it again"
        yield Answer("open target", Verdict.OK, f"replaced; its reader {keeps}")


def examine_file_times(bench: Bench) -> Iterator[Answer]:
    """A file keeps its size and time when it is moved, for everybody: receipts say both."""
    share, path = bench.spool.share, f"{bench.folder}/timed"
    share.create(path, b"x" * 4096, sync=True)
    written = share.stat(path)
    share.rename(path, f"{path}.moved")
    bench.clock.wait(CACHED)
    later, theirs = share.stat(f"{path}.moved"), bench.ask(do="stat", path=f"{path}.moved")
    found = {(later.size, later.mtime_ns), tuple(theirs)}
    if found == {(written.size, written.mtime_ns)}:
        fraction = written.mtime_ns % 1_000_000_000
        unit = "whole seconds" if fraction == 0 else "fractions of a second"
        yield Answer("file times", Verdict.OK, f"kept by a move, {unit}")
        return
    off = max(abs(time - written.mtime_ns) for _, time in found) / 1e9
    advice = "use another file system: a finished frame would not be known again"
    yield Answer("file times", Verdict.BAD, f"a moved file's time is off by {off:.3f} s", advice)


def examine_folder_times(bench: Bench) -> Iterator[Answer]:
    """A rename must change its folder's time, and soon: polling asks for that alone."""
    share, path = bench.spool.share, f"{bench.folder}/moved"
    share.create(path, b"")
    # Many a FUSE mount believes its own cache for a second, even after a rename of its own.
    for pause, patience, note in ((0.02, 2.0, "finer than 20 ms"), (2.1, PATIENCE, "in seconds")):
        before = share.changed_at(bench.folder)
        bench.clock.wait(pause)
        share.rename(path, path := f"{path}.moved")
        seconds = bench.time_until(_has_changed(bench, before), patience)
        if seconds <= patience:
            yield _judge_folder_times(seconds, note)
            return
    advice = "use another file system: idle nodes would not see new jobs"
    yield Answer("folder times", Verdict.BAD, "a rename does not change them", advice)


def _has_changed(bench: Bench, before: int) -> Callable[[], bool]:
    return lambda: bench.spool.share.changed_at(bench.folder) != before


def _judge_folder_times(seconds: float, note: str) -> Answer:
    said = f"{note}, seen after {seconds:.2f} s"
    if seconds > LATE:
        advice = "mount with a shorter attribute cache: new jobs are seen so much later"
        return Answer("folder times", Verdict.WARN, said, advice)
    return Answer("folder times", Verdict.OK, said)


def examine_folder_sync(bench: Bench) -> Iterator[Answer]:
    """The names of a folder can be brought to stable storage."""
    try:
        bench.spool.share.sync_folder(bench.folder)
    except OSError as error:
        said = f"a folder cannot be synced: {error.strerror or error}"
        advice = "a power cut of the server may undo what was just acknowledged"
        yield Answer("folder sync", Verdict.WARN, said, advice)
        return
    yield Answer("folder sync", Verdict.OK, "names can be brought to stable storage")
