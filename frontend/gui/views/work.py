"""The page of jobs with what belongs to the selected one beside it: its frames and its log."""

from PyQt6.QtCore import QByteArray, QSettings, Qt
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QMainWindow, QTabWidget

from frontend.gui.desk import Desk
from frontend.gui.views.dock import Dock
from frontend.gui.views.jobs import JobsPage
from frontend.gui.views.log import LogPanel
from frontend.gui.views.preview import PreviewPanel
from fs_browser import theme

_ROOMY = 70  #: lines of text in width from which frames stand beside the jobs at first
_WIDE = 22  #: … that they take then
_SHEET = "frames/sheet"
_KEY = "window/docks"


class WorkPage(QMainWindow):
    """Jobs in the middle, docks around them; other pages keep their whole width."""

    def __init__(self, desk: Desk, jobs: JobsPage, preview: PreviewPanel) -> None:
        super().__init__(None, Qt.WindowType.Widget)
        self.setObjectName("work")
        self.jobs = jobs
        self.setCentralWidget(jobs)
        self.log, self.preview = LogPanel(desk), preview
        self.log_dock = Dock("Log", "log", self.log, self)
        self.preview_dock = Dock("Frames", "preview", self.preview, self)
        self._is_new = True  #: nothing is remembered of its docks
        self._place()

    def _place(self) -> None:
        area = Qt.DockWidgetArea
        self.setTabPosition(area.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setCorner(Qt.Corner.BottomRightCorner, area.RightDockWidgetArea)
        self.addDockWidget(area.RightDockWidgetArea, self.preview_dock)
        self.tabifyDockWidget(self.preview_dock, self.log_dock)
        self.log_dock.hide()  # Ctrl+L, or a double click on what failed

    def docks(self) -> tuple[Dock, Dock]:
        """Frames and log."""
        return self.preview_dock, self.log_dock

    def recall(self, settings: QSettings) -> None:
        """Place the docks as they were."""
        if settings.value(_SHEET) in (True, "true"):
            self.preview.all.setChecked(True)
        value = settings.value(_KEY)
        if isinstance(value, QByteArray) and self.restoreState(value):
            self._is_new = False

    def remember(self, settings: QSettings) -> None:
        """Write down where the docks are; nothing where they were never seen."""
        self.log.remember(settings)
        settings.setValue(_SHEET, "true" if self.preview.all.isChecked() else "false")
        if not self._is_new:
            settings.setValue(_KEY, self.saveState())

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """At first, without docks where there is room for the table alone."""
        if self._is_new:
            self._is_new = False
            window = self.window()
            if window is not None and window.width() < theme.em(self) * _ROOMY:
                self.preview_dock.hide()
            width = round(theme.em(self) * _WIDE)
            docks = self.docks()
            self.resizeDocks(docks, [width] * len(docks), Qt.Orientation.Horizontal)
        super().showEvent(event)
