"""The window: pages in tabs, docks, menus, and the farm in one sentence below."""

import os
from collections.abc import Sequence
from functools import partial

from PyQt6.QtCore import QByteArray, QEvent, QSettings, Qt, pyqtSignal
from PyQt6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QKeySequence,
    QShortcut,
    QShowEvent,
)
from PyQt6.QtWidgets import (
    QApplication,
    QMainWindow,
    QMenu,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from frontend.gui import menus
from frontend.gui.actions import About, Actions
from frontend.gui.asking import Report
from frontend.gui.bridge import PATIENCE
from frontend.gui.deeds import guide
from frontend.gui.desk import Desk
from frontend.gui.models.preferences import Preferences
from frontend.gui.tray import News, Tray
from frontend.gui.views import dropping
from frontend.gui.views.add import AddDialog
from frontend.gui.views.banner import Banner
from frontend.gui.views.history import HistoryPage
from frontend.gui.views.jobs import JobsPage
from frontend.gui.views.machines import MachinesPage
from frontend.gui.views.person import Person, ReportDialog
from frontend.gui.views.preview import PreviewPanel
from frontend.gui.views.settings import SettingsDialog
from frontend.gui.views.statusline import StatusLine
from frontend.gui.views.tableview import TableView
from frontend.gui.views.toolbar import Toolbar
from frontend.gui.views.wizard import Wizard
from frontend.gui.views.work import WorkPage
from fs_browser import theme
from fs_browser.theme import Scheme
from renderd.core.label import label


class Window(QMainWindow):
    """Everything a person sees of the farm."""

    _pages = ("jobs", "machines", "history")  #: in the order of their tabs
    elsewhere = pyqtSignal(str)  #: another farm was chosen

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        farm = os.path.basename(desk.settings.spool.rstrip("/"))
        self.setWindowTitle(f"{label(farm, 60)} – Render" if farm else "Render")
        self.setObjectName("render")
        self.preferences = Preferences(desk.remembered)
        desk.ask = Person(self)
        self.actions_ = Actions(desk, self, menus.deeds())
        fills = (partial(self.fill, keys=keys) for keys in (menus.JOBS, menus.CHUNKS))
        self.jobs = JobsPage(desk, *fills)
        self.machines = MachinesPage(desk, partial(self.fill, keys=menus.MACHINES))
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        if (bar := self.tabs.tabBar()) is not None:
            bar.setDrawBase(False)
        self.work = WorkPage(desk, self.jobs, self._frames())
        self.log, self.preview = self.work.log, self.work.preview
        self.log_dock, self.preview_dock = self.work.log_dock, self.work.preview_dock
        self.tabs.addTab(self.work, "Jobs")
        self.tabs.addTab(self.machines, "Machines")
        self.history = HistoryPage(desk)
        self.tabs.addTab(self.history, "History")
        self.tabs.currentChanged.connect(self._turn)
        self.banner = Banner()
        self.banner.taken.connect(self.set_up)
        self.setCentralWidget(self._stacked())
        self.tray: Tray | None = None
        self.news = News(desk, self.preferences)
        self.line = self._make_status_line()
        self.here = self.line.here
        self._make_menus()
        self.toolbar = Toolbar(self.actions_)
        self.addToolBar(self.toolbar)
        self.toolbar.turn_to(desk.page)
        theme.fit(self, 82, 48)
        self._recall(desk.remembered)
        self._listen(desk)
        self._lay_keys()
        self.setAcceptDrops(True)
        self._go_to(self.tabs.currentIndex())

    def _listen(self, desk: Desk) -> None:
        desk.trouble.connect(self._tell_trouble)
        desk.reported.connect(self._show_report)
        desk.dialog_wanted.connect(self._show_dialog)
        for wanted, dock in (
            (desk.log_wanted, self.log_dock),
            (desk.frames_wanted, self.preview_dock),
        ):
            wanted.connect(partial(self.tabs.setCurrentWidget, self.work))
            wanted.connect(dock.bring)
        desk.job_wanted.connect(self._show_job)
        desk.log_toggled.connect(self._toggle_log)
        desk.copied.connect(desk.ask.copy)
        desk.open_wanted.connect(desk.ask.open)
        desk.adding.connect(self.add)

    def _lay_keys(self) -> None:
        around = QShortcut(QKeySequence("F6"), self)
        around.activated.connect(self._go_round)

    def _frames(self) -> PreviewPanel:
        fill = partial(self.fill, keys=menus.FRAMES)
        return PreviewPanel(self.desk, fill, self.actions_["frame-open"])

    def _show_job(self, jid: str) -> None:
        """Select a job on its page; say so where it is gone."""
        if jid not in self.desk.jobs.records:
            self.line.say("That job was removed")
            return
        self.tabs.setCurrentWidget(self.work)
        self.jobs.await_jobs([jid])

    def _toggle_log(self) -> None:
        """Show the log; put it away where it is seen already."""
        if self.log_dock.isVisible() and not self.log_dock.visibleRegion().isEmpty():
            self.log_dock.hide()
        else:
            self.desk.log_wanted.emit()

    def _go_round(self) -> None:
        """Give the keys to the next part of the page."""
        stops = [part for part in self._parts() if part.isVisible()]
        held = QApplication.focusWidget()
        at = next((i for i, part in enumerate(stops) if held and part.isAncestorOf(held)), None)
        at = next((i for i, part in enumerate(stops) if part is held), at)
        if stops:
            stops[0 if at is None else (at + 1) % len(stops)].setFocus()

    def _parts(self) -> tuple[QWidget, ...]:
        parts = [self.jobs.jobs, self.jobs.chunks, self.preview.view, self.preview.sheet]
        return (*parts, self.log.text, self.machines.machines, self.history.machines)

    def _go_to(self, page: int) -> None:
        """Show a page, with the keyboard in its table."""
        self.tabs.setCurrentIndex(page)
        (self.jobs.jobs, self.machines.machines, self.history.machines)[page].setFocus()

    def _turn(self) -> None:
        page = self._pages[self.tabs.currentIndex()]
        self.desk.turn_to(page)
        self.toolbar.turn_to(page)

    def fill(self, shown: QMenu, keys: Sequence[menus.Entry]) -> None:
        """Put actions into a menu."""
        for key in keys:
            if isinstance(key, tuple):
                below = shown.addMenu(key[0])
                assert below is not None
                self.fill(below, key[1])
            elif key:
                shown.addAction(self.actions_[key])
            else:
                shown.addSeparator()

    def set_up(self) -> None:
        """Show the first run's questions; what is chosen there opens anew."""
        wizard = Wizard(self, self.desk.settings.spool)
        wizard.chosen.connect(self.elsewhere)
        wizard.open()

    def show_tray(self) -> None:
        """Stand in the desktop's tray as well, from now on."""
        menu = QMenu(self)
        shows = menu.addAction("Show the window")
        assert shows is not None
        shows.triggered.connect(self.bring)
        menu.addSeparator()
        self.tray = self.news.tray = Tray(self.desk, self.actions_, menu)
        self.fill(menu, (*menus.COURTESY, "", "leave"))
        self.tray.activated.connect(self._take_click)
        self.tray.messageClicked.connect(self.bring)
        self.tray.show()

    def bring(self) -> None:
        """Show the window before all others."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def _take_click(self, reason: Tray.ActivationReason) -> None:
        if reason == Tray.ActivationReason.MiddleClick:
            key = "here-resume" if self.actions_["here-resume"].isEnabled() else "here-hour"
            self.actions_[key].trigger()
        elif reason == Tray.ActivationReason.Trigger:
            self.bring()

    def _show_dialog(self, name: str) -> None:
        {
            "set-up": self.set_up,
            "settings": self._show_settings,
            "leave": self.quit,
            "keys": self._show_keys,
        }[name]()

    def _show_keys(self) -> None:
        self._show_report(guide.keys(menus.deeds()))

    def _show_settings(self) -> None:
        SettingsDialog(self, self.desk).open()

    def quit(self) -> None:
        """Close, whatever the tray is for, and end the program."""
        self._close()
        QApplication.quit()

    def _close(self) -> None:
        if self.tray is not None:
            self.tray.hide()
        self.tray = self.news.tray = None
        self.close()

    # -- adding jobs ------------------------------------------------------------------------

    def add(self, paths: Sequence[str]) -> None:
        """Show files and folders in the dialog that queues them, in the one that is open."""
        seen = (d for d in self.findChildren(AddDialog) if d.isVisible())
        dialog = next((d for d in seen if not d.adding.is_queuing), None)
        dialog = dialog or AddDialog(self, self.desk)
        dialog.adding.add(paths)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Takes files and folders."""
        dropping.welcome(event)

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Adds what was dropped."""
        if paths := dropping.taken(event):
            self.add(paths)

    # -- built once -------------------------------------------------------------------------

    def _stacked(self) -> QWidget:
        """What stands in the middle: the trouble, where there is some, above the tabs."""
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.tabs, 1)
        return made

    def _make_status_line(self) -> StatusLine:
        menu = QMenu(self)
        self.fill(menu, (*menus.HERE, *menus.COURTESY))
        made = StatusLine(self.desk, menu)
        self.setStatusBar(made)
        return made

    def _make_menus(self) -> None:
        self.actions_.lay_keys(self.jobs.jobs, About.JOBS)
        self.actions_.lay_keys(self.machines.machines, About.MACHINES)
        bar = self.menuBar()
        assert bar is not None
        for title, keys in menus.BAR:
            menu = bar.addMenu(title)
            assert menu is not None
            self.fill(menu, keys)
        view = bar.addMenu("&View")
        assert view is not None
        for dock in self.work.docks():
            view.addAction(dock.toggleViewAction())
        view.addSeparator()
        for at, title in enumerate(("&Jobs", "&Machines", "&History")):
            turns = QAction(title, self)
            turns.setShortcut(f"Ctrl+{at + 1}")
            turns.triggered.connect(lambda _=False, at=at: self._go_to(at))
            view.addAction(turns)
        view.addSeparator()
        self._make_schemes(view)
        about = bar.addMenu("&Help")
        assert about is not None
        self.fill(about, menus.HELP)

    def _make_schemes(self, view: QMenu) -> None:
        group = QActionGroup(self)
        for scheme, title in (
            (Scheme.SYSTEM, "Colours of the &system"),
            (Scheme.DARK, "&Dark"),
            (Scheme.LIGHT, "&Light"),
        ):
            action = QAction(title, self)
            action.setCheckable(True)
            action.setChecked(theme.of().choice is scheme)
            action.triggered.connect(lambda _=False, scheme=scheme: self._choose(scheme))
            group.addAction(action)
            view.addAction(action)

    def _choose(self, scheme: Scheme) -> None:
        theme.of().choose(scheme)
        self.desk.remembered.setValue("scheme", scheme.value)

    def _tables(self) -> tuple[TableView, ...]:
        jobs, past = self.jobs, self.history
        return jobs.jobs, jobs.chunks, self.machines.machines, past.machines, past.jobs

    # -- what is remembered -----------------------------------------------------------------

    def _recall(self, settings: QSettings) -> None:
        for key, restore in (("geometry", self.restoreGeometry), ("state", self.restoreState)):
            if isinstance(value := settings.value(f"window/{key}"), QByteArray):
                restore(value)
        tab = str(settings.value("window/tab") or "")
        for at, page in enumerate(self._pages):
            if page == tab:
                self.tabs.setCurrentIndex(at)
        for view in self._tables():
            view.recall(settings)
        self.work.recall(settings)
        self.jobs.recall(settings)

    def leave(self) -> None:
        """Close for good: another window has taken its place."""
        self._close()
        self.stop()
        self.deleteLater()

    def stop(self, seconds: float = PATIENCE) -> None:
        """Let go of what works for this window; what is under way has so long to end."""
        self.desk.stop(seconds)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Reads as often as a person wants to know."""
        super().showEvent(event)
        self._tell_seen()

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802
        """Reads rarely."""
        super().hideEvent(event)
        self._tell_seen()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Reads rarely while it is an icon only."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.WindowStateChange:
            self._tell_seen()

    def _tell_seen(self) -> None:
        self.desk.slow_down(is_unseen=self.isHidden() or self.isMinimized())

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Remembers how it looked; stays in the tray where that is wished."""
        settings = self.desk.remembered
        settings.setValue("window/geometry", self.saveGeometry())
        settings.setValue("window/state", self.saveState())
        settings.setValue("window/tab", self._pages[self.tabs.currentIndex()])
        for view in self._tables():
            view.remember(settings)
        self.work.remember(settings)
        self.jobs.remember(settings)
        stays = self.tray is not None and self.preferences.closes_to_tray
        QApplication.setQuitOnLastWindowClosed(not stays)
        if stays and event is not None:
            event.ignore()
            self.hide()
            return
        super().closeEvent(event)

    # -- what it says -----------------------------------------------------------------------

    def _tell_trouble(self, why: str) -> None:
        has_farm = bool(self.desk.settings.spool)
        button = "Choose another farm…" if has_farm else "Set up a farm…"
        self.banner.tell(why, button, self.desk.plight.detail)

    def _show_report(self, report: Report) -> None:
        seen = (d for d in self.findChildren(ReportDialog) if d.isVisible())
        if dialog := next((d for d in seen if d.windowTitle() == report.title), None):
            dialog.show_report(report)
        else:
            ReportDialog(self, report).show()
