"""Details of files: columns that share the width, and images' sizes out of their headers."""

import struct

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage

from fs_browser import theme
from fs_browser.core import pixels
from fs_browser.models.rows import DETAIL, KIND, NAME, PIXELS
from fs_browser.views.files import View

PATIENCE = 30_000  #: milliseconds


def exr_head(width, height, *, before=b"", name=b"displayWindow"):
    """The start of an OpenEXR file whose picture is so large and begins beside the origin."""
    box = struct.pack("<4i", -3, 5, width - 4, height + 4)
    window = name + b"\0box2i\0" + struct.pack("<I", 16) + box
    return b"\x76\x2f\x31\x01" + struct.pack("<I", 2) + before + window + b"\0"


def film_head(magic, order, at, width, height):
    """The start of a DPX or Cineon file."""
    return magic.ljust(at, b"\0") + struct.pack(f"{order}2I", width, height)


def note(length):
    return b"comments\0string\0" + struct.pack("<I", length) + b"x" * length


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (exr_head(1920, 1080), (1920, 1080)),
        (exr_head(64, 36, before=note(300)), (64, 36)),
        (exr_head(64, 36, name=b"dataWindow"), None),
        (exr_head(64, 36, before=note(1 << 16))[: pixels.HEAD_BYTES], None),
        (exr_head(64, 36)[:-9], None),
        (exr_head(0, 36), None),
        (film_head(b"SDPX", ">", 772, 2048, 1556), (2048, 1556)),
        (film_head(b"XPDS", "<", 772, 1920, 1080), (1920, 1080)),
        (film_head(b"SDPX", ">", 772, 0xFFFFFFFF, 1556), None),
        (film_head(b"SDPX", ">", 772, 1920, 1080)[:-1], None),
        (film_head(b"\x80\x2a\x5f\xd7", ">", 200, 3656, 2664), (3656, 2664)),
        (film_head(b"\xd7\x5f\x2a\x80", "<", 200, 3656, 2664), (3656, 2664)),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\nEXPOSURE=1.0\n\n-Y 36 +X 64\n", (64, 36)),
        (b"#?RGBE\nFORMAT=32-bit_rle_rgbe\n\n+X 36 -Y 64\n", (36, 64)),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 36 +Y 64\n", None),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n-Y 36 +X 64\n", None),
        (b"\x89PNG", None),
        (b"", None),
    ],
)
def test_a_header_says_how_large_the_picture_is(head, size):
    assert pixels.of_head(head) == size


@pytest.fixture
def images(folder):
    """Pictures of several kinds and sizes beside the shot's files."""
    for name, width, height in (("plate.png", 640, 360), ("still.jpg", 32, 1000)):
        assert QImage(width, height, QImage.Format.Format_RGB888).save(str(folder / name))
    (folder / "light.exr").write_bytes(exr_head(4096, 2160))
    (folder / "scan.dpx").write_bytes(film_head(b"SDPX", ">", 772, 2048, 1556))
    (folder / "sky.hdr").write_bytes(b"#?RADIANCE\n\n-Y 1024 +X 2048\n")
    (folder / "torn.exr").write_bytes(b"\x76\x2f\x31\x01")
    for frame in (1, 2, 3, 5):
        image = QImage(frame * 10, 50, QImage.Format.Format_RGB888)
        assert image.save(str(folder / f"beauty_{frame:04}.png"))
    return folder


def sizes(dialog):
    """What the column says, as a person sees it from above; blank lines left out."""
    rows = dialog.browser.session.rows
    told = {r.name: rows.index(i, PIXELS).data() for i, r in enumerate(rows.shown())}
    return {name: text for name, text in told.items() if text}


SIZES = {
    "beauty_####.png": "30 × 50",
    "plate.png": "640 × 360",
    "still.jpg": "32 × 1000",
    "light.exr": "4096 × 2160",
    "scan.dpx": "2048 × 1556",
    "sky.hdr": "2048 × 1024",
}


def test_images_and_sequences_say_their_resolution(images, show, qtbot):
    dialog = show()
    qtbot.waitUntil(lambda: sizes(dialog) == SIZES, timeout=PATIENCE)


def test_images_can_be_ordered_by_resolution(images, show, qtbot):
    dialog = show()
    dialog.browser.session.rows.sort(PIXELS, Qt.SortOrder.DescendingOrder)
    qtbot.waitUntil(lambda: list(sizes(dialog)) == sorted(SIZES, key=by_area), timeout=PATIENCE)


def by_area(name):
    return -pixels.area(SIZES[name])


def test_the_column_of_resolutions_is_there_while_images_are(folder, show, qtbot):
    dialog = show()
    dialog.browser.show_as(View.DETAILS)
    dialog.resize(round(theme.em(dialog) * 80), dialog.height())
    view = dialog.browser.files.current
    qtbot.waitUntil(lambda: not view.isColumnHidden(PIXELS), timeout=PATIENCE)
    dialog.browser.session.go(str(folder / "cache"))
    qtbot.waitUntil(lambda: view.isColumnHidden(PIXELS), timeout=PATIENCE)


@pytest.mark.parametrize(("lines", "shows_kind"), [(60, True), (42, False)])
def test_names_and_what_is_in_files_share_the_width(show, qtbot, lines, shows_kind):
    dialog = show()
    dialog.browser.show_as(View.DETAILS)
    dialog.resize(round(theme.em(dialog) * lines), dialog.height())
    view = dialog.browser.files.current
    qtbot.waitUntil(lambda: view.isColumnHidden(KIND) is not shows_kind, timeout=PATIENCE)
    name, detail = view.columnWidth(NAME), view.columnWidth(DETAIL)
    assert 0.5 < name / detail < 2
    view.setColumnWidth(NAME, name + 30)  # as a person drags it
    dialog.resize(dialog.width() + 50, dialog.height())
    assert view.columnWidth(NAME) == name + 30
