"""The page of machines."""

from collections.abc import Callable

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QMenu, QVBoxLayout, QWidget

from frontend.gui.delegates.bars import BarDelegate
from frontend.gui.delegates.state import StateDelegate
from frontend.gui.desk import Desk
from frontend.gui.views.tableview import TableView


class MachinesPage(QWidget):
    """Every machine of the farm; tells the desk what is selected."""

    def __init__(self, desk: Desk, fill: Callable[[QMenu], None]) -> None:
        super().__init__()
        self._desk = desk
        self._fill = fill
        self.machines = TableView(desk.machines, "machines")
        self.machines.setAccessibleName("Machines")
        self.machines.empty = lambda: (
            "No machine takes part.\n\nStart renderd on this one, and on every other workstation."
        )
        view = self.machines
        view.setItemDelegateForColumn(view.column("state"), StateDelegate(view))
        for key in ("memory", "swap"):
            view.setItemDelegateForColumn(view.column(key), BarDelegate(view))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(view)
        chosen = view.selectionModel()
        assert chosen is not None
        chosen.selectionChanged.connect(self._picked)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._show_menu)

    def _picked(self) -> None:
        self._desk.pick(machines=[node.inc for node in self.machines.picked()])

    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        self._fill(menu)
        port = self.machines.viewport()
        assert port is not None
        menu.exec(port.mapToGlobal(at))
