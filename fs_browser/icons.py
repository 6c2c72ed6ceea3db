"""Our own icons: strokes on a grid of 24, tinted by the theme."""

import functools

from PyQt6.QtCore import QByteArray, QRectF, QSize, Qt
from PyQt6.QtGui import QIcon, QPainter, QPixmap
from PyQt6.QtSvg import QSvgRenderer

from fs_browser import theme

_LARGE = 40  #: pixels from which an icon is a picture of its own
_SIZES = (16, 20, 24, 32, 48)
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="{fill}" fill-opacity="0.16" '
    'stroke="{colour}" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round">'
    "{strokes}</svg>"
)


def _path(*lines: str) -> str:
    return "".join(f'<path d="{line}"/>' for line in lines)


STROKES = {
    "add": _path("M12 5v14", "M5 12h14"),
    "remove": _path("M5 7h14", "M10 7V4h4v3", "M7 7l1 13h8l1-13", "M10.5 11v5", "M13.5 11v5"),
    "hold": _path("M8 5v14", "M16 5v14"),
    "release": _path("M7 4.5v15l12-7.5z"),
    "cancel": _path("M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17", "M6.2 6.2l11.6 11.6"),
    "retry": _path("M19.5 12a7.5 7.5 0 1 1-2.4-5.5", "M19.5 3.5v4h-4"),
    "redo": _path("M5 12a7 7 0 0 1 12-5l2.5 2.5", "M19.5 4.5v5h-5", "M19 14a7 7 0 0 1-12 3"),
    "verify": _path("M12 3l7 3v6c0 4.5-3 7.5-7 9c-4-1.5-7-4.5-7-9V6z", "M8.5 12l2.5 2.5l4.5-5"),
    "skip": _path("M5 5l9 7l-9 7z", "M18.5 5v14"),
    "up": _path("M12 19V5", "M6 11l6-6l6 6"),
    "down": _path("M12 5v14", "M6 13l6 6l6-6"),
    "copy": _path("M9 9h11v11H9z", "M15 9V4H4v11h5"),
    "duplicate": _path("M9 9h11v11H9z", "M15 9V4H4v11h5", "M14.5 12v5", "M12 14.5h5"),
    "frames": _path("M4 5h16v14H4z", "M4 9h16", "M4 15h16", "M9 9v6", "M15 9v6"),
    "folder": _path("M3.5 6h6l2 2.5h9V19h-17z"),
    "open": _path("M3.5 19V6h6l2 2.5h8V11", "M3.5 19l3-8h15l-3 8z"),
    "folder-add": _path("M3.5 6h6l2 2.5h9V19h-17z", "M12 11v5", "M9.5 13.5h5"),
    "log": _path("M6 3.5h8l4 4v13H6z", "M9 10h6", "M9 13.5h6", "M9 17h4"),
    "why": _path("M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17",
                 "M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7", "M12 16.800v.1"),
    "machine": _path("M4 5h16v11H4z", "M9 20h6", "M12 16v4"),
    "pause": _path("M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17", "M10 9v6", "M14 9v6"),
    "resume": _path("M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17", "M10.5 8.5v7l5-3.5z"),
    "drain": _path("M12 4v10", "M8 10.5l4 4l4-4", "M5 19h14"),
    "quit": _path("M12 4v8", "M7 6.5a7.5 7.5 0 1 0 10 0"),
    "kill": _path("M6 6l12 12", "M18 6L6 18"),
    "wake": _path("M12 6.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11", "M12 2v1.5", "M12 20.5V22",
                  "M2 12h1.5", "M20.5 12H22", "M5 5l1 1", "M18 18l1 1", "M5 19l1-1", "M18 6l1-1"),
    "note": _path("M5 4h14v11l-5 5H5z", "M19 15h-5v5", "M8.5 9h7", "M8.5 12.5h4"),
    "away": _path("M18.5 14.5A7.5 7.5 0 1 1 10 4.5a6 6 0 0 0 8.5 10z"),
    "search": _path("M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13", "M15.5 15.5L20.5 20.5"),
    "filter": _path("M4 5h16l-6 7v6l-4 2v-8z"),
    "settings": _path("M4 7h9", "M17 7h3", "M15 5v4", "M4 12h3", "M11 12h9", "M9 10v4", "M4 17h11",
                      "M19 17h1", "M17 15v4"),
    "history": _path("M4 4v16h16", "M7.5 15l3.5-4l3 2.5l5-7"),
    "preview": _path("M3.5 5h17v14h-17z", "M3.5 16l5-5l4 4l3-2.5l5 4.5", "M15.5 8.5v.1"),
    "farm": _path("M4 4h7v6H4z", "M13 4h7v6h-7z", "M4 14h7v6H4z", "M13 14h7v6h-7z"),
    "blend": _path("M12 6a7 7 0 1 0 0 14a7 7 0 0 0 0-14",
                   "M12 10.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5", "M4 9.5h9", "M9 4.5l5 4"),
    "image": _path("M3.5 5h17v14h-17z", "M3.5 16l5-5l4 4l3-2.5l5 4.5", "M15.5 8.5v.1"),
    "movie": _path("M3.5 5h17v14h-17z", "M7 5v14", "M17 5v14", "M3.5 12h3.5", "M17 12h3.5"),
    "text": _path("M6 3.5h8l4 4v13H6z", "M9 11h6", "M9 15h6"),
    "file": _path("M6 3.5h8l4 4v13H6z", "M14 3.5v4h4"),
    "sequence": _path("M7 8h13v11H7z", "M5 16V6h12", "M3 13V4h12"),
    "sound": _path("M9 17.5V5.500l10-2v12", "M6.500 15a2.500 2.500 0 1 0 0 5a2.500 2.500 0 0 0 0-5",
                   "M16.500 13a2.500 2.500 0 1 0 0 5a2.500 2.500 0 0 0 0-5"),
    "cache": _path("M12 3l8 4.500v9L12 21l-8-4.500v-9z", "M4 7.500l8 4.500l8-4.500", "M12 12v9"),
    "font": _path("M5 20L12 4l7 16", "M7.800 14h8.400"),
    "sort": _path("M7 5v14", "M3.500 15.500L7 19l3.500-3.500", "M13 6h8", "M13 12h6", "M13 18h4"),
    "chevron-right": _path("M9 6l6 6l-6 6"),
    "chevron-down": _path("M6 9l6 6l6-6"),
    "back": _path("M19 12H5", "M11 6l-6 6l6 6"),
    "forward": _path("M5 12h14", "M13 6l6 6l-6 6"),
    "parent": _path("M12 19V6", "M6 11.5l6-6l6 6"),
    "reload": _path("M19.5 12a7.5 7.5 0 1 1-2.4-5.5", "M19.5 3.5v4h-4"),
    "bookmark": _path("M7 4h10v16l-5-4l-5 4z"),
    "recent": _path("M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17", "M12 7.5V12l3 2"),
    "home": _path("M4 11.5L12 4.5l8 7", "M6 10v9.5h12V10", "M10 19.5v-5h4v5"),
    "disk": _path("M4 7c0-4 16-4 16 0v10c0 4-16 4-16 0z", "M4 7c0 4 16 4 16 0",
                  "M4 12c0 4 16 4 16 0"),
    "grid": _path("M4 4h6v6H4z", "M14 4h6v6h-6z", "M4 14h6v6H4z", "M14 14h6v6h-6z"),
    "list": _path("M8 6h12", "M8 12h12", "M8 18h12", "M4 6h.1", "M4 12h.1", "M4 18h.1"),
    "details": _path("M4 6h16", "M4 12h16", "M4 18h16", "M9 4v16"),
    "hidden": _path("M3 12c5-8 13-8 18 0c-5 8-13 8-18 0",
                    "M12 9.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5", "M4 20L20 4"),
    "warning": _path("M12 4l9 16H3z", "M12 10v4.5", "M12 17.3v.1"),
    "error": _path("M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17", "M12 8v5", "M12 16v.1"),
    "ok": _path("M5 12.5l4.5 4.5L19 7"),
    "wrap": _path("M4 6h16", "M4 12h12.500a3.200 3.200 0 0 1 0 6.400H13", "M15.500 15.500l-3 3l3 3",
                  "M4 18h4"),
    "info": _path("M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17", "M12 11v5", "M12 8v.1"),
}  # fmt: skip


def icon(name: str, colour: str = "") -> QIcon:
    """An icon by name, in the theme's text colour or another; KeyError for unknown names."""
    found = theme.of().colours
    return _drawn(name, colour or found.text, found.faint)


def pixmap(name: str, size: int, colour: str, ratio: float = 1.0) -> QPixmap:
    """One picture of an icon; `size` in device-independent pixels."""
    return _picture(name, colour, round(size * ratio), ratio)


@functools.lru_cache(maxsize=512)
def _drawn(name: str, colour: str, off: str) -> QIcon:
    made = QIcon()
    for size in _SIZES:
        made.addPixmap(_picture(name, colour, size, 1.0), QIcon.Mode.Normal)
        made.addPixmap(_picture(name, off, size, 1.0), QIcon.Mode.Disabled)
    return made


@functools.lru_cache(maxsize=1024)
def _picture(name: str, colour: str, pixels: int, ratio: float) -> QPixmap:
    # a large one by thin strokes and tinted, else it shouts
    is_large = pixels >= _LARGE * ratio
    width, fill = (0.9, colour) if is_large else (1.8, "none")
    svg = _SVG.format(colour=colour, strokes=STROKES[name], width=width, fill=fill)
    picture = QPixmap(QSize(pixels, pixels))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture
