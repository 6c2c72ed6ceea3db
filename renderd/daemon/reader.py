"""Reads the spool for the socket thread, which must never wait for a share.

A hung hard mount blocks a thread for good.  So one worker thread reads, and the socket thread
asks how long its present call of the share has taken.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from renderd.core.wire import Failure, Kind, Reply, encode_answer
from renderd.errors import RenderdError, SpoolError, WireError
from renderd.spool.layout import Spool
from renderd.spool.share import Share

log = logging.getLogger(__name__)
QUEUE_LENGTH = 32


@dataclass(slots=True, eq=False)
class Task:
    """One reading: what to ask of the spool, and for whom."""

    id: int  #: of the request
    spool: Spool
    read: Callable[[Spool], Any]
    asked_at: float
    line: bytes | None = None  #: the answer, once read
    is_dropped: bool = False  #: nobody waits for it any more


class ShareReader:
    """One thread that reads the spool, task after task; `wake` is called after each."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._tasks: queue.Queue[Task | None] = queue.Queue(QUEUE_LENGTH)
        self._call_began: float | None = None
        # A daemon thread: one that hangs in the kernel must not keep the process.
        self._thread = threading.Thread(target=self._run, name="share-reader", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> bool:
        """Queue a reading; False when too many wait already."""
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            return False
        return True

    def hangs_for(self) -> float:
        """Seconds for which one and the same call of the share has not come back."""
        began = self._call_began
        return 0.0 if began is None else time.monotonic() - began

    def close(self) -> None:
        """Let the thread end after its present task; never waits."""
        while True:
            try:
                self._tasks.put_nowait(None)
                return
            except queue.Full:
                try:
                    self._tasks.get_nowait()
                except queue.Empty:
                    continue

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            if task.is_dropped:
                continue
            task.line = _answer(task, self._watched(task.spool))
            self._wake()

    def _watched(self, spool: Spool) -> Spool:
        return replace(spool, share=cast(Share, _WatchedShare(spool.share, self)))

    def call_begins(self) -> None:
        """The worker enters the file system."""
        self._call_began = time.monotonic()

    def call_ends(self) -> None:
        """The worker came back from it."""
        self._call_began = None


class _WatchedShare:
    """A Share that tells its reader when a call begins and ends."""

    def __init__(self, share: Share, reader: ShareReader) -> None:
        self._share = share
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._share, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._reader.call_begins()
            try:
                return call(*args, **kwargs)
            finally:
                self._reader.call_ends()

        return watched


def _answer(task: Task, spool: Spool) -> bytes:
    try:
        return encode_answer(Reply(task.id, task.read(spool)))
    except Exception as error:
        return encode_answer(failure(task.id, error))


def failure(id_: int, error: Exception) -> Failure:
    """What to tell the client of an error met on its behalf."""
    if isinstance(error, WireError):
        return Failure(id_, Kind.TOO_LONG, error.message, "ask for less, or read the spool")
    if isinstance(error, RenderdError):
        return Failure(id_, Kind.FAILED, error.message, error.remedy, error.exit_status)
    if isinstance(error, OSError):
        what = f"{error.strerror or error}: {error.filename or 'the share'}"
        return Failure(id_, Kind.FAILED, what, "", SpoolError.exit_status)
    log.error("a request failed", exc_info=error)
    return Failure(id_, Kind.FAILED, f"the daemon met a fault of its own: {error!r}")
