"""When a machine makes way, what becomes of its chunk, and when it goes on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderd.core import courtesy, hours
from renderd.core.courtesy import Cause, Policy, Readings, Standing, Treatment, When

GB = 1 << 30
CALM = Readings(idle=0.0)
PRESSED = {
    Cause.MEMORY: Readings(idle=0.0, swap_in=2.1 * GB),
    Cause.BATTERY: Readings(idle=0.0, battery=71.0),
    Cause.HEAT: Readings(idle=0.0, celsius=98.0, critical=100.0),
    Cause.LOAD: Readings(idle=0.0, load=0.97),
}

share = st.floats(0, 1)
readings = st.builds(
    Readings,
    minute=st.integers(0, hours.WEEK - 1),
    idle=st.none() | st.floats(0, 1e6) | st.just(float("inf")),
    stalled=share,
    free=share,
    swap_in=st.floats(0, 1e10),
    load=share,
    battery=st.none() | st.floats(0, 100),
    celsius=st.none() | st.floats(20, 120),
    critical=st.none() | st.floats(60, 120),
)
policies = st.builds(
    Policy,
    when=st.sampled_from(When),
    away=st.floats(0, 7200),
    yields=st.frozensets(st.sampled_from(courtesy.YIELDS)),
)
looks = st.lists(st.tuples(st.floats(0.1, 300), readings), min_size=1, max_size=30)


def after(policy, *seen, standing=None, every=0.5, now=0.0):
    """The standing after looks, one each half second."""
    standing = standing or Standing()
    for one in seen:
        standing = courtesy.step(policy, one, standing, now)
        now += every
    return standing


@given(policies, looks)
def test_who_makes_way_says_why_and_who_works_says_nothing(policy, seen):
    standing, now = Standing(), 0.0
    for passed, one in seen:
        now += passed
        standing = courtesy.step(policy, one, standing, now)
        assert bool(standing.says) is not standing.may_work


@given(policies, looks)
def test_nothing_is_worked_on_that_a_person_forbade(policy, seen):
    standing, now = Standing(), 0.0
    for passed, one in seen:
        now += passed
        standing = courtesy.step(policy, one, standing, now)
        is_office = policy.office.end(one.minute) is not None
        is_used = one.idle is None or one.idle < policy.away
        if policy.when is When.NEVER or (policy.when is When.OFF_HOURS and is_office):
            assert not standing.may_work
        if policy.when is When.AWAY and is_used:
            assert not standing.may_work


@given(looks, st.integers(0, 64 * GB), st.booleans())
def test_no_chunk_is_held_still_for_longer_than_ten_minutes(seen, held, has_gpu):
    standing, now = Standing(), 0.0
    for passed, one in seen:
        now += passed
        standing = courtesy.step(Policy(), one, standing, now)
        what = courtesy.treat(
            standing, held_bytes=held, room_bytes=8 * GB, has_gpu=has_gpu, now=now
        )
        if what is Treatment.SUSPEND:
            assert now - standing.since < courtesy.GIVE_UP_AFTER
            assert held < 8 * GB
            assert not has_gpu
        assert (what is Treatment.GO_ON) is standing.may_work


@given(looks)
def test_nothing_but_what_a_person_said_stops_a_machine_that_yields_to_nothing(seen):
    standing, now = Standing(), 0.0
    for passed, one in seen:
        now += passed
        standing = courtesy.step(Policy(yields=frozenset()), one, standing, now)
        assert standing.may_work


@pytest.mark.parametrize("cause", PRESSED)
def test_a_machine_goes_on_when_it_has_been_calm_for_a_while(cause):
    standing = after(Policy(), *[PRESSED[cause]] * 40)
    assert standing.cause is cause
    assert after(Policy(), CALM, standing=standing, now=20.0).cause is cause
    assert after(Policy(), *[CALM] * 60, standing=standing, now=20.0).may_work


@pytest.mark.parametrize("cause", [Cause.MEMORY, Cause.BATTERY, Cause.HEAT])
def test_what_hurts_at_once_stops_at_the_first_look(cause):
    assert after(Policy(), PRESSED[cause]).cause is cause


def test_a_moment_of_load_stops_nothing_and_a_quarter_of_a_minute_does():
    assert after(Policy(), *[PRESSED[Cause.LOAD]] * 29).may_work
    assert after(Policy(), *[PRESSED[Cause.LOAD]] * 29, CALM, *[PRESSED[Cause.LOAD]] * 29).may_work
    assert after(Policy(), *[PRESSED[Cause.LOAD]] * 32).cause is Cause.LOAD


def test_who_makes_way_again_soon_waits_longer_the_next_time():
    waits, standing, now = [], Standing(), 0.0
    for _ in range(4):
        standing = courtesy.step(Policy(), PRESSED[Cause.MEMORY], standing, now)
        began = now
        while not standing.may_work:
            now += 0.5
            standing = courtesy.step(Policy(), CALM, standing, now)
        waits.append(now - began)
    assert waits == sorted(set(waits))
    now += 2 * courtesy.OFTEN
    standing = courtesy.step(Policy(), PRESSED[Cause.MEMORY], standing, now)
    assert standing.times == 0


def test_a_person_who_comes_back_is_made_way_for_at_the_first_look():
    away = Policy(when=When.AWAY, away=300.0)
    standing = after(away, Readings(idle=301.0))
    assert standing.may_work
    assert after(away, Readings(idle=0.2), standing=standing).cause is Cause.PERSON
    assert after(away, Readings(idle=None)).cause is Cause.PERSON  # fails to the safe side
    assert after(away, Readings(idle=float("inf"))).may_work


def test_nobody_asks_for_the_person_where_work_is_always_welcome():
    assert after(Policy(), Readings(idle=0.0)).may_work


def test_office_hours_end_by_themselves():
    policy = Policy(when=When.OFF_HOURS, office=hours.parse("mon-fri 9-18"))
    standing = after(policy, Readings(minute=10 * 60))
    assert standing.says == "office hours until 18:00"
    assert after(policy, Readings(minute=18 * 60), standing=standing).may_work


def test_a_large_renderer_is_not_suspended_but_sent_away():
    standing = after(Policy(), PRESSED[Cause.MEMORY])
    how = {"room_bytes": 4 * GB, "now": 1.0}
    treat = courtesy.treat
    assert treat(standing, held_bytes=3 * GB, has_gpu=False, **how) is Treatment.SUSPEND
    assert treat(standing, held_bytes=4 * GB, has_gpu=False, **how) is Treatment.GIVE_BACK
    assert treat(standing, held_bytes=GB, has_gpu=True, **how) is Treatment.GIVE_BACK


def test_the_reason_has_the_numbers():
    assert after(Policy(), PRESSED[Cause.MEMORY]).says == "memory is short, swapping in 2.1 GB/s"
    assert "71%" in after(Policy(), PRESSED[Cause.BATTERY]).says


def test_a_hot_machine_cools_down_by_some_degrees_first():
    standing = after(Policy(), PRESSED[Cause.HEAT])
    warm = replace(PRESSED[Cause.HEAT], celsius=95.0)
    assert after(Policy(), *[warm] * 100, standing=standing).cause is Cause.HEAT
    assert after(Policy(), warm).may_work


def test_how_far_below_its_critical_value_a_sensor_may_come_is_a_setting():
    cool = Policy(limits=courtesy.Limits(heat=20))
    seen = Readings(celsius=81.0, critical=100.0)
    assert after(Policy(), seen).may_work
    standing = after(cool, seen)
    assert (standing.cause, standing.says) == (Cause.HEAT, "too hot: 81 °C of at most 80")
    cooler, cold = replace(seen, celsius=75.5), replace(seen, celsius=74.5)
    assert after(cool, *[cooler] * 100, standing=standing).cause is Cause.HEAT
    assert after(cool, *[cold] * 100, standing=standing).may_work


def test_each_machine_makes_way_from_its_own_limits_on():
    strict = Policy(limits=courtesy.Limits(load=30, stall=2, free=50, battery=40))
    found = {
        cause: courtesy.step(strict, seen, Standing(loaded=0.0), 60.0).cause
        for cause, seen in (
            ("memory", Readings(stalled=0.02)),
            ("free", Readings(free=0.49)),
            ("battery", Readings(battery=40)),
            ("full", Readings(battery=41)),
            ("load", Readings(load=0.31)),
        )
    }
    assert found == {
        "memory": Cause.MEMORY,
        "free": Cause.MEMORY,
        "battery": Cause.BATTERY,
        "full": None,
        "load": Cause.LOAD,
    }
    for seen in (Readings(stalled=0.02, free=0.49), Readings(load=0.31)):
        assert courtesy.step(Policy(), seen, Standing(loaded=0.0), 60.0).may_work
