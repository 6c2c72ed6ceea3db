"""What is shipped beside the programs agrees with them."""

import configparser
import plistlib
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from frontend.cli import verbs
from fs_browser import brand
from renderd.errors import FormatNewer, UsageError

ROOT = Path(__file__).parents[1]
DESKTOP = ROOT / "packaging" / "desktop"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
UNITS = sorted((ROOT / "packaging" / "systemd").glob("*.service"))


def unit(path):
    parser = configparser.RawConfigParser(comment_prefixes="#", strict=True)
    parser.optionxform = str
    parser.read(path)
    return parser


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_systemd_does_not_start_again_what_starting_cannot_mend(path):
    prevented = unit(path)["Service"]["RestartPreventExitStatus"].split()
    assert prevented == [str(UsageError.exit_status), str(FormatNewer.exit_status)]


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_systemd_leaves_the_daemon_the_time_it_needs_to_give_chunks_back(path):
    service = unit(path)["Service"]
    assert (service["Type"], service["KillMode"]) == ("notify", "mixed")
    assert int(service["TimeoutStopSec"]) > 10
    assert service["OOMPolicy"] == "continue"


def test_the_launchd_agent_is_a_property_list():
    path = ROOT / "packaging" / "launchd" / "org.neogeo.renderd.plist"
    assert plistlib.loads(path.read_bytes())["KeepAlive"] == {"SuccessfulExit": False}


@pytest.fixture
def pages(tmp_path):
    script = str(ROOT / "packaging" / "man" / "make.py")
    code = f"import runpy, sys; sys.argv = ['make', {str(tmp_path)!r}]; "
    code += f"runpy.run_path({script!r}, run_name='__main__')"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    return tmp_path


def test_the_manual_pages_have_a_section_for_every_verb(pages):
    front, daemon = (
        (pages / "render.1").read_text("ascii"),
        (pages / "renderd.1").read_text("ascii"),
    )
    for name in verbs.NAMES:
        assert f".SH RENDER {name.upper()}\n.nf\nusage: render {name} " in front
    assert ".SH RENDERD INIT\n.nf\nusage: renderd init " in daemon
    assert ".SH SEE ALSO" in daemon


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_has_nothing_to_say_against_the_manual_pages(pages):
    for name in ("render.1", "renderd.1", "fs.1"):
        command = ["groff", "-man", "-Tutf8", "-ww", "-z", str(pages / name)]
        assert subprocess.run(command, check=True, capture_output=True).stderr == b""


def entry(program):
    return unit(DESKTOP / f"{program}.desktop")["Desktop Entry"]


@pytest.mark.parametrize("program", [brand.RENDER, brand.FS])
def test_a_desktop_knows_a_window_by_the_id_that_the_program_says(program):
    said = entry(program)
    assert said["StartupWMClass"] == said["Icon"] == program
    command = said["Exec"].split()[0]
    assert said["TryExec"] == command
    assert command in PROJECT["project"]["gui-scripts"]
    assert said["MimeType"] == "application/x-blender;"


def test_each_program_opens_what_a_desktop_hands_it():
    assert entry(brand.RENDER)["Exec"].endswith(" %F")
    assert entry(brand.FS)["Exec"].endswith(" %U")


@pytest.mark.parametrize("program", [brand.RENDER, brand.FS])
@pytest.mark.parametrize("size", [16, 32, 128])
def test_the_icon_is_drawn_at_every_size(qapp, program, size):
    drawn = brand.icon(program).pixmap(size, size).toImage()
    colours = {drawn.pixelColor(x, y).name() for x in range(size) for y in range(size // 4, size)}
    assert drawn.width() == size
    assert {"#f28c28", "#23272e"} <= colours


def test_the_wheel_brings_what_desktops_look_for():
    shared = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert all((ROOT / source).exists() for source in shared)
    assert {path.name for path in DESKTOP.iterdir()} <= {Path(source).name for source in shared}
    assert shared["fs_browser/art"] == "share/icons/hicolor/scalable/apps"
    icons = {path.stem for path in (ROOT / "fs_browser" / "art").glob("*.svg")}
    assert icons == {path.stem for path in DESKTOP.glob("*.desktop")}


def test_the_metainfo_names_the_desktop_files_the_commands_and_the_releases():
    found = ET.parse(DESKTOP / "org.neogeo.renderd.metainfo.xml").getroot()
    launchable = {one.text for one in found.iter("launchable")}
    assert launchable == {path.name for path in DESKTOP.glob("*.desktop")}
    assert {one.text for one in found.iter("binary")} == set(PROJECT["project"]["scripts"])
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    for release in found.iter("release"):
        assert f"## {release.get('version')} — {release.get('date')}" in changes


@pytest.mark.skipif(
    None in (shutil.which("desktop-file-validate"), shutil.which("appstreamcli")),
    reason="desktop-file-utils and appstream are not installed",
)
def test_the_desktops_own_tools_have_nothing_to_say_against_the_files():
    files = sorted(DESKTOP.glob("*.desktop"))
    done = subprocess.run(["desktop-file-validate", *files], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    words = ["appstreamcli", "validate", "--no-net", DESKTOP / "org.neogeo.renderd.metainfo.xml"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
