"""What is wrong with the farm as a whole, above everything, and what can be done about it."""

from html import escape

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy

from fs_browser import icons, theme


class Banner(QFrame):
    """One sentence of trouble with one button; hidden while there is none."""

    taken = pyqtSignal()  #: the button was pressed

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        em = theme.em(self)
        self._sign = QLabel()
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.button = QPushButton("Choose another farm…")
        self.button.clicked.connect(self.taken)
        row = QHBoxLayout(self)
        row.setContentsMargins(round(em * 0.7), round(em * 0.4), round(em * 0.7), round(em * 0.4))
        row.setSpacing(round(em * 0.7))
        for one in (self._sign, self.words, self.button):
            row.addWidget(one, int(one is self.words))
        theme.of().changed.connect(self._draw)
        self._draw()
        self.hide()

    def tell(self, why: str, button: str = "Choose another farm…", detail: str = "") -> None:
        """Show a sentence, with more over it; nothing where there is none."""
        self.words.setText(why)
        self.words.setToolTip(f"<qt>{escape(detail)}</qt>" if detail else "")
        self.button.setText(button)
        self.setVisible(bool(why))

    def _draw(self) -> None:
        found = theme.of().colours
        size = round(theme.em(self) * 1.3)
        self._sign.setPixmap(icons.pixmap("warning", size, found.warning, self.devicePixelRatioF()))
        self.setStyleSheet(
            f"#banner {{ background: {found.window}; border: 0;"
            f" border-left: {max(2, size // 5)}px solid {found.warning}; }}"
        )
