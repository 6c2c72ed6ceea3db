"""The first run at the window, by keys alone: from an empty home to a sample that is rendered."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from screen import PATIENCE, Screen, until

from frontend import examination, founding
from renderd import config
from renderd.client import Client
from renderd.config import Settings
from renderd.core.wire import Op
from renderd.spool import inspection, jobs, tickets
from renderd.spool.layout import Spool
from tests.farm.workstation import RENDER

STARVED = 900.0  #: seconds that a renderer in the background may need beside other tests
FRAMES = tuple(range(1, 13))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a person who never had a farm."""
    made = tmp_path / "person"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What programs of that person see, this test's own questions as well."""
    if shutil.which("blender") is None:
        pytest.skip("there is no blender on PATH")
    for name in [name for name in os.environ if name.startswith(("RENDERD_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    monkeypatch.setenv("RENDERD_ALLOW_ROOT", "yes")
    kept = ("PATH", "HOME", "XDG_RUNTIME_DIR", "RENDERD_ALLOW_ROOT")
    return {"LANG": "C.UTF-8", "QT_QPA_PLATFORM": "xcb", **{one: os.environ[one] for one in kept}}


@pytest.fixture
def window(screen: Screen, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`render`, as it opens without a farm; the daemon that it started is gone afterwards."""
    yield screen.start([str(RENDER)], "render.log", environment)
    settings = config.load()
    if settings.spool:
        with Client(settings, founding.open_farm(settings)) as client:
            client.order(Op.QUIT, now=True)
            until(lambda: not answers(settings), "the daemon has left")


def answers(settings: Settings) -> bool:
    """Whether a daemon of this person works on this machine."""
    with Client(settings, founding.open_farm(settings)) as client:
        return client.daemon is not None


def test_the_first_run_ends_with_a_sample_that_is_rendered_to_its_last_frame(
    screen: Screen, window: subprocess.Popen[bytes], home: Path
):
    screen.await_front("Set up a farm")
    root = home / "farm"
    found_a_farm(screen, root)
    settings = config.load()
    assert settings.spool == str(root)
    assert answers(settings), "renderd works on this machine"
    spool = founding.open_farm(settings)
    [jid] = tickets.everywhere(spool)
    until(lambda: is_over(spool, jid), "the sample is rendered", STARVED)
    place = tickets.find(spool, jid)
    found = inspection.of_job(spool, place, jobs.read(spool, jid))
    assert (place[0], found.wanted) == ("done", FRAMES)
    assert examination.examine(spool.share, found).findings == []
    screen.press("ctrl+1")
    until(lambda: row(screen).startswith("done\tsample"), "the window says that it is done")
    screen.press("ctrl+q")
    assert window.wait(PATIENCE) == 0
    assert answers(settings), "the farm goes on"
    assert (screen.folder / "render.log").read_text() == "", "nothing was complained of"


def found_a_farm(screen: Screen, root: Path) -> None:
    """Type a folder, and take what the wizard offers until it is gone."""
    screen.type(str(root))

    def is_gone() -> bool:
        if screen.front() == "Set up a farm":
            screen.press("Return")  # comes to nothing while it looks
        return bool(screen.front()) and screen.front() != "Set up a farm"

    until(is_gone, "the farm is set up")
    screen.await_front("farm – Render")


def row(screen: Screen) -> str:
    """The one job, as it is copied from the table."""
    screen.press("Down")
    return screen.copied()


def is_over(spool: Spool, jid: str) -> bool:
    """Whether nothing of a job is left to do."""
    return tickets.find(spool, jid)[0] in ("done", "failed", "cancelled")
