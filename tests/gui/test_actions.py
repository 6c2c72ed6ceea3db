"""Every action of the window against a real daemon: what it changes on the farm."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication, QTimer

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

import acts_on_frames
import acts_on_jobs
import acts_on_machines
from shotmaker import shot
from stage import DEEDS, Stage

from frontend.gui.models.news import FarmReading
from frontend.gui.views.add import AddDialog
from frontend.gui.views.settings import SettingsDialog
from frontend.gui.views.wizard import Wizard
from renderd.core.wire import Op

pytestmark = pytest.mark.farm


def add(on: Stage) -> None:
    path = on.farm.local / "shot.blend"
    path.write_bytes(shot())
    on.ask.chosen = (str(path),)
    on.do("add")
    [dialog] = (d for d in on.window.findChildren(AddDialog) if d.isVisible())
    on.until(lambda: [entry.path for entry in dialog.adding.scenes.entries] == [str(path)])
    dialog.close()


def opens(on: Stage, key: str, kind: type) -> None:
    on.do(key)
    [dialog] = (d for d in on.window.findChildren(kind) if d.isVisible())
    dialog.close()


def leaves(on: Stage) -> None:
    action = on.window.actions_["leave"]
    QTimer.singleShot(0, action.trigger)
    assert QCoreApplication.exec() == 0  # comes back only where the program is told to end
    assert not on.window.isVisible()
    assert on.daemon.runs
    on.window.show()


def told(on: Stage, key: str) -> None:
    on.do(key)
    on.until(lambda: on.reports())
    [dialog] = on.reports()
    dialog.close()


def copy_report(on: Stage) -> None:
    on.do("copy-report")
    on.until(lambda: str(on.farm.root) in on.ask.copied)


#: by key: what is set up, done, and expected of the farm
CASES: dict[str, Callable[[Stage], None]] = {
    **acts_on_jobs.CASES,
    **acts_on_frames.CASES,
    **acts_on_machines.CASES,
    "add": add,
    "settings": lambda on: opens(on, "settings", SettingsDialog),
    "set-up": lambda on: opens(on, "set-up", Wizard),
    "leave": leaves,
    **{key: lambda on, key=key: told(on, key) for key in ("steps", "keys", "states", "about")},
    "copy-report": copy_report,
}


@pytest.mark.parametrize("key", DEEDS)
def test_every_action_does_on_the_farm_what_it_says(stage, qtbot, key):
    stage.begin(qtbot)
    CASES[key](stage)


def test_no_line_is_about_an_action_that_is_gone():
    assert CASES.keys() <= DEEDS.keys()


def test_what_this_machine_was_told_shows_before_it_says_so_in_the_spool(stage, qtbot):
    stage.begin(qtbot)
    reading = FarmReading(stage.desk.settings)
    for op, state in ((Op.PAUSE, "paused"), (Op.RESUME, "idle")):
        with stage.daemon.client() as client:
            client.order(op)
        stage.until(lambda state=state: stage.state() == state)
        assert reading().nodes.put[stage.daemon.inc].status["state"] == state
    reading.close()
