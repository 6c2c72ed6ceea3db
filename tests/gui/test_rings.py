"""The last ten minutes of machines' figures."""

from frontend.gui.models.rings import EVERY, SAMPLES, Rings


def filled(rings, turns, value=0.5, machine="a"):
    for turn in turns:
        rings.add(turn * EVERY, {(machine, "memory"): value})


def test_the_newest_sample_is_the_last_and_silence_before_it_is_no_figure():
    rings = Rings()
    filled(rings, range(3), 1.0)
    past = rings.past("a", "memory")
    assert len(past) == SAMPLES
    assert past[-3:] == (1.0, 1.0, 1.0)
    assert set(past[:-3]) == {None}


def test_a_machine_that_was_silent_leaves_a_gap():
    rings = Rings()
    filled(rings, [0, 1], 0.0)
    rings.add(2 * EVERY, {("b", "memory"): 1.0})
    filled(rings, [4], 1.0)
    assert rings.past("a", "memory")[-5:] == (0.0, 0.0, None, None, 1.0)


def test_a_sample_is_taken_once():
    rings = Rings()
    rings.add(10.0, {("a", "memory"): 1.0})
    assert not rings.is_due(11.0)
    rings.add(11.0, {("a", "memory"): 0.0})
    assert rings.past("a", "memory")[-1] == 1.0


def test_what_is_older_than_ten_minutes_is_forgotten():
    rings = Rings()
    filled(rings, [0])
    rings.add(SAMPLES * EVERY, {("b", "memory"): 0.1})
    assert rings.past("a", "memory") == ()
    assert len(rings) == 1


def test_machines_that_are_gone_take_no_room():
    rings = Rings()
    for turn in range(3):
        rings.add(turn * EVERY, {(f"{turn}-{n}", "memory"): 0.5 for n in range(1000)})
        rings.keep({f"{turn}-{n}" for n in range(1000)})
    assert len(rings) == 1000
