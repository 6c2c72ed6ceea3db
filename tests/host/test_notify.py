import os
import socket

import pytest

from renderd.host.notify import Notifier


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        yield listener


def test_ready_and_status_arrive(manager):
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname()})
    notifier.ready("renders\njob 3")
    assert manager.recv(999) == b"READY=1\nSTATUS=renders job 3"
    notifier.status("idle")
    notifier.alive()
    notifier.stopping()
    assert [manager.recv(999) for _ in range(3)] == [b"STATUS=idle", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_address_is_understood():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0renderd-test-{os.getpid()}")
        listener.settimeout(60)
        Notifier({"NOTIFY_SOCKET": f"@renderd-test-{os.getpid()}"}).ready()
        assert listener.recv(999) == b"READY=1"


def test_without_a_manager_nothing_happens(tmp_path):
    Notifier({}).ready()
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()


def test_the_watchdog_is_fed_twice_as_often_as_it_bites():
    assert Notifier({"WATCHDOG_USEC": "30000000"}).watchdog_interval == 15
    own = {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    assert Notifier(own).watchdog_interval == 15
    assert Notifier({**own, "WATCHDOG_PID": "1"}).watchdog_interval is None
    assert Notifier({}).watchdog_interval is None
