"""A node lives by its beat, and is dead for ever by its certificate."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core.names import Beat
from renderd.errors import SpoolNotMounted
from renderd.spool import nodes
from renderd.spool.layout import BEATS, Spool
from renderd.spool.moves import ensure_folder
from renderd.spool.nodes import Life
from renderd.spool.share import PosixShare


def test_a_node_that_beats_is_alive(spool: Spool, worker: Any) -> None:
    for count in (2, 3, 4):
        assert nodes.beat(spool, worker.pulse, 5) is Life.ALIVE
        assert nodes.everyone(spool)[worker.inc].count == count
    assert len(os.listdir(spool.at("beat", "00"))) == 1


def test_the_dead_are_told_by_their_next_beat(spool: Spool, worker: Any) -> None:
    assert nodes.declare(spool, "00", worker.pulse.beat)
    assert nodes.beat(spool, worker.pulse, 5) is Life.FENCED
    assert nodes.dead(spool) == {worker.inc}


def test_a_beat_that_moved_on_meanwhile_is_not_declared(spool: Spool, worker: Any) -> None:
    still = worker.pulse.beat
    nodes.beat(spool, worker.pulse, 5)
    assert not nodes.declare(spool, "00", still)
    assert nodes.dead(spool) == set()


def test_a_beat_whose_reply_was_lost_goes_on(spool: Spool, worker: Any) -> None:
    old = worker.pulse.beat
    nodes.beat(spool, worker.pulse, 5)
    worker.pulse.beat = old  # we never heard that it had worked
    assert nodes.beat(spool, worker.pulse, 5) is Life.ALIVE
    assert worker.pulse.beat.count == 2


class Deaf(PosixShare):
    """A real share whose first rename of a beat happens, and whose answers are errors."""

    calls = 0

    def rename(self, old: str, new: str) -> None:
        self.calls += 1
        if self.calls == 1:
            super().rename(old, new)
        raise OSError(errno.EIO, "bad weather", old)


def test_a_long_outage_makes_nobody_ones_own_twin(spool: Spool, worker: Any) -> None:
    deaf = replace(spool, share=Deaf())
    for _ in range(200):
        assert nodes.beat(deaf, worker.pulse, 5) is Life.UNSURE
    assert nodes.beat(spool, worker.pulse, 5) is Life.ALIVE
    assert nodes.beat(spool, worker.pulse, 5) is Life.ALIVE


def test_a_copied_machine_finds_its_twin(spool: Spool, worker: Any) -> None:
    here = spool.at("beat", "00", worker.pulse.beat.name)
    os.rename(here, spool.at("beat", "00", Beat(worker.inc, 9, 5, "zzzz").name))
    assert nodes.beat(spool, worker.pulse, 5) is Life.TWIN


def test_a_server_that_forgot_a_beat_makes_nobody_ones_own_twin(spool: Spool, worker: Any) -> None:
    former = worker.pulse.beat
    for _ in range(3):
        nodes.beat(spool, worker.pulse, 5)
    os.rename(spool.at("beat", "00", worker.pulse.beat.name), spool.at("beat", "00", former.name))
    lives = [nodes.beat(spool, worker.pulse, 5) for _ in range(3)]
    assert lives == [Life.ALIVE] * 3
    assert [b.count for b in nodes.beats(spool, "00")] == [former.count + 2]


def test_a_node_whose_beat_was_removed_certifies_itself(spool: Spool, worker: Any) -> None:
    os.unlink(spool.at("beat", "00", worker.pulse.beat.name))
    lives = [nodes.beat(spool, worker.pulse, 5) for _ in range(nodes.LOOKS)]
    assert lives == [Life.UNSURE] * (nodes.LOOKS - 1) + [Life.FENCED]
    assert nodes.dead(spool) == {worker.inc}


def test_a_share_that_is_gone_kills_nobody(spool: Spool, worker: Any, tmp_path: Path) -> None:
    os.rename(spool.root, tmp_path / "away")
    os.mkdir(spool.root)
    for _ in range(10):
        with pytest.raises(SpoolNotMounted):
            nodes.beat(spool, worker.pulse, 5)
    os.rmdir(spool.root)
    os.rename(tmp_path / "away", spool.root)
    assert nodes.beat(spool, worker.pulse, 5) is Life.ALIVE


def test_a_full_shard_is_followed_by_the_next(
    spool: Spool, make_worker: Callable[..., Any]
) -> None:
    workers = [make_worker(f"ws-{n:08x}") for n in range(nodes.SHARD_SIZE + 1)]
    assert {w.pulse.shard for w in workers[:-1]} == {"00"}
    assert workers[-1].pulse.shard == "01"
    assert len(nodes.everyone(spool)) == nodes.SHARD_SIZE + 1


@pytest.mark.parametrize("owns", [False, True])
def test_a_node_that_leaves_owning_nothing_is_simply_gone(
    spool: Spool, worker: Any, owns: bool
) -> None:
    nodes.leave(spool, worker.pulse, owns_nothing=not owns)
    assert nodes.everyone(spool) == {}
    assert nodes.dead(spool) == ({worker.inc} if owns else set())


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=3000), max_size=8))
def test_a_status_always_fits_and_is_read_again(status: dict[str, str]) -> None:
    data = nodes.pack_status(status)
    assert len(data) == nodes.STATUS_BYTES
    found = nodes.unpack_status(data)
    assert found is not None
    assert found.items() <= status.items()


@given(st.integers(0, nodes.STATUS_BYTES - 1), st.integers(1, 255))
def test_a_torn_status_is_none(place: int, flip: int) -> None:
    data = bytearray(nodes.pack_status({"state": "idle"}))
    data[place] ^= flip
    found = nodes.unpack_status(bytes(data))
    assert found is None or found == {"state": "idle"}  # a blank at the CRC's edge


def test_an_order_is_received_once(spool: Spool, worker: Any) -> None:
    nodes.send(spool, worker.inc, {"op": "pause"})
    assert nodes.receive(spool, worker.inc) == [{"op": "pause"}]
    assert nodes.receive(spool, worker.inc) == []


@pytest.mark.parametrize("garbage", [b"\xff{", b"[" * 60000, b"17"])
def test_garbage_in_the_inbox_is_dropped(spool: Spool, worker: Any, garbage: bytes) -> None:
    Path(spool.node(worker.inc, "inbox", "x.order")).write_bytes(garbage)
    assert nodes.receive(spool, worker.inc) == []
    assert os.listdir(spool.node(worker.inc, "inbox")) == []


def test_the_hundred_and_second_shard_comes_after_the_hundred_and_first(spool: Spool) -> None:
    for shard in range(101):
        folder = spool.at(BEATS, f"{shard:02d}")
        ensure_folder(spool, folder)
        for number in range(nodes.SHARD_SIZE):
            spool.share.create(f"{folder}/ws-{shard:04x}{number:04x}.00000001.5.aaaa", b"")
    assert nodes.register(spool, "ws01-00000001", {}, 5).shard == "101"
