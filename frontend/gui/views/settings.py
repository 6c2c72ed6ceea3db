"""The settings dialog; what is set holds at once."""

from functools import partial

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSystemTrayIcon,
    QVBoxLayout,
    QWidget,
)

from frontend.gui.desk import Desk
from frontend.gui.models.preferences import Preferences, command
from fs_browser import theme
from fs_browser.theme import Scheme
from renderd.errors import UsageError

_SCHEMES = (
    (Scheme.SYSTEM, "As the system"),
    (Scheme.DARK, "Dark"),
    (Scheme.LIGHT, "Light"),
)


class SettingsDialog(QDialog):
    """Colours, notifications, the tray, and what opens frames."""

    def __init__(self, parent: QWidget | None, desk: Desk) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._desk = desk
        self._set = Preferences(desk.remembered)
        self.colours = QComboBox()
        for scheme, title in _SCHEMES:
            self.colours.addItem(title, scheme)
        self.colours.setCurrentIndex(self.colours.findData(theme.of().choice))
        self.colours.activated.connect(self._paint)
        self.notifies = QCheckBox("Tell me when a job of mine ends or fails")
        self.notifies.setChecked(self._set.notifies)
        self.notifies.toggled.connect(lambda is_on: setattr(self._set, "notifies", is_on))
        self.closes = QCheckBox("Stay in the tray when the window is closed")
        self.closes.setChecked(self._set.closes_to_tray)
        self.closes.toggled.connect(lambda is_on: setattr(self._set, "closes_to_tray", is_on))
        if not QSystemTrayIcon.isSystemTrayAvailable():
            self.closes.setEnabled(False)
            self.closes.setText("Stay in the tray when the window is closed (no tray here)")
        self.open_with = QLineEdit(self._set.open_with)
        self.open_with.setPlaceholderText("What the system has for them, or e.g. djv, mrv2, krita")
        self.play_with = QLineEdit(self._set.play_with)
        self.play_with.setPlaceholderText("blender -a, or e.g. djv, mrv2, ffplay")
        self.wrong = QLabel()
        self.wrong.setTextFormat(Qt.TextFormat.PlainText)
        self.wrong.setWordWrap(True)
        self.wrong.setStyleSheet(f"color: {theme.of().colours.failed}")
        self.wrong.hide()
        for key, entry in (("open_with", self.open_with), ("play_with", self.play_with)):
            entry.textChanged.connect(partial(self._take_program, key))
        self._arrange()

    def _arrange(self) -> None:
        em = theme.em(self)
        form = QFormLayout()
        form.setVerticalSpacing(round(em * 0.7))
        form.setHorizontalSpacing(round(em))
        form.addRow("Colours", self.colours)
        form.addRow("Open frames with", self.open_with)
        form.addRow("Play sequences with", self.play_with)
        form.addRow("", self.wrong)
        form.addRow("When I look away", self.notifies)
        form.addRow("", self.closes)
        farm = QLabel(self._desk.settings.spool or "none yet: Farm ▸ Set up a farm…")
        farm.setTextFormat(Qt.TextFormat.PlainText)
        farm.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        form.addRow("Farm", farm)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        gap = round(em * 1.2)
        column.setContentsMargins(gap, gap, gap, gap)
        column.setSpacing(gap)
        column.addLayout(form)
        column.addWidget(buttons)
        self.setMinimumWidth(round(em * 34))

    def _take_program(self, key: str, text: str) -> None:
        """Keep a command line that a shell would take; say what is wrong with another."""
        try:
            command(text)
        except UsageError as error:
            self.wrong.setText(str(error))
        else:
            self.wrong.setText("")
            setattr(self._set, key, text)
        self.wrong.setVisible(bool(self.wrong.text()))

    def _paint(self, place: int) -> None:
        scheme = self.colours.itemData(place)
        theme.of().choose(scheme)
        self._desk.remembered.setValue("scheme", scheme.value)
