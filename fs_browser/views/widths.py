"""How columns of files share the width: the name and what is in it get what the others leave."""

from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QHeaderView, QTableView

from fs_browser.models.rows import DETAIL, KIND, NAME, PIXELS, Rows

_PART = 0.5  #: of what is left, for the name
_LEAST = 16  #: digits of the name, and of what is in it
_SPARED = (KIND, PIXELS)  #: columns that are hidden where there is no room, in this order


class Widths(QObject):
    """Fits name, detail and kind into a view as wide as it is, until a person drags the name.

    The column of images' sizes is there while images are.
    """

    def __init__(self, view: QTableView, rows: Rows) -> None:
        super().__init__(view)
        self._view, self._rows = view, rows
        self._fits = False  #: it is us who change widths
        self._is_free = True
        self._wide = {at: view.columnWidth(at) for at in _SPARED}
        self._has_images = False
        port, head = view.viewport(), view.horizontalHeader()
        assert port is not None
        assert head is not None
        port.installEventFilter(self)
        head.setSectionResizeMode(DETAIL, QHeaderView.ResizeMode.Stretch)
        head.sectionResized.connect(self._hear)
        rows.counted.connect(self._look)
        view.setColumnHidden(PIXELS, True)  # noqa: FBT003

    def _hear(self, section: int, _before: int, _now: int) -> None:
        if section == NAME and not self._fits:
            self._is_free = False

    def _look(self) -> None:
        if self._has_images != self._rows.has_images():
            self._has_images = not self._has_images
            self._fit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Fits when the room changes."""
        if isinstance(event, QResizeEvent):
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        view, head, port = self._view, self._view.horizontalHeader(), self._view.viewport()
        assert head is not None
        assert port is not None
        if not self._is_free:
            view.setColumnHidden(PIXELS, not self._has_images)
            return
        self._wide |= {at: wide for at in _SPARED if (wide := view.columnWidth(at))}
        least = view.fontMetrics().horizontalAdvance("0") * _LEAST
        fixed = (at for at in range(head.count()) if at not in (NAME, DETAIL, *_SPARED))
        left = port.width() - sum(view.columnWidth(at) for at in fixed)
        shown = [KIND, *([PIXELS] if self._has_images else [])]
        for spared in _SPARED:
            if left - sum(self._wide[at] for at in shown) < 2.5 * least and spared in shown:
                shown.remove(spared)
        for at in _SPARED:
            view.setColumnHidden(at, at not in shown)
        left -= sum(self._wide[at] for at in shown)
        self._fits = True
        view.setColumnWidth(NAME, max(least, round(left * _PART)))
        self._fits = False
