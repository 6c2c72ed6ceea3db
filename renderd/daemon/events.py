"""File events of a spool on this machine's own disk: a nudge, never the truth."""

import logging
from collections.abc import Callable
from typing import Any

from renderd.spool.layout import QUEUE, Spool
from renderd.spool.mount import find_mount

_log = logging.getLogger(__name__)
logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # it logs every event, and its own end


def _stop_waiting_for_pairs() -> None:
    """Have watchdog tell at once: it holds every file moved away for 0.5 s, and all behind it.

    A ticket that leaves the queue is such a file, and we only want to know that to look.
    """
    from watchdog.observers import inotify  # noqa: PLC0415  Linux only

    for name in ("InotifyMoveEventGrouper", "InotifyBuffer"):  # watchdog 7, watchdog 6
        if (kind := getattr(inotify, name, None)) is not None:
            kind.delay = 0.0


def watch(spool: Spool, nudge: Callable[[], None]) -> Any | None:
    """Watch the root and the queue where the kernel can tell; None on a network file system.

    Over NFS and SMB the kernel hears nothing of other hosts, and polling observers would ask
    for every file of the tree: there the daemon's own poll is all.
    """
    mount = find_mount(spool.root)
    if mount is None or mount.is_shared:
        return None
    try:
        from watchdog import events  # noqa: PLC0415  only where it can hear anything
        from watchdog.observers import Observer  # noqa: PLC0415

        class Handler(events.FileSystemEventHandler):
            def on_any_event(self, _event: events.FileSystemEvent) -> None:
                nudge()

        _stop_waiting_for_pairs()
        # Not the opened and closed ones: our own listings would wake us for ever.
        kinds: list[type[events.FileSystemEvent]] = [events.FileCreatedEvent]
        kinds += [events.FileMovedEvent, events.FileClosedEvent]
        observer = Observer()
        for folder in (spool.root, spool.at(QUEUE)):
            observer.schedule(Handler(), folder, recursive=False, event_filter=kinds)
        observer.start()
    except (OSError, ImportError) as error:  # no inotify watches left: polling does
        _log.info("no file events (%s); polling", error)
        return None
    return observer
