"""When an open Blender is replaced."""

from renderd.core import wear

GB = 1 << 30


def why(uses=1, rss=GB, first=GB, ram=16 * GB):
    return wear.why_replace(uses=uses, rss=rss, first_rss=first, ram=ram)


def test_one_that_holds_what_its_file_needs_goes_on():
    assert why() == ""
    assert why(rss=7 * GB, first=7 * GB) == ""
    assert why(ram=0, rss=300 * GB, first=300 * GB) == ""


def test_it_goes_after_many_uses_when_it_grows_or_holds_half_of_the_memory():
    assert "500 command lines" in why(uses=500)
    assert "grew from 1024 to 2048 MB" in why(rss=2 * GB)
    assert "holds 9216 MB" in why(rss=9 * GB, first=9 * GB)


def test_a_small_growth_proves_nothing():
    assert why(rss=400 << 20, first=200 << 20) == ""


def test_memory_is_short_below_a_tenth():
    assert wear.is_short(GB, 16 * GB)
    assert not wear.is_short(2 * GB, 16 * GB)
    assert not wear.is_short(0, 0)
