"""A plain daemon behind a real socket: it implements the port, over a real spool."""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from renderd.core.wire import Request
from renderd.daemon.connection import Limits
from renderd.daemon.server import Server
from renderd.daemon.tail import Tail
from renderd.spool.layout import Spool
from renderd.spool.share import PosixShare

sys.path.insert(0, str(Path(__file__).parent))  # driven.py, beside the tests that use it
from driven import Driven, drive

PATIENCE = 30.0  # generous: only a hang is as slow


class StandIn:
    """A daemon without a loop: its snapshot changes when a test says so."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.orders: list[Request] = []
        self.nudges = 0
        self.tails: dict[tuple[str, int], Tail] = {}
        self.listeners: list[Callable[[], None]] = []
        self._snapshot: dict[str, Any] = {"node": "ws07", "inc": "ws07-0123abcd", "state": "idle"}

    def snapshot(self) -> dict[str, Any]:
        return self._snapshot

    def become(self, **changes: Any) -> None:
        """Swap the snapshot as the loop does, and tell the listeners."""
        merged = {**self._snapshot, **changes}
        self._snapshot = {k: v for k, v in merged.items() if v is not None}
        for changed in list(self.listeners):
            changed()

    def post(self, order: Request) -> None:
        self.orders.append(order)

    def nudge(self) -> None:
        self.nudges += 1

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        self.listeners.append(changed)
        return lambda: self.listeners.remove(changed)

    def tail(self, jid: str, index: int) -> Tail | None:
        return self.tails.get((jid, index))


class Peer:
    """A client that may say anything."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self._file = self.socket.makefile("rb")

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, op: str, id_: int = 1, **args: Any) -> None:
        self.say(json.dumps({"v": 1, "id": id_, "op": op, "args": args}).encode() + b"\n")

    def hear(self) -> dict[str, Any]:
        """The next answer; empty when the daemon hung up."""
        line = self._file.readline()
        return json.loads(line) if line else {}

    def call(self, op: str, id_: int = 1, **args: Any) -> dict[str, Any]:
        self.ask(op, id_, **args)
        return self.hear()

    def is_hung_up(self) -> bool:
        """True once nothing more comes; reads what is left."""
        try:
            while self._file.readline():
                pass
        except ConnectionError:
            pass
        return True

    def close(self) -> None:
        self._file.close()
        self.socket.close()


def until(claim: Callable[[], Any]) -> None:
    """Wait for a claim to become true."""
    end = time.monotonic() + PATIENCE
    while not claim():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def wait() -> Callable[[Callable[[], Any]], None]:
    """Waits for a claim to become true."""
    return until


@pytest.fixture
def standin(spool: Spool) -> StandIn:
    """A daemon that serves `spool`."""
    return StandIn(spool)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the socket lies."""
    return str(tmp_path / "run" / "ws07.sock")


@pytest.fixture
def serve(path: str, standin: StandIn) -> Iterator[Callable[..., Server]]:
    """Starts servers, and stops them; by default the stand-in's with patient limits."""
    started: list[Server] = []

    def start(**limits: Any) -> Server:
        server = Server(path, standin, Limits(**limits))
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def dial(path: str) -> Iterator[Callable[[], Peer]]:
    """Connects clients, and hangs up."""
    peers: list[Peer] = []

    def connect() -> Peer:
        peers.append(Peer(path))
        return peers[-1]

    yield connect
    for peer in peers:
        peer.close()


class StubbornShare(PosixShare):
    """A real share whose listings wait: for ever, or a while."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.slow_calls = 0
        self.seconds = 0.0

    def listdir(self, path: str) -> list[str]:
        self.gate.wait()
        if self.slow_calls:
            self.slow_calls -= 1
            time.sleep(self.seconds)
        return super().listdir(path)


@pytest.fixture
def stubborn(standin: StandIn) -> Iterator[StubbornShare]:
    """The stand-in's share, now one that can hang as a hard mount does."""
    share = StubbornShare()
    standin.spool = replace(standin.spool, share=share)
    yield share
    share.gate.set()


@pytest.fixture
def hang(stubborn: StubbornShare) -> Callable[[], Callable[[], None]]:
    """Makes the share hang; what it returns frees it again."""

    def stop() -> Callable[[], None]:
        stubborn.gate.clear()
        return stubborn.gate.set

    return stop


@pytest.fixture
def slow(stubborn: StubbornShare) -> Callable[..., None]:
    """Makes some listings slow."""

    def set_slow(*, calls: int, seconds: float) -> None:
        stubborn.slow_calls, stubborn.seconds = calls, seconds

    return set_slow


@pytest.fixture
def clock() -> list[float]:
    """The one clock of all driven nodes: seconds, in a list of one."""
    return [1000.0]


@pytest.fixture
def make_node(spool: Spool, clock: list[float]) -> Callable[..., Driven]:
    """Registers driven nodes on the spool."""

    def make(inc: str = "ws07-0123abcd", slots: int = 1, **able: Any) -> Driven:
        return drive(spool, clock, inc, slots, **able)

    return make
