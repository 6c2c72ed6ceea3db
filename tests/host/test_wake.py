"""Whose card is to be woken, and the packet."""

import socket

import psutil
import pytest

from renderd.errors import UsageError
from renderd.host import wake


def test_the_packet_is_six_times_255_and_sixteen_times_the_address():
    packet = wake.magic("00:1A:2b-3c:4d:5e")
    assert len(packet) == 102
    assert packet[:6] == b"\xff" * 6
    assert packet[6:12] == packet[-6:] == bytes.fromhex("001a2b3c4d5e")


@pytest.mark.parametrize("mac", ["", "00:00:00:00:00:00", "00:1a:2b:3c:4d", "x" * 17, None, 7])
def test_what_is_no_card_is_not_called(mac):
    assert not wake.is_card(mac)
    with pytest.raises(UsageError):
        wake.magic(mac)


def test_the_card_toward_the_share_is_one_of_this_machine():
    cards = {
        one.address.lower()
        for addresses in psutil.net_if_addrs().values()
        for one in addresses
        if one.family == psutil.AF_LINK
    }
    assert wake.card_toward("") in cards | {""}
    assert wake.card_toward("127.0.0.1") == wake.card_toward("")


def test_a_packet_goes_to_each_target_there_is():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        assert wake.send("00:1a:2b:3c:4d:5e", [taken.getsockname()] * 2) == 2
