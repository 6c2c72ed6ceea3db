"""A daemon that is told to leave, beyond what its farm sees of it."""

import math
import time

from renderd.daemon import app


def test_a_step_of_leaving_may_take_what_is_left_and_a_second_at_least() -> None:
    assert app._left(math.inf, 3.0) == 3.0, "nobody waits for it"
    assert app._left(time.monotonic() + 3600.0, 3.0) == 3.0
    assert app._left(time.monotonic() + 2.0, 3.0) <= 2.0
    assert app._left(0.0, 3.0) == 1.0, "the loop has used it all up"
