"""Nobody is dead before their name stood still for long enough in own beats."""

from hypothesis import given
from hypothesis import strategies as st

from renderd.core import lease
from renderd.core.lease import Observer
from renderd.core.names import Beat

PEER = "ws02-00000001"


def beat(count: int, period: int = 5) -> Beat:
    return Beat(PEER, count, period, "abcd")


def beats_until_dead(observer: Observer, peer: Beat, period: int = 5, **hint: bool) -> int:
    for n in range(1, 500):
        observer.beat()
        if observer.look(peer, period, **hint):
            return n
    return 0


def test_a_peer_that_moves_is_never_declared() -> None:
    observer = Observer()
    for n in range(200):
        observer.beat()
        assert not observer.look(beat(n // 3), 5)


def test_a_still_peer_is_declared_after_four_periods_of_the_slower() -> None:
    assert beats_until_dead(Observer(), beat(1)) == 1 + 4
    assert beats_until_dead(Observer(), beat(1, period=60)) == 1 + 48
    assert beats_until_dead(Observer(), beat(1), period=10) == 1 + 4


def test_a_hint_halves_the_patience() -> None:
    assert beats_until_dead(Observer(), beat(1), has_hint=True) == 1 + 2


def test_a_pause_of_the_server_starts_every_count_anew() -> None:
    observer = Observer()
    for _ in range(4):
        observer.beat()
        observer.look(beat(1), 5)
    observer.reset()
    assert beats_until_dead(observer, beat(1)) == lease.CALM_BEATS + 4


def test_a_peer_may_come_back_from_an_outage_as_late_again_as_it_lasted() -> None:
    observer = Observer()
    observer.reset(silent=90.0, own_period=5)
    observer.reset()  # one more slow call does not take that back
    assert beats_until_dead(observer, beat(1)) == lease.CALM_BEATS + 18 + 4
    observer.reset(silent=3600.0, own_period=5)
    assert beats_until_dead(observer, beat(1)) == lease.CALM_BEATS + 24 + 4


def test_a_gap_is_not_counted_as_silence() -> None:
    observer = Observer()
    observer.beat()
    observer.look(beat(1), 5)
    assert not observer.look(beat(1), 5)  # without own beats no time has passed


@given(st.integers(1, 60), st.integers(1, 60))
def test_the_limit_covers_four_of_the_peers_periods(own: int, peer: int) -> None:
    assert lease.limit(own, peer, has_hint=False) * own >= 4 * max(own, peer)


def test_each_node_is_observed_by_the_three_before_it() -> None:
    ring = [f"ws{n:02d}-00000000" for n in range(6)]
    watchers = [inc for inc in ring if "ws00-00000000" in lease.neighbours(inc, ring)]
    assert watchers == ring[3:]


def test_a_long_frame_and_a_large_farm_beat_slowly() -> None:
    def period(live: int, stake: float, *, slow: bool = False) -> int:
        return lease.period(live, stake, is_busy=True, is_slow=slow)

    assert period(3, 0) == 5
    assert period(3, 0, slow=True) == 10
    assert period(1000, 0) == 10
    assert period(3, 7200) == 60
