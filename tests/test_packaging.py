"""What is shipped beside the programs agrees with them."""

import configparser
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from frontend.cli import verbs
from renderd.errors import FormatNewer, UsageError

ROOT = Path(__file__).parents[1]
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
