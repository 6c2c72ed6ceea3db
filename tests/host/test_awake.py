"""Holding off sleep where nothing here can."""

import sys

import pytest

from renderd.host.awake import Awake


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="they have no bus")
def test_where_no_bus_is_the_sentence_says_what_to_do_and_no_number(tmp_path):
    bed = Awake({"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/none"})
    with pytest.raises(OSError, match="switch sleep off in its power settings") as told:
        bed.hold("renders")
    assert "Errno" not in str(told.value)
    assert not bed.is_held
