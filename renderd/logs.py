"""The program's own log: plain lines on stderr, with a priority for journald."""

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from renderd.core.label import UNSEEN

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


class _Lines(logging.Formatter):
    """One line a line: what a job or file is called cannot forge another or move the cursor."""

    def __init__(self, *, is_journal: bool) -> None:
        # journald keeps time and program itself
        super().__init__(
            "%(message)s" if is_journal else "%(asctime)s %(levelname)s %(message)s",
            datefmt="%H:%M:%S",
        )
        self.is_journal = is_journal

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).split("\n")
        prefix = f"<{_priority(record.levelno)}>" if self.is_journal else ""
        first, *more = (UNSEEN.sub("\ufffd", line) for line in lines)
        return "\n".join((prefix + first, *(f"{prefix}    {line}" for line in more)))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.levelname = record.levelname.lower()
        return super().formatMessage(record)


def start(
    level: str, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ
) -> None:
    """Send every logger's records from `level` up to `stream`, stderr by default.

    Called again (after a reload) it replaces what it set up before.
    """
    stream = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Lines(is_journal=is_journal(stream, environ)))
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one.formatter, _Lines)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # a full disk or closed terminal below stderr must not stop the farm
    logging.raiseExceptions = False


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether what is written to `stream` goes to journald (systemd.exec, JOURNAL_STREAM)."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _priority(level: int) -> int:
    return next((priority for least, priority in _PRIORITIES if level >= least), 7)
