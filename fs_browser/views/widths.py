"""How columns of files share the width: the name and what is in it get what the others leave."""

from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QHeaderView, QTableView

_PART = 0.5  #: of what is left, for the name
_LEAST = 16  #: digits of the name, and of what is in it


class Widths(QObject):
    """Fits name, detail and kind into a view as wide as it is, until a person drags the name."""

    def __init__(self, view: QTableView, name: int, detail: int, kind: int) -> None:
        super().__init__(view)
        self._view = view
        self._name, self._detail, self._kind = name, detail, kind
        self._fits = False  #: it is us who change widths
        self._is_free = True
        self._wide = 0  #: of the kind, while it is shown
        port, head = view.viewport(), view.horizontalHeader()
        assert port is not None
        assert head is not None
        port.installEventFilter(self)
        head.setSectionResizeMode(detail, QHeaderView.ResizeMode.Stretch)
        head.sectionResized.connect(self._hear)

    def _hear(self, section: int, _before: int, _now: int) -> None:
        if section == self._name and not self._fits:
            self._is_free = False

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Fits when the room changes."""
        if isinstance(event, QResizeEvent) and self._is_free:
            self._fit(event.size().width())
        return super().eventFilter(watched, event)

    def _fit(self, room: int) -> None:
        view, head = self._view, self._view.horizontalHeader()
        assert head is not None
        least = view.fontMetrics().horizontalAdvance("0") * _LEAST
        fluid = (self._name, self._detail, self._kind)
        taken = sum(view.columnWidth(at) for at in range(head.count()) if at not in fluid)
        self._wide = view.columnWidth(self._kind) or self._wide
        is_narrow = room - taken - self._wide < 2.5 * least
        view.setColumnHidden(self._kind, is_narrow)
        left = room - taken - (0 if is_narrow else self._wide)
        self._fits = True
        view.setColumnWidth(self._name, max(least, round(left * _PART)))
        self._fits = False
