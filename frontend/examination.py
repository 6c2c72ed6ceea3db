"""Frames of a job looked at to the last pixel, and what is to be done about them."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from renderd.core import frames as ranges
from renderd.errors import UsageError
from renderd.spool import inspection
from renderd.spool.inspection import Fault, Look, Report, Subject
from renderd.spool.share import Share

_MOST_THREADS = 8
TITLES = {
    Fault.MISSING: "missing",
    Fault.BROKEN: "broken",
    Fault.SIZE: "of another size or kind",
    Fault.SMALL: "suspiciously small",
    Fault.BLACK: "all black",
}
Progress = Callable[[int, int], None]


def examine(share: Share, subject: Subject, progress: Progress | None = None) -> Report:
    """Verify and decode every frame on several threads."""
    from frontend import picture  # noqa: PLC0415  only who decodes needs it

    def look(frame: int) -> list[Look]:
        return inspection.look(share, subject, frame, picture.is_black)

    threads, looks = min(_MOST_THREADS, os.cpu_count() or 1), []
    with ThreadPoolExecutor(threads) as pool:
        for number, found in enumerate(pool.map(look, subject.wanted), 1):
            looks += found
            if progress is not None:
                progress(number, len(subject.wanted))
    return inspection.judge(subject, looks)


def missing(share: Share, subject: Subject) -> list[int]:
    """Frames of which a file is not there; the others are not looked into.  Raises OSError."""
    return [frame for frame in subject.wanted if not _is_there(share, subject, frame)]


def broken(share: Share, subject: Subject) -> list[int]:
    """Frames whose files are there and do not decode, or are of another size or kind."""
    return examine(share, subject).frames(Fault.BROKEN, Fault.SIZE)


def _is_there(share: Share, subject: Subject, frame: int) -> bool:
    names = subject.files.get(frame, ())
    try:
        for name in names:
            share.stat(os.path.join(subject.folder, name))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return bool(names)


def undecoded(report: Report) -> list[str]:
    """What must be installed for the pixels that could not be looked at."""
    from frontend import picture  # noqa: PLC0415

    remedies = ((kind, picture.why_not(kind)) for kind in sorted(report.undecoded))
    return [f"{kind.upper()} pixels not looked at: {remedy}" for kind, remedy in remedies if remedy]


def narrowed(subject: Subject, runs: tuple[ranges.Run, ...] | None) -> Subject:
    """The same with some frames only.  Raises UsageError for a frame that it has not."""
    if runs is None:
        return subject
    known = {*subject.wanted, *subject.unrendered}
    wanted = sorted({frame for run in runs for frame in run})
    if strange := [frame for frame in wanted if frame not in known]:
        raise UsageError(
            f"the job has no frame {strange[0]}", f"it has {ranges.text(ranges.gather(known))}"
        )
    rendered = set(subject.wanted)
    return Subject(
        folder=subject.folder,
        pattern=subject.pattern,
        wanted=tuple(f for f in wanted if f in rendered),
        files=subject.files,
        unrendered=tuple(f for f in wanted if f not in rendered),
    )


def redo_line(jid: str, wanted: list[int]) -> str:
    """The command that renders frames of a job again; empty where there is nothing to type."""
    said = span(wanted)
    # a value that begins with a minus would be read as an option
    return (
        f"render redo {jid} --frames{'=' if said[:1] == '-' else ' '}{said}" if jid and said else ""
    )


def span(frames: "list[int] | tuple[int, ...]") -> str:
    """Frames as a range: 1-5,8."""
    return ranges.text(ranges.gather(frames))
