"""Small pictures: made of every kind of file, kept where desktops look for them."""

import hashlib
import os
import shutil
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PyQt6.QtGui import QColor, QImage

sys.path.insert(0, str(Path(__file__).parents[1] / "blend"))

from blendmaker import Age, blend, header, tail, thumb

from fs_browser.core.kinds import Kind
from fs_browser.thumbs import cache, make

RED = QColor(255, 0, 0)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "thumbnails"


def pictured(path, kind):
    return cache.picture(str(path), kind, path.stat().st_mtime_ns)


def red(path, wide=640, high=320):
    image = QImage(wide, high, QImage.Format.Format_RGB32)
    image.fill(RED)
    assert image.save(str(path), "PNG")
    return path


def blender_file(path, wide=4, high=4):
    """A .blend whose picture is red in its middle rows, see-through above and below."""
    pixels = [
        b"\xff\0\0\xff" if y in (1, 2) else bytes(4) for y in range(high) for _ in range(wide)
    ]
    age = Age(405)
    path.write_bytes(header(age) + thumb(age, wide, high, b"".join(pixels)) + tail(age))
    return path


def test_a_picture_fits_and_is_kept_under_the_sum_of_its_address(tmp_path, home):
    path = red(tmp_path / "a b#ü.png")
    found = pictured(path, Kind.IMAGE)
    assert (found.width(), found.height()) == (256, 128)
    uri = f"file://{tmp_path}/a%20b%23%C3%BC.png"
    kept = home / "large" / f"{hashlib.md5(uri.encode()).hexdigest()}.png"
    image = QImage(str(kept))
    assert (image.text("Thumb::URI"), image.pixelColor(9, 9)) == (uri, RED)
    assert image.text("Thumb::MTime") == str(int(path.stat().st_mtime))
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_what_is_kept_serves_until_the_file_is_written_again(tmp_path):
    path = red(tmp_path / "a.png")
    pictured(path, Kind.IMAGE)
    seconds = path.stat().st_mtime
    path.write_bytes(b"no picture")
    os.utime(path, (seconds, seconds))
    assert pictured(path, Kind.IMAGE).pixelColor(9, 9) == RED
    os.utime(path, (seconds + 60, seconds + 60))
    assert pictured(path, Kind.IMAGE) is None


def test_a_failure_is_kept_and_tried_again_when_the_file_is_written(tmp_path, home):
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture")
    assert pictured(path, Kind.IMAGE) is None
    assert len(list((home / "fail").rglob("*.png"))) == 1
    seconds = path.stat().st_mtime
    red(path)
    os.utime(path, (seconds, seconds))
    assert pictured(path, Kind.IMAGE) is None  # the old failure still counts
    os.utime(path, (seconds + 60, seconds + 60))
    assert pictured(path, Kind.IMAGE).pixelColor(9, 9) == RED


def test_a_picture_of_the_cache_is_not_kept_again(home):
    (home / "large").mkdir(parents=True)
    red(home / "large" / "a.png")
    assert pictured(home / "large" / "a.png", Kind.IMAGE) is not None
    assert len(list(home.rglob("*.png"))) == 1


def test_a_blend_shows_what_blender_stored_without_its_empty_bars(tmp_path):
    found = pictured(blender_file(tmp_path / "a.blend"), Kind.BLEND)
    assert (found.width(), found.height(), found.pixelColor(0, 0)) == (4, 2, RED)
    (tmp_path / "none.blend").write_bytes(blend(Age(405)))
    assert pictured(tmp_path / "none.blend", Kind.BLEND) is None


def test_a_small_image_is_not_made_larger(tmp_path):
    found = make.image(str(red(tmp_path / "a.png", 30, 20)), Kind.IMAGE, 256)
    assert (found.width(), found.height()) == (30, 20)


def test_light_is_shown_as_a_screen_shows_it_the_combined_pass_first(tmp_path):
    oiio = pytest.importorskip("OpenImageIO")
    numpy = pytest.importorskip("numpy")
    names = [f"L.{which}.{c}" for which in ("AO", "Combined") for c in "RGB"]
    spec = oiio.ImageSpec(512, 256, 6, "half")
    spec.channelnames = names
    output = oiio.ImageOutput.create(str(tmp_path / "a.exr"))
    output.open(str(tmp_path / "a.exr"), spec)
    pixels = numpy.zeros((256, 512, 6), "float32")
    pixels[:, :, 3] = 0.2140  # sRGB's half
    output.write_image(pixels)
    output.close()
    found = pictured(tmp_path / "a.exr", Kind.IMAGE)
    assert (found.width(), found.height()) == (256, 128)
    colour = found.pixelColor(100, 60)
    assert (abs(colour.red() - 128) <= 1, colour.green(), colour.blue()) == (True, 0, 0)


def test_what_lacks_to_make_a_picture_is_no_failure_of_the_file(tmp_path, home, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"x")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert pictured(tmp_path / "a.mp4", Kind.MOVIE) is None
    assert not home.exists()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_movie_shows_its_first_frame(tmp_path):
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:s=64x32:d=0.2"]
    subprocess.run([*command, str(tmp_path / "a.mp4")], check=True)
    found = pictured(tmp_path / "a.mp4", Kind.MOVIE)
    assert found.pixelColor(5, 5).red() > 200


@pytest.mark.parametrize("size", [(2**30, 2**30), (0, 0), (1024, 1024)])
def test_a_picture_whose_size_lies_harms_nothing(tmp_path, size):
    path = red(tmp_path / "a.png")
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", *size)
    path.write_bytes(data)
    make.image(str(path), Kind.IMAGE, 256)
