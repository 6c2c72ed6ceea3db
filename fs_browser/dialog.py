"""The browser as a dialog: to open files, to choose a folder, to name a file to be saved.

    dialog = BrowserDialog(window, "/srv/shots", kinds={Kind.BLEND}, multiple=True)
    if dialog.exec():
        add(dialog.paths)
    dialog.deleteLater()

Parameters, of which all may be left out:

- `parent`: the window it belongs to; None makes it a window of its own.
- `folder`: where it begins; without one where it was left last, or the user's own folder.
- `kinds`: the kinds of files that are shown at first (a person may show others); `{Kind.FOLDER}`
  alone chooses folders.
- `multiple`: whether several files may be chosen; a sequence stands for all of its files then, and
  else for its first.
- `save_name`: a file's name to begin with: the dialog names a file that need not be there.
- `kept`: where it remembers how it looks; the user's settings.

Results, after `exec()` returned true or `accepted` was emitted:

- `paths`: absolute paths, never empty.  They were there a moment ago, but for `save_name`.
- `folder`: the folder that was shown.

It reads nothing in the GUI thread; a share that hangs never blocks it.  When it is closed it stops
for good: make another one the next time, and let this one go with `deleteLater()`.
"""

import os
from collections.abc import Collection
from functools import partial

from PyQt6.QtCore import QByteArray, QEvent, QObject, QSettings, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fs_browser import theme
from fs_browser.core.kinds import Kind
from fs_browser.core.numbers import bump
from fs_browser.core.orders import complaint
from fs_browser.core.sequences import FileSequence, Row
from fs_browser.models.locations import remembered
from fs_browser.views.browser import BUMPS, Browser, bump_size
from renderd.blend.names import shown

_EDGE = 0.5  #: of a line, around the bar of buttons


class BrowserDialog(QDialog):
    """A file browser with a name and buttons below; see the module for its use."""

    def __init__(
        self,
        parent: QWidget | None = None,
        folder: str = "",
        kinds: Collection[Kind] = (),
        multiple: bool = False,
        save_name: str | None = None,
        *,
        kept: QSettings | None = None,
    ) -> None:
        super().__init__(parent)
        self._kept = remembered() if kept is None else kept
        self._is_for_folders = set(kinds) == {Kind.FOLDER}
        self._is_multiple = multiple
        self._saves = save_name is not None
        self._paths: list[str] = []
        self.browser = Browser(kinds)
        self.name = QLineEdit(save_name or "")
        self.go = QPushButton()
        self.cancel = QPushButton("Cancel")
        self._lay_out()
        self._connect()
        self._recall()
        self.browser.session.go(self._first(folder))
        if self._saves:
            self._select_stem()
        else:
            self.browser.files.setFocus()

    @property
    def paths(self) -> list[str]:
        """What was chosen, absolute; empty until the dialog was accepted."""
        return list(self._paths)

    @property
    def folder(self) -> str:
        """The folder that is shown."""
        return self.browser.session.folder

    # -- built once -------------------------------------------------------------------------

    def _lay_out(self) -> None:
        edge = round(theme.em(self) * _EDGE)
        what = "Save" if self._saves else "Choose a folder" if self._is_for_folders else "Open"
        self.setWindowTitle(what)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.setSizeGripEnabled(True)
        self.name.setAccessibleName("File name")
        self.name.setToolTip("+ and - of the number pad change the number in the name")
        label = QLabel("&Name")
        label.setBuddy(self.name)
        self.go.setText("Choose" if self._is_for_folders else what)
        self.go.setDefault(True)
        self.cancel.setAutoDefault(False)
        self._words = self.go.text()
        bar = QHBoxLayout()
        bar.setContentsMargins(edge, edge // 2, edge, edge)
        bar.setSpacing(edge)
        bar.addWidget(label)
        bar.addWidget(self.name, 1)
        bar.addWidget(self.cancel)
        bar.addWidget(self.go)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.browser, 1)
        whole.addLayout(bar)
        theme.fit(self, 68, 40)

    def _connect(self) -> None:
        self.browser.picked.connect(self._follow)
        self.browser.opened.connect(self._open)
        self.browser.bumped.connect(self._bump)
        self.browser.session.moved.connect(lambda _: self._judge())
        self.browser.session.arrived.connect(lambda _: self._judge())
        self.name.textChanged.connect(lambda _: self._judge())
        self.name.installEventFilter(self)
        self.go.clicked.connect(self._open)
        self.cancel.clicked.connect(self.reject)
        self.finished.connect(self._remember)

    # -- what is remembered -----------------------------------------------------------------

    def _recall(self) -> None:
        if isinstance(value := self._kept.value("browser/geometry"), QByteArray):
            self.restoreGeometry(value)
        self.browser.recall(self._kept)

    def _remember(self, result: int) -> None:
        self._kept.setValue("browser/geometry", self.saveGeometry())
        self._kept.setValue("browser/folder", self.folder)
        self.browser.remember(self._kept)
        if result:
            self.browser.session.remember()
        self.browser.stop()

    def _first(self, folder: str) -> str:
        asked = folder or str(self._kept.value("browser/folder") or "") or "~"
        return os.path.abspath(os.path.expanduser(asked))

    # -- choosing ---------------------------------------------------------------------------

    def _follow(self) -> None:
        """Let the name be that of what is selected."""
        files = [row for row in self.browser.files.selected() if self._is_choosable(row)]
        if self._saves:
            if len(files) == 1 and not isinstance(files[0], FileSequence):
                self.name.setText(files[0].name)
        elif files:
            more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
            self.name.setText(_entry_text(files[0].name) + more)
        else:
            self.name.clear()
        self._judge()

    def _open(self) -> None:
        """Take what is selected or typed; a folder is gone into."""
        rows = self.browser.files.selected()
        chosen = [row for row in rows if self._is_choosable(row)]
        typed = self.name.text()
        if self._saves:
            self._save(typed, rows)
        elif chosen and typed in ("", self._expected(chosen)):
            self._take_rows(chosen)
        elif typed:
            self._look_for(typed)
        elif self._is_for_folders:
            self._finish([self.folder])
        elif len(rows) == 1 and rows[0].kind is Kind.FOLDER:
            self.browser.open_row(rows[0])

    def _expected(self, chosen: list[Row]) -> str:
        more = f" and {len(chosen) - 1:,} more" if len(chosen) > 1 else ""
        return _entry_text(chosen[0].name) + more

    def _take_rows(self, rows: list[Row]) -> None:
        paths = self.browser.session.paths(rows)
        if self._is_multiple:
            self._finish(paths)
        elif len(rows) == 1:
            self._finish(paths[:1])
        else:
            self._say("✘ one file can be chosen here; select one")

    def _save(self, typed: str, rows: list[Row]) -> None:
        if not typed and len(rows) == 1 and rows[0].kind is Kind.FOLDER:
            self.browser.open_row(rows[0])
            return
        path = self.browser.session.path_of(typed)
        if why := complaint(os.path.basename(path)) if typed else "type a name":
            self._say(f"✘ {why}")
            return

        def follow(what: str) -> None:
            if what == "folder":
                self.browser.session.go(path)
            elif what == "nowhere":
                self._say(f"✘ {shown(os.path.dirname(path))}: there is no such folder")
            else:
                self._finish([path])

        self.browser.session.aside.run(partial(_what_is, path), follow)

    def _look_for(self, typed: str) -> None:
        path = self.browser.session.path_of(typed)

        def follow(what: str) -> None:
            if what == "file" or (what == "folder" and self._is_for_folders):
                self._finish([path])
            elif what == "folder":
                self.name.clear()
                self.browser.session.go(path)
            else:
                self._say(f"✘ {shown(path)}: there is no such file")

        self.browser.session.aside.run(partial(_what_is, path), follow)

    def _finish(self, paths: list[str]) -> None:
        self._paths = paths
        self.accept()

    def _is_choosable(self, row: Row) -> bool:
        return (row.kind is Kind.FOLDER) == self._is_for_folders

    # -- the name ---------------------------------------------------------------------------

    def _bump(self, by: int) -> None:
        """Count the number in the name; the file of that name is selected where there is one."""
        name = bump(self.name.text(), by)
        if not self.name.text() or name == self.name.text():
            return
        if not self.browser.files.select(name) and not self._saves:
            self._say(f"✘ {shown(name)} is not here")
            return
        self.name.setText(name)

    def _judge(self) -> None:
        """Let the button say what it would do."""
        name = self.name.text()
        replaces = self._saves and self.browser.session.rows.has_file(name)
        found = theme.of().colours
        self.go.setText("Replace" if replaces else self._words)
        self.name.setStyleSheet(f"color: {found.failed}" if replaces else "")
        rows = self.browser.files.selected()
        is_one = self._is_multiple or len(rows) < 2
        can = bool(name or self._is_for_folders or (rows and not self._saves))
        self.go.setEnabled(can and is_one)
        self.go.setToolTip("" if is_one else "One can be chosen here; select one")

    def _select_stem(self) -> None:
        self.name.setFocus()
        self.name.setSelection(0, len(os.path.splitext(self.name.text())[0]))

    def _say(self, words: str) -> None:
        self.browser.session.said.emit(words)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """As Qt asks: + and - of the number pad, in the name too."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            is_pad = bool(event.modifiers() & Qt.KeyboardModifier.KeypadModifier)
            by = BUMPS.get(Qt.Key(event.key()))
            if is_pad and by is not None:
                self._bump(by * bump_size(event))
                return True
        return super().eventFilter(watched, event)


def _entry_text(name: str) -> str:
    """A name as an entry can hold it: bytes that are no text are lost there."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _what_is(path: str) -> str:
    """Whether a path is a folder, a file, free, or nowhere; for a thread of its own."""
    if os.path.isdir(path):
        return "folder"
    if os.path.lexists(path):
        return "file"
    return "free" if os.path.isdir(os.path.dirname(path)) else "nowhere"
