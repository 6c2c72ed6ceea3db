"""Makes the pictures of the documentation: every view of the window and of fs, dark and light.

make screenshots     or   .venv/bin/python packaging/pictures/shoot.py [--only NAME]

Needs Linux and Blender on PATH: the farm in the pictures lies in /mnt of a mount namespace of its
own, so that paths look as they do in a studio.  Frames are rendered once, into build/pictures.
"""

import argparse
import os
import shutil
import struct
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

os.environ |= {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": "1", "RENDERD_CONFIG": ""}

import psutil
from PIL import Image
from PyQt6.QtCore import QSettings, Qt, QtMsgType, qInstallMessageHandler
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QDialog, QWidget
from stage import FARM, PROJECT, Stage, is_apart

from frontend.gui.desk import Desk
from frontend.gui.views.add import AddDialog
from frontend.gui.views.person import ReportDialog
from frontend.gui.views.settings import SettingsDialog
from frontend.gui.views.window import Window
from frontend.gui.views.wizard import Wizard
from fs_browser import brand
from fs_browser.dialog import BrowserDialog
from fs_browser.models.reading import key_of
from fs_browser.theme import Scheme, Theme
from fs_browser.views.files import View
from renderd import config

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
IMAGES = ROOT / "docs" / "images"
BUILD = ROOT / "build" / "pictures"
HOME = Path("/mnt/home/artist")
FRAMES = {"sq010_sh020_dunes": 26, "sq010_sh040_city": 10, "sq020_sh010_rings": 24}
FRAMES["sq030_sh010_forest"] = 1  # for the picture in its file alone
THUMB = (128, 72)
COLOURS = 200  #: of a picture: enough for the window and for small frames
PATIENCE = 120.0  #: seconds
SIZE = (1360, 800)
HORIZONTAL = Qt.Orientation.Horizontal


def main() -> int:
    """Make the pictures; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="pictures whose names hold this")
    parser.add_argument("--to", type=Path, default=IMAGES, help="folder for the pictures")
    args = parser.parse_args()
    render()
    if not is_apart():
        return enter()
    os.environ |= {"HOME": str(HOME), "XDG_CACHE_HOME": str(HOME / ".cache")}
    os.environ["XDG_CONFIG_HOME"] = str(HOME / ".config")
    furnish()
    qInstallMessageHandler(_hear)
    app = QApplication([brand.RENDER])
    brand.introduce(app, brand.RENDER)
    theme = Theme(app, Scheme.DARK)
    stage = Stage(BUILD / "shots", BUILD)
    args.to.mkdir(parents=True, exist_ok=True)
    for scheme in (Scheme.DARK, Scheme.LIGHT):
        theme.choose(scheme)
        Studio(stage, scheme.value, args.to, args.only).shoot()
    print(f"{sum(p.stat().st_size for p in args.to.glob('*.png')) / 1e6:.2f} MB in {args.to}")
    os._exit(0)  # windows that were only shown have nothing to save


def _hear(_kind: QtMsgType, _where: object, words: str | None) -> None:
    if words and not words.startswith("This plugin does not support"):  # offscreen says it often
        print(words, file=sys.stderr)


def enter() -> int:
    """Run this program again where /mnt is empty and its own."""
    words = ["unshare", "--mount", *["--map-root-user"] * (os.geteuid() != 0)]
    words += ["sh", "-c", 'mount -t tmpfs none /mnt && exec "$@"', "sh", sys.executable, *sys.argv]
    return subprocess.run(words, check=False).returncode


def render() -> None:
    """Make the shots and their frames, where they were not made before."""
    blender = shutil.which("blender")
    if blender is None:
        raise SystemExit("the frames in the pictures need Blender on PATH")
    line = [blender, "--factory-startup", "-b", "--python-exit-code", "1"]
    if not (BUILD / "shots").exists():
        (BUILD / "shots").mkdir(parents=True)
        make = [*line, "-P", str(HERE / "scenes.py"), "--", str(BUILD / "shots")]
        subprocess.run(make, check=True, capture_output=True)
    for name, last in FRAMES.items():
        if not (BUILD / name / f"{last:04d}.png").exists():
            print(f"Rendering {last} frames of {name} …", flush=True)
            shot = [*line, str(BUILD / "shots" / f"{name}.blend"), "-o", str(BUILD / name / "####")]
            subprocess.run(
                [*shot, "-s", "1", "-e", str(last), "-a"], check=True, capture_output=True
            )
        stamp(BUILD / "shots" / f"{name}.blend", BUILD / name / "0001.png")


def stamp(shot: Path, frame: Path) -> None:
    """Put the picture into a .blend that Blender leaves there when it has a screen."""
    data = shot.read_bytes()
    assert data.startswith(b"BLENDER-v"), "a .blend that is not packed, of 64 bits"
    place = end = 12
    while (code := data[end : end + 4]) in (b"REND", b"TEST"):
        end += 24 + struct.unpack_from("<i", data, end + 4)[0]
        place = end if code == b"REND" else place
    with Image.open(frame) as picture:
        small = picture.convert("RGBA").resize(THUMB).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    body = struct.pack("<ii", *THUMB) + small.tobytes()
    head = struct.pack("<4siQii", b"TEST", len(body), 0, 0, 1)
    shot.write_bytes(data[:place] + head + body + data[end:])


def furnish() -> None:
    """Show the volumes of a studio in place of this machine's."""
    part = namedtuple("part", "mountpoint fstype device")
    found = [part("/", "ext4", "/dev/nvme0n1p2"), part("/mnt/proj", "nfs4", "nas:/proj")]
    psutil.disk_partitions = lambda **_: found
    room = namedtuple("room", "total used free")
    shutil.disk_usage = lambda path: (
        room(24 << 40, 15 << 40, 9 << 40)
        if path.startswith("/mnt")
        else room(1 << 40, 0, 640 << 30)
    )


class Studio:
    """Takes every picture in one colour scheme."""

    def __init__(self, stage: Stage, scheme: str, folder: Path, only: str) -> None:
        self.stage, self.scheme, self.folder, self.only = stage, scheme, folder, only
        path = HOME / f"{scheme}.ini"
        path.unlink(missing_ok=True)
        self.kept = QSettings(str(path), QSettings.Format.IniFormat)
        self.window = Window(Desk(config.load({"spool": str(FARM)}), self.kept))

    def shoot(self) -> None:
        """Take them all."""
        window = self.window
        window.resize(*SIZE)
        window.desk.start()
        window.show()
        until(lambda: len(window.desk.machines.records) == 8 and window.desk.jobs.records)
        self._fill_rings()
        for take in (
            *(self.jobs, self.sheet, self.crash, self.machines, self.history, self.why),
            *(self.add, self.settings, self.wizard, self.browser),
        ):
            if self.only in take.__name__:
                take()
        window.hide()
        window.stop()

    def _fill_rings(self) -> None:
        """As if the window had been open for ten minutes."""
        rings, now = self.window.desk.pulse.rings, time.monotonic()
        rings._turn = -1
        for at in range(120):
            rings.add(now - 5.0 * (119 - at), self.stage.memory(at, at / 119))

    def keep(self, widget: QWidget, name: str) -> None:
        """Save what a widget shows, with few colours."""
        self.stage.breathe()
        QTest.qWait(300)
        path = self.folder / f"{name}-{self.scheme}.png"
        widget.grab().save(str(path))
        with Image.open(path) as picture:
            few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            few.save(path, optimize=True)
        print(f"{path.name}  {path.stat().st_size // 1000} kB", flush=True)

    def pick(self, jid: str) -> None:
        """Select a job, and wait until its chunks and frames are shown."""
        window = self.window
        window.jobs.jobs.select(jid)
        window.jobs.jobs.setFocus()
        until(lambda: window.desk.picked_jobs == (jid,) and window.desk.chunks.records)
        settle()

    # -- pictures ---------------------------------------------------------------------------

    def jobs(self) -> None:
        """Jobs, chunks and the latest frame."""
        self.window.tabs.setCurrentIndex(0)
        self.pick(self.stage.jids["dunes"])
        self.window.jobs.chunks.scrollToBottom()
        self.keep(self.window, "jobs")

    def sheet(self) -> None:
        """The contact sheet."""
        window = self.window
        window.tabs.setCurrentIndex(0)
        self.pick(self.stage.jids["dunes"])
        window.desk.frames_wanted.emit()
        window.preview.all.setChecked(True)
        window.work.resizeDocks([window.preview_dock], [620], HORIZONTAL)
        settle()
        self.keep(window, "frames")
        window.preview.all.setChecked(False)
        window.work.resizeDocks([window.preview_dock], [420], HORIZONTAL)

    def crash(self) -> None:
        """Why a chunk failed, and its log."""
        window = self.window
        window.tabs.setCurrentIndex(0)
        self.pick(self.stage.jids["glass"])
        window.jobs.chunks.select(5)
        window.desk.log_wanted.emit()
        window.work.resizeDocks([window.log_dock], [620], HORIZONTAL)
        settle()
        self.keep(window, "crash")
        window.log_dock.hide()
        window.work.resizeDocks([window.preview_dock], [420], HORIZONTAL)

    def machines(self) -> None:
        """What machines do and have left."""
        self.window.tabs.setCurrentIndex(1)
        settle()
        self.keep(self.window, "machines")

    def history(self) -> None:
        """A day of the farm."""
        window = self.window
        window.tabs.setCurrentIndex(2)
        until(lambda: window.history._past is not None)
        settle()
        self.keep(window, "history")
        window.tabs.setCurrentIndex(0)

    def why(self) -> None:
        """Why a job waits, by machine."""
        window = self.window
        window.tabs.setCurrentIndex(0)
        self.pick(next(j.jid for j in window.desk.jobs.records.values() if "fog" in j.name))
        window.actions_["why"].trigger()
        dialog = until(lambda: window.findChild(ReportDialog))
        settle()
        self.keep(dialog, "why")
        close(dialog)

    def add(self) -> None:
        """Two files that are to be queued, and what speaks against it."""
        window = self.window
        window.add(
            [
                str(PROJECT / "shots" / n)
                for n in ("sq010_sh020_dunes.blend", "sq030_sh010_forest.blend")
            ]
        )
        dialog = until(lambda: window.findChild(AddDialog))
        dialog.form.out.setText("/mnt/proj/out/{scene}_v002_####")
        dialog.resize(1040, 760)
        until(lambda: dialog.adding.result.jobs and not dialog.adding.is_looking)
        settle()
        self.keep(dialog, "add")
        close(dialog)

    def settings(self) -> None:
        """Settings."""
        dialog = SettingsDialog(self.window, self.window.desk)
        dialog.show()
        self.keep(dialog, "settings")
        close(dialog)

    def wizard(self) -> None:
        """The first run: where, what the doctor says, what this machine does."""
        dialog = Wizard(self.window)
        dialog.show()
        dialog.folder.setText("/mnt/proj/farm")
        QTest.qWait(1500)
        self.keep(dialog, "wizard")
        dialog.next.click()
        until(lambda: dialog.steps.currentIndex() == 1 and dialog.busy.isHidden())
        dialog.next.click()
        until(lambda: dialog.steps.currentIndex() == 2)
        self.keep(dialog, "wizard-machine")
        close(dialog)
        shutil.rmtree("/mnt/proj/farm")

    def browser(self) -> None:
        """fs in its three views."""
        for view, name in (
            (View.DETAILS, "fs-details"),
            (View.LIST, "fs-list"),
            (View.TILES, "fs-thumbnails"),
        ):
            path = HOME / "fs.ini"
            path.unlink(missing_ok=True)
            kept = QSettings(str(path), QSettings.Format.IniFormat)
            dialog = BrowserDialog(None, str(PROJECT / "sq010"), kept=kept)
            dialog.setWindowTitle("fs")
            dialog.browser.show_as(view)
            dialog.resize(1040, 600)
            dialog.show()
            until(lambda d=dialog: d.browser.session.is_whole)
            dialog.browser.files.select_all()
            row = dialog.browser.files.selected()[-1]
            dialog.browser.files.select(key_of(row))
            settle()
            self.keep(dialog, name)
            close(dialog)


def close(dialog: QDialog) -> None:
    """Put a dialog away for good."""
    dialog.reject()
    dialog.deleteLater()
    QTest.qWait(50)


def settle() -> None:
    """Let threads draw pictures and read logs."""
    QTest.qWait(2500)


def until(claim: Callable[[], object]) -> object:
    """Let Qt work until a claim holds; its value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := claim()):
        if time.monotonic() > deadline:
            raise SystemExit("the window never came to show what a picture needs")
        QTest.qWait(50)
    return value


if __name__ == "__main__":
    sys.exit(main())
