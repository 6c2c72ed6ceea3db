"""The kernel's word that something lies in the spool: heard soon, and only what is news."""

import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from renderd.daemon import events
from renderd.spool.layout import QUEUE, Spool
from renderd.spool.listing import chunks
from renderd.spool.mount import find_mount


@pytest.fixture
def nudges(spool: Spool) -> Iterator[threading.Semaphore]:
    """Counts the nudges of a watched spool."""
    mount = find_mount(spool.root)
    if mount is None or mount.is_shared:
        pytest.skip("the temporary folder is on no disk of this machine")
    counted = threading.Semaphore(0)
    observer = events.watch(spool, counted.release)
    assert observer is not None
    yield counted
    observer.stop()
    observer.join(timeout=30)


def heard(nudges: threading.Semaphore) -> bool:
    return nudges.acquire(timeout=30)


def forget(nudges: threading.Semaphore) -> None:
    """Take in what is on its way."""
    while nudges.acquire(timeout=0.3):
        pass


def test_a_dropped_file_is_heard(spool: Spool, nudges: threading.Semaphore) -> None:
    with open(spool.at("shot.info"), "w") as file:
        file.write("true\n")
    assert heard(nudges)


def test_a_published_job_is_heard(
    spool: Spool, nudges: threading.Semaphore, publish: Callable[..., str]
) -> None:
    publish()
    assert heard(nudges)


def test_a_file_whose_writing_ended_is_heard_again(
    spool: Spool, nudges: threading.Semaphore
) -> None:
    with open(spool.at("shot.info"), "w") as file:
        file.flush()
        assert heard(nudges)
        forget(nudges)
        file.write("true\n")
    assert heard(nudges)


def test_looking_is_no_news(
    spool: Spool, nudges: threading.Semaphore, publish: Callable[..., str]
) -> None:
    jid = publish()
    heard(nudges)
    forget(nudges)
    for _ in range(20):
        spool.share.listdir(spool.root)
        spool.share.listdir(spool.at(QUEUE))
        chunks(spool, jid)
        spool.share.read(spool.at("SPOOL"))
    assert not nudges.acquire(timeout=0.3)


def test_what_cannot_be_watched_is_polled(spool: Spool) -> None:
    spool.share.rmdir(spool.at(QUEUE))  # nothing can be watched there
    assert events.watch(spool, lambda: None) is None


def test_the_watch_ends_with_its_daemon(spool: Spool) -> None:
    before = threading.active_count()
    observer = events.watch(spool, lambda: None)
    if observer is None:
        pytest.skip("the temporary folder is on no disk of this machine")
    observer.stop()
    observer.join(timeout=30)
    end = time.monotonic() + 30
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() <= before
    assert os.path.isdir(spool.root)
