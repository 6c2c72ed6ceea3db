"""No client can stop the socket, nor the daemon behind it."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from renderd.core import wire
from renderd.daemon.listener import SocketTaken
from renderd.daemon.server import Server
from renderd.errors import UsageError


def still_serves(dial) -> bool:
    return dial().call("status")["value"]["node"] == "ws07"


def test_the_socket_is_for_its_owner_only(serve, path):
    serve()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


def test_the_mode_does_not_depend_on_the_umask(serve, path):
    before = os.umask(0)
    try:
        serve()
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_the_socket_file_goes_with_the_server(serve, path):
    serve().stop()
    assert not os.path.exists(path)


def test_a_server_that_never_started_leaves_no_socket_file(path, standin):
    Server(path, standin).stop()
    assert not os.path.exists(path)


def test_stopping_twice_is_harmless(serve):
    server = serve()
    server.stop()
    server.stop()
    assert not server.is_serving


def test_the_socket_of_a_dead_daemon_is_replaced(serve, path, dial):
    os.makedirs(os.path.dirname(path), mode=0o700)
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    dead.bind(path)
    dead.close()
    serve()
    assert still_serves(dial)


def test_a_second_daemon_on_one_path_is_refused_and_harms_nothing(serve, path, standin, dial):
    serve()
    with pytest.raises(SocketTaken):
        Server(path, standin)
    assert still_serves(dial)


def test_a_server_that_stops_late_leaves_its_successors_socket(serve, path, dial):
    first = serve()
    os.unlink(path)
    serve()
    first.stop()
    assert still_serves(dial)


def test_a_file_in_the_way_is_not_removed(path, standin):
    os.makedirs(os.path.dirname(path), mode=0o700)
    Path(path).write_text("precious")
    with pytest.raises(UsageError, match="in the way"):
        Server(path, standin)
    assert Path(path).read_text() == "precious"


def test_a_path_longer_than_the_kernel_takes_is_named(tmp_path, standin):
    with pytest.raises(UsageError, match="longer"):
        Server(str(tmp_path / ("x" * 120)), standin)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_refused_even_where_the_file_lets_him(serve, path, tmp_path, dial):
    serve()
    for folder in (tmp_path, *tmp_path.parents, tmp_path / "run"):
        with contextlib.suppress(PermissionError):
            os.chmod(folder, stat.S_IMODE(os.stat(folder).st_mode) | 0o055)
    os.chmod(path, 0o666)
    code = (
        "import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "s.settimeout(30); print(s.makefile().readline())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert '"refused"' in said.stdout
    assert "65534" in said.stdout
    assert still_serves(dial)


def test_garbage_is_answered_once_and_hung_up_on(serve, dial):
    serve()
    peer = dial()
    peer.say(b"\x00\xff\xfe garbage \n" * 50)
    assert peer.hear()["error"]["kind"] == "not-json"
    assert peer.is_hung_up()
    assert still_serves(dial)


def test_a_line_of_a_megabyte_is_refused_without_being_kept(serve, dial):
    serve()
    peer = dial()
    threading.Thread(target=lambda: _drown(peer, b"x" * (1 << 20)), daemon=True).start()
    assert peer.hear()["error"]["kind"] == "too-long"
    assert still_serves(dial)


def _drown(peer, data: bytes) -> None:
    with contextlib.suppress(OSError):
        peer.say(data)


def test_a_line_that_does_not_end_is_hung_up_on(serve, dial):
    serve(half_line=0.2)
    peer = dial()
    peer.say(b'{"v": 1, "op"')
    assert peer.is_hung_up()
    assert still_serves(dial)


def test_a_line_that_trickles_in_is_no_excuse(serve, dial, wait):
    server = serve(half_line=0.3)
    peer = dial()

    def trickle() -> bool:
        with contextlib.suppress(OSError):
            peer.say(b" ")
            return False
        return True

    wait(trickle)
    assert server.is_serving
    assert still_serves(dial)


def test_an_idle_client_is_left_in_peace(serve, dial):
    serve(half_line=0.1, stall=0.1)
    peer = dial()
    assert peer.call("status")["id"] == 1
    assert threading.Event().wait(0.5) is False
    assert peer.call("status", 2)["id"] == 2


def test_a_flood_of_requests_that_nobody_reads_is_cut_off(serve, dial, wait):
    serve(stall=0.3)
    peer = dial()
    line = b'{"v": 1, "id": 1, "op": "status"}\n' * 1000

    def flood() -> bool:
        try:
            peer.say(line)
        except OSError:
            return True
        return False

    wait(flood)
    assert still_serves(dial)


def test_a_flood_of_requests_that_is_read_is_answered_whole_and_in_order(serve, dial):
    serve()
    peer = dial()
    count = 3000
    flood = b"".join(b'{"v": 1, "id": %d, "op": "status"}\n' % i for i in range(count))
    threading.Thread(target=lambda: peer.say(flood), daemon=True).start()
    assert [peer.hear()["id"] for _ in range(count)] == list(range(count))


def test_clients_that_leave_in_the_middle_cost_nothing(serve, dial, wait):
    serve()
    for data in (
        b"",
        b'{"v": 1',
        b'{"v": 1, "id": 1, "op": "jobs"}\n',
        b'{"v":1,"op":"subscribe"}\n',
    ):
        for _ in range(5):
            peer = dial()
            peer.say(data)
            peer.close()
    peer = dial()
    wait(lambda: peer.call("stats")["value"]["socket"]["connected"] == 1)


def test_of_two_hundred_clients_those_beyond_the_limit_are_told_so(serve, dial):
    serve(connections=50)
    answers = []
    peers = []
    for _ in range(200):
        peer = dial()
        peers.append(peer)
        with contextlib.suppress(OSError):  # refused: hung up on before it spoke
            peer.ask("status")
        answers.append(peer.hear())
    assert sum("value" in a for a in answers) == 50
    assert sum(a.get("error", {}).get("kind") == "busy" for a in answers) == 150
    for peer in peers:
        peer.close()


def test_two_hundred_clients_after_each_other_are_all_answered(serve, dial):
    serve(connections=3)
    for _ in range(200):
        peer = dial()
        while "value" not in (answer := peer.call("status")):
            assert answer["error"]["kind"] == "busy"  # the one before is still being let go
            peer = dial()
        peer.close()


def test_who_sends_no_more_still_hears_the_answer(serve, dial):
    serve()
    peer = dial()
    peer.say(b'{"v": 1, "id": 4, "op": "status"}')
    peer.socket.shutdown(socket.SHUT_WR)
    assert peer.hear()["id"] == 4
    assert peer.hear() == {}


def test_a_question_to_a_hanging_share_is_answered_with_how_long_it_hangs(
    serve, standin, dial, hang
):
    serve(hang=0.2)
    hang()
    peer = dial()
    peer.ask("jobs", 1)
    peer.ask("status", 2)
    assert peer.hear()["id"] == 2  # from memory, at once
    answer = peer.hear()
    assert answer["id"] == 1
    assert answer["error"]["kind"] == "share-hangs"
    assert "hangs since" in answer["error"]["message"]
    assert dial().call("nodes")["error"]["kind"] == "share-hangs"
    assert still_serves(dial)


def test_when_the_share_answers_again_so_does_the_daemon(serve, dial, hang, wait):
    serve(hang=0.2)
    free = hang()
    peer = dial()
    assert peer.call("jobs")["error"]["kind"] == "share-hangs"
    free()
    wait(lambda: peer.call("jobs").get("value") == [])


def test_a_share_that_is_slow_but_moves_is_waited_for(serve, dial, slow):
    serve(hang=1.0)
    slow(calls=6, seconds=0.3)
    assert dial().call("jobs")["value"] == []


def test_readings_that_queue_behind_a_hanging_share_are_bounded(serve, dial, hang):
    serve(hang=20.0)
    hang()
    peer = dial()
    for i in range(6):
        peer.ask("jobs", i)
    assert [peer.hear()["error"]["kind"] for _ in range(2)] == ["busy", "busy"]


def test_stopping_ends_the_streams_politely(serve, dial):
    server = serve()
    peer = dial()
    assert peer.call("subscribe")["event"] == "snapshot"
    server.stop()
    assert peer.hear()["event"] == "end"
    assert peer.hear() == {}


def test_a_fault_of_a_handler_costs_one_answer(serve, standin, dial):
    serve()
    standin.become(poison={1, 2})  # no JSON
    answer = dial().call("status")
    assert answer["error"]["kind"] == "failed"
    standin.become(poison=None)
    assert still_serves(dial)


def test_the_protocols_version_is_told_and_the_connection_kept(serve, dial):
    serve()
    peer = dial()
    peer.say(b'{"v": 7, "id": 9, "op": "status"}\n')
    answer = peer.hear()
    assert (answer["v"], answer["id"]) == (wire.VERSION, 9)
    assert answer["error"]["kind"] == "version"
    assert peer.call("status")["value"]["node"] == "ws07"
