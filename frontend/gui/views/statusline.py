"""The line below: what an order did, the farm in one sentence, how this machine fares."""

from PyQt6.QtWidgets import QLabel, QMenu, QStatusBar, QToolButton

from frontend import sentence
from frontend.gui.desk import Desk
from frontend.gui.models import here

_SAID_FOR = 8000  #: milliseconds that what an errand did stays


class StatusLine(QStatusBar):
    """Says what the desk tells; `here` has the menu of this machine."""

    def __init__(self, desk: Desk, menu: QMenu) -> None:
        super().__init__()
        self._desk = desk
        self.farm_words = QLabel()
        self.here = QToolButton()
        self.here.setObjectName("here")
        self.here.setAutoRaise(True)
        self.here.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.here.setMenu(menu)
        self.setSizeGripEnabled(False)
        self.addPermanentWidget(self.farm_words)
        self.addPermanentWidget(self.here)
        for told in (desk.told, desk.trouble):
            told.connect(self._tell_here)
        desk.told.connect(self._tell_farm)
        desk.said.connect(self.say)
        desk.reported.connect(self.clearMessage)  # the answer is there
        desk.waits.connect(self._tell_waiting)
        desk.refused.connect(lambda why: self.say(f"✘ {why}"))

    def say(self, words: str) -> None:
        """Show what was done, for a while."""
        self.showMessage(words, _SAID_FOR)

    def _tell_waiting(self, words: str) -> None:
        if words:
            self.showMessage(words)
        else:
            self.clearMessage()

    def _tell_farm(self) -> None:
        jobs, nodes = self._desk.jobs.records, self._desk.machines.records
        now = self._desk.clock.now()
        self.farm_words.setText(sentence.tell(jobs.values(), nodes.values(), now))

    def _tell_here(self) -> None:
        now = here.tell(self._desk)
        self.here.setText(f"This machine: {now.mood.value}")
        self.here.setToolTip(now.says)
