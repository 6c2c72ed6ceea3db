"""Colours and spacing of both windows: dark and light, from the system or as a person says."""

import os
from dataclasses import dataclass
from enum import StrEnum

from PyQt6.QtCore import QDir, QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFontMetricsF, QGuiApplication, QPalette
from PyQt6.QtWidgets import QApplication, QStyleFactory, QWidget


class Scheme(StrEnum):
    """What a person chose."""

    SYSTEM = "system"
    DARK = "dark"
    LIGHT = "light"


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """One scheme.  States keep their hue in both and are told apart by colour-blind eyes, too.

    The hues of states follow M. Okabe and K. Ito, "Color Universal Design" (2008), lightened or
    darkened until small text stands 4.5:1 off its ground (WCAG 2.1, 1.4.3).
    """

    is_dark: bool
    window: str  #: behind everything
    panel: str  #: bars, docks, dialogs
    field: str  #: tables, lists, entries
    stripe: str  #: every other row
    raised: str  #: buttons
    line: str  #: borders
    text: str
    faint: str  #: what matters less
    accent: str  #: selection, focus
    on_accent: str
    running: str
    done: str
    failed: str
    waiting: str  #: on something that can be named
    off: str  #: held, paused, over
    warning: str
    folder: str  #: icons of kinds of files, in hues like Blender's
    blend: str
    picture: str
    movie: str


DARK = Colours(
    is_dark=True,
    window="#1d1d1d",
    panel="#282828",
    field="#222222",
    stripe="#262626",
    raised="#3d3d3d",
    line="#3a3a3a",
    text="#e2e2e2",
    faint="#9a9a9a",
    accent="#4772b3",
    on_accent="#ffffff",
    running="#3fbf8f",
    done="#5eb3ea",
    failed="#f27c57",
    waiting="#e8a72c",
    off="#a0a0a0",
    warning="#e8c547",
    folder="#d6b15c",
    blend="#ee9350",
    picture="#86b4e8",
    movie="#8cc58a",
)
LIGHT = Colours(
    is_dark=False,
    window="#e9e9e9",
    panel="#f3f3f3",
    field="#ffffff",
    stripe="#f7f7f7",
    raised="#fcfcfc",
    line="#c9c9c9",
    text="#1e1e1e",
    faint="#666666",
    accent="#3c6eb4",
    on_accent="#ffffff",
    running="#007a57",
    done="#0069a8",
    failed="#b54708",
    waiting="#8a5a00",
    off="#666666",
    warning="#7d6200",
    folder="#b07a10",
    blend="#d05a00",
    picture="#2f72b8",
    movie="#3b8242",
)

_SHEET = """
QToolTip {{ background: {panel}; color: {text}; border: 1px solid {line}; padding: 4px 6px; }}
QMainWindow::separator {{ background: {window}; width: 5px; height: 5px; }}
QMainWindow::separator:hover {{ background: {accent}; }}
QSplitter::handle {{ background: {window}; }}
QSplitter::handle:hover {{ background: {accent}; }}
QToolBar {{ background: {panel}; border: 0; padding: 4px 6px; spacing: 4px; }}
QToolBar::separator {{ background: {line}; width: 1px; margin: 4px 5px; }}
QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 4px 7px; }}
QToolButton:hover {{ background: {raised}; border-color: {line}; }}
QToolButton:checked {{ background: {raised}; border-color: {line}; }}
QToolButton:focus {{ border-color: {accent}; }}
QToolButton:disabled {{ color: {faint}; }}
QStatusBar {{ background: {panel}; color: {text}; border-top: 1px solid {line}; }}
QStatusBar::item {{ border: 0; }}
QToolButton#state {{ color: {faint}; padding: 4px 6px; }}
QToolButton#state:checked {{ color: {text}; }}
QDockWidget {{ color: {text}; titlebar-close-icon: url(marks:close.svg);
  titlebar-normal-icon: url(marks:float.svg); }}
QDockWidget::close-button, QDockWidget::float-button {{ border-radius: 3px; padding: 1px; }}
QDockWidget::close-button:hover, QDockWidget::float-button:hover {{ background: {raised}; }}
QToolButton#here {{ padding-right: 20px; }}
QToolButton#here::menu-indicator {{ image: url(marks:up.svg); width: 11px; height: 11px;
  subcontrol-origin: padding; subcontrol-position: center right; right: 5px; }}
QDockWidget::title {{ background: {panel}; padding: 5px 8px; }}
QHeaderView::section {{ background: {panel}; color: {faint}; border: 0;
  border-right: 1px solid {line}; border-bottom: 1px solid {line}; padding: 4px 7px; }}
QTableView, QTreeView, QListView, QPlainTextEdit, QTextBrowser {{ background: {field};
  alternate-background-color: {stripe}; border: 0; gridline-color: {line};
  selection-background-color: {accent}; selection-color: {on_accent}; }}
QTableWidget::item {{ padding: 0 4px; }}
QTableView:focus, QTreeView:focus, QListView:focus {{ border: 0; }}
QTabBar {{ qproperty-drawBase: 0; }}
QTabBar::tab {{ background: transparent; color: {faint}; padding: 6px 14px; border: 0;
  border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {text}; border-bottom-color: {accent}; }}
QTabBar::tab:hover {{ color: {text}; }}
QTabWidget::pane {{ border: 0; border-top: 1px solid {line}; }}
QLineEdit, QComboBox, QAbstractSpinBox {{ background: {field}; color: {text};
  border: 1px solid {line}; border-radius: 4px; padding: 3px 6px; }}
QLineEdit:focus, QComboBox:focus, QAbstractSpinBox:focus {{ border-color: {accent}; }}
QAbstractSpinBox {{ padding: 1px 6px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: 0; width: 16px;
  background: transparent; subcontrol-origin: border; }}
QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
QAbstractSpinBox::up-arrow {{ image: url(marks:up.svg); width: 10px; height: 10px; }}
QAbstractSpinBox::down-arrow {{ image: url(marks:down.svg); width: 10px; height: 10px; }}
QComboBox::drop-down {{ border: 0; width: 20px; }}
QComboBox::down-arrow {{ image: url(marks:down.svg); width: 12px; height: 12px; }}
QCheckBox {{ spacing: 6px; }}
QCheckBox::indicator, QTreeView::indicator, QTableView::indicator {{ width: 13px; height: 13px;
  background: {field}; border: 1px solid {faint}; border-radius: 3px; }}
QCheckBox::indicator:focus, QCheckBox::indicator:hover {{ border-color: {accent}; }}
QCheckBox::indicator:checked, QTreeView::indicator:checked, QTableView::indicator:checked {{
  background: {accent}; border-color: {accent}; image: url(marks:check.svg); }}
QTreeView::indicator:indeterminate {{ background: {accent}; border-color: {accent};
  image: url(marks:some.svg); }}
QTreeView::indicator:selected, QTableView::indicator:selected {{ border-color: {on_accent}; }}
QCheckBox::indicator:disabled {{ border-color: {line}; }}
QPushButton {{ background: {raised}; color: {text}; border: 1px solid {line};
  border-radius: 4px; padding: 5px 14px; }}
QPushButton:hover, QPushButton:focus {{ border-color: {accent}; }}
QPushButton:default {{ background: {accent}; color: {on_accent}; border-color: {accent}; }}
QPushButton:default:focus {{ border-color: {text}; }}
QPushButton:disabled {{ color: {faint}; background: {panel}; border-color: {line}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QMessageBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QPushButton#choice {{ background: {field}; padding: 3px 6px; text-align: left; }}
QPushButton#choice::menu-indicator {{ image: url(marks:down.svg); width: 12px; height: 12px;
  subcontrol-origin: padding; subcontrol-position: center right; right: 1px; }}
QMenu {{ background: {panel}; border: 1px solid {line}; padding: 4px 0; }}
QMenu::item {{ padding: 5px 26px 5px 14px; }}
QMenu::icon, QMenu::indicator {{ left: 8px; }}
QMenu::item:selected {{ background: {accent}; color: {on_accent}; }}
QMenu::item:disabled {{ color: {faint}; }}
QMenu::separator {{ height: 1px; background: {line}; margin: 4px 0; }}
QAbstractScrollArea::corner {{ background: transparent; border: 0; }}
QScrollBar:vertical {{ background: transparent; width: 11px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 11px; margin: 0; }}
QScrollBar::handle {{ background: {line}; border-radius: 4px; margin: 2px;
  min-height: 28px; min-width: 28px; }}
QScrollBar::handle:hover {{ background: {faint}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
  background: transparent; width: 0; height: 0; }}
"""


class Theme(QObject):
    """The colours in force; tells when they change."""

    changed = pyqtSignal()

    def __init__(self, app: QApplication, choice: Scheme = Scheme.SYSTEM) -> None:
        super().__init__(app)
        self._app = app
        self._choice = choice
        self._drawn: Colours | None = None
        QDir.setSearchPaths("marks", [os.path.join(os.path.dirname(__file__), "marks")])
        app.setStyle(QStyleFactory.create("Fusion"))
        hints = QGuiApplication.styleHints()
        if hints is not None:
            hints.colorSchemeChanged.connect(self._follow)
        self._draw()

    @property
    def choice(self) -> Scheme:
        """What a person chose."""
        return self._choice

    @property
    def colours(self) -> Colours:
        """The scheme that is drawn now."""
        if self._choice is Scheme.SYSTEM:
            hints = QGuiApplication.styleHints()
            is_light = hints is not None and hints.colorScheme() == Qt.ColorScheme.Light
            return LIGHT if is_light else DARK
        return DARK if self._choice is Scheme.DARK else LIGHT

    def choose(self, choice: Scheme) -> None:
        """Draw everything in this scheme from now on."""
        self._choice = choice
        self._draw()

    def _follow(self) -> None:
        if self._choice is Scheme.SYSTEM:
            self._draw()

    def _draw(self) -> None:
        found = self.colours
        if found is self._drawn:
            return
        self._drawn = found
        self._app.setPalette(_palette(found))
        names = {name: getattr(found, name) for name in Colours.__slots__}
        self._app.setStyleSheet(_SHEET.format(**names))
        self.changed.emit()


def of(app: QApplication | None = None) -> Theme:
    """The application's theme, made with the system's scheme where it has none yet."""
    app = app or QApplication.instance()  # type: ignore[assignment]
    assert isinstance(app, QApplication), "the application comes first"
    found = app.findChild(Theme)
    return found if isinstance(found, Theme) else Theme(app)


def em(widget_or_app: object = None) -> float:
    """The height of a line of text in pixels: the measure of every gap and size."""
    font = getattr(widget_or_app or QApplication, "font")()  # noqa: B009
    return QFontMetricsF(font).height()


def fit(window: QWidget, wide: float, high: float) -> None:
    """Give a window a size in lines of text, or what the screen and its frame leave of it."""
    line, screen = em(window), window.screen()
    wanted = QSize(round(line * wide), round(line * high))
    if screen is not None:
        frame = QSize(round(line / 2), round(line * 2.5))
        wanted = wanted.boundedTo(screen.availableSize() - frame)
    window.resize(wanted)


def _palette(found: Colours) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, found.panel),
        (role.WindowText, found.text),
        (role.Base, found.field),
        (role.AlternateBase, found.stripe),
        (role.Text, found.text),
        (role.PlaceholderText, found.faint),
        (role.Button, found.raised),
        (role.ButtonText, found.text),
        (role.BrightText, found.failed),
        (role.ToolTipBase, found.panel),
        (role.ToolTipText, found.text),
        (role.Highlight, found.accent),
        (role.HighlightedText, found.on_accent),
        (role.Link, found.done),
        (role.Mid, found.line),
        (role.Dark, found.line),
    ):
        palette.setColor(which, QColor(colour))
    off = QPalette.ColorGroup.Disabled
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(off, which, QColor(found.faint))
    palette.setColor(off, role.Highlight, QColor(found.line))
    return palette
