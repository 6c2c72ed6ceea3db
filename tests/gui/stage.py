"""A farm with one real daemon and a window that shows it, for tests of what actions do there."""

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "farm"))

from farm import Farm
from typist import Typist

from frontend.gui import menus
from frontend.gui.actions import About
from frontend.gui.views.person import ReportDialog
from frontend.gui.views.window import Window
from renderd.spool import jobs, tickets

PATIENCE = 120_000  #: milliseconds
DEEDS = {deed.key: deed for deed in menus.deeds()}
NUDGE = 0.25  #: seconds between looks that daemon and window are asked for while a test waits
NODE = "ws01"
AHEAD = 2  #: jobs that render while actions on others are awaited
PAGES = {"jobs": 0, "machines": 1, "history": 2}


class Stage:
    """A farm with one daemon, and a window that shows it."""

    def __init__(self, farm: Farm, window: Window) -> None:
        self.farm, self.window, self.desk = farm, window, window.desk
        self.daemon = farm.daemons[0]
        self.qtbot = None
        self.count = 0
        self.nudged = 0.0
        self.ask = Typist()
        self.done = ""
        self.ahead: list[str] = []
        for signal, gets in ((self.desk.copied, "copy"), (self.desk.open_wanted, "open")):
            signal.disconnect()  # the clipboard and the programs of a desktop
            signal.connect(lambda text, gets=gets: getattr(self.ask, gets)(text))

    def begin(self, qtbot) -> None:
        """Forget what the action before left; the farm stays."""
        self.qtbot = qtbot
        self.ask = self.desk.ask = Typist()
        self.window.tabs.setCurrentIndex(0)
        self.desk.pick(jobs=(), chunks=(), machines=())

    # -- jobs -------------------------------------------------------------------------------

    def add(self, text: str) -> str:
        """Queue an info file; the job, once the window shows it."""
        jid = self.farm.add(text, f"job{self.count}")
        self.desk.nudge(self.farm.spool)
        self.until(lambda: jid in self.desk.jobs.records)
        return jid

    def frames(self, *words: str, frames: str = "1-2", **keys: object) -> str:
        """A job that renders frames into a folder of its own."""
        self.count += 1
        (self.farm.out / f"{self.count}").mkdir()
        keys = {"name": f"job{self.count}", "chunk": 2, **keys}
        return self.add(
            self.farm.info(*words, frames=frames, out=f"{self.count}/f_####.png", **keys)
        )

    def parked(self) -> str:
        """A job that no machine may take."""
        return self.frames(pool="nobody")

    def rendered(self) -> str:
        """A job that is done, with the frames 1 and 2; further ones render meanwhile."""
        while len(self.ahead) <= AHEAD:
            self.ahead.append(self.frames())
        return self.ends(self.ahead.pop(0), "done")

    def shown(self) -> str:
        """A job that is done, for actions that only look at it."""
        self.done = self.done or self.rendered()
        return self.done

    def running(self) -> str:
        """A job that runs until it is stopped."""
        jid = self.frames("--hang")
        self.until(lambda: self.farm.commands(jid))
        self.until(lambda: self.desk.jobs.records[jid].running == 1)
        return jid

    def failed(self) -> tuple[str, Path]:
        """A job of one chunk that failed, and the file that lets it succeed."""
        self.count += 1
        flag = self.farm.local / f"flag{self.count}"
        jid = self.add(f"name: job{self.count}\nretries: 0\n\ntest -e {flag}\n")
        return self.ends(jid, "failed"), flag

    def ends(self, jid: str, state: str) -> str:
        """Wait until the daemon has brought a job so far, and the window shows it."""
        self.until(lambda: self.farm.state(jid) == state)
        self.until(lambda: self.desk.jobs.records[jid].state == state)
        return jid

    def file(self, jid: str, frame: int) -> Path:
        return Path(jobs.read(self.farm.spool, jid).out.replace("####", f"{frame:04d}"))

    def redo_of(self, jid: str) -> str:
        """The job that renders frames of another again; empty while there is none."""
        known = tickets.everywhere(self.farm.spool)
        return next((j for j in known if jobs.read(self.farm.spool, j).redoes == jid), "")

    # -- what a person does -----------------------------------------------------------------

    def do(self, key: str, jid: str = "", *others: str) -> None:
        """Select, go to the page, and trigger."""
        about = DEEDS[key].about
        if about.page:
            self.window.tabs.setCurrentIndex(PAGES[about.page])
        if jid:
            self.desk.pick(jobs=[jid, *others])
        if about is About.CHUNKS:
            self.until(lambda: self.desk.chunks.rowCount() > 0)
            self.desk.pick(chunks=list(self.desk.chunks.records))
        if about is About.MACHINES and not self.desk.picked_machines:
            self.desk.pick(machines=[self.daemon.inc])
        action = self.window.actions_[key]
        self.until(action.isEnabled)
        action.trigger()

    def until(self, claim: Callable[[], object]) -> None:
        """Wait for what the farm says or the window shows."""

        def is_so() -> bool:
            if time.monotonic() - self.nudged > NUDGE:  # what takes several looks takes them now
                self.desk.nudge(self.farm.spool)
                self.desk.farm.hurry()
                self.desk.chunk_reader.hurry()
                self.nudged = time.monotonic()
            with contextlib.suppress(FileNotFoundError):  # names move while we look
                return bool(claim())
            return False

        self.qtbot.waitUntil(is_so, timeout=PATIENCE)

    def said(self, key: str, jid: str = "", *others: str) -> str:
        """What is said of an action; not the news that a job has ended meanwhile."""
        with self.qtbot.waitSignal(
            self.desk.said,
            timeout=PATIENCE,
            check_params_cb=lambda words: not words.startswith("job"),
        ) as told:
            self.do(key, jid, *others)
        return told.args[0]

    def report(self, key: str, jid: str = ""):
        """The answer to an action; its dialog is closed."""
        with self.qtbot.waitSignal(self.desk.reported, timeout=PATIENCE) as told:
            self.do(key, jid)
        [dialog] = self.reports()
        dialog.close()
        return told.args[0]

    def reports(self) -> list[ReportDialog]:
        """The answers that are seen."""
        return [d for d in self.window.findChildren(ReportDialog) if d.isVisible()]

    def state(self) -> str:
        """How the daemon fares, by its own word."""
        return self.daemon.status()["state"]

    def see(self, jid: str) -> None:
        """Look at the first frame of a job."""
        self.window.preview_dock.bring()
        self.desk.pick(jobs=[jid])
        self.until(lambda: self.desk.seen is not None and self.desk.seen.jid == jid)
        self.window.preview._go(0)
        self.until(lambda: self.desk.seen.shot.path)
