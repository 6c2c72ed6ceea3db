"""The renderd command: read settings, run incarnations until told to leave."""

import argparse
import contextlib
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from renderd.errors import FormatNewer, RenderdError, SpoolError, UsageError
from renderd.host.guard import Guard

if TYPE_CHECKING:
    from renderd.daemon.assembly import Incarnation
    from renderd.daemon.server import Server

VERBS = ("init", "doctor", "config", "sign", "install", "uninstall")
AGAIN = "RENDERD_BEGINS_ANEW"  #: in the environment of a daemon that replaces itself
AGAIN_EVERY = 5.0  #: seconds between tries of a fenced daemon to come back
LEAVE_WITHIN = 6.0  #: seconds from SIGTERM for the loop; with what follows never more than 10
LOOK_EVERY = 0.5  #: seconds between looks whether the loop has ended
EPILOG = """
verbs:  renderd init DIR      make a spool
        renderd doctor        prove what this mount can do
        renderd config        show the settings and where each comes from
        renderd sign FILE     sign an info file with the farm's key
        renderd install       start it at your login; uninstall takes that away

exit status:  0 left in order (--once: all done)   1 something failed   2 usage
              10 spool cannot be used   11 another daemon holds this node's name or socket
              12 spool is newer   130 interrupted
"""
T = TypeVar("T")
_log = logging.getLogger("renderd")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon or one of its verbs; the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] and words[0] in VERBS:
            return _verb(words)
        return _daemon(words)
    except RenderdError as error:
        print(f"renderd: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_status
    except KeyboardInterrupt:
        return 130


def _verb(words: list[str]) -> int:
    from renderd.daemon import doctor, init, install, settings_verb, sign  # noqa: PLC0415  seldom needed

    parser = argparse.ArgumentParser(prog="renderd", allow_abbrev=False)
    subparsers = parser.add_subparsers(dest="verb", required=True)
    for module in (init, doctor, settings_verb, sign, install):
        module.add_parser(subparsers)
    args = parser.parse_args(words)
    run: Callable[[argparse.Namespace], int] = args.run
    return run(args)


def _daemon(words: list[str]) -> int:
    is_first = os.environ.pop(AGAIN, "") == ""  # before the guard: commands must not inherit it
    # First of all, while there is one thread and little memory: the guard is forked from here.
    with Guard.start() as guard:
        daemon = Daemon(_parse(words), guard)
        status = daemon.run(is_first=is_first)
    return _begin_anew() if daemon.restarts else status


def _begin_anew() -> int:
    """Become a fresh daemon with the code that is on the disk now: same process, same words."""
    _log.info("begins anew")
    os.environ[AGAIN] = "yes"
    try:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
    except OSError as error:  # whoever watches over us starts us again
        _log.error("cannot begin anew: %s: %s", sys.executable, error.strerror)
        return 1


def _parse(words: list[str]) -> argparse.Namespace:
    from renderd import __version__, config  # noqa: PLC0415  after the guard's fork

    parser = argparse.ArgumentParser(
        prog="renderd",
        description="Render what the spool holds, in the background, on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"renderd {__version__}")
    config.add_flags(parser)
    return parser.parse_args(words)


def _left(deadline: float, most: float) -> float:
    """Seconds that one step of leaving may take: what is left of the whole, and never none."""
    return max(1.0, min(most, deadline - time.monotonic()))


class Daemon:
    """Runs one incarnation after the other and turns signals into orders for it."""

    def __init__(self, args: argparse.Namespace, guard: Guard) -> None:
        from renderd import config, logs  # noqa: PLC0415  after the guard's fork
        from renderd.host import locations  # noqa: PLC0415
        from renderd.host.notify import Notifier  # noqa: PLC0415

        self._flags = {k: v for k, v in vars(args).items() if v is not None}
        self.settings = config.load(self._flags)
        logs.start(self.settings.log_level)
        if not self.settings.spool:
            raise UsageError(
                "no spool was named", "say --spool DIR or set RENDERD_SPOOL; make one: renderd init"
            )
        self._guard = guard
        self._state_dir = self.settings.state_dir or locations.state_dir()
        self._runtime_dir = self.settings.runtime_dir or locations.runtime_dir()
        self._notify = Notifier()
        self._signals = 0
        # Not an Event: its lock is held for moments in which a signal handler must not want it.
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._reload = False
        self.restarts = False  #: told to begin anew, and able to

    def run(self, *, is_first: bool = True) -> int:
        """Work until told to leave; the exit status.

        One that began anew is not the first: it waits for a share that is away just then.
        """
        from renderd.host import facts, locations, run_record  # noqa: PLC0415  after the fork
        from renderd.spool import trust  # noqa: PLC0415
        from renderd.spool.layout import read_identity  # noqa: PLC0415
        from renderd.spool.share import PosixShare  # noqa: PLC0415

        trust.check_user(self.settings.allow_root)
        spool = self.settings.spool
        identity = self._until_it_can(lambda: read_identity(PosixShare(), spool), is_first=is_first)
        if identity is None:
            return 0
        name = self.settings.node or facts.host_slug(facts.host_name())
        # Ours alone, the guard was forked before; saves a chmod for each file.
        umask = os.umask(0o007)
        os.makedirs(self._state_dir, exist_ok=True)
        locations.make_private(self._runtime_dir)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        with run_record.NodeLock(self._runtime_dir, identity.id, name):
            incarnation, status = self._enter(is_first=is_first), 0
            while incarnation is not None:
                status = self._serve(incarnation)
                self.restarts = incarnation.node.restarts and not self._signals
                if self.restarts or not incarnation.node.is_fenced or self._signals:
                    break
                _log.warning("declared dead by the others; going on as a new incarnation")
                met = incarnation.node.met
                incarnation = self._enter(is_first=False)
                if incarnation is not None:
                    incarnation.node.met |= met  # --once answers for what its forerunner met too
        os.umask(umask)  # the next guard is forked by who replaces us
        if self.restarts:  # for systemd a reload: it must neither stop us nor start another
            self._notify.reloading(time.monotonic_ns() // 1000)
        return status

    def _enter(self, *, is_first: bool) -> "Incarnation | None":
        """A new incarnation in the spool; None when told to leave before the share let it in."""
        from renderd.daemon.assembly import incarnate  # noqa: PLC0415  after the guard's fork

        return self._until_it_can(
            lambda: incarnate(self.settings, self._guard, self._state_dir), is_first=is_first
        )

    def _until_it_can(self, enter: Callable[[], T], *, is_first: bool) -> T | None:
        """What needs the spool; None when told to leave before the share let us.

        The first raises SpoolError with what is wrong; those that follow wait until it is over,
        but for FormatNewer, which nothing but an upgrade ends.
        """
        while not self._signals or is_first:
            try:
                return enter()
            except OSError as error:
                said = f"{error.filename or self.settings.spool}: {error.strerror or error}"
                problem = SpoolError(said, "see what is wrong with: renderd doctor")
            except SpoolError as error:
                problem = error
            if is_first or isinstance(problem, FormatNewer):
                raise problem
            _log.warning("%s", problem)
            self._notify.alive()  # it waits for the share, and must not be killed for that
            self._sleep(AGAIN_EVERY)
        return None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload = True
        else:
            self._signals += 1
        self._woken.put(None)

    def _sleep(self, seconds: float) -> None:
        """Sleep until a signal comes, at most so long."""
        with contextlib.suppress(queue.Empty):
            self._woken.get(timeout=seconds)

    def _serve(self, incarnation: "Incarnation") -> int:
        from renderd.daemon.loop import Leave  # noqa: PLC0415
        from renderd.daemon.server import Server  # noqa: PLC0415

        try:
            server = self._open_socket(incarnation, Server)
        except RenderdError:
            incarnation.leave()
            raise
        incarnation.start()
        node = incarnation.node
        _log.info("%s works for %s", node.inc, incarnation.spool.root)
        self._notify.ready(f"{node.name} on {incarnation.spool.root}")
        assert incarnation.thread is not None
        told, deadline = 0, float("inf")
        while incarnation.thread.is_alive():
            self._sleep(min(self._notify.watchdog_interval or LOOK_EVERY, LOOK_EVERY))
            self._notify.alive()
            if self._reload:
                self._reload_settings(incarnation)
            if self._signals > told:
                told = self._signals
                deadline = min(deadline, time.monotonic() + LEAVE_WITHIN)
                if told > 1:
                    deadline = time.monotonic()
                self._notify.stopping("leaving")
                incarnation.loop.inbox.put(Leave("renderd was stopped", now=told > 1))
            if time.monotonic() >= deadline:
                _log.warning("the share does not answer; leaving all the same")
                break
        return self._end(incarnation, server, deadline)

    def _open_socket(self, incarnation: "Incarnation", kind: "type[Server]") -> "Server":
        from renderd.host.locations import socket_path  # noqa: PLC0415

        path = self.settings.socket or socket_path(self._runtime_dir, incarnation.node.name)
        server = kind(path, incarnation)
        server.start()
        return server

    def _reload_settings(self, incarnation: "Incarnation") -> None:
        from renderd import config  # noqa: PLC0415

        self._reload = False
        self._notify.reloading(time.monotonic_ns() // 1000)
        try:
            self.settings = config.load(self._flags)
            incarnation.reload(self.settings)
        except RenderdError as error:
            _log.error("settings not reloaded: %s", error)
        self._notify.ready("settings read again")

    def _end(self, incarnation: "Incarnation", server: "Server", deadline: float) -> int:
        server.stop()
        self._guard.close(patience=_left(deadline, 5.0))
        leaving = threading.Thread(target=incarnation.leave, name="leave", daemon=True)
        leaving.start()
        leaving.join(timeout=_left(deadline, 3.0))
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        if incarnation.loop.error is not None:
            return 1
        if incarnation.node.is_fenced and not self._signals and not incarnation.node.restarts:
            self._guard = Guard.start()
            return 1
        return incarnation.outcome()
