"""The page of machines."""

from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import QPoint, Qt, QTimer
from PyQt6.QtWidgets import QLabel, QMenu, QVBoxLayout, QWidget

from frontend.gui.delegates.bars import BarDelegate
from frontend.gui.delegates.state import StateDelegate
from frontend.gui.delegates.text import TextDelegate
from frontend.gui.desk import Desk
from frontend.gui.models.machines import is_dead
from frontend.gui.views.tableview import TableView
from fs_browser import theme
from renderd.core.label import label
from renderd.spool.ability import mixed_versions

_SECOND = 1000  #: milliseconds between looks at how long machines are silent
_EMPTY = (
    "No machine takes part yet.\n\n"
    "Farm ▸ Set up a farm… starts renderd on this one.  Every other workstation that sees the\n"
    "same folder takes part as soon as renderd runs there."
)


class MachinesPage(QWidget):
    """Every machine of the farm; tells the desk what is selected."""

    def __init__(self, desk: Desk, fill: Callable[[QMenu], None]) -> None:
        super().__init__()
        self._desk = desk
        self._fill = fill
        self.machines = TableView(desk.machines, "machines")
        self.machines.setAccessibleName("Machines")
        self.machines.empty = self._nothing
        desk.trouble.connect(self.machines.repaint_empty)
        self._mixed = ""
        self.mixed = QLabel()
        self.mixed.setTextFormat(Qt.TextFormat.PlainText)
        self.mixed.setWordWrap(True)
        self.mixed.hide()
        gap = round(theme.em(self) / 2)
        self.mixed.setContentsMargins(gap, gap, gap, gap)
        view = self.machines
        view.setItemDelegate(TextDelegate(view, is_dead))
        view.setItemDelegateForColumn(view.column("state"), StateDelegate(view))
        for key in ("memory", "swap"):
            view.setItemDelegateForColumn(view.column(key), BarDelegate(view))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.mixed)
        whole.addWidget(view)
        view.chose.connect(self._picked)
        desk.settling.connect(view.settle)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._show_menu)
        desk.told.connect(self._tell_mixed)
        desk.told.connect(lambda news: view.show_in_use(news.nodes.put.values()))
        theme.of().changed.connect(self._tint)
        self._tick = QTimer(self)
        self._tick.timeout.connect(partial(view.draw_again, "heard"))
        self._tick.start(_SECOND)

    def _nothing(self) -> str:
        if not self._desk.settings.spool:
            return _EMPTY
        if self._desk.why:
            return "The farm cannot be read now.\n\nIts machines show again as soon as it can."
        return _EMPTY if self._desk.farm.has_read else "Reading the farm …"

    def _tell_mixed(self) -> None:
        alive = [node for node in self._desk.machines.records.values() if not is_dead(node)]
        mixed = label(mixed_versions(alive), 300)
        if mixed == self._mixed:
            return
        self._mixed = mixed
        self.mixed.setText(
            f"⚠ Several releases of renderd are at work: {mixed}.  Upgrade the others, then restart"
            " renderd on all of them."
        )
        self.mixed.setVisible(bool(mixed))
        self._tint()

    def _tint(self) -> None:
        self.mixed.setStyleSheet(f"color: {theme.of().colours.warning}")

    def _picked(self) -> None:
        self._desk.pick(machines=self.machines.picked_keys())

    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        self._fill(menu)
        port = self.machines.viewport()
        assert port is not None
        menu.exec(port.mapToGlobal(at))
